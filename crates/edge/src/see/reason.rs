//! Why a request was answered as it was: one word for the metric label, the header and the log.

use crate::store::Identity;
use http::HeaderValue;
use std::cell::RefCell;
use std::collections::HashMap;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident => $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name { $($variant,)+ }

        impl $name {
            pub(crate) const COUNT: usize = [$($word,)+].len();

            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}

words! {
    /// How a request ended, as far as the cache is concerned.
    Outcome {
        Hit => "hit",
        Stale => "stale",
        Revalidated => "revalidated",
        Miss => "miss",
        Collapsed => "collapsed",
        Bypass => "bypass",
        Refused => "refused",
        Purged => "purged",
        Failed => "failed",
        Own => "own",
    }
}

words! {
    /// The detail behind an [`Outcome`].
    Reason {
        Plain => "none",
        Admin => "admin",
        Credentials => "credentials",
        Options => "options",
        Absent => "absent",
        Variant => "variant",
        Expired => "expired",
        Purged => "purged",
        SoftPurged => "soft-purged",
        Blind => "blind",
        HitForMiss => "hfm",
        Swr => "swr",
        StaleIfError => "stale-if-error",
        Revalidated => "revalidated",
        NoStore => "no-store",
        Private => "private",
        SetCookie => "set-cookie",
        VaryStar => "vary-star",
        VaryOther => "vary-other",
        Demanded => "demanded",
        OnlyIfCached => "only-if-cached",
        Head => "head",
        Limited => "rate-limited",
        Banned => "banned",
        Crowded => "crowded",
        Denied => "denied",
        PurgeRefused => "purge-refused",
        Status => "status",
        NoFreshness => "no-freshness",
        TooLarge => "too-large",
        Slice => "slice",
        BadTags => "bad-tags",
        Floor => "floor",
        PurgedInFill => "purged-in-fill",
        BadHost => "host",
        BadFraming => "framing",
        BadTarget => "target",
        BadBody => "body",
        UnexpectedBody => "unexpected-body",
        UriTooLong => "uri-too-long",
        HeadTooLarge => "head-too-large",
        BodyTooLarge => "body-too-large",
        Method => "method",
        Loop => "loop",
        Connect => "connect",
        Tls => "tls",
        Reset => "reset",
        Timeout => "timeout",
        Busy => "busy",
        Protocol => "protocol",
        Https => "https",
        Challenge => "challenge",
    }
}

/// Why a request went to an origin, in the words of RFC 9211.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forward {
    Bypass,
    Method,
    UriMiss,
    VaryMiss,
    Request,
    Stale,
    Partial,
}

impl Forward {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::Request => "request",
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Stale => "stale",
            Self::Partial => "partial",
        }
    }
}

/// What `Cache-Status` says about one response. `hit` and `fwd` exclude each other by construction.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Handling {
    /// From memory, with what is left of its freshness (negative when stale).
    Hit { ttl_s: i64 },
    /// From an origin.
    Forwarded { why: Forward, status: Option<u16>, stored: bool, collapsed: bool },
    /// Made by the edge itself.
    Own,
}

/// This hop's member of `Cache-Status`. Those of forwarded requests are few, and kept: none of their parts counts.
pub(crate) fn cache_status(handling: Handling, reason: Reason) -> HeaderValue {
    type Kept = HashMap<u64, HeaderValue, Identity>;
    const KEPT_MAX: usize = 512;
    thread_local! {
        static KEPT: RefCell<Kept> = RefCell::default();
    }
    let Handling::Forwarded { why, status, stored, collapsed } = handling else {
        return spelled(handling, reason);
    };
    let flags = u64::from(stored) | u64::from(collapsed) << 1;
    let key = u64::from(status.unwrap_or(0)) << 24 | (reason as u64) << 16 | (why as u64) << 8 | flags;
    KEPT.with_borrow_mut(|kept| {
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.entry(key).or_insert_with(|| spelled(handling, reason)).clone()
    })
}

fn spelled(handling: Handling, reason: Reason) -> HeaderValue {
    use std::fmt::Write;
    let mut text = String::with_capacity(80);
    text.push_str(crate::PSEUDONYM);
    // Writing to a string does not fail.
    let _ = match handling {
        Handling::Hit { ttl_s } => write!(text, "; hit; ttl={ttl_s}"),
        Handling::Forwarded { why, .. } => write!(text, "; fwd={}", why.as_str()),
        Handling::Own => Ok(()),
    };
    if let Handling::Forwarded { status, stored, collapsed, .. } = handling {
        let _ = status.map_or(Ok(()), |status| write!(text, "; fwd-status={status}"));
        text.push_str(if stored { "; stored" } else { "" });
        text.push_str(if collapsed { "; collapsed" } else { "" });
    }
    if !matches!(
        reason,
        Reason::Plain | Reason::Absent | Reason::Variant | Reason::Expired | Reason::Demanded | Reason::Slice
    ) {
        let _ = write!(text, "; detail={}", reason.as_str());
    }
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(crate::PSEUDONYM))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_has_the_form_of_the_standard() {
        let forwarded =
            |why, status, stored, collapsed| Handling::Forwarded { why, status, stored, collapsed };
        let table = [
            (Handling::Hit { ttl_s: 42 }, Reason::Plain, "sangraha-edge; hit; ttl=42"),
            (Handling::Hit { ttl_s: -3 }, Reason::Swr, "sangraha-edge; hit; ttl=-3; detail=swr"),
            (
                forwarded(Forward::UriMiss, Some(200), true, false),
                Reason::Absent,
                "sangraha-edge; fwd=uri-miss; fwd-status=200; stored",
            ),
            (
                forwarded(Forward::UriMiss, Some(200), false, true),
                Reason::Plain,
                "sangraha-edge; fwd=uri-miss; fwd-status=200; collapsed",
            ),
            (
                forwarded(Forward::Bypass, None, false, false),
                Reason::Credentials,
                "sangraha-edge; fwd=bypass; detail=credentials",
            ),
            (Handling::Own, Reason::BadHost, "sangraha-edge; detail=host"),
        ];
        for (handling, reason, text) in table {
            assert_eq!(cache_status(handling, reason), text);
        }
    }
}
