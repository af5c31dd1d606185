//! The four files, row by row.

use crate::load::Error;
use crate::load::read_text;
use crate::load::report::Report;
use lipi::Scheme;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

/// The largest file, in bytes.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

pub const KRITHIS: &str = "krithis.csv";
pub const LYRICS: &str = "lyrics.jsonl";
pub const RAGAS: &str = "ragas.csv";
pub const ALIASES: &str = "raga_aliases.json";

const KRITHI_HEADER: [&str; 9] =
    ["id", "title", "title_scheme", "raga", "raga_canonical", "tala", "composer", "language", "form"];
const RAGA_HEADER: [&str; 7] = [
    "name",
    "name_normalized",
    "melakarta_number",
    "parent_normalized",
    "arohanam",
    "avarohanam",
    "raga_canonical",
];

/// Everything that the files hold and that can be read.
#[derive(Debug, Default)]
pub struct Files {
    pub krithis: Vec<Krithi>,
    /// By the id of the work.
    pub lyrics: HashMap<String, Lyric>,
    pub ragas: Vec<RagaRow>,
    /// Spellings of one raga, by the key of the group.
    pub groups: BTreeMap<String, Vec<String>>,
}

/// A row of `krithis.csv`. Empty fields are unknown.
#[derive(Debug)]
pub struct Krithi {
    pub line: usize,
    pub id: String,
    pub title: String,
    pub scheme: Scheme,
    pub raga: String,
    pub raga_group: String,
    pub tala: String,
    pub composer: String,
    pub language: String,
    pub form: String,
}

/// A row of `lyrics.jsonl`.
#[derive(Debug)]
pub struct Lyric {
    pub scheme: Scheme,
    /// Text by heading, in the order of the file.
    pub sections: Vec<(String, String)>,
}

/// A row of `ragas.csv`.
#[derive(Debug)]
pub struct RagaRow {
    pub line: usize,
    pub name: String,
    /// Unique within the file: the id of the row.
    pub normalized: String,
    /// Set for melas.
    pub mela: Option<u8>,
    /// The normalized name of the parent mela; set for janyas.
    pub parent: String,
    pub arohana: String,
    pub avarohana: String,
    pub group: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLyric {
    id: String,
    #[expect(dead_code, reason = "repeats krithis.csv, which is the one that counts")]
    composer: String,
    #[expect(dead_code, reason = "repeats krithis.csv, which is the one that counts")]
    title: String,
    scheme: String,
    sections: serde_json::Map<String, serde_json::Value>,
}

impl Files {
    /// Reads all four. What is wrong with a row goes into the report.
    pub fn read(folder: &Path, report: &mut Report) -> Result<Self, Error> {
        let text = |name: &str| read_text(&folder.join(name), FILE_BYTES_MAX);
        let mut files = Self::default();
        files.read_ragas(&text(RAGAS)?, report);
        files.read_groups(&text(ALIASES)?, report);
        files.read_krithis(&text(KRITHIS)?, report);
        files.read_lyrics(&text(LYRICS)?, report);
        Ok(files)
    }

    pub(super) fn read_krithis(&mut self, text: &str, report: &mut Report) {
        let mut ids = HashSet::new();
        self.krithis = table(text, KRITHIS, &KRITHI_HEADER, report, |line, row| {
            let field = |at: usize| row.get(at).unwrap_or_default().trim().to_owned();
            let krithi = Krithi {
                line,
                id: filled("id", field(0))?,
                title: filled("title", field(1))?,
                scheme: scheme(&field(2))?,
                raga: field(3),
                raga_group: field(4),
                tala: field(5),
                composer: filled("composer", field(6))?,
                language: field(7),
                form: field(8),
            };
            if !ids.insert(krithi.id.clone()) {
                return Err(format!("the id `{}` is there twice", krithi.id));
            }
            Ok(krithi)
        });
    }

    pub(super) fn read_ragas(&mut self, text: &str, report: &mut Report) {
        let mut ids = HashSet::new();
        self.ragas = table(text, RAGAS, &RAGA_HEADER, report, |line, row| {
            let field = |at: usize| row.get(at).unwrap_or_default().trim().to_owned();
            let raga = RagaRow {
                line,
                name: filled("name", field(0))?,
                normalized: filled("name_normalized", field(1))?,
                mela: mela_number(&field(2))?,
                parent: field(3),
                arohana: field(4),
                avarohana: field(5),
                group: field(6),
            };
            if !ids.insert(raga.normalized.clone()) {
                return Err(format!("the raga `{}` is there twice", raga.normalized));
            }
            Ok(raga)
        });
    }

    pub(super) fn read_groups(&mut self, text: &str, report: &mut Report) {
        report.begin_file(ALIASES);
        match serde_json::from_str::<BTreeMap<String, Vec<String>>>(text) {
            Ok(groups) => {
                groups.iter().for_each(|_| report.row(ALIASES));
                self.groups = groups;
            }
            Err(error) => report.reject(ALIASES, error.line(), error.to_string()),
        }
    }

    pub(super) fn read_lyrics(&mut self, text: &str, report: &mut Report) {
        report.begin_file(LYRICS);
        let works: HashSet<String> = self.krithis.iter().map(|krithi| krithi.id.clone()).collect();
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            report.row(LYRICS);
            let read = lyric(line).and_then(|(id, lyric)| {
                if !works.contains(&id) {
                    return Err(format!("`{id}` is no work of {KRITHIS}"));
                }
                match self.lyrics.insert(id.clone(), lyric) {
                    None => Ok(()),
                    Some(_) => Err(format!("the words of `{id}` are there twice")),
                }
            });
            if let Err(reason) = read {
                report.reject(LYRICS, at + 1, reason);
            }
        }
    }
}

fn lyric(line: &str) -> Result<(String, Lyric), String> {
    let raw: RawLyric = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let mut sections = Vec::with_capacity(raw.sections.len());
    for (heading, text) in raw.sections {
        match text {
            serde_json::Value::String(text) => sections.push((heading, text)),
            _ => return Err(format!("the section `{heading}` is no text")),
        }
    }
    Ok((raw.id, Lyric { scheme: scheme(&raw.scheme)?, sections }))
}

/// The rows of a CSV file with exactly this header.
fn table<T>(
    text: &str,
    file: &str,
    header: &[&str],
    report: &mut Report,
    mut read: impl FnMut(usize, &csv::StringRecord) -> Result<T, String>,
) -> Vec<T> {
    report.begin_file(file);
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    match reader.headers() {
        Ok(found) if found.iter().eq(header.iter().copied()) => {}
        Ok(_) => {
            report.reject(file, 1, format!("the columns must be {}", header.join(",")));
            return Vec::new();
        }
        Err(error) => {
            report.reject(file, 1, error.to_string());
            return Vec::new();
        }
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        report.row(file);
        let line = |position: Option<&csv::Position>| {
            position.map_or(0, |at| usize::try_from(at.line()).unwrap_or(0))
        };
        match record {
            Ok(record) => match read(line(record.position()), &record) {
                Ok(row) => rows.push(row),
                Err(reason) => report.reject(file, line(record.position()), reason),
            },
            Err(error) => report.reject(file, line(error.position()), csv_reason(&error)),
        }
    }
    rows
}

fn csv_reason(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields where the header has {expected_len}")
        }
        _ => error.to_string(),
    }
}

fn filled(field: &str, text: String) -> Result<String, String> {
    if text.is_empty() { Err(format!("`{field}` is empty")) } else { Ok(text) }
}

fn scheme(name: &str) -> Result<Scheme, String> {
    name.parse().map_err(|_| format!("`{name}` is no scheme of romanisation"))
}

fn mela_number(text: &str) -> Result<Option<u8>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse() {
        Ok(number @ 1..=72) => Ok(Some(number)),
        _ => Err(format!("`{text}` is no number of a mela")),
    }
}
