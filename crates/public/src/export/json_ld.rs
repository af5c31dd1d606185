//! Songs as linked data: `MusicComposition` of schema.org.

use super::{address, name};
use domain::composition::{Composition, MeaningKind};
use domain::{EntityKind, EntityRef, Record};
use serde_json::{Map, Value, json};
use store::ExchangeRow;
use uuid::Uuid;

pub(super) const HEAD: &str = "{\"@context\":\"https://schema.org\",\"@graph\":[\n";
pub(super) const FOOT: &str = "\n]}\n";

/// One song.
pub(super) fn row(row: &ExchangeRow, site: &str) -> String {
    let Record::Composition(song) = &row.record else { return "null".to_owned() };
    Value::Object(document(row, song, site)).to_string()
}

fn document(row: &ExchangeRow, song: &Composition, site: &str) -> Map<String, Value> {
    let mut document = Map::new();
    let mut put = |name: &str, value: Value| {
        if !matches!(&value, Value::Null) && value.as_array().is_none_or(|items| !items.is_empty()) {
            document.insert(name.to_owned(), value);
        }
    };
    let titles: Vec<&str> = song.titles.iter().skip(1).map(|title| title.text.as_str()).collect();
    let languages: Vec<&str> = song.languages.iter().map(|language| language.as_str()).collect();
    put("@type", json!("MusicComposition"));
    put("@id", json!(format!("urn:uuid:{}", row.entity.id)));
    put("url", json!(address(site, row.entity, &row.slug)));
    put("name", json!(row.record.label()));
    put("alternateName", json!(titles));
    put("inLanguage", json!(languages));
    put("musicCompositionForm", json!(song.form.as_str()));
    put(
        "composer",
        song.composer.map_or(Value::Null, |composer| thing(row, site, "Person", composer.entity())),
    );
    put("keywords", json!(terms(row, song, site)));
    let gist = song.meanings.iter().find(|meaning| meaning.kind == MeaningKind::Gist);
    put("abstract", gist.map_or(Value::Null, |gist| json!(gist.paragraphs.join("\n"))));
    let about = song.deities.iter().map(|deity| thing(row, site, "Thing", deity.entity()));
    let places = song.temples.iter().map(|temple| thing(row, site, "PlaceOfWorship", temple.entity()));
    put("about", about.chain(places).collect::<Vec<_>>().into());
    put("license", song.rights.map_or(Value::Null, |rights| json!(name(row, rights.0))));
    let identifiers = song.external_ids.iter();
    let identifier = |id: &domain::reference::ExternalId| json!({"@type": "PropertyValue", "propertyID": id.scheme, "value": id.id});
    put("identifier", identifiers.map(identifier).collect::<Vec<_>>().into());
    put("version", json!(row.revision));
    put("dateModified", json!(row.recorded_at));
    document
}

/// Raga and tala have no property of their own there: they are terms of our two lists.
fn terms(row: &ExchangeRow, song: &Composition, site: &str) -> Vec<Value> {
    let Some(version) = song.versions.first() else { return Vec::new() };
    let mut seen: Vec<Uuid> = Vec::new();
    let ragas = version.ragas.iter().map(|entry| (EntityKind::Raga, entry.raga.0));
    let talas = version.tala.iter().map(|setting| (EntityKind::Tala, setting.tala.0));
    let mut found = Vec::new();
    for (kind, id) in ragas.chain(talas) {
        if seen.contains(&id) {
            continue;
        }
        seen.push(id);
        let mut term = thing(row, site, "DefinedTerm", EntityRef { kind, id });
        term["inDefinedTermSet"] = json!(format!("{site}/{}", kind.plural()));
        found.push(term);
    }
    found
}

fn thing(row: &ExchangeRow, site: &str, class: &str, entity: EntityRef) -> Value {
    let slug = row.labels.get(&entity.id).map(|label| label.slug.as_str());
    let url = slug.map(|slug| address(site, entity, slug));
    json!({"@type": class, "@id": format!("urn:uuid:{}", entity.id), "name": name(row, entity.id), "url": url})
}
