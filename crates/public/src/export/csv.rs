//! Tables: one row a record, with the facts that fit into cells.

use super::{ExportError, name};
use domain::music::scale::display;
use domain::name::NameRole;
use domain::{EntityKind, Record};
use store::ExchangeRow;
use uuid::Uuid;

/// What stands between the values of one cell.
const SEPARATOR: &str = "; ";

/// The columns of every kind, before its own.
const COMMON: [&str; 5] = ["id", "slug", "name", "aliases", "revision"];

/// The row of column names.
pub(super) fn head(kind: EntityKind) -> Result<String, ExportError> {
    let own: &[&str] = match kind {
        EntityKind::Composition => &[
            "form",
            "languages",
            "composer",
            "attribution",
            "ragas",
            "tala",
            "deities",
            "temples",
            "tags",
            "rights",
        ],
        EntityKind::Raga => &["kind", "mela_number", "parent", "arohana", "avarohana"],
        EntityKind::Tala => &["definition"],
        EntityKind::Composer => &["birth", "death", "place", "teacher"],
        EntityKind::Deity => &["form_of"],
        EntityKind::Temple => &["place", "latitude", "longitude", "precision_metres", "deities"],
        EntityKind::Place => &["district", "state", "country"],
        EntityKind::Group => &["kind", "composer", "members"],
        EntityKind::Tag => &["category"],
        EntityKind::Sampradaya => &["kind"],
        EntityKind::Source => &["url", "tier"],
        EntityKind::Rights => &["licence", "holder", "attribution", "url"],
    };
    record(COMMON.iter().chain(own).map(|column| (*column).to_owned()))
}

/// One record.
pub(super) fn row(row: &ExchangeRow) -> Result<String, ExportError> {
    let aliases = row.record.names().iter().filter(|name| name.role != NameRole::Display);
    let aliases: Vec<&str> = aliases.map(|name| name.text.as_str()).collect();
    let common = [
        row.entity.id.to_string(),
        row.slug.clone(),
        row.record.label().to_owned(),
        aliases.join(SEPARATOR),
        row.revision.to_string(),
    ];
    record(common.into_iter().chain(own(row)))
}

fn own(row: &ExchangeRow) -> Vec<String> {
    let one = |id: Option<Uuid>| id.map(|id| name(row, id)).unwrap_or_default();
    let many = |ids: Vec<Uuid>| joined(ids.into_iter().map(|id| name(row, id)));
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    match &row.record {
        Record::Composition(song) => {
            let version = song.versions.first();
            let ragas = version.map(|version| version.ragas.iter().map(|entry| entry.raga.0).collect());
            let tala = version.and_then(|version| version.tala.as_ref()).map(|setting| setting.tala.0);
            vec![
                song.form.as_str().to_owned(),
                joined(song.languages.iter().map(|language| language.as_str().to_owned())),
                one(song.composer.map(|composer| composer.0)),
                wire(&song.attribution),
                many(ragas.unwrap_or_default()),
                one(tala),
                many(song.deities.iter().map(|deity| deity.0).collect()),
                many(song.temples.iter().map(|temple| temple.0).collect()),
                many(song.tags.iter().map(|tag| tag.0).collect()),
                one(song.rights.map(|rights| rights.0)),
            ]
        }
        Record::Raga(raga) => vec![
            wire(&raga.kind),
            raga.mela_number.map(|number| number.to_string()).unwrap_or_default(),
            one(raga.parent.map(|parent| parent.0)),
            display(&raga.arohana),
            display(&raga.avarohana),
        ],
        Record::Tala(tala) => vec![wire(tala)],
        Record::Composer(composer) => vec![
            composer.birth.map(|year| year.year.to_string()).unwrap_or_default(),
            composer.death.map(|year| year.year.to_string()).unwrap_or_default(),
            one(composer.place.map(|place| place.0)),
            one(composer.teacher.map(|teacher| teacher.0)),
        ],
        Record::Deity(deity) => vec![one(deity.form_of.map(|form_of| form_of.0))],
        Record::Temple(temple) => {
            let at = temple.location;
            vec![
                one(temple.place.map(|place| place.0)),
                at.map(|at| degrees(at.latitude_microdegrees)).unwrap_or_default(),
                at.map(|at| degrees(at.longitude_microdegrees)).unwrap_or_default(),
                at.map(|at| at.precision_metres.to_string()).unwrap_or_default(),
                many(temple.deities.iter().map(|deity| deity.0).collect()),
            ]
        }
        Record::Place(place) => vec![text(&place.district), text(&place.state), text(&place.country)],
        Record::Group(group) => vec![
            wire(&group.kind),
            one(group.composer.map(|composer| composer.0)),
            many(group.members.iter().map(|member| member.composition.0).collect()),
        ],
        Record::Tag(tag) => vec![wire(&tag.category)],
        Record::Sampradaya(sampradaya) => vec![wire(&sampradaya.kind)],
        Record::Source(source) => vec![text(&source.url), source.tier.to_string()],
        Record::Rights(rights) => {
            vec![rights.licence.clone(), text(&rights.holder), text(&rights.attribution), text(&rights.url)]
        }
    }
}

fn joined(values: impl Iterator<Item = String>) -> String {
    values.collect::<Vec<_>>().join(SEPARATOR)
}

/// The wire name of an enumeration; of anything larger, its JSON.
fn wire(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// Millionths of a degree as degrees.
fn degrees(microdegrees: i32) -> String {
    let sign = if microdegrees < 0 { "-" } else { "" };
    let whole = microdegrees.unsigned_abs();
    format!("{sign}{}.{:06}", whole / 1_000_000, whole % 1_000_000)
}

fn record(cells: impl Iterator<Item = String>) -> Result<String, ExportError> {
    let failed = |error: String| ExportError::Row(error);
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(cells.map(guarded)).map_err(|error| failed(error.to_string()))?;
    let bytes = writer.into_inner().map_err(|error| failed(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| failed(error.to_string()))
}

/// A cell that a spreadsheet would take for a formula gets an apostrophe in front. Numbers keep their sign.
fn guarded(cell: String) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    if is_formula && cell.parse::<f64>().is_err() { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_stays_a_word() {
        let cells =
            ["=1+1", "@x", "-2.5", "+cmd|' /C calc'!A0", "-x", "plain", "a,b", "a\"b"].map(str::to_owned);
        let row = record(cells.into_iter()).unwrap();
        assert_eq!(row, "'=1+1,'@x,-2.5,'+cmd|' /C calc'!A0,'-x,plain,\"a,b\",\"a\"\"b\"\r\n");
    }

    #[test]
    fn degrees_keep_their_sign_and_digits() {
        assert_eq!((degrees(10_900_001), degrees(-5)), ("10.900001".to_owned(), "-0.000005".to_owned()));
    }
}
