//! Notations as readers see them: rows by avartanam, cut at the bars of the tala, with words and letters in the
//! script that was asked for.

use crate::view::composition::{Setting, setting};
use crate::view::label::{Label, Labels};
use crate::view::text::Wanted;
use domain::composition::notation::{Bar, Extent, NotationSection, Note, Row, speed};
use domain::composition::{Composition, Notation, Section, SectionKind, Version};
use domain::music::Swara;
use lipi::{Scheme, Script};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The notations of one version.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NotatedVersion {
    pub version: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tala: Option<Setting>,
    pub notations: Vec<Notated>,
}

/// One notation.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Notated {
    pub id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Script of the syllables and of the letters of the swaras.
    #[schema(value_type = String)]
    pub script: Script,
    /// Romanisation, where the script is Latin.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub scheme: Option<Scheme>,
    /// True where a program transliterated the syllables.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub machine_made: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Label>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rights: Option<Label>,
    pub sections: Vec<NotatedSection>,
}

/// The avartanams of one section.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NotatedSection {
    /// A section of the version's section tree.
    pub section: Uuid,
    pub kind: SectionKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u16>,
    pub kalai: u8,
    pub rows: Vec<Avartanam>,
}

/// One avartanam.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Avartanam {
    /// 1 for the first of the section.
    pub avartanam: usize,
    pub units_per_beat: u8,
    /// 1 to 5; none where no speed has so many units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<u8>,
    pub angas: Vec<AngaOfRow>,
}

/// The part of an avartanam that lies in one anga. A note that crosses its end goes on in the next as a held one.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AngaOfRow {
    pub beats: u8,
    pub notes: Vec<NoteShown>,
}

/// A swara with its length, a rest (neither `swara` nor `held`), or a note that goes on.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NoteShown {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub swara: Option<Swara>,
    /// The letter that singers say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub letter: Option<String>,
    /// 0 for the middle octave.
    #[serde(skip_serializing_if = "is_zero")]
    pub octave: i8,
    /// In units.
    pub length: u16,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub syllable: Option<String>,
}

/// What a notation amounts to, for those who only want to know whether there is one.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NotationSummary {
    pub id: Uuid,
    pub version: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(flatten)]
    pub extent: Extent,
}

/// The versions of `song` that are written down; `only` one of them where that is asked for.
pub fn versions(
    song: &Composition,
    only: Option<Uuid>,
    wanted: Option<Wanted>,
    labels: Labels<'_>,
) -> Vec<NotatedVersion> {
    let asked = |version: &&Version| match only {
        Some(id) => version.id == id,
        None => !version.notations.is_empty(),
    };
    let of = |version: &Version| NotatedVersion {
        version: version.id,
        label: version.label.clone(),
        tala: version.tala.as_ref().and_then(|tala| setting(tala, labels)),
        notations: version
            .notations
            .iter()
            .map(|notation| Drawn::new(notation, wanted).notation(version, labels))
            .collect(),
    };
    song.versions.iter().filter(asked).map(of).collect()
}

/// What there is in `song`.
pub fn summaries(song: &Composition) -> Vec<NotationSummary> {
    let of = |version: &Version| {
        let version_id = version.id;
        let summary = |notation: &Notation| NotationSummary {
            id: notation.id,
            version: version_id,
            label: notation.label.clone(),
            extent: notation.extent(),
        };
        version.notations.iter().map(summary).collect::<Vec<_>>()
    };
    song.versions.iter().flat_map(of).collect()
}

/// A notation on its way into a script.
struct Drawn<'a> {
    notation: &'a Notation,
    from: lipi::Notation,
    to: lipi::Notation,
    script: Script,
    scheme: Option<Scheme>,
}

impl<'a> Drawn<'a> {
    fn new(notation: &'a Notation, wanted: Option<Wanted>) -> Self {
        let stored = Wanted { script: notation.script, scheme: notation.scheme };
        let shown = wanted.unwrap_or(stored);
        let scheme = (shown.script == Script::Latin)
            .then(|| shown.scheme.or(notation.scheme).unwrap_or(Scheme::Iso15919));
        let kind = |script, scheme: Option<Scheme>| match scheme {
            Some(scheme) if script == Script::Latin => lipi::Notation::Latin(scheme),
            _ => lipi::Notation::Script(script),
        };
        Self {
            notation,
            from: kind(stored.script, stored.scheme),
            to: kind(shown.script, scheme),
            script: shown.script,
            scheme,
        }
    }

    fn notation(&self, version: &Version, labels: Labels<'_>) -> Notated {
        let Notation { id, label, source, rights, note, sections, .. } = self.notation;
        Notated {
            id: *id,
            label: label.clone(),
            script: self.script,
            scheme: self.scheme,
            machine_made: self.script != self.notation.script,
            note: note.clone(),
            source: source.and_then(|source| labels.get(source.0)),
            // A licence has an English name, which no script makes readable.
            rights: rights.and_then(|rights| Labels { script: None, ..labels }.get(rights.0)),
            sections: sections.iter().filter_map(|section| self.section(section, version)).collect(),
        }
    }

    fn section(&self, section: &NotationSection, version: &Version) -> Option<NotatedSection> {
        let of_tree = find(&version.sections, section.section)?;
        let setting = version.setting_of(section.section);
        let (kalai, gati) = setting.map_or((1, 4), |setting| (setting.kalai, setting.gati));
        let row = |(row, avartanam): (&Row, usize)| Avartanam {
            avartanam,
            units_per_beat: row.units_per_beat,
            speed: speed(row.units_per_beat, gati),
            angas: row.bars(&section.angas, kalai).into_iter().map(|bar| self.anga(bar)).collect(),
        };
        Some(NotatedSection {
            section: section.section,
            kind: of_tree.kind,
            number: of_tree.number,
            kalai,
            rows: section.rows.iter().zip(1..).map(row).collect(),
        })
    }

    fn anga(&self, bar: Bar) -> AngaOfRow {
        let notes = bar.notes.into_iter().map(|note| self.note(note)).collect();
        AngaOfRow { beats: bar.beats, notes }
    }

    fn note(&self, note: Note) -> NoteShown {
        NoteShown {
            swara: note.swara,
            letter: note.swara.map(|swara| self.letter(swara)),
            octave: note.octave,
            length: note.length,
            held: note.held,
            syllable: note.syllable.map(|syllable| self.syllable(syllable)),
        }
    }

    fn syllable(&self, syllable: String) -> String {
        if self.from == self.to { syllable } else { lipi::transliterate(&syllable, self.from, self.to) }
    }

    /// S R G M P D N in Latin letters; elsewhere the syllables that singers say.
    fn letter(&self, swara: Swara) -> String {
        let degree = swara.degree();
        if self.script == Script::Latin {
            return degree.to_string();
        }
        let said = match degree {
            'S' => "sa",
            'R' => "ri",
            'G' => "ga",
            'M' => "ma",
            'P' => "pa",
            'D' => "dha",
            _ => "ni",
        };
        lipi::transliterate(said, lipi::Notation::Latin(Scheme::Iso15919), self.to)
    }
}

/// The section with this id, at any depth.
fn find(sections: &[Section], id: Uuid) -> Option<&Section> {
    sections.iter().find_map(
        |section| {
            if section.id == id { Some(section) } else { find(&section.children, id) }
        },
    )
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
const fn is_zero(octave: &i8) -> bool {
    *octave == 0
}
