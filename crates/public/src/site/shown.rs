//! What every page asks for: the script of names, and sometimes a place in a list.

use super::address::SCRIPT_DEFAULT;
use crate::paging::Paging;
use crate::parameters;
use lipi::Script;
use serde::Deserialize;
use std::fmt::Debug;
use web::Problem;

/// The query of a page.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shown {
    script: Option<String>,
    cursor: Option<String>,
}

impl Shown {
    pub fn script(&self) -> Result<Script, Problem> {
        site_script(self.script.as_deref())
    }

    /// The place in `list`, of which a page shows `limit` lines.
    pub fn paging(&self, list: impl Debug, limit: u16) -> Result<Paging<store::Cursor>, Problem> {
        Paging::of(&(list, self.script.as_deref()), Some(limit), self.cursor.as_deref())
    }

    /// Whether this is the beginning of the list.
    pub const fn is_first(&self) -> bool {
        self.cursor.is_none()
    }
}

/// The script that is asked for; the site's own where none is.
pub(super) fn site_script(name: Option<&str>) -> Result<Script, Problem> {
    Ok(parameters::script(name)?.unwrap_or(SCRIPT_DEFAULT))
}
