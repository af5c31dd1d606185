//! `sangraha edge top`: what an edge does just now, from two looks at its private port.

use crate::{Error, plain_http, terminal};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How it is shown.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// Seconds between two looks.
    pub every_s: u64,
    /// Show one picture and end.
    pub once: bool,
    /// As JSON, one object a picture.
    pub json: bool,
}

/// Reasons and rules that are listed.
const LINES_MAX: usize = 8;

/// Shows an edge until it is interrupted, or once.
pub async fn run(at: SocketAddr, form: Form) -> Result<(), Error> {
    /// Clears the screen and begins at its top.
    const CLEAR: &str = "\x1b[2J\x1b[H";
    let mut ticks = interval(Duration::from_secs(form.every_s));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    let mut before = Look::take(at).await?;
    loop {
        ticks.tick().await;
        let now = Look::take(at).await?;
        let picture = Picture::between(&before, &now);
        match (form.json, form.once) {
            (true, _) => terminal::say(serde_json::to_string(&picture).unwrap_or_default()),
            (false, true) => terminal::say(picture.text().trim_end()),
            (false, false) => terminal::say(format_args!("{CLEAR}{}", picture.text().trim_end())),
        }
        if form.once {
            return Ok(());
        }
        before = now;
    }
}

/// Everything that the private port says at one moment.
struct Look {
    at: Instant,
    status: Value,
    samples: BTreeMap<String, f64>,
}

impl Look {
    async fn take(at: SocketAddr) -> Result<Self, Error> {
        const PATIENCE: Duration = Duration::from_secs(5);
        let refused = |source| Error::Ask { what: format!("the edge at {at}"), source };
        let status = plain_http::get(at, "/status", PATIENCE).await.map_err(refused)?.json();
        let status = status.get("edge").cloned().unwrap_or_default();
        if status.is_null() {
            return Err(Error::Config(format!("{at} is not the private port of an edge")));
        }
        let metrics = plain_http::get(at, "/metrics", PATIENCE).await.map_err(refused)?.text();
        Ok(Self { at: Instant::now(), status, samples: samples(&metrics) })
    }
}

/// The lines of OpenMetrics: name with labels, and value.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.rsplit_once(' '))
        .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
        .collect()
}

/// What has happened between two looks.
#[derive(Clone, Debug, Serialize)]
pub struct Picture {
    name: String,
    listen: String,
    config_version: u64,
    connections: u64,
    objects: u64,
    bytes: u64,
    purge_position: Option<u64>,
    blind: bool,
    draining: bool,
    requests_per_s: f64,
    /// Of what could have been a hit, in percent; none where nothing could.
    hit_percent: Option<f64>,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    outcomes: Vec<Rate>,
    /// Why the origin was asked, or nothing was given, the most frequent first.
    reasons: Vec<Rate>,
    limits: Vec<Rate>,
    origins: Value,
}

/// So many a second.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Rate {
    what: String,
    per_s: f64,
}

impl Picture {
    fn between(before: &Look, now: &Look) -> Self {
        let seconds = now.at.duration_since(before.at).as_secs_f64().max(0.001);
        let grown = |name: &str| {
            let (name, before) = (name.to_owned(), before.samples.clone());
            now.samples.iter().filter_map(move |(sample, value)| {
                let labels = sample.strip_prefix(&name)?.strip_prefix('{')?.strip_suffix('}')?;
                let more = value - before.get(sample).copied().unwrap_or(0.0);
                (more > 0.0).then(|| (labels.to_owned(), more))
            })
        };
        let requests: Vec<(String, f64)> = grown("sangraha_edge_requests_total").collect();
        let count = |outcomes: &[&str]| -> f64 {
            let is = |labels: &str| outcomes.contains(&label(labels, "outcome"));
            requests.iter().filter(|(labels, _)| is(labels)).map(|(_, more)| more).sum()
        };
        let all: f64 = requests.iter().map(|(_, more)| more).sum();
        let (hits, misses) = (count(&["hit", "stale"]), count(&["miss", "revalidated", "collapsed"]));
        let asked = |labels: &str| !["hit", "stale"].contains(&label(labels, "outcome"));
        let why = |labels: &str| format!("{} {}", label(labels, "outcome"), label(labels, "reason"));
        let buckets: Vec<(f64, f64)> = buckets(grown("sangraha_edge_latency_seconds_bucket"));
        let text = |key: &str| now.status[key].as_str().unwrap_or_default().to_owned();
        let number = |key: &str| now.status[key].as_u64();
        Self {
            name: text("name"),
            listen: text("listen"),
            config_version: number("config_version").unwrap_or(0),
            connections: number("connections").unwrap_or(0),
            objects: number("objects").unwrap_or(0),
            bytes: number("bytes").unwrap_or(0),
            purge_position: number("purge_position"),
            blind: now.status["blind"].as_bool().unwrap_or(false),
            draining: now.status["draining"].as_bool().unwrap_or(false),
            requests_per_s: all / seconds,
            hit_percent: (hits + misses > 0.0).then(|| 100.0 * hits / (hits + misses)),
            p50_ms: quantile(&buckets, 0.5),
            p99_ms: quantile(&buckets, 0.99),
            outcomes: rates(
                requests.iter().map(|(labels, more)| (label(labels, "outcome").to_owned(), *more)),
                seconds,
            ),
            reasons: rates(
                requests
                    .iter()
                    .filter(|(labels, _)| asked(labels))
                    .map(|(labels, more)| (why(labels), *more)),
                seconds,
            ),
            limits: rates(
                grown("sangraha_edge_limits_total").map(|(labels, more)| {
                    (format!("{} {}", label(&labels, "rule"), label(&labels, "verdict")), more)
                }),
                seconds,
            ),
            origins: now.status["origins"].clone(),
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let line = |text: &mut String, words: std::fmt::Arguments<'_>| {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{words}");
        };
        let state = match (self.draining, self.blind) {
            (true, _) => "draining",
            (_, true) => "blind: no news of purges",
            _ => "serving",
        };
        line(
            &mut text,
            format_args!("{} at {}, {state}, configuration {}", self.name, self.listen, self.config_version),
        );
        line(
            &mut text,
            format_args!(
                "requests {:>9.0}/s   hits {:>6}   p50 {:>8}   p99 {:>8}   connections {}",
                self.requests_per_s,
                self.hit_percent.map_or("-".to_owned(), |percent| format!("{percent:.1} %")),
                milliseconds(self.p50_ms),
                milliseconds(self.p99_ms),
                self.connections
            ),
        );
        let purges = self.purge_position.map_or("none heard".to_owned(), |position| format!("at {position}"));
        line(
            &mut text,
            format_args!("objects  {:>9}   in {} KiB   purges {purges}", self.objects, self.bytes / 1024),
        );
        for (title, rates) in [
            ("outcome", &self.outcomes),
            ("not from memory, and why", &self.reasons),
            ("limit", &self.limits),
        ] {
            if !rates.is_empty() {
                line(&mut text, format_args!("\n{title}"));
            }
            for rate in rates.iter().take(LINES_MAX) {
                line(&mut text, format_args!("  {:<40} {:>9.1}/s", rate.what, rate.per_s));
            }
        }
        for (number, origin) in self.origins.as_array().into_iter().flatten().enumerate() {
            let gap = if number == 0 { "\n" } else { "" };
            let up = if origin["up"].as_bool().unwrap_or(false) { "up" } else { "DOWN" };
            let word = |key: &str| origin[key].as_str().unwrap_or_default();
            line(&mut text, format_args!("{gap}origin {} {} {up}", word("upstream"), word("origin")));
        }
        text
    }
}

fn milliseconds(ms: Option<f64>) -> String {
    ms.map_or("-".to_owned(), |ms| format!("{ms:.2} ms"))
}

fn label<'a>(labels: &'a str, name: &str) -> &'a str {
    let pairs = labels.split(',').filter_map(|pair| pair.split_once('='));
    pairs
        .filter(|(known, _)| *known == name)
        .map(|(_, value)| value.trim_matches('"'))
        .next()
        .unwrap_or_default()
}

/// Added up by name, the most frequent first.
fn rates(counts: impl Iterator<Item = (String, f64)>, seconds: f64) -> Vec<Rate> {
    let mut sums: BTreeMap<String, f64> = BTreeMap::new();
    counts.for_each(|(what, more)| *sums.entry(what).or_default() += more);
    let mut rates: Vec<Rate> =
        sums.into_iter().map(|(what, more)| Rate { what, per_s: more / seconds }).collect();
    rates.sort_by(|a, b| b.per_s.total_cmp(&a.per_s));
    rates
}

/// Ends of buckets in seconds, with how many took no longer, in order.
fn buckets(grown: impl Iterator<Item = (String, f64)>) -> Vec<(f64, f64)> {
    let end = |labels: &str| label(labels, "le").replace("+Inf", "inf").parse::<f64>().ok();
    let mut buckets: Vec<(f64, f64)> =
        grown.filter_map(|(labels, more)| Some((end(&labels)?, more))).collect();
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    buckets
}

/// The end of the bucket in which this share of the requests lies, in milliseconds.
fn quantile(buckets: &[(f64, f64)], share: f64) -> Option<f64> {
    let all = buckets.last()?.1;
    let (end_s, _) = buckets.iter().find(|(_, count)| *count >= all * share)?;
    Some(if end_s.is_finite() { end_s * 1_000.0 } else { 34_000.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn look(at: Instant, text: &str) -> Look {
        let status = json!({"name": "edge", "listen": "127.0.0.1:8080", "config_version": 2, "connections": 64,
            "objects": 3, "bytes": 4096, "purge_position": 7, "blind": false, "draining": false,
            "origins": [{"upstream": "public", "origin": "127.0.0.1:8000", "up": true},
                {"upstream": "admin", "origin": "127.0.0.1:8001", "up": false}]});
        Look { at, status, samples: samples(text) }
    }

    #[test]
    fn a_picture_is_what_happened_between_two_looks() {
        let start = Instant::now();
        let before = look(start, "sangraha_edge_requests_total{outcome=\"hit\",reason=\"none\"} 10\n");
        let now = look(
            start + Duration::from_secs(2),
            "# HELP x\nsangraha_edge_requests_total{outcome=\"hit\",reason=\"none\"} 190\n\
             sangraha_edge_requests_total{outcome=\"miss\",reason=\"expired\"} 15\n\
             sangraha_edge_requests_total{outcome=\"miss\",reason=\"absent\"} 5\n\
             sangraha_edge_limits_total{rule=\"api\",verdict=\"refused\"} 8\n\
             sangraha_edge_latency_seconds_bucket{le=\"1.6e-5\"} 120\n\
             sangraha_edge_latency_seconds_bucket{le=\"0.001024\"} 199\n\
             sangraha_edge_latency_seconds_bucket{le=\"+Inf\"} 200\n",
        );
        let picture = Picture::between(&before, &now);
        assert_eq!((picture.requests_per_s, picture.hit_percent), (100.0, Some(90.0)));
        assert_eq!((picture.p50_ms, picture.p99_ms), (Some(0.016), Some(1.024)));
        assert_eq!(picture.reasons[0], Rate { what: "miss expired".to_owned(), per_s: 7.5 });
        assert_eq!(picture.limits, [Rate { what: "api refused".to_owned(), per_s: 4.0 }]);
        let text = picture.text();
        assert!(text.contains("hits 90.0 %") && text.contains("purges at 7"), "{text}");
        let origins = "\n\norigin public 127.0.0.1:8000 up\norigin admin 127.0.0.1:8001 DOWN\n";
        assert!(text.ends_with(origins), "{text}");
    }

    #[test]
    fn an_idle_edge_has_no_quantiles() {
        let start = Instant::now();
        let picture = Picture::between(&look(start, ""), &look(start, ""));
        assert_eq!((picture.requests_per_s, picture.hit_percent, picture.p99_ms), (0.0, None, None));
        assert!(picture.text().contains("hits      -"), "{}", picture.text());
    }
}
