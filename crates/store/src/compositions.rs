//! The list of compositions: every filter, two orders, by key.

use crate::error::Error;
use crate::label::Label;
use crate::page::{Cursor, Page, fetch_limit, page_of};
use crate::pools::Read;
use crate::statement::{Growing, Statement};
use crate::wire::{name_of, value_of};
use chrono::{DateTime, Utc};
use domain::composition::Form;
use domain::name::Language;
use domain::reference::ExternalId;
use domain::{EntityKind, EntityRef};
use lipi::Script;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use std::collections::HashMap;
use uuid::Uuid;

/// Which compositions a list shows. All that is set must hold.
#[derive(Clone, Debug, Default)]
pub struct CompositionFilter {
    pub composer: Option<Uuid>,
    pub raga: Option<Uuid>,
    /// How `raga` is meant.
    pub raga_mode: RagaMode,
    /// Number of a mela: songs in it or in one of its janyas.
    pub mela: Option<u8>,
    pub tala: Option<Uuid>,
    pub deity: Option<Uuid>,
    pub temple: Option<Uuid>,
    pub language: Option<Language>,
    pub form: Option<Form>,
    pub tag: Option<Uuid>,
    /// Members of this group.
    pub group: Option<Uuid>,
    pub sampradaya: Option<Uuid>,
    pub sort: Sort,
}

/// What "in this raga" means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RagaMode {
    /// Anywhere in the song.
    #[default]
    Any,
    /// The first raga of the song.
    Primary,
    /// It, its mela, or any janya of that mela.
    Family,
}

/// The order of a list. Both are total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// By title, as Latin lists sort.
    #[default]
    Title,
    /// The last published first.
    Newest,
    /// The last published or corrected first.
    Changed,
}

/// A line of the list.
#[derive(Clone, Debug)]
pub struct CompositionRow {
    pub id: Uuid,
    pub slug: String,
    pub title: String,
    /// The title in every display script.
    pub label: Label,
    pub incipit: Option<String>,
    pub form: Form,
    pub languages: Vec<Language>,
    pub composer: Option<Label>,
    /// In the order of the song, each once.
    pub ragas: Vec<Label>,
    pub talas: Vec<Label>,
    pub deities: Vec<Label>,
    pub temples: Vec<Label>,
    pub tags: Vec<Label>,
    pub sampradayas: Vec<Label>,
    pub is_ragamalika: bool,
    /// Scripts of its texts.
    pub scripts: Vec<Script>,
    pub external_ids: Vec<ExternalId>,
    pub version: i64,
    pub published_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// What it names, also what has no label.
    refers: Vec<EntityRef>,
    sort_key: Vec<u8>,
}

impl Read {
    /// A page of the list, in two statements whatever the filter.
    pub async fn compositions(
        &self,
        filter: &CompositionFilter,
        limit: usize,
        after: Option<&Cursor>,
    ) -> Result<Page<CompositionRow>, Error> {
        let mut sql = Growing::new(LIST);
        push_conditions(&mut sql, filter);
        match (filter.sort, after) {
            (Sort::Title, Some(after)) => {
                let key = after.key()?;
                sql.push(" and (c.sort_key, c.id) > (").bind(key).push(", ").bind(after.id()).push(")");
            }
            (Sort::Newest, Some(after)) => {
                let at = DateTime::from_timestamp_micros(after.micros()?).ok_or(Error::BadCursor)?;
                sql.push(" and (c.published_at, c.id) < (").bind(at).push(", ").bind(after.id()).push(")");
            }
            (Sort::Changed, Some(after)) => {
                let at = DateTime::from_timestamp_micros(after.micros()?).ok_or(Error::BadCursor)?;
                sql.push(" and (c.updated_at, c.id) < (").bind(at).push(", ").bind(after.id()).push(")");
            }
            (_, None) => {}
        }
        sql.push(match filter.sort {
            Sort::Title => " order by c.sort_key, c.id limit ",
            Sort::Newest => " order by c.published_at desc, c.id desc limit ",
            Sort::Changed => " order by c.updated_at desc, c.id desc limit ",
        });
        sql.bind(fetch_limit(limit));
        let rows = self.composition_page(sql.finish()).await?;
        Ok(page_of(rows, limit, |row| match filter.sort {
            Sort::Title => Cursor::new(&row.sort_key, row.id),
            Sort::Newest => Cursor::at(row.published_at.timestamp_micros(), row.id),
            Sort::Changed => Cursor::at(row.updated_at.timestamp_micros(), row.id),
        }))
    }

    /// How many compositions the filter lets through.
    pub async fn composition_count(&self, filter: &CompositionFilter) -> Result<u64, Error> {
        let mut sql = Growing::new("select count(*) as total from live.composition c where true");
        push_conditions(&mut sql, filter);
        let row = self.row(sql.finish()).await?;
        row.map_or(Ok(0), |row| crate::wire::count_at(&row, "total"))
    }

    /// The lines of these compositions, in the order asked for; what is not live is left out.
    pub async fn composition_rows(&self, ids: &[Uuid]) -> Result<Vec<CompositionRow>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = Growing::new(LIST);
        sql.push(" and c.id = any(").bind(ids.to_vec()).push(")");
        let rows = self.composition_page(sql.finish()).await?;
        let mut rows: HashMap<Uuid, CompositionRow> = rows.into_iter().map(|row| (row.id, row)).collect();
        Ok(ids.iter().filter_map(|id| rows.remove(id)).collect())
    }

    /// The composition at place `n`, from 0, in the order of the ids; none beyond the last.
    pub async fn nth_composition(&self, n: u64) -> Result<Option<Uuid>, Error> {
        let row = self.row(Statement::new(NTH).bind(crate::wire::signed(n))).await?;
        row.map(|row| Ok(row.try_get("id")?)).transpose()
    }

    /// How many compositions readers can see.
    pub async fn published_count(&self) -> Result<u64, Error> {
        self.composition_count(&CompositionFilter::default()).await
    }

    async fn composition_page(&self, statement: Statement) -> Result<Vec<CompositionRow>, Error> {
        let rows = self.rows(statement).await?;
        let mut wanted: Vec<Uuid> = Vec::new();
        for row in &rows {
            wanted.extend(row.try_get::<Option<Uuid>, _>("composer_id")?);
            for column in LABELLED {
                wanted.extend(row.try_get::<Vec<Uuid>, _>(column)?);
            }
        }
        wanted.sort_unstable();
        wanted.dedup();
        let labels = self.labels(&wanted, None).await?;
        rows.iter().map(|row| row_of(row, &labels)).collect()
    }
}

/// The columns with lists of ids that a line shows as labels.
const LABELLED: [&str; 6] = ["raga_ids", "tala_ids", "deity_ids", "temple_ids", "tag_ids", "sampradaya_ids"];
const LABELLED_KINDS: [EntityKind; 6] = [
    EntityKind::Raga,
    EntityKind::Tala,
    EntityKind::Deity,
    EntityKind::Temple,
    EntityKind::Tag,
    EntityKind::Sampradaya,
];

fn push_conditions(sql: &mut Growing, filter: &CompositionFilter) {
    if let Some(composer) = filter.composer {
        push_reference(sql, "composer", composer);
    }
    if let Some(raga) = filter.raga {
        match filter.raga_mode {
            RagaMode::Any => push_reference(sql, "raga", raga),
            RagaMode::Primary => {
                push_reference(sql, "raga", raga);
                sql.push(" and c.primary_raga_id = ").bind(raga);
            }
            RagaMode::Family => {
                sql.push(IN_RAGAS).bind(raga).push(FAMILY);
            }
        }
    }
    if let Some(mela) = filter.mela {
        sql.push(IN_MELA).bind(i16::from(mela)).push("))");
    }
    let references = [
        ("tala", filter.tala),
        ("deity", filter.deity),
        ("temple", filter.temple),
        ("tag", filter.tag),
        ("sampradaya", filter.sampradaya),
    ];
    for (role, target) in references {
        if let Some(target) = target {
            push_reference(sql, role, target);
        }
    }
    if let Some(group) = filter.group {
        sql.push(" and exists (select from live.reference r where r.target_id = c.id and r.kind = 'group'");
        sql.push(" and r.role = 'member' and r.aggregate_id = ").bind(group).push(")");
    }
    if let Some(language) = filter.language {
        sql.push(" and c.languages @> array[").bind(language.as_str()).push("]");
    }
    if let Some(form) = filter.form {
        sql.push(" and c.form = ").bind(name_of(&form));
    }
}

fn push_reference(sql: &mut Growing, role: &'static str, target: Uuid) {
    sql.push(" and exists (select from live.reference r where r.aggregate_id = c.id and r.target_id = ");
    sql.bind(target).push(" and r.kind = 'composition' and r.role = ").bind(role).push(")");
}

fn row_of(row: &PgRow, labels: &HashMap<Uuid, Label>) -> Result<CompositionRow, Error> {
    let listed = |column: &str| -> Result<Vec<Label>, Error> {
        let ids: Vec<Uuid> = row.try_get(column)?;
        Ok(ids.iter().filter_map(|id| labels.get(id).cloned()).collect())
    };
    let [ragas, talas, deities, temples, tags, sampradayas] = LABELLED;
    let composer: Option<Uuid> = row.try_get("composer_id")?;
    let names = |column: &str| row.try_get::<Vec<String>, _>(column);
    let label = Label::parse(row.try_get("card")?)?;
    Ok(CompositionRow {
        id: row.try_get("id")?,
        slug: label.slug.clone(),
        version: label.version,
        label,
        title: row.try_get("title")?,
        incipit: row.try_get("incipit")?,
        form: value_of(row.try_get("form")?)?,
        languages: names("languages")?.iter().map(|name| value_of(name)).collect::<Result<_, _>>()?,
        composer: composer.and_then(|id| labels.get(&id).cloned()),
        ragas: listed(ragas)?,
        talas: listed(talas)?,
        deities: listed(deities)?,
        temples: listed(temples)?,
        tags: listed(tags)?,
        sampradayas: listed(sampradayas)?,
        is_ragamalika: row.try_get("is_ragamalika")?,
        scripts: names("scripts")?.iter().map(|name| value_of(name)).collect::<Result<_, _>>()?,
        external_ids: row.try_get::<Json<Vec<ExternalId>>, _>("external_ids")?.0,
        published_at: row.try_get("published_at")?,
        updated_at: row.try_get("updated_at")?,
        refers: refers_of(row)?,
        sort_key: row.try_get("sort_key")?,
    })
}

fn refers_of(row: &PgRow) -> Result<Vec<EntityRef>, Error> {
    let composer: Option<Uuid> = row.try_get("composer_id")?;
    let mut refers: Vec<EntityRef> =
        composer.into_iter().map(|id| EntityRef { kind: EntityKind::Composer, id }).collect();
    for (column, kind) in LABELLED.into_iter().zip(LABELLED_KINDS) {
        let ids: Vec<Uuid> = row.try_get(column)?;
        refers.extend(ids.into_iter().map(|id| EntityRef { kind, id }));
    }
    Ok(refers)
}

impl CompositionRow {
    /// The composition itself.
    pub const fn entity(&self) -> EntityRef {
        EntityRef { kind: EntityKind::Composition, id: self.id }
    }

    /// The composition and all that its line names: a change of any of them changes the line.
    pub fn shows(&self) -> impl Iterator<Item = EntityRef> {
        std::iter::once(self.entity()).chain(self.refers.iter().copied())
    }
}

const LIST: &str = "
    select c.*, l.card from live.composition c join live.label l on l.aggregate_id = c.id where true";

const NTH: &str = "select id from live.composition order by id offset $1 limit 1";

const IN_RAGAS: &str = "
    and exists (select from live.reference r where r.aggregate_id = c.id and r.kind = 'composition'
        and r.role = 'raga' and r.target_id in (
            select member.id from live.raga asked
            join live.raga member on coalesce(member.parent_id, member.id) = coalesce(asked.parent_id, asked.id)
            where asked.id = ";

const FAMILY: &str = "))";

const IN_MELA: &str = "
    and exists (select from live.reference r where r.aggregate_id = c.id and r.kind = 'composition'
        and r.role = 'raga' and r.target_id in (
            select member.id from live.raga member
            left join live.raga parent on parent.id = member.parent_id
            where coalesce(member.mela_number, parent.mela_number) = ";
