//! Latin spelling schemes that no table covers, read into and written from ISO 15919.
//!
//! The sources spell by habit rather than by standard, so reading is best effort: length and retroflexion
//! are only as good as the source shows them.

use crate::romanize::nasal_before;
use crate::script::Scheme;
use unicode_normalization::UnicodeNormalization;

/// One sound in ISO 15919 and its spellings; the first of a list is the one that is written.
struct Sound {
    iso: &'static str,
    /// Spellings of `blog_hk`; `karnatik_hk` differs in the sibilants alone.
    capitals: &'static [&'static str],
    /// Spellings of `karnatik`.
    doubled: &'static [&'static str],
    /// Spellings of `concert`.
    concert: &'static [&'static str],
}

const fn sound(
    iso: &'static str,
    capitals: &'static [&'static str],
    doubled: &'static [&'static str],
    concert: &'static [&'static str],
) -> Sound {
    Sound { iso, capitals, doubled, concert }
}

/// Every sound. Where a scheme writes two sounds alike, the commoner one comes first: it is what reading
/// gives.
const SOUNDS: [Sound; 55] = [
    sound("a", &["a"], &["a"], &["a"]),
    sound("ā", &["A", "aa"], &["aa"], &["a", "aa"]),
    sound("i", &["i"], &["i"], &["i"]),
    sound("ī", &["I"], &["ee", "ii"], &["ee", "ii"]),
    sound("u", &["u"], &["u"], &["u"]),
    sound("ū", &["U"], &["oo", "uu"], &["oo", "uu"]),
    sound("r̥", &["R"], &["ru"], &["ri"]),
    sound("r̥̄", &["RR"], &["roo"], &["ri"]),
    sound("e", &["e"], &["e"], &["e"]),
    sound("ē", &["E"], &["e", "ae"], &["e", "ae"]),
    sound("ai", &["ai"], &["ai"], &["ai", "ei"]),
    sound("o", &["o"], &["o"], &["o"]),
    sound("ō", &["O"], &["o", "oa"], &["o", "oa"]),
    sound("au", &["au"], &["ow", "au"], &["ow", "au", "ou"]),
    sound("k", &["k"], &["k"], &["k", "q"]),
    sound("kh", &["kh"], &["kh"], &["kh"]),
    sound("g", &["g"], &["g"], &["g"]),
    sound("gh", &["gh"], &["gh"], &["gh"]),
    sound("c", &["c"], &["c"], &["ch", "c"]),
    sound("ch", &["ch"], &["ch"], &["chh"]),
    sound("j", &["j"], &["j"], &["j", "z"]),
    sound("jh", &["jh"], &["jh"], &["jh"]),
    sound("t", &["t"], &["t"], &["t", "th"]),
    sound("th", &["th"], &["th"], &["th"]),
    sound("d", &["d"], &["d"], &["d"]),
    sound("dh", &["dh"], &["dh"], &["dh"]),
    sound("n", &["n"], &["n"], &["n"]),
    sound("ṭ", &["T"], &["t"], &["t"]),
    sound("ṭh", &["Th"], &["th"], &["th"]),
    sound("ḍ", &["D"], &["d"], &["d"]),
    sound("ḍh", &["Dh"], &["dh"], &["dh"]),
    sound("ṇ", &["N"], &["n", "N"], &["n"]),
    sound("ṅ", &["n"], &["n"], &["n"]),
    sound("ñ", &["n"], &["n"], &["n"]),
    sound("ṉ", &["n"], &["n"], &["n"]),
    sound("p", &["p"], &["p"], &["p"]),
    sound("ph", &["ph"], &["ph"], &["ph", "f"]),
    sound("b", &["b"], &["b"], &["b"]),
    sound("bh", &["bh"], &["bh"], &["bh"]),
    sound("m", &["m"], &["m"], &["m"]),
    sound("y", &["y"], &["y"], &["y"]),
    sound("r", &["r"], &["r"], &["r"]),
    sound("ṟ", &["r"], &["r"], &["r"]),
    sound("l", &["l"], &["l"], &["l"]),
    sound("v", &["v", "w"], &["v", "w"], &["v", "w"]),
    sound("ś", &["S"], &["sh"], &["sh"]),
    sound("ṣ", &["sh"], &["shh", "S"], &["sh"]),
    sound("s", &["s"], &["s"], &["s"]),
    sound("h", &["h"], &["h"], &["h"]),
    sound("ḷ", &["L"], &["l", "L"], &["l"]),
    sound("ḻ", &["zh"], &["zh"], &["zh"]),
    sound("kṣ", &["ksh"], &["ksh"], &["ksh", "x"]),
    sound("ṁ", &["M"], &["m"], &["m"]),
    sound("ḥ", &["H"], &["h"], &["h"]),
    sound("ṯ", &["T"], &["t"], &["t"]),
];

/// Longest spelling and longest ISO letter, in bytes: how far ahead a match may look.
const SPELLING_BYTES_MAX: usize = 6;

impl Sound {
    /// Whether a reader may take a spelling for this sound. Without capitals, `ri` and `ru` are what they
    /// say far more often than a vocalic r.
    fn is_read(&self, scheme: Scheme) -> bool {
        !(matches!(scheme, Scheme::Karnatik | Scheme::Concert) && matches!(self.iso, "r̥" | "r̥̄"))
    }

    fn spellings(&self, scheme: Scheme) -> &'static [&'static str] {
        match (scheme, self.iso) {
            (Scheme::KarnatikHk, "ś") => &["sh"],
            (Scheme::KarnatikHk, "ṣ") => &["S"],
            (Scheme::KarnatikHk, "kṣ") => &["kS", "ksh"],
            (Scheme::Karnatik, _) => self.doubled,
            (Scheme::Concert, _) => self.concert,
            _ => self.capitals,
        }
    }
}

/// Reads a scheme without a table into ISO 15919; letters it does not know stay.
///
/// `Concert` and `Karnatik` take capitals for the start of a name. In `Concert`, `th` is t, as printed
/// programmes have it.
pub(crate) fn read(text: &str, scheme: Scheme) -> String {
    let text = text.nfc().collect::<String>();
    let lowered = if scheme == Scheme::Concert { text.to_lowercase() } else { text };
    let joined = lowered.chars().filter(|c| !matches!(c, '\'' | '’' | '‘' | '`' | '^')).collect::<String>();
    let mut out = String::with_capacity(joined.len() * 2);
    let mut rest = joined.as_str();
    while let Some(first) = rest.chars().next() {
        match longest(rest, scheme).or_else(|| capital(rest, first, scheme)) {
            Some((sound, bytes)) => {
                out.push_str(sound.iso);
                rest = &rest[bytes..];
            }
            None => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    settle_nasals(&match scheme {
        Scheme::Karnatik | Scheme::Concert => settle_sibilants(&out),
        _ => out,
    })
}

/// What a scheme with one `sh` and no retroflexes must mean: ś never stands before t, and these two words
/// are most of what stands before n.
fn settle_sibilants(iso: &str) -> String {
    iso.replace("kriśn", "kr̥ṣṇ").replace("krśn", "kr̥ṣṇ").replace("viśn", "viṣṇ").replace("śt", "ṣṭ")
}

/// Reads IAST, which spells the vocalic l like the retroflex consonant: it is the vowel where no vowel
/// stands beside it. E and o without a sign of length are long, as in Sanskrit.
pub(crate) fn read_iast(text: &str) -> String {
    let letters: Vec<char> = text.to_lowercase().nfc().collect();
    let mut out = String::with_capacity(text.len() * 2);
    for (at, c) in letters.iter().enumerate() {
        let beside = |at: Option<usize>| at.and_then(|at| letters.get(at)).is_some_and(|c| is_iso_vowel(*c));
        match c {
            'ṛ' => out.push_str("r̥"),
            'ṝ' => out.push_str("r̥̄"),
            'ḹ' => out.push_str("l̥̄"),
            'ḷ' if !beside(at.checked_sub(1)) && !beside(Some(at + 1)) => out.push_str("l̥"),
            'ṃ' => out.push('ṁ'),
            'e' => out.push('ē'),
            'o' => out.push('ō'),
            _ => out.push(*c),
        }
    }
    out
}

const fn is_iso_vowel(c: char) -> bool {
    matches!(c, 'a' | 'ā' | 'i' | 'ī' | 'u' | 'ū' | 'e' | 'ē' | 'o' | 'ō' | 'ḷ')
}

/// Writes ISO 15919 as IAST; the consonants IAST lacks keep their ISO letters.
pub(crate) fn write_iast(iso: &str) -> String {
    let iso: String = iso.nfc().collect();
    iso.replace("r̥̄", "ṝ")
        .replace("r̥", "ṛ")
        .replace("l̥̄", "ḹ")
        .replace("l̥", "ḷ")
        .replace('ṁ', "ṃ")
        .replace('ē', "e")
        .replace('ō', "o")
}

/// The sound with the longest spelling the text begins with; of equals the first.
fn longest(text: &str, scheme: Scheme) -> Option<(&'static Sound, usize)> {
    let mut best: Option<(&'static Sound, usize)> = None;
    for sound in SOUNDS.iter().filter(|sound| sound.is_read(scheme)) {
        for spelling in sound.spellings(scheme) {
            if best.is_none_or(|(_, bytes)| spelling.len() > bytes) && text.starts_with(spelling) {
                best = Some((sound, spelling.len()));
            }
        }
    }
    best
}

/// A capital that means nothing in the scheme is the start of a name.
fn capital(text: &str, first: char, scheme: Scheme) -> Option<(&'static Sound, usize)> {
    let lower = first.is_ascii_uppercase().then(|| first.to_ascii_lowercase())?;
    let end = text
        .char_indices()
        .map(|(at, c)| at + c.len_utf8())
        .take_while(|end| *end <= SPELLING_BYTES_MAX)
        .last()?;
    let head = format!("{lower}{}", &text[1..end.max(1)]);
    longest(&head, scheme)
}

/// The nasal of the row of its stop, and ñ after j: these schemes write a plain n.
fn settle_nasals(iso: &str) -> String {
    let mut out = String::with_capacity(iso.len());
    let mut before = '\0';
    let mut chars = iso.chars().peekable();
    while let Some(c) = chars.next() {
        let after = chars.peek().copied().unwrap_or('\0');
        let settled = match (c, nasal_before(after)) {
            ('n', _) if before == 'j' => 'ñ',
            ('n', Some(nasal)) if nasal != 'm' => nasal,
            _ => c,
        };
        out.push(settled);
        before = c;
    }
    out
}

/// Writes ISO 15919 in a scheme without a table; letters it does not know stay.
pub(crate) fn write(iso: &str, scheme: Scheme) -> String {
    let iso: String = iso.nfc().collect();
    let mut out = String::with_capacity(iso.len());
    let mut rest = iso.as_str();
    while let Some(first) = rest.chars().next() {
        let sound = SOUNDS.iter().filter(|sound| rest.starts_with(sound.iso)).max_by_key(|s| s.iso.len());
        match sound {
            Some(sound) => {
                out.push_str(sound.spellings(scheme).first().copied().unwrap_or(sound.iso));
                rest = &rest[sound.iso.len()..];
            }
            None => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_and_doubled_vowels_become_iso() {
        for (text, scheme, iso) in [
            ("SrI kRshNa jnAnaM", Scheme::BlogHk, "śrī kr̥ṣṇa jñānaṁ"),
            ("viSAlAkshI panca", Scheme::BlogHk, "viśālākṣī pañca"),
            ("shrI viSaya bhUSaNa", Scheme::KarnatikHk, "śrī viṣaya bhūṣaṇa"),
            ("shree raamaa kooDali gowla", Scheme::Karnatik, "śrī rāmā kūdali gaula"),
            ("Krishna Thyagaraja Gowla", Scheme::Concert, "kr̥ṣṇa tyagaraja gaula"),
            ("bhajE'haM", Scheme::BlogHk, "bhajēhaṁ"),
        ] {
            assert_eq!(read(text, scheme), iso, "{text}");
        }
    }

    #[test]
    fn iso_is_written_in_the_habit_of_the_scheme() {
        let iso = "śrī kr̥ṣṇa jñānaṁ bhūṣaṇa";
        assert_eq!(write(iso, Scheme::BlogHk), "SrI kRshNa jnAnaM bhUshaNa");
        assert_eq!(write(iso, Scheme::KarnatikHk), "shrI kRSNa jnAnaM bhUSaNa");
        assert_eq!(write(iso, Scheme::Karnatik), "shree krushhna jnaanam bhooshhana");
        assert_eq!(write(iso, Scheme::Concert), "shree krishna jnanam bhooshana");
    }

    #[test]
    fn capitals_schemes_round_trip() {
        for iso in ["śrī kr̥ṣṇa", "jñāna pañcaratna", "ṭhāṭha ḍamaru gauḷa", "ēḻa sahajaṁ"]
        {
            for scheme in [Scheme::BlogHk, Scheme::KarnatikHk] {
                assert_eq!(read(&write(iso, scheme), scheme), iso);
            }
        }
    }

    #[test]
    fn iast_tells_its_two_dotted_l_apart_by_their_place() {
        assert_eq!(read_iast("Tāḷam kḷpta kṛṣṇa gole"), "tāḷam kl̥pta kr̥ṣṇa gōlē");
        assert_eq!(write_iast("tāḷam kl̥pta kr̥ṣṇa gōlē"), "tāḷam kḷpta kṛṣṇa gole");
    }
}
