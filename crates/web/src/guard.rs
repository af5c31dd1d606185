//! Guarded endpoints: a handler says in its type what it needs, or it is no handler of a guarded API.

use crate::context::Context;
use crate::problem::Problem;
use auth::{ApiKey, Permission, Principal};
use axum::extract::FromRequestParts;
use domain::{Actor, Role};
use http::header::AUTHORIZATION;
use http::request::Parts;
use std::marker::PhantomData;

/// Whoever can tell the account behind an API key; the state of a guarded API implements it.
pub trait Authenticate: Send + Sync {
    /// The principal whose key this is; none where no such key is known or it was revoked.
    fn authenticate(&self, key: &ApiKey) -> impl Future<Output = Result<Option<Principal>, Problem>> + Send;
}

/// Proof that the principal of this request holds `P`. Made by extraction only: 401 without a good key, 403
/// without the permission, and both before anything else of the request is looked at.
#[derive(Clone, Debug)]
pub struct Authz<P> {
    /// Who asks.
    pub principal: Principal,
    /// The weakest of its roles that suffices, for the audit trail.
    pub role: Role,
    permission: PhantomData<P>,
}

impl<P> Authz<P> {
    /// The author of what this request changes.
    pub fn actor(&self) -> Actor {
        self.principal.actor()
    }
}

impl<P: Permission, S: Authenticate> FromRequestParts<S> for Authz<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let key = bearer_key(parts).ok_or_else(Problem::unauthorized)?;
        let principal = state.authenticate(&key).await?.ok_or_else(Problem::unauthorized)?;
        let now = Context::from_request_parts(parts, state).await?.now;
        if !principal.is_alive(now) {
            return Err(Problem::unauthorized());
        }
        let role = principal.role_for::<P>().ok_or_else(|| Problem::forbidden(P::NAME))?;
        Ok(Self { principal, role, permission: PhantomData })
    }
}

fn bearer_key(parts: &Parts) -> Option<ApiKey> {
    let (scheme, key) = parts.headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| ApiKey::parse(key.trim()).ok()).flatten()
}

/// The argument lists that begin with [`Authz`]; only handlers with one of them can be guarded.
///
/// ```
/// # use axum::handler::Handler;
/// # fn guarded<H: Handler<T, S>, T: web::guard::Guarded, S: web::Authenticate>(_handler: H) {}
/// # fn of<S: web::Authenticate + Clone + Send + Sync + 'static>() {
/// async fn list(_: web::Authz<auth::permission::CompositionRead>) {}
/// guarded::<_, _, S>(list);
/// # }
/// ```
///
/// A handler that asks for nothing does not compile as a guarded one:
///
/// ```compile_fail
/// # use axum::handler::Handler;
/// # fn guarded<H: Handler<T, S>, T: web::guard::Guarded, S: web::Authenticate>(_handler: H) {}
/// # fn of<S: web::Authenticate + Clone + Send + Sync + 'static>() {
/// async fn list() {}
/// guarded::<_, _, S>(list);
/// # }
/// ```
pub trait Guarded {
    /// The permission that the handler asks for.
    const PERMISSION: &'static str;
}

macro_rules! argument_lists {
    ($($argument:ident),*) => {
        impl<M, P: Permission, $($argument),*> Guarded for (M, Authz<P>, $($argument,)*) {
            const PERMISSION: &'static str = P::NAME;
        }
    };
}
argument_lists!();
argument_lists!(A);
argument_lists!(A, B);
argument_lists!(A, B, C);
argument_lists!(A, B, C, D);
argument_lists!(A, B, C, D, E);
argument_lists!(A, B, C, D, E, F);
