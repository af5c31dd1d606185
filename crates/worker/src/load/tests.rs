use super::*;
use domain::revision::ChangeKind;
use domain::{Name, Severity};
use std::fs;
use std::sync::Mutex;
use testkit::database;

fn starter_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalogue")
}

fn starter() -> Plan {
    Plan::of(&starter_folder()).unwrap()
}

/// A starter catalogue of three records beside what follows from arithmetic.
struct Small(PathBuf);

impl Small {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("starter-{name}-{}", std::process::id()));
        fs::create_dir_all(folder.join("compositions")).unwrap();
        let empty = ["sources", "rights", "places", "tags", "deities", "temples", "talas", "melas", "groups"];
        for file in empty {
            fs::write(folder.join(format!("{file}.toml")), "").unwrap();
        }
        let composer = "[[composer]]\nkey = \"tyagaraja\"\nname = \"tyāgarāja\"\nsource = \"known\"\n";
        fs::write(folder.join("composers.toml"), composer).unwrap();
        let raga = "[[raga]]\nkey = \"mohanam\"\nname = \"mōhanaṁ\"\nparent = 28\nsource = \"known\"\n\
            arohana = \"S R2 G3 P D2 S'\"\navarohana = \"S' D2 P G3 R2 S\"\n";
        fs::write(folder.join("ragas.toml"), raga).unwrap();
        let work = "[[composition]]\nkey = \"tyagaraja/nannu-palimpa\"\ntitle = \"nannu pālimpa\"\n\
            composer = \"tyagaraja\"\nragas = [\"mohanam\"]\ntala = \"chatusra-triputa\"\nform = \"kriti\"\n\
            languages = [\"te\"]\nsource = \"known\"\n";
        fs::write(folder.join("compositions/tyagaraja.toml"), work).unwrap();
        Self(folder)
    }

    fn plan(&self) -> Plan {
        Plan::of(&self.0).unwrap()
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn run(writer: &Writer, plan: &Plan) -> Report {
    load(writer, plan, Options::default(), &|_| ()).await.unwrap()
}

/// A collection of three works in a folder of its own.
struct Collection(PathBuf);

impl Collection {
    fn new(name: &str, krithis: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("collection-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let header = "id,title,title_scheme,raga,raga_canonical,tala,composer,language,form\n";
        fs::write(folder.join("krithis.csv"), format!("{header}{krithis}")).unwrap();
        let lyric = r#"{"id":"x1","composer":"T","title":"t","scheme":"karnatik-hk","sections":{"caraNam":"c","pallavi":"p"}}"#;
        fs::write(folder.join("lyrics.jsonl"), lyric).unwrap();
        fs::write(folder.join("raga_aliases.json"), r#"{"mohana":["mOhanam","Mohana"]}"#).unwrap();
        let ragas = "name,name_normalized,melakarta_number,parent_normalized,arohanam,avarohanam,raga_canonical\n\
            Harikambhoji,harikambhoji,28,,S R2 G3 M1 P D2 N2 S,S N2 D2 P M1 G3 R2 S,harikamboji\n\
            Mohanam,mohanam,,harikambhoji,S R2 G3 P D2 S,S D2 P G3 R2 S,mohana\n\
            Unheardof,unheardof,,harikambhoji,S R2 G3 S,S G3 R2 S,unheardof\n";
        fs::write(folder.join("ragas.csv"), ragas).unwrap();
        Self(folder)
    }

    fn plan(&self) -> Plan {
        Plan::of(&self.0).unwrap()
    }
}

impl Drop for Collection {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const WORKS: &str = "x1,nannu pAlimpa,blog-hk,mOhanam,mohana,aadi,Tyagaraja,telugu,\n\
    x2,ceyyaradu,karnatik,unheardof,unheardof,deshaadi,Nobody At All,,javali\n\
    x3,Adum,karnatik,kuNDu,kundu,xyz,Nobody at all,tamil,\n";

#[tokio::test]
async fn the_same_folder_twice_changes_nothing() {
    let Some(database) = database::fresh().await else { return };
    let opened = database.open().await;
    let writer = opened.store.writer.as_ref().unwrap();
    let small = Small::new("twice");
    let seen = Mutex::new(Vec::new());
    let note = |progress| seen.lock().unwrap().push(progress);
    let first = load(writer, &small.plan(), Options::default(), &note).await.unwrap();
    assert!(first.changes() > 100, "{first:?}");
    let seen = seen.into_inner().unwrap();
    assert!(seen.is_sorted_by_key(|progress| progress.done));
    assert_eq!(seen.last().map(|last| last.done), seen.last().map(|last| last.total));

    let collection = Collection::new("twice", WORKS);
    let mut second = run(writer, &collection.plan()).await;
    assert_eq!(second.counts(EntityKind::Composition).linked, 1);
    assert_eq!(second.counts(EntityKind::Composition).created, 2);
    assert_eq!(second.counts(EntityKind::Raga).linked, 2);
    // One has a row of its own, one only a work.
    assert_eq!(second.counts(EntityKind::Raga).created, 2);
    assert_eq!(second.counts(EntityKind::Composer).created, 1);

    for plan in [collection.plan(), small.plan(), collection.plan()] {
        let again = run(writer, &plan).await;
        assert_eq!(again.changes(), 0, "{plan:?} {:?}", again.kinds);
    }
}

#[tokio::test]
async fn every_row_is_found_by_its_id_and_has_its_text() {
    let Some(database) = database::fresh().await else { return };
    let opened = database.open().await;
    let writer = opened.store.writer.as_ref().unwrap();
    let collection = Collection::new("found", WORKS);
    run(writer, &collection.plan()).await;
    let mut tx = writer.begin("test").await.unwrap();
    for id in ["x1", "x2", "x3"] {
        let external = domain::reference::ExternalId { scheme: "catalogue".to_owned(), id: id.to_owned() };
        let stored = tx.aggregate_by_external(EntityKind::Composition, &external).await.unwrap().unwrap();
        let Record::Composition(song) = stored.current() else { panic!("not a song") };
        assert!(stored.live.is_some());
        assert_eq!(song.versions[0].texts.len(), usize::from(id == "x1"));
        assert!(song.versions[0].ragas.len() <= 1);
        assert!(stored.current().check().iter().all(|found| found.severity != Severity::Error));
    }
    drop(tx);
    // The melas that no starter catalogue had brought are there now, and that one finds them.
    let small = Small::new("found");
    let mut later = run(writer, &small.plan()).await;
    let ragas = *later.counts(EntityKind::Raga);
    assert_eq!(ragas.changed + ragas.unchanged, 72, "{ragas:?}");
    assert_eq!(run(writer, &small.plan()).await.changes(), 0);
}

#[tokio::test]
async fn the_shared_catalogue_loads_whole_beside_the_starter_catalogue() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/catalogue");
    if !folder.is_dir() {
        eprintln!("SKIPPED: {} is not there, the shared catalogue is not loaded", folder.display());
        return;
    }
    let Some(database) = database::fresh().await else { return };
    let opened = database.open().await;
    let writer = opened.store.writer.as_ref().unwrap();
    run(writer, &starter()).await;
    let rulings = writer.verdict_page(100, None).await.unwrap();
    assert!(rulings.items.len() >= 45 && rulings.items.iter().all(|row| row.verdict.check().is_empty()));
    let plan = Plan::of(&folder).unwrap();
    let mut report = run(writer, &plan).await;
    let counts = *report.counts(EntityKind::Composition);
    assert_eq!(counts.created + counts.linked, 3_065, "{report}");
    let ids = "select count(*) from live_composition where external_ids @> '[{\"scheme\": \"catalogue\"}]'";
    assert_eq!(database.sql(ids).trim(), "3065");
    for plan in [plan, starter()] {
        let again = run(writer, &plan).await;
        assert_eq!(again.changes(), 0, "{again}");
    }
}

#[test]
fn a_disagreement_is_undecided_until_its_reason_stands_beside_the_record() {
    let small = Small::new("compare");
    let collection = Collection::new("compare", &WORKS.replace("aadi", "roopakam"));
    let compared = || compare(&small.0, &collection.0).unwrap();
    let found = compared();
    assert_eq!((found.works, found.ragas, found.undecided()), (1, 1, 1), "{found}");
    let only = &found.disagreements[0];
    assert_eq!((only.field, only.theirs.as_str(), only.decided.as_ref()), (Field::Tala, "roopakam", None));
    assert_eq!(found.fields[&Field::Raga], Tally { agree: 1, decided: 0, undecided: 0 });

    let works = small.0.join("compositions/tyagaraja.toml");
    let decide = |other: &str, reason: &str| {
        let text = fs::read_to_string(&works).unwrap();
        let text = text.split("decided").next().unwrap();
        let decided =
            format!("decided = [{{ field = \"tala\", other = \"{other}\", reason = \"{reason}\" }}]\n");
        fs::write(&works, format!("{text}{decided}")).unwrap();
    };
    decide("roopakam", "Everybody counts eight.");
    let found = compared();
    assert_eq!((found.undecided(), found.stale.len()), (0, 0), "{found}");
    assert_eq!(found.disagreements[0].decided.as_deref(), Some("Everybody counts eight."));
    decide("jhampa", "A row that is no more.");
    let found = compared();
    assert_eq!((found.undecided(), found.stale.len()), (1, 1), "{found}");
    decide("roopakam", " ");
    assert!(matches!(compare(&small.0, &collection.0), Err(Error::BadRows(_))));
}

#[tokio::test]
async fn a_persons_edit_outlives_the_next_load() {
    let Some(database) = database::fresh().await else { return };
    let opened = database.open().await;
    let writer = opened.store.writer.as_ref().unwrap();
    let small = Small::new("edit");
    run(writer, &small.plan()).await;
    let external = starter::external(EntityKind::Raga, "mohanam");
    let mut tx = writer.begin("test").await.unwrap();
    let mut raga = tx.aggregate_by_external(EntityKind::Raga, &external).await.unwrap().unwrap();
    let Record::Raga(mut edited) = raga.current().clone() else { panic!("not a raga") };
    edited.names[0] = Name::display("Mohanam renamed");
    let change = raga.edit(Record::Raga(edited), ChangeKind::CuratorEdit, None, &stamp(&tx)).unwrap();
    tx.aggregate_save(&raga, &change).await.unwrap();
    tx.record(&change).await.unwrap();
    tx.commit().await.unwrap();

    let mut report = run(writer, &small.plan()).await;
    assert_eq!(report.changes(), 0);
    assert_eq!(report.counts(EntityKind::Raga).kept, 1);
    let stored = writer.aggregate(raga.entity).await.unwrap().unwrap();
    assert_eq!(stored.current().label(), "Mohanam renamed");
}

#[tokio::test]
async fn bad_rows_stop_everything_unless_they_are_skipped() {
    let Some(database) = database::fresh().await else { return };
    let opened = database.open().await;
    let writer = opened.store.writer.as_ref().unwrap();
    let collection =
        Collection::new("bad", &format!("{WORKS}x4,,karnatik,,,,T,,\nx1,twice,karnatik,,,,T,,\n"));
    let refused = load(writer, &collection.plan(), Options::default(), &|_| ()).await;
    let Err(Error::BadRows(report)) = refused else { panic!("{refused:?}") };
    assert_eq!(report.bad.iter().map(|bad| bad.line).collect::<Vec<_>>(), [5, 6]);
    let none = entities(writer, EntityKind::Composition, usize::MAX).await.unwrap();
    assert_eq!(none, []);

    let mut report = load(writer, &collection.plan(), Options { skip_bad: true }, &|_| ()).await.unwrap();
    assert_eq!(report.counts(EntityKind::Composition).created, 3);
    assert_eq!(report.bad.len(), 2);
}

#[test]
fn a_folder_that_is_no_catalogue_is_refused() {
    let refused = Plan::of(Path::new("/proc"));
    assert!(matches!(refused, Err(Error::NotACatalogue(_))), "{refused:?}");
}
