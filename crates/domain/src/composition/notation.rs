//! Notation: the swaras of a version, avartanam by avartanam, with the words under them.
//!
//! Time is counted in units. A beat holds as many as the speed of the row says: in chatusra gati 1, 2, 4, 8 or
//! 16, in another gati its own count times the same powers of two. A row is one whole avartanam, so what is
//! silent (before the eduppu, after the end) is written as a rest.

pub mod text;

use crate::id::{RightsId, SourceId};
use crate::music::ScaleToken;
use crate::music::scale::Swara;
use lipi::Script;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A version written down in swaras.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Notation {
    pub id: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The script of the syllables.
    #[schema(value_type = String, example = "latin")]
    pub script: Script,
    /// Romanisation of Latin syllables; none for an Indic script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "iso15919")]
    pub scheme: Option<lipi::Scheme>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rights: Option<RightsId>,
    /// What readers should know of it: whose way of singing it is, what is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Sections in the order of the version; those that are not written down are left out.
    pub sections: Vec<NotationSection>,
}

/// The avartanams of one section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotationSection {
    /// A section of the version's tree, at any depth.
    pub section: Uuid,
    /// Beats of each anga (of a chapu tala: each group) of the tala, in order.
    pub angas: Vec<u8>,
    /// One avartanam each.
    pub rows: Vec<Row>,
}

/// One avartanam.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Units in one beat (of a song in several kalais: in one count of the beat).
    pub units_per_beat: u8,
    pub notes: Vec<Note>,
}

/// A swara with its length; without a swara a rest, or the note before it going on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Note {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swara: Option<Swara>,
    /// −2 to 2; 0 is the middle one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub octave: i8,
    /// In units, karvai included.
    pub length: u16,
    /// True where the note before goes on: over samam into a new row, or in a part of a row over its bar.
    #[serde(default, skip_serializing_if = "crate::name::is_false")]
    pub held: bool,
    /// What is sung on it; none where the vowel before goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub syllable: Option<String>,
}

/// The part of a row that lies in one anga.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    pub beats: u8,
    /// A note that crosses the bar goes on in the next one as a held note.
    pub notes: Vec<Note>,
}

/// How many of everything a notation has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Extent {
    pub sections: usize,
    pub avartanams: usize,
    pub swaras: usize,
}

impl Notation {
    /// The most avartanams of one section.
    pub const ROWS_MAX: usize = 200;
    /// The most notes of one avartanam.
    pub const NOTES_MAX: usize = 1_024;
    /// The most angas of one avartanam.
    pub const ANGAS_MAX: usize = 32;
    /// The longest syllable, in bytes of UTF-8.
    pub const SYLLABLE_BYTES_MAX: usize = 48;
    /// The most notations of one version.
    pub const PER_VERSION_MAX: usize = 8;

    /// Every row, in the order of singing.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.sections.iter().flat_map(|section| &section.rows)
    }

    /// The swaras in the order of singing: each as often as it is struck, without lengths and rests. This is
    /// what a search by swara pattern compares.
    pub fn swara_sequence(&self) -> Vec<ScaleToken> {
        self.rows().flat_map(|row| &row.notes).filter_map(Note::token).collect()
    }

    /// What it amounts to.
    pub fn extent(&self) -> Extent {
        Extent {
            sections: self.sections.len(),
            avartanams: self.rows().count(),
            swaras: self.swara_sequence().len(),
        }
    }
}

impl Row {
    /// Units of the whole row.
    pub fn length(&self) -> u32 {
        self.notes.iter().map(|note| u32::from(note.length)).sum()
    }

    /// The row cut at the bars of its angas; `kalai` counts are one beat. What lies beyond the last anga of a
    /// row that is too long goes into the last bar.
    pub fn bars(&self, angas: &[u8], kalai: u8) -> Vec<Bar> {
        let unit = u32::from(self.units_per_beat) * u32::from(kalai);
        let mut notes = self.notes.iter().cloned();
        let mut carried: Option<Note> = None;
        let mut bars = Vec::with_capacity(angas.len());
        for (index, beats) in angas.iter().enumerate() {
            let is_last = index + 1 == angas.len();
            let mut room = if is_last { u32::MAX } else { u32::from(*beats) * unit };
            let mut inside = Vec::new();
            while room > 0 {
                let Some(note) = carried.take().or_else(|| notes.next()) else { break };
                let (first, rest) = note.cut(room);
                room -= u32::from(first.length).min(room);
                inside.push(first);
                carried = rest;
            }
            bars.push(Bar { beats: *beats, notes: inside });
        }
        bars
    }

    /// Units of silence before the first sound; none where the row is silent.
    pub fn lead(&self) -> Option<u32> {
        let first = self.notes.iter().position(|note| !note.is_rest())?;
        Some(self.notes[..first].iter().map(|note| u32::from(note.length)).sum())
    }
}

impl Note {
    /// A swara of `length` units.
    pub const fn sung(swara: Swara, octave: i8, length: u16) -> Self {
        Self { swara: Some(swara), octave, length, held: false, syllable: None }
    }

    /// The note before goes on for `length` units.
    pub const fn held(length: u16) -> Self {
        Self { swara: None, octave: 0, length, held: true, syllable: None }
    }

    /// Silence of `length` units.
    pub const fn rest(length: u16) -> Self {
        Self { swara: None, octave: 0, length, held: false, syllable: None }
    }

    /// Whether nothing sounds.
    pub const fn is_rest(&self) -> bool {
        self.swara.is_none() && !self.held
    }

    /// The swara without its length; none of a rest or of a note that goes on.
    pub fn token(&self) -> Option<ScaleToken> {
        let octave = self.octave;
        self.swara.map(|swara| ScaleToken { octave, ..ScaleToken::plain(swara) })
    }

    /// The part that has room, and what goes on after it.
    fn cut(self, room: u32) -> (Self, Option<Self>) {
        let Some(rest) = u32::from(self.length).checked_sub(room).filter(|rest| *rest > 0) else {
            return (self, None);
        };
        let rest = u16::try_from(rest).unwrap_or(u16::MAX);
        let goes_on = Self { held: !self.is_rest(), ..Self::rest(rest) };
        (Self { length: self.length - rest, ..self }, Some(goes_on))
    }
}

/// The most doublings of a speed above the first one.
const DOUBLINGS_MAX: u32 = 4;

/// Units in one beat at `speed` (1 to 5): in chatusra gati one at the first speed, in another gati its own
/// count; twice as many at each further speed.
pub fn units_per_beat(speed: u8, gati: u8) -> Option<u8> {
    let doublings = u32::from(speed.checked_sub(1)?);
    let first = if gati == 4 { 1_u8 } else { gati };
    if doublings > DOUBLINGS_MAX {
        return None;
    }
    first.checked_mul(2_u8.pow(doublings))
}

/// The speed at which a beat has `units`: the inverse of [`units_per_beat`].
pub fn speed(units: u8, gati: u8) -> Option<u8> {
    (1..=5).find(|speed| units_per_beat(*speed, gati) == Some(units))
}

const fn is_zero(octave: &i8) -> bool {
    *octave == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn speeds_are_doublings_of_the_first() {
        let chatusra: Vec<_> = (0..=6).map(|speed| units_per_beat(speed, 4)).collect();
        assert_eq!(chatusra, [None, Some(1), Some(2), Some(4), Some(8), Some(16), None]);
        assert_eq!((units_per_beat(1, 3), units_per_beat(3, 7)), (Some(3), Some(28)));
        assert_eq!((speed(4, 4), speed(6, 3), speed(6, 4)), (Some(3), Some(2), None));
    }

    #[test]
    fn a_note_over_a_bar_goes_on_behind_it() {
        let row = Row {
            units_per_beat: 1,
            notes: vec![Note::sung(Swara::S, 0, 1), Note::sung(Swara::R1, 0, 3), Note::rest(2)],
        };
        let bars = row.bars(&[2, 4], 1);
        assert_eq!(bars[0].notes, [Note::sung(Swara::S, 0, 1), Note::sung(Swara::R1, 0, 1)]);
        assert_eq!(bars[1].notes, [Note::held(2), Note::rest(2)]);
    }

    #[test]
    fn the_sequence_has_struck_swaras_only() {
        let notes =
            vec![Note::sung(Swara::S, 1, 2), Note::held(1), Note::rest(1), Note::sung(Swara::P, 0, 4)];
        let section = NotationSection {
            section: Uuid::nil(),
            angas: vec![4],
            rows: vec![Row { units_per_beat: 2, notes }],
        };
        let notation = Notation {
            id: Uuid::nil(),
            label: None,
            script: Script::Latin,
            scheme: None,
            source: None,
            rights: None,
            note: None,
            sections: vec![section],
        };
        assert_eq!(crate::music::scale::display(&notation.swara_sequence()), "S' P");
        assert_eq!(notation.extent(), Extent { sections: 1, avartanams: 1, swaras: 2 });
    }

    fn note() -> impl Strategy<Value = Note> {
        (0..3_u8, 1..40_u16).prop_map(|(kind, length)| match kind {
            0 => Note::sung(Swara::G3, 0, length),
            1 => Note::held(length),
            _ => Note::rest(length),
        })
    }

    proptest! {
        #[test]
        fn bars_lose_nothing(
            notes in proptest::collection::vec(note(), 0..20),
            angas in proptest::collection::vec(1..9_u8, 1..5),
            kalai in 1..3_u8,
        ) {
            let row = Row { units_per_beat: 2, notes };
            let bars = row.bars(&angas, kalai);
            let units = |bar: &Bar| bar.notes.iter().map(|note| u32::from(note.length)).sum::<u32>();
            prop_assert_eq!(bars.iter().map(units).sum::<u32>(), row.length());
            for bar in &bars[..bars.len() - 1] {
                prop_assert!(units(bar) <= u32::from(bar.beats) * 2 * u32::from(kalai));
            }
            let struck = |notes: &[Note]| notes.iter().filter_map(Note::token).count();
            prop_assert_eq!(bars.iter().map(|bar| struck(&bar.notes)).sum::<usize>(), struck(&row.notes));
        }
    }
}
