//! Rulings, merges and the standing report.

use crate::support::{Answer, App};
use domain::composition::{Direction, RagaEntry};
use domain::id::RagaId;
use domain::music::Raga;
use domain::music::raga::RagaKind;
use domain::{Name, Record, Role};
use http::Method;
use serde_json::{Value, json};
use std::collections::HashSet;
use testkit::fixtures;
use uuid::Uuid;

async fn raga(app: &App, name: &str) -> Uuid {
    app.add("ragas", &Record::Raga(Raga::named(Name::display(name), RagaKind::Unclassified))).await
}

async fn post(app: &App, path: &str, body: &Value) -> Answer {
    app.ask(Method::POST, path).role(Role::Reviewer).json(body).send().await
}

async fn merge(app: &App, keeper: Uuid, loser: Uuid, dry_run: bool) -> Answer {
    let body = json!({ "kind": "raga", "keeper": keeper, "loser": loser, "dry_run": dry_run });
    post(app, "/v1/admin/merges", &body).await
}

async fn rule(app: &App, ruling: &str, one: Uuid, other: Uuid) -> Answer {
    let members = json!([{ "name": "Kanada", "entity": one }, { "name": "Kannada", "entity": other }]);
    let body = json!({
        "kind": "raga", "ruling": ruling, "members": members, "reason": "Told apart.", "source": "Known.",
    });
    post(app, "/v1/admin/verdicts", &body).await
}

/// A published ragamalika of 34 entries over these ragas, forward and back.
async fn palindrome(app: &App, ragas: &[Uuid]) -> Uuid {
    let Record::Composition(mut song) = fixtures::kriti("śrī viśvanāthaṁ", app.refers().await) else {
        panic!("not a song")
    };
    let version = &mut song.versions[0];
    let parts = [&ragas[..6], &ragas[..6], &ragas[6..]];
    let sections: Vec<Uuid> = version.sections.iter().map(|section| section.id).collect();
    let entry = |raga: &Uuid, section: Uuid, direction| RagaEntry {
        raga: RagaId(*raga),
        section: Some(section),
        direction,
    };
    version.ragas = parts
        .iter()
        .zip(&sections)
        .flat_map(|(part, section)| part.iter().map(|raga| entry(raga, *section, Direction::Forward)))
        .chain(ragas.iter().rev().map(|raga| entry(raga, sections[2], Direction::Viloma)))
        .collect();
    assert_eq!(version.ragas.len(), 34);
    let draft = app.ask(Method::POST, "/v1/admin/compositions").role(Role::Editor).json(&json!(song));
    let draft = draft.send().await.expect(201);
    let submitted = app.verb(&draft, Role::Editor, "submit", &json!({})).await.expect(200);
    app.verb(&submitted, Role::Reviewer, "publish", &json!({})).await.expect(200).id()
}

async fn entries(app: &App, song: Uuid) -> Vec<Uuid> {
    let song = app.get(&format!("/v1/admin/compositions/{song}")).send().await.expect(200);
    let entries = song.body["record"]["versions"][0]["ragas"].as_array().unwrap();
    entries.iter().map(|entry| entry["raga"].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn the_palindromic_ragamalika_keeps_its_34_entries_through_a_raga_merge() {
    let Some(app) = App::start().await else { return };
    let mut ragas = Vec::new();
    for number in 1..=14 {
        ragas.push(raga(&app, &format!("Raga of the number {number}")).await);
    }
    let song = palindrome(&app, &ragas).await;
    let (keeper, loser) = (ragas[3], ragas[2]);

    let before = app.written();
    let preview = merge(&app, keeper, loser, true).await.expect(200);
    assert_eq!(app.written(), before, "a preview leaves everything as it was");
    let done = merge(&app, keeper, loser, false).await.expect(200);
    for field in ["changed", "raga_entries_before", "raga_entries_after", "examples"] {
        assert_eq!(preview.body[field], done.body[field], "{field}");
    }
    assert_eq!((&done.body["changed"], &done.body["raga_entries_after"]), (&json!(1), &json!(34)));

    let after = entries(&app, song).await;
    assert_eq!(after.len(), 34);
    assert_eq!(after.iter().collect::<HashSet<_>>().len(), 13);
    assert_eq!((after[2], after[3]), (keeper, keeper));
    let kept = app.get(&format!("/v1/admin/ragas/{keeper}")).send().await.expect(200);
    assert_eq!(kept.body["record"]["names"][1]["text"], "Raga of the number 3");
    assert_eq!(kept.body["record"]["names"][1]["role"], "alias");
    let redirects = format!("select count(*) from redirect where aggregate_id = '{keeper}'");
    assert_eq!(app.database.sql(&redirects), "2", "the old id and the old slug lead to the keeper");
    let left = format!("select count(*) from live_raga where id = '{loser}'");
    assert_eq!(app.database.sql(&left), "0");
    let events = format!(
        "select string_agg(event_kind, ' ' order by seq) from outbox_event where aggregate_id in \
         ('{song}', '{loser}') and aggregate_version > 1"
    );
    assert_eq!(app.database.sql(&events), "published withdrawn", "song first, then the loser goes");
    let audited = "select count(*) from audit_entry where action in ('raga_merge', 'composition_merge', 'identity_merge')";
    assert_eq!(app.database.sql(audited), "4");

    // A second merge takes the redirects along: one hop to the last keeper.
    merge(&app, ragas[0], keeper, false).await.expect(200);
    let redirects = format!("select count(*) from redirect where aggregate_id = '{}'", ragas[0]);
    assert_eq!(app.database.sql(&redirects), "4");
    assert_eq!(entries(&app, song).await.iter().collect::<HashSet<_>>().len(), 12);
}

#[tokio::test]
async fn a_ruling_refuses_a_merge_and_a_deferral_is_answered_by_one() {
    let Some(app) = App::start().await else { return };
    let (kanada, kannada, third) =
        (raga(&app, "Kanada").await, raga(&app, "Kannada").await, raga(&app, "Kaanada").await);
    rule(&app, "distinct", kanada, kannada).await.expect(201);
    rule(&app, "defer", kanada, third).await.expect(201);
    let refused = merge(&app, kanada, kannada, false).await.expect(409);
    assert_eq!(refused.body["code"], "kept_apart");
    merge(&app, kanada, third, false).await.expect(200);
    let rulings = app.get("/v1/admin/verdicts").send().await.expect(200);
    let items = rulings.body["items"].as_array().unwrap();
    let ruled: HashSet<_> = items.iter().map(|item| item["ruling"].as_str().unwrap()).collect();
    assert_eq!(ruled, HashSet::from(["merge", "distinct"]));
    // The distinction goes on with the keeper.
    assert_eq!(merge(&app, kannada, kanada, false).await.status, 409);
}

#[tokio::test]
async fn what_cannot_be_merged_is_refused_with_its_reason() {
    let Some(app) = App::start().await else { return };
    let janya = raga(&app, "Todi").await;
    let mela = app.add("ragas", &fixtures::mela(8)).await;
    assert_eq!(merge(&app, janya, janya, false).await.expect(422).fields(), [("/loser", "same")]);
    assert_eq!(merge(&app, janya, mela, false).await.expect(409).body["code"], "mela");
    assert_eq!(merge(&app, mela, janya, false).await.expect(422).fields(), [("/reason", "required")]);
    let nobody = Uuid::from_u128(7);
    assert_eq!(
        merge(&app, janya, nobody, false).await.expect(422).fields(),
        [("/loser", "reference_missing")]
    );
    let body = json!({ "kind": "raga", "ruling": "distinct", "reason": "", "source": "x", "members": [] });
    let refused = post(&app, "/v1/admin/verdicts", &body).await.expect(422);
    assert_eq!(refused.fields(), [("/reason", "empty"), ("/members", "too_few")]);
    assert_eq!(rule(&app, "distinct", janya, nobody).await.expect(422).fields().len(), 1);
}

#[tokio::test]
async fn the_standing_report_is_paged_and_filtered() {
    let Some(app) = App::start().await else { return };
    for name in ["Kalavati", "Kalavathi", "Loose"] {
        raga(&app, name).await;
    }
    let report = |query: &'static str| {
        let app = &app;
        async move { app.get(&format!("/v1/admin/checks{query}")).send().await.expect(200).body }
    };
    let whole = report("").await;
    assert_eq!((&whole["records"], &whole["counts"]["unclassified"]), (&json!(3), &json!(3)));
    assert_eq!(whole["counts"]["unmarked_homonym"], 2);
    let homonyms = report("?rule=unmarked_homonym").await;
    assert_eq!(homonyms["items"].as_array().unwrap().len(), 2);
    assert_eq!(report("?severity=error").await["items"], json!([]));
    let mut seen = Vec::new();
    let mut cursor = None::<String>;
    loop {
        let query = cursor.as_ref().map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
        let page = app.get(&format!("/v1/admin/checks?limit=1{query}")).send().await.expect(200).body;
        seen.extend(page["items"].as_array().unwrap().iter().cloned());
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(json!(seen), whole["items"], "no finding is lost or doubled between pages");
    app.get("/v1/admin/checks?rule=mood").send().await.expect(422);
}
