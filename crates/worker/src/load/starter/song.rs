//! A work with its sections, ragas in order and words.

use super::builder::{Built, Frame, refer};
use super::notation::{Known, Written};
use super::raw::{self, Head};
use crate::load::plan::part_id;
use domain::Record;
use domain::composition::section::Kala;
use domain::composition::text::Rendering;
use domain::composition::{
    Composition, Direction, LyricSection, LyricText, RagaEntry, Section, SectionKind, Version,
};
use domain::music::tala::TalaSetting;
use domain::reference::ExternalId;
use lipi::{Scheme, Script};
use std::collections::HashMap;
use uuid::Uuid;

/// The work that `raw` describes.
pub fn composition(
    frame: Frame,
    head: &Head,
    raw: raw::Composition,
    talas: &HashMap<String, TalaSetting>,
    known: &Known,
) -> Built<(ExternalId, Record)> {
    let languages = raw.languages.or_else(|| head.languages.clone()).unwrap_or_default();
    let rights = raw.rights.or_else(|| head.rights.clone()).map(|key| refer::rights(&key));
    let tala = match raw.tala {
        None => None,
        Some(key) => Some(talas.get(&key).cloned().ok_or_else(|| format!("there is no tala `{key}`"))?),
    };
    let mut tree = Tree { external: &frame.external, ragas: vec![], words: vec![], swaras: vec![] };
    tree.ragas = raw.ragas.iter().map(|key| entry(key, None, Direction::Forward)).collect();
    let sections = tree.sections(&raw.section, "section");
    let (ragas, words, swaras) = (tree.ragas, tree.words, tree.swaras);
    let text = LyricText {
        id: part_id(&frame.external, "text/iso15919"),
        languages: languages.clone(),
        script: Script::Latin,
        scheme: Some(Scheme::Iso15919),
        rendering: Rendering::Continuous,
        is_primary: true,
        label: None,
        source: frame.sources.first().and_then(|note| note.source),
        rights,
        sections: words,
    };
    let mut version = Version {
        id: part_id(&frame.external, "version"),
        label: None,
        sampradaya: None,
        ragas,
        tala,
        sections,
        texts: if text.sections.is_empty() { Vec::new() } else { vec![text] },
        notations: Vec::new(),
    };
    version.notations.extend(known.notation(&frame, rights, raw.notation_note, &version, &swaras)?);
    let song = Composition {
        titles: frame.names,
        composer: raw.composer.or_else(|| head.composer.clone()).map(|key| refer::composer(&key)),
        attribution: raw.attribution,
        form: raw.form.or(head.form).ok_or("the work needs a `form`")?,
        languages,
        deities: refer::deities(&raw.deities),
        temples: refer::temples(&raw.temples),
        tags: refer::tags(&raw.tags),
        year_hint: raw.year_hint,
        title_only: version.texts.is_empty(),
        exceptions: raw.exceptions,
        meanings: Vec::new(),
        versions: vec![version],
        rights,
        sources: frame.sources,
        external_ids: vec![frame.external.clone()],
    };
    Ok((frame.external, Record::Composition(song)))
}

/// Collects ragas and words while the section tree is walked in the order of singing.
struct Tree<'a> {
    external: &'a ExternalId,
    ragas: Vec<RagaEntry>,
    words: Vec<LyricSection>,
    swaras: Vec<Written>,
}

impl Tree<'_> {
    fn sections(&mut self, raw: &[raw::Section], path: &str) -> Vec<Section> {
        raw.iter().enumerate().map(|(at, section)| self.section(section, &format!("{path}/{at}"))).collect()
    }

    fn section(&mut self, raw: &raw::Section, path: &str) -> Section {
        let id = part_id(self.external, path);
        self.ragas.extend(raw.ragas.iter().map(|key| entry(key, Some(id), Direction::Forward)));
        self.ragas.extend(raw.viloma.iter().map(|key| entry(key, Some(id), Direction::Viloma)));
        let lines: Vec<String> =
            raw.text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
        if !lines.is_empty() {
            self.words.push(LyricSection { section: id, lines });
        }
        if let Some(text) = &raw.notation {
            self.swaras.push(Written { section: id, path: path.to_owned(), text: text.clone() });
        }
        Section {
            id,
            kind: raw.kind,
            number: raw.number,
            label: None,
            kala: if raw.kind == SectionKind::MadhyamaKala { Kala::Madhyama } else { Kala::Sama },
            languages: Vec::new(),
            tala: None,
            note: None,
            children: self.sections(&raw.section, path),
        }
    }
}

fn entry(raga: &str, section: Option<Uuid>, direction: Direction) -> RagaEntry {
    RagaEntry { raga: refer::raga(raga), section, direction }
}
