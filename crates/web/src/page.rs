//! Pages: a bounded limit and an opaque cursor.

use crate::problem::Problem;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How many items a page has where the client does not say.
pub const LIMIT_DEFAULT: u16 = 25;

/// The most items of one page.
pub const LIMIT_MAX: u16 = 100;

/// The longest cursor, in bytes as it is sent: a sort key of the longest name fits, and so does the URL.
pub const CURSOR_BYTES_MAX: usize = 7 * 1024;

/// One page of a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// At most `limit` items.
    pub items: Vec<T>,
    /// Send it as `cursor` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// The page size that was asked for, 1 to [`LIMIT_MAX`].
pub fn limit(asked: Option<u16>) -> Result<u16, Problem> {
    match asked.unwrap_or(LIMIT_DEFAULT) {
        limit @ 1..=LIMIT_MAX => Ok(limit),
        _ => Err(Problem::field("/limit", "out_of_range", format!("`limit` is 1 to {LIMIT_MAX}."))),
    }
}

/// The cursor that leads on from `position`.
pub fn cursor_write(position: &impl Serialize) -> String {
    let json = serde_json::to_vec(position).expect("a cursor is plain data");
    URL_SAFE_NO_PAD.encode(json)
}

/// The position that a cursor stands for. `T` denies unknown fields, so that a cursor of one list is not
/// taken by another.
pub fn cursor_read<T: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<T>, Problem> {
    let Some(text) = cursor else { return Ok(None) };
    let bytes = (text.len() <= CURSOR_BYTES_MAX).then(|| URL_SAFE_NO_PAD.decode(text).ok()).flatten();
    let position = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let refused = || Problem::field("/cursor", "bad_cursor", "This cursor was not made by this list.");
    position.map(Some).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_comes_back_as_it_was() {
        let cursor = cursor_write(&("rāga", 7));
        assert_eq!(cursor_read::<(String, u32)>(Some(&cursor)).unwrap(), Some(("rāga".to_owned(), 7)));
        assert_eq!(cursor_read::<u32>(None).unwrap(), None);
    }

    #[test]
    fn bad_cursors_are_refused_at_their_parameter() {
        for bad in ["", "%", "AAAA", &cursor_write(&"text"), &"A".repeat(CURSOR_BYTES_MAX + 1)] {
            let problem = cursor_read::<(String, u32)>(Some(bad)).unwrap_err();
            assert_eq!(
                (problem.status().as_u16(), problem.errors()[0].field.as_str()),
                (422, "/cursor"),
                "{bad}"
            );
        }
    }

    #[test]
    fn limit_is_one_to_a_hundred() {
        assert_eq!(limit(None).unwrap(), 25);
        assert_eq!(limit(Some(100)).unwrap(), 100);
        assert!(limit(Some(0)).is_err() && limit(Some(101)).is_err());
    }
}
