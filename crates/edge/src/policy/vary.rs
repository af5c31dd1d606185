//! Variants: which request fields an answer depends on, and when two requests are the same for it (RFC 9111,
//! section 4.1).
//!
//! Values are compared after normalisation, because `br, gzip` and `gzip;q=1,br` ask for the same, and every
//! spelling that counts as its own would be one more copy and one more miss.

use super::profile::Profile;
use super::tokens;
use crate::see::reason::Reason;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// The fields that selected a stored response, with their normalised values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Variant {
    selected: Box<[(HeaderName, Option<String>)]>,
    /// The one language of the response, where it varies by language.
    language: Option<String>,
}

impl Variant {
    /// `asked` are the fields of the request that the response answers.
    pub(crate) fn of(asked: &HeaderMap, response: &HeaderMap, profile: &Profile) -> Result<Self, Reason> {
        let mut names: Vec<HeaderName> = Vec::new();
        let mut refused = None;
        for token in tokens(response, header::VARY) {
            if token == "*" {
                return Err(Reason::VaryStar);
            }
            match token.parse::<HeaderName>() {
                Ok(name) if profile.vary.is_empty() || profile.vary.contains(&name.as_str()) => {
                    names.push(name)
                }
                _ => refused = Some(Reason::VaryOther),
            }
        }
        if let Some(reason) = refused {
            return Err(reason);
        }
        names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        names.dedup();
        let language = names.contains(&header::ACCEPT_LANGUAGE).then(|| only_language(response)).flatten();
        let selected = names.into_iter().map(|name| (name.clone(), normalised(asked, &name))).collect();
        Ok(Self { selected, language })
    }

    /// One that was taken apart.
    pub(crate) fn restored(selected: Vec<(HeaderName, Option<String>)>, language: Option<String>) -> Self {
        Self { selected: selected.into(), language }
    }

    pub(crate) fn language(&self) -> Option<&str> {
        self.language.as_deref()
    }

    /// The fields that chose it, with their normalised values.
    pub(crate) fn selected(&self) -> impl Iterator<Item = &(HeaderName, Option<String>)> {
        self.selected.iter()
    }

    /// Whether a request with these fields would have been given the same response.
    pub(crate) fn answers(&self, asked: &HeaderMap) -> bool {
        self.selected.iter().all(|(name, value)| {
            normalised(asked, name) == *value
                || *name == header::ACCEPT_LANGUAGE
                    && self.language.is_some()
                    && self.language == best_language(asked)
        })
    }
}

/// One spelling for all that mean the same; `None` where the field is absent.
pub(crate) fn normalised(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    if !headers.contains_key(name) {
        return None;
    }
    Some(match *name {
        header::ACCEPT_ENCODING => Encodings::of(headers).spelled().to_owned(),
        header::ACCEPT_LANGUAGE => languages(headers).join(","),
        _ => {
            let line = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
            let joined: Vec<String> = headers.get_all(name).iter().map(line).collect();
            super::split_unquoted(&joined.join(",")).collect::<Vec<_>>().join(",")
        }
    })
}

/// The content codings that we tell apart, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Encodings(u8);

/// In the order in which we prefer them.
pub(crate) const CODINGS: [&str; 3] = ["br", "zstd", "gzip"];

impl Encodings {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let (mut wanted, mut refused, mut any) = (0, 0, false);
        for token in tokens(headers, header::ACCEPT_ENCODING) {
            let (coding, weight) = token.split_once(';').unwrap_or((token, ""));
            let zero = weight_of(weight) == 0;
            let coding = match coding.trim() {
                coding if coding.eq_ignore_ascii_case("x-gzip") => "gzip",
                coding => coding,
            };
            any |= coding == "*" && !zero;
            if let Some(index) = CODINGS.iter().position(|known| coding.eq_ignore_ascii_case(known)) {
                *(if zero { &mut refused } else { &mut wanted }) |= 1 << index;
            }
        }
        Self(if any { 7 & !refused } else { wanted & !refused })
    }

    pub(crate) const fn has(self, coding: usize) -> bool {
        self.0 >> coding & 1 == 1
    }

    /// What is forwarded for this set, and compared.
    pub(crate) fn spelled(self) -> &'static str {
        const SPELLED: [&str; 8] =
            ["", "br", "zstd", "br, zstd", "gzip", "br, gzip", "zstd, gzip", "br, zstd, gzip"];
        SPELLED[usize::from(self.0 & 7)]
    }
}

/// Language ranges in lower case, best first; those of the same weight in the order of the alphabet.
fn languages(headers: &HeaderMap) -> Vec<String> {
    let mut ranges: Vec<(u16, String)> = tokens(headers, header::ACCEPT_LANGUAGE)
        .map(|token| {
            let (range, weight) = token.split_once(';').unwrap_or((token, ""));
            (weight_of(weight), range.trim().to_ascii_lowercase())
        })
        .filter(|(weight, _)| *weight > 0)
        .collect();
    ranges.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    ranges.into_iter().map(|(_, range)| range).collect()
}

/// The language that a client wants before all others.
fn best_language(headers: &HeaderMap) -> Option<String> {
    let weight = |token: &str| weight_of(token.split_once(';').map_or("", |(_, weight)| weight));
    let best = tokens(headers, header::ACCEPT_LANGUAGE).map(weight).max()?;
    let mut first = tokens(headers, header::ACCEPT_LANGUAGE).filter(|token| weight(token) == best);
    let range = first.next()?.split(';').next()?.trim().to_ascii_lowercase();
    (best > 0 && first.next().is_none() && range != "*").then_some(range)
}

fn only_language(response: &HeaderMap) -> Option<String> {
    let mut languages = tokens(response, header::CONTENT_LANGUAGE);
    let first = languages.next()?.to_ascii_lowercase();
    languages.next().is_none().then_some(first)
}

/// Thousandths of `q`, 1000 where it is not said, 0 where it is no weight.
fn weight_of(parameters: &str) -> u16 {
    let q = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
    let Some((_, text)) = q.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("q")) else {
        return 1_000;
    };
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let thousandths: u16 = format!("{part:0<3}").get(..3).and_then(|part| part.parse().ok()).unwrap_or(0);
    match whole {
        "1" => 1_000,
        "0" => thousandths,
        _ => 0,
    }
}
