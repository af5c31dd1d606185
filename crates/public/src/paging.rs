//! Paging: a bounded limit, and cursors that fit the list that made them and no other.

use crate::answer::hash128;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use web::Problem;
use web::page::{cursor_read, cursor_write, limit};

/// One page of a list.
pub(crate) struct Paging<C> {
    /// 1 to 100.
    pub limit: usize,
    /// Where the page before ended.
    pub after: Option<C>,
    /// The list, its filters and its page: what a cached answer is filed under.
    pub about: String,
    list: u64,
}

/// A cursor on the wire.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bound<C> {
    /// Stands for the list and its filters.
    of: u64,
    at: C,
}

impl<C: Serialize + DeserializeOwned> Paging<C> {
    /// The page of `list` (its name, and its filters without the page) that is asked for.
    pub fn of(list: &impl Debug, limit_asked: Option<u16>, cursor: Option<&str>) -> Result<Self, Problem> {
        let limit = limit(limit_asked)?;
        let name = format!("{list:?}");
        let list = number(&name);
        let bound = cursor_read::<Bound<C>>(cursor)?;
        if bound.as_ref().is_some_and(|bound| bound.of != list) {
            return Err(bad_cursor());
        }
        let about = format!("{name}&{limit}&{}", cursor.unwrap_or_default());
        Ok(Self { limit: usize::from(limit), after: bound.map(|bound| bound.at), about, list })
    }

    /// The cursor of the next page, which begins behind `next`.
    pub fn cursor(&self, next: Option<C>) -> Option<String> {
        next.map(|at| cursor_write(&Bound { of: self.list, at }))
    }
}

/// The refusal of a cursor from elsewhere.
pub(crate) fn bad_cursor() -> Problem {
    Problem::field("/cursor", "bad_cursor", "This cursor was not made by this list.")
}

fn number(name: &str) -> u64 {
    let hash = hash128(&[name.as_bytes()]);
    hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_fits_its_own_list_alone() {
        let songs = Paging::<u32>::of(&("songs", "newest"), Some(1), None).unwrap();
        let cursor = songs.cursor(Some(7)).unwrap();
        let next = Paging::<u32>::of(&("songs", "newest"), Some(2), Some(&cursor)).unwrap();
        assert_eq!((next.after, next.limit), (Some(7), 2));
        for other in [("songs", "title"), ("ragas", "newest")] {
            let problem = Paging::<u32>::of(&other, None, Some(&cursor)).err().unwrap();
            assert_eq!(problem.errors()[0].field, "/cursor");
        }
    }
}
