//! The catalogue as files: datasets of live records, streamed page by page.
//!
//! A file is one state of the catalogue or it breaks off: the version is read before the first row and after the
//! last one, and where they differ the file does not end.

mod csv;
pub mod get;
mod json_ld;
pub mod list;
mod tei;

use bytes::Bytes;
use domain::exchange::Line;
use domain::{EntityKind, EntityRef};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use store::{ExchangeRow, Read, ReadPolicy, Reader};
use utoipa::ToSchema;
use uuid::Uuid;

/// What can go wrong while a file is written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database did not answer.
    #[error("the database did not answer")]
    Store(#[from] store::Error),
    /// The catalogue changed while the file was written, so that it is no state of the catalogue.
    #[error("the catalogue changed meanwhile: begin again")]
    Changed,
    /// A row cannot be written.
    #[error("a row cannot be written: {0}")]
    Row(String),
}

/// Which records a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dataset {
    /// All kinds, what is referred to first: an import of it makes the same catalogue.
    Everything,
    /// One kind.
    Kind(EntityKind),
}

/// How a file is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// JSON Lines: every record whole; the form that can be imported.
    #[default]
    Jsonl,
    /// A table of the facts that fit in one; of one kind.
    Csv,
    /// TEI P5: the words of songs.
    Tei,
    /// JSON-LD: songs as `MusicComposition` of schema.org.
    Jsonld,
}

impl Dataset {
    /// Every dataset.
    pub fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Everything).chain(EntityKind::ALL.into_iter().map(Self::Kind))
    }

    /// The name in addresses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Everything => "everything",
            Self::Kind(kind) => kind.plural(),
        }
    }

    /// Its kinds, what is referred to first.
    pub fn kinds(self) -> Vec<EntityKind> {
        match self {
            Self::Everything => EntityKind::ALL.to_vec(),
            Self::Kind(kind) => vec![kind],
        }
    }

    /// The formats that it can be had in.
    pub const fn formats(self) -> &'static [Format] {
        match self {
            Self::Everything => &[Format::Jsonl],
            Self::Kind(EntityKind::Composition) => &[Format::Jsonl, Format::Csv, Format::Tei, Format::Jsonld],
            Self::Kind(_) => &[Format::Jsonl, Format::Csv],
        }
    }
}

impl Format {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Tei => "tei",
            Self::Jsonld => "jsonld",
        }
    }

    const fn media(self) -> &'static str {
        match self {
            Self::Jsonl => "application/jsonl",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Tei => "application/tei+xml",
            Self::Jsonld => "application/ld+json",
        }
    }

    /// The end of a file's name.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Tei => "xml",
            other => other.as_str(),
        }
    }
}

/// One file on its way.
pub struct Export {
    read: Read,
    format: Format,
    site: String,
    state: DatasetState,
    shown: Vec<EntityKind>,
    left: VecDeque<EntityKind>,
    after: Option<Uuid>,
    step: Step,
    rows: u64,
}

/// The state of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatasetState {
    /// Changes exactly when the file does: 32 hexadecimal digits.
    pub version: String,
    /// How many records it has.
    pub records: u64,
    /// When the newest of its records was made.
    pub changed_at: Option<chrono::DateTime<chrono::Utc>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Head,
    Rows,
    Foot,
    Done,
}

/// Records of one page.
const PAGE: usize = 200;

impl Export {
    /// Begins a file of `dataset` at the node that reads are answered from. Addresses in it begin with `site`.
    pub async fn begin(
        reader: &Reader,
        dataset: Dataset,
        format: Format,
        site: &str,
    ) -> Result<Self, ExportError> {
        let read = reader.read(ReadPolicy::Any).await?;
        let shown = shown(dataset, format);
        let state = state(&read, dataset, &shown).await?;
        Ok(Self {
            read,
            format,
            site: site.to_owned(),
            state,
            shown,
            left: dataset.kinds().into(),
            after: None,
            step: Step::Head,
            rows: 0,
        })
    }

    /// What is being written.
    pub const fn state(&self) -> &DatasetState {
        &self.state
    }

    /// The WAL position that the file includes.
    fn lsn(&self) -> u64 {
        self.read.lsn()
    }

    /// The next part of the file; none at its end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ExportError> {
        loop {
            let part = match self.step {
                Step::Head => {
                    self.step = Step::Rows;
                    self.head()?
                }
                Step::Rows => match self.page().await? {
                    Some(rows) => self.written(&rows)?,
                    None => {
                        self.step = Step::Foot;
                        continue;
                    }
                },
                Step::Foot => {
                    self.check().await?;
                    self.step = Step::Done;
                    self.foot().to_owned()
                }
                Step::Done => return Ok(None),
            };
            if !part.is_empty() {
                return Ok(Some(part.into()));
            }
        }
    }

    async fn page(&mut self) -> Result<Option<Vec<ExchangeRow>>, ExportError> {
        while let Some(kind) = self.left.front().copied() {
            let rows = self.read.exchange(kind, self.after, PAGE).await?;
            self.after = rows.last().map(|row| row.entity.id);
            if rows.len() < PAGE {
                self.left.pop_front();
                self.after = None;
            }
            if !rows.is_empty() {
                return Ok(Some(rows));
            }
        }
        Ok(None)
    }

    fn head(&self) -> Result<String, ExportError> {
        match (self.format, self.left.front()) {
            (Format::Csv, Some(kind)) => csv::head(*kind),
            (Format::Tei, _) => Ok(tei::HEAD.to_owned()),
            (Format::Jsonld, _) => Ok(json_ld::HEAD.to_owned()),
            _ => Ok(String::new()),
        }
    }

    fn written(&mut self, rows: &[ExchangeRow]) -> Result<String, ExportError> {
        let mut out = String::new();
        for row in rows {
            let is_first = self.rows == 0;
            self.rows += 1;
            match self.format {
                Format::Jsonl => {
                    out.push_str(&line(row).write());
                    out.push('\n');
                }
                Format::Csv => out.push_str(&csv::row(row)?),
                Format::Tei => out.push_str(&tei::row(row, &self.site)),
                Format::Jsonld => {
                    out.push_str(if is_first { "" } else { ",\n" });
                    out.push_str(&json_ld::row(row, &self.site));
                }
            }
        }
        Ok(out)
    }

    /// The file is whole only if nothing of it changed meanwhile.
    async fn check(&self) -> Result<(), ExportError> {
        let hash = self.read.dataset(&self.shown).await?.hash;
        if version_of(&hash) == self.state.version { Ok(()) } else { Err(ExportError::Changed) }
    }

    const fn foot(&self) -> &'static str {
        match self.format {
            Format::Jsonl | Format::Csv => "",
            Format::Tei => tei::FOOT,
            Format::Jsonld => json_ld::FOOT,
        }
    }
}

/// Reads a file to its end and answers the SHA-256 of its bytes, and how many there are.
pub async fn checksum(
    reader: &Reader,
    dataset: Dataset,
    format: Format,
    site: &str,
) -> Result<([u8; 32], u64), ExportError> {
    let mut export = Export::begin(reader, dataset, format, site).await?;
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    while let Some(part) = export.next().await? {
        bytes += part.len() as u64;
        hash.update(&part);
    }
    Ok((hash.finalize().into(), bytes))
}

/// The kinds that a file shows anything of: JSON Lines name what they refer to by id, the other formats by name.
fn shown(dataset: Dataset, format: Format) -> Vec<EntityKind> {
    match format {
        Format::Jsonl => {
            let mut kinds = dataset.kinds();
            // Which members of a group are shown depends on the songs.
            kinds.extend((dataset == Dataset::Kind(EntityKind::Group)).then_some(EntityKind::Composition));
            kinds
        }
        Format::Csv | Format::Tei | Format::Jsonld => EntityKind::ALL.to_vec(),
    }
}

async fn state(read: &Read, dataset: Dataset, shown: &[EntityKind]) -> Result<DatasetState, ExportError> {
    let own = read.dataset(&dataset.kinds()).await?;
    let all = read.dataset(shown).await?;
    Ok(DatasetState { version: version_of(&all.hash), records: own.records, changed_at: own.changed_at })
}

fn version_of(hash: &[u8; 32]) -> String {
    hash[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hex(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn line(row: &ExchangeRow) -> Line {
    let ExchangeRow { entity, slug, former, record, .. } = row;
    Line { entity: *entity, slug: slug.clone(), former: former.clone(), record: record.clone() }
}

/// What `id` is called; the id itself where it is not live.
fn name(row: &ExchangeRow, id: Uuid) -> String {
    row.labels.get(&id).map_or_else(|| id.to_string(), |label| label.label.clone())
}

/// The address of a page for people.
fn address(site: &str, entity: EntityRef, slug: &str) -> String {
    format!("{site}/{}/{slug}", entity.kind.plural())
}
