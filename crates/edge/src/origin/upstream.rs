//! Origins: which one is asked, for how long, and when once more.

use super::budget::RetryBudget;
use super::dial::{self, Dialer};
use super::health::Health;
use super::pool::{Place, Pool};
use super::routes::{Patience, Routes};
use crate::body::{Body, Fault, Pace, Relay};
use crate::config::{Config, ms};
use crate::front::respond::Refusal;
use crate::see::reason::Reason;
use crate::see::telemetry::Telemetry;
use http::header::HOST;
use http::response::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use url::Url;

/// One kind of origin: the public API in order of nearness, or the admin API.
pub(crate) struct Upstream {
    name: &'static str,
    origins: Box<[Origin]>,
    routes: Routes,
    /// Whether origins are asked by their own name.
    own_host: bool,
    budget: RetryBudget,
    born: Instant,
    telemetry: Arc<Telemetry>,
}

/// A response's head with its body still to come, and the place at the origin that it occupies until then.
pub(crate) struct Answer {
    pub(crate) response: Response<Incoming>,
    place: Place,
    pub(crate) origin: usize,
    idle_max: Duration,
}

impl Answer {
    /// The head, and the body on its way.
    pub(crate) fn into_parts(self) -> (Parts, Relay) {
        let (head, body) = self.response.into_parts();
        (head, Relay::new(body, u64::MAX, self.idle_max).holding(self.place))
    }
}

/// What one request to the public API may still do.
pub(crate) struct Tries {
    left: u32,
    avoid: Option<usize>,
}

impl Tries {
    pub(crate) const fn new() -> Self {
        Self { left: 1, avoid: None }
    }
}

/// Why there is no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No connection: the request was never sent.
    Connect,
    /// The origin's certificate is not to be trusted, or there is no TLS with it: nothing was sent.
    Tls,
    /// The connection broke after the request was sent.
    Reset,
    Timeout,
    /// The origin has all the requests that it may have.
    Busy,
    /// The origin answered with something that makes no sense.
    Protocol,
}

impl Upstream {
    pub(crate) fn public(
        config: &Config,
        tls: Option<&Arc<ClientConfig>>,
        telemetry: Arc<Telemetry>,
    ) -> Self {
        let first_byte = ms(config.public_first_byte_ms_max);
        Self::new("public", (&config.public, first_byte), config, tls, telemetry)
    }

    pub(crate) fn admin(config: &Config, tls: Option<&Arc<ClientConfig>>, telemetry: Arc<Telemetry>) -> Self {
        let (origins, first_byte) = (std::slice::from_ref(&config.admin), ms(config.admin_first_byte_ms_max));
        Self::new("admin", (origins, first_byte), config, tls, telemetry)
    }

    fn new(
        name: &'static str,
        (origins, first_byte): (&[Url], Duration),
        config: &Config,
        tls: Option<&Arc<ClientConfig>>,
        telemetry: Arc<Telemetry>,
    ) -> Self {
        let (connect, idle) = (ms(config.connect_timeout_ms), ms(config.body_idle_ms_max));
        let everywhere = Patience { connect, first_byte, idle };
        Self {
            name,
            // All of them: none that cannot be asked is in a configuration that was checked.
            origins: origins.iter().filter_map(|url| Origin::new(url, config, tls)).collect(),
            routes: Routes::new(everywhere, &config.origin_routes),
            own_host: config.origin_host_own,
            budget: RetryBudget::new(),
            born: Instant::now(),
            telemetry,
        }
    }

    /// Sends a read; where it fails before a response that is worth having, once more to the next origin.
    pub(crate) async fn read(
        &self,
        method: &Method,
        target: &PathAndQuery,
        headers: impl Fn() -> HeaderMap,
        tries: &mut Tries,
    ) -> Result<Answer, Failure> {
        self.budget.earn();
        loop {
            let index = self.pick(tries.avoid).ok_or(Failure::Connect)?;
            let result = self.send(index, method.clone(), target, headers(), Body::EMPTY, None).await;
            let failure = match &result {
                Ok(answer) if !is_outage(answer.response.status()) => return result,
                Ok(_) => Failure::Protocol,
                Err(failure) => *failure,
            };
            if !self.may_retry(tries, index, failure) {
                return result;
            }
        }
    }

    /// Sends a request once, to the one origin: it may have an effect.
    pub(crate) async fn once(
        &self,
        method: Method,
        target: &PathAndQuery,
        headers: HeaderMap,
        body: Body,
        fault: &Fault,
    ) -> Result<Answer, Failure> {
        self.send(0, method, target, headers, body, Some(fault)).await
    }

    /// Takes note of a try that failed; true where another one is allowed.
    pub(crate) fn may_retry(&self, tries: &mut Tries, origin: usize, failure: Failure) -> bool {
        // Asking the same origin again helps only where a kept connection had died.
        let sensible = failure != Failure::Busy && (self.origins.len() > 1 || failure == Failure::Reset);
        if !sensible || tries.left == 0 || !self.budget.spend(self.now_ms()) {
            return false;
        }
        tries.left -= 1;
        tries.avoid = Some(origin);
        self.telemetry.retries.inc();
        true
    }

    /// Closes connections that have waited for too long.
    pub(crate) fn sweep(&self, now: Instant) {
        self.origins.iter().for_each(|origin| origin.pool.sweep(now));
    }

    /// Origins with their state, for the status report.
    pub(crate) fn report(&self) -> Vec<(String, bool)> {
        self.origins.iter().map(|origin| (origin.authority.to_string(), origin.health.is_up())).collect()
    }

    async fn send(
        &self,
        index: usize,
        method: Method,
        target: &PathAndQuery,
        headers: HeaderMap,
        mut body: Body,
        fault: Option<&Fault>,
    ) -> Result<Answer, Failure> {
        let pace = body.pace();
        let origin = self.origins.get(index).ok_or(Failure::Connect)?;
        let mut place = origin.pool.place().await.map_err(|failure| self.failed(origin, failure))?;
        let patience = self.routes.patience(target.path());
        let mut request = request(method, target, headers, body).ok_or(Failure::Protocol)?;
        if self.own_host {
            request.headers_mut().insert(HOST, origin.host.clone());
        }
        match within(patience.first_byte, pace, place.send(request, patience.connect)).await {
            // A client that breaks off its own body says nothing about the origin.
            Err(failure) if fault.is_some_and(Fault::any) => Err(failure),
            // Neither does what it may not be asked.
            Err(Failure::Busy) => Err(self.failed(origin, Failure::Busy)),
            Err(failure) => {
                origin.health.failed(self.now_ms());
                Err(self.failed(origin, failure))
            }
            Ok(response) => {
                if is_outage(response.status()) {
                    origin.health.failed(self.now_ms())
                } else {
                    origin.health.succeeded()
                }
                Ok(Answer { response, place, origin: index, idle_max: patience.idle })
            }
        }
    }

    /// Never 0, which stands for "up".
    fn now_ms(&self) -> u64 {
        1 + u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX / 2)
    }

    fn failed(&self, origin: &Origin, failure: Failure) -> Failure {
        self.telemetry.upstream_failed(self.name, failure.reason());
        tracing::debug!(
            upstream = self.name,
            origin = %origin.authority,
            reason = failure.reason().as_str(),
            "An origin did not answer"
        );
        failure
    }

    /// The nearest origin that is up; if none is, the nearest one all the same.
    fn pick(&self, avoid: Option<usize>) -> Option<usize> {
        let allowed = |index: &usize| Some(*index) != avoid;
        let indexes = || 0..self.origins.len();
        indexes()
            .filter(allowed)
            .find(|index| self.origins[*index].health.take_turn(self.now_ms()))
            .or_else(|| indexes().find(allowed))
            .or_else(|| indexes().next())
    }
}

/// What is sent, unless the origin takes longer than it may. The time in which a client's body does not come is not the
/// origin's: that body has a patience of its own.
async fn within<T>(
    longest: Duration,
    pace: Option<Pace>,
    sending: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let mut sending = pin!(sending);
    let mut due = Instant::now() + longest;
    loop {
        if let Ok(sent) = timeout_at(due, sending.as_mut()).await {
            return sent;
        }
        let later = pace.as_ref().map(|pace| pace.taken() + longest);
        due = later.filter(|later| *later > Instant::now()).ok_or(Failure::Timeout)?;
    }
}

/// Answers that another region may do better.
pub(crate) fn is_outage(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

impl Failure {
    pub(crate) const fn reason(self) -> Reason {
        match self {
            Self::Connect => Reason::Connect,
            Self::Tls => Reason::Tls,
            Self::Reset => Reason::Reset,
            Self::Timeout => Reason::Timeout,
            Self::Busy => Reason::Busy,
            Self::Protocol => Reason::Protocol,
        }
    }

    /// What the client is told.
    pub(crate) const fn refusal(self) -> Refusal {
        const RETRY_AFTER_S: u32 = 1;
        let reason = self.reason();
        match self {
            Self::Connect => {
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE, reason, "No origin can be reached.")
                    .retry_after(RETRY_AFTER_S)
            }
            Self::Busy => Refusal::new(StatusCode::SERVICE_UNAVAILABLE, reason, "The origin is busy.")
                .retry_after(RETRY_AFTER_S),
            Self::Tls => Refusal::new(
                StatusCode::BAD_GATEWAY,
                reason,
                "The origin did not prove who it is, or speaks no TLS.",
            ),
            Self::Reset => Refusal::new(StatusCode::BAD_GATEWAY, reason, "The origin broke the connection."),
            Self::Timeout => {
                Refusal::new(StatusCode::GATEWAY_TIMEOUT, reason, "The origin did not answer in time.")
            }
            Self::Protocol => {
                Refusal::new(StatusCode::BAD_GATEWAY, reason, "The origin's answer makes no sense.")
            }
        }
    }
}

pub(crate) fn client(config: &Config) -> Client<HttpConnector, Body> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(ms(config.connect_timeout_ms)));
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(ms(config.origin_idle_ms_max))
        .pool_max_idle_per_host(config.origin_idle_max)
        .build(connector)
}

struct Origin {
    authority: Authority,
    /// Its own name, as `Host` has it.
    host: HeaderValue,
    pool: Arc<Pool>,
    health: Health,
}

impl Origin {
    fn new(url: &Url, config: &Config, tls: Option<&Arc<ClientConfig>>) -> Option<Self> {
        let authority = authority(url)?;
        let host = match url.port() {
            Some(_) => HeaderValue::try_from(authority.as_str()).ok()?,
            None => HeaderValue::try_from(url.host_str()?).ok()?,
        };
        let pool = Arc::new(Pool::new(Dialer::new(url, authority.as_str(), tls)?, config));
        Some(Self { authority, host, pool, health: Health::new(ms(config.origin_down_ms_max)) })
    }
}

fn request(method: Method, target: &PathAndQuery, headers: HeaderMap, body: Body) -> Option<Request<Body>> {
    let mut parts = http::uri::Parts::default();
    parts.path_and_query = Some(target.clone());
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = Uri::from_parts(parts).ok()?;
    *request.headers_mut() = headers;
    Some(request)
}

/// Whether there can be an origin at an address.
pub(crate) fn is_askable(url: &Url) -> bool {
    authority(url).is_some() && (url.scheme() != "https" || dial::name(url).is_some())
}

pub(crate) fn authority(url: &Url) -> Option<Authority> {
    format!("{}:{}", url.host_str()?, url.port_or_known_default()?).parse().ok()
}

pub(crate) fn absolute(authority: &Authority, target: &PathAndQuery) -> Option<Uri> {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority.clone());
    parts.path_and_query = Some(target.clone());
    Uri::from_parts(parts).ok()
}

/// Between three quarters and five quarters of `ms`, so that edges do not return in step.
pub(crate) fn jittered(ms: u64) -> u64 {
    ms * 3 / 4 + rand::random_range(0..=ms / 2)
}
