//! Catalogues come in: the starter catalogue of this project, a collection of works as tables, or what an export
//! wrote.
//!
//! A folder is read and checked as a whole before anything is stored, and while it has bad rows nothing is,
//! unless they are to be skipped. Then every row goes the way of an editor's change: through the aggregate,
//! with revision, audit entry and event, a hundred rows a transaction. Rows are found again by their id in
//! the catalogue, so the same folder twice changes nothing, a load that was cut off goes on, and what a
//! person has edited since is left as it is.
//!
//! What the rows mean is decided by pure functions (`starter`, `catalogue`); only this module asks the
//! database. A name alone never makes two entities one: see the report's remarks for what was linked.

mod catalogue;
mod compare;
pub mod error;
mod exchange;
mod names;
pub mod offline;
mod plan;
pub mod report;
mod starter;

pub use compare::{Comparison, Disagreement, Tally, compare};
pub use error::Error;
pub use plan::Field;
pub use report::{Counts, FileReport, Remark, Report, RowError};

use catalogue::Known;
use domain::aggregate::{Aggregate, Refusal, Stamp};
use domain::quality::Survey;
use domain::{Actor, EntityKind, EntityRef, Record, Verdict};
use plan::{Batch, Entry, Work};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use store::{AggregateFilter, AuditContext, Put, Tx, Writer};
use uuid::Uuid;

/// Rows stored in one transaction.
const ROWS_PER_TRANSACTION: usize = 100;
/// Aggregates listed at once.
const PAGE: usize = 100;
/// The most stored works that rows are compared with; above, rows are found by their ids alone.
const KNOWN_SONGS_MAX: usize = 20_000;

/// Which catalogue to load, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// TOML files of people's making.
    Starter(PathBuf),
    /// `krithis.csv`, `lyrics.jsonl`, `ragas.csv` and `raga_aliases.json`.
    Catalogue(PathBuf),
    /// A file of JSON Lines that `sangraha export` or `/v1/export` wrote.
    Export(PathBuf),
}

/// The switches of a load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Load the good rows of files that have bad ones.
    pub skip_bad: bool,
}

/// How far a load is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Rows stored or found unchanged.
    pub done: usize,
    /// All rows.
    pub total: usize,
}

impl Plan {
    /// What lies in `folder`; or the file itself, where it is one of JSON Lines.
    pub fn of(folder: &Path) -> Result<Self, Error> {
        let is_lines = folder.extension().is_some_and(|extension| extension == "jsonl");
        if is_lines && folder.is_file() {
            Ok(Self::Export(folder.to_owned()))
        } else if folder.join(exchange::FILE).is_file() {
            Ok(Self::Export(folder.join(exchange::FILE)))
        } else if folder.join(catalogue::KRITHIS).is_file() {
            Ok(Self::Catalogue(folder.to_owned()))
        } else if folder.join("ragas.toml").is_file() {
            Ok(Self::Starter(folder.to_owned()))
        } else {
            Err(Error::NotACatalogue(folder.to_owned()))
        }
    }
}

/// Shows every record of the starter catalogue in `folder` to `survey`, under provisional ids.
pub fn survey(folder: &Path, survey: &mut Survey) -> Result<(), Error> {
    let batch = match Plan::of(folder)? {
        Plan::Starter(folder) => starter::parse(&folder)?,
        Plan::Export(file) => exchange::parse(&file)?,
        Plan::Catalogue(folder) => {
            let (files, report) = catalogue::parse(&folder)?;
            catalogue::plan(&files, report, &Known::default())
        }
    };
    if !batch.report.bad.is_empty() {
        return Err(Error::BadRows(Box::new(batch.report)));
    }
    for entry in &batch.entries {
        if let Some(record) = entry.record() {
            survey.look(EntityRef { kind: record.kind(), id: entry.provisional }, record);
        }
    }
    Ok(())
}

/// Reads, checks and stores a catalogue.
pub async fn load(
    writer: &Writer,
    plan: &Plan,
    options: Options,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Report, Error> {
    let batch = prepare(writer, plan.clone()).await?;
    if !batch.report.bad.is_empty() && !options.skip_bad {
        return Err(Error::BadRows(Box::new(batch.report)));
    }
    let total = batch.entries.len();
    let mut loader = Loader::new(batch.report);
    for (at, entries) in batch.entries.chunks(ROWS_PER_TRANSACTION).enumerate() {
        progress(Progress { done: at * ROWS_PER_TRANSACTION, total });
        let mut tx = writer.begin("load.rows").await?;
        tx.bulk().await?;
        for entry in entries {
            loader.store(&mut tx, entry).await?;
        }
        tx.commit().await?;
    }
    loader.lead(writer).await?;
    loader.rule(writer, &batch.verdicts).await?;
    progress(Progress { done: total, total });
    Ok(loader.report)
}

/// Everything up to the first write. Reading and comparing are work for a thread of their own.
async fn prepare(writer: &Writer, plan: Plan) -> Result<Batch, Error> {
    match plan {
        Plan::Starter(folder) => blocking(move || starter::parse(&folder)).await,
        Plan::Export(file) => {
            let mut batch = blocking(move || exchange::parse(&file)).await?;
            for target in exchange::missing(&batch) {
                if writer.aggregate(target).await?.is_some() {
                    batch.stored.insert(target.id);
                }
            }
            batch.finish();
            Ok(batch)
        }
        Plan::Catalogue(folder) => {
            let (files, report) = blocking(move || catalogue::parse(&folder)).await?;
            let known = known(writer).await?;
            blocking(move || Ok(catalogue::plan(&files, report, &known))).await
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

/// What is stored already, as far as rows are compared with it.
async fn known(writer: &Writer) -> Result<Known, Error> {
    let mut known = Known::default();
    let mut tx = writer.begin("load.known").await?;
    let kinds = [EntityKind::Rights, EntityKind::Tala, EntityKind::Raga, EntityKind::Composer];
    for kind in kinds.into_iter().chain([EntityKind::Composition]) {
        let most = if kind == EntityKind::Composition { KNOWN_SONGS_MAX } else { usize::MAX };
        for entity in entities(writer, kind, most).await? {
            if let Some(aggregate) = tx.aggregate(entity).await? {
                known.add(entity, aggregate.current().clone());
            }
        }
    }
    known.rule(tx.verdicts().await?.into_iter().map(|row| row.verdict));
    Ok(known)
}

/// All entities of `kind`; none where there are more than `most`.
async fn entities(writer: &Writer, kind: EntityKind, most: usize) -> Result<Vec<EntityRef>, Error> {
    let filter = AggregateFilter { kind: Some(kind), ..AggregateFilter::default() };
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = writer.aggregates(&filter, PAGE, after.as_ref()).await?;
        found.extend(page.items.iter().map(|row| row.entity));
        if found.len() > most {
            return Ok(Vec::new());
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(found),
        }
    }
}

/// Stores entries one after the other and keeps the account.
struct Loader {
    /// Stored ids by provisional ids.
    ids: HashMap<Uuid, Uuid>,
    /// Addresses that lead to a record from before.
    former: Vec<(EntityRef, String)>,
    context: AuditContext,
    report: Report,
}

impl Loader {
    fn new(report: Report) -> Self {
        Self { ids: HashMap::new(), former: Vec::new(), context: AuditContext::system("load"), report }
    }

    async fn store(&mut self, tx: &mut Tx, entry: &Entry) -> Result<(), Error> {
        match &entry.work {
            Work::Put(record) => self.put(tx, entry, record).await,
            Work::Keep { record, former } => self.keep(tx, entry, record, former).await,
            Work::Link { target, names } => {
                self.ids.insert(entry.provisional, target.id);
                let stored =
                    tx.aggregate_for_update(*target).await?.ok_or(store::Error::NotFound(*target))?;
                let linked = plan::linked(stored.current(), &entry.external, names).map_err(form(entry))?;
                self.again(tx, entry, stored, linked).await
            }
        }
    }

    /// Stores the rulings that came with the records.
    async fn rule(&mut self, writer: &Writer, verdicts: &[Verdict]) -> Result<(), Error> {
        if verdicts.is_empty() {
            return Ok(());
        }
        let mut tx = writer.begin("load.verdicts").await?;
        for verdict in verdicts {
            let settled = plan::settled(verdict, &self.ids);
            let put = tx.verdict_put(plan::verdict_id(verdict), &settled, &self.context.actor).await?;
            let counts = self.report.kinds.entry("verdicts").or_default();
            match put {
                Put::Created => counts.created += 1,
                Put::Changed => counts.changed += 1,
                Put::Unchanged => counts.unchanged += 1,
            }
        }
        tx.commit().await?;
        Ok(())
    }

    async fn put(&mut self, tx: &mut Tx, entry: &Entry, record: &Record) -> Result<(), Error> {
        let record = Entry::settle(record, &self.ids).map_err(form(entry))?;
        let kind = record.kind();
        if let Some(stored) = tx.aggregate_by_external(kind, &entry.external).await? {
            self.ids.insert(entry.provisional, stored.entity.id);
            let merged = plan::merged(stored.current(), &record, &entry.external).map_err(form(entry))?;
            return self.again(tx, entry, stored, merged).await;
        }
        let entity = EntityRef { kind, id: Uuid::now_v7() };
        self.ids.insert(entry.provisional, entity.id);
        let wanted = if entry.slug.is_empty() { names::slug(&entry.external.id) } else { entry.slug.clone() };
        let slug = tx.slug_free(kind, &wanted).await?;
        self.insert(tx, entry, entity, slug, record).await
    }

    /// Stores a record under the id that it came with.
    async fn keep(
        &mut self,
        tx: &mut Tx,
        entry: &Entry,
        record: &Record,
        former: &[String],
    ) -> Result<(), Error> {
        let entity = EntityRef { kind: record.kind(), id: entry.provisional };
        self.former.extend(former.iter().map(|old| (entity, old.clone())));
        if let Some(stored) = tx.aggregate_for_update(entity).await? {
            return self.again(tx, entry, stored, record.clone()).await;
        }
        let slug = tx.slug_free(entity.kind, &entry.slug).await?;
        if slug != entry.slug {
            self.report.remark("has another address, since its own is taken", format!("{entity} {slug}"));
        }
        self.insert(tx, entry, entity, slug, record.clone()).await
    }

    /// Lets former addresses lead on, once every record has its own: what one had is another's now, perhaps.
    async fn lead(&mut self, writer: &Writer) -> Result<(), Error> {
        for former in self.former.chunks(ROWS_PER_TRANSACTION) {
            let mut tx = writer.begin("load.redirects").await?;
            for (entity, old) in former {
                tx.redirect_insert(entity.kind, old, entity.id).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }

    async fn insert(
        &mut self,
        tx: &mut Tx,
        entry: &Entry,
        entity: EntityRef,
        slug: String,
        record: Record,
    ) -> Result<(), Error> {
        let (aggregate, change) =
            Aggregate::import_new(entity, slug, record, &stamp(tx)).map_err(refused(entry))?;
        tx.aggregate_insert(&aggregate, &change).await?;
        tx.audit(&self.context, &change).await?;
        tx.record(&change).await?;
        self.report.counts(entity.kind).created += 1;
        Ok(())
    }

    /// Another content for what is stored; a person's edits win.
    async fn again(
        &mut self,
        tx: &mut Tx,
        entry: &Entry,
        mut stored: Aggregate,
        record: Record,
    ) -> Result<(), Error> {
        let is_link = matches!(entry.work, Work::Link { .. });
        let counts = self.report.counts(stored.entity.kind);
        match stored.import_again(record, &stamp(tx)) {
            Ok(None) => counts.unchanged += 1,
            Err(Refusal::Curated) => counts.kept += 1,
            Err(refusal) => return Err(refused(entry)(refusal)),
            Ok(Some(change)) => {
                tx.aggregate_save(&stored, &change).await?;
                tx.audit(&self.context, &change).await?;
                tx.record(&change).await?;
                *(if is_link { &mut counts.linked } else { &mut counts.changed }) += 1;
            }
        }
        Ok(())
    }
}

fn stamp(tx: &Tx) -> Stamp {
    Stamp { actor: Actor::system("load"), now: tx.now(), event_id: Uuid::now_v7() }
}

fn refused(entry: &Entry) -> impl Fn(Refusal) -> Error {
    |refusal| Error::Refused { record: entry.external.id.clone(), refusal }
}

fn form(entry: &Entry) -> impl Fn(serde_json::Error) -> Error {
    |source| Error::Form { record: entry.external.id.clone(), source }
}

/// The text of a file that must not be larger than `bytes_max`.
fn read_text(path: &Path, bytes_max: u64) -> Result<String, Error> {
    let failed = |source| Error::Read { path: path.to_owned(), source };
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > bytes_max {
        let reason = format!("{size} bytes are more than {bytes_max}");
        return Err(failed(std::io::Error::new(std::io::ErrorKind::FileTooLarge, reason)));
    }
    std::fs::read_to_string(path).map_err(failed)
}

#[cfg(test)]
mod tests;
