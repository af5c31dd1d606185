//! Truth to document: a pure function.

use domain::Record;
use domain::composition::{Composition, Version};
use domain::composition::{LyricText, Section};
use domain::name::{AliasScheme, Name, NameRole};
use lipi::Script;
use search::{Change, Document, LyricSection, SwaraSection, Title, TitleKind};
use std::collections::BTreeSet;
use store::Truth;
use uuid::Uuid;

/// What the index must do to agree with `truth`.
pub fn changes(truth: &[Truth]) -> Vec<Change> {
    truth.iter().map(change).collect()
}

fn change(truth: &Truth) -> Change {
    match &truth.body {
        Some(record) => Change::Put(document(truth, record)),
        None => Change::Delete { entity: truth.entity, version: truth.version },
    }
}

/// Scripts in whose alphabet titles are sorted beside the Latin one.
const SORTED: [Script; 5] =
    [Script::Devanagari, Script::Tamil, Script::Telugu, Script::Kannada, Script::Malayalam];

fn document(truth: &Truth, record: &Record) -> Document {
    let slug = truth.slug.clone().unwrap_or_default();
    let mut document =
        Document::new(truth.entity, truth.version, slug, truth.recorded_at.unwrap_or_default());
    document.titles = titles(record);
    document.sort_title = lipi::collation_key(record.label(), Script::Latin);
    document.sort_titles = sort_titles(&document.titles);
    match record {
        Record::Composition(song) => describe_song(&mut document, song, truth),
        _ => document.melas = truth.melas.clone(),
    }
    document
}

fn titles(record: &Record) -> Vec<Title> {
    let kind = |name: &Name| match name.role {
        NameRole::Display => TitleKind::Display,
        NameRole::Incipit => TitleKind::Incipit,
        NameRole::Alias if name.alias_scheme == Some(AliasScheme::HindustaniCounterpart) => {
            TitleKind::Counterpart
        }
        NameRole::Alias => TitleKind::Alias,
        NameRole::Signature => TitleKind::Signature,
    };
    record
        .names()
        .iter()
        .map(|name| Title { text: name.text.clone(), script: name.script, kind: kind(name) })
        .collect()
}

/// The first title to show in each script.
fn sort_titles(titles: &[Title]) -> Vec<(Script, Vec<u8>)> {
    let shown = |script| {
        let mut its = titles.iter().filter(move |title| title.script == script);
        its.find(|title| title.kind == TitleKind::Display)
    };
    SORTED
        .into_iter()
        .filter_map(|script| Some((script, lipi::collation_key(&shown(script)?.text, script))))
        .collect()
}

/// The words of every version in one script: another script of the same words has the same keys.
fn lyrics(song: &Composition) -> Vec<LyricSection> {
    let mut all = Vec::new();
    for version in &song.versions {
        let primary = version.texts.iter().find(|text| text.is_primary).or(version.texts.first());
        all.extend(primary.into_iter().flat_map(|text| sections(version, text)));
    }
    all
}

fn sections<'a>(version: &'a Version, text: &'a LyricText) -> impl Iterator<Item = LyricSection> {
    text.sections.iter().map(|section| LyricSection {
        section: section.section,
        label: label(&version.sections, section.section).unwrap_or_default(),
        script: text.script,
        lines: section.lines.clone(),
    })
}

/// The swaras of every notation of every version, as often as they are struck.
fn swaras(song: &Composition) -> Vec<SwaraSection> {
    let mut all = Vec::new();
    for version in &song.versions {
        let sections = version.notations.iter().flat_map(|notation| &notation.sections);
        all.extend(sections.map(|section| {
            SwaraSection {
                section: section.section,
                label: label(&version.sections, section.section).unwrap_or_default(),
                rows: section
                    .rows
                    .iter()
                    .map(|row| row.notes.iter().filter_map(|note| note.swara).collect())
                    .collect(),
            }
        }));
    }
    all
}

/// What a reader calls a section, at any depth: `charanam 2`.
fn label(sections: &[Section], id: Uuid) -> Option<String> {
    sections.iter().find_map(|section| {
        if section.id != id {
            return label(&section.children, id);
        }
        let kind = section.kind.as_str().replace('_', " ");
        Some(match (&section.label, section.number) {
            (Some(label), _) => label.clone(),
            (None, Some(number)) => format!("{kind} {number}"),
            (None, None) => kind,
        })
    })
}

fn describe_song(document: &mut Document, song: &Composition, truth: &Truth) {
    document.ragas =
        distinct(song.versions.iter().flat_map(|version| version.ragas.iter().map(|entry| entry.raga.0)));
    document.primary_raga =
        song.versions.first().and_then(|version| version.ragas.first()).map(|entry| entry.raga.0);
    document.lyrics = lyrics(song);
    document.swaras = swaras(song);
    document.melas = truth.melas.clone();
    document.composer = song.composer.map(|composer| composer.0);
    document.talas = distinct(song.versions.iter().flat_map(talas));
    document.form = Some(song.form.as_str().to_owned());
    document.languages = song.languages.iter().map(|language| language.as_str().to_owned()).collect();
    document.deities = song.deities.iter().map(|deity| deity.0).collect();
    document.temples = song.temples.iter().map(|temple| temple.0).collect();
    document.tags = song.tags.iter().map(|tag| tag.0).collect();
    document.groups = truth.groups.clone();
    document.popularity = popularity(song, document);
}

/// How well a work is known, as far as the catalogue itself tells: each collection that knows it, words and
/// swaras of it, and each group that it belongs to count double. Of works that match alike the known one
/// comes first.
fn popularity(song: &Composition, document: &Document) -> u32 {
    let collections: BTreeSet<&str> =
        song.external_ids.iter().map(|external| external.scheme.as_str()).collect();
    let steps = 2 * collections.len()
        + usize::from(!document.lyrics.is_empty())
        + usize::from(!document.swaras.is_empty())
        + document.groups.len().min(2);
    1 << steps.min(14)
}

fn talas(version: &Version) -> impl Iterator<Item = Uuid> {
    version.tala.iter().map(|setting| setting.tala.0)
}

fn distinct(ids: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use domain::EntityRef;
    use domain::composition::{Direction, RagaEntry};
    use domain::id::RagaId;
    use testkit::fixtures::{Refers, id, kriti, mela};

    fn truth(record: Option<Record>) -> Truth {
        let kind = record.as_ref().map_or(domain::EntityKind::Composition, Record::kind);
        Truth {
            entity: EntityRef { kind, id: id(9) },
            version: store::document_version(1, 4),
            slug: record.is_some().then(|| "vatapi".to_owned()),
            recorded_at: record.is_some().then_some(DateTime::UNIX_EPOCH),
            body: record,
            label: None,
            labels: Default::default(),
            groups: vec![id(7)],
            melas: vec![15, 28],
        }
    }

    fn song() -> Composition {
        let refers = Refers { raga: id(1), tala: id(2), composer: id(3), rights: id(4) };
        let Record::Composition(song) = kriti("vātāpi", refers) else { panic!("a kriti is a song") };
        song
    }

    #[test]
    fn a_song_becomes_a_document_with_all_that_it_is_found_by() {
        let mut song = song();
        song.titles
            .push(Name { role: NameRole::Incipit, ..Name::display("vātāpi gaṇapatiṁ bhajēham") });
        song.titles.push(Name { role: NameRole::Signature, ..Name::display("guruguha") });
        let entry = |raga| RagaEntry { raga: RagaId(raga), section: None, direction: Direction::Forward };
        song.versions[0].ragas = vec![entry(id(6)), entry(id(5)), entry(id(6))];
        let truth = truth(Some(Record::Composition(song)));
        let [Change::Put(document)] = &changes(std::slice::from_ref(&truth))[..] else {
            panic!("one document")
        };
        assert_eq!((document.entity, document.version), (truth.entity, (1 << 48) | 4));
        assert_eq!(document.slug, "vatapi");
        assert_eq!((document.ragas.clone(), document.primary_raga), (vec![id(5), id(6)], Some(id(6))));
        assert_eq!((&document.melas[..], &document.groups[..]), (&[15, 28][..], &[id(7)][..]));
        assert_eq!((document.composer, &document.talas[..]), (Some(id(3)), &[id(2)][..]));
        assert_eq!(
            (document.form.as_deref(), &document.languages[..]),
            (Some("kriti"), &["sa".to_owned()][..])
        );
        let kinds: Vec<TitleKind> = document.titles.iter().map(|title| title.kind).collect();
        assert_eq!(kinds, [TitleKind::Display, TitleKind::Incipit, TitleKind::Signature]);
        assert_eq!(document.sort_title, lipi::collation_key("vātāpi", lipi::Script::Latin));
    }

    #[test]
    fn a_reference_record_has_names_and_no_facets_of_songs() {
        let truth = Truth { groups: Vec::new(), ..truth(Some(mela(15))) };
        let [Change::Put(document)] = &changes(&[truth])[..] else { panic!("one document") };
        assert_eq!(document.melas, [15, 28]);
        assert!(!document.titles.is_empty() && document.form.is_none() && document.ragas.is_empty());
    }

    #[test]
    fn what_readers_do_not_see_becomes_a_deletion_of_its_version() {
        let gone = truth(None);
        let expected = Change::Delete { entity: gone.entity, version: gone.version };
        assert_eq!(changes(&[gone]), [expected]);
    }
}
