//! `POST /v1/admin/purges`

use super::Purge;
use crate::change::Author;
use crate::error::Result;
use crate::idempotency::{Answered, Idempotent};
use crate::state::State;
use auth::Permission;
use auth::permission::{PurgeAll, PurgeTags};
use axum::extract;
use axum::response::{IntoResponse, Response};
use domain::purge::{TAG_BYTES_MAX, Target, is_tag};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;
use store::{PurgeOrder, PurgeRow, PurgeTargets};
use tokio::time::{Instant, sleep};
use url::Url;
use utoipa::{IntoParams, ToSchema};
use web::{Authz, Context, FieldError, Json, Problem, Query};

/// The most keys and addresses of one order.
const TARGETS_MAX: usize = 256;
/// The longest address, in bytes.
const ADDRESS_BYTES_MAX: usize = 2_048;
/// The longest reason, in characters.
const REASON_CHARS_MAX: usize = 500;
/// The longest wait for the edges.
const WAIT_MS_MAX: u64 = 10_000;
/// How long an answer waits for the position at least: the relay needs a few milliseconds.
const POSITION_WAIT: Duration = Duration::from_millis(500);
/// Between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// What is purged. At least one of the lists, or `all`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPurge)]
pub struct Body {
    /// Surrogate keys: 1 to 128 visible ASCII characters without a comma.
    #[serde(default)]
    #[schema(example = json!(["list:ragas"]))]
    tags: Vec<String>,
    /// Addresses with scheme and host, each with all its variants, by `http` and by `https`.
    #[serde(default)]
    urls: Vec<String>,
    /// `host/path`: everything below the path, whole segments.
    #[serde(default)]
    prefixes: Vec<String>,
    /// Everything of a host.
    #[serde(default)]
    hosts: Vec<String>,
    /// Everything.
    #[serde(default)]
    all: bool,
    /// Confirmed with its origin before its next use, instead of gone. True where only keys are named.
    #[serde(default)]
    soft: Option<bool>,
    /// For whoever reads the audit trail: 1 to 500 characters.
    reason: String,
}

/// How long the answer may take.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// Milliseconds, at most 10,000, to wait for all live edges: 200 when they have it, else 202.
    #[serde(default)]
    wait_ms: u64,
}

/// Purges surrogate keys, addresses, prefixes, hosts or everything, on every edge of every region
#[utoipa::path(
    post,
    path = "/v1/admin/purges",
    params(
        Parameters,
        ("idempotency-key" = Option<String>, Header, description = "The same key is carried out once")),
    request_body = Body,
    responses(
        (status = 200, description = "Every live edge has it", body = Purge),
        (status = 202, description = "It is ordered; `edges` tells who has it", body = Purge),
        (status = 403, description = "Keys need `purge.tags`, anything else `purge.all`"),
        (status = 422, description = "Something of it was refused"),
        (status = 429, description = "Too many orders; see Retry-After"))
)]
pub async fn handler(
    authz: Authz<PurgeTags>,
    extract::State(state): extract::State<State>,
    context: Context,
    once: Idempotent,
    Query(Parameters { wait_ms }): Query<Parameters>,
    Json(body): Json<Body>,
) -> Result<Response> {
    let targets = targets(&body)?;
    let only_tags = targets.iter().all(|target| matches!(target, Target::Tag(_)));
    if !only_tags && authz.principal.role_for::<PurgeAll>().is_none() {
        return Err(Problem::forbidden(PurgeAll::NAME).into());
    }
    if wait_ms > WAIT_MS_MAX {
        return Err(Problem::field("wait_ms", "out_of_range", "At most 10,000 milliseconds.").into());
    }
    state.purges.take(context.now).map_err(Problem::throttled)?;
    let author = Author::of(&authz, context);
    let what = PurgeTargets {
        targets: targets.iter().map(Target::to_string).collect(),
        soft: body.soft.unwrap_or(only_tags),
    };
    let order = PurgeOrder {
        id: author.context.new_id(),
        what,
        reason: body.reason.trim().to_owned(),
        ordered_by: author.actor.name.clone(),
        at: author.context.now,
    };
    match save(&state, &author, once, &body, &order).await? {
        Some(before) => Ok(before),
        None => awaited(&state, order, Duration::from_millis(wait_ms)).await,
    }
}

/// Order, audit and event in one transaction; or the answer that was given before.
async fn save(
    state: &State,
    author: &Author,
    once: Idempotent,
    body: &Body,
    order: &PurgeOrder,
) -> Result<Option<Response>> {
    let mut tx = state.writer.begin("purge.create").await?;
    let once = match once.begin(&mut tx, "POST /v1/admin/purges", body, author).await? {
        Answered::Before(response) => return Ok(Some(response)),
        Answered::NotYet(once) => once,
    };
    tx.purge_insert(order).await?;
    let PurgeTargets { targets, soft } = &order.what;
    let note = json!({"purge": order.id, "targets": targets, "soft": soft, "reason": order.reason});
    tx.audit_note(&author.audit(), "purge_order", None, note).await?;
    let row = PurgeRow { order: order.clone(), position: None, epoch: None };
    once.finish(&mut tx, StatusCode::ACCEPTED, &Purge::of(row, &[])).await?;
    tx.commit().await?;
    tracing::info!(purge = %order.id, targets = targets.len(), soft, "Ordered a purge");
    Ok(None)
}

/// The order is safe; what follows is watching.
async fn awaited(state: &State, order: PurgeOrder, wait: Duration) -> Result<Response> {
    let began = Instant::now();
    let id = order.id;
    let mut purge = Purge::of(PurgeRow { order, position: None, epoch: None }, &[]);
    loop {
        // A database that does not answer now has taken the order all the same.
        if let Ok(Some(row)) = state.writer.purge(id).await {
            purge = Purge::of(row, &state.reach.look().await);
        }
        let elapsed = began.elapsed();
        let is_over = elapsed >= wait && (purge.seq.is_some() || elapsed >= POSITION_WAIT);
        if purge.done || is_over {
            let done = purge.done && !wait.is_zero();
            let status = if done { StatusCode::OK } else { StatusCode::ACCEPTED };
            return Ok((status, Json(purge)).into_response());
        }
        sleep(LOOK_INTERVAL).await;
    }
}

/// Reads one item of a list; none where it is malformed.
type Read = fn(&str) -> Option<Target>;

fn targets(body: &Body) -> std::result::Result<Vec<Target>, Problem> {
    let lists: [(&str, &[String], Read); 4] = [
        ("tags", &body.tags, tag),
        ("urls", &body.urls, url),
        ("prefixes", &body.prefixes, prefix),
        ("hosts", &body.hosts, host),
    ];
    let count = lists.iter().map(|(_, items, _)| items.len()).sum::<usize>() + usize::from(body.all);
    let mut refused = Vec::new();
    if !(1..=TARGETS_MAX).contains(&count) {
        refused.push(FieldError::new(
            "",
            "out_of_range",
            format!("Name 1 to {TARGETS_MAX} things to purge."),
        ));
    }
    if !(1..=REASON_CHARS_MAX).contains(&body.reason.trim().chars().count()) || body.reason.contains('\0') {
        refused.push(FieldError::new("/reason", "out_of_range", "1 to 500 characters."));
    }
    let mut targets = if body.all { vec![Target::All] } else { Vec::new() };
    for (name, items, read) in lists {
        for (index, item) in items.iter().enumerate().take(TARGETS_MAX) {
            match read(item) {
                Some(target) => targets.push(target),
                None => refused.push(FieldError::new(format!("/{name}/{index}"), "malformed", form(name))),
            }
        }
    }
    targets.sort_unstable();
    targets.dedup();
    if refused.is_empty() { Ok(targets) } else { Err(Problem::validation(refused)) }
}

fn form(list: &str) -> String {
    match list {
        "tags" => format!("A key is 1 to {TAG_BYTES_MAX} visible ASCII characters without a comma."),
        "urls" => format!("`https://host/path?query`, at most {ADDRESS_BYTES_MAX} bytes of visible ASCII."),
        "prefixes" => "`host/path` without a query, in visible ASCII.".to_owned(),
        _ => "`host` or `host:port`, in visible ASCII.".to_owned(),
    }
}

fn tag(text: &str) -> Option<Target> {
    // What a key cannot be, an address or everything is: those have lists of their own.
    (is_tag(text) && text != Target::ALL).then(|| Target::Tag(text.to_owned()))
}

fn url(text: &str) -> Option<Target> {
    let url = address(text)?;
    let is_plain = matches!(url.scheme(), "http" | "https") && url.fragment().is_none();
    is_plain.then(|| Target::Url(text.to_owned()))
}

fn prefix(text: &str) -> Option<Target> {
    let url = address(&format!("http://{text}"))?;
    let has_path = text.contains('/') && url.query().is_none() && url.fragment().is_none();
    has_path.then(|| Target::Prefix(text.to_owned()))
}

fn host(text: &str) -> Option<Target> {
    let url = address(&format!("http://{text}"))?;
    let is_bare = !text.contains(['/', '?', '#', '\\']) && url.path() == "/";
    is_bare.then(|| Target::Host(text.to_ascii_lowercase()))
}

/// An address without a user in it.
fn address(text: &str) -> Option<Url> {
    let fits = text.len() <= ADDRESS_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
    let url = Url::parse(text).ok().filter(|_| fits)?;
    (url.has_host() && url.username().is_empty() && url.password().is_none()).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(json: serde_json::Value) -> Body {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn every_list_is_read() {
        let body = body(json!({
            "tags": ["raga:kalyani", "list:ragas", "list:ragas"], "urls": ["https://a.test/x?y=1"],
            "prefixes": ["A.test:81/v1"], "hosts": ["A.test"], "all": true, "reason": "a test",
        }));
        let texts: Vec<String> = targets(&body).unwrap().iter().map(Target::to_string).collect();
        let expected = [
            "list:ragas",
            "raga:kalyani",
            "url https://a.test/x?y=1",
            "prefix A.test:81/v1",
            "host a.test",
            "all",
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn what_cannot_be_purged_is_refused_with_its_place() {
        let long = "x".repeat(129);
        let table = [
            (json!({"tags": ["a b"], "reason": "r"}), "/tags/0"),
            (json!({"tags": ["ok", "all"], "reason": "r"}), "/tags/1"),
            (json!({"tags": [long], "reason": "r"}), "/tags/0"),
            (json!({"tags": ["ä"], "reason": "r"}), "/tags/0"),
            (json!({"urls": ["/relative"], "reason": "r"}), "/urls/0"),
            (json!({"urls": ["ftp://a.test/"], "reason": "r"}), "/urls/0"),
            (json!({"urls": ["http://u:p@a.test/"], "reason": "r"}), "/urls/0"),
            (json!({"urls": ["http://a.test/\t"], "reason": "r"}), "/urls/0"),
            (json!({"prefixes": ["a.test"], "reason": "r"}), "/prefixes/0"),
            (json!({"prefixes": ["a.test/x?y"], "reason": "r"}), "/prefixes/0"),
            (json!({"hosts": ["a.test/x"], "reason": "r"}), "/hosts/0"),
            (json!({"hosts": [""], "reason": "r"}), "/hosts/0"),
            (json!({"all": true, "reason": " "}), "/reason"),
            (json!({"reason": "r"}), ""),
            (json!({"tags": vec!["t"; 257], "reason": "r"}), ""),
        ];
        for (json, place) in table {
            let problem = targets(&body(json.clone())).unwrap_err();
            assert_eq!(problem.errors()[0].field, place, "{json}");
        }
    }
}
