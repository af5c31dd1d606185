//! Labels: how an aggregate is shown wherever another one mentions it.

use crate::error::Error;
use crate::pools::Read;
use crate::statement::Statement;
use domain::EntityRef;
use lipi::Script;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use std::collections::HashMap;
use uuid::Uuid;

/// The shown name of an aggregate, in every display script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    pub entity: EntityRef,
    pub slug: String,
    /// The name where the reader asked for no script.
    pub label: String,
    /// True for a name that a program made.
    #[serde(default)]
    pub machine_made: bool,
    /// The aggregate's version.
    pub version: i64,
    /// One entry for each script of [`Script::SITE`].
    pub scripts: Vec<ScriptLabel>,
}

/// A name in one script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptLabel {
    pub script: Script,
    pub text: String,
    /// True where a program transliterated it from another script.
    #[serde(default)]
    pub machine_made: bool,
}

impl Label {
    /// The name in `script` and whether a program made it; the plain label where there is none.
    pub fn in_script(&self, script: Option<Script>) -> (&str, bool) {
        script
            .and_then(|script| self.scripts.iter().find(|entry| entry.script == script))
            .map_or((&self.label, self.machine_made), |entry| (&entry.text, entry.machine_made))
    }

    /// The same, with the name in `script` as the plain one.
    pub fn shown_in(mut self, script: Option<Script>) -> Self {
        let (label, machine_made) = self.in_script(script);
        (self.label, self.machine_made) = (label.to_owned(), machine_made);
        self
    }

    pub(crate) fn parse(card: &str) -> Result<Self, Error> {
        serde_json::from_str(card).map_err(|error| Error::corrupt("a label", error))
    }

    /// Reads a JSON array of cards.
    pub(crate) fn parse_all(cards: &str) -> Result<HashMap<Uuid, Self>, Error> {
        let labels: Vec<Self> =
            serde_json::from_str(cards).map_err(|error| Error::corrupt("labels", error))?;
        Ok(labels.into_iter().map(|label| (label.entity.id, label)).collect())
    }
}

impl Read {
    /// The labels of those of `ids` that are live, with the name in `script` first where one is asked for.
    pub async fn labels(&self, ids: &[Uuid], script: Option<Script>) -> Result<HashMap<Uuid, Label>, Error> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let mut labels = HashMap::with_capacity(ids.len());
        for row in self.rows(Statement::new(LABELS).bind(ids.to_vec())).await? {
            let label = Label::parse(row.try_get("card")?)?.shown_in(script);
            labels.insert(label.entity.id, label);
        }
        Ok(labels)
    }
}

const LABELS: &str = "select card from live.label where aggregate_id = any($1)";
