//! An endpoint: handler, document, and who may see the answer for how long, as one value.

use crate::caching::CachePolicy;
use crate::guard::Guarded;
use axum::handler::Handler;
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, on};
use http::header::CACHE_CONTROL;
use http::{HeaderValue, Method};
use serde::Serialize;
use utoipa::__dev::SchemaReferences;
use utoipa::openapi::path::{HttpMethod, Operation};
use utoipa::openapi::{RefOr, Schema};

/// Who may call an endpoint, and whether its answers may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Anybody; answers are kept by the policy.
    Public(CachePolicy),
    /// Principals with this permission; answers are never kept.
    Permission(&'static str),
    /// The request proves itself by a secret in its body; answers are never kept.
    Secret,
}

/// One method of one path. Made by [`crate::endpoint!`], [`crate::guarded!`] and [`crate::with_secret!`].
pub struct Endpoint<S> {
    pub(crate) document: Document,
    pub(crate) access: Access,
    pub(crate) route: MethodRouter<S>,
}

/// What `#[utoipa::path]` says of a handler.
pub struct Document {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) operation: Operation,
    pub(crate) schemas: Vec<(String, RefOr<Schema>)>,
    /// False for a page: it is a route like any other, but no part of the API.
    pub(crate) listed: bool,
}

impl Document {
    /// Reads the document that the attribute generated.
    ///
    /// # Panics
    /// Where the attribute names several methods, or TRACE: an endpoint is one method.
    pub fn of<P: utoipa::Path + SchemaReferences>() -> Self {
        let mut schemas = Vec::new();
        P::schemas(&mut schemas);
        let methods = P::methods();
        assert!(methods.len() == 1, "{} names {} methods", P::path(), methods.len());
        let method = method(&methods[0]);
        Self { method, path: P::path(), operation: P::operation(), schemas, listed: true }
    }

    /// A page for people at `path`, which the OpenAPI document does not list.
    fn page(path: &str) -> Self {
        let operation = Operation::default();
        Self { method: Method::GET, path: path.to_owned(), operation, schemas: Vec::new(), listed: false }
    }
}

impl<S: Clone + Send + Sync + 'static> Endpoint<S> {
    /// An endpoint for anybody, whose answers are kept by `policy`.
    pub fn public<H, T>(document: Document, handler: H, policy: CachePolicy) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        let route = on(filter(&document.method), handler);
        let layer = axum::middleware::map_response(move |mut response: Response| async move {
            policy.apply(response.status(), response.headers_mut());
            response
        });
        Self { document, access: Access::Public(policy), route: route.route_layer(layer) }
    }

    /// A page for people at `path`, whose answers are kept by `policy`.
    pub fn page<H, T>(path: &str, handler: H, policy: CachePolicy) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        Self::public(Document::page(path), handler, policy)
    }

    /// An endpoint for principals: does not compile for a handler whose first argument is not
    /// [`crate::Authz`].
    pub fn guarded<H, T>(document: Document, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: Guarded + 'static,
    {
        Self::uncached(document, handler, Access::Permission(T::PERMISSION))
    }

    /// An endpoint whose request proves itself by a secret in its body, such as a setup token.
    pub fn with_secret<H, T>(document: Document, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        Self::uncached(document, handler, Access::Secret)
    }

    fn uncached<H, T>(document: Document, handler: H, access: Access) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        let route = on(filter(&document.method), handler);
        let layer = axum::middleware::map_response(|mut response: Response| async move {
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        });
        Self { document, access, route: route.route_layer(layer) }
    }
}

/// `endpoint!(compositions::list, CachePolicy::List)`: the public endpoint whose handler is the function
/// `handler` of the module, documented by `#[utoipa::path]`.
#[macro_export]
macro_rules! endpoint {
    ($($module:ident)::+, $policy:expr) => {
        $crate::endpoint::Endpoint::public(
            $crate::endpoint::Document::of::<$($module::)+__path_handler>(),
            $($module::)+handler,
            $policy,
        )
    };
}

/// `guarded!(compositions::publish)`: the same for principals; the permission is the handler's own
/// `Authz<P>`.
#[macro_export]
macro_rules! guarded {
    ($($module:ident)::+) => {
        $crate::endpoint::Endpoint::guarded(
            $crate::endpoint::Document::of::<$($module::)+__path_handler>(),
            $($module::)+handler,
        )
    };
}

/// `with_secret!(setup)`: the same where the body proves the request.
#[macro_export]
macro_rules! with_secret {
    ($($module:ident)::+) => {
        $crate::endpoint::Endpoint::with_secret(
            $crate::endpoint::Document::of::<$($module::)+__path_handler>(),
            $($module::)+handler,
        )
    };
}

fn method(method: &HttpMethod) -> Method {
    match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Trace => Method::TRACE,
    }
}

fn filter(method: &Method) -> MethodFilter {
    MethodFilter::try_from(method.clone()).expect("every method of the document has a filter")
}
