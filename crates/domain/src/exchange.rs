//! One record as a file holds it: a line of JSON Lines, which an export writes and an import reads back.

use crate::id::{EntityKind, EntityRef};
use crate::record::Record;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// A record with its identity and its addresses. Equal records are equal lines, byte by byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub entity: EntityRef,
    pub slug: String,
    /// Slugs and ids that led here before, sorted.
    pub former: Vec<String>,
    pub record: Record,
}

/// The members of a line in their order.
#[derive(Serialize)]
struct Written<'a> {
    kind: EntityKind,
    id: Uuid,
    slug: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    former: &'a [String],
    record: &'a Record,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    kind: EntityKind,
    id: Uuid,
    slug: String,
    #[serde(default)]
    former: Vec<String>,
    record: Value,
}

impl Line {
    /// The longest line that is read, in bytes: a song with all its texts stays far below.
    pub const BYTES_MAX: usize = 4 * 1024 * 1024;

    /// The line without its end.
    pub fn write(&self) -> String {
        let Self { entity, slug, former, record } = self;
        let written = Written { kind: entity.kind, id: entity.id, slug, former, record };
        serde_json::to_string(&written).expect("a record is plain data and always has a JSON form")
    }

    /// Reads a line. Unknown members, on any level, are refused.
    pub fn read(text: &str) -> Result<Self, serde_json::Error> {
        let Read { kind, id, slug, former, record } = serde_json::from_str(text)?;
        let record = Record::from_json(kind, record)?;
        Ok(Self { entity: EntityRef { kind, id }, slug, former, record })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{id, kriti};

    #[test]
    fn a_line_is_read_back_as_it_was_written() {
        let entity = EntityRef { kind: EntityKind::Composition, id: id(1) };
        let former = vec!["old".to_owned()];
        let line = Line { entity, slug: "vatapi".into(), former, record: Record::Composition(kriti()) };
        let text = line.write();
        assert!(
            text.starts_with("{\"kind\":\"composition\",\"id\":\"0192") && !text.contains('\n'),
            "{text}"
        );
        let back = Line::read(&text).unwrap();
        assert_eq!(back, line);
        assert_eq!(back.write(), text);
    }

    #[test]
    fn what_is_no_line_is_refused() {
        let plain = Line::read(
            r#"{"kind":"tag","id":"01920000-0000-7000-8000-000000000001","slug":"a","record":{"names":[],"category":"other","colour":1}}"#,
        );
        assert!(plain.unwrap_err().to_string().contains("colour"));
        for text in ["", "{}", "[]", r#"{"kind":"song"}"#] {
            assert!(Line::read(text).is_err(), "{text}");
        }
    }
}
