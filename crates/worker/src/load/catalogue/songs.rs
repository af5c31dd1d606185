//! Rows of the table of works.

use super::facts::{self, TalaFact};
use super::files::{Files, KRITHIS, Krithi};
use super::known::Known;
use super::links::{Why, links};
use super::ragas::{self, Found, Ragas};
use super::sections::{self, Sections};
use super::{Common, external, link, put, reviewed};
use crate::load::names;
use crate::load::plan::{Batch, part_id};
use crate::load::starter;
use domain::composition::text::Rendering;
use domain::composition::{Attribution, Composition, Direction, Form, LyricText, RagaEntry, Version};
use domain::id::{ComposerId, RagaId, RightsId, SourceId, TalaId};
use domain::music::tala::{Eduppu, TalaSetting};
use domain::name::{AliasScheme, Language};
use domain::reference::{Composer, ExternalId, SourceNote};
use domain::verdict::{self, Claim};
use domain::{EntityKind, EntityRef, Name, Record, Severity};
use lipi::{Notation, Scheme, Script};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Links or makes all works, and the composers and talas that they need.
pub fn plan(files: &Files, known: &Known, common: &Common, ragas: &Ragas, batch: &mut Batch) {
    let mut planner = Planner {
        files,
        common,
        ragas,
        known,
        composers: HashMap::new(),
        talas: HashMap::new(),
        named_ragas: HashMap::new(),
        languages: languages(files),
    };
    let rows: Vec<Draft<'_>> = files.krithis.iter().map(|krithi| planner.draft(krithi, batch)).collect();
    let links = links(&rows, known);
    for row in rows {
        let id = external(&row.krithi.id);
        match links.get(row.krithi.id.as_str()) {
            Some((target, why)) => {
                if let Some(reason) = said(*why) {
                    batch.report.remark(reason, format!("{} {}", row.krithi.id, row.krithi.title));
                }
                let target = EntityRef { kind: EntityKind::Composition, id: *target };
                let alias = names::alias(&row.krithi.title, AliasScheme::SourceSpelling);
                link(batch, id, target, vec![alias], row.krithi.line, KRITHIS);
            }
            None => {
                let record = planner.song(&row, &id, batch);
                put(batch, id, record, KRITHIS, row.krithi.line);
            }
        }
    }
}

/// What a report says of a new link.
const fn said(why: Why) -> Option<&'static str> {
    match why {
        Why::Before => None,
        Why::Raga => Some("the same work was there already (composer, raga and opening words); linked to it"),
        Why::Spelling => {
            Some("linked to the stored work of this composer and raga whose title is spelled nearly so")
        }
        Why::Title => Some(
            "linked to the composer's only stored work of this title; its raga is another or not given, to be \
             looked at",
        ),
    }
}

/// A row with its composer and raga settled.
pub struct Draft<'f> {
    pub krithi: &'f Krithi,
    pub composer: Uuid,
    pub raga: Option<Uuid>,
    pub iso: String,
}

struct Planner<'a> {
    files: &'a Files,
    common: &'a Common,
    ragas: &'a Ragas,
    known: &'a Known,
    /// By folded name.
    composers: HashMap<String, Uuid>,
    talas: HashMap<String, Option<TalaSetting>>,
    /// Ragas that are in no row of their own, by their group of spellings.
    named_ragas: HashMap<String, Uuid>,
    /// The language in which most works of a composer are.
    languages: HashMap<&'a str, Language>,
}

impl<'a> Planner<'a> {
    fn draft(&mut self, krithi: &'a Krithi, batch: &mut Batch) -> Draft<'a> {
        let iso = lipi::transliterate(
            &krithi.title,
            Notation::Latin(krithi.scheme),
            Notation::Latin(Scheme::Iso15919),
        );
        let composer = self.composer(krithi, batch);
        Draft { krithi, composer, raga: self.raga(krithi, batch), iso }
    }

    fn composer(&mut self, krithi: &Krithi, batch: &mut Batch) -> Uuid {
        let key = lipi::k1_joined(&krithi.composer);
        if let Some(id) = self.composers.get(&key) {
            return *id;
        }
        let identity = external(&format!("composer/{}", names::slug(&krithi.composer)));
        let stored = self.known.by_external(EntityKind::Composer, &identity);
        let target = match stored {
            Some(id) if self.known.is_foreign(id) => Some(id),
            Some(_) => None,
            None => self.stored_composer(&krithi.composer, &key),
        };
        let id = match target {
            Some(id) => {
                let target = EntityRef { kind: EntityKind::Composer, id };
                let alias = names::alias(&krithi.composer, AliasScheme::SourceSpelling);
                link(batch, identity, target, vec![alias], krithi.line, KRITHIS);
                id
            }
            None => {
                let record = composer_record(&krithi.composer, &identity, self.common);
                put(batch, identity, record, KRITHIS, krithi.line)
            }
        };
        self.composers.insert(key, id);
        id
    }

    /// The stored composer of this name, when there is one alone.
    fn stored_composer(&self, name: &str, key: &str) -> Option<Uuid> {
        let claim = Claim { kind: EntityKind::Composer, name, mela: None };
        if let Some(id) = verdict::gives(self.known.verdicts(), claim) {
            return Some(id);
        }
        let mut found = self.known.free(EntityKind::Composer).filter(|(id, record)| {
            if verdict::forbids(self.known.verdicts(), claim, *id).is_some() {
                return false;
            }
            record.names().iter().any(|name| {
                name.role != domain::name::NameRole::Signature && lipi::k1_joined(&name.text) == key
            })
        });
        match (found.next(), found.next()) {
            (Some((id, _)), None) => Some(id),
            _ => None,
        }
    }

    fn raga(&mut self, krithi: &Krithi, batch: &mut Batch) -> Option<Uuid> {
        if krithi.raga_group.is_empty() {
            batch.report.remark("no raga is given", &krithi.id);
            return None;
        }
        if krithi.raga_group == "ragamalika" {
            batch.report.remark("a ragamalika whose ragas the table does not name", &krithi.id);
            return None;
        }
        let example = || format!("{} {}", krithi.id, krithi.raga);
        match self.ragas.find(&krithi.raga_group, &krithi.raga, &self.files.groups) {
            Found::Raga(id) => Some(id),
            Found::Preferred(id) => {
                let reason =
                    "several ragas have this name; taken was the one spelled so, the mela, or the known one";
                batch.report.remark(reason, example());
                Some(id)
            }
            Found::Ambiguous => {
                batch.report.remark("several ragas have this name; none was taken", example());
                None
            }
            Found::Unknown => Some(self.raga_of_works(krithi, batch)),
        }
    }

    /// A raga that only works name: the stored one that is called so, or a new one without a scale.
    fn raga_of_works(&mut self, krithi: &Krithi, batch: &mut Batch) -> Uuid {
        if let Some(id) = self.named_ragas.get(&krithi.raga_group) {
            return *id;
        }
        let example = format!("{} {}", krithi.id, krithi.raga);
        let spellings = self.files.groups.get(&krithi.raga_group).map_or(&[][..], Vec::as_slice);
        let id = match ragas::stored(self.known, &krithi.raga, spellings) {
            Some(id) => {
                batch
                    .report
                    .remark("the raga is not in the table of ragas but stored; linked to it", example);
                id
            }
            None => {
                let reason = "the raga is not in the table of ragas; made without a scale";
                batch.report.remark(reason, example);
                let identity = external(&format!("raga-of-works/{}", krithi.raga_group));
                let record = ragas::of_works(krithi, spellings, &identity, self.common);
                put(batch, identity, record, KRITHIS, krithi.line)
            }
        };
        self.named_ragas.insert(krithi.raga_group.clone(), id);
        id
    }

    fn song(&mut self, row: &Draft<'_>, id: &ExternalId, batch: &mut Batch) -> Record {
        let krithi = row.krithi;
        let lyric = self.files.lyrics.get(&krithi.id);
        let sections = lyric.map(|lyric| sections::read(lyric, id)).unwrap_or_default();
        let languages = self.stated_language(krithi, batch);
        let text = lyric.and_then(|lyric| self.text(krithi, &languages, lyric.scheme, &sections, id, batch));
        let ragas = self.entries(row, &sections, batch);
        let mut song = Composition {
            titles: titles(krithi, &row.iso),
            composer: Some(ComposerId(row.composer)),
            attribution: Attribution::Certain,
            form: Form::Kriti,
            languages,
            deities: Vec::new(),
            temples: Vec::new(),
            tags: Vec::new(),
            year_hint: None,
            title_only: text.is_none(),
            exceptions: Vec::new(),
            meanings: Vec::new(),
            versions: vec![Version {
                id: part_id(id, "version"),
                label: None,
                sampradaya: None,
                ragas,
                tala: self.tala(krithi, batch),
                sections: sections.tree,
                texts: text.into_iter().collect(),
                notations: Vec::new(),
            }],
            rights: Some(RightsId(self.common.rights)),
            sources: vec![SourceNote {
                source: Some(SourceId(self.common.source)),
                note: format!("Row {} of the table of works.", krithi.id),
            }],
            external_ids: vec![id.clone()],
        };
        choose_form(&mut song, krithi, batch);
        Record::Composition(song)
    }

    fn stated_language(&self, krithi: &Krithi, batch: &mut Batch) -> Vec<Language> {
        if krithi.language.is_empty() {
            batch.report.remark("no language is given", &krithi.id);
            return Vec::new();
        }
        let language = facts::language(&krithi.language);
        if language.is_none() {
            batch.report.remark("the language is not one of the catalogue's; left empty", &krithi.language);
        }
        language.into_iter().collect()
    }

    /// The words of a row. A text needs a language; where the row has none, the composer's usual one is
    /// taken and the text says so.
    fn text(
        &self,
        krithi: &Krithi,
        stated: &[Language],
        scheme: Scheme,
        sections: &Sections,
        id: &ExternalId,
        batch: &mut Batch,
    ) -> Option<LyricText> {
        if sections.words.is_empty() {
            batch.report.remark("the words are empty", &krithi.id);
            return None;
        }
        let (languages, label) = if stated.is_empty() {
            let usual = self.languages.get(krithi.composer.as_str()).copied();
            let Some(usual) = usual.or_else(|| facts::language_of_composer(&krithi.composer)) else {
                batch.report.remark("words whose language nothing tells; left out", &krithi.id);
                return None;
            };
            let reason = "words without a language; the text carries the usual one of the composer";
            batch.report.remark(reason, &krithi.id);
            (vec![usual], Some("Language supposed from other works of the composer".to_owned()))
        } else {
            (stated.to_vec(), None)
        };
        Some(LyricText {
            id: part_id(id, "text"),
            languages,
            script: Script::Latin,
            scheme: Some(scheme),
            rendering: Rendering::Continuous,
            is_primary: true,
            label,
            source: Some(SourceId(self.common.source)),
            rights: Some(RightsId(self.common.rights)),
            sections: sections.words.clone(),
        })
    }

    /// The raga of the row, or the ragas that its headings name, in order.
    fn entries(&self, row: &Draft<'_>, sections: &Sections, batch: &mut Batch) -> Vec<RagaEntry> {
        let mut entries = Vec::new();
        for (section, spelling) in &sections.ragas {
            match self.ragas.by_spelling(spelling) {
                Some(raga) => entries.push(RagaEntry {
                    raga: RagaId(raga),
                    section: Some(*section),
                    direction: Direction::Forward,
                }),
                None => batch.report.remark("a heading names a raga that is not in the table", spelling),
            }
        }
        let first = sections.tree.first().map(|section| section.id);
        let opens = entries.first().is_some_and(|entry| entry.section == first);
        if let Some(raga) = row.raga.filter(|_| !opens) {
            entries.insert(0, RagaEntry { raga: RagaId(raga), section: None, direction: Direction::Forward });
        }
        entries
    }

    fn tala(&mut self, krithi: &Krithi, batch: &mut Batch) -> Option<TalaSetting> {
        if krithi.tala.is_empty() {
            batch.report.remark("no tala is given", &krithi.id);
            return None;
        }
        let setting = match self.talas.get(&krithi.tala) {
            Some(setting) => setting.clone(),
            None => {
                let setting = facts::tala(&krithi.tala).map(|fact| self.setting(fact, krithi.line, batch));
                self.talas.insert(krithi.tala.clone(), setting.clone());
                setting
            }
        };
        match facts::tala(&krithi.tala) {
            None => batch
                .report
                .remark("the tala cannot be made out; left empty", format!("{} {}", krithi.id, krithi.tala)),
            Some(TalaFact::Madhyadi) => {
                batch.report.remark("madhyadi: loaded as Adi, its offset is not settled", &krithi.id);
            }
            Some(_) => {}
        }
        setting
    }

    fn setting(&self, fact: TalaFact, line: usize, batch: &mut Batch) -> TalaSetting {
        use domain::music::tala::{Jati, Suladi};
        let (identity, mut record) = match fact {
            TalaFact::Suladi(suladi, jati) => starter::arithmetic::suladi_tala(suladi, jati),
            TalaFact::Chapu(jati) => starter::arithmetic::chapu(jati),
            TalaFact::Desadi | TalaFact::Madhyadi => {
                starter::arithmetic::suladi_tala(Suladi::Triputa, Jati::Chatusra)
            }
        };
        if let (Record::Tala(tala), Some(names)) = (&mut record, reviewed::computed(&identity)) {
            tala.names = names;
        }
        let stored = self.known.by_external(EntityKind::Tala, &identity);
        let planned = crate::load::plan::provisional(&identity);
        let is_planned = batch.entries.iter().any(|entry| entry.provisional == planned);
        let id = match stored {
            Some(id) => id,
            None if is_planned => planned,
            None => put(batch, identity, record, KRITHIS, line),
        };
        let eduppu = (fact == TalaFact::Desadi).then_some(Eduppu { numerator: 3, denominator: 2 });
        TalaSetting { eduppu, ..TalaSetting::plain(TalaId(id)) }
    }
}

/// The form that the row states; without one, a kriti where the sections are those of a kriti.
fn choose_form(song: &mut Composition, krithi: &Krithi, batch: &mut Batch) {
    if !krithi.form.is_empty() {
        song.form = facts::form(&krithi.form).unwrap_or_else(|| {
            batch.report.remark("the form cannot be made out; loaded as other", &krithi.form);
            Form::Other
        });
        if breaks_form(song) {
            batch.report.remark("the sections are not those of the stated form", &krithi.id);
        }
        return;
    }
    if breaks_form(song) {
        song.form = Form::Other;
        batch.report.remark(
            "no form is given and the sections are not those of a kriti: loaded as other",
            &krithi.id,
        );
    } else {
        batch.report.remark("no form is given: loaded as kriti", &krithi.id);
    }
}

fn breaks_form(song: &Composition) -> bool {
    let mut found = Vec::new();
    let sections = song.versions.first().map_or(&[][..], |version| &version.sections);
    if !(sections.is_empty() && song.title_only) {
        song.form.check("/sections", sections, &mut found);
    }
    found.iter().any(|violation| violation.severity != Severity::Warning)
}

fn titles(krithi: &Krithi, iso: &str) -> Vec<Name> {
    let mut titles: Vec<Name> = names::of_iso(iso, None)
        .into_iter()
        .filter(|name| matches!(name.script, Script::Latin | Script::Devanagari))
        .collect();
    for title in &mut titles {
        title.machine_made = true;
    }
    names::push_new(&mut titles, names::alias(&krithi.title, AliasScheme::SourceSpelling));
    titles
}

fn composer_record(name: &str, identity: &ExternalId, common: &Common) -> Record {
    let mut all = vec![names::latin(name)];
    all.extend(names::in_scripts(name, Scheme::Concert).into_iter().take(1));
    reviewed::add_composer(&mut all, name);
    Record::Composer(Composer {
        names: all,
        birth: None,
        death: None,
        place: None,
        teacher: None,
        note: None,
        sources: vec![SourceNote {
            source: Some(SourceId(common.source)),
            note: "Named in the table of works.".to_owned(),
        }],
        external_ids: vec![identity.clone()],
    })
}

/// The language of most works of each composer, of those that have one; none on a tie.
fn languages(files: &Files) -> HashMap<&str, Language> {
    let mut counts: HashMap<&str, BTreeMap<Language, usize>> = HashMap::new();
    for krithi in &files.krithis {
        if let Some(language) = facts::language(&krithi.language) {
            *counts.entry(&krithi.composer).or_default().entry(language).or_default() += 1;
        }
    }
    let most = |counts: BTreeMap<Language, usize>| {
        let highest = counts.values().copied().max()?;
        let mut best = counts.into_iter().filter(|(_, count)| *count == highest);
        match (best.next(), best.next()) {
            (Some((language, _)), None) => Some(language),
            _ => None,
        }
    };
    counts.into_iter().filter_map(|(composer, counts)| Some((composer, most(counts)?))).collect()
}
