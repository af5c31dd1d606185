//! Which upstream a request belongs to, and which methods it may use there: the whole table.

use http::Method;

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The public API of the nearest healthy region: reads, cached.
    Public,
    /// The admin API of the region with the primary: never cached, never tried twice, never elsewhere.
    Admin,
}

/// A path prefix and what stands behind it.
struct Route {
    prefix: &'static str,
    target: Target,
    /// `None` allows every method.
    methods: Option<&'static [Method]>,
}

/// Methods without effect at the origin.
const READS: &[Method] = &[Method::GET, Method::HEAD, Method::OPTIONS];

/// The first row that fits decides.
const ROUTES: [Route; 4] = [
    Route { prefix: "/v1/admin", target: Target::Admin, methods: None },
    // The one thing that readers write: only the role that holds a writer can take it.
    Route { prefix: "/v1/reports", target: Target::Admin, methods: Some(&[Method::POST]) },
    Route { prefix: "/reports", target: Target::Admin, methods: Some(&[Method::POST]) },
    Route { prefix: "/", target: Target::Public, methods: Some(READS) },
];

/// The value of `Allow` where a method is refused at `path`.
pub(crate) fn allowed(path: &str) -> &'static str {
    if fits(path, "/v1/reports") || fits(path, "/reports") { "POST" } else { crate::front::respond::READS }
}

/// Finds the target of a normalised path; `None` where the method is not allowed there.
pub(crate) fn route(path: &str, method: &Method) -> Option<Target> {
    let row = ROUTES.iter().find(|row| fits(path, row.prefix))?;
    row.methods.is_none_or(|methods| methods.contains(method)).then_some(row.target)
}

fn fits(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || prefix.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admin_paths_go_to_the_admin_api_and_nothing_else_does() {
        let table = [
            ("/v1/admin", Method::POST, Some(Target::Admin)),
            ("/v1/admin/compositions", Method::GET, Some(Target::Admin)),
            ("/v1/administrators", Method::GET, Some(Target::Public)),
            ("/v1/ragas", Method::GET, Some(Target::Public)),
            ("/v1/ragas", Method::OPTIONS, Some(Target::Public)),
            ("/", Method::HEAD, Some(Target::Public)),
            ("/v1/ragas", Method::POST, None),
            ("/v1/administrators", Method::DELETE, None),
            ("/v1/reports", Method::POST, Some(Target::Admin)),
            ("/v1/reports", Method::GET, None),
            ("/reports", Method::POST, Some(Target::Admin)),
            ("/reports", Method::GET, None),
            ("/v1/reportsx", Method::POST, None),
        ];
        for (path, method, target) in table {
            assert_eq!(route(path, &method), target, "{method} {path}");
        }
    }
}
