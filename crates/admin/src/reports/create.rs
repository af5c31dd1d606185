//! `POST /v1/reports`

use crate::error::Result;
use crate::state::State;
use axum::extract;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::report::{Place, check_place, check_words, place_on_page};
use domain::{Actor, EntityKind, Record, Revision, Violation};
use http::StatusCode;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use std::fmt;
use store::{AuditContext, NewReport};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{Context, Json, Problem};

/// What a reader sends.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewReport)]
pub struct Body {
    pub(super) anchor: Anchor,
    /// What is wrong, in plain words: at most 2,000 characters, no markup.
    #[schema(example = "The second line should read …")]
    pub(super) text: String,
    /// How to reach you, should you wish an answer: at most 200 characters.
    #[serde(default)]
    pub(super) contact: Option<String>,
}

/// What a report is about.
#[derive(Clone, ToSchema)]
#[serde(untagged)]
pub enum Anchor {
    /// The address of a page, with the place on it: `compositions/nanu-palimpa#s1-l2`.
    Page(String),
    Entity(EntityAnchor),
}

/// An entity, and a place in it.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EntityAnchor {
    /// `composition` where absent.
    #[serde(default = "composition")]
    pub(super) kind: EntityKind,
    /// A slug or an id.
    pub(super) r#ref: String,
    /// Of a composition: the version; any where absent.
    #[serde(default)]
    pub(super) version: Option<Uuid>,
    /// Of a composition: the section.
    #[serde(default)]
    pub(super) section: Option<Uuid>,
    /// A line of the section, 1 for the first.
    #[serde(default)]
    pub(super) line: Option<u16>,
}

const fn composition() -> EntityKind {
    EntityKind::Composition
}

// By hand, so that what is wrong inside the object keeps its pointer.
impl<'de> Deserialize<'de> for Anchor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Anchor;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("the address of a page, or an object with `ref`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<Anchor, E> {
                match text.contains('\0') {
                    true => Err(E::custom("U+0000 is no part of an address")),
                    false => Ok(Anchor::Page(text.to_owned())),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> std::result::Result<Anchor, A::Error> {
                let anchor = EntityAnchor::deserialize(MapAccessDeserializer::new(map))?;
                match anchor.r#ref.contains('\0') {
                    true => Err(A::Error::custom("U+0000 is no part of a reference")),
                    false => Ok(Anchor::Entity(anchor)),
                }
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// That a report has arrived.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Received {
    /// Names the report, for whoever writes to the editors about it.
    pub id: Uuid,
    pub received_at: DateTime<Utc>,
}

/// Tells the editors that something is wrong, with the line that it is about
#[utoipa::path(
    post,
    path = "/v1/reports",
    request_body = Body,
    responses(
        (status = 202, description = "It was passed to the editors", body = Received),
        (status = 422, description = "Something of it was refused"),
        (status = 429, description = "Too many reports from there; see Retry-After"))
)]
pub async fn handler(
    extract::State(state): extract::State<State>,
    context: Context,
    Json(body): Json<Body>,
) -> Result<Response> {
    let id = take(&state, &context, body).await?;
    Ok((StatusCode::ACCEPTED, Json(Received { id, received_at: context.now })).into_response())
}

/// Checks and stores a report, and answers its id.
pub(super) async fn take(state: &State, context: &Context, body: Body) -> Result<Uuid> {
    let Body { anchor, text, contact } = body;
    let contact = contact.filter(|contact| !contact.trim().is_empty());
    refuse(&check_words(&text, contact.as_deref()))?;
    let (kind, reference) = named(&anchor)?;
    let unknown = || unseen(&anchor);
    let entity = state.writer.aggregate_resolve(kind, reference).await?.ok_or_else(unknown)?;
    let aggregate = state.writer.aggregate(entity).await?.ok_or_else(unknown)?;
    // What readers do not see is not there.
    let live = aggregate.live.ok_or_else(unknown)?;
    let place = placed(&anchor, &live)?;
    state.throttle.admit(context.client_ip, context.now).map_err(Problem::throttled)?;

    let id = context.new_id();
    let report = NewReport { id, at: context.now, entity, revision: live.number, place, text, contact };
    let mut tx = state.writer.begin("report.create").await?;
    tx.report_insert(&report).await?;
    // A reader has no account, and the address of one is nobody's business.
    let reader = Actor { user: None, name: "reader".to_owned() };
    let audit = AuditContext { actor: reader, role: None, ip: None, request_id: context.request_id.clone() };
    tx.audit_note(&audit, "report_create", Some(entity), json!({"report": id, "place": place})).await?;
    tx.commit().await?;
    tracing::info!(report = %id, entity = %entity, "Took a report");
    Ok(id)
}

fn refuse(found: &[Violation]) -> std::result::Result<(), Problem> {
    if found.is_empty() { Ok(()) } else { Err(Problem::violations(found)) }
}

fn unseen(anchor: &Anchor) -> Problem {
    let field = if matches!(anchor, Anchor::Page(_)) { "/anchor" } else { "/anchor/ref" };
    Problem::field(field, "unknown_value", "Readers see nothing with this reference.")
}

/// The entity that an anchor names: `compositions/slug#place`, or by kind and reference.
fn named(anchor: &Anchor) -> std::result::Result<(EntityKind, &str), Problem> {
    match anchor {
        Anchor::Entity(EntityAnchor { kind, r#ref, .. }) => Ok((*kind, r#ref)),
        Anchor::Page(address) => {
            let page = address.split('#').next().unwrap_or_default().trim_start_matches('/');
            let (collection, slug) = page.split_once('/').ok_or_else(|| unseen(anchor))?;
            let kind = EntityKind::ALL.into_iter().find(|kind| kind.plural() == collection);
            kind.map(|kind| (kind, slug)).ok_or_else(|| unseen(anchor))
        }
    }
}

/// The place in what readers see.
fn placed(anchor: &Anchor, live: &Revision) -> std::result::Result<Place, Problem> {
    let (place, field) = match (anchor, &live.record) {
        (Anchor::Entity(EntityAnchor { version, section, line, .. }), _) => {
            (Some(Place { version: *version, section: *section, line: *line }), "/anchor/section")
        }
        (Anchor::Page(address), record) => match (address.split_once('#'), record) {
            (None, _) => (Some(Place::default()), "/anchor"),
            (Some((_, fragment)), Record::Composition(song)) => (place_on_page(song, fragment), "/anchor"),
            (Some(_), _) => (None, "/anchor"),
        },
    };
    let nowhere = || Problem::field(field, "unknown_value", "This page has no such place.");
    let place = place.ok_or_else(nowhere)?;
    match &live.record {
        Record::Composition(song) => refuse(&check_place(song, place))?,
        _ if place == Place::default() => {}
        _ => {
            let detail = "Only a composition has versions, sections and lines.";
            return Err(Problem::field(field, "no_sections", detail));
        }
    }
    Ok(place)
}
