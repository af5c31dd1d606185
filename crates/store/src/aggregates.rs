//! Aggregates: loaded and saved whole, with everything that is projected from them.

use crate::error::Error;
use crate::page::{Cursor, Page, fetch_limit, page_of};
use crate::pools::Writer;
use crate::projection::{Projection, SongRow, project};
use crate::statement::{Growing, Statement};
use crate::tx::Tx;
use crate::wire::{entity_at, hash_at, name_of, record_of, value_of};
use chrono::{DateTime, Utc};
use domain::aggregate::{Aggregate, Change, Revision};
use domain::music::Raga;
use domain::reference::ExternalId;
use domain::revision::{ChangeKind, ContentHash};
use domain::workflow::State;
use domain::{Actor, EntityKind, EntityRef, Record};
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use uuid::Uuid;

/// Which aggregates an editor's list shows.
#[derive(Clone, Debug, Default)]
pub struct AggregateFilter {
    pub kind: Option<EntityKind>,
    pub state: Option<State>,
    pub named: Option<NamePart>,
}

/// A part of what an aggregate is called: of its slug (a draft has no more than that), or of the `k1` key of
/// any name that readers see; an empty key is no name's part.
#[derive(Clone, Debug)]
pub struct NamePart {
    pub slug: String,
    pub k1: String,
}

/// A line of an editor's list.
#[derive(Clone, Debug)]
pub struct AggregateRow {
    pub entity: EntityRef,
    pub slug: String,
    pub label: String,
    pub state: State,
    pub row_version: i64,
    pub is_live: bool,
    pub has_draft: bool,
    pub updated_at: DateTime<Utc>,
}

/// A line of an aggregate's history.
#[derive(Clone, Debug)]
pub struct RevisionRow {
    pub number: i32,
    pub hash: ContentHash,
    pub change_kind: ChangeKind,
    pub reason: Option<String>,
    pub author: Actor,
    pub recorded_at: DateTime<Utc>,
}

impl Tx {
    /// The aggregate, locked until the end of the transaction: whoever changes it waits for us.
    pub async fn aggregate_for_update(&mut self, entity: EntityRef) -> Result<Option<Aggregate>, Error> {
        self.execute(Statement::new(LOCK).bind(entity.id)).await?;
        self.aggregate(entity).await
    }

    /// The aggregate as it is now, not locked.
    pub async fn aggregate(&mut self, entity: EntityRef) -> Result<Option<Aggregate>, Error> {
        let row = self.row(Statement::new(ONE).bind(entity.id).bind(entity.kind.as_str())).await?;
        row.as_ref().map(aggregate_of).transpose()
    }

    /// The aggregate that has this id in another collection, locked.
    pub async fn aggregate_by_external(
        &mut self,
        kind: EntityKind,
        external: &ExternalId,
    ) -> Result<Option<Aggregate>, Error> {
        let statement = Statement::new(BY_EXTERNAL)
            .bind(kind.as_str())
            .bind(external.scheme.clone())
            .bind(external.id.clone());
        match self.row(statement).await? {
            Some(row) => {
                self.aggregate_for_update(EntityRef { kind, id: row.try_get("aggregate_id")? }).await
            }
            None => Ok(None),
        }
    }

    /// Stores a new aggregate with its first revision.
    pub async fn aggregate_insert(&mut self, aggregate: &Aggregate, change: &Change) -> Result<(), Error> {
        let entity = aggregate.entity;
        let statement = Statement::new(INSERT)
            .bind(entity.id)
            .bind(entity.kind.as_str())
            .bind(aggregate.slug.clone())
            .bind(aggregate.state.as_str())
            .bind(aggregate.row_version)
            .bind(aggregate.version)
            .bind(number(&aggregate.live))
            .bind(number(&aggregate.draft))
            .bind(aggregate.revisions)
            .bind(aggregate.created_at)
            .bind(aggregate.updated_at);
        self.execute(statement).await.map_err(slug_taken)?;
        self.revision_insert(entity, change).await?;
        self.project(aggregate, change, true).await
    }

    /// Stores what one call changed. The row version must be the one after the stored one; an old slug goes
    /// on leading here.
    pub async fn aggregate_save(&mut self, aggregate: &Aggregate, change: &Change) -> Result<(), Error> {
        let entity = aggregate.entity;
        self.revision_insert(entity, change).await?;
        let statement = Statement::new(UPDATE)
            .bind(entity.id)
            .bind(entity.kind.as_str())
            .bind(aggregate.slug.clone())
            .bind(aggregate.state.as_str())
            .bind(aggregate.row_version)
            .bind(aggregate.version)
            .bind(number(&aggregate.live))
            .bind(number(&aggregate.draft))
            .bind(aggregate.revisions)
            .bind(aggregate.updated_at);
        let row = self.row(statement).await.map_err(slug_taken)?.ok_or(Error::NotFound(entity))?;
        if !row.try_get::<bool, _>("saved")? {
            return Err(Error::RowVersion { current: row.try_get("row_version")? });
        }
        let old_slug: String = row.try_get("slug")?;
        if old_slug != aggregate.slug {
            self.redirect_insert(entity.kind, &old_slug, entity.id).await?;
        }
        if aggregate.state == State::Archived {
            self.refuse_referenced(entity).await?;
        }
        self.project(aggregate, change, false).await
    }

    /// `wanted`, or `wanted-2` and so on where it leads to another aggregate of the kind.
    pub async fn slug_free(&mut self, kind: EntityKind, wanted: &str) -> Result<String, Error> {
        let rows = self.rows(Statement::new(SLUGS).bind(kind.as_str()).bind(wanted.to_owned())).await?;
        let taken = rows.iter().map(|row| row.try_get::<String, _>("slug")).collect::<Result<Vec<_>, _>>()?;
        let mut slug = wanted.to_owned();
        let mut next = 2_u32;
        while taken.contains(&slug) {
            slug = format!("{wanted}-{next}");
            next += 1;
        }
        Ok(slug)
    }

    /// The aggregates of `kind` that have a live name with one of `keys` ([`domain::Name::key`]).
    pub async fn names_by_key(
        &mut self,
        kind: EntityKind,
        keys: &[String],
    ) -> Result<Vec<(String, Uuid)>, Error> {
        let rows = self.rows(Statement::new(NAMES_BY_KEY).bind(kind.as_str()).bind(keys.to_vec())).await?;
        rows.iter().map(|row| Ok((row.try_get("key")?, row.try_get("aggregate_id")?))).collect()
    }

    /// The aggregates whose live record refers to `entity`, at most [`Tx::REFERRERS_MAX`].
    pub async fn referrers(&mut self, entity: EntityRef) -> Result<Vec<EntityRef>, Error> {
        let statement = Statement::new(REFERRERS).bind(entity.id).bind(Self::REFERRERS_MAX as i64);
        self.rows(statement).await?.iter().map(|row| entity_at(row, "kind", "aggregate_id")).collect()
    }

    /// Makes `old`, a slug or an id in text, lead to the aggregate `id`.
    pub async fn redirect_insert(&mut self, kind: EntityKind, old: &str, id: Uuid) -> Result<(), Error> {
        let now = self.now();
        let statement = Statement::new(REDIRECT).bind(kind.as_str()).bind(old.to_owned()).bind(id).bind(now);
        self.execute(statement).await?;
        Ok(())
    }

    async fn refuse_referenced(&mut self, entity: EntityRef) -> Result<(), Error> {
        let by = self.referrers(entity).await?;
        if by.is_empty() { Ok(()) } else { Err(Error::Referenced { by }) }
    }

    async fn revision_insert(&mut self, entity: EntityRef, change: &Change) -> Result<(), Error> {
        let Some(revision) = &change.revision else { return Ok(()) };
        let statement = Statement::new(INSERT_REVISION)
            .bind(entity.id)
            .bind(revision.number)
            .bind(Json(revision.record.clone()))
            .bind(revision.hash.0.to_vec())
            .bind(revision.change_kind.as_str())
            .bind(revision.reason.clone())
            .bind(revision.author.user)
            .bind(revision.author.name.clone())
            .bind(revision.recorded_at);
        self.execute(statement).await?;
        Ok(())
    }

    /// Writes what other tables show of the aggregate. What readers see is touched only where it changed.
    async fn project(&mut self, aggregate: &Aggregate, change: &Change, is_new: bool) -> Result<(), Error> {
        let entity = aggregate.entity;
        let live_changed = change.event.is_some();
        if !is_new {
            self.execute(Statement::new(CLEAR_LINES).bind(entity.id).bind(live_changed)).await?;
            if live_changed {
                self.execute(Statement::new(CLEAR_LIVE).bind(entity.id)).await?;
            }
        }
        self.publication_insert(change, aggregate.live.as_ref()).await?;
        let live = aggregate.live.as_ref().map(|revision| &revision.record);
        let draft = aggregate.draft.as_ref().map(|revision| &revision.record);
        self.references_insert(entity, "live", live.filter(|_| live_changed)).await?;
        self.references_insert(entity, "draft", draft).await?;
        self.external_ids_insert(entity, live, draft).await?;
        let Some(record) = live.filter(|_| live_changed) else { return Ok(()) };
        let rows = project(entity, &aggregate.slug, aggregate.version, record);
        self.live_insert(entity, &rows).await?;
        match (record, &rows.song) {
            (Record::Raga(raga), _) => self.raga_insert(entity.id, raga).await,
            (_, Some(song)) => self.song_insert(entity.id, song, aggregate.updated_at).await,
            _ => Ok(()),
        }
    }

    /// Notes which revision readers see from this event on; none after a withdrawal.
    async fn publication_insert(&mut self, change: &Change, live: Option<&Revision>) -> Result<(), Error> {
        let Some(event) = &change.event else { return Ok(()) };
        let statement = Statement::new(INSERT_PUBLICATION)
            .bind(change.entity.id)
            .bind(event.version)
            .bind(live.map(|revision| revision.number))
            .bind(event.at);
        self.execute(statement).await?;
        Ok(())
    }

    async fn references_insert(
        &mut self,
        entity: EntityRef,
        line: &'static str,
        record: Option<&Record>,
    ) -> Result<(), Error> {
        let references = record.map(Record::references).unwrap_or_default();
        if references.is_empty() {
            return Ok(());
        }
        let column = |of: fn(&(&'static str, EntityRef)) -> &'static str| -> Vec<&'static str> {
            references.iter().map(of).collect()
        };
        let statement = Statement::new(INSERT_REFERENCES)
            .bind(entity.id)
            .bind(line)
            .bind(entity.kind.as_str())
            .bind(column(|(role, _)| role))
            .bind(references.iter().map(|(_, target)| target.id).collect::<Vec<_>>())
            .bind(column(|(_, target)| target.kind.as_str()));
        let outcome = self.execute(statement).await;
        outcome.map_err(|error| error.on_constraint("reference_target_fkey", Error::ReferenceMissing))?;
        Ok(())
    }

    async fn external_ids_insert(
        &mut self,
        entity: EntityRef,
        live: Option<&Record>,
        draft: Option<&Record>,
    ) -> Result<(), Error> {
        let of =
            |record: Option<&Record>| record.map(|record| record.external_ids().to_vec()).unwrap_or_default();
        let live = of(live);
        let mut all: Vec<ExternalId> = Vec::new();
        for id in live.iter().cloned().chain(of(draft)) {
            if !all.contains(&id) {
                all.push(id);
            }
        }
        if all.is_empty() {
            return Ok(());
        }
        let statement = Statement::new(INSERT_EXTERNAL_IDS)
            .bind(entity.kind.as_str())
            .bind(entity.id)
            .bind(all.iter().map(|id| id.scheme.clone()).collect::<Vec<_>>())
            .bind(all.iter().map(|id| id.id.clone()).collect::<Vec<_>>())
            .bind(all.iter().map(|id| live.contains(id)).collect::<Vec<_>>());
        let outcome = self.execute(statement).await;
        outcome.map_err(|error| error.on_constraint("external_id_key", Error::ExternalIdTaken))?;
        Ok(())
    }

    async fn live_insert(&mut self, entity: EntityRef, rows: &Projection) -> Result<(), Error> {
        let (names, browse) = (&rows.names, &rows.browse);
        let statement = Statement::new(INSERT_LIVE)
            .bind(entity.id)
            .bind(entity.kind.as_str())
            .bind(names.iter().map(|name| name.text.clone()).collect::<Vec<_>>())
            .bind(names.iter().map(|name| name.language.clone()).collect::<Vec<_>>())
            .bind(names.iter().map(|name| name.script).collect::<Vec<_>>())
            .bind(names.iter().map(|name| name.role.clone()).collect::<Vec<_>>())
            .bind(names.iter().map(|name| name.alias_scheme.clone()).collect::<Vec<_>>())
            .bind(names.iter().map(|name| name.machine_made).collect::<Vec<_>>())
            .bind(names.iter().map(|name| name.k1.clone()).collect::<Vec<_>>())
            .bind(names.iter().map(|name| name.k2.clone()).collect::<Vec<_>>())
            .bind(names.iter().map(|name| name.key.clone()).collect::<Vec<_>>())
            .bind(rows.card.clone())
            .bind(rows.stamp.clone())
            .bind(browse.iter().map(|entry| entry.script).collect::<Vec<_>>())
            .bind(browse.iter().map(|entry| entry.label.clone()).collect::<Vec<_>>())
            .bind(browse.iter().map(|entry| entry.machine_made).collect::<Vec<_>>())
            .bind(browse.iter().map(|entry| entry.initial.clone()).collect::<Vec<_>>())
            .bind(browse.iter().map(|entry| entry.sort_key.clone()).collect::<Vec<_>>());
        self.execute(statement).await?;
        Ok(())
    }

    async fn raga_insert(&mut self, id: Uuid, raga: &Raga) -> Result<(), Error> {
        let statement = Statement::new(UPSERT_RAGA)
            .bind(id)
            .bind(name_of(&raga.kind))
            .bind(raga.mela_number.map(i16::from))
            .bind(raga.parent.map(|parent| parent.0));
        self.execute(statement).await?;
        Ok(())
    }

    async fn song_insert(&mut self, id: Uuid, song: &SongRow, at: DateTime<Utc>) -> Result<(), Error> {
        let statement = Statement::new(UPSERT_SONG)
            .bind(id)
            .bind(song.title.clone())
            .bind(song.incipit.clone())
            .bind(song.sort_key.clone())
            .bind(song.form.clone())
            .bind(song.languages.clone())
            .bind(song.composer)
            .bind(song.primary_raga)
            .bind(song.ragas.clone())
            .bind(song.talas.clone())
            .bind(song.deities.clone())
            .bind(song.temples.clone())
            .bind(song.tags.clone())
            .bind(song.sampradayas.clone())
            .bind(song.is_ragamalika)
            .bind(song.scripts.clone())
            .bind(song.external_ids.clone())
            .bind(at);
        self.execute(statement).await?;
        Ok(())
    }
}

impl Writer {
    /// The aggregate with its live and draft lines.
    pub async fn aggregate(&self, entity: EntityRef) -> Result<Option<Aggregate>, Error> {
        let row = self.row(Statement::new(ONE).bind(entity.id).bind(entity.kind.as_str())).await?;
        row.as_ref().map(aggregate_of).transpose()
    }

    /// The aggregate with this id or slug, in any state; an old slug counts.
    pub async fn aggregate_resolve(
        &self,
        kind: EntityKind,
        reference: &str,
    ) -> Result<Option<EntityRef>, Error> {
        let statement = Statement::new(RESOLVE)
            .bind(kind.as_str())
            .bind(reference.to_owned())
            .bind(Uuid::parse_str(reference).ok());
        let row = self.row(statement).await?;
        row.map(|row| Ok(EntityRef { kind, id: row.try_get("id")? })).transpose()
    }

    /// Aggregates in every state, the ones changed last first.
    pub async fn aggregates(
        &self,
        filter: &AggregateFilter,
        limit: usize,
        after: Option<&Cursor>,
    ) -> Result<Page<AggregateRow>, Error> {
        let mut sql = Growing::new(LIST);
        if let Some(kind) = filter.kind {
            sql.push(" and a.kind = ").bind(kind.as_str());
        }
        if let Some(state) = filter.state {
            sql.push(" and a.state = ").bind(state.as_str());
        }
        if let Some(NamePart { slug, k1 }) = filter.named.clone() {
            sql.push(" and (position(").bind(slug).push(" in a.slug) > 0");
            if !k1.is_empty() {
                sql.push(" or exists (select from name n where n.aggregate_id = a.id and position(").bind(k1);
                sql.push(" in n.k1) > 0)");
            }
            sql.push(")");
        }
        if let Some(after) = after {
            let at = DateTime::from_timestamp_micros(after.micros()?).ok_or(Error::BadCursor)?;
            sql.push(" and (a.updated_at, a.id) < (").bind(at).push(", ").bind(after.id()).push(")");
        }
        sql.push(" order by a.updated_at desc, a.id desc limit ").bind(fetch_limit(limit));
        let rows = self.rows(sql.finish()).await?;
        let rows = rows.iter().map(aggregate_row_of).collect::<Result<Vec<_>, _>>()?;
        Ok(page_of(rows, limit, |row| Cursor::at(row.updated_at.timestamp_micros(), row.entity.id)))
    }

    /// The history of an aggregate, newest first, without the records.
    pub async fn revisions(&self, entity: EntityRef) -> Result<Vec<RevisionRow>, Error> {
        let rows = self.rows(Statement::new(REVISIONS).bind(entity.id)).await?;
        rows.iter().map(revision_row_of).collect()
    }

    /// One revision, whole.
    pub async fn revision(&self, entity: EntityRef, number: i32) -> Result<Option<Revision>, Error> {
        let row = self.row(Statement::new(REVISION).bind(entity.id).bind(number)).await?;
        row.map(|row| {
            let line = revision_row_of(&row)?;
            let record = record_of(entity.kind, row.try_get("body")?)?;
            Ok(line.with(record))
        })
        .transpose()
    }
}

impl RevisionRow {
    fn with(self, record: Record) -> Revision {
        Revision {
            number: self.number,
            record,
            hash: self.hash,
            change_kind: self.change_kind,
            reason: self.reason,
            author: self.author,
            recorded_at: self.recorded_at,
        }
    }
}

fn number(revision: &Option<Revision>) -> Option<i32> {
    revision.as_ref().map(|revision| revision.number)
}

fn slug_taken(error: Error) -> Error {
    error.on_constraint("aggregate_slug_key", Error::SlugTaken)
}

fn aggregate_of(row: &PgRow) -> Result<Aggregate, Error> {
    let entity = entity_at(row, "kind", "id")?;
    Ok(Aggregate {
        entity,
        slug: row.try_get("slug")?,
        state: state_at(row)?,
        row_version: row.try_get("row_version")?,
        version: row.try_get("version")?,
        live: line_of(row, entity.kind, &LIVE_COLUMNS)?,
        draft: line_of(row, entity.kind, &DRAFT_COLUMNS)?,
        revisions: row.try_get("revisions")?,
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
    })
}

fn state_at(row: &PgRow) -> Result<State, Error> {
    value_of(row.try_get("state")?)
}

/// The columns of a revision, in the order number, body, hash, change kind, reason, author id and name, time.
type LineColumns = [&'static str; 8];

const LIVE_COLUMNS: LineColumns =
    ["l_number", "l_body", "l_hash", "l_kind", "l_reason", "l_user", "l_name", "l_at"];
const DRAFT_COLUMNS: LineColumns =
    ["d_number", "d_body", "d_hash", "d_kind", "d_reason", "d_user", "d_name", "d_at"];
const LINE_COLUMNS: LineColumns =
    ["number", "body", "content_hash", "change_kind", "reason", "author_user", "author_name", "recorded_at"];

fn line_of(row: &PgRow, kind: EntityKind, columns: &LineColumns) -> Result<Option<Revision>, Error> {
    if row.try_get::<Option<i32>, _>(columns[0])?.is_none() {
        return Ok(None);
    }
    let record = record_of(kind, row.try_get(columns[1])?)?;
    Ok(Some(revision_line_of(row, columns)?.with(record)))
}

fn revision_row_of(row: &PgRow) -> Result<RevisionRow, Error> {
    revision_line_of(row, &LINE_COLUMNS)
}

fn revision_line_of(row: &PgRow, columns: &LineColumns) -> Result<RevisionRow, Error> {
    let [number, _, hash, kind, reason, user, name, at] = columns;
    Ok(RevisionRow {
        number: row.try_get(*number)?,
        hash: ContentHash(hash_at(row, hash)?),
        change_kind: value_of(row.try_get(*kind)?)?,
        reason: row.try_get(*reason)?,
        author: Actor { user: row.try_get(*user)?, name: row.try_get(*name)? },
        recorded_at: row.try_get(*at)?,
    })
}

fn aggregate_row_of(row: &PgRow) -> Result<AggregateRow, Error> {
    Ok(AggregateRow {
        entity: entity_at(row, "kind", "id")?,
        slug: row.try_get("slug")?,
        label: row.try_get("label")?,
        state: state_at(row)?,
        row_version: row.try_get("row_version")?,
        is_live: row.try_get("is_live")?,
        has_draft: row.try_get("has_draft")?,
        updated_at: row.try_get("updated_at")?,
    })
}

// The lock is a statement of its own: only the next one sees what the transaction before us committed.
const LOCK: &str = "select 1 from aggregate where id = $1 for update";

const ONE: &str = "
    select a.id, a.kind, a.slug, a.state, a.row_version, a.version, a.revisions, a.created_at, a.updated_at,
        l.number as l_number, l.body::text as l_body, l.content_hash as l_hash, l.change_kind as l_kind,
        l.reason as l_reason, l.author_user as l_user, l.author_name as l_name, l.recorded_at as l_at,
        d.number as d_number, d.body::text as d_body, d.content_hash as d_hash, d.change_kind as d_kind,
        d.reason as d_reason, d.author_user as d_user, d.author_name as d_name, d.recorded_at as d_at
    from aggregate a
    left join revision l on l.aggregate_id = a.id and l.number = a.live_number
    left join revision d on d.aggregate_id = a.id and d.number = a.draft_number
    where a.id = $1 and a.kind = $2";

const BY_EXTERNAL: &str =
    "select aggregate_id from external_id where kind = $1 and scheme = $2 and value = $3";

const RESOLVE: &str = "
    select id from aggregate where kind = $1 and (slug = $2 or id = $3)
    union all
    select aggregate_id from redirect where kind = $1 and old = $2
    limit 1";

const INSERT: &str = "
    insert into aggregate (id, kind, slug, state, row_version, version, live_number, draft_number, revisions,
        created_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

const UPDATE: &str = "
    with old as (
        select slug, row_version from aggregate where id = $1 and kind = $2 for update
    ), saved as (
        update aggregate a
        set slug = $3, state = $4, row_version = $5, version = $6, live_number = $7, draft_number = $8,
            revisions = $9, updated_at = $10
        from old
        where a.id = $1 and old.row_version = $5 - 1
        returning a.id
    )
    select old.slug, old.row_version, exists (select from saved) as saved from old";

const INSERT_REVISION: &str = "
    insert into revision (aggregate_id, number, body, content_hash, change_kind, reason, author_user,
        author_name, recorded_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

const INSERT_PUBLICATION: &str =
    "insert into publication (aggregate_id, version, number, at) values ($1, $2, $3, $4)";

const SLUGS: &str = "
    select slug from aggregate where kind = $1 and (slug = $2 or starts_with(slug, $2 || '-'))
    union all
    select old from redirect where kind = $1 and (old = $2 or starts_with(old, $2 || '-'))";

const NAMES_BY_KEY: &str = "
    select distinct key, aggregate_id from name
    where kind = $1 and key = any($2) and role in ('display', 'alias')
    order by key, aggregate_id";

const REFERRERS: &str = "
    select distinct kind, aggregate_id from reference
    where target_id = $1 and line = 'live' and aggregate_id <> $1
    order by kind, aggregate_id limit $2";

const REDIRECT: &str = "
    with moved as (
        insert into redirect (kind, old, aggregate_id, at) values ($1, $2, $3, $4)
        on conflict (kind, old) do update set aggregate_id = excluded.aggregate_id, at = excluded.at
    )
    delete from redirect r using aggregate a
    where a.id = $3 and r.kind = $1 and r.old = a.slug and r.aggregate_id = $3";

const CLEAR_LINES: &str = "
    with drafts as (
        delete from reference where aggregate_id = $1 and (line = 'draft' or $2)
    )
    delete from external_id where aggregate_id = $1";

// The rows of lists are kept where the new live line replaces them, so that they keep their first date.
const CLEAR_LIVE: &str = "
    with names as (
        delete from name where aggregate_id = $1
    ), labels as (
        delete from label where aggregate_id = $1
    ), ragas as (
        delete from live_raga g using aggregate a
        where g.id = $1 and a.id = $1 and a.live_number is null
    ), songs as (
        delete from live_composition c using aggregate a
        where c.id = $1 and a.id = $1 and a.live_number is null
    )
    delete from browse_entry where aggregate_id = $1";

const INSERT_REFERENCES: &str = "
    insert into reference (aggregate_id, line, ord, role, kind, target_id, target_kind)
    select $1, $2, r.ord::integer, r.role, $3, r.target_id, r.target_kind
    from unnest($4::text[], $5::uuid[], $6::text[]) with ordinality as r (role, target_id, target_kind, ord)";

const INSERT_EXTERNAL_IDS: &str = "
    insert into external_id (kind, scheme, value, aggregate_id, live)
    select $1, e.scheme, e.value, $2, e.live
    from unnest($3::text[], $4::text[], $5::boolean[]) as e (scheme, value, live)";

const INSERT_LIVE: &str = "
    with names as (
        insert into name (aggregate_id, ord, kind, text, language, script, role, alias_scheme, machine_made,
            k1, k2, key)
        select $1, n.ord::integer, $2, n.text, n.language, n.script, n.role, n.alias_scheme, n.machine_made,
            n.k1, n.k2, n.key
        from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::boolean[], $9::text[],
            $10::text[], $11::text[]) with ordinality
            as n (text, language, script, role, alias_scheme, machine_made, k1, k2, key, ord)
    ), labels as (
        insert into label (aggregate_id, card, stamp) values ($1, $12, $13)
    )
    insert into browse_entry (aggregate_id, kind, script, label, machine_made, initial, sort_key)
    select $1, $2, b.script, b.label, b.machine_made, b.initial, b.sort_key
    from unnest($14::text[], $15::text[], $16::boolean[], $17::text[], $18::bytea[])
        as b (script, label, machine_made, initial, sort_key)";

const UPSERT_RAGA: &str = "
    insert into live_raga (id, raga_kind, mela_number, parent_id) values ($1, $2, $3, $4)
    on conflict (id) do update
    set raga_kind = excluded.raga_kind, mela_number = excluded.mela_number, parent_id = excluded.parent_id";

const UPSERT_SONG: &str = "
    insert into live_composition (id, title, incipit, sort_key, form, languages, composer_id, primary_raga_id,
        raga_ids, tala_ids, deity_ids, temple_ids, tag_ids, sampradaya_ids, is_ragamalika, scripts,
        external_ids, published_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18)
    on conflict (id) do update
    set title = excluded.title, incipit = excluded.incipit, sort_key = excluded.sort_key,
        form = excluded.form, languages = excluded.languages, composer_id = excluded.composer_id,
        primary_raga_id = excluded.primary_raga_id, raga_ids = excluded.raga_ids,
        tala_ids = excluded.tala_ids, deity_ids = excluded.deity_ids, temple_ids = excluded.temple_ids,
        tag_ids = excluded.tag_ids, sampradaya_ids = excluded.sampradaya_ids,
        is_ragamalika = excluded.is_ragamalika, scripts = excluded.scripts,
        external_ids = excluded.external_ids, updated_at = excluded.updated_at";

const LIST: &str = "
    select a.id, a.kind, a.slug, a.state, a.row_version, a.live_number is not null as is_live,
        a.draft_number is not null as has_draft, a.updated_at,
        coalesce(r.body -> 'names' -> 0 ->> 'text', r.body -> 'titles' -> 0 ->> 'text', a.slug) as label
    from aggregate a
    left join revision r on r.aggregate_id = a.id and r.number = coalesce(a.draft_number, a.live_number)
    where true";

const REVISIONS: &str = "
    select number, content_hash, change_kind, reason, author_user, author_name, recorded_at
    from revision where aggregate_id = $1 order by number desc limit 1000";

const REVISION: &str = "
    select number, body::text, content_hash, change_kind, reason, author_user, author_name, recorded_at
    from revision where aggregate_id = $1 and number = $2";
