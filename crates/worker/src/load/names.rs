//! Names as a catalogue shows them, made from one spelling in ISO 15919.

use domain::Name;
use domain::name::{AliasScheme, NameRole};
use lipi::{Notation, Scheme, Script, transliterate};

/// The scripts in which every name is made, beside Latin.
const SCRIPTS: [Script; 5] =
    [Script::Devanagari, Script::Tamil, Script::Telugu, Script::Kannada, Script::Malayalam];

/// What a record is called: the spelling to show, the one in ISO 15919, and the other scripts made from it.
pub fn of_iso(iso: &str, display: Option<&str>) -> Vec<Name> {
    let shown = display.map_or_else(|| concert(iso), str::to_owned);
    let mut names = vec![Name { machine_made: display.is_none(), ..latin(&shown) }];
    if shown != iso {
        names.push(Name {
            role: NameRole::Alias,
            alias_scheme: Some(AliasScheme::SpellingVariant),
            note: Some("ISO 15919".to_owned()),
            ..latin(iso)
        });
    }
    names.extend(in_scripts(iso, Scheme::Iso15919));
    names
}

/// Marks the shown names as shared on purpose, each with `mark` (in ISO 15919) in its own script.
pub fn tell_apart(names: &mut [Name], mark: &str) {
    for name in names.iter_mut().filter(|name| name.role == NameRole::Display) {
        name.homonym_ok = true;
        name.disambiguator = Some(match name.script {
            Script::Latin => concert(mark),
            script => transliterate(mark, Notation::Latin(Scheme::Iso15919), Notation::Script(script)),
        });
    }
}

/// The name in every other script, marked as made by a program; a script that cannot hold it is left out.
pub fn in_scripts(text: &str, scheme: Scheme) -> Vec<Name> {
    SCRIPTS
        .into_iter()
        .map(|script| (script, transliterate(text, Notation::Latin(scheme), Notation::Script(script))))
        .filter(|(script, made)| !made.trim().is_empty() && lipi::script_of(made) == *script)
        .map(|(script, made)| Name { script, machine_made: true, ..Name::display(made.trim()) })
        .collect()
}

/// A name in Latin letters, whatever its letters look like.
pub fn latin(text: &str) -> Name {
    Name { script: Script::Latin, ..Name::display(text) }
}

/// Another name, in the script of its letters.
pub fn alias(text: &str, scheme: AliasScheme) -> Name {
    Name { role: NameRole::Alias, alias_scheme: Some(scheme), ..Name::display(text) }
}

/// Adds `name` unless the list has the same text already in any role.
pub fn push_new(names: &mut Vec<Name>, name: Name) {
    if !names.iter().any(|known| known.text == name.text) {
        names.push(name);
    }
}

/// The plain spelling of concert programmes: `Mokshamu galada` for `mōkṣamu galadā`.
pub fn concert(iso: &str) -> String {
    let letters: Vec<char> = iso.chars().collect();
    let mut out = String::with_capacity(iso.len());
    for (at, letter) in letters.iter().enumerate() {
        let next = letters.get(at + 1).copied();
        match letter {
            'c' if next == Some('c') => out.push('c'),
            'c' => out.push_str("ch"),
            'ś' => out.push('s'),
            'ṣ' => out.push_str("sh"),
            'ḻ' => out.push_str("zh"),
            'ṁ' | 'ṃ' => out.push(if next.is_some_and(is_stop_behind_the_lips) { 'n' } else { 'm' }),
            // The ring below: what stands before it is a vowel.
            '\u{325}' => out.push('i'),
            '\'' | '\u{2019}' => {}
            other => out.push(without_marks(*other)),
        }
    }
    capitalised(out.trim())
}

/// The same text in plain letters: `Kanakambari` for `Kanakāmbari`. Only the marks go.
pub fn plain(text: &str) -> String {
    text.chars().filter(|letter| !is_combining(*letter)).map(without_marks).collect()
}

/// Lower-case ASCII words joined by hyphens, for addresses and keys; at most [`SLUG_BYTES_MAX`] bytes. What
/// has marks is read as ISO 15919; what has none is a concert spelling already.
pub fn slug(text: &str) -> String {
    let shown = if text.is_ascii() { text.to_owned() } else { concert(text) };
    let mut out = String::new();
    for letter in shown.chars().map(|letter| letter.to_ascii_lowercase()) {
        if out.len() >= SLUG_BYTES_MAX {
            break;
        }
        if letter.is_ascii_alphanumeric() {
            out.push(letter);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    out.trim_end_matches('-').to_owned()
}

/// The longest wanted slug, in bytes.
const SLUG_BYTES_MAX: usize = 80;

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

const fn is_stop_behind_the_lips(letter: char) -> bool {
    matches!(letter, 'k' | 'g' | 'c' | 'j' | 'ṭ' | 'ḍ' | 't' | 'd')
}

const fn is_combining(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}')
}

const fn without_marks(letter: char) -> char {
    match letter {
        'ā' | 'à' | 'á' | 'â' => 'a',
        'ī' | 'í' | 'ì' => 'i',
        'ū' | 'ú' | 'ù' => 'u',
        'ē' | 'é' | 'è' => 'e',
        'ō' | 'ó' | 'ò' => 'o',
        'ṭ' | 'ţ' => 't',
        'ḍ' | 'đ' => 'd',
        'ṇ' | 'ñ' | 'ṅ' | 'ṉ' => 'n',
        'ḷ' => 'l',
        'ṟ' | 'ṛ' => 'r',
        'ḥ' => 'h',
        'ś' | 'ṣ' => 's',
        'ṁ' | 'ṃ' => 'm',
        'Ā' => 'A',
        'Ī' => 'I',
        'Ū' => 'U',
        'Ē' => 'E',
        'Ō' => 'O',
        'Ś' | 'Ṣ' => 'S',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concert_spelling_is_what_programmes_print() {
        let cases = [
            ("mōkṣamu galadā", "Mokshamu galada"),
            ("br̥haspatē", "Brihaspate"),
            ("cētulāra śr̥ṅgāramu", "Chetulara sringaramu"),
            ("kamalāmbā saṁrakṣatu mām", "Kamalamba samrakshatu mam"),
            ("śaṁkuru", "Sankuru"),
            ("haṁsadhvani", "Hamsadhvani"),
            ("iccitē", "Icchite"),
            ("bhajē'haṁ", "Bhajeham"),
        ];
        for (iso, shown) in cases {
            assert_eq!(concert(iso), shown);
        }
    }

    #[test]
    fn every_script_gets_a_machine_made_name() {
        let names = of_iso("mōhanaṁ", Some("Mohanam"));
        assert_eq!(names[0].text, "Mohanam");
        assert!(!names[0].machine_made);
        assert_eq!(names[1].text, "mōhanaṁ");
        let made: Vec<_> = names[2..].iter().map(|name| (name.script, name.machine_made)).collect();
        assert_eq!(made, SCRIPTS.map(|script| (script, true)));
    }

    #[test]
    fn a_homonym_is_told_apart_in_every_script() {
        let mut names = of_iso("kalāvati", Some("Kalavati"));
        tell_apart(&mut names, "cakravākaṁ");
        let shown: Vec<_> = names
            .iter()
            .filter(|name| name.role == NameRole::Display)
            .map(|name| (name.script, name.shown().into_owned()))
            .collect();
        assert_eq!(shown[0], (Script::Latin, "Kalavati (Chakravakam)".to_owned()));
        assert_eq!(shown[1], (Script::Devanagari, "कलावति (चक्रवाकं)".to_owned()));
        assert_eq!(shown.len(), 6);
        assert!(names.iter().all(|name| name.homonym_ok == (name.role == NameRole::Display)));
    }

    #[test]
    fn slugs_are_plain() {
        assert_eq!(slug("śrī viśvanāthaṁ bhajē'haṁ"), "sri-visvanatham-bhajeham");
        assert_eq!(slug("T. N. Baala"), "t-n-baala");
        assert_eq!(slug("Charukesi"), "charukesi");
        assert!(slug(&"ā ".repeat(500)).len() <= SLUG_BYTES_MAX);
    }
}
