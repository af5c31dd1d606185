//! An API over a database and an index of its own for each test.

use axum::Router;
use axum::body::Body;
use cache::Cache;
use domain::aggregate::{Aggregate, Change};
use domain::composition::Composition;
use domain::event::surrogate_keys;
use domain::metrics::Metrics;
use domain::revision::ChangeKind;
use domain::{EntityRef, Policy, Record};
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt;
use public::State;
use search::{Document, Search, Title, TitleKind};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::{AuditContext, Error, ReadPolicy, Truth, Tx};
use testkit::database::{self, Database, Opened};
use testkit::fixtures::{self, Refers, stamp};
use tower::ServiceExt;
use uuid::Uuid;
use web::{Kit, Limits};

pub struct App {
    pub database: Database,
    opened: Opened,
    search: Search,
    cache: Cache,
    /// Reads and writes every answer anew.
    plain: Router,
    /// Has the cache of a node.
    cached: Router,
    /// Its index is nowhere.
    without_index: Router,
    index: PathBuf,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
    pub body: Value,
}

impl App {
    /// None, loudly, where this machine has no PostgreSQL.
    pub async fn start() -> Option<Self> {
        let database = database::fresh().await?;
        let clock = fixtures::clock();
        let opened = database::open(&database.config(), clock.clone(), Metrics::default()).await;
        let index = std::env::temp_dir().join(format!("sangraha-index-{}", Uuid::now_v7()));
        let search = Search::open(&patient(&index), &Metrics::default()).await.unwrap();
        let cache = Cache::open(&cache::Config::default(), &clock, &Metrics::default()).await.unwrap();
        let nowhere = search::OpenSearchConfig::new("http://127.0.0.1:1".parse().unwrap(), "nowhere");
        let nowhere = search::Config::OpenSearch(nowhere);
        let absent = Search::open(&nowhere, &Metrics::default()).await.unwrap();
        let router = |cached: bool, search: &Search| {
            let config = json!({"detail_s": 600, "list_s": 600, "reference_s": 600, "index_stale_s": 60, "cached": cached});
            let state = State {
                reader: opened.store.reader.clone(),
                search: search.clone(),
                freshness: Arc::new(public::Freshness::new(std::time::Duration::from_secs(60))),
                cache: cache.clone(),
                held: public::Held::new(&cache),
                clock: clock.clone(),
                region: database::region("a"),
                config: Arc::new(serde_json::from_value(config).unwrap()),
            };
            public::api().into_router(state, Kit::new(clock.clone(), &Metrics::default(), Limits::default()))
        };
        let (plain, cached) = (router(false, &search), router(true, &search));
        let without_index = router(false, &absent);
        Some(Self { database, opened, search, cache, plain, cached, without_index, index })
    }

    /// Asks without the cache of the node.
    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None).await
    }

    /// Asks by a route that must exist.
    pub async fn ok(&self, path: &str) -> Value {
        self.get(path).await.expect(200).body
    }

    pub async fn ask(&self, method: Method, path: &str, have: Option<&str>) -> Answer {
        send(&self.plain, method, path, have).await
    }

    /// Asks for some media types.
    pub async fn accepting(&self, media: &str, path: &str) -> Answer {
        let request = Request::builder().uri(path).header("accept", media).body(Body::empty()).unwrap();
        answered(&self.plain, request).await
    }

    /// Asks as a client that takes gzip.
    pub async fn packed(&self, path: &str, have: Option<&str>) -> Answer {
        let mut request = Request::builder().uri(path).header("accept-encoding", "br, gzip");
        if let Some(have) = have {
            request = request.header("if-none-match", have);
        }
        answered(&self.cached, request.body(Body::empty()).unwrap()).await
    }

    /// Asks as an edge whose client takes gzip.
    pub async fn packed_by_an_edge(&self, path: &str) -> Answer {
        let request = Request::builder().uri(path).header("accept-encoding", "br, gzip");
        let request = request.header("via", "1.1 sangraha-edge").body(Body::empty()).unwrap();
        answered(&self.cached, request).await
    }

    /// Asks through the cache of the node.
    pub async fn get_cached(&self, path: &str, have: Option<&str>) -> Answer {
        send(&self.cached, Method::GET, path, have).await
    }

    /// Asks where there is no index.
    pub async fn get_without_index(&self, path: &str) -> Answer {
        send(&self.without_index, Method::GET, path, None).await
    }

    /// The titles of a list of songs, in order.
    pub async fn titles(&self, path: &str) -> Vec<String> {
        let body = self.ok(path).await;
        texts(&body["items"], "title")
    }

    async fn begin(&self) -> Tx {
        self.opened.store.writer.clone().unwrap().begin("test.change").await.unwrap()
    }

    /// Stores a record that readers see.
    pub async fn add(&self, record: impl Into<Stored>) -> EntityRef {
        self.add_all(vec![record.into().0]).await[0]
    }

    /// Stores records that readers see, in one transaction.
    pub async fn add_all(&self, records: Vec<Record>) -> Vec<EntityRef> {
        let mut tx = self.begin().await;
        let mut entities = Vec::new();
        for record in records {
            let entity = EntityRef { kind: record.kind(), id: Uuid::now_v7() };
            let slug = tx.slug_free(entity.kind, &slug(record.label())).await.unwrap();
            let (aggregate, change) = Aggregate::import_new(entity, slug, record, &stamp()).unwrap();
            tx.aggregate_insert(&aggregate, &change).await.unwrap();
            tx.audit(&AuditContext::system("test"), &change).await.unwrap();
            tx.record(&change).await.unwrap();
            entities.push(entity);
        }
        let point = tx.commit().await.unwrap();
        self.follow(&entities, point.lsn).await;
        entities
    }

    /// Stores a song that no reader sees.
    pub async fn draft(&self, song: Composition) -> EntityRef {
        let record = Record::Composition(song);
        let entity = EntityRef { kind: record.kind(), id: Uuid::now_v7() };
        let mut tx = self.begin().await;
        let slug = tx.slug_free(entity.kind, &slug(record.label())).await.unwrap();
        let kind = ChangeKind::CuratorEdit;
        let (aggregate, change) = Aggregate::create(entity, slug, record, kind, &stamp()).unwrap();
        tx.aggregate_insert(&aggregate, &change).await.unwrap();
        self.finish(tx, &change).await;
        entity
    }

    /// Does something to an aggregate.
    pub async fn change(&self, entity: EntityRef, verb: impl FnOnce(&mut Aggregate) -> Change) {
        let mut tx = self.begin().await;
        let mut aggregate =
            tx.aggregate_for_update(entity).await.unwrap().ok_or(Error::NotFound(entity)).unwrap();
        let change = verb(&mut aggregate);
        tx.aggregate_save(&aggregate, &change).await.unwrap();
        self.finish(tx, &change).await;
    }

    async fn finish(&self, mut tx: Tx, change: &Change) {
        tx.audit(&AuditContext::system("test"), change).await.unwrap();
        tx.record(change).await.unwrap();
        let point = tx.commit().await.unwrap();
        if change.event.is_some() {
            self.follow(&[change.entity], point.lsn).await;
        }
    }

    /// What the follower of a region does: index, then cache.
    async fn follow(&self, entities: &[EntityRef], lsn: u64) {
        let read = self.opened.store.reader.read(ReadPolicy::AtLeast { lsn, wait_ms: 20_000 }).await.unwrap();
        let truth = read.truth(entities).await.unwrap();
        self.search.apply(&truth.iter().map(indexed).collect::<Vec<_>>()).await.unwrap();
        let keys: Vec<String> = entities.iter().flat_map(|entity| surrogate_keys(*entity)).collect();
        self.cache.raise(&keys, lsn).await;
        self.cache.settle(lsn);
    }

    pub async fn edit(&self, entity: EntityRef, record: impl Into<Stored>) {
        let Stored(record) = record.into();
        let kind = ChangeKind::Correction;
        self.change(entity, |aggregate| aggregate.edit(record, kind, None, &stamp()).unwrap()).await;
    }

    /// Gives an entity another slug, and another content with it.
    pub async fn rename(&self, entity: EntityRef, slug: &str, record: Record) {
        self.change(entity, |aggregate| {
            aggregate.slug = slug.to_owned();
            aggregate.edit(record, ChangeKind::Correction, None, &stamp()).unwrap()
        })
        .await;
    }

    pub async fn submit(&self, entity: EntityRef) {
        self.change(entity, |aggregate| aggregate.submit(&stamp()).unwrap()).await;
    }

    pub async fn publish(&self, entity: EntityRef) {
        let policy = Policy { four_eyes: false };
        self.change(entity, |aggregate| aggregate.publish(&policy, &stamp()).unwrap()).await;
    }

    pub async fn unpublish(&self, entity: EntityRef) {
        self.change(entity, |aggregate| aggregate.unpublish(Some("a test".into()), &stamp()).unwrap()).await;
    }

    pub async fn archive(&self, entity: EntityRef) {
        self.change(entity, |aggregate| aggregate.archive(Some("a test".into()), &stamp()).unwrap()).await;
    }

    /// What a song refers to.
    pub async fn refers(&self) -> Refers {
        let composer = fixtures::composer("Tyāgarāja");
        let records = vec![fixtures::mela(65), fixtures::adi(), composer, fixtures::rights()];
        let ids: Vec<Uuid> = self.add_all(records).await.iter().map(|entity| entity.id).collect();
        Refers { raga: ids[0], tala: ids[1], composer: ids[2], rights: ids[3] }
    }
}

/// An index whose answers are whole however busy the machine is.
fn patient(path: &Path) -> search::Config {
    let (path, writer_memory_bytes, query_ms_max) = (path.to_owned(), 15_000_000, 20_000);
    search::Config::Tantivy { path, writer_memory_bytes, query_ms_max }
}

impl Drop for App {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.index)); // the system removes what is left in its temporary folder
    }
}

async fn send(router: &Router, method: Method, path: &str, have: Option<&str>) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(have) = have {
        request = request.header("if-none-match", have);
    }
    answered(router, request.body(Body::empty()).unwrap()).await
}

async fn answered(router: &Router, request: Request<Body>) -> Answer {
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes().to_vec();
    let body = serde_json::from_slice(&bytes).unwrap_or_default();
    Answer { status: parts.status.as_u16(), headers: parts.headers, bytes, body }
}

impl Answer {
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        self
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn etag(&self) -> &str {
        let etag = self.header("etag");
        assert!(etag.starts_with('"') && etag.len() >= 34, "a strong tag of 128 bits: {etag}");
        etag
    }

    pub fn keys(&self) -> Vec<&str> {
        self.header("surrogate-key").split(' ').collect()
    }

    /// The pointer of the first refused field.
    pub fn field(&self) -> &str {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.body);
        assert_eq!(self.header("cache-control"), "no-store");
        self.body["errors"][0]["field"].as_str().unwrap_or_default()
    }
}

/// The values of one field of each item.
pub fn texts(items: &Value, field: &str) -> Vec<String> {
    let items = items.as_array().unwrap_or_else(|| panic!("a list: {items}"));
    items.iter().map(|item| item[field].as_str().unwrap().to_owned()).collect()
}

/// Either kind of argument of [`App::add`].
pub struct Stored(pub Record);

impl From<Record> for Stored {
    fn from(record: Record) -> Self {
        Self(record)
    }
}

impl From<Composition> for Stored {
    fn from(song: Composition) -> Self {
        Self(Record::Composition(song))
    }
}

/// A song of the fixtures, to be changed.
pub fn song(title: &str, refers: Refers) -> Composition {
    match fixtures::kriti(title, refers) {
        Record::Composition(song) => song,
        other => panic!("a song: {other:?}"),
    }
}

/// The plain letters of a label, words joined by hyphens.
fn slug(label: &str) -> String {
    let plain = |letter: char| match letter {
        'ā' => 'a',
        'ē' => 'e',
        'ī' => 'i',
        'ō' => 'o',
        'ū' => 'u',
        'ḍ' => 'd',
        'ḷ' => 'l',
        'ṁ' => 'm',
        'ñ' | 'ṅ' | 'ṇ' => 'n',
        'ṟ' => 'r',
        'ś' | 'ṣ' => 's',
        'ṭ' => 't',
        ' ' => '-',
        other => other,
    };
    let plain = label.to_lowercase().chars().map(plain).collect::<String>();
    plain.replace(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-', "")
}

fn indexed(truth: &Truth) -> search::Change {
    let Some(record) = &truth.body else {
        return search::Change::Delete { entity: truth.entity, version: truth.version };
    };
    let (slug, at) = (truth.slug.clone().unwrap(), truth.recorded_at.unwrap());
    let mut document = Document::new(truth.entity, truth.version, slug, at);
    let title = |name: &domain::Name| Title::new(TitleKind::Display, name.text.clone());
    document.titles = record.names().iter().map(title).collect();
    document.sort_title = lipi::collation_key(record.label(), lipi::Script::Latin);
    document.melas = truth.melas.clone();
    document.groups = truth.groups.clone();
    if let Record::Composition(song) = record {
        let version = &song.versions[0];
        document.ragas = version.ragas.iter().map(|entry| entry.raga.0).collect();
        document.primary_raga = document.ragas.first().copied();
        document.composer = song.composer.map(|composer| composer.0);
        document.talas = version.tala.iter().map(|setting| setting.tala.0).collect();
        document.form = Some(song.form.as_str().into());
        document.languages = song.languages.iter().map(|language| language.as_str().into()).collect();
        document.deities = song.deities.iter().map(|deity| deity.0).collect();
        document.temples = song.temples.iter().map(|temple| temple.0).collect();
        document.tags = song.tags.iter().map(|tag| tag.0).collect();
    }
    search::Change::Put(document)
}
