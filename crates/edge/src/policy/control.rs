//! What a response says about its own storing: `Cache-Control`, or the first valid field that is meant for caches
//! like us (RFC 9111, section 5.2; RFC 9213).

use super::{split_unquoted, tokens};
use http::header::{self, HeaderMap, HeaderName};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

/// A directive that may be limited to some fields: `no-cache="set-cookie"`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scope {
    #[default]
    Absent,
    Fields(Vec<HeaderName>),
    Whole,
}

/// The directives that a shared cache obeys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Control {
    pub(crate) no_store: bool,
    pub(crate) no_cache: Scope,
    pub(crate) private: Scope,
    pub(crate) public: bool,
    pub(crate) must_revalidate: bool,
    pub(crate) proxy_revalidate: bool,
    pub(crate) must_understand: bool,
    pub(crate) s_maxage: Option<u64>,
    pub(crate) max_age: Option<u64>,
    pub(crate) stale_while_revalidate: Option<u64>,
    pub(crate) stale_if_error: Option<u64>,
    /// From a targeted field: `Cache-Control` and `Expires` are then without meaning for us.
    pub(crate) targeted: bool,
}

impl Control {
    /// `targets` are the fields that are meant for us, the most specific first.
    pub(crate) fn of(headers: &HeaderMap, targets: &[&str]) -> Self {
        targets.iter().find_map(|name| targeted(headers, name)).unwrap_or_else(|| untargeted(headers))
    }

    fn take(&mut self, name: &str, argument: &str) {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        match () {
            () if is("no-store") => self.no_store = true,
            () if is("no-cache") => self.no_cache.widen(argument),
            () if is("private") => self.private.widen(argument),
            () if is("public") => self.public = true,
            () if is("must-revalidate") => self.must_revalidate = true,
            () if is("proxy-revalidate") => self.proxy_revalidate = true,
            () if is("must-understand") => self.must_understand = true,
            () => {
                if let Some(slot) = self.seconds(name) {
                    let stated = number(argument.trim_matches('"')).unwrap_or(0);
                    // What is said twice differently is stale: the reader cannot know which one was meant.
                    *slot = Some(if slot.is_some_and(|earlier| earlier != stated) { 0 } else { stated });
                }
            }
        }
    }

    fn seconds(&mut self, name: &str) -> Option<&mut Option<u64>> {
        let is = |known: &str| name.trim().eq_ignore_ascii_case(known);
        match () {
            () if is("s-maxage") => Some(&mut self.s_maxage),
            () if is("max-age") => Some(&mut self.max_age),
            () if is("stale-while-revalidate") => Some(&mut self.stale_while_revalidate),
            () if is("stale-if-error") => Some(&mut self.stale_if_error),
            () => None,
        }
    }

    /// The fields that may not be kept with the rest.
    pub(crate) fn withheld(&self) -> impl Iterator<Item = &HeaderName> {
        [&self.no_cache, &self.private].into_iter().flat_map(|scope| match scope {
            Scope::Fields(names) => names.as_slice(),
            Scope::Absent | Scope::Whole => &[],
        })
    }
}

impl Scope {
    pub(crate) fn is_whole(&self) -> bool {
        *self == Self::Whole
    }

    fn widen(&mut self, argument: &str) {
        let Some(listed) = argument.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
            *self = Self::Whole;
            return;
        };
        let named: Vec<HeaderName> = listed.split(',').filter_map(|name| name.trim().parse().ok()).collect();
        match self {
            Self::Whole => {}
            // Names that are none leave us guessing what was meant: the whole.
            _ if named.is_empty() => *self = Self::Whole,
            Self::Absent => *self = Self::Fields(named),
            Self::Fields(names) => names.extend(named),
        }
    }
}

fn untargeted(headers: &HeaderMap) -> Control {
    let mut control = Control::default();
    for value in headers.get_all(header::CACHE_CONTROL) {
        let Ok(text) = value.to_str() else { continue };
        for directive in split_unquoted(text) {
            let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
            control.take(name, argument);
        }
    }
    control
}

/// `None` where the field is absent, empty or not what the standard asks for: then the next one applies.
fn targeted(headers: &HeaderMap, name: &str) -> Option<Control> {
    let mut lines = headers.get_all(name).iter().peekable();
    lines.peek()?;
    let lines = lines.map(|line| line.to_str().ok()).collect::<Option<Vec<&str>>>()?;
    let members = Parser::new(&lines.join(", ")).parse::<Dictionary>().ok()?;
    if members.is_empty() {
        return None;
    }
    let mut control = Control { targeted: true, ..Control::default() };
    for (name, member) in &members {
        let ListEntry::Item(item) = member else {
            // A list is no value of any directive; of an unknown one it does not matter.
            if is_known(name.as_str()) { return None } else { continue }
        };
        adopt(&mut control, name.as_str(), &item.bare_item)?;
    }
    Some(control)
}

const FLAGS: [&str; 7] =
    ["no-store", "no-cache", "private", "public", "must-revalidate", "proxy-revalidate", "must-understand"];
const DELTAS: [&str; 4] = ["s-maxage", "max-age", "stale-while-revalidate", "stale-if-error"];

fn is_known(name: &str) -> bool {
    FLAGS.contains(&name) || DELTAS.contains(&name)
}

/// `None` where a directive that we know has a value of the wrong type.
fn adopt(control: &mut Control, name: &str, value: &BareItem) -> Option<()> {
    if DELTAS.contains(&name) {
        let stated = i64::from(value.as_integer()?);
        // A structured dictionary has each name once: the last of several has won already.
        *control.seconds(name)? = Some(u64::try_from(stated).unwrap_or(0).min(CLAMP_S));
    } else if FLAGS.contains(&name) {
        match (value.as_boolean(), value.as_string()) {
            (Some(true), _) => control.take(name, ""),
            (Some(false), _) => {}
            (None, Some(fields)) if matches!(name, "no-cache" | "private") => {
                control.take(name, &format!("\"{}\"", fields.as_str()));
            }
            (None, _) => return None,
        }
    }
    Some(())
}

/// More seconds than this are taken as this many (RFC 9111, section 1.2.2).
pub(crate) const CLAMP_S: u64 = (1 << 31) - 1;

/// Digits only.
pub(crate) fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(CLAMP_S).min(CLAMP_S))
}

/// What a client asks of a cache (RFC 9111, section 5.2.1): obeyed only where the profile says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Demand {
    pub(crate) no_cache: bool,
    pub(crate) no_store: bool,
    pub(crate) only_if_cached: bool,
    pub(crate) max_age: Option<u64>,
    pub(crate) min_fresh: Option<u64>,
    /// The outer option: said at all; the inner: within how many seconds.
    pub(crate) max_stale: Option<Option<u64>>,
}

impl Demand {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut demand = Self::default();
        if !headers.contains_key(header::CACHE_CONTROL) {
            demand.no_cache =
                tokens(headers, header::PRAGMA).any(|token| token.eq_ignore_ascii_case("no-cache"));
            return demand;
        }
        for directive in tokens(headers, header::CACHE_CONTROL) {
            let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
            let (is, seconds) = (|known: &str| name.eq_ignore_ascii_case(known), number(argument));
            match () {
                () if is("no-cache") => demand.no_cache = true,
                () if is("no-store") => demand.no_store = true,
                () if is("only-if-cached") => demand.only_if_cached = true,
                () if is("max-age") => demand.max_age = Some(seconds.unwrap_or(0)),
                () if is("min-fresh") => demand.min_fresh = seconds,
                () if is("max-stale") => demand.max_stale = Some(seconds),
                () => {}
            }
        }
        demand
    }
}
