//! What a load did, row by row where a person must look.

use domain::EntityKind;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// The most examples kept of one reason; the count goes on.
pub const EXAMPLES_MAX: usize = 20;
/// The most bad rows kept; the count goes on.
pub const BAD_ROWS_MAX: usize = 10_000;

/// What a load did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Rows read of each file, and how many of them were bad.
    pub files: Vec<FileReport>,
    /// Every bad row. When there are any, nothing was loaded unless bad rows were to be skipped.
    pub bad: Vec<RowError>,
    /// What was done to the records of each kind.
    pub kinds: BTreeMap<&'static str, Counts>,
    /// What could not be made out, or was decided on the reader's behalf, by reason.
    pub remarks: Vec<Remark>,
}

/// The rows of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// Its name within the folder.
    pub file: String,
    /// Rows read.
    pub rows: usize,
    /// Rows that cannot be loaded.
    pub bad: usize,
}

/// A row that cannot be loaded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RowError {
    /// Its file, within the folder.
    pub file: String,
    /// 1 for the first line.
    pub line: usize,
    /// What is wrong, for the person who wrote it.
    pub reason: String,
}

/// What happened to the records of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// New ones.
    pub created: usize,
    /// Stored ones that are now otherwise.
    pub changed: usize,
    /// Stored ones that are as the row says.
    pub unchanged: usize,
    /// Rows whose entity was there already under another id: the id was added to it.
    pub linked: usize,
    /// Left as they are, because a person has changed them since the last load.
    pub kept: usize,
}

/// One thing that a person should know, with some of the rows it concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// A sentence without its rows.
    pub reason: String,
    /// Rows it concerns.
    pub count: usize,
    /// The first of them, at most [`EXAMPLES_MAX`].
    pub examples: Vec<String>,
}

impl Report {
    /// Records created, changed or linked: 0 where the same data was loaded before.
    pub fn changes(&self) -> usize {
        self.kinds.values().map(|counts| counts.created + counts.changed + counts.linked).sum()
    }

    /// One line: `204 created, 3 changed, …`, over all kinds.
    pub fn summary(&self) -> String {
        let sum = |of: fn(&Counts) -> usize| self.kinds.values().map(of).sum::<usize>();
        let parts = [
            (sum(|counts| counts.created), "created"),
            (sum(|counts| counts.changed), "changed"),
            (sum(|counts| counts.linked), "linked"),
            (sum(|counts| counts.unchanged), "unchanged"),
            (sum(|counts| counts.kept), "kept as a person left them"),
            (self.files.iter().map(|file| file.bad).sum(), "bad"),
        ];
        let said =
            parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        let said: Vec<_> = said.collect();
        if said.is_empty() { "no rows".to_owned() } else { said.join(", ") }
    }

    /// The counts of `kind`.
    pub fn counts(&mut self, kind: EntityKind) -> &mut Counts {
        self.kinds.entry(kind.plural()).or_default()
    }

    /// Notes that `reason` holds for the row `example`.
    pub fn remark(&mut self, reason: &str, example: impl Into<String>) {
        let at = self.remarks.iter().position(|remark| remark.reason == reason);
        let at = at.unwrap_or_else(|| {
            self.remarks.push(Remark { reason: reason.to_owned(), count: 0, examples: Vec::new() });
            self.remarks.len() - 1
        });
        let remark = &mut self.remarks[at];
        remark.count += 1;
        if remark.examples.len() < EXAMPLES_MAX {
            remark.examples.push(example.into());
        }
    }

    /// Begins to count the rows of `file`.
    pub fn begin_file(&mut self, file: &str) {
        self.files.push(FileReport { file: file.to_owned(), rows: 0, bad: 0 });
    }

    /// One more row of `file`.
    pub fn row(&mut self, file: &str) {
        if let Some(found) = self.files.iter_mut().find(|found| found.file == file) {
            found.rows += 1;
        }
    }

    /// A bad row of `file`.
    pub fn reject(&mut self, file: &str, line: usize, reason: impl Into<String>) {
        if let Some(found) = self.files.iter_mut().find(|found| found.file == file) {
            found.bad += 1;
        }
        if self.bad.len() < BAD_ROWS_MAX {
            self.bad.push(RowError { file: file.to_owned(), line, reason: reason.into() });
        }
    }
}

impl fmt::Display for Report {
    /// The whole report for a terminal: files, kinds, remarks with some of their rows, bad rows.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for FileReport { file, rows, bad } in &self.files {
            writeln!(out, "{file}: {rows} rows, {bad} bad")?;
        }
        for (kind, counts) in &self.kinds {
            let Counts { created, changed, unchanged, linked, kept } = counts;
            writeln!(
                out,
                "{kind}: {created} created, {changed} changed, {linked} linked, {unchanged} unchanged, {kept} kept"
            )?;
        }
        for remark in &self.remarks {
            let examples: Vec<_> = remark.examples.iter().take(EXAMPLES_SHOWN).map(String::as_str).collect();
            let more = if remark.count > examples.len() { " …" } else { "" };
            writeln!(out, "{} × {}: {}{more}", remark.count, remark.reason, examples.join(", "))?;
        }
        for RowError { file, line, reason } in &self.bad {
            writeln!(out, "{file}:{line}: {reason}")?;
        }
        write!(out, "{}", self.summary())
    }
}

/// The most examples of one reason on a terminal.
const EXAMPLES_SHOWN: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_bounded_and_counts_are_not() {
        let mut report = Report::default();
        for row in 0..100 {
            report.remark("no such raga", row.to_string());
        }
        assert_eq!(report.remarks.len(), 1);
        assert_eq!((report.remarks[0].count, report.remarks[0].examples.len()), (100, EXAMPLES_MAX));
    }
}
