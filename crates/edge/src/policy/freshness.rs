//! How old a response is, for how long it serves, and whether it may serve this request now (RFC 9111, sections
//! 4.2 and 5.2.1; RFC 5861).

use super::control::{Control, Demand, number};
use super::date::date;
use super::profile::Profile;
use super::store::Exchange;
use crate::see::reason::Reason;
use http::StatusCode;
use http::header::{self, HeaderMap};

/// How long a stored response serves, counted in its age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Freshness {
    /// Age at the moment of receipt.
    pub(crate) age_s: u64,
    /// Age at which it turns stale.
    pub(crate) lifetime_s: u64,
    /// For how long after that it may be served while it is refreshed.
    pub(crate) while_revalidate_s: u64,
    /// For how long after that it may stand in for an error.
    pub(crate) if_error_s: u64,
    /// Whether its origin forbids any use of it when stale.
    pub(crate) never_stale: bool,
}

/// Whether a stored response may be used at its present age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Negative where the client takes a stale one.
    Fresh {
        ttl_s: i64,
    },
    /// Serve it, and refresh it behind the client's back.
    WhileRevalidate {
        ttl_s: i64,
    },
    Revalidate(Reason),
}

/// What the edge knows of a stored response besides its freshness.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// The present age.
    pub(crate) age_s: u64,
    /// The time in memory.
    pub(crate) resident_s: u64,
    /// Whether it has tags, so that a purge could have hit it.
    pub(crate) tagged: bool,
    /// Whether the edge hears of no purges.
    pub(crate) blind: bool,
}

impl Freshness {
    /// That of a response which is served once and not kept.
    pub(crate) const NONE: Self =
        Self { age_s: 0, lifetime_s: 0, while_revalidate_s: 0, if_error_s: 0, never_stale: true };

    /// `lifetime_s` is settled; the rest is what the response says about being stale.
    pub(super) fn new(
        exchange: &Exchange<'_>,
        control: &Control,
        lifetime_s: u64,
        profile: &Profile,
    ) -> Self {
        let revalidated = control.must_revalidate || control.proxy_revalidate;
        let never_stale = revalidated || control.no_cache.is_whole() || control.s_maxage.is_some();
        let window = |stated: Option<u64>, default_s: u64| match stated {
            _ if never_stale => 0,
            Some(stated_s) => stated_s.min(profile.freshness_s_max),
            None => default_s,
        };
        // An error that may be kept while it is fresh must not stand in for another one.
        let if_error_s = if exchange.status.is_server_error() {
            0
        } else {
            window(control.stale_if_error, profile.stale_if_error_s)
        };
        Self {
            age_s: initial_age(exchange, profile),
            lifetime_s,
            while_revalidate_s: window(control.stale_while_revalidate, 0),
            if_error_s,
            never_stale,
        }
    }

    /// Whether the response may be used at this moment; `demand` is the client's, where it is obeyed.
    pub(crate) fn judge(&self, moment: Moment, demand: Option<&Demand>, profile: &Profile) -> Use {
        let Moment { age_s, resident_s, tagged, blind } = moment;
        let ttl_s = signed(self.lifetime_s) - signed(age_s);
        if blind && tagged && resident_s > profile.blind_age_s_max {
            return Use::Revalidate(Reason::Blind);
        }
        if let Some(demand) = demand
            && let Some(answer) = self.demanded(demand, age_s, ttl_s)
        {
            return answer;
        }
        if ttl_s > 0 {
            return Use::Fresh { ttl_s };
        }
        // A blind edge cannot know whether the old answer was purged.
        if !(blind && tagged) && age_s.saturating_sub(self.lifetime_s) < self.while_revalidate_s {
            return Use::WhileRevalidate { ttl_s };
        }
        Use::Revalidate(Reason::Expired)
    }

    fn demanded(&self, demand: &Demand, age_s: u64, ttl_s: i64) -> Option<Use> {
        let too_old =
            demand.max_age.is_some_and(|max_s| age_s >= max_s.max(1) && age_s > max_s || max_s == 0);
        let too_short = demand.min_fresh.is_some_and(|min_s| ttl_s < signed(min_s));
        if demand.no_cache || too_old || too_short {
            return Some(Use::Revalidate(Reason::Demanded));
        }
        let stale_s = u64::try_from(-ttl_s).ok()?;
        let takes =
            demand.max_stale.is_some_and(|within_s| within_s.is_none_or(|within_s| stale_s <= within_s));
        (takes && !self.never_stale).then_some(Use::Fresh { ttl_s })
    }

    /// Whether a response of this age may stand in for an error.
    pub(crate) fn covers_error(&self, age_s: u64) -> bool {
        age_s.saturating_sub(self.lifetime_s) < self.if_error_s
    }
}

/// What an origin states, else what may be guessed, within the bounds of the profile.
pub(super) fn lifetime(exchange: &Exchange<'_>, control: &Control, profile: &Profile) -> Option<u64> {
    let expires = || (!control.targeted).then(|| expires_in(exchange)).flatten();
    let negative = || {
        let absent = matches!(exchange.status, StatusCode::NOT_FOUND | StatusCode::GONE);
        (absent && profile.negative_s > 0).then_some(profile.negative_s)
    };
    let stated = control.s_maxage.or(control.max_age).or_else(expires);
    stated
        .or_else(|| guess(exchange, control, profile))
        .map(|lifetime_s| lifetime_s.min(profile.freshness_s_max))
        .or_else(negative)
}

/// Seconds from `Date` to `Expires`; whatever cannot be read, or is said twice, is over already.
fn expires_in(exchange: &Exchange<'_>) -> Option<u64> {
    let mut lines = exchange.headers.get_all(header::EXPIRES).iter();
    let (first, second) = (lines.next()?, lines.next());
    let at_s = date(first, exchange.received_s).filter(|_| second.is_none());
    Some(at_s.map_or(0, |at_s| at_s.saturating_sub(made_s(exchange))))
}

/// A tenth (or so) of the time for which it had not changed (RFC 9111, section 4.2.2).
fn guess(exchange: &Exchange<'_>, control: &Control, profile: &Profile) -> Option<u64> {
    const GUESS_S_MAX: u64 = 86_400;
    const GUESSABLE: [u16; 11] = [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501];
    let allowed = GUESSABLE.contains(&exchange.status.as_u16()) || control.public;
    let modified = exchange.headers.get(header::LAST_MODIFIED)?;
    if profile.heuristic_percent == 0 || !allowed {
        return None;
    }
    let unchanged_s = made_s(exchange).saturating_sub(date(modified, exchange.received_s)?);
    Some((unchanged_s.saturating_mul(profile.heuristic_percent) / 100).min(GUESS_S_MAX))
}

/// Its `Date`, or the time of receipt where that is missing or none.
fn made_s(exchange: &Exchange<'_>) -> u64 {
    let stated = exchange.headers.get(header::DATE).and_then(|value| date(value, exchange.received_s));
    stated.unwrap_or(exchange.received_s)
}

fn initial_age(exchange: &Exchange<'_>, profile: &Profile) -> u64 {
    let delay_s = exchange.received_s.saturating_sub(exchange.sent_s);
    let corrected_s = age_field(exchange.headers).saturating_add(delay_s);
    let apparent_s = exchange.received_s.saturating_sub(made_s(exchange));
    if profile.date_counts { corrected_s.max(apparent_s) } else { corrected_s }
}

/// The first member of the first line counts; what is no number counts as none, what is too large as old.
fn age_field(headers: &HeaderMap) -> u64 {
    let Some(text) = headers.get(header::AGE).and_then(|value| value.to_str().ok()) else { return 0 };
    number(text.split(',').next().unwrap_or("").trim()).unwrap_or(0)
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
