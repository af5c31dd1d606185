//! `sangraha openapi`: the documents that are checked in, as the code states them.

use crate::{Error, terminal};

/// Prints one document, keys in order, indented.
pub fn print(admin: bool) -> Result<(), Error> {
    let document = if admin { admin::api().openapi_json() } else { public::api().openapi_json() };
    let document = document.map_err(Error::part("Writing the OpenAPI document"))?;
    let text =
        serde_json::to_string_pretty(&document).map_err(Error::part("Writing the OpenAPI document"))?;
    terminal::say(text);
    Ok(())
}
