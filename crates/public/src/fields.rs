//! `fields=` and `include=`: comma lists from closed sets.

use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use web::Problem;

/// The members of a document that a reader wants. `id` and `slug` always come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fields(BTreeSet<String>);

/// A comma list has at most so many words.
const WORDS_MAX: usize = 64;

impl Fields {
    /// Reads the list for a document of type `T`, whose schema says which members there are.
    pub fn of<T: ToSchema>(asked: Option<&str>) -> Result<Option<Self>, Problem> {
        let Some(asked) = asked else { return Ok(None) };
        let known = members::<T>();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        words("/fields", asked, &known)
            .map(|words| Some(Self(words.into_iter().map(str::to_owned).collect())))
    }

    /// The document with these members only.
    pub fn trimmed(&self, document: &impl Serialize) -> Result<Value, Problem> {
        let value = serde_json::to_value(document).map_err(|error| Problem::internal(&error))?;
        Ok(self.trim(value))
    }

    fn trim(&self, value: Value) -> Value {
        let Value::Object(members) = value else { return value };
        let wanted = |name: &String| self.0.contains(name) || ALWAYS.contains(&name.as_str());
        Value::Object(members.into_iter().filter(|(name, _)| wanted(name)).collect())
    }

    /// The list with the items of `list.items` trimmed.
    pub fn trimmed_items(&self, list: &impl Serialize) -> Result<Value, Problem> {
        let mut value = serde_json::to_value(list).map_err(|error| Problem::internal(&error))?;
        if let Some(items) = value.get_mut("items").and_then(Value::as_array_mut) {
            items.iter_mut().for_each(|item| *item = self.trim(item.take()));
        }
        Ok(value)
    }
}

const ALWAYS: [&str; 2] = ["id", "slug"];

/// The words of a comma list, each one of `known`.
pub(crate) fn words<'a>(field: &str, asked: &'a str, known: &[&str]) -> Result<Vec<&'a str>, Problem> {
    let words: Vec<&str> = asked.split(',').map(str::trim).collect();
    let unknown = words.iter().find(|word| !known.contains(*word));
    match unknown {
        Some(word) => {
            let shown = lipi::truncate_graphemes(word, 40);
            let known = known.join(", ");
            Err(Problem::field(field, "unknown_value", format!("`{shown}` is not one of: {known}.")))
        }
        None if words.len() > WORDS_MAX => {
            Err(Problem::field(field, "too_many", format!("A list has at most {WORDS_MAX} words.")))
        }
        None => Ok(words),
    }
}

/// The names of the members of `T`, with those that are flattened into it.
fn members<T: ToSchema>() -> BTreeSet<String> {
    let mut nested: Vec<(String, RefOr<Schema>)> = Vec::new();
    T::schemas(&mut nested);
    let nested: Map<String, Value> = nested
        .into_iter()
        .filter_map(|(name, schema)| Some((name, serde_json::to_value(schema).ok()?)))
        .collect();
    let mut found = BTreeSet::new();
    if let Ok(schema) = serde_json::to_value(<T as PartialSchema>::schema()) {
        collect(&schema, &nested, &mut found);
    }
    found
}

fn collect(schema: &Value, nested: &Map<String, Value>, found: &mut BTreeSet<String>) {
    let properties = schema["properties"].as_object();
    found.extend(properties.into_iter().flat_map(Map::keys).cloned());
    let name = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next());
    if let Some(inner) = name.and_then(|name| nested.get(name)) {
        collect(inner, nested, found);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        collect(part, nested, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::CompositionDetail;
    use crate::view::raga::RagaDetail;
    use serde_json::json;

    #[test]
    fn members_of_flattened_parts_are_known() {
        let known = members::<RagaDetail>();
        for name in ["id", "slug", "label", "names", "scale", "janyas", "revision"] {
            assert!(known.contains(name), "{name}: {known:?}");
        }
    }

    #[test]
    fn a_document_is_trimmed_to_what_is_wanted() {
        let fields = Fields::of::<CompositionDetail>(Some("title,ragas")).unwrap().unwrap();
        let trimmed = fields.trimmed(&json!({"id": 1, "slug": "a", "title": "b", "form": "kriti"})).unwrap();
        assert_eq!(trimmed, json!({"id": 1, "slug": "a", "title": "b"}));
    }

    #[test]
    fn an_unknown_member_is_refused_with_those_there_are() {
        let problem = Fields::of::<CompositionDetail>(Some("title,colour")).unwrap_err();
        assert_eq!(problem.errors()[0].field, "/fields");
        assert!(problem.errors()[0].detail.contains("titles"));
    }
}
