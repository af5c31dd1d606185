//! Query parameters that many endpoints share, read the same way everywhere.

use crate::error::store_problem;
use crate::view::text::Wanted;
use domain::EntityKind;
use domain::composition::Form;
use domain::name::Language;
use lipi::{Scheme, Script};
use serde::{Deserialize, Deserializer};
use std::str::FromStr;
use store::Read;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{FieldError, Problem};

/// A display script by its name; none where it was not asked for.
pub(crate) fn script(text: Option<&str>) -> Result<Option<Script>, Problem> {
    text.map(|text| known("/script", text, shown_script(text), "a script that names are shown in"))
        .transpose()
}

/// A script and romanisation in which a text is wanted; a romanisation alone means Latin.
pub(crate) fn wanted(
    script_name: Option<&str>,
    scheme_name: Option<&str>,
) -> Result<Option<Wanted>, Problem> {
    let scheme =
        scheme_name.map(|text| known("/scheme", text, shown_scheme(text), "a romanisation")).transpose()?;
    let script = script(script_name)?;
    match (script, scheme) {
        (Some(script), Some(_)) if script != Script::Latin => Err(Problem::field(
            "/scheme",
            "scheme_without_latin",
            "A romanisation goes with the Latin script only.",
        )),
        (None, None) => Ok(None),
        (script, scheme) => Ok(Some(Wanted { script: script.unwrap_or(Script::Latin), scheme })),
    }
}

/// Every name is kept in these scripts.
fn shown_script(text: &str) -> Option<Script> {
    Script::from_str(text).ok().filter(|script| Script::SITE.contains(script))
}

/// The romanisations that readers may ask for.
fn shown_scheme(text: &str) -> Option<Scheme> {
    let shown = [Scheme::Iso15919, Scheme::Iast, Scheme::Itrans, Scheme::Hk];
    Scheme::from_str(text).ok().filter(|scheme| shown.contains(scheme))
}

/// The value of an enumeration, or a refusal that names the parameter.
pub(crate) fn known<T>(field: &str, text: &str, value: Option<T>, what: &str) -> Result<T, Problem> {
    value.ok_or_else(|| {
        let shown = lipi::truncate_graphemes(text, 40);
        Problem::validation(vec![FieldError::new(
            field,
            "unknown_value",
            format!("`{shown}` is not {what}."),
        )])
    })
}

/// The entity that a filter names by id or slug. An unknown one is refused, so that a misspelt filter does
/// not look like an empty catalogue.
pub(crate) async fn filter(
    read: &Read,
    kind: EntityKind,
    reference: Option<&str>,
) -> Result<Option<Uuid>, Problem> {
    let Some(reference) = reference else { return Ok(None) };
    let found = read.resolve(kind, reference).await.map_err(store_problem)?;
    let id = found.map(|found| found.id);
    known(&format!("/{kind}"), reference, id, &format!("a {kind} of this catalogue")).map(Some)
}

/// A box on the map: `west,south,east,north` in degrees, as millionths of a degree.
pub(crate) fn bbox(text: Option<&str>) -> Result<Option<[i32; 4]>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let limits = [180.0, 90.0, 180.0, 90.0];
    let degrees: Vec<f64> = text.split(',').filter_map(|part| part.trim().parse().ok()).collect();
    let fits = degrees.len() == limits.len()
        && text.split(',').count() == limits.len()
        && degrees.iter().zip(limits).all(|(at, limit): (&f64, f64)| at.abs() <= limit)
        && degrees[1] <= degrees[3];
    let micro = |at: f64| (at * 1_000_000.0).round() as i32;
    let corners = fits.then(|| [micro(degrees[0]), micro(degrees[1]), micro(degrees[2]), micro(degrees[3])]);
    known("/bbox", text, corners, "four numbers of degrees, `west,south,east,north`").map(Some)
}

/// A mela number.
pub(crate) fn mela(number: Option<u8>) -> Result<Option<u8>, Problem> {
    match number {
        Some(number) if !(1..=72).contains(&number) => {
            Err(Problem::field("/mela", "out_of_range", "A mela number is 1 to 72."))
        }
        number => Ok(number),
    }
}

/// A language by its ISO 639-1 code.
pub(crate) fn language(code: Option<&str>) -> Result<Option<Language>, Problem> {
    code.map(|code| known("/language", code, Language::from_code(code), "a language of this catalogue"))
        .transpose()
}

/// A form by its wire name.
pub(crate) fn form(name: Option<&str>) -> Result<Option<Form>, Problem> {
    name.map(|name| known("/form", name, Form::from_wire(name), "a form")).transpose()
}

/// Whether a list is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Count {
    None,
    Exact,
    /// Lists here are short enough to be counted, so this is exact too.
    Estimate,
}

/// A switch: `1` or `true`, `0` or `false`.
pub(crate) fn switch<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    enum Switch {
        #[serde(rename = "1", alias = "true")]
        On,
        #[serde(rename = "0", alias = "false")]
        Off,
    }
    Ok(matches!(Switch::deserialize(value)?, Switch::On))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_has_four_sides_in_order() {
        assert_eq!(
            bbox(Some("78,10.5,80,11")).unwrap(),
            Some([78_000_000, 10_500_000, 80_000_000, 11_000_000])
        );
        for bad in ["", "1,2,3", "1,2,3,4,5", "181,0,1,1", "0,5,1,4", "a,b,c,d", "NaN,0,1,1", "1,,2,3"] {
            assert_eq!(bbox(Some(bad)).unwrap_err().errors()[0].field, "/bbox", "{bad}");
        }
    }
}
