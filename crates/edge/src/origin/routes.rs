//! How long an origin is waited for, by what it is asked.

use crate::config::ms;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Waits of their own for what lies below a path; what is left out is as everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OriginRoute {
    /// The beginning of the path; where several fit, the longest holds.
    pub prefix: String,
    /// The longest wait for a connection.
    #[serde(default)]
    pub connect_ms: Option<u64>,
    /// The longest wait for the head of a response.
    #[serde(default)]
    pub first_byte_ms: Option<u64>,
    /// The longest pause inside its body.
    #[serde(default)]
    pub idle_ms: Option<u64>,
}

impl OriginRoute {
    pub(crate) fn is_sound(&self) -> bool {
        let waits = [self.connect_ms, self.first_byte_ms, self.idle_ms];
        self.prefix.starts_with('/') && waits.iter().all(|wait| *wait != Some(0))
    }
}

/// The longest waits for one origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Patience {
    pub(super) connect: Duration,
    pub(super) first_byte: Duration,
    pub(super) idle: Duration,
}

/// The waits of all paths.
pub(super) struct Routes {
    everywhere: Patience,
    /// The longest prefix first.
    below: Box<[(String, Patience)]>,
}

impl Routes {
    pub(super) fn new(everywhere: Patience, routes: &[OriginRoute]) -> Self {
        let own = |route: &OriginRoute| Patience {
            connect: route.connect_ms.map_or(everywhere.connect, ms),
            first_byte: route.first_byte_ms.map_or(everywhere.first_byte, ms),
            idle: route.idle_ms.map_or(everywhere.idle, ms),
        };
        let mut below: Box<[_]> = routes.iter().map(|route| (route.prefix.clone(), own(route))).collect();
        below.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        Self { everywhere, below }
    }

    pub(super) fn patience(&self, path: &str) -> Patience {
        let fits = self.below.iter().find(|(prefix, _)| path.starts_with(prefix.as_str()));
        fits.map_or(self.everywhere, |(_, patience)| *patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_holds_and_what_it_leaves_out_is_as_everywhere() {
        let everywhere = Patience { connect: ms(1), first_byte: ms(2), idle: ms(3) };
        let route = |prefix: &str, first_byte_ms, idle_ms| OriginRoute {
            prefix: prefix.to_owned(),
            connect_ms: None,
            first_byte_ms,
            idle_ms,
        };
        let table = [route("/slow", Some(9), None), route("/slow/stream", None, Some(7))];
        let routes = Routes::new(everywhere, &table);
        assert_eq!(routes.patience("/"), everywhere);
        assert_eq!(routes.patience("/slow/x"), Patience { first_byte: ms(9), ..everywhere });
        assert_eq!(routes.patience("/slow/stream/x"), Patience { idle: ms(7), ..everywhere });
    }
}
