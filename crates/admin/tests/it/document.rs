//! The checked-in document.

#[test]
fn checked_in_document_is_the_code_s() {
    testkit::document::is_checked_in(&admin::openapi(), "admin.json");
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    testkit::document::references_lead_somewhere(&admin::openapi());
}
