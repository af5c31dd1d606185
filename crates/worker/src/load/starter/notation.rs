//! The swaras of a work, read against its tala and ragas.

use super::arithmetic;
use super::builder::{Built, Frame};
use crate::load::plan::{part_id, provisional};
use domain::composition::notation::text::{self, Mistake};
use domain::composition::{Notation, Version, notation::NotationSection};
use domain::id::{RagaId, RightsId};
use domain::music::scale::Swara;
use domain::{EntityRef, Record};
use lipi::{Scheme, Script};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// The talas and ragas read so far.
pub struct Known(HashMap<EntityRef, Record>);

/// The swaras of one section as they stand in the file.
pub struct Written {
    pub section: Uuid,
    /// Where the section stands in its work, for the report.
    pub path: String,
    pub text: String,
}

impl Known {
    /// Those that no file spells out.
    pub fn from_arithmetic() -> Self {
        let mut known = Self(HashMap::new());
        for (external, record) in arithmetic::records() {
            known.add(provisional(&external), &record);
        }
        known
    }

    pub fn add(&mut self, id: Uuid, record: &Record) {
        if matches!(record, Record::Tala(_) | Record::Raga(_)) {
            self.0.insert(EntityRef { kind: record.kind(), id }, record.clone());
        }
    }

    /// The notation that `written` amounts to; none where no section has any.
    pub fn notation(
        &self,
        frame: &Frame,
        rights: Option<RightsId>,
        note: Option<String>,
        version: &Version,
        written: &[Written],
    ) -> Built<Option<Notation>> {
        if written.is_empty() {
            return if note.is_some() {
                Err("`notation_note` without a `notation`".into())
            } else {
                Ok(None)
            };
        }
        let sections = written.iter().map(|section| self.section(version, section));
        Ok(Some(Notation {
            id: part_id(&frame.external, "notation"),
            label: None,
            script: Script::Latin,
            scheme: Some(Scheme::Iso15919),
            source: frame.sources.first().and_then(|note| note.source),
            rights,
            note,
            sections: sections.collect::<Built<_>>()?,
        }))
    }

    fn section(&self, version: &Version, written: &Written) -> Built<NotationSection> {
        let failed = |reason: &str| format!("notation of {}: {reason}", written.path);
        let setting = version.setting_of(written.section).ok_or_else(|| failed("the work needs a `tala`"))?;
        let Some(Record::Tala(tala)) = self.0.get(&setting.tala.into()) else {
            return Err(failed("its tala could not be read"));
        };
        let frame = text::Frame {
            angas: tala.anga_beats(),
            kalai: setting.kalai,
            gati: setting.gati,
            swaras: self.swaras(&version.ragas_of(written.section)).map_err(|reason| failed(&reason))?,
        };
        let rows = text::parse(&written.text, &frame).map_err(|mistakes| failed(&listed(&mistakes)))?;
        Ok(NotationSection { section: written.section, angas: frame.angas, rows })
    }

    fn swaras(&self, ragas: &[RagaId]) -> Built<BTreeSet<Swara>> {
        let mut all = BTreeSet::new();
        for raga in ragas {
            match self.0.get(&EntityRef::from(*raga)) {
                Some(Record::Raga(raga)) if !raga.arohana.is_empty() => {
                    all.extend(text::Frame::swaras_of(raga));
                }
                _ => return Err("its raga has no scale here".to_owned()),
            }
        }
        if all.is_empty() { Err("the work needs `ragas`".to_owned()) } else { Ok(all) }
    }
}

fn listed(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(Mistake::to_string).collect::<Vec<_>>().join("; ")
}
