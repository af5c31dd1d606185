//! What stands beside the words of a song: the same words in another script, or another version (pathantara).
//! It is part of the address, so two columns need no script and can be sent to somebody.

use super::face::Face;
use crate::view::CompositionDetail;
use lipi::Script;
use std::fmt;
use web::Problem;

/// The right column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    Script(Script),
    /// Counted from 2: the shown version is the first.
    Version(usize),
}

impl Beside {
    /// Reads `tamil` or `version-2`. The script that is shown anyway stands beside nothing.
    pub fn of(text: Option<&str>, face: Face) -> Result<Option<Self>, Problem> {
        let Some(text) = text else { return Ok(None) };
        let version = text.strip_prefix("version-").and_then(|number| number.parse().ok());
        let script = text.parse().ok().filter(|script| Script::SITE.contains(script));
        match (version, script) {
            (Some(number), _) if number >= 2 => Ok(Some(Self::Version(number))),
            (_, Some(script)) => Ok((script != face.script).then_some(Self::Script(script))),
            _ => Err(refused()),
        }
    }

    /// Everything that may stand beside `song` in `face`.
    pub fn choices(song: &CompositionDetail, face: Face) -> Vec<Self> {
        let others = Script::SITE.into_iter().filter(|script| *script != face.script).map(Self::Script);
        let scripts = others.filter(|_| !song.texts.is_empty());
        let versions = (0..song.other_versions.len()).map(|index| Self::Version(index + 2));
        scripts.chain(versions).collect()
    }

    /// Refuses a version that `song` does not have.
    pub fn check(self, song: &CompositionDetail) -> Result<(), Problem> {
        let known = match self {
            Self::Version(number) => number - 2 < song.other_versions.len(),
            Self::Script(_) => true,
        };
        if known { Ok(()) } else { Err(refused()) }
    }
}

/// As addresses write it.
impl fmt::Display for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Script(script) => f.write_str(script.as_str()),
            Self::Version(number) => write!(f, "version-{number}"),
        }
    }
}

fn refused() -> Problem {
    Problem::field(
        "/beside",
        "unknown_value",
        "A script of this site, or `version-2` and on as far as the song has them.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_and_versions_are_read_and_written_alike() {
        for text in ["tamil", "version-2", "version-16"] {
            assert_eq!(Beside::of(Some(text), Face::PLAIN).unwrap().unwrap().to_string(), text);
        }
        assert_eq!(Beside::of(Some("latin"), Face::PLAIN).unwrap(), None);
        for text in ["klingon", "grantha", "version-1", "version-", "version--2"] {
            assert_eq!(
                Beside::of(Some(text), Face::PLAIN).unwrap_err().errors()[0].field,
                "/beside",
                "{text}"
            );
        }
    }
}
