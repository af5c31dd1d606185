use super::*;
use crate::load::starter::parse as parse_starter;
use domain::composition::Composition;
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/catalogue");
    if folder.join("krithis.csv").exists() {
        return Some(folder);
    }
    eprintln!("SKIPPED: {} is not there, the shared catalogue is not tested", folder.display());
    None
}

fn known_starter() -> Known {
    let batch = parse_starter(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalogue")).unwrap();
    let mut known = Known::default();
    known.rule(batch.verdicts);
    for entry in batch.entries {
        let Work::Put(record) = entry.work else { continue };
        known.add(EntityRef { kind: record.kind(), id: entry.provisional }, *record);
    }
    known
}

fn songs(batch: &Batch) -> Vec<&Composition> {
    let mut songs = Vec::new();
    for entry in &batch.entries {
        if let Work::Put(record) = &entry.work
            && let Record::Composition(song) = &**record
        {
            songs.push(song);
        }
    }
    songs
}

#[test]
fn every_row_of_the_shared_catalogue_becomes_a_record_or_a_link() {
    let Some(folder) = folder() else { return };
    let (files, report) = parse(&folder).unwrap();
    assert_eq!(report.bad, []);
    assert_eq!((files.krithis.len(), files.lyrics.len(), files.ragas.len()), (3_065, 1_732, 962));
    for known in [Known::default(), known_starter()] {
        let batch = plan(&files, report.clone(), &known);
        assert_eq!(batch.report.bad, []);
        let mut identities = BTreeMap::new();
        for entry in &batch.entries {
            let ids = match &entry.work {
                Work::Put(record) | Work::Keep { record, .. } => record.external_ids().to_vec(),
                Work::Link { .. } => vec![entry.external.clone()],
            };
            for id in ids.into_iter().filter(|id| id.scheme == SCHEME) {
                *identities.entry((entry.kind(), id.id)).or_insert(0) += 1;
            }
        }
        assert!(identities.values().all(|count| *count == 1));
        let of = |kind, made_of: &str| {
            identities.keys().filter(|(own, id)| *own == kind && id.starts_with(made_of)).count()
        };
        assert_eq!(of(EntityKind::Composition, ""), 3_065);
        assert_eq!(of(EntityKind::Raga, "raga/"), 962);
        // The rest are ragas without a row that works name.
        assert_eq!(of(EntityKind::Raga, ""), 962 + of(EntityKind::Raga, "raga-of-works/"));
        for entry in &batch.entries {
            let Work::Put(record) = &entry.work else { continue };
            let errors: Vec<_> = record
                .check()
                .into_iter()
                .filter(|violation| violation.severity == domain::Severity::Error)
                .collect();
            assert_eq!(errors, [], "{}", entry.external.id);
        }
        let songs = songs(&batch);
        let with_raga = songs.iter().filter(|song| !song.versions[0].ragas.is_empty()).count();
        assert!(with_raga * 100 >= songs.len() * 95, "{with_raga} of {} have a raga", songs.len());
    }
}

#[test]
fn names_that_only_look_alike_stay_apart() {
    let Some(folder) = folder() else { return };
    let (files, report) = parse(&folder).unwrap();
    let batch = plan(&files, report, &known_starter());
    let id = |normalized: &str| {
        let wanted = external(&format!("raga/{normalized}"));
        let entry = batch.entries.iter().find(|entry| entry.external == wanted);
        entry.map(|entry| match &entry.work {
            Work::Put(_) | Work::Keep { .. } => entry.provisional,
            Work::Link { target, .. } => target.id,
        })
    };
    let pairs = [
        ("kanada", "kannada"),
        ("kalavathi", "kalavati"),
        ("poornalalita", "poornalalitha"),
        ("jeevantika", "jeevanthika"),
        ("shreemati", "srimati"),
        ("bhairavi", "bhairavam"),
        ("abhogi", "bhogi"),
        ("asaveri", "saveri"),
        ("balahamsa", "kalahamsa"),
        ("shankara", "shankari"),
        ("latangi", "lavangi"),
        ("reethigowla", "narireethigowla"),
        ("shree", "sri"),
    ];
    let mut compared = HashSet::new();
    for (one, other) in pairs {
        if let (Some(left), Some(right)) = (id(one), id(other)) {
            assert_ne!(left, right, "{one} and {other}");
            compared.insert(one);
        }
    }
    assert!(compared.len() >= 8, "{compared:?}");
}

#[test]
fn every_bad_row_is_listed_with_its_line() {
    let (mut files, mut report) = (Files::default(), Report::default());
    let header = "id,title,title_scheme,raga,raga_canonical,tala,composer,language,form\n";
    let rows = "a,x,blog-hk,,,,Tyagaraja,,\n,x,blog-hk,,,,Tyagaraja,,\nb,x,klingon,,,,Tyagaraja,,\na,y,blog-hk,,,,T,,\nc,d\n";
    files.read_krithis(&format!("{header}{rows}"), &mut report);
    files.read_lyrics("{\"id\":\"zz\"}\nnot json\n\n", &mut report);
    files.read_groups("[1]", &mut report);
    files.read_ragas("name\nx\n", &mut report);
    let bad: Vec<_> = report.bad.iter().map(|bad| (bad.file.as_str(), bad.line)).collect();
    let wanted = [
        ("krithis.csv", 3),
        ("krithis.csv", 4),
        ("krithis.csv", 5),
        ("krithis.csv", 6),
        ("lyrics.jsonl", 1),
        ("lyrics.jsonl", 2),
        ("raga_aliases.json", 1),
        ("ragas.csv", 1),
    ];
    assert_eq!(bad, wanted, "{:?}", report.bad);
    assert_eq!(files.krithis.len(), 1);
}

#[test]
fn disagreements_with_the_shared_catalogue_are_decided() {
    let Some(folder) = folder() else { return };
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalogue");
    let found = crate::load::compare(&own, &folder).unwrap();
    println!("{found}");
    assert!(found.works >= 500 && found.ragas >= 150, "{found}");
    assert_eq!(found.undecided(), 0, "{found}");
    assert_eq!(found.stale, [""; 0]);
}
