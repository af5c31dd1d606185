//! What each role may not do.

use crate::fixtures::*;
use testkit::database::{Database, fresh};

/// What psql says when `role` runs `sql`; none where it worked.
fn refusal(database: &Database, role: &str, sql: &str) -> Option<String> {
    let guarded = format!(
        "set session authorization {role};
         do $guard$ begin
             execute $sql${sql}$sql$;
             raise notice 'done';
         exception when others then
             perform set_config('test.refusal', sqlstate || ' ' || sqlerrm, false);
         end $guard$;
         select coalesce(nullif(current_setting('test.refusal', true), ''), 'done')"
    );
    let said = database.sql(&guarded);
    (said != "done").then_some(said)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reader_cannot_see_a_draft() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let writer = writer(&opened.store);
    let hidden = draft(&writer, song("Hidden")).await;
    for table in
        ["aggregate", "revision", "reference", "name", "label", "audit_entry", "api_key", "outbox_event"]
    {
        let said = refusal(&database, "sangraha_reader", &format!("select count(*) from public.{table}"));
        assert!(said.as_ref().is_some_and(|said| said.contains("permission denied")), "{table}: {said:?}");
    }
    for view in
        ["aggregate", "entity", "name", "label", "browse_entry", "composition", "reference", "version"]
    {
        assert_eq!(refusal(&database, "sangraha_reader", &format!("select count(*) from live.{view}")), None);
        let column = if view == "name" || view == "label" || view == "browse_entry" || view == "reference" {
            "aggregate_id"
        } else {
            "id"
        };
        let count = format!("select count(*) from live.{view} where {column} = '{}'", hidden.id);
        assert_eq!(database.sql(&count), "0", "{view}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reader_cannot_write() {
    let Some(database) = fresh().await else { return };
    for sql in ["update heartbeat set at = now()", "delete from stream_event", "create table mine (id int)"] {
        let said = refusal(&database, "sangraha_reader", sql);
        assert!(said.as_ref().is_some_and(|said| said.contains("permission denied")), "{sql}: {said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn revisions_and_audit_entries_cannot_be_changed() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    import(&writer(&opened.store), raga("Tōḍi")).await;
    for table in ["revision", "audit_entry"] {
        for verb in ["update {} set reason = 'x'", "delete from {}", "truncate {} cascade"] {
            let sql = verb.replace("{}", table);
            let said = refusal(&database, "sangraha_app", &sql);
            assert!(said.as_ref().is_some_and(|said| said.contains("permission denied")), "{sql}: {said:?}");
            let said = refusal(&database, "sangraha_owner", &sql);
            assert!(said.as_ref().is_some_and(|said| said.contains("refused")), "{sql}: {said:?}");
        }
    }
    let said = refusal(&database, "sangraha_app", "delete from aggregate");
    assert!(said.is_some_and(|said| said.contains("permission denied")));
}
