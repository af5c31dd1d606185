//! The API about itself.

use crate::support::App;

#[test]
fn checked_in_document_is_the_code_s() {
    testkit::document::is_checked_in(&public::openapi(), "public.json");
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    testkit::document::references_lead_somewhere(&public::openapi());
}

#[tokio::test]
async fn served_document_is_the_code_s() {
    let Some(app) = App::start().await else { return };
    assert_eq!(app.ok("/v1/openapi.json").await, public::openapi());
}

#[tokio::test]
async fn docs_page_asks_no_other_host() {
    let Some(app) = App::start().await else { return };
    let page = app.get("/docs").await.expect(200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    let text = String::from_utf8_lossy(&page.bytes);
    assert!(!text.contains("http://") && !text.contains("https://") && text.contains("/v1/openapi.json"));
}
