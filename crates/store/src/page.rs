//! Pages of a list, by key and never by offset.

use crate::error::Error;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Some rows of a list, and where the next ones begin.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// None at the end of the list.
    pub next: Option<Cursor>,
}

/// The place of a row in the order of its list. Whoever hands it out makes it opaque.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The sort key, in hexadecimal.
    key: String,
    id: Uuid,
}

impl Cursor {
    pub(crate) fn new(key: &[u8], id: Uuid) -> Self {
        Self { key: key.iter().map(|byte| format!("{byte:02x}")).collect(), id }
    }

    pub(crate) fn at(micros: i64, id: Uuid) -> Self {
        Self::new(&micros.to_be_bytes(), id)
    }

    pub(crate) const fn id(&self) -> Uuid {
        self.id
    }

    pub(crate) fn key(&self) -> Result<Vec<u8>, Error> {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let pairs = self.key.as_bytes().chunks(2);
        pairs
            .map(|pair| match pair {
                [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
                _ => None,
            })
            .collect::<Option<_>>()
            .ok_or(Error::BadCursor)
    }

    pub(crate) fn micros(&self) -> Result<i64, Error> {
        Ok(i64::from_be_bytes(self.key()?.try_into().map_err(|_| Error::BadCursor)?))
    }
}

/// The most rows that one page may hold, whatever was asked for.
pub(crate) const ROWS_MAX: usize = 1_000;

/// How many rows to fetch for a page of `limit`: one more, which only says that there is another page.
pub(crate) fn fetch_limit(limit: usize) -> i64 {
    i64::try_from(limit.clamp(1, ROWS_MAX) + 1).unwrap_or(i64::MAX)
}

/// Makes the page from rows fetched by [`fetch_limit`].
pub(crate) fn page_of<T>(mut items: Vec<T>, limit: usize, cursor: impl Fn(&T) -> Cursor) -> Page<T> {
    let limit = limit.clamp(1, ROWS_MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    let next = if more { items.last().map(cursor) } else { None };
    Page { items, next }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_keeps_its_key() {
        let cursor = Cursor::new(&[0, 1, 0xab, 0xff], Uuid::nil());
        let back: Cursor = serde_json::from_str(&serde_json::to_string(&cursor).unwrap()).unwrap();
        assert_eq!(back.key().unwrap(), [0, 1, 0xab, 0xff]);
        assert_eq!(Cursor::at(-5, Uuid::nil()).micros().unwrap(), -5);
    }

    #[test]
    fn a_broken_cursor_is_refused() {
        for key in ["abc", "zz", "é0", "\u{0}\u{0}"] {
            let cursor = Cursor { key: key.to_owned(), id: Uuid::nil() };
            assert!(matches!(cursor.key(), Err(Error::BadCursor)), "{key}");
        }
        assert!(matches!(Cursor::new(&[1], Uuid::nil()).micros(), Err(Error::BadCursor)));
    }

    #[test]
    fn the_last_page_has_no_next() {
        let cursor = |item: &u8| Cursor::new(&[*item], Uuid::nil());
        assert!(page_of(vec![1, 2], 2, cursor).next.is_none());
        let page = page_of(vec![1, 2, 3], 2, cursor);
        assert_eq!(page.items, [1, 2]);
        assert_eq!(page.next, Some(Cursor::new(&[2], Uuid::nil())));
    }
}
