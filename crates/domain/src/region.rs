//! Regions: where reads are served, and the one place where writes are.

use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// The name of a region: `a`, `b`, or an operator's own (`ap-south-1`). Lower-case letters, digits and
/// hyphens, 1 to 32 of them, so that it fits host names, metrics labels and headers alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "a")]
pub struct Region(String);

/// A text that cannot name a region.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` cannot name a region: use 1 to 32 of a-z, 0-9 and `-`")]
pub struct BadRegion(String);

impl Region {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Region {
    type Error = BadRegion;

    fn try_from(text: String) -> Result<Self, BadRegion> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if (1..=32).contains(&text.len()) && text.chars().all(allowed) {
            Ok(Self(text))
        } else {
            Err(BadRegion(text))
        }
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_fits_a_host_name() {
        for good in ["a", "ap-south-1", &"x".repeat(32)] {
            assert_eq!(Region::try_from(good.to_owned()).unwrap().as_str(), good);
        }
        for bad in ["", "A", "a b", "a.b", "ā", &"x".repeat(33)] {
            assert!(Region::try_from(bad.to_owned()).is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<Region>("\"B!\"").is_err());
    }
}
