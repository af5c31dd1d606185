//! The one place that reads the process environment.

/// A variable, where it is set and not empty.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Every variable whose name begins with `prefix`, the prefix taken off.
pub fn with_prefix(prefix: &str) -> Vec<(String, String)> {
    let pairs = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    pairs.filter_map(|(name, value)| Some((name.strip_prefix(prefix)?.to_owned(), value))).collect()
}
