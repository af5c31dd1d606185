//! What songs have in common: the candidates for "songs like this one", with what each shares.

use crate::error::Error;
use crate::pools::Read;
use crate::statement::Statement;
use sqlx::Row;
use uuid::Uuid;

/// A song that has something in common with another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimilarRow {
    pub id: Uuid,
    /// Ragas, talas, composer, deities, temples and tags that both refer to.
    pub shared: Vec<Uuid>,
    /// Groups that both belong to.
    pub groups: Vec<Uuid>,
    /// Whether its first raga is of the same mela as the first raga of the other.
    pub in_family: bool,
}

impl Read {
    /// Every song that shares a raga, deity, temple or group with the song `id`, or is of the same melody
    /// family, in the order of their titles; at most `CANDIDATES_MAX`.
    pub async fn similar(&self, id: Uuid) -> Result<Vec<SimilarRow>, Error> {
        let rows = self.rows(Statement::new(SIMILAR).bind(id).bind(CANDIDATES_MAX)).await?;
        rows.iter()
            .map(|row| {
                Ok(SimilarRow {
                    id: row.try_get("id")?,
                    shared: row.try_get("shared")?,
                    groups: row.try_get("groups")?,
                    in_family: row.try_get("in_family")?,
                })
            })
            .collect()
    }
}

/// The most songs that are weighed against each other.
const CANDIDATES_MAX: i64 = 5_000;

const SIMILAR: &str = "
    with mine as (
        select distinct r.role, r.target_id from live.reference r
        where r.aggregate_id = $1 and r.role in ('raga', 'tala', 'composer', 'deity', 'temple', 'tag')
    ), mates as (
        select m.target_id as id, m.aggregate_id as group_id
        from live.reference g
        join live.reference m on m.aggregate_id = g.aggregate_id and m.role = 'member'
        where g.target_id = $1 and g.kind = 'group' and g.role = 'member'
    ), family as (
        select member.id from live.composition c
        join live.raga asked on asked.id = c.primary_raga_id
        join live.raga member on coalesce(member.parent_id, member.id) = coalesce(asked.parent_id, asked.id)
        where c.id = $1
    ), near as (
        select r.aggregate_id as id from live.reference r join mine using (role, target_id)
        where r.kind = 'composition' and mine.role in ('raga', 'deity', 'temple')
        union select id from mates
        union select c.id from live.composition c where c.primary_raga_id in (select id from family)
    )
    select c.id, coalesce(c.primary_raga_id in (select id from family), false) as in_family,
        array(select distinct r.target_id from live.reference r join mine using (role, target_id)
              where r.aggregate_id = c.id and r.kind = 'composition' order by r.target_id) as shared,
        array(select distinct m.group_id from mates m where m.id = c.id order by m.group_id) as groups
    from near join live.composition c on c.id = near.id
    where c.id <> $1
    order by c.sort_key, c.id limit $2";
