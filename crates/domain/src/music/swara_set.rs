//! Sets of swaras as twelve bits: graha bheda, and the search for ragas by their swaras.

use crate::music::scale::{ScaleMistake, Swara, swara_set};
use crate::music::{Raga, ScaleToken};
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// The pitch classes of a scale. Bit n is the note n half tones above S; bit 0 is S itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SwaraSet(u16);

/// How the swaras of a raga are to stand to those that were asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SetMatch {
    /// The raga has these and no others.
    #[default]
    Exact,
    /// The raga has these and perhaps others.
    Superset,
    /// The raga has no others, and perhaps not all of these.
    Subset,
}

/// Which line of a raga is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SetDirection {
    /// The swaras of both lines taken together.
    #[default]
    Either,
    /// Each of the two lines by itself.
    Both,
    /// The ascent alone.
    Arohana,
    /// The descent alone.
    Avarohana,
}

/// "Which ragas use these swaras?"
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwaraQuery {
    pub wanted: SwaraSet,
    pub matching: SetMatch,
    pub direction: SetDirection,
    /// Also ragas that have the wanted swaras when another of their notes is taken for S.
    pub graha_bheda: bool,
}

/// A mode of a scale: what it becomes when another of its notes is taken for S.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mode {
    /// The note that is taken for S, in half tones above the old one.
    pub tonic: u8,
    pub set: SwaraSet,
    /// Its swaras in the grammar of one R, G, M, D and N each; none where it has no such names.
    pub swaras: Option<Vec<Swara>>,
}

impl SwaraSet {
    /// The set whose twelve lowest bits are `mask`; the others are dropped.
    pub const fn from_mask(mask: u16) -> Self {
        Self(mask & 0xFFF)
    }

    /// Bit n is the note n half tones above S.
    pub const fn mask(self) -> u16 {
        self.0
    }

    /// Reads swaras with spaces, commas or hyphens between them: `S R2 G3 P D2`. S belongs to every set.
    pub fn parse(text: &str) -> Result<Self, ScaleMistake> {
        let words = text.split([' ', ',', '-', '+']).filter(|word| !word.is_empty());
        let set = words.map(str::parse).collect::<Result<Self, _>>()?;
        if set == Self::default() { Err(ScaleMistake::Empty) } else { Ok(Self(set.0 | 1)) }
    }

    /// Whether `position` half tones above S is in the set.
    pub const fn contains(self, position: u8) -> bool {
        position < 12 && self.0 >> position & 1 == 1
    }

    /// Whether every note of `other` is in this set.
    pub const fn includes(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The number of notes.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether there is no note.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The notes, in half tones above S, rising.
    pub fn positions(self) -> impl Iterator<Item = u8> {
        (0..12).filter(move |position| self.contains(*position))
    }

    /// The same notes counted from another one (0..=11 half tones up).
    pub const fn shifted(self, tonic: u8) -> Self {
        let tonic = tonic % 12;
        Self::from_mask(self.0 >> tonic | self.0 << (12 - tonic))
    }

    /// Graha bheda: one mode for every note of the set, its own S first.
    pub fn modes(self) -> Vec<Mode> {
        let mode = |tonic| {
            let set = self.shifted(tonic);
            Mode { tonic, set, swaras: set.swaras() }
        };
        self.positions().map(mode).collect()
    }

    /// The names of the notes with at most one R, G, M, D and N each. Of two notes between S and M the lower
    /// is R and the upper G (between P and S likewise D and N); one alone has its common name. None where
    /// there are more than the grammar has names for.
    pub fn swaras(self) -> Option<Vec<Swara>> {
        use Swara::{D1, D2, D3, G1, G2, G3, M1, M2, N1, N2, N3, P, R1, R2, R3, S};
        let mut names = Vec::new();
        names.extend(self.contains(0).then_some(S));
        names.extend(self.pair(1, [R1, R2, G2, G3], [R1, R2, R3], [G1, G2, G3])?);
        match (self.contains(5), self.contains(6)) {
            (true, true) => return None,
            (true, false) => names.push(M1),
            (false, true) => names.push(M2),
            (false, false) => {}
        }
        names.extend(self.contains(7).then_some(P));
        names.extend(self.pair(8, [D1, D2, N2, N3], [D1, D2, D3], [N1, N2, N3])?);
        Some(names)
    }

    /// Names for the four positions from `first` on: `alone` by position, `lower` from `first`, `upper` from
    /// the position after it.
    fn pair(self, first: u8, alone: [Swara; 4], lower: [Swara; 3], upper: [Swara; 3]) -> Option<Vec<Swara>> {
        let offsets: Vec<usize> =
            (0..4).filter(|step| self.contains(first + step)).map(usize::from).collect();
        match offsets[..] {
            [] => Some(Vec::new()),
            [one] => Some(vec![alone[one]]),
            [low, high] => Some(vec![lower[low], upper[high - 1]]),
            _ => None,
        }
    }

    fn stands(self, matching: SetMatch, wanted: Self) -> bool {
        match matching {
            SetMatch::Exact => self == wanted,
            SetMatch::Superset => self.includes(wanted),
            SetMatch::Subset => wanted.includes(self),
        }
    }
}

impl FromIterator<Swara> for SwaraSet {
    fn from_iter<T: IntoIterator<Item = Swara>>(swaras: T) -> Self {
        Self(swaras.into_iter().fold(0, |mask, swara| mask | 1 << swara.position()))
    }
}

impl fmt::Display for SwaraSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:012b}", self.0)
    }
}

impl SwaraQuery {
    /// The note of the raga that must be taken for S to find the wanted swaras, in half tones above its own
    /// S: 0 for the raga as it is; above 0 only with `graha_bheda`. None where the raga does not match.
    pub fn tonic_in(&self, raga: &Raga) -> Option<u8> {
        self.tonic_in_lines(&raga.arohana, &raga.avarohana)
    }

    /// The same for the two lines of a scale. A raga without a scale matches nothing.
    pub fn tonic_in_lines(&self, arohana: &[ScaleToken], avarohana: &[ScaleToken]) -> Option<u8> {
        let (up, down) = (swara_set(arohana), swara_set(avarohana));
        let compared = match self.direction {
            SetDirection::Either => [SwaraSet(up.0 | down.0); 2],
            SetDirection::Both => [up, down],
            SetDirection::Arohana => [up; 2],
            SetDirection::Avarohana => [down; 2],
        };
        if compared.iter().any(|set| set.is_empty()) {
            return None;
        }
        let matches = |tonic: &u8| {
            compared
                .iter()
                .all(|set| set.contains(*tonic) && set.shifted(*tonic).stands(self.matching, self.wanted))
        };
        let tonics = if self.graha_bheda { 0..12 } else { 0..1 };
        // A direction that leaves out S is still counted from it.
        let as_it_is = compared.iter().all(|set| set.stands(self.matching, self.wanted));
        if as_it_is { Some(0) } else { tonics.into_iter().find(matches) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::scale::{Motion, display, parse};
    use proptest::prelude::*;

    const MOHANAM: &str = "S R2 G3 P D2";

    fn set(text: &str) -> SwaraSet {
        SwaraSet::parse(text).unwrap()
    }

    fn lines(up: &str, down: &str) -> (Vec<ScaleToken>, Vec<ScaleToken>) {
        (parse(up, Motion::Arohana).unwrap(), parse(down, Motion::Avarohana).unwrap())
    }

    fn query(wanted: &str, matching: SetMatch, direction: SetDirection, graha_bheda: bool) -> SwaraQuery {
        SwaraQuery { wanted: set(wanted), matching, direction, graha_bheda }
    }

    #[test]
    fn mohanam_turns_into_its_four_relatives() {
        let family: Vec<(u8, String)> = set(MOHANAM)
            .modes()
            .into_iter()
            .map(|mode| {
                let names = mode.swaras.unwrap().into_iter().map(ScaleToken::plain).collect::<Vec<_>>();
                (mode.tonic, display(&names))
            })
            .collect();
        let expected = [
            (0, "S R2 G3 P D2"),
            (2, "S R2 M1 P N2"),
            (4, "S G2 M1 D1 N2"),
            (7, "S R2 M1 P D2"),
            (9, "S G2 M1 P N2"),
        ];
        assert_eq!(family, expected.map(|(tonic, text)| (tonic, text.to_owned())));
    }

    #[test]
    fn a_mode_beyond_the_grammar_has_no_names() {
        assert_eq!(set("S R1 R2 R3").swaras(), None);
        assert_eq!(set("S M1 M2").swaras(), None);
    }

    #[test]
    fn every_mela_gets_its_own_names_back() {
        for number in 1..=72 {
            let scale = crate::music::melakarta::scale(number).unwrap();
            assert_eq!(scale.into_iter().collect::<SwaraSet>().swaras(), Some(scale.to_vec()));
        }
    }

    #[test]
    fn hindolam_is_found_from_mohanam_by_shifting_alone() {
        let (up, down) = lines("S G2 M1 D1 N2 S", "S N2 D1 M1 G2 S");
        let plain = query(MOHANAM, SetMatch::Exact, SetDirection::Either, false);
        assert_eq!(plain.tonic_in_lines(&up, &down), None);
        // Mohanam begins on the D1 of Hindolam.
        let shifted = SwaraQuery { graha_bheda: true, ..plain };
        assert_eq!(shifted.tonic_in_lines(&up, &down), Some(8));
    }

    #[test]
    fn order_and_repetition_do_not_count() {
        let (up, down) = lines("S G3 R2 G3 P D2 P S", "S D2 P G3 R2 S");
        let exact = query("D2 P S G3 R2", SetMatch::Exact, SetDirection::Both, false);
        assert_eq!(exact.tonic_in_lines(&up, &down), Some(0));
    }

    #[test]
    fn a_direction_is_compared_by_itself() {
        // Bilahari: five notes up, seven down.
        let (up, down) = lines("S R2 G3 P D2 S", "S N3 D2 P M1 G3 R2 S");
        let at = |matching, direction| query(MOHANAM, matching, direction, false).tonic_in_lines(&up, &down);
        assert_eq!(at(SetMatch::Exact, SetDirection::Arohana), Some(0));
        assert_eq!(at(SetMatch::Exact, SetDirection::Avarohana), None);
        assert_eq!(at(SetMatch::Exact, SetDirection::Either), None);
        assert_eq!(at(SetMatch::Superset, SetDirection::Both), Some(0));
        assert_eq!(at(SetMatch::Subset, SetDirection::Arohana), Some(0));
        assert_eq!(at(SetMatch::Subset, SetDirection::Either), None);
    }

    #[test]
    fn a_raga_without_a_scale_matches_nothing() {
        let subset = query(MOHANAM, SetMatch::Subset, SetDirection::Either, true);
        assert_eq!(subset.tonic_in_lines(&[], &[]), None);
    }

    #[test]
    fn nonsense_is_not_a_set() {
        assert_eq!(SwaraSet::parse(" , "), Err(ScaleMistake::Empty));
        assert_eq!(SwaraSet::parse("S R"), Err(ScaleMistake::NumberMissing('R')));
        assert_eq!(SwaraSet::parse("S,R9"), Err(ScaleMistake::UnknownSwara("R9".into())));
        assert_eq!(SwaraSet::parse("R2"), SwaraSet::parse("S R2"));
    }

    proptest! {
        #[test]
        fn twelve_shifts_come_home(mask in 0..0x1000_u16, tonic in 0..12_u8) {
            let set = SwaraSet::from_mask(mask);
            prop_assert_eq!(set.shifted(tonic).shifted(12 - tonic), set);
            prop_assert_eq!(set.shifted(tonic).len(), set.len());
        }

        #[test]
        fn every_mode_has_its_tonic_and_its_names_mean_its_notes(mask in 0..0x1000_u16) {
            for mode in SwaraSet::from_mask(mask).modes() {
                prop_assert!(mode.set.contains(0));
                if let Some(swaras) = mode.swaras {
                    prop_assert_eq!(swaras.into_iter().collect::<SwaraSet>(), mode.set);
                }
            }
        }
    }
}
