//! A file that an export wrote: one record a line, with its id, its address and the addresses that it had.
//!
//! Ids are kept, so that references need no settling and a second export has the same bytes. A record whose id
//! is stored already is the same record, and what a person has edited since is left as it is.

use super::Error;
use super::plan::{Batch, Entry, Work};
use domain::exchange::Line;
use domain::reference::ExternalId;
use domain::{EntityKind, EntityRef};
use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use uuid::Uuid;

/// The file that an export of everything writes.
pub const FILE: &str = "everything.jsonl";

/// Reads the lines of `file`. Bad ones are in the report, by line.
pub fn parse(file: &Path) -> Result<Batch, Error> {
    let failed = |source| Error::Read { path: file.to_owned(), source };
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut batch = Batch::default();
    batch.report.begin_file(&name);
    let mut seen = Seen::default();
    let reader = BufReader::new(std::fs::File::open(file).map_err(failed)?);
    for (at, text) in reader.lines().enumerate() {
        let text = text.map_err(failed)?;
        batch.report.row(&name);
        match read(&text, &mut seen) {
            Ok(line) => batch.entries.push(entry(line, &name, at + 1)),
            Err(reason) => batch.report.reject(&name, at + 1, reason),
        }
    }
    Ok(batch)
}

/// What the records of `batch` refer to and do not bring.
pub fn missing(batch: &Batch) -> HashSet<EntityRef> {
    let own: HashSet<Uuid> = batch.entries.iter().map(|entry| entry.provisional).collect();
    let records = batch.entries.iter().filter_map(Entry::record);
    let referred = records.flat_map(|record| record.references()).map(|(_, target)| target);
    referred.filter(|target| !own.contains(&target.id)).collect()
}

/// What earlier lines have taken.
#[derive(Default)]
struct Seen {
    ids: HashSet<Uuid>,
    slugs: HashSet<(EntityKind, String)>,
}

fn read(text: &str, seen: &mut Seen) -> Result<Line, String> {
    if text.len() > Line::BYTES_MAX {
        return Err(format!("a line has at most {} bytes", Line::BYTES_MAX));
    }
    let line = Line::read(text).map_err(|error| error.to_string())?;
    let plain = |slug: &str| {
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        (1..=SLUG_BYTES_MAX).contains(&slug.len()) && slug.bytes().all(letters)
    };
    if !plain(&line.slug) {
        return Err("/slug is letters a-z, digits and hyphens".to_owned());
    }
    if !line.former.iter().all(|old| plain(old)) {
        return Err("/former holds letters a-z, digits and hyphens".to_owned());
    }
    if !seen.ids.insert(line.entity.id) {
        return Err(format!("/id {} stands on an earlier line", line.entity.id));
    }
    if !seen.slugs.insert((line.entity.kind, line.slug.clone())) {
        return Err(format!("/slug {} stands on an earlier line of a {}", line.slug, line.entity.kind));
    }
    Ok(line)
}

/// The longest address.
const SLUG_BYTES_MAX: usize = 200;

fn entry(line: Line, file: &str, at: usize) -> Entry {
    let Line { entity, slug, former, record } = line;
    Entry {
        // Only for the words of a report: these records are found by their own ids.
        external: ExternalId { scheme: "export".to_owned(), id: format!("{}:{slug}", entity.kind) },
        provisional: entity.id,
        slug,
        file: file.to_owned(),
        line: at,
        work: Work::Keep { record: Box::new(record), former },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = r#"{"kind":"tag","id":"01920000-0000-7000-8000-000000000001","slug":"bhakti","record":{"names":[{"text":"Bhakti","script":"latin","role":"display"}],"category":"theme"}}"#;

    fn parsed(name: &str, text: &str) -> Batch {
        let file = std::env::temp_dir().join(format!("export-{name}-{}.jsonl", std::process::id()));
        std::fs::write(&file, text).unwrap();
        let batch = parse(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        batch
    }

    #[test]
    fn a_bad_line_is_named_with_its_field() {
        let other = TAG.replace("0001\"", "0002\"");
        let odd = TAG.replace("bhakti", "../etc").replace("0001\"", "0003\"");
        let unknown = TAG.replace("\"category\":\"theme\"", "\"category\":\"theme\",\"colour\":1");
        let batch = parsed("bad", &format!("{TAG}\n{TAG}\n{other}\n{odd}\n{unknown}\n\n"));
        assert_eq!(batch.entries.len(), 1);
        let bad: Vec<_> = batch.report.bad.iter().map(|bad| (bad.line, bad.reason.as_str())).collect();
        assert_eq!(bad.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3, 4, 5, 6]);
        for (found, expected) in bad.iter().zip(["/id", "/slug", "/slug", "colour", "EOF"]) {
            assert!(found.1.contains(expected), "{found:?}");
        }
    }

    #[test]
    fn what_a_file_does_not_bring_is_missing() {
        let deity = r#"{"kind":"deity","id":"01920000-0000-7000-8000-000000000005","slug":"rama","record":{"names":[{"text":"Rāma"}],"form_of":"01920000-0000-7000-8000-000000000004"}}"#;
        let batch = parsed("missing", deity);
        let missing: Vec<EntityRef> = missing(&batch).into_iter().collect();
        assert_eq!(missing.len(), 1);
        assert_eq!(missing[0].kind, EntityKind::Deity);
    }
}
