//! Export of everything, import into an empty database, export again: the same bytes.

use domain::aggregate::Aggregate;
use domain::composition::{Composition, Direction, RagaEntry};
use domain::exchange::Line;
use domain::id::RagaId;
use domain::{EntityKind, EntityRef, Record};
use public::export::{Dataset, Format};
use server::export::{Written, folder_of};
use std::path::{Path, PathBuf};
use store::{AuditContext, Writer};
use testkit::database::{self, Database, Opened};
use testkit::fixtures::{self, Refers, new_id, stamp};
use worker::load::{Options, Plan, Report, load};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("sangraha-exchange-{name}-{}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0)); // the system removes what is left in its temporary folder
    }
}

struct Platform {
    _database: Database,
    opened: Opened,
}

impl Platform {
    async fn empty() -> Option<Self> {
        let database = database::fresh().await?;
        let opened = database.open().await;
        Some(Self { _database: database, opened })
    }

    fn writer(&self) -> &Writer {
        self.opened.store.writer.as_ref().unwrap()
    }

    async fn load(&self, from: &Path) -> Report {
        load(self.writer(), &Plan::of(from).unwrap(), Options::default(), &|_| ()).await.unwrap()
    }

    async fn export(&self, folder: &Folder) -> (Written, Vec<u8>) {
        let reader = &self.opened.store.reader;
        let written = folder_of(reader, &folder.0, Dataset::Everything, Format::Jsonl, "").await.unwrap();
        let bytes = std::fs::read(&written.file).unwrap();
        (written, bytes)
    }

    async fn add(&self, record: Record) -> EntityRef {
        let entity = EntityRef { kind: record.kind(), id: new_id() };
        let mut tx = self.writer().begin("test").await.unwrap();
        let slug = tx.slug_free(entity.kind, &format!("of-the-test-{}", entity.kind)).await.unwrap();
        let (aggregate, change) = Aggregate::import_new(entity, slug, record, &stamp()).unwrap();
        tx.aggregate_insert(&aggregate, &change).await.unwrap();
        tx.audit(&AuditContext::system("test"), &change).await.unwrap();
        tx.record(&change).await.unwrap();
        tx.commit().await.unwrap();
        entity
    }

    /// Gives a song another address and content.
    async fn rename(&self, entity: EntityRef, slug: &str, song: Composition) {
        let mut tx = self.writer().begin("test").await.unwrap();
        let mut aggregate = tx.aggregate_for_update(entity).await.unwrap().unwrap();
        aggregate.slug = slug.to_owned();
        let change = aggregate.import_again(Record::Composition(song), &stamp()).unwrap().unwrap();
        tx.aggregate_save(&aggregate, &change).await.unwrap();
        tx.record(&change).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// A ragamalika that goes through seventeen ragas and back: thirty-four entries in order.
async fn palindrome(platform: &Platform) -> (EntityRef, Composition) {
    let mut ragas = Vec::new();
    for number in 1..=17 {
        ragas.push(platform.add(fixtures::mela(number)).await.id);
    }
    let refers = Refers {
        raga: ragas[0],
        tala: platform.add(fixtures::adi()).await.id,
        composer: platform.add(fixtures::composer("Tyāgarāja")).await.id,
        rights: platform.add(fixtures::rights()).await.id,
    };
    let Record::Composition(mut song) = fixtures::kriti("Rāgamālikā", refers) else { panic!("a song") };
    let entry = |raga: &uuid::Uuid, direction| RagaEntry { raga: RagaId(*raga), section: None, direction };
    let forward = ragas.iter().map(|raga| entry(raga, Direction::Forward));
    let back = ragas.iter().rev().map(|raga| entry(raga, Direction::Viloma));
    song.versions[0].ragas = forward.chain(back).collect();
    (platform.add(Record::Composition(song.clone())).await, song)
}

async fn comes_back_as_it_was(name: &str, source: &Platform) -> Vec<Line> {
    let (first, second) = (Folder::new(&format!("{name}-first")), Folder::new(&format!("{name}-second")));
    let (written, bytes) = source.export(&first).await;
    let target = Platform::empty().await.unwrap();
    let report = target.load(&first.0).await;
    assert_eq!(report.bad, [], "{report}");
    let (again, copied) = target.export(&second).await;
    assert_eq!(
        (&again.sha256, &again.version, again.records),
        (&written.sha256, &written.version, written.records)
    );
    assert!(bytes == copied, "the second export differs");
    assert_eq!(target.load(&written.file).await.changes(), 0, "the same file twice changes nothing");
    let sums = std::fs::read_to_string(first.0.join("SHA256SUMS")).unwrap();
    assert_eq!(sums, format!("{}  everything.jsonl\n", written.sha256));
    println!("{name}: {} records, {} bytes, SHA-256 {}", written.records, bytes.len(), written.sha256);
    String::from_utf8(copied).unwrap().lines().map(|line| Line::read(line).unwrap()).collect()
}

#[tokio::test]
async fn what_is_exported_and_imported_is_exported_with_the_same_bytes() {
    let Some(platform) = Platform::empty().await else { return };
    let (entity, mut song) = palindrome(&platform).await;
    song.year_hint = Some(1_830);
    platform.rename(entity, "a-garland", song.clone()).await;
    // What was the address of one is that of another now.
    let Record::Composition(other) = fixtures::kriti(
        "Another",
        Refers {
            raga: song.versions[0].ragas[0].raga.0,
            tala: song.versions[0].tala.as_ref().unwrap().tala.0,
            composer: song.composer.unwrap().0,
            rights: song.rights.unwrap().0,
        },
    ) else {
        panic!("a song")
    };
    platform.add(Record::Composition(other)).await;
    let lines = comes_back_as_it_was("small", &platform).await;
    let garland = lines.iter().find(|line| line.slug == "a-garland").unwrap();
    assert_eq!(
        (garland.entity, garland.former.as_slice()),
        (entity, &["of-the-test-composition".to_owned()][..])
    );
    let Record::Composition(kept) = &garland.record else { panic!("a song") };
    assert_eq!(kept.versions[0].ragas, song.versions[0].ragas);
    assert_eq!(kept.versions[0].ragas.len(), 34);
}

#[tokio::test]
async fn the_whole_catalogue_comes_back_as_it_was() {
    let Some(platform) = Platform::empty().await else { return };
    let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalogue");
    platform.load(&catalogue).await;
    let lines = comes_back_as_it_was("catalogue", &platform).await;
    for kind in [EntityKind::Composition, EntityKind::Raga, EntityKind::Temple, EntityKind::Group] {
        assert!(lines.iter().any(|line| line.entity.kind == kind), "no {kind}");
    }
}
