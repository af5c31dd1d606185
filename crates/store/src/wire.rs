//! Between rows and the types of `domain`: enumerations travel by their wire names, records as JSON.

use crate::error::Error;
use domain::{EntityKind, EntityRef, Record};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::str::FromStr;

/// The wire name of a plain enumeration value.
pub(crate) fn name_of<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => name,
        _ => String::new(),
    }
}

/// The enumeration value with this wire name.
pub(crate) fn value_of<T: DeserializeOwned>(name: &str) -> Result<T, Error> {
    serde_json::from_value(Value::String(name.to_owned()))
        .map_err(|error| Error::corrupt("a wire name", error))
}

/// Reads a body straight from its text: the kind says which type it is.
pub(crate) fn record_of(kind: EntityKind, body: &str) -> Result<Record, Error> {
    fn read<T: DeserializeOwned>(body: &str, wrap: fn(T) -> Record) -> Result<Record, serde_json::Error> {
        serde_json::from_str(body).map(wrap)
    }
    let record = match kind {
        EntityKind::Composition => read(body, Record::Composition),
        EntityKind::Raga => read(body, Record::Raga),
        EntityKind::Tala => read(body, Record::Tala),
        EntityKind::Composer => read(body, Record::Composer),
        EntityKind::Deity => read(body, Record::Deity),
        EntityKind::Temple => read(body, Record::Temple),
        EntityKind::Place => read(body, Record::Place),
        EntityKind::Group => read(body, Record::Group),
        EntityKind::Tag => read(body, Record::Tag),
        EntityKind::Sampradaya => read(body, Record::Sampradaya),
        EntityKind::Source => read(body, Record::Source),
        EntityKind::Rights => read(body, Record::Rights),
    };
    record.map_err(|error| Error::corrupt("a record", error))
}

/// The kind in column `index`.
pub(crate) fn kind_at(row: &PgRow, index: &str) -> Result<EntityKind, Error> {
    EntityKind::from_str(row.try_get::<&str, _>(index)?).map_err(|error| Error::corrupt("a kind", error))
}

/// The aggregate in the columns `kind` and `id`.
pub(crate) fn entity_at(row: &PgRow, kind: &str, id: &str) -> Result<EntityRef, Error> {
    Ok(EntityRef { kind: kind_at(row, kind)?, id: row.try_get(id)? })
}

/// A hash of 32 bytes in column `index`.
pub(crate) fn hash_at(row: &PgRow, index: &str) -> Result<[u8; 32], Error> {
    row.try_get::<&[u8], _>(index)?.try_into().map_err(|error| Error::corrupt("a hash", error))
}

/// A number that is never negative, such as a WAL position.
pub(crate) fn count_at(row: &PgRow, index: &str) -> Result<u64, Error> {
    Ok(u64::try_from(row.try_get::<i64, _>(index)?).unwrap_or(0))
}

/// A position as the database keeps it. Positions beyond 2^63 do not exist.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
