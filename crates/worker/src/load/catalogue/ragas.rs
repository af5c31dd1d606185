//! Rows of the raga table: their scales, their place among stored ragas, and the lookup by spelling.

use super::files::{ALIASES, Files, Krithi, RAGAS, RagaRow};
use super::known::Known;
use super::{Common, external, link, put, reviewed};
use crate::load::names;
use crate::load::plan::Batch;
use crate::load::report::Report;
use crate::load::starter;
use domain::id::{RagaId, SourceId};
use domain::music::raga::{Raga, RagaKind, Tradition};
use domain::music::scale::{self, Motion, ScaleToken, Swara};
use domain::name::AliasScheme;
use domain::reference::SourceNote;
use domain::verdict::{self, Claim};
use domain::{EntityKind, EntityRef, Name, Record};
use lipi::Scheme;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// The most aliases that one row brings along.
const ALIASES_MAX: usize = 40;

/// Ragas by every spelling that the files use.
pub struct Ragas {
    rows: Vec<Row>,
    by_group: HashMap<String, Vec<usize>>,
    by_key: HashMap<String, BTreeSet<usize>>,
}

struct Row {
    id: Uuid,
    plain: String,
    mela: bool,
    /// It is linked to a raga that was stored before.
    linked: bool,
}

/// Which raga a work names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    Raga(Uuid),
    /// Several ragas have the name; this one was taken.
    Preferred(Uuid),
    /// Several ragas have the name and nothing tells them apart.
    Ambiguous,
    Unknown,
}

/// Links or makes all ragas.
pub fn plan(files: &Files, known: &Known, common: &Common, batch: &mut Batch) -> Ragas {
    let melas = melas(files, known, common, batch);
    let mut candidates = Candidates::new(files, known);
    let mut ragas = Ragas { rows: Vec::new(), by_group: HashMap::new(), by_key: HashMap::new() };
    let shared = shared_groups(files, batch);
    for (at, row) in files.ragas.iter().enumerate() {
        let spelled = Spelled::of(&row.name);
        let aliases = aliases(files, row, &spelled, shared.contains(row.group.as_str()));
        let (id, linked) = match row.mela {
            Some(number) => {
                let (id, is_stored) = melas[usize::from(number) - 1];
                (mela(row, id, is_stored, &aliases, known, batch), is_stored)
            }
            None => janya(row, &spelled, aliases.clone(), &melas, known, &mut candidates, common, batch),
        };
        ragas.add(at, row, &spelled, id, linked, &aliases, known);
    }
    ragas
}

/// The ids of the 72 melas, and whether each is stored. Missing ones are made by arithmetic.
fn melas(files: &Files, known: &Known, common: &Common, batch: &mut Batch) -> Vec<(Uuid, bool)> {
    let mut ids = Vec::with_capacity(72);
    for (external, record) in starter::arithmetic::melas() {
        let Record::Raga(mut raga) = record else { continue };
        if let Some(id) = known.by_external(EntityKind::Raga, &external) {
            ids.push((id, true));
            continue;
        }
        if let Some(names) = reviewed::computed(&external) {
            raga.names = names;
        }
        let row = files.ragas.iter().find(|row| row.mela == raga.mela_number);
        if let Some(row) = row {
            raga.external_ids.push(row_id(row));
            for alias in aliases(files, row, &Spelled::of(&row.name), false) {
                names::push_new(&mut raga.names, alias);
            }
            raga.sources.push(note(common));
        }
        let line = row.map_or(0, |row| row.line);
        ids.push((put(batch, external, Record::Raga(raga), RAGAS, line), false));
    }
    ids
}

fn mela(
    row: &RagaRow,
    id: Uuid,
    is_stored: bool,
    aliases: &[Name],
    known: &Known,
    batch: &mut Batch,
) -> Uuid {
    let formula = row.mela.and_then(domain::music::melakarta::arohana).unwrap_or_default();
    if scale_of(&row.arohana, Motion::Arohana).line != Some(formula) {
        batch.report.remark("a mela whose scale is not the one of its number; the formula holds", &row.name);
    }
    if is_stored {
        let target = EntityRef { kind: EntityKind::Raga, id };
        debug_assert!(known.record(id).is_some());
        link(batch, row_id(row), target, aliases.to_vec(), row.line, RAGAS);
    }
    id
}

#[expect(clippy::too_many_arguments, reason = "one row and everything that surrounds it")]
fn janya(
    row: &RagaRow,
    spelled: &Spelled,
    aliases: Vec<Name>,
    melas: &[(Uuid, bool)],
    known: &Known,
    candidates: &mut Candidates,
    common: &Common,
    batch: &mut Batch,
) -> (Uuid, bool) {
    let parent = candidates.parent_number(&row.parent);
    if parent.is_none() && !row.parent.is_empty() {
        batch.report.remark("the parent is no mela of the file; loaded as unclassified", &row.name);
    }
    let stored = known.by_external(EntityKind::Raga, &row_id(row));
    let target = match stored {
        Some(id) if known.is_foreign(id) => Some(id),
        Some(_) => None,
        None => candidates.stored_raga(row, spelled, parent, known, &mut batch.report),
    };
    if let Some(id) = target {
        let target = EntityRef { kind: EntityKind::Raga, id };
        link(batch, row_id(row), target, aliases, row.line, RAGAS);
        return (id, true);
    }
    let record = raga_record(row, spelled, aliases, parent, melas, common, &mut batch.report);
    (put(batch, row_id(row), record, RAGAS, row.line), false)
}

fn raga_record(
    row: &RagaRow,
    spelled: &Spelled,
    aliases: Vec<Name>,
    parent: Option<u8>,
    melas: &[(Uuid, bool)],
    common: &Common,
    report: &mut Report,
) -> Record {
    let (up, down) = (scale_of(&row.arohana, Motion::Arohana), scale_of(&row.avarohana, Motion::Avarohana));
    let as_written = up.changed || down.changed;
    let (arohana, avarohana) = match (up.line, down.line) {
        (Some(up), Some(down)) => (up, down),
        _ => {
            report.remark("a scale that cannot be read strictly; kept as a note", &row.name);
            (Vec::new(), Vec::new())
        }
    };
    let mut anya_swaras = up.anya;
    anya_swaras.extend(down.anya.into_iter().filter(|swara| !up_has(&row.arohana, *swara)));
    anya_swaras.sort();
    anya_swaras.dedup();
    let mut all = vec![names::latin(&spelled.display)];
    all.extend(names::in_scripts(&spelled.display, Scheme::Concert).into_iter().take(1));
    for alias in aliases {
        names::push_new(&mut all, alias);
    }
    reviewed::add_raga(&mut all, &spelled.display, parent);
    Record::Raga(Raga {
        names: all,
        kind: if parent.is_some() { RagaKind::Janya } else { RagaKind::Unclassified },
        mela_number: None,
        parent: parent.map(|number| RagaId(melas[usize::from(number) - 1].0)),
        arohana,
        avarohana,
        anya_swaras,
        tradition: if spelled.hindustani { Tradition::HindustaniImport } else { Tradition::Carnatic },
        note: as_written.then(|| format!("As written in the source: {} / {}", row.arohana, row.avarohana)),
        sources: vec![note(common)],
        external_ids: vec![row_id(row)],
    })
}

fn up_has(text: &str, swara: Swara) -> bool {
    scale_of(text, Motion::Arohana).anya.contains(&swara)
}

fn row_id(row: &RagaRow) -> domain::reference::ExternalId {
    external(&format!("raga/{}", row.normalized))
}

fn note(common: &Common) -> SourceNote {
    SourceNote { source: Some(SourceId(common.source)), note: "Row of the raga table.".to_owned() }
}

/// Groups of spellings that several rows share: their spellings tell nothing.
fn shared_groups<'f>(files: &'f Files, batch: &mut Batch) -> BTreeSet<&'f str> {
    let mut seen = BTreeSet::new();
    let mut shared = BTreeSet::new();
    for row in &files.ragas {
        if !seen.insert(row.group.as_str()) {
            shared.insert(row.group.as_str());
        }
    }
    for group in &shared {
        if files.groups.contains_key(*group) {
            let reason =
                "a group of spellings that stands for several ragas; its spellings are given to none";
            batch.report.remark(reason, format!("{ALIASES}: {group}"));
        }
    }
    shared
}

/// Other spellings of a row.
fn aliases(files: &Files, row: &RagaRow, spelled: &Spelled, is_shared: bool) -> Vec<Name> {
    let group = if is_shared { None } else { files.groups.get(&row.group) };
    let texts = spelled.others.iter().chain(group.into_iter().flatten());
    let mut found = Vec::new();
    for text in texts.filter(|text| **text != spelled.display).take(ALIASES_MAX) {
        names::push_new(&mut found, names::alias(text, AliasScheme::SourceSpelling));
    }
    found
}

/// A name of the table without its notes.
pub struct Spelled {
    pub display: String,
    /// The source's own spelling and second names.
    others: Vec<String>,
    hindustani: bool,
}

impl Spelled {
    pub fn of(raw: &str) -> Self {
        let hindustani = raw.contains("Hindustani");
        let without_note = raw.split(['{', '(']).next().unwrap_or(raw);
        let without_note = without_note.split("cf.").next().unwrap_or(without_note);
        let mut parts = without_note.split('/').map(str::trim).filter(|part| !part.is_empty());
        let first = parts.next().unwrap_or(raw).to_owned();
        let display = names::plain(&first);
        let mut others: Vec<String> = parts.map(str::to_owned).collect();
        if first != display {
            others.insert(0, first);
        }
        Self { display, others, hindustani }
    }
}

/// What a line of the table says.
pub struct Scale {
    /// None where it cannot be read.
    pub line: Option<Vec<ScaleToken>>,
    anya: Vec<Swara>,
    /// Something was cut off.
    changed: bool,
}

/// Cuts the note about foreign swaras off and takes the first of several lines that were glued together.
pub fn scale_of(text: &str, motion: Motion) -> Scale {
    let (line, remark) = match text.split_once('(') {
        // A note before the scale.
        Some((before, after)) if before.trim().is_empty() => {
            after.split_once(')').map_or((after, ""), |(remark, line)| (line, remark))
        }
        Some((before, after)) => (before, after.split(')').next().unwrap_or(after)),
        None => (text, ""),
    };
    let mut swaras = Vec::new();
    let mut changed = !remark.is_empty();
    for swara in line.split_whitespace() {
        if swara == "SS" {
            swaras.push("S");
            changed = true;
            break;
        }
        swaras.push(swara);
    }
    let anya = if remark.to_ascii_lowercase().contains("anya") { swaras_in(remark) } else { Vec::new() };
    let line = scale::parse(&swaras.join(" "), motion).ok();
    Scale { changed: changed || line.is_none(), line, anya }
}

/// Every swara with its number that stands in a remark.
fn swaras_in(remark: &str) -> Vec<Swara> {
    let letters: Vec<char> = remark.chars().collect();
    letters.windows(2).filter_map(|pair| pair.iter().collect::<String>().parse().ok()).collect()
}

/// Stored ragas that a row may be.
struct Candidates {
    /// Of janyas that no row stands for: key of a name, number of the parent, id.
    janyas: Vec<(String, Option<u8>, Uuid)>,
    /// How many rows share a key and a parent.
    rows: HashMap<(String, Option<u8>), usize>,
    parents: HashMap<String, u8>,
}

impl Candidates {
    fn new(files: &Files, known: &Known) -> Self {
        let parents: HashMap<String, u8> =
            files.ragas.iter().filter_map(|row| Some((row.normalized.clone(), row.mela?))).collect();
        let mut janyas = Vec::new();
        for (id, record) in known.free(EntityKind::Raga) {
            let Record::Raga(raga) = record else { continue };
            if raga.kind == RagaKind::Mela {
                continue;
            }
            let number = known.mela_of(raga);
            let keys: BTreeSet<String> = raga
                .names
                .iter()
                .filter(|name| is_own(name))
                .map(|name| name.key(EntityKind::Raga))
                .collect();
            janyas.extend(keys.into_iter().map(|key| (key, number, id)));
        }
        let mut rows = HashMap::new();
        for row in &files.ragas {
            let key = lipi::raga_key(&Spelled::of(&row.name).display);
            *rows.entry((key, parents.get(&row.parent).copied())).or_default() += 1;
        }
        Self { janyas, rows, parents }
    }

    fn parent_number(&self, normalized: &str) -> Option<u8> {
        self.parents.get(normalized).copied()
    }

    /// The stored janya with the row's name and parent, when there is one alone. Where several rows or
    /// several ragas share name and parent, the scale decides.
    fn stored_raga(
        &mut self,
        row: &RagaRow,
        spelled: &Spelled,
        parent: Option<u8>,
        known: &Known,
        report: &mut Report,
    ) -> Option<Uuid> {
        let claim = Claim { kind: EntityKind::Raga, name: &spelled.display, mela: parent };
        if let Some(id) = verdict::gives(known.verdicts(), claim) {
            report.remark("linked by a ruling on its name", &row.name);
            self.janyas.retain(|(_, _, taken)| *taken != id);
            return Some(id);
        }
        let key = lipi::raga_key(&spelled.display);
        let mut allowed = |id: &Uuid| {
            let forbidding = verdict::forbids(known.verdicts(), claim, *id);
            if let Some(forbidding) = forbidding {
                let reason = "kept apart from a stored raga by a ruling";
                report.remark(reason, format!("{}: {}", row.name, forbidding.reason));
            }
            forbidding.is_none()
        };
        let mut named: Vec<_> = self.janyas.iter().filter(|(own, _, _)| *own == key).collect();
        named.retain(|(_, _, id)| allowed(id));
        let named = named.into_iter();
        let (here, elsewhere): (Vec<_>, Vec<_>) = named.partition(|(_, number, _)| *number == parent);
        let ids: BTreeSet<Uuid> = here.iter().map(|(_, _, id)| *id).collect();
        if ids.is_empty() {
            let others: BTreeSet<Uuid> = elsewhere.iter().map(|(_, _, id)| *id).collect();
            return self.under_another_parent(row, spelled, &others, known, report);
        }
        let alone = ids.len() == 1 && self.rows.get(&(key, parent)).copied() == Some(1);
        let same_scale = |id: &Uuid| same_lines(row, known.record(*id)) == [true; 2];
        let id = if alone { ids.first().copied() } else { ids.iter().copied().find(same_scale) }?;
        if !same_scale(&id) {
            report
                .remark("linked to a stored raga with another account of its scale, which stays", &row.name);
        }
        self.janyas.retain(|(_, _, taken)| *taken != id);
        Some(id)
    }

    /// Accounts differ on the parent of many a raga. The stored one is meant where both sides know the name
    /// once and a line of the scale is the same, or the name is to the letter.
    fn under_another_parent(
        &mut self,
        row: &RagaRow,
        spelled: &Spelled,
        stored: &BTreeSet<Uuid>,
        known: &Known,
        report: &mut Report,
    ) -> Option<Uuid> {
        let id = *stored.first()?;
        let key = lipi::raga_key(&spelled.display);
        let rows: usize = self.rows.iter().filter(|((own, _), _)| *own == key).map(|(_, count)| count).sum();
        let record = known.record(id);
        let is_janya = matches!(record, Some(Record::Raga(raga)) if raga.kind == RagaKind::Janya);
        let alike = same_lines(row, record).contains(&true)
            || record.is_some_and(|record| record.label() == spelled.display);
        if stored.len() > 1 || rows > 1 || !is_janya || !alike {
            report.remark("a raga of this name is stored under another parent; kept apart", &row.name);
            return None;
        }
        report.remark(
            "linked to the stored raga of this name, which has another parent; to be looked at",
            &row.name,
        );
        self.janyas.retain(|(_, _, taken)| *taken != id);
        Some(id)
    }
}

/// Whether a name is the raga's own: its counterpart in the north is another raga.
pub fn is_own(name: &Name) -> bool {
    name.alias_scheme != Some(AliasScheme::HindustaniCounterpart)
}

/// Whether arohana and avarohana of a row are those of a stored raga.
fn same_lines(row: &RagaRow, record: Option<&Record>) -> [bool; 2] {
    let Some(Record::Raga(raga)) = record else { return [false; 2] };
    [
        scale_of(&row.arohana, Motion::Arohana).line.as_ref() == Some(&raga.arohana),
        scale_of(&row.avarohana, Motion::Avarohana).line.as_ref() == Some(&raga.avarohana),
    ]
}

/// The only stored raga that is called so; names of the north are another raga's.
pub fn stored(known: &Known, spelling: &str, others: &[String]) -> Option<Uuid> {
    let keys: BTreeSet<String> =
        others.iter().map(String::as_str).chain([spelling]).map(lipi::raga_key).collect();
    let mut found = known.ragas().filter(|(_, raga)| {
        raga.names.iter().any(|name| is_own(name) && keys.contains(&name.key(EntityKind::Raga)))
    });
    let (only, _) = found.next()?;
    found.next().is_none().then_some(only)
}

/// A raga of which works tell no more than the name.
pub fn of_works(
    krithi: &Krithi,
    others: &[String],
    identity: &domain::reference::ExternalId,
    common: &Common,
) -> Record {
    let iso = lipi::transliterate(
        &krithi.raga,
        lipi::Notation::Latin(krithi.scheme),
        lipi::Notation::Latin(Scheme::Iso15919),
    );
    let mut all = names::of_iso(&iso, None);
    for text in others.iter().chain([&krithi.raga]).take(ALIASES_MAX) {
        names::push_new(&mut all, names::alias(text, AliasScheme::SourceSpelling));
    }
    Record::Raga(Raga {
        names: all,
        kind: RagaKind::Unclassified,
        mela_number: None,
        parent: None,
        arohana: Vec::new(),
        avarohana: Vec::new(),
        anya_swaras: Vec::new(),
        tradition: Tradition::Carnatic,
        note: None,
        sources: vec![SourceNote {
            source: Some(SourceId(common.source)),
            note: "Named in the table of works alone.".to_owned(),
        }],
        external_ids: vec![identity.clone()],
    })
}

impl Ragas {
    #[expect(clippy::too_many_arguments, reason = "one row and everything that names it")]
    fn add(
        &mut self,
        at: usize,
        row: &RagaRow,
        spelled: &Spelled,
        id: Uuid,
        linked: bool,
        aliases: &[Name],
        known: &Known,
    ) {
        let plain = spelled.display.to_lowercase();
        self.rows.push(Row { id, plain, mela: row.mela.is_some(), linked });
        self.by_group.entry(row.group.clone()).or_default().push(at);
        let stored = known.record(id).map_or(&[][..], Record::names);
        let spellings = aliases.iter().chain(stored).map(|name| name.text.as_str());
        for text in spellings.chain([spelled.display.as_str()]) {
            self.by_key.entry(lipi::raga_key(text)).or_default().insert(at);
        }
    }

    /// The raga of the row at `at`.
    pub fn id(&self, at: usize) -> Uuid {
        self.rows[at].id
    }

    /// The raga of a work: by its group of spellings, else by the folded spellings of that group.
    pub fn find(
        &self,
        group: &str,
        spelling: &str,
        groups: &std::collections::BTreeMap<String, Vec<String>>,
    ) -> Found {
        match self.by_group.get(group).map(Vec::as_slice) {
            Some([only]) => return Found::Raga(self.rows[*only].id),
            Some(several) => return self.prefer(several, spelling),
            None => {}
        }
        let spellings = groups.get(group).into_iter().flatten().map(String::as_str).chain([spelling]);
        let hits: BTreeSet<usize> =
            spellings.filter_map(|text| self.by_key.get(&lipi::raga_key(text))).flatten().copied().collect();
        match hits.into_iter().collect::<Vec<_>>()[..] {
            [] => Found::Unknown,
            [only] => Found::Raga(self.rows[only].id),
            ref several => self.prefer(several, spelling),
        }
    }

    /// The raga that is spelled so, where one alone is.
    pub fn by_spelling(&self, spelling: &str) -> Option<Uuid> {
        let hits = self.by_key.get(&lipi::raga_key(spelling))?;
        let ids: BTreeSet<Uuid> = hits.iter().map(|at| self.rows[*at].id).collect();
        (ids.len() == 1).then(|| ids.first().copied()).flatten()
    }

    /// Among ragas of one name: the one spelled exactly so, else the mela, else the one known before.
    fn prefer(&self, several: &[usize], spelling: &str) -> Found {
        let ids: BTreeSet<Uuid> = several.iter().map(|at| self.rows[*at].id).collect();
        if let (1, Some(only)) = (ids.len(), ids.first()) {
            return Found::Raga(*only);
        }
        let plain = names::plain(spelling).to_lowercase();
        let alone = |wanted: &dyn Fn(&Row) -> bool| {
            let mut found = several.iter().filter(|at| wanted(&self.rows[**at]));
            match (found.next(), found.next()) {
                (Some(only), None) => Some(self.rows[*only].id),
                _ => None,
            }
        };
        alone(&|row| row.plain == plain)
            .or_else(|| alone(&|row| row.mela))
            .or_else(|| alone(&|row| row.linked))
            .map_or(Found::Ambiguous, Found::Preferred)
    }
}
