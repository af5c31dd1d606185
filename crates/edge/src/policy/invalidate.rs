//! What a request with an effect makes invalid (RFC 9111, section 4.4).

use http::header::{self, HeaderMap, HeaderName};
use http::uri::Authority;
use http::{Method, StatusCode, Uri};

/// Whether an answer to this method means that what is stored may be out of date.
pub(crate) fn invalidates(method: &Method, status: StatusCode) -> bool {
    !method.is_safe() && (status.is_success() || status.is_redirection())
}

/// The targets, on the same host, that become invalid with the one that was asked for: paths with query.
pub(crate) fn also(host: &str, target: &Uri, answer: &HeaderMap) -> Vec<String> {
    [header::LOCATION, header::CONTENT_LOCATION]
        .into_iter()
        .filter_map(|name| named(host, target, answer, &name))
        .collect()
}

fn named(host: &str, target: &Uri, answer: &HeaderMap, name: &HeaderName) -> Option<String> {
    let text = answer.get(name)?.to_str().ok()?;
    if let Some(rest) = text.strip_prefix("//") {
        return on_host(host, &format!("http://{rest}").parse().ok()?);
    }
    if text.starts_with('/') {
        return Some(text.split('#').next()?.to_owned());
    }
    match text.parse::<Uri>().ok().filter(|uri| uri.scheme().is_some()) {
        Some(uri) => on_host(host, &uri),
        None => relative(target.path(), text),
    }
}

/// Another host's caches are not ours to empty.
fn on_host(host: &str, uri: &Uri) -> Option<String> {
    let authority = uri.authority().map(Authority::as_str)?;
    let bare = |text: &str| {
        let text = text.to_ascii_lowercase();
        text.strip_suffix(":80").or_else(|| text.strip_suffix(":443")).map(str::to_owned).unwrap_or(text)
    };
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    (bare(authority) == bare(host)).then(|| target.to_owned())
}

fn relative(base: &str, text: &str) -> Option<String> {
    let text = text.split('#').next()?;
    // `a:b` would be another scheme, and nothing names the target itself.
    let plain = !text.is_empty() && !text.split('/').next()?.contains(':');
    let folder = base.rsplit_once('/').map_or("", |(folder, _)| folder);
    match text.strip_prefix('?') {
        Some(query) => Some(format!("{base}?{query}")),
        None => plain.then(|| format!("{folder}/{text}")),
    }
}
