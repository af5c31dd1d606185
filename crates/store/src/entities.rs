//! Lists of reference entities, the A to Z of every kind in every display script, and all ragas at once.

use crate::error::Error;
use crate::label::Label;
use crate::page::{Cursor, Page, fetch_limit, page_of};
use crate::pools::Read;
use crate::statement::{Growing, Statement};
use crate::wire::{count_at, entity_at, name_of, record_of};
use domain::music::Raga;
use domain::music::raga::RagaKind;
use domain::{EntityKind, EntityRef, Record};
use lipi::Script;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// Which entities of a kind a list shows. All that is set must hold.
#[derive(Clone, Debug, Default)]
pub struct EntityFilter {
    /// The script whose order and letters are meant; Latin where none is set.
    pub script: Option<Script>,
    /// A letter that [`Read::letters`] lists.
    pub letter: Option<String>,
    /// Ragas only: number of the mela itself or of the parent.
    pub mela: Option<u8>,
    /// Ragas only.
    pub raga_kind: Option<RagaKind>,
    /// Temples only: west, south, east and north of a box, in millionths of a degree.
    pub bbox: Option<[i32; 4]>,
}

/// A line of a list.
#[derive(Clone, Debug)]
pub struct EntityRow {
    pub entity: EntityRef,
    pub slug: String,
    /// In the script of the filter.
    pub name: String,
    /// Whether a program made `name`.
    pub machine_made: bool,
    /// The name in every display script.
    pub label: Label,
    pub record: Record,
    /// Compositions that refer to it; of a group, its members.
    pub count: u64,
    pub version: i64,
    sort_key: Vec<u8>,
}

/// A letter of an A to Z.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub letter: String,
    pub count: u64,
}

/// A line of an A to Z.
#[derive(Clone, Debug)]
pub struct BrowseRow {
    pub entity: EntityRef,
    pub slug: String,
    pub name: String,
    pub machine_made: bool,
    pub letter: String,
    sort_key: Vec<u8>,
}

/// A raga, for whoever compares all of them.
#[derive(Clone, Debug)]
pub struct RagaRow {
    pub id: Uuid,
    pub slug: String,
    pub label: Label,
    pub raga: Raga,
    pub version: i64,
}

impl Read {
    /// A page of the entities of `kind`, in the order of a script.
    pub async fn entities(
        &self,
        kind: EntityKind,
        filter: &EntityFilter,
        limit: usize,
        after: Option<&Cursor>,
    ) -> Result<Page<EntityRow>, Error> {
        let mut sql = Growing::new(ENTITIES);
        push_place(&mut sql, kind, filter.script, filter.letter.as_deref(), after)?;
        push_kind(&mut sql, filter);
        sql.push(" order by b.sort_key, b.aggregate_id limit ").bind(fetch_limit(limit));
        let rows = self.rows(sql.finish()).await?;
        let rows = rows.iter().map(entity_row_of).collect::<Result<Vec<_>, _>>()?;
        Ok(page_of(rows, limit, |row| Cursor::new(&row.sort_key, row.entity.id)))
    }

    /// How many entities of `kind` the filter lets through.
    pub async fn entity_count_where(&self, kind: EntityKind, filter: &EntityFilter) -> Result<u64, Error> {
        let mut sql = Growing::new("select count(*) as total from live.browse_entry b");
        push_place(&mut sql, kind, filter.script, filter.letter.as_deref(), None)?;
        push_kind(&mut sql, filter);
        let row = self.row(sql.finish()).await?;
        row.map_or(Ok(0), |row| count_at(&row, "total"))
    }

    /// How many entities of `kind` readers can see.
    pub async fn entity_count(&self, kind: EntityKind) -> Result<u64, Error> {
        let row = self.row(Statement::new(COUNT).bind(kind.as_str())).await?;
        row.map_or(Ok(0), |row| count_at(&row, "total"))
    }

    /// The letters under which entities of `kind` are filed in `script`, in its order.
    pub async fn letters(&self, kind: EntityKind, script: Script) -> Result<Vec<Letter>, Error> {
        let rows = self.rows(Statement::new(LETTERS).bind(kind.as_str()).bind(script.as_str())).await?;
        rows.iter()
            .map(|row| Ok(Letter { letter: row.try_get("initial")?, count: count_at(row, "total")? }))
            .collect()
    }

    /// A page of the A to Z of `kind` in `script`, of one letter or of all.
    pub async fn browse(
        &self,
        kind: EntityKind,
        script: Script,
        letter: Option<&str>,
        limit: usize,
        after: Option<&Cursor>,
    ) -> Result<Page<BrowseRow>, Error> {
        let mut sql = Growing::new(BROWSE);
        push_place(&mut sql, kind, Some(script), letter, after)?;
        sql.push(" order by b.sort_key, b.aggregate_id limit ").bind(fetch_limit(limit));
        let rows = self.rows(sql.finish()).await?;
        let rows = rows.iter().map(browse_row_of).collect::<Result<Vec<_>, _>>()?;
        Ok(page_of(rows, limit, |row| Cursor::new(&row.sort_key, row.entity.id)))
    }

    /// Every raga, melas first in their order, then by id.
    pub async fn ragas_all(&self) -> Result<Vec<RagaRow>, Error> {
        self.rows(Statement::new(RAGAS)).await?.iter().map(raga_row_of).collect()
    }
}

fn push_kind(sql: &mut Growing, filter: &EntityFilter) {
    if filter.mela.is_some() || filter.raga_kind.is_some() {
        sql.push(RAGA);
        if let Some(mela) = filter.mela {
            sql.push(" and coalesce(g.mela_number, parent.mela_number) = ").bind(i16::from(mela));
        }
        if let Some(raga_kind) = filter.raga_kind {
            sql.push(" and g.raga_kind = ").bind(name_of(&raga_kind));
        }
        sql.push(")");
    }
    if let Some([west, south, east, north]) = filter.bbox {
        sql.push(TEMPLE).bind(south).push(" and ").bind(north);
        // A box across the 180th degree has its west in the east.
        sql.push(" and case when ").bind(west).push(" <= ").bind(east);
        sql.push(" then t.longitude between ").bind(west).push(" and ").bind(east);
        sql.push(" else t.longitude >= ").bind(west).push(" or t.longitude <= ").bind(east).push(" end)");
    }
}

fn push_place(
    sql: &mut Growing,
    kind: EntityKind,
    script: Option<Script>,
    letter: Option<&str>,
    after: Option<&Cursor>,
) -> Result<(), Error> {
    sql.push(" where b.kind = ").bind(kind.as_str());
    sql.push(" and b.script = ").bind(script.unwrap_or(Script::Latin).as_str());
    if let Some(letter) = letter {
        sql.push(" and b.initial = ").bind(letter.to_owned());
    }
    if let Some(after) = after {
        let key = after.key()?;
        sql.push(" and (b.sort_key, b.aggregate_id) > (").bind(key).push(", ").bind(after.id()).push(")");
    }
    Ok(())
}

fn entity_row_of(row: &PgRow) -> Result<EntityRow, Error> {
    let entity = entity_at(row, "kind", "id")?;
    Ok(EntityRow {
        entity,
        slug: row.try_get("slug")?,
        name: row.try_get("label")?,
        machine_made: row.try_get("machine_made")?,
        label: Label::parse(row.try_get("card")?)?,
        record: record_of(entity.kind, row.try_get("body")?)?,
        count: count_at(row, "total")?,
        version: row.try_get("version")?,
        sort_key: row.try_get("sort_key")?,
    })
}

fn browse_row_of(row: &PgRow) -> Result<BrowseRow, Error> {
    Ok(BrowseRow {
        entity: entity_at(row, "kind", "id")?,
        slug: row.try_get("slug")?,
        name: row.try_get("label")?,
        machine_made: row.try_get("machine_made")?,
        letter: row.try_get("initial")?,
        sort_key: row.try_get("sort_key")?,
    })
}

fn raga_row_of(row: &PgRow) -> Result<RagaRow, Error> {
    let body: &str = row.try_get("body")?;
    Ok(RagaRow {
        id: row.try_get("id")?,
        slug: row.try_get("slug")?,
        label: Label::parse(row.try_get("card")?)?,
        raga: serde_json::from_str(body).map_err(|error| Error::corrupt("a raga", error))?,
        version: row.try_get("version")?,
    })
}

const ENTITIES: &str = "
    select e.id, e.kind, e.slug, e.version, e.body::text as body, b.label, b.machine_made, b.sort_key, l.card,
        case when e.kind = 'group' then (
            select count(*) from live.reference r where r.aggregate_id = e.id and r.role = 'member'
        ) else (
            select count(distinct r.aggregate_id) from live.reference r
            where r.target_id = e.id and r.kind = 'composition'
        ) end as total
    from live.browse_entry b
    join live.entity e on e.id = b.aggregate_id
    join live.label l on l.aggregate_id = b.aggregate_id";

const RAGA: &str = " and exists (
    select from live.raga g left join live.raga parent on parent.id = g.parent_id where g.id = b.aggregate_id";

const TEMPLE: &str = " and exists (
    select from (
        select (e.body #>> '{location,latitude_microdegrees}')::integer as latitude,
            (e.body #>> '{location,longitude_microdegrees}')::integer as longitude
        from live.entity e where e.id = b.aggregate_id
    ) t where t.latitude between ";

const COUNT: &str = "select count(*) as total from live.aggregate where kind = $1";

const LETTERS: &str = "
    select initial, count(*) as total from live.browse_entry
    where kind = $1 and script = $2
    group by initial order by min(encode(substr(sort_key, 1, 8), 'hex') collate \"C\")";

const BROWSE: &str = "
    select a.id, a.kind, a.slug, b.label, b.machine_made, b.initial, b.sort_key
    from live.browse_entry b join live.aggregate a on a.id = b.aggregate_id";

const RAGAS: &str = "
    select e.id, e.slug, e.version, e.body::text as body, l.card
    from live.raga g
    join live.entity e on e.id = g.id
    join live.label l on l.aggregate_id = g.id
    order by g.mela_number nulls last, e.id";
