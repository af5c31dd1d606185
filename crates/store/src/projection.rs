//! What lists, filters and labels show of a record: a pure function of the record, run at every save.
//!
//! Transliteration and sort keys are computed here once, so that no reader waits for them.

use crate::label::{Label, ScriptLabel};
use crate::wire::name_of;
use domain::name::NameRole;
use domain::{Composition, EntityKind, EntityRef, Name, Record};
use lipi::{Notation, Script};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The rows of one record.
#[derive(Debug)]
pub(crate) struct Projection {
    pub(crate) names: Vec<NameRow>,
    pub(crate) browse: Vec<BrowseEntry>,
    /// The label as JSON, and its hash.
    pub(crate) card: String,
    pub(crate) stamp: Vec<u8>,
    pub(crate) song: Option<SongRow>,
}

#[derive(Debug)]
pub(crate) struct NameRow {
    pub(crate) text: String,
    pub(crate) language: Option<String>,
    pub(crate) script: &'static str,
    pub(crate) role: String,
    pub(crate) alias_scheme: Option<String>,
    pub(crate) machine_made: bool,
    pub(crate) k1: String,
    pub(crate) k2: String,
    pub(crate) key: String,
}

#[derive(Debug)]
pub(crate) struct BrowseEntry {
    pub(crate) script: &'static str,
    pub(crate) label: String,
    pub(crate) machine_made: bool,
    pub(crate) initial: String,
    pub(crate) sort_key: Vec<u8>,
}

/// A row of the composition list.
#[derive(Debug)]
pub(crate) struct SongRow {
    pub(crate) title: String,
    pub(crate) incipit: Option<String>,
    pub(crate) sort_key: Vec<u8>,
    pub(crate) form: String,
    pub(crate) languages: Vec<String>,
    pub(crate) composer: Option<Uuid>,
    pub(crate) primary_raga: Option<Uuid>,
    pub(crate) ragas: Vec<Uuid>,
    pub(crate) talas: Vec<Uuid>,
    pub(crate) deities: Vec<Uuid>,
    pub(crate) temples: Vec<Uuid>,
    pub(crate) tags: Vec<Uuid>,
    pub(crate) sampradayas: Vec<Uuid>,
    pub(crate) is_ragamalika: bool,
    pub(crate) scripts: Vec<String>,
    pub(crate) external_ids: serde_json::Value,
}

/// Computes the rows of `record`.
pub(crate) fn project(entity: EntityRef, slug: &str, version: i64, record: &Record) -> Projection {
    let scripts: Vec<ScriptLabel> = Script::SITE.into_iter().map(|script| name_in(record, script)).collect();
    let browse = scripts.iter().map(browse_entry).collect();
    let label =
        Label { entity, slug: slug.to_owned(), label: record.shown(), machine_made: false, version, scripts };
    let card = serde_json::to_string(&label).expect("a label is plain data and always has a JSON form");
    let stamp = Sha256::digest(&card)[..16].to_vec();
    let names = record.names().iter().map(|name| name_row(entity.kind, name)).collect();
    let song = match record {
        Record::Composition(song) => Some(song_row(song, record)),
        _ => None,
    };
    Projection { names, browse, card, stamp, song }
}

fn name_row(kind: EntityKind, name: &Name) -> NameRow {
    NameRow {
        text: name.text.clone(),
        language: name.language.map(|language| language.as_str().to_owned()),
        script: name.script.as_str(),
        role: name_of(&name.role),
        alias_scheme: name.alias_scheme.map(|scheme| name_of(&scheme)),
        machine_made: name.machine_made,
        k1: lipi::k1_joined(&name.text),
        k2: lipi::k2_joined(&name.text),
        key: name.key(kind),
    }
}

/// The display name in `script`: as it was entered, or transliterated from the best name there is.
fn name_in(record: &Record, script: Script) -> ScriptLabel {
    let display = || record.names().iter().filter(|name| name.role == NameRole::Display);
    if let Some(name) = display().find(|name| name.script == script) {
        return ScriptLabel { script, text: name.shown().into_owned(), machine_made: name.machine_made };
    }
    // Indic scripts other than Tamil spell every sound; Latin often and Tamil always leaves some out.
    let fidelity = |name: &&Name| match name.script {
        Script::Latin => 1,
        Script::Tamil => 2,
        _ => 0,
    };
    let source = display().min_by_key(fidelity).or_else(|| record.names().first());
    let text = source.map_or_else(String::new, |name| match script {
        Script::Latin => lipi::to_iso15919(&name.shown(), name.script),
        _ => lipi::transliterate(&name.shown(), Notation::Script(name.script), Notation::Script(script)),
    });
    ScriptLabel { script, text, machine_made: true }
}

fn browse_entry(label: &ScriptLabel) -> BrowseEntry {
    BrowseEntry {
        script: label.script.as_str(),
        label: label.text.clone(),
        machine_made: label.machine_made,
        initial: lipi::initial(&label.text, label.script),
        sort_key: lipi::collation_key(&label.text, label.script),
    }
}

fn song_row(song: &Composition, record: &Record) -> SongRow {
    let targets = |role: &str| -> Vec<Uuid> {
        distinct(record.references().into_iter().filter(|(own, _)| *own == role).map(|(_, target)| target.id))
    };
    let texts = || song.versions.iter().flat_map(|version| &version.texts);
    let title = record.label().to_owned();
    let incipit =
        song.titles.iter().find(|name| name.role == NameRole::Incipit).map(|name| name.text.clone()).or_else(
            || texts().find_map(|text| text.sections.iter().find_map(|part| part.lines.first().cloned())),
        );
    SongRow {
        sort_key: lipi::collation_key(&title, Script::Latin),
        title,
        incipit,
        form: name_of(&song.form),
        languages: song.languages.iter().map(|language| language.as_str().to_owned()).collect(),
        composer: song.composer.map(|id| id.0),
        primary_raga: song
            .versions
            .first()
            .and_then(|version| version.ragas.first())
            .map(|entry| entry.raga.0),
        ragas: targets("raga"),
        talas: targets("tala"),
        deities: targets("deity"),
        temples: targets("temple"),
        tags: targets("tag"),
        sampradayas: targets("sampradaya"),
        is_ragamalika: song.is_ragamalika(),
        scripts: distinct(texts().map(|text| text.script.as_str().to_owned())),
        external_ids: serde_json::json!(song.external_ids),
    }
}

/// Each value once, at its first place.
fn distinct<T: PartialEq>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut kept = Vec::new();
    for value in values {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::reference::{Tag, TagCategory};

    fn tag(names: Vec<Name>) -> Record {
        Record::Tag(Tag {
            names,
            category: TagCategory::Theme,
            note: None,
            sources: Vec::new(),
            external_ids: Vec::new(),
        })
    }

    fn projected(names: Vec<Name>) -> Label {
        let entity = EntityRef { kind: EntityKind::Tag, id: Uuid::from_u128(1) };
        Label::parse(&project(entity, "a-tag", 3, &tag(names)).card).unwrap()
    }

    #[test]
    fn every_display_script_has_a_name() {
        let label = projected(vec![Name::display("rāma")]);
        assert_eq!(label.scripts.len(), Script::SITE.len());
        assert!(label.scripts.iter().all(|entry| !entry.text.is_empty()));
        assert_eq!(label.in_script(Some(Script::Devanagari)), ("राम", true));
        assert_eq!(label.in_script(Some(Script::Latin)), ("rāma", false));
    }

    #[test]
    fn an_entered_name_is_kept_and_not_marked() {
        let label = projected(vec![Name::display("Rama"), Name::display("రామ")]);
        assert_eq!(label.in_script(Some(Script::Telugu)), ("రామ", false));
        assert_eq!(label.label, "Rama");
    }

    #[test]
    fn a_homonym_is_shown_with_its_mark_in_every_script() {
        let name = Name::display("kalāvati");
        let mark = Some("cakravākaṁ".to_owned());
        let label = projected(vec![Name { homonym_ok: true, disambiguator: mark, ..name }]);
        assert_eq!(label.label, "kalāvati (cakravākaṁ)");
        assert!(label.scripts.iter().all(|entry| entry.text.ends_with(')')), "{label:?}");
    }

    #[test]
    fn a_record_without_names_has_empty_labels() {
        assert_eq!(projected(Vec::new()).in_script(None), ("", false));
    }
}
