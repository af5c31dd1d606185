//! `sangraha compare`: where our catalogue and another collection disagree.

use crate::{Error, terminal};
use std::path::Path;
use worker::load;

/// Prints every disagreement and the counts; fails while one is undecided.
pub fn run(own: &Path, other: &Path, json: bool) -> Result<(), Error> {
    let found = load::compare(own, other).map_err(Error::part("Comparing the catalogues"))?;
    if json {
        terminal::say(serde_json::to_string_pretty(&found).map_err(Error::part("Writing the comparison"))?);
    } else {
        terminal::say(&found);
    }
    match found.undecided() {
        0 => Ok(()),
        left => Err(Error::Found(format!("{left} disagreements are undecided"))),
    }
}
