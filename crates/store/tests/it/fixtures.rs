//! Small records, and the way of one change into the database.

use domain::aggregate::{Aggregate, Change, Policy, Stamp};
use domain::composition::{Composition, Direction, Form, RagaEntry, Version};
use domain::id::{ComposerId, CompositionId, RagaId, TalaId};
use domain::music::raga::{RagaKind, Tradition};
use domain::music::tala::{TalaKind, TalaSetting};
use domain::music::{Raga, Tala, melakarta};
use domain::name::Language;
use domain::reference::{
    Composer, ExternalId, Group, GroupKind, GroupMember, Rights, SourceNote, Tag, TagCategory,
};
use domain::revision::ChangeKind;
use domain::{Actor, EntityKind, EntityRef, Name, Record};
use store::{
    AuditContext, CommitPoint, Error, OutboxBatch, OutboxCursor, Read, ReadPolicy, Store, Tx, Writer,
};
use uuid::Uuid;

pub fn id() -> Uuid {
    Uuid::now_v7()
}

pub fn stamp() -> Stamp {
    let now = domain::Clock::system().now();
    Stamp { actor: Actor::system("test"), now, event_id: Uuid::now_v7() }
}

pub fn context() -> AuditContext {
    AuditContext::system("test")
}

pub fn raga(name: &str) -> Record {
    Record::Raga(Raga {
        names: vec![Name::display(name)],
        kind: RagaKind::Unclassified,
        mela_number: None,
        parent: None,
        arohana: Vec::new(),
        avarohana: Vec::new(),
        anya_swaras: Vec::new(),
        tradition: Tradition::Carnatic,
        note: None,
        sources: Vec::new(),
        external_ids: Vec::new(),
    })
}

pub fn mela(name: &str, number: u8) -> Record {
    let Record::Raga(raga) = raga(name) else { unreachable!("made above") };
    Record::Raga(Raga {
        kind: RagaKind::Mela,
        mela_number: Some(number),
        arohana: melakarta::arohana(number).expect("a mela"),
        avarohana: melakarta::avarohana(number).expect("a mela"),
        ..raga
    })
}

pub fn janya(name: &str, parent: Uuid) -> Record {
    let Record::Raga(raga) = raga(name) else { unreachable!("made above") };
    Record::Raga(Raga { kind: RagaKind::Janya, parent: Some(RagaId(parent)), ..raga })
}

pub fn rights() -> Record {
    Record::Rights(Rights {
        names: vec![Name::display("public domain")],
        licence: "public-domain".into(),
        holder: None,
        attribution: None,
        url: None,
        public_domain_reason: Some("the author died in 1847".into()),
        note: None,
        sources: Vec::new(),
        external_ids: Vec::new(),
    })
}

pub fn tala(name: &str) -> Record {
    Record::Tala(Tala {
        names: vec![Name::display(name)],
        kind: TalaKind::Other,
        jati: None,
        angas: Vec::new(),
        groups: Vec::new(),
        beats: 8,
        note: None,
        sources: Vec::new(),
        external_ids: Vec::new(),
    })
}

pub fn composer(name: &str) -> Record {
    Record::Composer(Composer {
        names: vec![Name::display(name)],
        birth: None,
        death: None,
        place: None,
        teacher: None,
        note: None,
        sources: Vec::new(),
        external_ids: Vec::new(),
    })
}

pub fn tag(name: &str) -> Record {
    Record::Tag(Tag {
        names: vec![Name::display(name)],
        category: TagCategory::Theme,
        note: None,
        sources: Vec::new(),
        external_ids: Vec::new(),
    })
}

pub fn group(name: &str, members: &[Uuid]) -> Record {
    let member = |id: &Uuid| GroupMember { composition: CompositionId(*id), label: None };
    Record::Group(Group {
        names: vec![Name::display(name)],
        kind: GroupKind::Other,
        composer: None,
        members: members.iter().map(member).collect(),
        note: None,
        sources: Vec::new(),
        external_ids: Vec::new(),
    })
}

/// A song that may be published by its title.
pub fn song(title: &str) -> Composition {
    Composition {
        titles: vec![Name::display(title)],
        composer: None,
        attribution: domain::composition::Attribution::Anonymous,
        form: Form::Kriti,
        languages: vec![Language::Te],
        deities: Vec::new(),
        temples: Vec::new(),
        tags: Vec::new(),
        year_hint: None,
        versions: vec![Version {
            id: id(),
            label: None,
            sampradaya: None,
            ragas: Vec::new(),
            tala: None,
            sections: Vec::new(),
            texts: Vec::new(),
            notations: Vec::new(),
        }],
        rights: None,
        sources: vec![SourceNote { source: None, note: "general knowledge".into() }],
        external_ids: Vec::new(),
        title_only: true,
        exceptions: Vec::new(),
        meanings: Vec::new(),
    }
}

pub fn in_ragas(mut song: Composition, ragas: &[Uuid]) -> Composition {
    let entry = |id: &Uuid| RagaEntry { raga: RagaId(*id), section: None, direction: Direction::Forward };
    song.versions[0].ragas = ragas.iter().map(entry).collect();
    song
}

pub fn in_tala(mut song: Composition, tala: Uuid) -> Composition {
    song.versions[0].tala = Some(TalaSetting { tala: TalaId(tala), kalai: 1, gati: 4, eduppu: None });
    song
}

pub fn by(mut song: Composition, composer: Uuid) -> Composition {
    song.composer = Some(ComposerId(composer));
    song.attribution = domain::composition::Attribution::Certain;
    song
}

pub fn known_as(mut song: Composition, id: &str) -> Composition {
    song.external_ids = vec![ExternalId { scheme: "catalogue".into(), id: id.into() }];
    song
}

/// Stores a new aggregate that readers see.
pub async fn import(writer: &Writer, record: impl Into<Wrapped>) -> Aggregate {
    let mut tx = writer.begin("test.import").await.unwrap();
    let aggregate = import_in(&mut tx, record).await;
    tx.commit().await.unwrap();
    aggregate
}

/// The same, in a transaction of the caller's.
pub async fn import_in(tx: &mut Tx, record: impl Into<Wrapped>) -> Aggregate {
    let Wrapped(record) = record.into();
    let entity = EntityRef { kind: record.kind(), id: id() };
    let slug = format!("{}-{}", lipi::k1_joined(record.label()), &entity.id.simple().to_string()[24..]);
    let (aggregate, change) = Aggregate::import_new(entity, slug, record, &stamp()).unwrap();
    tx.aggregate_insert(&aggregate, &change).await.unwrap();
    finish(tx, &change).await.unwrap();
    aggregate
}

/// Either kind of argument of [`import`].
pub struct Wrapped(Record);

impl From<Record> for Wrapped {
    fn from(record: Record) -> Self {
        Self(record)
    }
}

impl From<Composition> for Wrapped {
    fn from(song: Composition) -> Self {
        Self(Record::Composition(song))
    }
}

/// The audit entry and the event of a change.
pub async fn finish(tx: &mut Tx, change: &Change) -> Result<(), Error> {
    tx.audit(&context(), change).await?;
    tx.record(change).await
}

/// Loads, changes and saves one aggregate.
pub async fn change(
    writer: &Writer,
    entity: EntityRef,
    verb: impl FnOnce(&mut Aggregate) -> Change,
) -> Result<CommitPoint, Error> {
    let mut tx = writer.begin("test.change").await?;
    let mut aggregate = tx.aggregate_for_update(entity).await?.ok_or(Error::NotFound(entity))?;
    let change = verb(&mut aggregate);
    tx.aggregate_save(&aggregate, &change).await?;
    finish(&mut tx, &change).await?;
    tx.commit().await
}

pub async fn edit(writer: &Writer, entity: EntityRef, record: Record) -> CommitPoint {
    let edited = change(writer, entity, |aggregate| {
        aggregate.edit(record, ChangeKind::CuratorEdit, None, &stamp()).unwrap()
    });
    edited.await.unwrap()
}

/// Waits for `count` events after `cursor`: a transaction of any other database of the server holds them back.
pub async fn outbox(writer: &Writer, cursor: OutboxCursor, count: usize) -> OutboxBatch {
    loop {
        let batch = writer.outbox_batch(cursor, count).await.unwrap();
        if batch.rows.len() == count {
            return batch;
        }
    }
}

/// Creates a draft that no reader has seen.
pub async fn draft(writer: &Writer, song: Composition) -> EntityRef {
    let entity = EntityRef { kind: EntityKind::Composition, id: id() };
    let mut tx = writer.begin("test.draft").await.unwrap();
    let slug = tx.slug_free(entity.kind, &lipi::k1_joined(&song.titles[0].text)).await.unwrap();
    let record = Record::Composition(song);
    let (aggregate, change) =
        Aggregate::create(entity, slug, record, ChangeKind::CuratorEdit, &stamp()).unwrap();
    tx.aggregate_insert(&aggregate, &change).await.unwrap();
    finish(&mut tx, &change).await.unwrap();
    tx.commit().await.unwrap();
    entity
}

pub const OPEN_POLICY: Policy = Policy { four_eyes: false };

pub async fn any(store: &Store) -> Read {
    store.reader.read(ReadPolicy::Any).await.unwrap()
}

pub fn writer(store: &Store) -> Writer {
    store.writer.clone().expect("the configuration names a primary")
}
