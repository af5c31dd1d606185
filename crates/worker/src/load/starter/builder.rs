//! Records of the domain from records of the files.

use super::document::{Document, Fields, Mistake};
use super::meaning::meaning;
use super::notation::Known;
use super::raw::{self, Common, Head};
use super::{arithmetic, external, mela_key, song};
use crate::load::names;
use crate::load::plan::{Batch, Decision, Entry, Work, provisional, verdict_id};
use domain::id::{
    ComposerId, CompositionId, DeityId, PlaceId, RagaId, RightsId, SourceId, TagId, TalaId, TempleId,
};
use domain::music::melakarta;
use domain::music::raga::{Raga, RagaKind, Tradition};
use domain::music::scale::{self, Motion, ScaleToken};
use domain::music::tala::{Eduppu, Tala, TalaKind, TalaSetting};
use domain::name::{AliasScheme, NameRole};
use domain::reference::{
    Composer, Deity, ExternalId, Group, GroupMember, Location, Place, Rights, Source, SourceNote, Tag, Temple,
};
use domain::verdict::Member;
use domain::{EntityKind, Name, Record, Severity, Verdict};
use serde::de::DeserializeOwned;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Collects the records of all files.
pub struct Builder {
    batch: Batch,
    /// Talas and settings by key.
    talas: HashMap<String, TalaSetting>,
    /// Talas and ragas that notations are read against.
    known: Known,
    /// Identities met so far, so that a key is used once.
    met: HashSet<Uuid>,
}

/// What every record has, made from the common fields.
pub struct Frame {
    pub external: ExternalId,
    pub names: Vec<Name>,
    pub note: Option<String>,
    pub sources: Vec<SourceNote>,
}

/// A record, or why there is none.
pub type Built<T> = Result<T, String>;

impl Default for Builder {
    fn default() -> Self {
        Self {
            batch: Batch::default(),
            talas: arithmetic::settings(),
            known: Known::from_arithmetic(),
            met: HashSet::new(),
        }
    }
}

impl Builder {
    /// Reads all records of one file.
    pub fn document(&mut self, file: &str, kind: EntityKind, text: &str) {
        self.batch.report.begin_file(file);
        let mut document = match Document::parse(text) {
            Ok(document) => document,
            Err(mistakes) => return mistakes.into_iter().for_each(|mistake| self.reject(file, mistake)),
        };
        let head = match document.take_head() {
            Ok(head) => head,
            Err(mistake) => return self.reject(file, mistake),
        };
        for fields in std::mem::take(&mut document.records) {
            self.batch.report.row(file);
            let line = fields.line;
            let built = self.record(&document, kind, &head, fields);
            match built
                .and_then(|built| self.accept(file, line, built).map_err(|reason| Mistake { line, reason }))
            {
                Ok(()) => {}
                Err(mistake) => self.reject(file, mistake),
            }
        }
    }

    /// Adds what follows from arithmetic and no file named.
    pub fn finish(mut self) -> Batch {
        for (external, record) in arithmetic::records() {
            if !self.met.contains(&provisional(&external)) {
                let accepted = self.accept("arithmetic", 0, Some((external, record)));
                debug_assert!(accepted.is_ok(), "{accepted:?}");
            }
        }
        self.batch.finish();
        self.batch
    }

    /// What was read so far, in the order of the files.
    pub fn records(self) -> Vec<Record> {
        let record = |entry: Entry| match entry.work {
            Work::Put(record) | Work::Keep { record, .. } => Some(*record),
            Work::Link { .. } => None,
        };
        self.batch.entries.into_iter().filter_map(record).collect()
    }

    fn reject(&mut self, file: &str, mistake: Mistake) {
        self.batch.report.reject(file, mistake.line, mistake.reason);
    }

    fn accept(&mut self, file: &str, line: usize, built: Option<(ExternalId, Record)>) -> Built<()> {
        let Some((external, record)) = built else { return Ok(()) };
        let broken = broken(&record);
        if !broken.is_empty() {
            return Err(broken);
        }
        let id = provisional(&external);
        if !self.met.insert(id) {
            return Err(format!("`{}` is there twice", external.id));
        }
        self.known.add(id, &record);
        let slug = names::slug(record.label());
        let file = file.to_owned();
        self.batch.entries.push(Entry {
            external,
            provisional: id,
            slug,
            file,
            line,
            work: Work::Put(Box::new(record)),
        });
        Ok(())
    }

    fn record(
        &mut self,
        document: &Document<'_>,
        kind: EntityKind,
        head: &Head,
        mut fields: Fields<'_>,
    ) -> Result<Option<(ExternalId, Record)>, Mistake> {
        let (line, table) = (fields.line, fields.table.clone());
        let failed = |reason: String| Mistake { line, reason };
        let mut common: Common = document.read(fields.take(&raw::COMMON))?;
        let decided = decided(&mut common).map_err(failed)?;
        if !belongs(&table, kind) {
            return Err(failed(format!("a [[{table}]] does not belong into this file")));
        }
        if table == "setting" {
            let setting = document.read(fields)?;
            self.setting(&common, &setting).map_err(failed)?;
            return Ok(None);
        }
        let built = match table.as_str() {
            "suladi" => self.suladi(common, head, read(document, fields)?),
            "mela" => mela(common, head, &read(document, fields)?),
            "chapu" => self.chapu(common, head, read(document, fields)?),
            "source" => source(common, head, read(document, fields)?),
            "rights" => rights(common, head, read(document, fields)?),
            "place" => place(common, head, read(document, fields)?),
            "tag" => tag(common, head, &read(document, fields)?),
            "deity" => deity(common, head, &read(document, fields)?),
            "temple" => temple(common, head, &read(document, fields)?),
            "composer" => composer(common, head, &read(document, fields)?),
            "raga" => raga(common, head, read(document, fields)?),
            "group" => group(common, head, read(document, fields)?),
            _ => frame(kind, common, head)
                .and_then(|frame| {
                    Ok((frame, read(document, fields).map_err(|mistake: Mistake| mistake.reason)?))
                })
                .and_then(|(frame, raw)| song::composition(frame, head, raw, &self.talas, &self.known)),
        };
        let (external, record) = built.map_err(failed)?;
        if !decided.is_empty() {
            self.batch.decided.insert(provisional(&external), decided);
        }
        Ok(Some((external, record)))
    }

    /// Reads the rulings of `verdicts.toml`, after all records.
    pub fn verdicts(&mut self, file: &str, text: &str) {
        self.afterwards(file, "verdict", text, |builder, head, raw| {
            let verdict = builder.verdict(head, raw)?;
            if builder.batch.verdicts.iter().any(|other| verdict_id(other) == verdict_id(&verdict)) {
                return Err("these names were ruled on before".to_owned());
            }
            builder.batch.verdicts.push(verdict);
            Ok(())
        });
    }

    /// Reads `meanings.toml`, after all works.
    pub fn meanings(&mut self, file: &str, text: &str) {
        self.afterwards(file, "meaning", text, Self::meaning);
    }

    /// Puts a meaning into the work that it is of, which must be good with it.
    fn meaning(&mut self, head: &Head, raw: raw::Meaning) -> Built<()> {
        let of = external(EntityKind::Composition, &raw.of);
        let entry = self.batch.entries.iter_mut().find(|entry| entry.external == of);
        let missing = || format!("there is no work `{}`", raw.of);
        let Work::Put(record) = &mut entry.ok_or_else(missing)?.work else { return Err(missing()) };
        let Record::Composition(song) = record.as_mut() else { return Err(missing()) };
        song.meanings.push(meaning(head, raw, &of)?);
        let broken = broken(record);
        if let (false, Record::Composition(song)) = (broken.is_empty(), record.as_mut()) {
            song.meanings.pop();
        }
        if broken.is_empty() { Ok(()) } else { Err(broken) }
    }

    /// Reads a file whose records are about those of the others.
    fn afterwards<T: DeserializeOwned>(
        &mut self,
        file: &str,
        table: &str,
        text: &str,
        mut take: impl FnMut(&mut Self, &Head, T) -> Built<()>,
    ) {
        self.batch.report.begin_file(file);
        let mut document = match Document::parse(text) {
            Ok(document) => document,
            Err(mistakes) => return mistakes.into_iter().for_each(|mistake| self.reject(file, mistake)),
        };
        let head = match document.take_head() {
            Ok(head) => head,
            Err(mistake) => return self.reject(file, mistake),
        };
        for fields in std::mem::take(&mut document.records) {
            self.batch.report.row(file);
            let line = fields.line;
            let read = match &fields.table {
                known if known == table => document.read::<T>(fields),
                other => {
                    Err(Mistake { line, reason: format!("a [[{other}]] does not belong into this file") })
                }
            };
            let taken =
                read.and_then(|raw| take(self, &head, raw).map_err(|reason| Mistake { line, reason }));
            if let Err(mistake) = taken {
                self.reject(file, mistake);
            }
        }
    }

    fn verdict(&self, head: &Head, raw: raw::Verdict) -> Built<Verdict> {
        let member = |member: raw::NamedMember| {
            let entity = match &member.record {
                Some(key) => Some(self.known(raw.kind, key)?),
                None => None,
            };
            Ok(Member { name: member.name, mela: member.mela, entity })
        };
        let verdict = Verdict {
            kind: raw.kind,
            ruling: raw.ruling,
            members: raw.members.into_iter().map(member).collect::<Built<_>>()?,
            reason: raw.reason,
            source: raw.source.or_else(|| head.source.clone()).unwrap_or_default(),
        };
        match verdict.check().first() {
            Some(broken) => Err(format!("{} {}", broken.field, broken.detail)),
            None => Ok(verdict),
        }
    }

    /// The id of a record that was read, or that follows from arithmetic.
    fn known(&self, kind: EntityKind, key: &str) -> Built<Uuid> {
        let id = id(kind, key);
        let computed = || arithmetic::records().iter().any(|(external, _)| provisional(external) == id);
        if self.met.contains(&id) || computed() { Ok(id) } else { Err(format!("there is no {kind} `{key}`")) }
    }

    fn setting(&mut self, common: &Common, raw: &raw::Setting) -> Built<()> {
        let key = common.key.clone().ok_or("a setting needs a `key`")?;
        let base = self.talas.get(&raw.tala).ok_or_else(|| format!("there is no tala `{}`", raw.tala))?;
        let setting = TalaSetting {
            tala: base.tala,
            kalai: raw.kalai.unwrap_or(base.kalai),
            gati: raw.gati.unwrap_or(base.gati),
            eduppu: raw.eduppu.map(|(numerator, denominator)| Eduppu { numerator, denominator }),
        };
        match self.talas.insert(key.clone(), setting) {
            None => Ok(()),
            Some(_) => Err(format!("the tala `{key}` is there twice")),
        }
    }

    fn suladi(&mut self, mut common: Common, head: &Head, raw: raw::Suladi) -> Built<(ExternalId, Record)> {
        let suladi =
            arithmetic::suladi_of(&raw.tala).ok_or_else(|| format!("`{}` is no suladi tala", raw.tala))?;
        let key = arithmetic::suladi_key(suladi, raw.jati);
        let named = common.key.replace(key.clone());
        let frame = frame(EntityKind::Tala, common, head)?;
        let mut tala: Tala = suladi.tala(raw.jati);
        let full = std::mem::take(&mut tala.names);
        tala.names = frame.names;
        for name in full {
            names::push_new(&mut tala.names, names::alias(&name.text, AliasScheme::SpellingVariant));
        }
        (tala.note, tala.sources) = (frame.note, frame.sources);
        tala.external_ids = vec![frame.external.clone()];
        if let Some(named) = named {
            let setting = TalaSetting::plain(TalaId(provisional(&frame.external)));
            self.talas.insert(named, setting);
        }
        Ok((frame.external, Record::Tala(tala)))
    }

    fn chapu(&mut self, common: Common, head: &Head, raw: raw::Chapu) -> Built<(ExternalId, Record)> {
        let key = common.key.clone().unwrap_or_default();
        let frame = frame(EntityKind::Tala, common, head)?;
        let setting = TalaSetting::plain(TalaId(provisional(&frame.external)));
        if self.talas.insert(key.clone(), setting).is_some() {
            return Err(format!("the tala `{key}` is there twice"));
        }
        let tala = Tala {
            names: frame.names,
            kind: TalaKind::Chapu,
            jati: None,
            angas: Vec::new(),
            beats: raw.groups.iter().fold(0, |sum: u8, group| sum.saturating_add(*group)),
            groups: raw.groups,
            note: frame.note,
            sources: frame.sources,
            external_ids: vec![frame.external.clone()],
        };
        Ok((frame.external, Record::Tala(tala)))
    }
}

impl Document<'_> {
    fn take_head(&mut self) -> Result<Head, Mistake> {
        let empty = Fields::empty();
        let head = std::mem::replace(&mut self.head, empty);
        self.read(head)
    }
}

/// The decisions of a record, each with what it is about and why.
fn decided(common: &mut Common) -> Built<Vec<Decision>> {
    let decided = std::mem::take(&mut common.decided);
    match decided.iter().find(|decision| decision.reason.trim().is_empty()) {
        Some(decision) => Err(format!("the decision against `{}` needs a `reason`", decision.other)),
        None => Ok(decided),
    }
}

/// Whether records of `table` stand in the file of `kind`.
fn belongs(table: &str, kind: EntityKind) -> bool {
    match table {
        "suladi" | "chapu" | "setting" => kind == EntityKind::Tala,
        "mela" => kind == EntityKind::Raga,
        other => kind.as_str() == other,
    }
}

/// The rules that a record breaks, each with its field; empty where it is good.
fn broken(record: &Record) -> String {
    let found = record.check().into_iter().filter(|violation| violation.severity != Severity::Warning);
    let told = found.map(|violation| format!("{} {}", violation.field, violation.detail));
    told.collect::<Vec<_>>().join("; ")
}

fn read<T: DeserializeOwned>(document: &Document<'_>, fields: Fields<'_>) -> Result<T, Mistake> {
    document.read(fields)
}

/// The common part of a record: names in every script, the source note, the identity.
pub fn frame(kind: EntityKind, common: Common, head: &Head) -> Built<Frame> {
    let key = common.key.ok_or("the record needs a `key`")?;
    if key.is_empty() || !key.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'/')) {
        return Err(format!("`{key}` is not a key: use a-z, 0-9, `-` and `/`"));
    }
    let name = common.name.ok_or("the record needs a `name` (a work: a `title`)")?;
    let plain = matches!(kind, EntityKind::Source | EntityKind::Rights);
    let mut all =
        if plain { vec![names::latin(&name)] } else { names::of_iso(&name, common.display.as_deref()) };
    if let Some(mark) = &common.disambiguator {
        names::tell_apart(&mut all, mark);
    }
    for (reason, texts) in &common.aliases {
        let scheme = alias_scheme(reason)?;
        for text in texts {
            names::push_new(&mut all, names::alias(text, scheme));
        }
    }
    for signature in &common.signatures {
        all.push(Name { role: NameRole::Signature, ..names::latin(signature) });
    }
    let note = common.source.or_else(|| head.source.clone());
    let source = common.source_key.or_else(|| head.source_key.clone());
    let sources = match note {
        Some(note) => vec![SourceNote {
            source: source.as_deref().map(|key| SourceId(id(EntityKind::Source, key))),
            note,
        }],
        None if plain => Vec::new(),
        None => return Err("the record needs a `source` note".to_owned()),
    };
    Ok(Frame { external: external(kind, &key), names: all, note: common.note, sources })
}

fn alias_scheme(reason: &str) -> Built<AliasScheme> {
    serde_json::from_value(reason.into()).map_err(|_| format!("`{reason}` is not a reason for an alias"))
}

/// The provisional id of the record `key`.
pub fn id(kind: EntityKind, key: &str) -> Uuid {
    provisional(&external(kind, key))
}

fn source(common: Common, head: &Head, raw: raw::Source) -> Built<(ExternalId, Record)> {
    let frame = frame(EntityKind::Source, common, head)?;
    let record = Source {
        names: frame.names,
        url: raw.url,
        tier: raw.tier,
        note: frame.note,
        sources: frame.sources,
        external_ids: vec![frame.external.clone()],
    };
    Ok((frame.external, Record::Source(record)))
}

fn rights(common: Common, head: &Head, raw: raw::Rights) -> Built<(ExternalId, Record)> {
    let frame = frame(EntityKind::Rights, common, head)?;
    let record = Rights {
        names: frame.names,
        licence: raw.licence,
        holder: raw.holder,
        attribution: raw.attribution,
        url: raw.url,
        public_domain_reason: raw.public_domain_reason,
        note: frame.note,
        sources: frame.sources,
        external_ids: vec![frame.external.clone()],
    };
    Ok((frame.external, Record::Rights(record)))
}

fn place(common: Common, head: &Head, raw: raw::Place) -> Built<(ExternalId, Record)> {
    let frame = frame(EntityKind::Place, common, head)?;
    let record = Place {
        names: frame.names,
        district: raw.district,
        state: raw.state,
        country: raw.country,
        note: frame.note,
        sources: frame.sources,
        external_ids: vec![frame.external.clone()],
    };
    Ok((frame.external, Record::Place(record)))
}

fn tag(common: Common, head: &Head, raw: &raw::Tag) -> Built<(ExternalId, Record)> {
    let frame = frame(EntityKind::Tag, common, head)?;
    let record = Tag {
        names: frame.names,
        category: raw.category,
        note: frame.note,
        sources: frame.sources,
        external_ids: vec![frame.external.clone()],
    };
    Ok((frame.external, Record::Tag(record)))
}

fn deity(common: Common, head: &Head, raw: &raw::Deity) -> Built<(ExternalId, Record)> {
    let frame = frame(EntityKind::Deity, common, head)?;
    let record = Deity {
        names: frame.names,
        form_of: raw.form_of.as_deref().map(|key| DeityId(id(EntityKind::Deity, key))),
        note: frame.note,
        sources: frame.sources,
        external_ids: vec![frame.external.clone()],
    };
    Ok((frame.external, Record::Deity(record)))
}

fn temple(common: Common, head: &Head, raw: &raw::Temple) -> Built<(ExternalId, Record)> {
    let frame = frame(EntityKind::Temple, common, head)?;
    let location = match (raw.latitude, raw.longitude) {
        (Some(latitude), Some(longitude)) => Some(Location {
            latitude_microdegrees: microdegrees(latitude, 90.0)?,
            longitude_microdegrees: microdegrees(longitude, 180.0)?,
            precision_metres: raw
                .precision_metres
                .or(head.precision_metres)
                .ok_or("a position needs `precision_metres`")?,
        }),
        (None, None) => None,
        _ => return Err("a position needs `latitude` and `longitude`".to_owned()),
    };
    let record = Temple {
        names: frame.names,
        place: raw.place.as_deref().map(|key| PlaceId(id(EntityKind::Place, key))),
        location,
        deities: raw.deities.iter().map(|key| DeityId(id(EntityKind::Deity, key))).collect(),
        note: frame.note,
        sources: frame.sources,
        external_ids: vec![frame.external.clone()],
    };
    Ok((frame.external, Record::Temple(record)))
}

fn microdegrees(degrees: f64, max: f64) -> Built<i32> {
    if degrees.is_nan() || degrees.abs() > max {
        return Err(format!("{degrees} is no position: at most {max} degrees"));
    }
    // At most 180 million, which an i32 holds.
    Ok((degrees * 1_000_000.0).round() as i32)
}

fn composer(common: Common, head: &Head, raw: &raw::Composer) -> Built<(ExternalId, Record)> {
    let frame = frame(EntityKind::Composer, common, head)?;
    let record = Composer {
        names: frame.names,
        birth: raw.birth,
        death: raw.death,
        place: raw.place.as_deref().map(|key| PlaceId(id(EntityKind::Place, key))),
        teacher: raw.teacher.as_deref().map(|key| ComposerId(id(EntityKind::Composer, key))),
        note: frame.note,
        sources: frame.sources,
        external_ids: vec![frame.external.clone()],
    };
    Ok((frame.external, Record::Composer(record)))
}

fn mela(mut common: Common, head: &Head, raw: &raw::Mela) -> Built<(ExternalId, Record)> {
    let key = mela_key(raw.number).ok_or_else(|| format!("there is no mela {}", raw.number))?;
    common.key = Some(key);
    let full_name = melakarta::name(raw.number).unwrap_or_default();
    // A few melas are known by a shorter name; the full one still finds them.
    common.name.get_or_insert_with(|| full_name.to_owned());
    let mut frame = frame(EntityKind::Raga, common, head)?;
    names::push_new(&mut frame.names, names::alias(full_name, AliasScheme::FullMelaName));
    let record = Raga {
        names: frame.names,
        kind: RagaKind::Mela,
        mela_number: Some(raw.number),
        parent: None,
        arohana: melakarta::arohana(raw.number).unwrap_or_default(),
        avarohana: melakarta::avarohana(raw.number).unwrap_or_default(),
        anya_swaras: Vec::new(),
        tradition: Tradition::Carnatic,
        note: frame.note,
        sources: frame.sources,
        external_ids: vec![frame.external.clone()],
    };
    Ok((frame.external, Record::Raga(record)))
}

fn raga(common: Common, head: &Head, raw: raw::Raga) -> Built<(ExternalId, Record)> {
    let frame = frame(EntityKind::Raga, common, head)?;
    let parent = match raw.parent {
        None => None,
        Some(number) => {
            let key = mela_key(number).ok_or_else(|| format!("there is no mela {number}"))?;
            Some(RagaId(id(EntityKind::Raga, &key)))
        }
    };
    let record = Raga {
        names: frame.names,
        kind: if parent.is_some() { RagaKind::Janya } else { RagaKind::Unclassified },
        mela_number: None,
        parent,
        arohana: line(raw.arohana.as_deref(), Motion::Arohana)?,
        avarohana: line(raw.avarohana.as_deref(), Motion::Avarohana)?,
        anya_swaras: raw.anya,
        tradition: Tradition::Carnatic,
        note: frame.note,
        sources: frame.sources,
        external_ids: vec![frame.external.clone()],
    };
    Ok((frame.external, Record::Raga(record)))
}

fn line(text: Option<&str>, motion: Motion) -> Built<Vec<ScaleToken>> {
    let Some(text) = text else { return Ok(Vec::new()) };
    scale::parse(text, motion).map_err(|error| format!("`{text}` is no scale: {error}"))
}

fn group(common: Common, head: &Head, raw: raw::Group) -> Built<(ExternalId, Record)> {
    let frame = frame(EntityKind::Group, common, head)?;
    let member = |member: raw::Member| {
        let (key, label) = match member {
            raw::Member::Key(key) => (key, None),
            raw::Member::Labelled { composition, label } => (composition, Some(label)),
        };
        GroupMember { composition: CompositionId(id(EntityKind::Composition, &key)), label }
    };
    let record = Group {
        names: frame.names,
        kind: raw.kind,
        composer: raw.composer.as_deref().map(|key| ComposerId(id(EntityKind::Composer, key))),
        members: raw.members.into_iter().map(member).collect(),
        note: frame.note,
        sources: frame.sources,
        external_ids: vec![frame.external.clone()],
    };
    Ok((frame.external, Record::Group(record)))
}

/// Ids that the fields of a work refer to.
pub mod refer {
    use super::{ComposerId, DeityId, EntityKind, RagaId, RightsId, TagId, TempleId, id};

    pub fn composer(key: &str) -> ComposerId {
        ComposerId(id(EntityKind::Composer, key))
    }

    pub fn raga(key: &str) -> RagaId {
        RagaId(id(EntityKind::Raga, key))
    }

    pub fn rights(key: &str) -> RightsId {
        RightsId(id(EntityKind::Rights, key))
    }

    pub fn deities(keys: &[String]) -> Vec<DeityId> {
        keys.iter().map(|key| DeityId(id(EntityKind::Deity, key))).collect()
    }

    pub fn temples(keys: &[String]) -> Vec<TempleId> {
        keys.iter().map(|key| TempleId(id(EntityKind::Temple, key))).collect()
    }

    pub fn tags(keys: &[String]) -> Vec<TagId> {
        keys.iter().map(|key| TagId(id(EntityKind::Tag, key))).collect()
    }
}
