//! What every page asks for: the script of names, the language of the site's words, sometimes a place in a list.

use super::face::{Face, Tongue};
use crate::paging::Paging;
use crate::parameters;
use serde::Deserialize;
use std::fmt::Debug;
use web::Problem;

/// The query of a page.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shown {
    script: Option<String>,
    lang: Option<String>,
    cursor: Option<String>,
}

impl Shown {
    pub fn face(&self) -> Result<Face, Problem> {
        face(self.script.as_deref(), self.lang.as_deref())
    }

    /// The place in `list`, of which a page shows `limit` lines.
    pub fn paging(&self, list: impl Debug, limit: u16) -> Result<Paging<store::Cursor>, Problem> {
        Paging::of(&(list, self.face()?.to_string()), Some(limit), self.cursor.as_deref())
    }

    /// Whether this is the beginning of the list.
    pub const fn is_first(&self) -> bool {
        self.cursor.is_none()
    }
}

/// The face that is asked for; the site's own where nothing is.
pub(super) fn face(script: Option<&str>, lang: Option<&str>) -> Result<Face, Problem> {
    let known = |code| parameters::known("/lang", code, Tongue::from_code(code), "a language of this site");
    let face = lang.map(known).transpose()?.map_or(Face::PLAIN, Face::of);
    Ok(parameters::script(script)?.map_or(face, |script| face.with_script(script)))
}
