//! `POST /v1/reports`

use crate::error::Result;
use crate::state::State;
use axum::body::Bytes;
use axum::extract;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::report::{Place, check_place, check_words};
use domain::{Actor, Aggregate, EntityKind, Record};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{AuditContext, NewReport};
use utoipa::ToSchema;
use uuid::Uuid;
use web::extract::{json_read, query_read};
use web::{Context, Json, Problem};

/// What a reader sends, as JSON.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewReport)]
pub struct Body {
    anchor: Anchor,
    /// What is wrong, in plain words: at most 2,000 characters, no markup.
    #[schema(example = "The second line should read …")]
    text: String,
    /// How to reach you, should you wish an answer: at most 200 characters.
    #[serde(default)]
    contact: Option<String>,
}

/// What a report is about.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// `composition` where absent.
    #[serde(default = "composition")]
    kind: EntityKind,
    /// A slug or an id.
    r#ref: String,
    /// Of a composition: the version; any where absent.
    #[serde(default)]
    version: Option<Uuid>,
    /// Of a composition: the section.
    #[serde(default)]
    section: Option<Uuid>,
    /// A line of the section, 1 for the first.
    #[serde(default)]
    line: Option<u16>,
}

const fn composition() -> EntityKind {
    EntityKind::Composition
}

/// The same as the fields of a form, for pages without a script.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(default = "composition")]
    kind: EntityKind,
    r#ref: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    section: String,
    #[serde(default)]
    line: String,
    text: String,
    #[serde(default)]
    contact: String,
}

/// That a report has arrived.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Received {
    /// Names the report, for whoever writes to the editors about it.
    pub id: Uuid,
    pub received_at: DateTime<Utc>,
}

/// The longest body, in bytes: 2,000 characters of any script, escaped, with room for the rest.
const BODY_BYTES_MAX: usize = 32 * 1024;

/// Tells the editors that something is wrong, with the line that it is about
#[utoipa::path(
    post,
    path = "/v1/reports",
    request_body(content((Body = "application/json"), (String = "application/x-www-form-urlencoded"))),
    responses(
        (status = 202, description = "It was passed to the editors", body = Received),
        (status = 422, description = "Something of it was refused"),
        (status = 429, description = "Too many reports from there; see Retry-After"))
)]
pub async fn handler(
    extract::State(state): extract::State<State>,
    context: Context,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response> {
    let is_form = is_form(&headers);
    let Body { anchor, text, contact } = read(&headers, is_form, &body)?;
    let contact = contact.filter(|contact| !contact.trim().is_empty());
    refuse(&check_words(&text, contact.as_deref()))?;
    let (found, revision) = found(&state, &anchor).await?;
    let place = Place { version: anchor.version, section: anchor.section, line: anchor.line };
    refuse(&misplaced(&revision.record, place))?;
    state.throttle.admit(context.client_ip, context.now).map_err(Problem::throttled)?;

    let id = context.new_id();
    let (entity, revision) = (found.entity, revision.number);
    let report = NewReport { id, at: context.now, entity, revision, place, text, contact };
    let mut tx = state.writer.begin("report.create").await?;
    tx.report_insert(&report).await?;
    // A reader has no account, and the address of one is nobody's business.
    let reader = Actor { user: None, name: "reader".to_owned() };
    let audit = AuditContext { actor: reader, role: None, ip: None, request_id: context.request_id.clone() };
    tx.audit_note(&audit, "report_create", Some(entity), json!({"report": id, "place": place})).await?;
    tx.commit().await?;
    tracing::info!(report = %id, entity = %entity, "Took a report");
    if is_form {
        return Ok(thanks(&found));
    }
    Ok((StatusCode::ACCEPTED, Json(Received { id, received_at: context.now })).into_response())
}

fn is_form(headers: &HeaderMap) -> bool {
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn read(headers: &HeaderMap, is_form: bool, body: &[u8]) -> std::result::Result<Body, Problem> {
    if body.len() > BODY_BYTES_MAX {
        return Err(Problem::too_large());
    }
    if is_form {
        let text = std::str::from_utf8(body).map_err(|_| Problem::bad_request("The form is not text."))?;
        return query_read::<Form>(text)?.try_into();
    }
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media.split(';').next().unwrap_or_default().trim();
    match essence.eq_ignore_ascii_case("application/json") {
        true => json_read(body),
        false => Err(Problem::unsupported_media_type()),
    }
}

impl TryFrom<Form> for Body {
    type Error = Problem;

    fn try_from(form: Form) -> std::result::Result<Self, Problem> {
        fn part<T: std::str::FromStr>(name: &str, text: &str) -> std::result::Result<Option<T>, Problem> {
            let refused =
                |_| Problem::field(format!("/anchor/{name}"), "invalid_value", "This cannot be read.");
            if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(refused) }
        }
        let anchor = Anchor {
            kind: form.kind,
            r#ref: form.r#ref,
            version: part("version", &form.version)?,
            section: part("section", &form.section)?,
            line: part("line", &form.line)?,
        };
        Ok(Self { anchor, text: form.text, contact: Some(form.contact) })
    }
}

fn refuse(found: &[domain::Violation]) -> std::result::Result<(), Problem> {
    if found.is_empty() { Ok(()) } else { Err(Problem::violations(found)) }
}

/// What the anchor names, as readers see it. What they do not see is not there.
async fn found(state: &State, anchor: &Anchor) -> Result<(Aggregate, domain::Revision)> {
    let unknown =
        || Problem::field("/anchor/ref", "unknown_value", "Readers see nothing with this reference.");
    let entity = state.writer.aggregate_resolve(anchor.kind, &anchor.r#ref).await?.ok_or_else(unknown)?;
    let aggregate = state.writer.aggregate(entity).await?.ok_or_else(unknown)?;
    let live = aggregate.live.clone().ok_or_else(unknown)?;
    Ok((aggregate, live))
}

fn misplaced(record: &Record, place: Place) -> Vec<domain::Violation> {
    match record {
        Record::Composition(song) => check_place(song, place),
        _ if place == Place::default() => Vec::new(),
        _ => vec![domain::Violation::error(
            "/anchor/section",
            "no_sections",
            "Only a composition has versions, sections and lines.",
        )],
    }
}

/// What a person without a script reads after sending the form.
fn thanks(found: &Aggregate) -> Response {
    // A slug is made of letters, digits and hyphens.
    let back = format!("/{}/{}", found.entity.kind.plural(), found.slug);
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Thank you</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><h1>Thank you</h1>\
         <p>The editors have your report.</p><p><a href=\"{back}\">Back</a></p></html>"
    );
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    ];
    (StatusCode::ACCEPTED, headers, page).into_response()
}
