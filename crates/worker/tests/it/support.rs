//! A region in one process: store, stream, index, cache and feed, with relay and follower as tasks.

use cache::Cache;
use domain::aggregate::{Aggregate, Change, Policy};
use domain::composition::Composition;
use domain::id::{CompositionId, RagaId};
use domain::metrics::Metrics;
use domain::music::Raga;
use domain::music::raga::RagaKind;
use domain::name::Name;
use domain::purge::PurgeBatch;
use domain::reference::{Group, GroupKind, GroupMember, Tag, TagCategory};
use domain::revision::ChangeKind;
use domain::{Clock, EntityKind, EntityRef, Event, EventKind, Record};
use search::{Position, Query, Search};
use std::path::{Path, PathBuf};
use std::time::Duration;
use store::{AuditContext, Config, Tx, Writer};
use stream::Stream;
use testkit::database::{Database, Opened, fresh, open};
use testkit::fixtures::{Refers, adi, composer, kriti, mela, new_id, rights, stamp};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use worker::follower::{Follower, Orders};
use worker::{PurgeFeed, Relay, follower, relay};

pub struct World {
    pub opened: Opened,
    pub writer: Writer,
    pub stream: Stream,
    pub search: Search,
    pub cache: Cache,
    pub feed: PurgeFeed,
    pub metrics: Metrics,
    folder: Option<PathBuf>,
}

/// A task that ends with this value, wherever it is.
pub struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Running {
    pub async fn ended(mut self) {
        self.0.abort();
        drop((&mut self.0).await);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.folder.iter().for_each(|folder| drop(std::fs::remove_dir_all(folder)));
    }
}

pub const RELAY: relay::Config = relay::Config {
    batch_max: 7,
    poll_ms_max: 50,
    gate_standby: String::new(),
    gate_ms_max: 1_000,
    retry_ms: 10,
};

pub const FOLLOWER: follower::Config = follower::Config {
    batch_max: 5,
    wait_ms_max: 30,
    replay_ms_max: 5_000,
    edges_ms_max: 1_000,
    retry_ms: 10,
    reconcile_s: 0,
    crash_after: None,
};

/// Waits for edges longer than any test lasts.
pub const WAITS_FOR_EDGES: follower::Config = follower::Config { edges_ms_max: 60_000, ..FOLLOWER };

impl World {
    /// A region over an empty database.
    pub async fn fresh() -> Option<(Database, Self)> {
        let database = fresh().await?;
        let world = Self::over(&quick(database.config())).await;
        Some((database, world))
    }

    /// A region with an empty index of its own.
    pub async fn over(config: &Config) -> Self {
        let folder = std::env::temp_dir().join(format!("sangraha-worker-{}", Uuid::now_v7()));
        let mut world = Self::with_index(config, &patient_index(&folder)).await;
        world.folder = Some(folder);
        world
    }

    /// A region with the index that is named.
    pub async fn with_index(config: &Config, index: &search::Config) -> Self {
        let metrics = Metrics::default();
        let opened = open(config, Clock::system(), metrics.clone()).await;
        let writer = opened.store.writer.clone().expect("a primary");
        let reader = opened.store.reader.clone();
        let stream = Stream::open(&stream::Config::Postgres, reader, Some(writer.clone())).await.unwrap();
        let search = Search::open(index, &metrics).await.unwrap();
        let cache = Cache::open(&cache::Config::default(), &Clock::system(), &metrics).await.unwrap();
        let feed = PurgeFeed::new(stream.clone());
        Self { opened, writer, stream, search, cache, feed, metrics, folder: None }
    }

    pub fn relay(&self) -> Running {
        self.relay_as(RELAY, &self.metrics)
    }

    pub fn relay_as(&self, config: relay::Config, metrics: &Metrics) -> Running {
        let relay = Relay::new(self.writer.clone(), self.stream.clone(), config, Clock::system(), metrics);
        Running(tokio::spawn(relay.run(CancellationToken::new())))
    }

    pub fn follower(&self) -> (Running, Orders) {
        self.follower_as(FOLLOWER)
    }

    pub fn follower_as(&self, config: follower::Config) -> (Running, Orders) {
        let (follower, orders) = self.idle_follower(config);
        (Running(tokio::spawn(follower.run(CancellationToken::new()))), orders)
    }

    pub fn idle_follower(&self, config: follower::Config) -> (Follower, Orders) {
        Follower::new(
            self.opened.store.reader.clone(),
            self.stream.clone(),
            self.search.clone(),
            self.cache.clone(),
            self.feed.clone(),
            config,
            &Metrics::default(),
        )
    }

    /// Waits until the outbox is empty; answers the head of the stream.
    pub async fn relayed(&self) -> u64 {
        until("the outbox is empty", async || {
            (self.writer.outbox_state().await.unwrap().pending == 0).then_some(())
        })
        .await;
        self.writer.stream_head().await.unwrap().position
    }

    /// Waits until every layer has all that was committed; answers the position.
    pub async fn settled(&self) -> u64 {
        let head = self.relayed().await;
        until("every layer has followed", async || {
            let feed = self.feed.applied().position;
            self.search.known_position().filter(|at| at.position.min(feed) >= head)
        })
        .await
        .position
    }

    pub async fn found(&self, query: &Query) -> Vec<Uuid> {
        let answer = self.search.query(query).await.unwrap();
        let mut found: Vec<Uuid> = answer.hits.iter().map(|hit| hit.entity.id).collect();
        found.sort_unstable();
        found
    }

    /// What `edge` would be told next.
    pub async fn ask(&self, epoch: u64, after: u64) -> PurgeBatch {
        self.feed.next("edge", epoch, after, Duration::from_secs(30)).await.unwrap()
    }

    pub fn position(&self) -> Option<Position> {
        self.search.known_position()
    }
}

/// An index that looks on even where the machine is busy: a search that runs out of time finds less.
fn patient_index(folder: &Path) -> search::Config {
    match search::Config::tantivy(folder) {
        search::Config::Tantivy { path, writer_memory_bytes, .. } => {
            search::Config::Tantivy { path, writer_memory_bytes, query_ms_max: 20_000 }
        }
        other => other,
    }
}

/// Probes often: what a test waits for is often what a probe learns.
pub fn quick(config: Config) -> Config {
    Config { probe_interval_ms: 50, ..config }
}

/// Waits until `look` finds something.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        let mut looks = tokio::time::interval(Duration::from_millis(5));
        loop {
            looks.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(60), looking).await;
    found.unwrap_or_else(|_| panic!("never: {what}"))
}

/// The value of a counter or gauge, 0 where it is not there.
pub fn counted(metrics: &Metrics, name: &str) -> i64 {
    let text = metrics.encode();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("sangraha_{name} ")));
    line.map_or(0, |value| value.parse().unwrap())
}

/// What a song needs: raga, tala, composer and rights, all live.
pub async fn refers(writer: &Writer, raga: Record) -> Refers {
    let mut tx = writer.begin("test.refers").await.unwrap();
    let refers = Refers {
        raga: import_in(&mut tx, raga).await.id,
        tala: import_in(&mut tx, adi()).await.id,
        composer: import_in(&mut tx, composer("Muttusvāmi Dīkṣitar")).await.id,
        rights: import_in(&mut tx, rights()).await.id,
    };
    tx.commit().await.unwrap();
    refers
}

/// Stores a new aggregate that readers see.
pub async fn import(writer: &Writer, record: Record) -> EntityRef {
    let mut tx = writer.begin("test.import").await.unwrap();
    let entity = import_in(&mut tx, record).await;
    tx.commit().await.unwrap();
    entity
}

pub async fn import_in(tx: &mut Tx, record: Record) -> EntityRef {
    let entity = EntityRef { kind: record.kind(), id: new_id() };
    let slug = tx.slug_free(record.kind(), &lipi::k1_joined(record.label())).await.unwrap();
    let (aggregate, change) = Aggregate::import_new(entity, slug, record, &stamp()).unwrap();
    tx.aggregate_insert(&aggregate, &change).await.unwrap();
    finish(tx, &change).await;
    entity
}

async fn finish(tx: &mut Tx, change: &Change) {
    tx.audit(&AuditContext::system("test"), change).await.unwrap();
    tx.record(change).await.unwrap();
}

/// Loads, changes and saves one aggregate.
pub async fn change(writer: &Writer, entity: EntityRef, verb: impl FnOnce(&mut Aggregate) -> Change) {
    let mut tx = writer.begin("test.change").await.unwrap();
    let mut aggregate = tx.aggregate_for_update(entity).await.unwrap().expect("it is there");
    let change = verb(&mut aggregate);
    tx.aggregate_save(&aggregate, &change).await.unwrap();
    finish(&mut tx, &change).await;
    tx.commit().await.unwrap();
}

pub async fn edit(writer: &Writer, entity: EntityRef, record: Record) {
    change(writer, entity, |it| it.edit(record, ChangeKind::CuratorEdit, None, &stamp()).unwrap()).await;
}

/// Gives a song another title, which readers see.
pub async fn retitle(writer: &Writer, song: EntityRef, title: &str) {
    change(writer, song, |it| {
        let Record::Composition(body) = it.current().clone() else { panic!("not a song") };
        let body = Composition { titles: vec![Name::display(title)], ..body };
        it.edit(Record::Composition(body), ChangeKind::CuratorEdit, None, &stamp()).unwrap()
    })
    .await;
    change(writer, song, |it| it.submit(&stamp()).unwrap()).await;
    publish(writer, song).await;
}

pub async fn publish(writer: &Writer, song: EntityRef) {
    change(writer, song, |it| it.publish(&Policy { four_eyes: false }, &stamp()).unwrap()).await;
}

pub async fn unpublish(writer: &Writer, song: EntityRef) {
    change(writer, song, |it| it.unpublish(Some("withdrawn".into()), &stamp()).unwrap()).await;
}

/// An event without its change.
pub async fn event(writer: &Writer, entity: EntityRef, version: i64) {
    let mut tx = writer.begin("test.event").await.unwrap();
    let at = Clock::system().now();
    let event = Event { id: new_id(), kind: EventKind::Published, entity: Some(entity), version, at };
    tx.record_event(&event).await.unwrap();
    tokio::task::yield_now().await; // the row is there, its commit is not
    tx.commit().await.unwrap();
}

pub fn some_tag() -> EntityRef {
    EntityRef { kind: EntityKind::Tag, id: new_id() }
}

pub fn song(title: &str, refers: Refers) -> Record {
    kriti(title, refers)
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

pub fn group(name: &str, members: &[EntityRef]) -> Record {
    let member = |song: &EntityRef| GroupMember { composition: CompositionId(song.id), label: None };
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

pub fn janya(name: &str, parent: Uuid) -> Record {
    let Record::Raga(raga) = mela(1) else { panic!("a mela is a raga") };
    Record::Raga(Raga {
        names: vec![Name::display(name)],
        kind: RagaKind::Janya,
        mela_number: None,
        parent: Some(RagaId(parent)),
        arohana: Vec::new(),
        avarohana: Vec::new(),
        ..raga
    })
}
