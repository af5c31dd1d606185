//! The rules with their pairs, the names that must stay apart, and what holds for any text.

use super::*;
use proptest::prelude::*;

fn one_key(rule: &str, spellings: &[&str]) {
    for spelling in spellings {
        assert_eq!(k1_joined(spelling), k1_joined(spellings[0]), "{rule}: {spelling} and {}", spellings[0]);
    }
}

fn different_keys(names: &[&str], key: impl Fn(&str) -> String) {
    for (at, a) in names.iter().enumerate() {
        for b in &names[at + 1..] {
            assert_ne!(key(a), key(b), "{a} and {b}");
        }
    }
}

#[test]
fn every_rule_joins_its_spellings() {
    for (rule, spellings) in [
        ("palatal stops", &["cala", "chala", "chhala"][..]),
        ("doubled palatals", &["pacca", "paccha", "patcha", "pachcha"]),
        ("kṣ", &["lakṣmi", "lakshmi", "lakchmi", "lakSmi", "laxmi", "lakshhmi"]),
        ("sibilants", &["śiva", "siva", "shiva", "Siva"]),
        ("retroflex sibilant", &["ṣaṣṭi", "shashti", "sasti", "shhashhti"]),
        ("Tamil ḻ", &["paḻani", "pazhani", "palani"]),
        ("retroflex l", &["tāḷa", "tALa", "tala"]),
        ("jñ", &["jñāna", "jnana", "gnana", "gnyana", "gyana", "dnyana", "jJAna", "j~nAna"]),
        ("aspirates", &["khagaghana", "kagagana"]),
        ("t and th", &["gati", "gathi", "gaTi", "gaThi"]),
        ("d and dh", &["vidya", "vidhya"]),
        ("p, ph and f", &["phala", "pala", "fala"]),
        ("b and bh", &["bhava", "bava"]),
        ("v and w", &["svara", "swara"]),
        ("k and q", &["kalki", "qalqi"]),
        ("j and z", &["raja", "raza"]),
        ("long a", &["rāma", "raama", "rAma", "rama"]),
        ("long i", &["sīta", "seeta", "siita", "sIta", "sita"]),
        ("long u", &["mūla", "moola", "muula", "mUla", "mula"]),
        ("long e", &["dēva", "daeva", "dEva", "deva"]),
        ("long o", &["mōha", "moaha", "mOha", "moha"]),
        ("au", &["gauri", "gowri", "gouri", "gavri"]),
        ("ai", &["vaidya", "veidya", "vaydya"]),
        ("initial ye", &["endaro", "yendaro"]),
        ("initial vo", &["okapari", "vokapari"]),
        ("glide y", &["priya", "pria", "priyya"]),
        ("glide v", &["suvarna", "suarna"]),
        ("nasal before a labial", &["kambhoji", "kanbhoji", "kaMbhoji"]),
        ("nasal before others", &["haṁsa", "hamsa", "hansa"]),
        ("vocalic r", &["kr̥ṣṇa", "kṛṣṇa", "krsna", "krishna", "krushna"]),
        ("initial vocalic r", &["r̥ṣi", "rishi", "rushi", "RRiShi", "R^iShi"]),
        ("geminates", &["siddhi", "sidhi", "sidi"]),
    ] {
        one_key(rule, spellings);
    }
}

#[test]
fn joints_fold_like_the_inside_of_a_word() {
    one_key("glide", &["hari yoga", "hariyoga", "harioga"]);
    one_key("nasal", &["santatam pahi", "santatampahi", "santatanpahi"]);
    one_key("nasal", &["rajam sri", "rajansri"]);
    one_key("geminate", &["vala lola", "valalola", "valallola"]);
}

#[test]
fn voicing_is_kept_by_k1_and_dropped_by_k2() {
    different_keys(&["kana", "gana"], k1_joined);
    different_keys(&["tala", "dala"], k1_joined);
    different_keys(&["pala", "bala"], k1_joined);
    for (a, b) in [("tyāgarāja", "த்யாகராஜ"), ("sai", "cē"), ("gaula", "kola"), ("jaya", "caya")]
    {
        assert_eq!(k2_joined(a), k2_joined(b));
    }
}

#[test]
fn scheme_hints_read_what_plain_text_cannot_say() {
    assert_eq!(k1_joined_with("viSAlAkSI zAyI", Some(Scheme::Hk)), k1_joined("viśālākṣī śāyī"));
    assert_eq!(k1_joined_with("mAtR", Some(Scheme::BlogHk)), k1_joined("mātr̥"));
    assert_eq!(k1_joined("Ritigowla"), k1_joined("ritigaula"), "a capital is no vocalic r in plain text");
    assert_eq!(k1_joined("Rama"), "rama");
    assert_eq!(k1_joined_with("bhaje.ahaM", Some(Scheme::Itrans)), k1_joined("bhajE'haM"));
}

#[test]
fn signs_that_are_no_letters_never_matter() {
    one_key("avagraha", &["भजेऽहम्", "भजेहम्", "bhajE'haM", "bhajE’haM"]);
    one_key("nukta", &["फ़ल", "फल", "pala"]);
    one_key("joiners", &["ര്\u{200D}", "ർ", "r"]);
    one_key("zero width", &["क्\u{200C}ष", "क्ष", "kṣa"]);
    one_key("composition", &["kr\u{325}s\u{323}n\u{323}a", "kr̥ṣṇa"]);
    one_key("om", &["ॐ", "ॐ।", "om", "ௐ"]);
    assert_eq!(k2_joined("பா⁴வ க³ணபதி"), k2_joined("பாவ கணபதி"));
    assert_eq!(k2_joined("க3ணபதி"), k2_joined("கணபதி"));
}

#[test]
fn mixed_queries_fold_run_by_run() {
    one_key("two words", &["రామ neepai", "rāma nīpai", "राम నీపై"]);
    one_key("one word", &["రామneepai", "ramanipai"]);
}

#[test]
fn digits_are_ascii_in_every_script() {
    for text in ["108", "१०८", "௧௦௮", "౧౦౮", "೧೦೮", "൧൦൮", "১০৮", "૧૦૮"]
    {
        assert_eq!(k1_joined(text), "108", "{text}");
    }
}

#[test]
fn short_words_are_never_lost() {
    for text in ["Śrī", "श्री", "శ్రీ", "ಶ್ರೀ", "ശ്രീ", "ஸ்ரீ", "sri", "Shree"]
    {
        assert_eq!(k1_joined(text), "sri", "{text}");
        assert_eq!(raga_key(text), "sri", "{text}");
    }
    assert_eq!(k1_joined("ēkam"), "ekam");
    assert_eq!(raga_key("m"), "m");
    assert_eq!(k1_joined("ऽ"), "ऽ");
}

#[test]
fn sri_in_one_word_equals_sri_in_two() {
    one_key("Śrī", &["Srirama", "Sri Rama", "shreeraama", "श्रीराम", "శ్రీ రామ"]);
    one_key("Śrī", &["srinivasa", "sri nivasa"]);
    one_key("śr̥", &["śr̥ṅgāra", "sringara", "shrungara", "srngara"]);
    one_key("sr̥", &["sr̥ṣṭi", "srishti", "srushti"]);
}

#[test]
fn homonymous_ragas_share_a_key_for_the_alias_table_to_part() {
    for (a, b) in [
        ("Shreemati", "Srimati"),
        ("Poornalalita", "Poornalalitha"),
        ("Kalavati", "Kalavathi"),
        ("Jeevantika", "Jeevanthika"),
        ("Shree", "Sri"),
        ("Dvigandharabhooshani", "Dwigandharabhooshani"),
        ("Poorvi", "Purvi"),
    ] {
        assert_eq!(k1_joined(a), k1_joined(b));
        assert_eq!(raga_key(a), raga_key(b));
    }
}

#[test]
fn kanada_and_kannada_differ_by_raga_key() {
    assert_eq!(k1_joined("Kānaḍā"), k1_joined("Kannaḍa"));
    for (kanada, kannada) in
        [("Kānaḍā", "Kannaḍa"), ("కానడ", "కన్నడ"), ("कानडा", "कन्नड"), ("Kanada", "KannaDa")]
    {
        assert_eq!((raga_key(kanada), raga_key(kannada)), ("kanada".into(), "kannada".into()));
    }
}

#[test]
fn distinct_ragas_have_distinct_keys() {
    for names in [
        &["Kanada", "Kannada"][..],
        &["Bhairavi", "Bhairavam", "Natabhairavi"],
        &["Abhogi", "Bhogi"],
        &["Asaveri", "Saveri"],
        &["Ranjani", "Niranjani", "Shreeranjani", "Janaranjani", "Manoranjani"],
        &["Balahamsa", "Kalahamsa"],
        &["Ramapriya", "Samapriya"],
        &["Nagachudamani", "Ragachudamani"],
        &["Shankara", "Shankari"],
        &["Latangi", "Lavangi"],
        &["Kadaram", "Kedaram"],
        &["Gayakapriya", "Gamakapriya", "Gamanapriya"],
        &["Reethigowla", "Narireethigowla"],
        &["Dhamavathi", "Dharmavati"],
    ] {
        different_keys(names, raga_key);
    }
}

#[test]
fn one_raga_in_several_spellings_has_one_key() {
    for names in [
        &["Gaula", "Gowla", "gauLa"][..],
        &["Gauri", "Gowri"],
        &["Bauli", "Bowli"],
        &["Riti Gaula", "Reethigowla", "rIti gauLa"],
        &["Mohana", "Mohanam"],
        &["Bhairava", "Bhairavam"],
        &["khamAs", "Kamas"],
        &["ghurjari", "Gurjari"],
        &["Andali", "Andhali", "AndALi"],
        &["Gauri Manohari", "Gourimanohari"],
        &["dhAmavati", "Dhamavathi"],
        &["vIra vasanta", "vIra vasantaM", "Veeravasantham"],
        &["hindOla vasantaM", "Hindolavasanta"],
        &["Brindavana Saranga", "bRndAvana sAranga", "Brundavana Saranga"],
        &["Yadukula Kambhoji", "yadukulakāmbhōji", "YADUKULAKAMBHOJI"],
        &["Deva Manohari", "dēvamanōhari"],
        &["Suddha Saveri", "śuddhasāvēri"],
        &["Navarasa Kannada", "navarasakannaḍa"],
    ] {
        for name in names {
            assert_eq!(raga_key(name), raga_key(names[0]), "{name} and {}", names[0]);
        }
    }
}

#[test]
fn forbidden_foldings_do_not_happen() {
    different_keys(&["rama", "rima", "rema", "roma"], k1_joined);
    different_keys(&["bhairavi", "bhairava", "bhairavam"], k1_joined);
    different_keys(&["abhogi", "bhogi"], k1_joined);
    different_keys(&["ranjani", "niranjani", "sriranjani"], k1_joined);
    different_keys(&["sri raga", "raga"], k1_joined);
    let dikshitars =
        ["Muthuswami Dikshitar", "Ramaswami Dikshitar", "Baluswami Dikshitar", "Subbarama Dikshitar"];
    different_keys(&dikshitars, k1_joined);
    different_keys(&dikshitars, k2_joined);
    different_keys(&["Ramaswami Dikshitar", "Ramaswami Sivan"], k1_joined);
}

#[test]
fn a_typed_prefix_in_a_script_begins_the_full_key() {
    for title in [
        "కృష్ణ ప్రియ హంస శంకర జ్ఞాన",
        "ಕೃಷ್ಣ ಪ್ರಿಯ ಹಂಸ ಶಂಕರ ಸುವರ್ಣ",
        "कृष्ण प्रिय हंस शंकर सन्मति",
        "കൃഷ്ണ പ്രിയ ഹംസ ശങ്കര രംഗ",
        "வாதாபி கணபதிம் பஜேஹம் சிவன்",
    ] {
        let full = k1_joined(title);
        for (end, _) in title.char_indices().skip(1).chain([(title.len(), ' ')]) {
            let typed = &title[..end];
            let next = title[end..].chars().next().and_then(Script::indic);
            if next.is_some_and(|(_, offset)| offset == crate::grapheme::VIRAMA) {
                continue;
            }
            let prefix = k1_prefix(typed);
            assert!(full.starts_with(&prefix), "{typed} gives {prefix}, not of {full}");
        }
    }
}

#[test]
fn a_typed_latin_prefix_loses_the_vowel_that_may_be_vocalic_r() {
    for (typed, title) in
        [("kri", "krishna"), ("Shri kru", "sri krishna"), ("priy", "priya"), ("ri", "rishi")]
    {
        assert!(k1_joined(title).starts_with(&k1_prefix(typed)), "{typed}");
    }
    assert_eq!(k1_prefix("kri "), "kr");
    assert_eq!(k1_prefix("sri rama"), "srirama");
    assert_eq!(k1_prefix("bhakthi"), "bakti");
    assert_eq!(k1_prefix("rama 10,"), "rama10");
}

#[test]
fn long_input_is_cut_at_a_character() {
    let long = "రామ ".repeat(100_000);
    let cut = &long[..TEXT_BYTES_MAX - TEXT_BYTES_MAX % 10];
    assert!(k1_joined(&long).len() <= k1_joined(cut).len() + 4);
    assert!(k1_joined(&"క్".repeat(500_000)).len() < TEXT_BYTES_MAX);
    assert!(!k1_prefix(&"a".repeat(1_000_000)).is_empty());
}

/// Keys over a whole catalogue, where one lies beside the workspace.
#[test]
fn titles_of_the_catalogue_stay_apart() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/catalogue/krithis.csv");
    let Ok(csv) = std::fs::read_to_string(path) else {
        println!("SKIPPED: no catalogue at {path}; distinct keys not counted");
        return;
    };
    let mut titles = 0_usize;
    let mut k1 = std::collections::BTreeSet::new();
    let mut k2 = std::collections::BTreeSet::new();
    for line in csv.lines().skip(1) {
        let mut cells = line.split(',').skip(1);
        let (Some(title), Some(scheme)) = (cells.next(), cells.next()) else { continue };
        let key = k1_joined_with(title, scheme.parse().ok());
        assert!(!key.is_empty(), "{title}");
        titles += 1;
        k2.insert(k2_of_k1(&key));
        k1.insert(key);
    }
    println!("{titles} titles, {} distinct k1, {} distinct k2", k1.len(), k2.len());
    assert!(k1.len() * 100 > titles * 95, "k1 merges too much");
    assert!(k1.len() - k2.len() < 20, "k2 merges too much");
}

/// Any text, with the letters and signs that matter more often than chance has them.
fn any_text() -> impl Strategy<Value = String> {
    let sample = prop::sample::select(
        "aAeiouRryvmnscjkghtdpbSzZwfxqLMH'~^. \u{301}\u{323}\u{325}\u{304}\u{200C}\u{200D}अकषरिृ्ंः़ऽॐறனழ்ாி²க3కృష్ఞంంౘಕೃ್ಷൻർ്ററ𑌕𑍍০র়ઽ١ß\u{0}😀"
            .chars()
            .collect::<Vec<_>>(),
    );
    prop::collection::vec(prop_oneof![3 => sample, 1 => any::<char>()], 0..40)
        .prop_map(|chars| chars.into_iter().collect())
}

fn any_hint() -> impl Strategy<Value = Option<Scheme>> {
    prop::option::of(prop::sample::select(Scheme::ALL.to_vec()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn folding_is_total_deterministic_and_bounded(text in any_text(), hint in any_hint()) {
        let key = k1_joined_with(&text, hint);
        prop_assert_eq!(&key, &k1_joined_with(&text, hint));
        prop_assert!(key.len() <= 40 * text.len(), "{} from {}", key.len(), text.len());
        prop_assert!(k2_of_k1(&key).len() <= key.len());
        prop_assert!(raga_key(&text).len() <= 40 * text.len());
        prop_assert!(k1_prefix(&text).len() <= 40 * text.len());
    }

    #[test]
    fn tokens_lie_in_order_inside_the_text(text in any_text(), hint in any_hint()) {
        let mut end = 0;
        for (at, token) in k1_tokens(&text, hint).into_iter().enumerate() {
            prop_assert!(token.bytes.start >= end && token.bytes.end > token.bytes.start);
            prop_assert!(text.get(token.bytes.clone()).is_some());
            prop_assert!(!token.k1.is_empty());
            prop_assert_eq!(token.position as usize, at);
            end = token.bytes.end;
        }
    }

    #[test]
    fn a_letter_of_a_script_is_never_lost(
        before in any_text(),
        block in prop::sample::select(Script::ALL.to_vec()),
        offset in 0x05_u32..0x3A,
        after in any_text(),
    ) {
        let letter = char::from_u32(block.block().map_or('a' as u32 + offset % 26, |first| first + offset))
            .filter(|c| c.is_alphabetic());
        if let Some(letter) = letter {
            let text = format!("{before}{letter}{after}");
            prop_assert!(!k1_joined(&text).is_empty());
            prop_assert!(!raga_key(&text).is_empty());
            prop_assert!(!k2_joined(&text).is_empty());
        }
    }

    #[test]
    fn case_and_composition_of_plain_text_never_matter(text in "[a-z āīūēōṅñṇṭḍśṣḥṁḷḻ]{0,30}") {
        prop_assert_eq!(k1_joined(&text.to_uppercase()), k1_joined(&text));
        prop_assert_eq!(k1_joined(&text.nfd().collect::<String>()), k1_joined(&text));
    }
}
