//! A TOML file cut into its head and its records, each with its line.

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A file: fields at its head, then records in tables of tables.
pub struct Document<'text> {
    text: &'text str,
    pub head: Fields<'text>,
    pub records: Vec<Fields<'text>>,
}

/// The fields of one record, and where it begins.
pub struct Fields<'text> {
    /// The name of its table: `raga`.
    pub table: String,
    /// 1 for the first line.
    pub line: usize,
    values: DeTable<'text>,
}

/// A mistake and its line.
pub struct Mistake {
    pub line: usize,
    pub reason: String,
}

impl<'text> Document<'text> {
    /// Cuts `text`. All mistakes of the syntax are found at once.
    pub fn parse(text: &'text str) -> Result<Self, Vec<Mistake>> {
        let (table, mistakes) = DeTable::parse_recoverable(text);
        if !mistakes.is_empty() {
            return Err(mistakes.iter().map(|error| mistake(text, error, 1)).collect());
        }
        let mut head = Fields::empty();
        let mut records = Vec::new();
        for (key, value) in table.into_inner() {
            let is_records = matches!(value.get_ref(), DeValue::Array(items)
                if !items.is_empty() && items.iter().all(|item| item.get_ref().is_table()));
            if !is_records {
                head.values.insert(key, value);
                continue;
            }
            let name = key.get_ref().to_string();
            let DeValue::Array(items) = value.into_inner() else { continue };
            for item in items {
                let line = line_at(text, item.span().start);
                if let DeValue::Table(values) = item.into_inner() {
                    records.push(Fields { table: name.clone(), line, values });
                }
            }
        }
        records.sort_by_key(|record| record.line);
        Ok(Self { text, head, records })
    }

    /// Reads `fields` as a `T`; unknown fields are for `T` to refuse.
    pub fn read<T: DeserializeOwned>(&self, fields: Fields<'text>) -> Result<T, Mistake> {
        let line = fields.line;
        let table = Spanned::new(0..0, fields.values);
        T::deserialize(toml::de::Deserializer::from(table)).map_err(|error| mistake(self.text, &error, line))
    }
}

impl<'text> Fields<'text> {
    /// No fields at all.
    pub fn empty() -> Self {
        Self { table: String::new(), line: 1, values: DeTable::new() }
    }

    /// Takes the fields with these names out into a record of their own.
    pub fn take(&mut self, names: &[&str]) -> Self {
        let mut taken = Self { table: self.table.clone(), line: self.line, values: DeTable::new() };
        let (own, rest) = std::mem::take(&mut self.values)
            .into_iter()
            .partition(|(key, _)| names.contains(&key.get_ref().as_ref()));
        taken.values = own;
        self.values = rest;
        taken
    }
}

fn mistake(text: &str, error: &toml::de::Error, record_line: usize) -> Mistake {
    let line = error.span().filter(|span| span.end > 0).map_or(record_line, |span| line_at(text, span.start));
    Mistake { line, reason: error.message().to_owned() }
}

fn line_at(text: &str, byte: usize) -> usize {
    let before = text.as_bytes().get(..byte).unwrap_or(text.as_bytes());
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}
