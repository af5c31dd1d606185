//! Accounts, keys, setup tokens and idempotency keys.

use crate::fixtures::*;
use chrono::Duration;
use domain::{Clock, Role, metrics::Metrics};
use store::{Idempotency, NewApiKey};
use testkit::database::{fresh, open};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_leads_to_its_account_until_it_ends() {
    let Some(database) = fresh().await else { return };
    let clock = Clock::fixed(Clock::system().now());
    let opened = open(&database.config(), clock.clone(), Metrics::default()).await;
    let writer = writer(&opened.store);
    let (account, key, hash) = (id(), id(), [7; 32]);
    let mut tx = writer.begin("test").await.unwrap();
    tx.account_insert(account, "meera", &[Role::Editor, Role::Reviewer]).await.unwrap();
    let expires_at = clock.now() + Duration::hours(1);
    tx.api_key_insert(&NewApiKey { id: key, account, label: "laptop".into(), hash, expires_at })
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let found = writer.api_key_by_hash(&hash).await.unwrap().unwrap();
    assert_eq!((found.id, found.account.id), (key, account));
    assert_eq!(found.account.roles, [Role::Editor, Role::Reviewer]);
    assert!(found.is_valid(clock.now()) && !found.is_valid(expires_at));
    assert!(writer.api_key_by_hash(&[8; 32]).await.unwrap().is_none());

    let mut tx = writer.begin("test").await.unwrap();
    assert!(tx.api_key_revoke(key).await.unwrap());
    assert!(!tx.api_key_revoke(key).await.unwrap());
    tx.account_roles_set(account, &[Role::Viewer]).await.unwrap();
    tx.commit().await.unwrap();
    let revoked = writer.api_key_by_hash(&hash).await.unwrap().unwrap();
    assert!(!revoked.is_valid(clock.now()));
    assert!(revoked.account.version > found.account.version);
    assert_eq!(writer.accounts().await.unwrap(), [revoked.account]);
    assert_eq!(writer.api_keys().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setup_token_works_once_and_in_time() {
    let Some(database) = fresh().await else { return };
    let clock = Clock::fixed(Clock::system().now());
    let opened = open(&database.config(), clock.clone(), Metrics::default()).await;
    let writer = writer(&opened.store);
    let mut tx = writer.begin("test").await.unwrap();
    let expires_at = clock.now() + Duration::minutes(10);
    tx.setup_token_insert(&[1; 32], expires_at).await.unwrap();
    tx.setup_token_insert(&[2; 32], expires_at).await.unwrap();
    assert!(tx.setup_token_consume(&[1; 32]).await.unwrap());
    assert!(!tx.setup_token_consume(&[1; 32]).await.unwrap());
    assert!(!tx.setup_token_consume(&[3; 32]).await.unwrap());
    clock.advance(Duration::minutes(10));
    assert!(!tx.setup_token_consume(&[2; 32]).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_is_answered_once() {
    let Some(database) = fresh().await else { return };
    let clock = Clock::fixed(Clock::system().now());
    let opened = open(&database.config(), clock.clone(), Metrics::default()).await;
    let writer = writer(&opened.store);
    let hash = [1; 32];
    let mut first = writer.begin("test").await.unwrap();
    let begun = first.idempotency_begin("k", "POST /ragas", &hash, "meera").await.unwrap();
    assert_eq!(begun, Idempotency::New);
    let mut second = writer.begin("test").await.unwrap();
    let meanwhile = second.idempotency_begin("k", "POST /ragas", &hash, "meera").await.unwrap();
    assert_eq!(meanwhile, Idempotency::Running);
    drop(second);
    first.idempotency_finish("k", "meera", 201, b"{}").await.unwrap();
    first.commit().await.unwrap();

    let mut tx = writer.begin("test").await.unwrap();
    let again = tx.idempotency_begin("k", "POST /ragas", &hash, "meera").await.unwrap();
    assert_eq!(again, Idempotency::Replay { status: 201, body: b"{}".to_vec() });
    for (route, hash) in [("POST /talas", hash), ("POST /ragas", [2; 32])] {
        let other = tx.idempotency_begin("k", route, &hash, "meera").await.unwrap();
        assert_eq!(other, Idempotency::Mismatch);
    }
    let other_actor = tx.idempotency_begin("k", "POST /ragas", &hash, "asha").await.unwrap();
    assert_eq!(other_actor, Idempotency::New);
    drop(tx);
    assert_eq!(writer.idempotency_delete_old().await.unwrap(), 0);
    clock.advance(Duration::hours(25));
    assert_eq!(writer.idempotency_delete_old().await.unwrap(), 1);
}
