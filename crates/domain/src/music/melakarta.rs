//! Melakarta arithmetic: all 72 scales from their number, and their numbers from their names.
//!
//! Nothing here is a list of scales: the number says which pair of R and G, which M and which pair of D and N
//! a mela has. The names are a list, and the katapayadi rule checks every one of them.

use crate::music::scale::{ScaleToken, Swara};
use Swara::{D1, D2, D3, G1, G2, G3, M1, M2, N1, N2, N3, P, R1, R2, R3, S};

/// The number of melas.
pub const MELAS: u8 = 72;

/// The lower pairs, in the order of the chakras.
const LOWER: [[Swara; 2]; 6] = [[R1, G1], [R1, G2], [R1, G3], [R2, G2], [R2, G3], [R3, G3]];
/// The upper pairs, in the order within a chakra.
const UPPER: [[Swara; 2]; 6] = [[D1, N1], [D1, N2], [D1, N3], [D2, N2], [D2, N3], [D3, N3]];

const CHAKRAS: [&str; 12] =
    ["Indu", "Netra", "Agni", "Veda", "Bana", "Rutu", "Rishi", "Vasu", "Brahma", "Disi", "Rudra", "Aditya"];

/// One accepted ISO 15919 spelling of each name (in composed letters), by number.
const NAMES: [&str; MELAS as usize] = [
    "kanakāṅgi",
    "ratnāṅgi",
    "gānamūrti",
    "vanaspati",
    "mānavati",
    "tānarūpi",
    "sēnāvati",
    "hanumatōḍi",
    "dhēnuka",
    "nāṭakapriya",
    "kōkilapriya",
    "rūpavati",
    "gāyakapriya",
    "vakuḷābharaṇaṁ",
    "māyāmāḷavagauḷa",
    "cakravākaṁ",
    "sūryakāntaṁ",
    "hāṭakāmbari",
    "jhaṅkāradhvani",
    "naṭhabhairavi",
    "kīravāṇi",
    "kharaharapriya",
    "gaurimanōhari",
    "varuṇapriya",
    "mārarañjani",
    "cārukēśi",
    "sarasāṅgi",
    "harikāmbhōji",
    "dhīraśaṅkarābharaṇaṁ",
    "nāganandini",
    "yāgapriya",
    "rāgavardhini",
    "gāṅgēyabhūṣaṇi",
    "vāgadhīśvari",
    "śūlini",
    "calanāṭa",
    "sālagaṁ",
    "jalārṇavaṁ",
    "jhālavarāḷi",
    "navanītaṁ",
    "pāvani",
    "raghupriya",
    "gavāmbōdhi",
    "bhavapriya",
    "śubhapantuvarāḷi",
    "ṣaḍvidhamārgiṇi",
    "suvarṇāṅgi",
    "divyamaṇi",
    "dhavaḷāmbari",
    "nāmanārāyaṇi",
    "kāmavardhini",
    "rāmapriya",
    "gamanāśrama",
    "viśvambari",
    "śyāmaḷāṅgi",
    "ṣaṇmukhapriya",
    "siṁhēndramadhyama",
    "hēmavati",
    "dharmavati",
    "nītimati",
    "kāntāmaṇi",
    "r̥ṣabhapriya",
    "latāṅgi",
    "vācaspati",
    "mēcakaḷyāṇi",
    "citrāmbari",
    "sucaritra",
    "jyōtisvarūpiṇi",
    "dhātuvardhani",
    "nāsikābhūṣaṇi",
    "kōsala",
    "rasikapriya",
];

/// The melas whose names count by the first consonant of a conjunct instead of the last.
const COUNTED_BY_FIRST: [u8; 7] = [16, 48, 54, 55, 57, 66, 68];

/// The seven swaras of mela `number`, from S up. None outside 1..=72.
pub fn scale(number: u8) -> Option<[Swara; 7]> {
    let index = index(number)?;
    let madhyama = if index < 36 { M1 } else { M2 };
    let [r, g] = LOWER[index % 36 / 6];
    let [d, n] = UPPER[index % 6];
    Some([S, r, g, madhyama, P, d, n])
}

/// The ascent of mela `number`, S to S of the octave above.
pub fn arohana(number: u8) -> Option<Vec<ScaleToken>> {
    let mut line: Vec<_> = scale(number)?.into_iter().map(ScaleToken::plain).collect();
    line.push(ScaleToken { octave: 1, ..ScaleToken::plain(S) });
    Some(line)
}

/// Its descent: the ascent backwards.
pub fn avarohana(number: u8) -> Option<Vec<ScaleToken>> {
    let mut line = arohana(number)?;
    line.reverse();
    Some(line)
}

/// The number of the mela that has exactly these swaras, in any order and however often each comes.
pub fn number_of(swaras: &[Swara]) -> Option<u8> {
    let wanted = names(swaras);
    (1..=MELAS).find(|number| scale(*number).is_some_and(|scale| names(&scale) == wanted))
}

/// The chakra of mela `number`: 1..=12 and its name.
pub fn chakra(number: u8) -> Option<(u8, &'static str)> {
    let chakra = index(number)? / 6;
    Some((chakra as u8 + 1, CHAKRAS[chakra]))
}

/// The place of mela `number` within its chakra, 1..=6.
pub fn position(number: u8) -> Option<u8> {
    Some(index(number)? as u8 % 6 + 1)
}

/// Whether mela `number` has one of the dissonant swaras G1, R3, N1, D3. Forty of the 72 have.
pub fn is_vivadi(number: u8) -> Option<bool> {
    Some(scale(number)?.iter().any(|swara| matches!(swara, G1 | R3 | N1 | D3)))
}

/// The name of mela `number` in ISO 15919.
pub fn name(number: u8) -> Option<&'static str> {
    Some(NAMES[index(number)?])
}

/// The mela number that the first two syllables of an ISO 15919 name spell: the consonant of the first is
/// the unit, that of the second the ten. In a conjunct the consonant next to the vowel counts, but for
/// seven names of the table that are known to count the first. None where they spell no mela.
pub fn katapayadi(name: &str) -> Option<u8> {
    let name = name.to_lowercase();
    let by_first = COUNTED_BY_FIRST.iter().any(|number| NAMES[usize::from(*number) - 1] == name);
    let [unit, ten] = first_two_syllables(&name)?.map(|syllable| {
        let digit = if by_first { syllable.first() } else { syllable.last() };
        digit.copied()
    });
    let number = ten? * 10 + unit?;
    (1..=MELAS).contains(&number).then_some(number)
}

fn index(number: u8) -> Option<usize> {
    (1..=MELAS).contains(&number).then(|| usize::from(number) - 1)
}

fn names(swaras: &[Swara]) -> u16 {
    swaras.iter().fold(0, |set, swara| set | 1 << *swara as u16)
}

/// Consonants with their digits; the longer spelling of two that begin alike comes first.
const DIGITS: [(&str, u8); 35] = [
    ("kh", 2),
    ("gh", 4),
    ("ch", 7),
    ("jh", 9),
    ("ṭh", 2),
    ("ḍh", 4),
    ("th", 7),
    ("dh", 9),
    ("ph", 2),
    ("bh", 4),
    ("k", 1),
    ("g", 3),
    ("ṅ", 5),
    ("c", 6),
    ("j", 8),
    ("ñ", 0),
    ("ṭ", 1),
    ("ḍ", 3),
    ("ṇ", 5),
    ("t", 6),
    ("d", 8),
    ("n", 0),
    ("p", 1),
    ("b", 3),
    ("m", 5),
    ("ṁ", 5),
    ("y", 1),
    ("r", 2),
    ("l", 3),
    ("v", 4),
    ("ś", 5),
    ("ṣ", 6),
    ("s", 7),
    ("h", 8),
    ("ḥ", 8),
];

/// The digits of the consonants before the first and before the second vowel.
fn first_two_syllables(name: &str) -> Option<[Vec<u8>; 2]> {
    // The vocalic r at the beginning is read as `ri`; the ring is a mark of its own.
    let read = name.strip_prefix("r\u{325}").map_or_else(|| name.to_owned(), |rest| format!("ri{rest}"));
    let mut rest = read.as_str();
    let mut syllables = [consonants(&mut rest), Vec::new()];
    vowels(&mut rest)?;
    syllables[1] = consonants(&mut rest);
    vowels(&mut rest)?;
    Some(syllables)
}

fn consonants(rest: &mut &str) -> Vec<u8> {
    let mut digits = Vec::new();
    while let Some((spelling, digit)) = DIGITS.iter().find(|(spelling, _)| rest.starts_with(spelling)) {
        digits.push(*digit);
        *rest = &rest[spelling.len()..];
    }
    digits
}

/// Steps over at least one vowel.
fn vowels(rest: &mut &str) -> Option<()> {
    let after = rest.trim_start_matches(['a', 'ā', 'i', 'ī', 'u', 'ū', 'e', 'ē', 'o', 'ō']);
    (after.len() < rest.len()).then(|| *rest = after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_number_has_its_own_scale_and_is_found_by_it() {
        let mut seen = HashSet::new();
        for number in 1..=MELAS {
            let scale = scale(number).unwrap();
            assert!(seen.insert(scale));
            assert_eq!(number_of(&scale), Some(number));
            let pitches = scale.map(Swara::position);
            assert!(pitches.is_sorted_by(|low, high| low < high), "{number} does not rise");
        }
        assert_eq!((scale(0), scale(73), number_of(&[S, P])), (None, None, None));
    }

    #[test]
    fn known_melas_have_the_scales_that_everybody_sings() {
        assert_eq!(scale(8), Some([S, R1, G2, M1, P, D1, N2]));
        assert_eq!(scale(15), Some([S, R1, G3, M1, P, D1, N3]));
        assert_eq!(scale(22), Some([S, R2, G2, M1, P, D2, N2]));
        assert_eq!(scale(29), Some([S, R2, G3, M1, P, D2, N3]));
        assert_eq!(scale(36), Some([S, R3, G3, M1, P, D3, N3]));
        assert_eq!(scale(65), Some([S, R2, G3, M2, P, D2, N3]));
        assert_eq!(scale(72), Some([S, R3, G3, M2, P, D3, N3]));
    }

    #[test]
    fn the_second_half_differs_in_the_madhyama_alone() {
        for number in 1..=36 {
            let mut expected = scale(number).unwrap();
            expected[3] = M2;
            assert_eq!(scale(number + 36), Some(expected));
        }
    }

    #[test]
    fn forty_melas_are_vivadi() {
        assert_eq!((1..=MELAS).filter(|number| is_vivadi(*number) == Some(true)).count(), 40);
    }

    #[test]
    fn chakras_hold_six_each() {
        assert_eq!((chakra(1), position(1)), (Some((1, "Indu")), Some(1)));
        assert_eq!((chakra(29), position(29)), (Some((5, "Bana")), Some(5)));
        assert_eq!((chakra(72), position(72)), (Some((12, "Aditya")), Some(6)));
        for number in 1..=MELAS {
            assert_eq!((chakra(number).unwrap().0 - 1) * 6 + position(number).unwrap(), number);
        }
    }

    #[test]
    fn every_name_spells_its_number() {
        for number in 1..=MELAS {
            let name = name(number).unwrap();
            assert_eq!(katapayadi(name), Some(number), "{name}");
        }
    }

    #[test]
    fn exactly_the_seven_exceptions_need_their_own_rule() {
        let needing = (1..=MELAS).filter(|number| {
            let [unit, ten] = first_two_syllables(NAMES[usize::from(*number) - 1]).unwrap();
            unit.last().zip(ten.last()).map(|(unit, ten)| ten * 10 + unit) != Some(*number)
        });
        assert_eq!(needing.collect::<Vec<_>>(), COUNTED_BY_FIRST);
    }

    #[test]
    fn what_spells_no_mela_has_no_number() {
        for text in ["", "a", "ka", "rrr", "śś", "ñana", "12", "dādā", "ग"] {
            assert_eq!(katapayadi(text), None, "{text}");
        }
    }

    #[test]
    fn ascent_and_descent_mirror_each_other() {
        let line = arohana(29).unwrap();
        assert_eq!(line.len(), 8);
        assert_eq!((line[0].octave, line[7].octave), (0, 1));
        assert!(line.iter().rev().eq(&avarohana(29).unwrap()));
    }
}
