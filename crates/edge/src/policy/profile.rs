//! What a route may do differently from the bare standard.

/// The choices that RFC 9111 leaves to a cache, and the ways in which a route may be stricter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    /// Fields that are meant for caches like us, the most specific first.
    pub(crate) targets: &'static [&'static str],
    /// The share of the time since `Last-Modified` for which an answer without any freshness is taken as fresh, in
    /// percent; 0 switches guessing off.
    pub(crate) heuristic_percent: u64,
    /// Whether `Date` counts for the age of an answer; off for origins with bad clocks.
    pub(crate) date_counts: bool,
    /// Whether requests may ask for fresher answers than ours: anyone could empty the cache with them.
    pub(crate) clients_decide: bool,
    /// Whether an answer that sets a cookie may be kept.
    pub(crate) cookies_kept: bool,
    /// Whether an error of the origin that says how long it is fresh may be kept.
    pub(crate) errors_kept: bool,
    /// Whether a request with credentials may use the cache at all.
    pub(crate) credentials_cached: bool,
    /// Request fields that an answer may vary by; empty for any.
    pub(crate) vary: &'static [&'static str],
    /// No answer is fresh for longer.
    pub(crate) freshness_s_max: u64,
    /// Freshness of a 404 or 410 that states none.
    pub(crate) negative_s: u64,
    /// How long past its freshness an answer may stand in for a failing origin, where it does not say.
    pub(crate) stale_if_error_s: u64,
    /// The longest time in memory for which an edge without news of purges trusts a tagged answer.
    pub(crate) blind_age_s_max: u64,
}

/// Ours first, then the one that every CDN knows.
const TARGETS: &[&str] = &["sangraha-cdn-cache-control", "cdn-cache-control"];

impl Profile {
    /// The standard and nothing else.
    pub(crate) const RFC: Self = Self {
        targets: TARGETS,
        heuristic_percent: 0,
        date_counts: true,
        clients_decide: true,
        cookies_kept: true,
        errors_kept: true,
        credentials_cached: true,
        vary: &[],
        freshness_s_max: super::control::CLAMP_S,
        negative_s: 0,
        stale_if_error_s: 86_400,
        blind_age_s_max: u64::MAX,
    };

    /// The routes of readers: nothing personal is kept, and nobody but the origin decides what is fresh.
    pub(crate) const READERS: Self = Self {
        clients_decide: false,
        cookies_kept: false,
        errors_kept: false,
        credentials_cached: false,
        vary: &["accept", "accept-encoding"],
        freshness_s_max: 7 * 86_400,
        negative_s: 10,
        blind_age_s_max: 30,
        ..Self::RFC
    };
}
