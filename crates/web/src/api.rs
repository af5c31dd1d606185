//! An API: its endpoints, and everything that is made out of them.

use crate::endpoint::{Access, Endpoint};
use crate::problem::{Problem, ProblemBody};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use domain::Clock;
use domain::metrics::Metrics;
use http::Method;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, PathsBuilder};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Response, ResponseBuilder, Schema,
};
use utoipa::{PartialSchema, ToSchema};

/// A set of endpoints over the state `S`: one value makes the router, the document and the list of routes,
/// so that none of them can know a route that the others do not.
pub struct Api<S> {
    title: &'static str,
    description: &'static str,
    endpoints: Vec<Endpoint<S>>,
    problem_page: Option<ProblemPage>,
    is_compressed: bool,
}

/// A refusal as people read it: the same facts as in the document that programs get. The query of what was asked
/// says in which language.
pub type ProblemPage = fn(&ProblemBody, query: &str) -> axum::response::Response;

/// One route, as ratchet tests and documents list it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Route {
    /// The method, upper case.
    pub method: String,
    /// The path with its parameters in braces.
    pub path: String,
    /// Who may call it, and how long its answers live.
    pub access: Access,
}

/// What the kit needs beside the endpoints; clones share their instruments, so one is made a process.
#[derive(Clone, Debug)]
pub struct Kit {
    clock: Clock,
    limits: Limits,
    seconds: Family<Labels, Histogram>,
}

/// Method, route and class of status: bounded, however odd the requests.
type Labels = [(&'static str, String); 3];

const SECONDS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

impl Kit {
    /// A kit that gives requests the time of `clock` and reports `http_request_seconds` to `metrics`.
    pub fn new(clock: Clock, metrics: &Metrics, limits: Limits) -> Self {
        let seconds = Family::<Labels, Histogram>::new_with_constructor(|| Histogram::new(SECONDS));
        let seconds = metrics.register("http_request_seconds", "Time to an answer, by route", seconds);
        Self { clock, limits, seconds }
    }

    /// Bounds of one request.
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    pub(crate) const fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn measure(&self, method: &Method, route: &str, status: u16, elapsed: Duration) {
        // A method is any token; only those that a route can have become labels.
        let known = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE].contains(method);
        let method = if known { method.as_str() } else { "other" };
        let labels = [
            ("method", method.to_owned()),
            ("route", route.to_owned()),
            ("status", format!("{}xx", status / 100)),
        ];
        self.seconds.get_or_create(&labels).observe(elapsed.as_secs_f64());
    }
}

/// Bounds of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The longest body, in bytes; longer ones are 413.
    pub body_bytes_max: usize,
    /// The longest time for an answer, in milliseconds; after it 503.
    pub request_ms_max: u64,
    /// The longest header section, in bytes; longer ones are 431.
    pub header_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body_bytes_max: 1024 * 1024, request_ms_max: 30_000, header_bytes_max: 16 * 1024 }
    }
}

impl<S: Clone + Send + Sync + 'static> Api<S> {
    /// An API without endpoints.
    pub const fn new(title: &'static str, description: &'static str) -> Self {
        Self { title, description, endpoints: Vec::new(), problem_page: None, is_compressed: false }
    }

    /// Outside `/v1`, refusals are written by `page`, unless the client asks for JSON.
    #[must_use]
    pub const fn with_problem_page(mut self, page: ProblemPage) -> Self {
        self.problem_page = Some(page);
        self
    }

    /// Texts are compressed for clients that say so. Only for answers that hold nothing secret: their length tells
    /// something about what is in them.
    #[must_use]
    pub const fn compressed(mut self) -> Self {
        self.is_compressed = true;
        self
    }

    /// Adds an endpoint.
    ///
    /// # Panics
    /// Where its method and path are taken: a mistake in the table of routes, found by the first test.
    #[must_use]
    pub fn with(mut self, endpoint: Endpoint<S>) -> Self {
        let (method, path) = (&endpoint.document.method, &endpoint.document.path);
        let taken = self
            .endpoints
            .iter()
            .any(|other| other.document.method == method && other.document.path == *path);
        assert!(!taken, "{method} {path} is listed twice");
        self.endpoints.push(endpoint);
        self
    }

    /// Every route in the order of the table.
    pub fn routes(&self) -> Vec<Route> {
        let route = |endpoint: &Endpoint<S>| Route {
            method: endpoint.document.method.to_string(),
            path: endpoint.document.path.clone(),
            access: endpoint.access,
        };
        self.endpoints.iter().map(route).collect()
    }

    /// The OpenAPI 3.1 document.
    pub fn openapi(&self) -> OpenApi {
        let mut paths = PathsBuilder::new();
        let mut schemas = BTreeMap::from([(ProblemBody::name().into_owned(), ProblemBody::schema())]);
        let mut nested = Vec::new();
        ProblemBody::schemas(&mut nested);
        for endpoint in self.endpoints.iter().filter(|endpoint| endpoint.document.listed) {
            nested.extend(endpoint.document.schemas.iter().cloned());
            let mut item = utoipa::openapi::PathItem::default();
            *operation_slot(&mut item, &endpoint.document.method) = Some(operation(endpoint));
            paths = paths.path(&endpoint.document.path, item);
        }
        schemas.extend(nested);
        let info =
            InfoBuilder::new().title(self.title).description(Some(self.description)).version("1").build();
        let components = ComponentsBuilder::new().schemas_from_iter(schemas);
        let components =
            if self.endpoints.iter().any(|endpoint| matches!(endpoint.access, Access::Permission(_))) {
                let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("sgp_…").build();
                components.security_scheme(SCHEME, SecurityScheme::Http(bearer))
            } else {
                components
            };
        OpenApiBuilder::new().info(info).paths(paths).components(Some(components.build())).build()
    }

    /// The OpenAPI document with its keys in order, as it is checked in and served.
    ///
    /// # Errors
    /// Only where a schema holds what JSON cannot.
    pub fn openapi_json(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(self.openapi())
    }

    /// The router with everything that each request goes through: limits, context, log, metrics, and
    /// problems for what matches no route.
    pub fn into_router(self, state: S, kit: Kit) -> Router {
        let mut router = Router::new();
        let problem_page = self.problem_page;
        for endpoint in self.endpoints {
            router = router.route(&endpoint.document.path, endpoint.route);
        }
        if self.is_compressed {
            router = router.layer(axum::middleware::from_fn(crate::compress::compress));
        }
        router
            .fallback(async || Problem::not_found())
            .method_not_allowed_fallback(async || Problem::method_not_allowed())
            .layer(DefaultBodyLimit::max(kit.limits.body_bytes_max))
            .layer(axum::middleware::from_fn_with_state((kit, problem_page), crate::log::observe))
            .with_state(state)
    }
}

const SCHEME: &str = "api_key";

/// The operation with what the kit knows of it: its name, its permission or policy, its refusals.
fn operation<S>(endpoint: &Endpoint<S>) -> Operation {
    let mut operation = endpoint.document.operation.clone();
    operation.operation_id = Some(operation_id(&endpoint.document.method, &endpoint.document.path));
    operation.tags = Some(vec![tag(&endpoint.document.path)]);
    let extensions = ExtensionsBuilder::new();
    let extensions = match endpoint.access {
        Access::Public(policy) => extensions.add("x-cache-policy", json!(policy)),
        Access::Permission(name) => {
            operation.security = Some(vec![SecurityRequirement::new(SCHEME, [] as [&str; 0])]);
            extensions.add("x-permission", json!(name))
        }
        Access::Secret => extensions.add("x-secret", json!(true)),
    };
    operation.extensions = Some(extensions.build());
    operation.responses.responses.entry("default".to_owned()).or_insert_with(|| RefOr::T(problem_response()));
    operation
}

fn problem_response() -> Response {
    let schema: RefOr<Schema> = Ref::from_schema_name(ProblemBody::name()).into();
    ResponseBuilder::new()
        .description("A problem (RFC 9457)")
        .content("application/problem+json", ContentBuilder::new().schema(Some(schema)).build())
        .build()
}

/// `get_compositions_by_ref_texts`: unique because method and path are.
fn operation_id(method: &Method, path: &str) -> String {
    let segments = path.split('/').filter(|segment| !matches!(*segment, "" | "v1"));
    let mut name = method.as_str().to_lowercase();
    for segment in segments {
        name.push('_');
        match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(parameter) => name.extend(["by_", parameter]),
            None => name.push_str(&segment.replace(['-', '.'], "_")),
        }
    }
    name
}

/// The collection that a path belongs to.
fn tag(path: &str) -> String {
    let mut segments = path.split('/').filter(|segment| !matches!(*segment, "" | "v1" | "admin"));
    segments.next().unwrap_or("root").to_owned()
}

fn operation_slot<'a>(item: &'a mut utoipa::openapi::PathItem, method: &Method) -> &'a mut Option<Operation> {
    match *method {
        Method::POST => &mut item.post,
        Method::PUT => &mut item.put,
        Method::DELETE => &mut item.delete,
        Method::OPTIONS => &mut item.options,
        Method::HEAD => &mut item.head,
        Method::PATCH => &mut item.patch,
        Method::TRACE => &mut item.trace,
        _ => &mut item.get,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Authenticate, Authz, CachePolicy, Context, Json, Query, endpoint, guarded};
    use auth::permission::{AccessManage, CompositionRead};
    use auth::{ApiKey, Principal};
    use axum::body::Body;
    use axum::response::IntoResponse;
    use chrono::DateTime;
    use domain::Role;
    use http::{Request, StatusCode};
    use http_body_util::BodyExt;
    use rand::SeedableRng;
    use tower::ServiceExt;
    use uuid::Uuid;

    #[derive(Clone)]
    struct State {
        key: ApiKey,
    }

    impl Authenticate for State {
        async fn authenticate(&self, key: &ApiKey) -> Result<Option<Principal>, Problem> {
            Ok((*key == self.key).then(|| Principal {
                account: Uuid::from_u128(1),
                name: "asha".to_owned(),
                roles: vec![Role::Viewer],
                key: Uuid::from_u128(2),
                expires_at: DateTime::UNIX_EPOCH + chrono::Duration::hours(1),
            }))
        }
    }

    mod open {
        use super::*;

        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Parameters {
            fail: Option<bool>,
        }

        #[utoipa::path(get, path = "/v1/songs/{ref}/texts", responses((status = 200, description = "Texts")))]
        pub async fn handler(Query(query): Query<Parameters>) -> Result<&'static str, Problem> {
            assert!(query.fail != Some(true), "asked to");
            if query.fail == Some(false) { Err(Problem::not_found()) } else { Ok("text") }
        }
    }

    mod read {
        use super::*;

        #[utoipa::path(get, path = "/v1/admin/songs", responses((status = 200, description = "Songs")))]
        pub async fn handler(authz: Authz<CompositionRead>, context: Context) -> impl IntoResponse {
            format!("{} {}", authz.principal.name, context.now)
        }
    }

    mod manage {
        use super::*;

        #[derive(Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct Body {
            pub name: String,
        }

        #[utoipa::path(post, path = "/v1/admin/songs", request_body = Body, responses((status = 200, description = "Made")))]
        pub async fn handler(_: Authz<AccessManage>, Json(body): Json<Body>) -> String {
            body.name
        }
    }

    mod make {
        use super::*;

        #[utoipa::path(post, path = "/v1/songs", responses((status = 200, description = "Made")))]
        pub async fn handler(Json(body): Json<manage::Body>) -> String {
            body.name
        }
    }

    fn api() -> Api<State> {
        Api::new("Songs", "Songs.")
            .with(endpoint!(open, CachePolicy::Detail))
            .with(endpoint!(make, CachePolicy::NoStore))
            .with(guarded!(read))
            .with(guarded!(manage))
    }

    fn key() -> ApiKey {
        ApiKey::generate(&mut rand::rngs::StdRng::seed_from_u64(1)).0
    }

    struct Answer {
        status: StatusCode,
        headers: http::HeaderMap,
        body: String,
    }

    impl Answer {
        fn problem(&self) -> ProblemBody {
            assert_eq!(self.headers["content-type"], "application/problem+json", "{}", self.body);
            serde_json::from_str(&self.body).unwrap()
        }
    }

    async fn ask_at(clock: Clock, request: Request<Body>) -> Answer {
        let limits = Limits { body_bytes_max: 64, header_bytes_max: 1_000, ..Limits::default() };
        let router = api().into_router(State { key: key() }, Kit::new(clock, &Metrics::default(), limits));
        let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn ask(request: http::request::Builder, body: impl Into<Body>) -> Answer {
        ask_at(Clock::fixed(DateTime::UNIX_EPOCH), request.body(body.into()).unwrap()).await
    }

    fn bearer(key: &str) -> String {
        format!("Bearer {key}")
    }

    #[tokio::test]
    async fn public_answer_is_kept_and_its_error_is_not() {
        let good = ask(Request::get("/v1/songs/a/texts"), ()).await;
        assert_eq!(good.status, 200);
        assert_eq!(good.headers["cache-control"], CachePolicy::Detail.cache_control());
        assert!(good.headers.contains_key("x-request-id"));
        let bad = ask(Request::get("/v1/songs/a/texts?fail=false"), ()).await;
        assert_eq!(
            (bad.status, &bad.headers["cache-control"]),
            (StatusCode::NOT_FOUND, &"no-store".parse().unwrap())
        );
    }

    #[tokio::test]
    async fn problem_names_the_request_of_the_edge() {
        let answer = ask(Request::get("/v1/nothing").header("x-request-id", "edge-7"), ()).await;
        assert_eq!(answer.problem().request_id.as_deref(), Some("edge-7"));
        assert_eq!(answer.headers["x-request-id"], "edge-7");
        assert_eq!(answer.problem().code, "not_found");
    }

    #[tokio::test]
    async fn other_method_and_unknown_parameter_are_problems() {
        let method = ask(Request::delete("/v1/songs"), ()).await;
        assert_eq!(
            (method.status, method.problem().code.as_str()),
            (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed")
        );
        assert_eq!(method.headers["allow"], "POST");
        let unknown = ask(Request::get("/v1/songs/a/texts?x=1"), ()).await;
        assert_eq!((unknown.status.as_u16(), unknown.problem().errors[0].field.as_str()), (422, "/x"));
    }

    #[tokio::test]
    async fn panic_is_a_problem_without_its_message() {
        let answer = ask(Request::get("/v1/songs/a/texts?fail=true"), ()).await;
        assert_eq!((answer.status.as_u16(), answer.problem().code.as_str()), (500, "internal"));
        assert!(!answer.body.contains("asked to"));
    }

    #[tokio::test]
    async fn body_limit_holds_without_a_content_length() {
        let chunk = || Ok::<_, std::io::Error>("{\"name\":\"aaaaaaaaaaaaaaaaaaaaaaaaa");
        let chunked = Body::from_stream(futures_util::stream::iter((0..4).map(move |_| chunk())));
        let answer =
            ask(Request::post("/v1/songs").header("content-type", "application/json"), chunked).await;
        assert_eq!((answer.status.as_u16(), answer.problem().code.as_str()), (413, "too_large"));
    }

    #[tokio::test]
    async fn body_is_json_or_refused() {
        let answer = ask(Request::post("/v1/songs").header("content-type", "text/plain"), "{}").await;
        assert_eq!(answer.status, 415);
        let answer = ask(Request::post("/v1/songs").header("content-type", "application/json"), "{").await;
        assert_eq!((answer.status.as_u16(), answer.problem().code.as_str()), (400, "bad_request"));
        let answer =
            ask(Request::post("/v1/songs").header("content-type", "application/json"), r#"{"nam":""}"#).await;
        assert_eq!((answer.status.as_u16(), answer.problem().errors[0].field.as_str()), (422, "/nam"));
    }

    #[tokio::test]
    async fn long_headers_are_refused() {
        let answer = ask(Request::get("/v1/songs/a/texts").header("x-long", "a".repeat(2_000)), ()).await;
        assert_eq!(answer.status, 431);
    }

    #[tokio::test]
    async fn guarded_endpoint_wants_a_good_key_with_the_permission() {
        let key = bearer(key().reveal());
        let stranger = bearer(ApiKey::generate(&mut rand::rngs::StdRng::seed_from_u64(2)).0.reveal());
        for bad in ["", "Bearer", "Bearer x", "Basic abc", &stranger] {
            let answer = ask(Request::get("/v1/admin/songs").header("authorization", bad), ()).await;
            assert_eq!(
                (answer.status.as_u16(), &answer.headers["www-authenticate"]),
                (401, &"Bearer".parse().unwrap()),
                "{bad}"
            );
        }
        let good = ask(Request::get("/v1/admin/songs").header("authorization", &key), ()).await;
        assert_eq!(
            (good.status.as_u16(), &good.headers["cache-control"]),
            (200, &"no-store".parse().unwrap())
        );
        let denied =
            ask(Request::post("/v1/admin/songs").header("authorization", &key), "not even JSON").await;
        assert_eq!((denied.status.as_u16(), denied.problem().code.as_str()), (403, "forbidden"));
    }

    #[tokio::test]
    async fn expired_key_is_no_key() {
        let clock = Clock::fixed(DateTime::UNIX_EPOCH + chrono::Duration::hours(1));
        let request = Request::get("/v1/admin/songs")
            .header("authorization", bearer(key().reveal()))
            .body(Body::empty());
        assert_eq!(ask_at(clock, request.unwrap()).await.status, 401);
    }

    #[test]
    fn document_has_every_route_with_its_access() {
        let api = api();
        let document = api.openapi_json().unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        for route in api.routes() {
            let operation = &document["paths"][&route.path][route.method.to_lowercase()];
            match route.access {
                Access::Public(policy) => assert_eq!(operation["x-cache-policy"], json!(policy)),
                Access::Permission(name) => assert_eq!(operation["x-permission"], name),
                Access::Secret => assert_eq!(operation["x-secret"], true),
            }
            assert!(operation["responses"]["default"].is_object());
        }
        assert_eq!(
            document["paths"]["/v1/songs/{ref}/texts"]["get"]["operationId"],
            "get_songs_by_ref_texts"
        );
        assert_eq!(document["paths"]["/v1/admin/songs"]["post"]["x-permission"], "access.manage");
        assert!(document["components"]["schemas"]["FieldError"].is_object());
    }

    #[test]
    #[should_panic(expected = "GET /v1/admin/songs is listed twice")]
    fn route_listed_twice_is_refused() {
        let _ = api().with(guarded!(read));
    }
}
