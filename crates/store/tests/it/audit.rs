//! The audit trail.

use crate::fixtures::*;
use store::{AuditFilter, AuditReport};
use testkit::database::fresh;

#[tokio::test(flavor = "multi_thread")]
async fn the_verifier_finds_one_altered_byte() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let writer = writer(&opened.store);
    for name in ["Tōḍi", "Kalyāṇi", "Bhairavi", "Kāmbhōji"] {
        import(&writer, raga(name)).await;
    }
    let intact = writer.audit_verify().await.unwrap();
    assert_eq!(intact, AuditReport { entries: 4, broken_at: None, head_matches: true });

    let as_superuser = |sql: &str| {
        database.sql(&format!("set session_replication_role = replica; {sql}"));
    };
    as_superuser(
        "update audit_entry set changes = replace(changes::text, 'Bhairavi', 'Bhairavj')::json where number = 3",
    );
    let altered = writer.audit_verify().await.unwrap();
    assert_eq!((altered.broken_at, altered.is_intact()), (Some(3), false));
    as_superuser(
        "update audit_entry set changes = replace(changes::text, 'Bhairavj', 'Bhairavi')::json where number = 3",
    );
    assert!(writer.audit_verify().await.unwrap().is_intact());
    as_superuser("delete from audit_entry where number = 4");
    assert!(!writer.audit_verify().await.unwrap().is_intact());
    as_superuser("delete from audit_entry where number = 2");
    assert_eq!(writer.audit_verify().await.unwrap().broken_at, Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_tell_who_did_what() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let writer = writer(&opened.store);
    let raga = import(&writer, raga("Tōḍi")).await;
    edit(&writer, raga.entity, crate::fixtures::raga("Toḍi")).await;
    let mut tx = writer.begin("test").await.unwrap();
    tx.audit_note(&context(), "api_key_create", None, serde_json::json!({"label": "ci"})).await.unwrap();
    tx.audit_note(&context(), "api_key_revoke", None, serde_json::json!({"label": "ci"})).await.unwrap();
    tx.commit().await.unwrap();

    let all = writer.audit_list(&AuditFilter::default(), 3, None).await.unwrap();
    let actions: Vec<&str> = all.items.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["api_key_revoke", "api_key_create", "raga_update"]);
    let rest = writer.audit_list(&AuditFilter::default(), 3, all.next.as_ref()).await.unwrap();
    assert_eq!((rest.items.len(), rest.next), (1, None));
    let of_raga = AuditFilter { entity: Some(raga.entity.id), ..AuditFilter::default() };
    let entries = writer.audit_list(&of_raga, 10, None).await.unwrap().items;
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0].changes[0]["pointer"], "/names/0/text");
    assert_eq!(
        (&entries[0].changes[0]["before"], &entries[0].changes[0]["after"]),
        (&"Tōḍi".into(), &"Toḍi".into())
    );
    assert!(writer.audit_verify().await.unwrap().is_intact());
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_writers_make_one_chain() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let writer = writer(&opened.store);
    let writes = (0..24).map(|number| {
        let writer = writer.clone();
        tokio::spawn(async move { import(&writer, tag(&format!("tag {number}"))).await })
    });
    for write in writes.collect::<Vec<_>>() {
        write.await.unwrap();
    }
    let report = writer.audit_verify().await.unwrap();
    assert_eq!((report.entries, report.is_intact()), (24, true));
}
