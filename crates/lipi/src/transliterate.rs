//! Display text in another script or scheme. Machine-made: whoever shows it marks it so.

use crate::latin;
use crate::romanize::{
    convert_with, for_each_piece, is_mark_or_joiner, nasal_before, raw_iso, spoken_nasals, table_of,
    to_iso15919,
};
use crate::script::{Scheme, Script};
use unicode_normalization::UnicodeNormalization;
use vidyut_lipi::Scheme as Table;

/// How a text is written: in a script, or in Latin letters by a scheme.
///
/// `Script(Script::Latin)` stands for ISO 15919.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Notation {
    /// A script.
    Script(Script),
    /// A scheme of Latin letters.
    Latin(Scheme),
}

/// Writes a text in another notation.
///
/// Only stretches in the source notation change; other scripts, digits, spaces and punctuation stay as
/// they are, so that a Latin word inside a Telugu text survives. Indic to Indic and Latin to Indic are
/// exact as far as the target has the letters. Tamil has no voiced or aspirated stops, so what becomes
/// Tamil cannot come back; it is written without pronunciation figures, as readers know it.
pub fn transliterate(text: &str, from: Notation, to: Notation) -> String {
    let (from, to) = (settled(from), settled(to));
    if from == to {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for_each_piece(
        text,
        |piece, convert| {
            if convert { out.push_str(&piece_between(piece, from, to)) } else { out.push_str(piece) }
        },
        |c| belongs_to(c, from),
    );
    out.nfc().collect()
}

/// Latin as a script is ISO 15919.
const fn settled(notation: Notation) -> Notation {
    match notation {
        Notation::Script(Script::Latin) => Notation::Latin(Scheme::Iso15919),
        other => other,
    }
}

fn belongs_to(c: char, from: Notation) -> bool {
    match from {
        Notation::Script(script) => Script::of_char(c) == Some(script) || is_mark_or_joiner(c),
        Notation::Latin(scheme) => {
            Script::of_char(c) == Some(Script::Latin) || is_mark_or_joiner(c) || is_sign_of(c, scheme)
        }
    }
}

/// Punctuation that a scheme uses as part of a letter.
const fn is_sign_of(c: char, scheme: Scheme) -> bool {
    match scheme {
        Scheme::Itrans => matches!(c, '~' | '^'),
        Scheme::BlogHk | Scheme::KarnatikHk | Scheme::Karnatik => matches!(c, '\'' | '’' | '`' | '^'),
        Scheme::Iso15919 => c == ':',
        Scheme::Iast | Scheme::Hk | Scheme::Concert => false,
    }
}

fn piece_between(piece: &str, from: Notation, to: Notation) -> String {
    match (from, to) {
        (Notation::Script(source), Notation::Script(target)) => {
            iso_to_script(&raw_iso(piece, source), target, source != Script::Tamil)
        }
        (Notation::Script(source), Notation::Latin(scheme)) => {
            iso_to_latin(&to_iso15919(piece, source), scheme)
        }
        (Notation::Latin(scheme), Notation::Script(target)) => {
            iso_to_script(&latin_to_iso(piece, scheme).to_lowercase(), target, scheme != Scheme::Iso15919)
        }
        (Notation::Latin(scheme), Notation::Latin(target)) => {
            iso_to_latin(&latin_to_iso(piece, scheme), target)
        }
    }
}

fn latin_to_iso(piece: &str, scheme: Scheme) -> String {
    let piece: String = piece.nfc().collect();
    match scheme {
        Scheme::Iso15919 => piece,
        Scheme::Iast => latin::read_iast(&piece),
        Scheme::Itrans => convert_with(&piece, Table::Itrans, Table::Iso15919),
        Scheme::Hk => convert_with(&piece, Table::HarvardKyoto, Table::Iso15919),
        Scheme::BlogHk | Scheme::KarnatikHk | Scheme::Karnatik | Scheme::Concert => {
            latin::read(&piece, scheme)
        }
    }
}

fn iso_to_latin(iso: &str, scheme: Scheme) -> String {
    match scheme {
        Scheme::Iso15919 => iso.to_owned(),
        Scheme::Iast => latin::write_iast(iso),
        Scheme::Itrans => convert_with(&iso.to_lowercase(), Table::Iso15919, Table::Itrans),
        Scheme::Hk => convert_with(&iso.to_lowercase(), Table::Iso15919, Table::HarvardKyoto),
        Scheme::BlogHk | Scheme::KarnatikHk | Scheme::Karnatik | Scheme::Concert => latin::write(iso, scheme),
    }
}

/// ISO 15919 in a script, in the spelling its readers expect. `from_other`: the text comes from where
/// Tamil's two n are not told apart.
fn iso_to_script(iso: &str, target: Script, from_other: bool) -> String {
    let Some(table) = table_of(target) else { return iso.to_owned() };
    let convert = |iso: &str| {
        apart(iso).into_iter().map(|part| convert_with(&part, Table::Iso15919, table)).collect::<String>()
    };
    let iso = within_reach(iso, target);
    match target {
        Script::Telugu | Script::Kannada => convert(&anusvaras(&iso, |_| true)),
        Script::Tamil if from_other => tamil(&convert(&alveolar_n(&spoken_nasals(&iso)))),
        Script::Tamil => tamil(&convert(&spoken_nasals(&iso))),
        Script::Malayalam => {
            chillus(&convert(&anusvaras(&spoken_nasals(&iso), |stop| matches!(stop, 'g' | 'b'))))
        }
        _ => convert(&iso),
    }
}

/// The text cut where two vowels meet and stay two: `sāī`, `maī`, `praüga`. The tables look at letters without
/// their marks and would read a diphthong, or one vowel, there; a part that begins with a vowel gives its
/// letter. `ai` and `au` are diphthongs, `ï` and `ü` say that they are none.
fn apart(iso: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut before, mut closed) = ('\0', false);
    for c in iso.nfc() {
        let plain = match c {
            'ï' => 'i',
            'ü' => 'u',
            other => other,
        };
        let meets = is_iso_vowel(plain) && is_iso_vowel(before);
        let is_diphthong = meets && !closed && before == 'a' && matches!(c, 'i' | 'u');
        if meets && !is_diphthong {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push(plain);
        }
        (before, closed) = (plain, is_diphthong);
    }
    parts
}

const fn is_iso_vowel(c: char) -> bool {
    matches!(c, 'a' | 'ā' | 'i' | 'ī' | 'u' | 'ū' | 'e' | 'ē' | 'o' | 'ō')
}

/// Replaces sounds that the target has no letter for by the nearest it has. Left alone they come out as
/// code points that no font shows.
fn within_reach(iso: &str, target: Script) -> String {
    use Script::{Bengali, Devanagari, Grantha, Gujarati, Kannada, Malayalam, Tamil, Telugu};
    let has_nukta = matches!(target, Devanagari | Bengali | Gujarati);
    let has_dravidian = matches!(target, Devanagari | Tamil | Telugu | Kannada | Malayalam);
    let mut out = String::with_capacity(iso.len());
    for c in iso.nfc() {
        match c {
            'w' => out.push('v'),
            'x' => out.push_str("kṣ"),
            'z' if !has_nukta => out.push('j'),
            'f' if !has_nukta => out.push_str("ph"),
            'q' if !has_nukta => out.push('k'),
            'ṛ' if !has_nukta => out.push('ḍ'),
            'ṉ' if !matches!(target, Tamil | Devanagari) => out.push('n'),
            'ṯ' => out.push(if matches!(target, Tamil | Malayalam) { 'ṟ' } else { 't' }),
            'ṟ' if !has_dravidian => out.push('r'),
            'ḻ' | 'ḷ' if target == Bengali => out.push('l'),
            'ḻ' if !has_dravidian => out.push('ḷ'),
            'e' if matches!(target, Bengali | Gujarati | Grantha) => out.push('ē'),
            'o' if matches!(target, Bengali | Gujarati | Grantha) => out.push('ō'),
            '\'' if target == Tamil => {}
            _ => out.push(c),
        }
    }
    out
}

/// The nasal of a stop's own row as anusvara, where `before` says so of the stop: Telugu and Kannada
/// write it before all, Malayalam before g and b.
fn anusvaras(iso: &str, before: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(iso.len());
    let mut chars = iso.chars().peekable();
    while let Some(c) = chars.next() {
        let own = chars.peek().is_some_and(|next| before(*next) && nasal_before(*next) == Some(c));
        out.push(if own { 'ṁ' } else { c });
    }
    out
}

/// Tamil writes n as ன except at the start of a word and before t.
fn alveolar_n(iso: &str) -> String {
    let mut out = String::with_capacity(iso.len());
    let mut before = '\0';
    let mut chars = iso.chars().peekable();
    while let Some(c) = chars.next() {
        let dental = chars.peek().is_some_and(|next| matches!(next, 't' | 'd'));
        let inside = before.is_alphabetic() || is_mark_or_joiner(before);
        out.push(if c == 'n' && inside && !dental { 'ṉ' } else { c });
        before = c;
    }
    out
}

/// Without the figures and signs that tell apart what Tamil writes alike, and with its own visarga.
fn tamil(text: &str) -> String {
    let figure = |c: &char| matches!(c, '²' | '³' | '⁴' | '₂' | '₃' | '₄' | 'ʼ' | 'ˮ');
    text.chars().filter(|c| !figure(c)).map(|c| if c == '꞉' { 'ஃ' } else { c }).collect()
}

/// Malayalam writes a final n, r, l, ḷ, ṇ, and r before most consonants, by a letter of its own.
fn chillus(text: &str) -> String {
    const VIRAMA: char = '\u{D4D}';
    let letters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < letters.len() {
        let bare = letters.get(at + 1) == Some(&VIRAMA);
        match chillu(letters[at], letters.get(at + 2).copied()).filter(|_| bare) {
            Some(chillu) => {
                out.push(chillu);
                at += 2;
            }
            None => {
                out.push(letters[at]);
                at += 1;
            }
        }
    }
    out
}

fn chillu(letter: char, next: Option<char>) -> Option<char> {
    let last = next.is_none_or(|next| Script::of_char(next) != Some(Script::Malayalam));
    match letter {
        'ണ' if last => Some('ൺ'),
        'ന' if last => Some('ൻ'),
        'ല' if last => Some('ൽ'),
        'ള' if last => Some('ൾ'),
        'ര' if last || !matches!(next, Some('ര' | 'യ' | 'വ')) => Some('ർ'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn script(script: Script) -> Notation {
        Notation::Script(script)
    }

    const fn latin(scheme: Scheme) -> Notation {
        Notation::Latin(scheme)
    }

    #[test]
    fn a_name_is_shown_in_every_script_and_scheme() {
        let name = "శ్రీ త్యాగరాజ సంగీతం";
        for (to, wanted) in [
            (script(Script::Devanagari), "श्री त्यागराज संगीतं"),
            (script(Script::Tamil), "ஶ்ரீ த்யாகராஜ ஸங்கீதம்"),
            (script(Script::Kannada), "ಶ್ರೀ ತ್ಯಾಗರಾಜ ಸಂಗೀತಂ"),
            (script(Script::Malayalam), "ശ്രീ ത്യാഗരാജ സംഗീതം"),
            (script(Script::Bengali), "শ্রী ত্যাগরাজ সংগীতং"),
            (script(Script::Gujarati), "શ્રી ત્યાગરાજ સંગીતં"),
            (script(Script::Grantha), "𑌶𑍍𑌰𑍀 𑌤𑍍𑌯𑌾𑌗𑌰𑌾𑌜 𑌸𑌂𑌗𑍀𑌤𑌂"),
            (script(Script::Latin), "śrī tyāgarāja saṅgītaṁ"),
            (latin(Scheme::Iso15919), "śrī tyāgarāja saṅgītaṁ"),
            (latin(Scheme::Iast), "śrī tyāgarāja saṅgītaṃ"),
            (latin(Scheme::Itrans), "shrI tyAgarAja sa~NgItaM"),
            (latin(Scheme::Hk), "zrI tyAgarAja saGgItaM"),
            (latin(Scheme::BlogHk), "SrI tyAgarAja sangItaM"),
        ] {
            assert_eq!(transliterate(name, script(Script::Telugu), to), wanted);
        }
    }

    #[test]
    fn each_scheme_is_read_into_a_script() {
        for (scheme, text) in [
            (Scheme::Iso15919, "Śrī kr̥ṣṇa śaraṇaṁ"),
            (Scheme::Iast, "śrī kṛṣṇa śaraṇaṃ"),
            (Scheme::Itrans, "shrI kRRiShNa sharaNaM"),
            (Scheme::Hk, "zrI kRSNa zaraNaM"),
            (Scheme::BlogHk, "SrI kRshNa SaraNaM"),
            (Scheme::KarnatikHk, "shrI kRSNa sharaNaM"),
        ] {
            assert_eq!(
                transliterate(text, latin(scheme), script(Script::Telugu)),
                "శ్రీ కృష్ణ శరణం",
                "{scheme}"
            );
        }
    }

    #[test]
    fn what_is_not_in_the_source_notation_stays() {
        let text = "రామ (Op. 3), १२ ௧௨।";
        let shown = transliterate(text, script(Script::Telugu), script(Script::Kannada));
        assert_eq!(shown, "ರಾಮ (Op. 3), १२ ௧௨।");
        let shown = transliterate("rāma: రామ 12.", latin(Scheme::Iso15919), script(Script::Devanagari));
        assert_eq!(shown, "राम: రామ 12.");
    }

    #[test]
    fn every_script_comes_back_from_iso_unchanged() {
        for (source, texts) in [
            (Script::Devanagari, &["कृष्ण", "संगीत", "शङ्कर", "ज्ञानम्", "तालः", "रंगपुरविहार", "अइ", "ताळ"][..]),
            (Script::Telugu, &["కృష్ణ", "ఎందరో మహానుభావులు", "సంగీత", "శంకరాభరణం", "దుఃఖ", "నాళ"]),
            (Script::Kannada, &["ಕೃಷ್ಣ ನೀ ಬೇಗನೆ", "ಸಂಗೀತ", "ಎಂದರೋ", "ಕಂಚಿ", "ಹೇಳಿ"]),
            (Script::Malayalam, &["കൃഷ്ണ", "സംഗീതം", "രാമൻ", "അംബാ", "പഴനി", "ധർമ്മം", "കാറ്റ്", "തിരുനാൾ"]),
            (Script::Tamil, &["பழனி", "முருகன்", "அந்நியன்", "நின்னை", "வெற்றி", "ஸ்ரீ ராம", "சங்கீதம்", "கண்ணே"]),
        ] {
            for text in texts {
                let iso = transliterate(text, script(source), latin(Scheme::Iso15919));
                assert_eq!(&transliterate(&iso, latin(Scheme::Iso15919), script(source)), text, "by {iso}");
            }
        }
    }

    #[test]
    fn scripts_that_hold_the_same_letters_round_trip_through_each_other() {
        let scripts = [Script::Devanagari, Script::Telugu, Script::Kannada];
        for text in ["కృష్ణ", "సంగీత", "ఎందరో", "శంకరాభరణం", "గౌళ"]
        {
            for through in scripts {
                let there = transliterate(text, script(Script::Telugu), script(through));
                assert_eq!(transliterate(&there, script(through), script(Script::Telugu)), text);
            }
        }
    }

    #[test]
    fn tamil_spelling_is_the_readers_own() {
        let tamil = |text| transliterate(text, latin(Scheme::BlogHk), script(Script::Tamil));
        assert_eq!(tamil("nandana"), "நந்தன");
        assert_eq!(tamil("kRshNa"), "க்ருஷ்ண");
        assert_eq!(tamil("bhagavAn"), "பகவான்");
    }

    #[test]
    fn two_vowels_that_meet_stay_two() {
        for (iso, devanagari, telugu, tamil, malayalam) in [
            ("sāī", "साई", "సాఈ", "ஸாஈ", "സാഈ"),
            ("maī", "मई", "మఈ", "மஈ", "മഈ"),
            ("praüga", "प्रउग", "ప్రఉగ", "ப்ரஉக", "പ്രഉഗ"),
            ("kaï", "कइ", "కఇ", "கஇ", "കഇ"),
            ("bhāī rē", "भाई रे", "భాఈ రే", "பாஈ ரே", "ഭാഈ രേ"),
            ("taū", "तऊ", "తఊ", "தஊ", "തഊ"),
            ("kai gau", "कै गौ", "కై గౌ", "கை கௌ", "കൈ ഗൗ"),
            ("aiā", "ऐआ", "ఐఆ", "ஐஆ", "ഐആ"),
        ] {
            let shown = |to| transliterate(iso, latin(Scheme::Iso15919), script(to));
            assert_eq!(shown(Script::Devanagari), devanagari, "{iso}");
            assert_eq!(shown(Script::Telugu), telugu, "{iso}");
            assert_eq!(shown(Script::Tamil), tamil, "{iso}");
            assert_eq!(shown(Script::Malayalam), malayalam, "{iso}");
        }
    }

    #[test]
    fn two_vowels_come_back_as_two() {
        for text in ["साई", "मई", "भाई", "प्रउग", "तऊ", "कइ"] {
            let iso = transliterate(text, script(Script::Devanagari), latin(Scheme::Iso15919));
            let back = transliterate(&iso, latin(Scheme::Iso15919), script(Script::Devanagari));
            assert_eq!(back, text, "by {iso}");
            let telugu = transliterate(text, script(Script::Devanagari), script(Script::Telugu));
            let back = transliterate(&telugu, script(Script::Telugu), script(Script::Devanagari));
            assert_eq!(back, text, "by {telugu}");
        }
    }

    #[test]
    fn sounds_without_a_letter_take_the_nearest() {
        let show = |to| transliterate("anṉa paḻaṟi zafar e", latin(Scheme::Iso15919), script(to));
        for to in Script::ALL.into_iter().filter(|to| *to != Script::Latin) {
            assert!(
                show(to).chars().all(|c| c == ' ' || Script::of_char(c) == Some(to)),
                "{to}: {}",
                show(to)
            );
        }
    }

    fn any_notation() -> impl Strategy<Value = Notation> {
        let scripts = Script::ALL.map(Notation::Script);
        let schemes = Scheme::ALL.map(Notation::Latin);
        prop::sample::select([scripts.as_slice(), schemes.as_slice()].concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_500))]

        #[test]
        fn any_text_in_any_pair_is_answered_within_bounds(
            text in prop_oneof!["\\PC{0,30}", "[a-zA-ZāīūṭḍṇśṣṁḥRRiM~^':.\\\\ ]{0,40}", "[\u{900}-\u{d7f}]{0,30}"],
            from in any_notation(),
            to in any_notation(),
        ) {
            let shown = transliterate(&text, from, to);
            prop_assert_eq!(&shown, &transliterate(&text, from, to));
            prop_assert!(shown.len() <= 40 * text.len());
        }

        #[test]
        fn words_of_simple_syllables_come_back(
            syllables in prop::collection::vec(
                ("(k|kh|g|c|j|ṭ|ḍ|ṇ|t|th|d|dh|n|p|b|bh|m|y|r|l|v|ś|ṣ|s|h|ḷ)", "(a|ā|i|ī|u|ū|r̥|e|ē|ai|o|ō|au)"),
                1..8,
            ),
            target in prop::sample::select(vec![Script::Devanagari, Script::Telugu, Script::Kannada, Script::Malayalam]),
        ) {
            let word: String = syllables.iter().flat_map(|(c, v)| [c.as_str(), v.as_str()]).collect();
            let shown = transliterate(&word, latin(Scheme::Iso15919), script(target));
            prop_assert_eq!(transliterate(&shown, script(target), latin(Scheme::Iso15919)), word);
        }
    }
}
