//! An API of its own for each test, with an account for each role.

use admin::State;
use auth::{ApiKey, SetupToken};
use axum::Router;
use axum::body::Body;
use chrono::{DateTime, Duration, Utc};
use domain::metrics::Metrics;
use domain::{Clock, Policy, Record, Role};
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use store::NewApiKey;
use testkit::database::{self, Database, Opened};
use testkit::fixtures::{self, Refers};
use tower::ServiceExt;
use uuid::Uuid;
use web::{Kit, Limits};

pub struct App {
    pub database: Database,
    pub clock: Clock,
    router: Router,
    opened: Opened,
    keys: Vec<(Role, String)>,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

/// What is sent. Built by [`App::ask`].
pub struct Question<'a> {
    app: &'a App,
    key: Option<String>,
    request: http::request::Builder,
    body: Body,
}

impl App {
    /// None, loudly, where this machine has no PostgreSQL.
    pub async fn start() -> Option<Self> {
        let database = database::fresh().await?;
        let clock = fixtures::clock();
        let opened = database::open(&database.config(), clock.clone(), Metrics::default()).await;
        let writer = opened.store.writer.clone().unwrap();
        let limits = Limits { body_bytes_max: 64 * 1024, ..Limits::default() };
        let kit = Kit::new(clock.clone(), &Metrics::default(), limits);
        let router = admin::api().into_router(State::new(writer, Policy { four_eyes: true }), kit);
        let mut app = Self { database, clock, router, opened, keys: Vec::new() };
        for role in Role::ALL {
            let key = app.account(role.as_str(), &[role]).await;
            app.keys.push((role, key));
        }
        Some(app)
    }

    /// A new account with a key; answers the key.
    pub async fn account(&self, name: &str, roles: &[Role]) -> String {
        let (key, hash) = ApiKey::generate(&mut rand::rng());
        let account = Uuid::now_v7();
        let mut tx = self.opened.store.writer.clone().unwrap().begin("test.account").await.unwrap();
        tx.account_insert(account, name, roles).await.unwrap();
        let expires_at = self.now() + Duration::days(30);
        let key_row =
            NewApiKey { id: Uuid::now_v7(), account, label: "test".into(), hash: hash.0, expires_at };
        tx.api_key_insert(&key_row).await.unwrap();
        tx.commit().await.unwrap();
        key.reveal().to_owned()
    }

    /// A setup token, as the operator's command makes it.
    pub async fn setup_token(&self) -> String {
        let (token, hash) = SetupToken::generate(&mut rand::rng());
        let mut tx = self.opened.store.writer.clone().unwrap().begin("test.setup").await.unwrap();
        tx.setup_token_insert(&hash.0, self.now() + SetupToken::LIFE).await.unwrap();
        tx.commit().await.unwrap();
        token.reveal().to_owned()
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The key of the account that has this role only.
    pub fn key(&self, role: Role) -> &str {
        &self.keys.iter().find(|(of, _)| *of == role).unwrap().1
    }

    pub fn ask(&self, method: Method, path: &str) -> Question<'_> {
        let request = Request::builder().method(method).uri(path);
        Question { app: self, key: None, request, body: Body::empty() }
    }

    pub fn get(&self, path: &str) -> Question<'_> {
        self.ask(Method::GET, path).role(Role::Viewer)
    }

    /// Everything that a refused request must leave as it was.
    pub fn written(&self) -> String {
        self.database.sql(
            "select (select count(*) from aggregate), (select count(*) from revision), \
             (select count(*) from audit_entry), (select count(*) from outbox_event), \
             (select count(*) from idempotency_key), (select sum(row_version) from aggregate)",
        )
    }

    /// Adds reference data and answers its id.
    pub async fn add(&self, collection: &str, record: &Record) -> Uuid {
        let answer = self
            .ask(Method::POST, &format!("/v1/admin/{collection}"))
            .role(Role::Reviewer)
            .json(&json!(record))
            .send()
            .await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.id()
    }

    /// What a song refers to.
    pub async fn refers(&self) -> Refers {
        Refers {
            raga: self.add("ragas", &fixtures::mela(65)).await,
            tala: self.add("talas", &fixtures::adi()).await,
            composer: self.add("composers", &fixtures::composer("Tyāgarāja")).await,
            rights: self.add("rights", &fixtures::rights()).await,
        }
    }

    /// What the songs that are stored refer to.
    pub async fn refers_again(&self) -> Refers {
        let first = |collection: &'static str| async move {
            let page = self.get(&format!("/v1/admin/{collection}")).send().await;
            page.body["items"][0]["id"].as_str().unwrap().parse().unwrap()
        };
        let (raga, tala) = (first("ragas").await, first("talas").await);
        Refers { raga, tala, composer: first("composers").await, rights: first("rights").await }
    }

    /// A song in the state of a first draft.
    pub async fn draft(&self, title: &str) -> Answer {
        let song = fixtures::kriti(title, self.refers().await);
        let question = self.ask(Method::POST, "/v1/admin/compositions").role(Role::Editor).json(&json!(song));
        let answer = question.send().await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer
    }

    /// Moves a song along.
    pub async fn verb(&self, song: &Answer, role: Role, verb: &str, body: &Value) -> Answer {
        let path = format!("/v1/admin/compositions/{}/{verb}", song.id());
        self.ask(Method::POST, &path).role(role).if_match(song.row_version()).json(body).send().await
    }
}

impl Question<'_> {
    pub fn role(self, role: Role) -> Self {
        let key = self.app.key(role).to_owned();
        self.key(&key)
    }

    pub fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub fn if_match(self, version: i64) -> Self {
        self.header("if-match", &format!("\"{version}\""))
    }

    pub fn json(self, body: &Value) -> Self {
        self.text(body.to_string())
    }

    pub fn text(mut self, body: impl Into<String>) -> Self {
        self.body = Body::from(body.into());
        self.header("content-type", "application/json")
    }

    pub fn form(mut self, body: &str) -> Self {
        self.body = Body::from(body.to_owned());
        self.header("content-type", "application/x-www-form-urlencoded")
    }

    /// Sends it and answers status and text.
    pub async fn page(self) -> (u16, String) {
        let request = self.request.body(self.body).unwrap();
        let (parts, body) = self.app.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (parts.status.as_u16(), String::from_utf8(bytes.to_vec()).unwrap())
    }

    pub async fn send(mut self) -> Answer {
        if let Some(key) = &self.key {
            self.request = self.request.header("authorization", format!("Bearer {key}"));
        }
        let request = self.request.body(self.body).unwrap();
        let (parts, body) = self.app.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

impl Answer {
    pub fn id(&self) -> Uuid {
        self.body["id"].as_str().unwrap().parse().unwrap()
    }

    pub fn row_version(&self) -> i64 {
        let version = self.body["row_version"].as_i64().unwrap();
        assert_eq!(self.headers["etag"], format!("\"{version}\""));
        version
    }

    /// The pointer and the code of each refused field.
    pub fn fields(&self) -> Vec<(&str, &str)> {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{}", self.body);
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors
            .iter()
            .map(|error| (error["field"].as_str().unwrap(), error["code"].as_str().unwrap()))
            .collect()
    }

    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }
}
