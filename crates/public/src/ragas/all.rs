//! All ragas of the catalogue, with what every answer about one of them is compared by.

use crate::view::Label;
use domain::music::scale::{self, ScaleToken};
use domain::music::{Raga, SwaraSet};
use lipi::Script;
use std::collections::HashMap;
use store::RagaRow;
use uuid::Uuid;

/// Every raga, read once and kept until one of them changes.
#[derive(Debug, Default)]
pub(crate) struct Ragas {
    /// Melas first, in their order.
    rows: Vec<RagaRow>,
    by_set: HashMap<SwaraSet, Vec<usize>>,
    by_parent: HashMap<Uuid, Vec<usize>>,
    by_mela: HashMap<u8, usize>,
    /// Which there are, in which version, in the order of ids.
    versions: Vec<(Uuid, i64)>,
}

impl Ragas {
    pub fn of(rows: Vec<RagaRow>) -> Self {
        let mut all =
            Self { versions: rows.iter().map(|row| (row.id, row.version)).collect(), ..Self::default() };
        all.versions.sort_unstable();
        for (at, row) in rows.iter().enumerate() {
            all.by_set.entry(swaras(&row.raga)).or_default().push(at);
            if let Some(parent) = row.raga.parent {
                all.by_parent.entry(parent.0).or_default().push(at);
            }
            if let Some(number) = row.raga.mela_number {
                all.by_mela.entry(number).or_insert(at);
            }
        }
        Self { rows, ..all }
    }

    pub fn iter(&self) -> impl Iterator<Item = &RagaRow> {
        self.rows.iter()
    }

    /// The raga that is this mela, 1 to 72.
    pub fn mela(&self, number: u8) -> Option<&RagaRow> {
        self.by_mela.get(&number).and_then(|at| self.rows.get(*at))
    }

    /// Ragas whose parent `id` is.
    pub fn janyas(&self, id: Uuid) -> impl ExactSizeIterator<Item = &RagaRow> {
        self.at(self.by_parent.get(&id))
    }

    /// Ragas with these swaras and no others, both lines taken together.
    pub fn with_set(&self, set: SwaraSet) -> impl ExactSizeIterator<Item = &RagaRow> {
        self.at(self.by_set.get(&set))
    }

    /// Ragas with the very lines of `raga`.
    pub fn with_scale_of<'a>(&'a self, raga: &'a Raga) -> impl Iterator<Item = &'a RagaRow> {
        self.with_set(swaras(raga)).filter(|row| row.raga.has_scale_of(raga))
    }

    /// Which there are, in which version, in the order of ids.
    pub fn versions(&self) -> &[(Uuid, i64)] {
        &self.versions
    }

    fn at(&self, places: Option<&Vec<usize>>) -> impl ExactSizeIterator<Item = &RagaRow> {
        places.map_or(&[][..], Vec::as_slice).iter().map(|at| &self.rows[*at])
    }
}

/// The pitches of both lines together.
pub(crate) fn swaras(raga: &Raga) -> SwaraSet {
    let mask = scale::swara_set(&raga.arohana).mask() | scale::swara_set(&raga.avarohana).mask();
    SwaraSet::from_mask(mask)
}

/// The tokens of both lines, ascending first.
pub(crate) fn tokens(raga: &Raga) -> impl Iterator<Item = &ScaleToken> {
    raga.arohana.iter().chain(&raga.avarohana)
}

/// The names of `rows` in `script` but that of `id`, in their order.
pub(crate) fn labels<'a>(
    rows: impl Iterator<Item = &'a RagaRow>,
    id: Uuid,
    script: Option<Script>,
) -> Vec<Label> {
    let mut labels: Vec<Label> =
        rows.filter(|row| row.id != id).map(|row| Label::of(&row.label, script)).collect();
    labels.sort_by(|a, b| (&a.label, a.id).cmp(&(&b.label, b.id)));
    labels
}
