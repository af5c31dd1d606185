//! The catalogue as files.

use crate::catalogue::Catalogue;
use crate::support::{App, song};
use domain::exchange::Line;
use domain::{EntityKind, Record};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::process::Command;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn everything_is_one_line_a_record_in_order() {
    let Some(app) = App::start().await else { return };
    let catalogue = Catalogue::load(&app).await;
    app.draft(song("Rahasyamu", catalogue.refers)).await;
    let file = app.get("/v1/export/everything").await.expect(200);
    assert_eq!(file.header("content-type"), "application/jsonl");
    let body = text(&file.bytes);
    let lines: Vec<Line> = body.lines().map(|line| Line::read(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line.record.label() != "Rahasyamu"));
    let order = |kind| EntityKind::ALL.iter().position(|known| *known == kind);
    assert!(lines.is_sorted_by_key(|line| (order(line.entity.kind), line.entity.id)));
    for (line, text) in lines.iter().zip(body.lines()) {
        assert_eq!(line.write(), text);
    }
    let listed = app.ok("/v1/export").await;
    let everything = &listed["items"][0];
    assert_eq!((&everything["name"], &everything["records"]), (&json!("everything"), &json!(lines.len())));
    assert_eq!(everything["files"][0]["version"], file.header("x-dataset-version"));
    let sum: String = Sha256::digest(&file.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(everything["files"][0]["sha256"], json!(sum));
    assert_eq!(everything["files"][0]["bytes"], json!(file.bytes.len()));
    assert!(file.header("repr-digest").starts_with("sha-256=:"));
}

#[tokio::test]
async fn a_change_makes_another_version() {
    let Some(app) = App::start().await else { return };
    let catalogue = Catalogue::load(&app).await;
    let path = "/v1/export/ragas";
    let before = app.get(path).await.expect(200);
    app.ask(http::Method::GET, path, Some(before.etag())).await.expect(304);
    let version = before.header("x-dataset-version");
    app.get(&format!("{path}?version={version}")).await.expect(200);
    app.unpublish(catalogue.nanu).await;
    assert_eq!(app.get(path).await.etag(), before.etag(), "songs are no part of the ragas");
    app.add(crate::catalogue::janya("Ānandabhairavi", catalogue.refers.raga, "S R2 G3 P D2 S")).await;
    let after = app.get(path).await.expect(200);
    assert_ne!(after.header("x-dataset-version"), version);
    assert_eq!(app.get(&format!("{path}?version={version}")).await.expect(410).body["code"], "gone");
    let groups = text(&app.get("/v1/export/groups").await.expect(200).bytes);
    assert!(!groups.contains(&catalogue.nanu.id.to_string()), "a member that readers do not see: {groups}");
}

#[tokio::test]
async fn tables_hold_names_and_no_formulas() {
    let Some(app) = App::start().await else { return };
    let catalogue = Catalogue::load(&app).await;
    app.add(song("=HYPERLINK(\"http://x\")", catalogue.refers)).await;
    let file = app.get("/v1/export/compositions?format=csv").await.expect(200);
    assert!(file.header("content-type").starts_with("text/csv"));
    assert!(file.header("content-disposition").ends_with(".csv\""));
    let body = text(&file.bytes);
    assert!(body.starts_with("id,slug,name,aliases,revision,form,"), "{body}");
    assert_eq!(body.matches("\r\n").count(), 5);
    assert!(body.contains("\"'=HYPERLINK(\"\"http://x\"\")\"") && body.contains("mēcakaḷyāṇi"), "{body}");
    for kind in EntityKind::ALL {
        let table = app.get(&format!("/v1/export/{}?format=csv", kind.plural())).await.expect(200);
        let rows = text(&table.bytes);
        let columns = rows.lines().next().unwrap().split(',').count();
        assert!(
            rows.lines().skip(1).all(|row| row.contains('"') || row.split(',').count() == columns),
            "{rows}"
        );
    }
}

#[tokio::test]
async fn words_come_as_tei() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    let mut song = song("Nanu & pālimpa", refers);
    song.versions[0].texts[0].sections[0].lines = vec!["a < b".into(), "c".into()];
    app.add(song).await;
    let file = app.get("/v1/export/compositions?format=tei").await.expect(200);
    let body = text(&file.bytes);
    assert!(body.contains("<title>Nanu &amp; pālimpa</title>") && body.contains("<l>a &lt; b</l>"), "{body}");
    assert!(body.contains("<lg type=\"pallavi\">") && body.contains("xml:lang=\"sa-Latn\""), "{body}");
    assert_eq!((body.matches("<TEI ").count(), body.matches("</TEI>").count()), (1, 1));
    assert!(body.ends_with("</teiCorpus>\n"));
    is_well_formed(&body);
}

/// Asks `xmllint`, where this machine has it.
fn is_well_formed(body: &str) {
    let file = std::env::temp_dir().join(format!("sangraha-tei-{}.xml", std::process::id()));
    std::fs::write(&file, body).unwrap();
    if let Ok(output) = Command::new("xmllint").arg("--noout").arg(&file).output() {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    std::fs::remove_file(&file).unwrap();
}

#[tokio::test]
async fn songs_come_as_linked_data() {
    let Some(app) = App::start().await else { return };
    let catalogue = Catalogue::load(&app).await;
    let file = app.get("/v1/export/compositions?format=jsonld").await.expect(200);
    assert_eq!(file.body["@context"], "https://schema.org");
    let graph = file.body["@graph"].as_array().unwrap();
    assert_eq!(graph.len(), 3);
    let id = json!(format!("urn:uuid:{}", catalogue.nanu.id));
    let nanu: &Value = graph.iter().find(|song| song["@id"] == id).unwrap();
    assert_eq!(
        (&nanu["@type"], &nanu["composer"]["name"]),
        (&json!("MusicComposition"), &json!("Tyāgarāja"))
    );
    assert_eq!(nanu["keywords"][0]["name"], "Mōhanaṁ");
    assert_eq!(nanu["inLanguage"], json!(["te"]));
}

#[tokio::test]
async fn datasets_that_are_not_there_are_not_found() {
    let Some(app) = App::start().await else { return };
    for path in ["/v1/export/songs", "/v1/export/raga", "/v1/export/%00"] {
        app.get(path).await.expect(404);
    }
    let empty = app.get("/v1/export/everything").await.expect(200);
    assert_eq!(empty.bytes, b"");
    assert_eq!(app.get("/v1/export/compositions?format=jsonld").await.body["@graph"], json!([]));
}

#[tokio::test]
async fn an_old_address_is_part_of_the_file() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    let record = Record::Composition(song("Nanu pālimpa", refers));
    let entity = app.add(song("Nannu pālimpa", refers)).await;
    app.change(entity, |aggregate| {
        aggregate.slug = "nanu-palimpa".into();
        aggregate.import_again(record, &testkit::fixtures::stamp()).unwrap().unwrap()
    })
    .await;
    let file = app.get("/v1/export/compositions").await.expect(200);
    let line = Line::read(text(&file.bytes).trim_end()).unwrap();
    assert_eq!((line.slug.as_str(), line.former), ("nanu-palimpa", vec!["nannu-palimpa".to_owned()]));
}
