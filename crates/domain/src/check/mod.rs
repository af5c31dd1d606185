//! The rules of every kind of record, each breach with a pointer to its field.

mod composition;
mod meaning;
mod notation;
pub mod quality;
mod reference;
pub(crate) mod short;

use crate::record::Record;
use crate::violation::Violation;
use std::cmp::Reverse;

/// The most violations of one record that are told. Nobody reads more, and a hostile record has no end.
const VIOLATIONS_MAX: usize = 500;

/// Everything that `record` breaks, in the order of its fields; of too many, the gravest.
pub fn record(record: &Record) -> Vec<Violation> {
    let mut found = Vec::new();
    let names = match record {
        Record::Composition(_) => "/titles",
        _ => "/names",
    };
    short::names(names, record.names(), &mut found);
    match record {
        Record::Composition(song) => composition::check(song, &mut found),
        Record::Raga(raga) => {
            raga.check(&mut found);
            short::note("/note", raga.note.as_deref(), &mut found);
        }
        Record::Tala(tala) => {
            tala.check(&mut found);
            short::note("/note", tala.note.as_deref(), &mut found);
        }
        _ => reference::check(record, &mut found),
    }
    short::sources(record.sources(), &mut found);
    short::external_ids(record.external_ids(), &mut found);
    if found.len() > VIOLATIONS_MAX {
        found.sort_by_key(|violation| Reverse(violation.severity));
        found.truncate(VIOLATIONS_MAX);
    }
    found
}
