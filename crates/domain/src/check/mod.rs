//! The rules of every kind of record, each breach with a pointer to its field.

mod names;

use crate::record::Record;
use crate::violation::Violation;

/// Everything that `record` breaks.
pub fn record(record: &Record) -> Vec<Violation> {
    let mut found = Vec::new();
    let names = match record {
        Record::Composition(_) => "/titles",
        _ => "/names",
    };
    names::check(names, record.names(), &mut found);
    found
}
