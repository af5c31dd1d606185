//! How to cite a song: BibTeX and CSL-JSON, both of one set of facts.

use crate::view::CompositionDetail;
use chrono::{DateTime, Datelike, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// A citation in two formats.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Citation {
    /// A BibTeX entry, for TeX.
    pub bibtex: String,
    /// Items of CSL-JSON, for programs that keep references.
    pub csl: Vec<CslItem>,
}

/// An item of CSL-JSON 1.0.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CslItem {
    pub id: String,
    pub r#type: &'static str,
    pub title: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub author: Vec<CslName>,
    #[serde(rename = "container-title")]
    pub container_title: &'static str,
    pub issued: CslDate,
    /// The number of the revision.
    pub version: String,
    #[serde(rename = "URL")]
    pub url: String,
    pub note: String,
}

/// A name that is not taken apart: what stands first in a name of the south is not a given name.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CslName {
    pub literal: String,
}

/// A date.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CslDate {
    /// Year, month, day.
    #[serde(rename = "date-parts")]
    #[schema(value_type = Vec<Vec<i32>>)]
    pub date_parts: [[i32; 3]; 1],
}

/// What this collection is called.
const COLLECTION: &str = "Sangraha";

impl Citation {
    /// The citation of `song`, which readers find at `site` (empty for addresses without a host).
    pub fn of(song: &CompositionDetail, site: &str) -> Self {
        let item = item(song, site);
        Self { bibtex: bibtex(&item), csl: vec![item] }
    }
}

fn item(song: &CompositionDetail, site: &str) -> CslItem {
    let ragas: Vec<&str> = song.ragas.iter().map(|entry| entry.raga.label.as_str()).collect();
    let tala = song.tala.as_ref().map(|setting| format!("tala {}", setting.tala.label));
    let raga = (!ragas.is_empty()).then(|| format!("raga {}", ragas.join(", ")));
    let hash = format!("revision {} with SHA-256 {}", song.revision.number, song.revision.hash);
    let note: Vec<String> = raga.into_iter().chain(tala).chain([hash]).collect();
    CslItem {
        id: format!("sangraha-{}-r{}", song.slug, song.revision.number),
        r#type: "musical_score",
        title: song.title.clone(),
        author: song.composer.iter().map(|composer| CslName { literal: composer.label.clone() }).collect(),
        container_title: COLLECTION,
        issued: date(song.revision.recorded_at),
        version: song.revision.number.to_string(),
        url: format!("{site}/compositions/{}", song.slug),
        note: note.join("; "),
    }
}

fn date(at: DateTime<Utc>) -> CslDate {
    let small = |number: u32| i32::try_from(number).unwrap_or(0);
    CslDate { date_parts: [[at.year(), small(at.month()), small(at.day())]] }
}

fn bibtex(item: &CslItem) -> String {
    let [[year, month, _]] = item.issued.date_parts;
    let author: Vec<String> = item.author.iter().map(|name| format!("{{{}}}", tex(&name.literal))).collect();
    let mut fields = vec![("title", format!("{{{}}}", tex(&item.title)))];
    if !author.is_empty() {
        fields.insert(0, ("author", author.join(" and ")));
    }
    fields.extend([
        ("howpublished", COLLECTION.to_owned()),
        ("year", year.to_string()),
        ("month", month.to_string()),
        ("url", item.url.clone()),
        ("note", tex(&item.note)),
    ]);
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("  {name} = {{{value}}}")).collect();
    format!("@misc{{{},\n{}\n}}\n", item.id, fields.join(",\n"))
}

/// Text without meaning for TeX.
fn tex(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\textbackslash{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '{' | '}' | '$' | '&' | '#' | '_' | '%' => out.extend(['\\', letter]),
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_no_meaning_for_tex() {
        assert_eq!(tex("100% {a}\\b\n_ā"), "100\\% \\{a\\}\\textbackslash{}b \\_ā");
    }
}
