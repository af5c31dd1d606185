//! The standard as tables: a row is one sentence about one request and one answer. Each module is a heading; the
//! numbers of rows stand in one place, so that a table that shrinks is noticed.

mod invalidation;
mod oracle;
mod properties;
mod ranges;
mod slices;
mod stale;
mod storing;
mod targeted;
mod validation;
mod variants;

use super::freshness::{Moment, Use};
use super::{Exchange, Freshness, Profile, admit};
use http::{HeaderMap, HeaderName, StatusCode};

/// Sun, 06 Nov 1994 08:49:37 GMT: the instant of the examples in the standard.
const NOW_S: u64 = 784_111_777;

#[test]
fn every_heading_keeps_its_rows() {
    let rows = [
        ("storing and freshness", storing::ROWS),
        ("targeted fields", targeted::ROWS),
        ("keys and variants", variants::ROWS),
        ("validation", validation::ROWS),
        ("stale", stale::ROWS),
        ("invalidation", invalidation::ROWS),
        ("ranges", ranges::ROWS),
        ("slices", slices::ROWS),
    ];
    let expected = [
        ("storing and freshness", 116),
        ("targeted fields", 28),
        ("keys and variants", 33),
        ("validation", 41),
        ("stale", 27),
        ("invalidation", 21),
        ("ranges", 36),
        ("slices", 47),
    ];
    assert_eq!(rows, expected);
}

/// `name: value` lines.
fn fields(text: &str) -> HeaderMap {
    let field = |line: &str| -> (HeaderName, http::HeaderValue) {
        let (name, value) = line.split_once(':').expect("a field has a colon");
        (name.trim().parse().unwrap(), value.trim().parse().unwrap())
    };
    let mut headers = HeaderMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, value) = field(line);
        headers.append(name, value);
    }
    headers
}

fn admitted(asked: &str, status: u16, answer: &str, profile: &Profile) -> Result<Freshness, &'static str> {
    let (asked, headers) = (fields(asked), fields(answer));
    let status = StatusCode::from_u16(status).unwrap();
    let exchange = Exchange { asked: &asked, status, headers: &headers, sent_s: NOW_S, received_s: NOW_S };
    admit(&exchange, profile).map(|admission| admission.freshness).map_err(|reason| reason.as_str())
}

/// `fresh 60`, `stale`, or `not: no-store`.
fn kept_as(asked: &str, status: u16, answer: &str, profile: &Profile) -> String {
    match admitted(asked, status, answer, profile) {
        Err(reason) => format!("not: {reason}"),
        Ok(freshness) => match freshness.lifetime_s.saturating_sub(freshness.age_s) {
            0 => "stale".to_owned(),
            left_s => format!("fresh {left_s}"),
        },
    }
}

fn kept(answer: &str) -> String {
    kept_as("", 200, answer, &Profile::RFC)
}

/// What becomes of a response when it has this age.
fn judged(answer: &str, age_s: u64, demand: &str) -> String {
    let freshness = admitted("", 200, answer, &Profile::RFC).unwrap();
    let demand = super::Demand::of(&fields(demand));
    let moment = Moment { age_s, resident_s: age_s, tagged: false, blind: false };
    match freshness.judge(moment, Some(&demand), &Profile::RFC) {
        Use::Fresh { ttl_s } => format!("fresh {ttl_s}"),
        Use::WhileRevalidate { ttl_s } => format!("swr {ttl_s}"),
        Use::Revalidate(reason) => format!("ask: {}", reason.as_str()),
    }
}
