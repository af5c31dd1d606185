//! Styles, script, icon and fonts, compiled in. Their names hold a hash of their content, so they are kept for good.

use super::answer::constant;
use super::face::Face;
use crate::answer::hash128;
use axum::response::Response;
use bytes::Bytes;
use lipi::Script;
use std::borrow::Cow;
use std::sync::LazyLock;
use web::{IfNoneMatch, Path, Problem};

/// A file under `/static`.
struct Asset {
    name: String,
    media: &'static str,
    body: Bytes,
}

impl Asset {
    fn new(stem: &str, extension: &str, media: &'static str, body: impl Into<Cow<'static, [u8]>>) -> Self {
        let body = match body.into() {
            Cow::Borrowed(body) => Bytes::from_static(body),
            Cow::Owned(body) => Bytes::from(body),
        };
        let hash: String = hash128(&[&body])[..6].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { name: format!("{stem}-{hash}.{extension}"), media, body }
    }

    fn href(&self) -> String {
        format!("/static/{}", self.name)
    }
}

macro_rules! fonts {
    ($($stem:literal),* $(,)?) => {
        /// Fonts by the stem of their names; made by `assets/fonts/make.sh`, licensed by `assets/fonts/OFL.txt`.
        static FONTS: LazyLock<Vec<(&'static str, Asset)>> = LazyLock::new(|| vec![$(
            ($stem, Asset::new($stem, "woff2", "font/woff2", include_bytes!(concat!("assets/fonts/", $stem, ".woff2")).as_slice())),
        )*]);
    };
}

fonts! {
    "serif-400", "serif-600", "sans-400", "sans-600",
    "devanagari", "tamil", "telugu", "kannada", "malayalam",
    "menu-devanagari", "menu-tamil", "menu-telugu", "menu-kannada", "menu-malayalam",
}

/// The style sheet names each font as `url(STEM)`; here each gets its address.
static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let style = FONTS.iter().fold(include_str!("assets/app.css").to_owned(), |style, (stem, font)| {
        style.replace(&format!("url({stem})"), &format!("url({})", font.href()))
    });
    Asset::new("app", "css", "text/css; charset=utf-8", style.into_bytes())
});
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("app", "js", "text/javascript; charset=utf-8", include_bytes!("assets/app.js").as_slice())
});
static ICON: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("icon", "svg", "image/svg+xml", include_bytes!("assets/icon.svg").as_slice())
});

pub(super) fn style_href() -> String {
    STYLE.href()
}

pub(super) fn script_href() -> String {
    SCRIPT.href()
}

pub(super) fn icon_href() -> String {
    ICON.href()
}

/// The fonts that every page in `face` shows above the fold.
pub(super) fn fonts_first(face: Face) -> impl Iterator<Item = String> {
    let own = font_of(face.script).or_else(|| font_of(face.tongue.script()));
    ["serif-400", "serif-600", "sans-400"].into_iter().chain(own).filter_map(|stem| {
        let (_, font) = FONTS.iter().find(|(known, _)| *known == stem)?;
        Some(font.href())
    })
}

const fn font_of(script: Script) -> Option<&'static str> {
    match script {
        Script::Devanagari => Some("devanagari"),
        Script::Tamil => Some("tamil"),
        Script::Telugu => Some("telugu"),
        Script::Kannada => Some("kannada"),
        Script::Malayalam => Some("malayalam"),
        Script::Latin | Script::Bengali | Script::Gujarati | Script::Grantha => None,
    }
}

/// A file by its name; a name of another release is not found.
pub(super) async fn handler(have: IfNoneMatch, Path(file): Path<String>) -> Result<Response, Problem> {
    let files: [&'static Asset; 3] = [&STYLE, &SCRIPT, &ICON];
    let fonts = FONTS.iter().map(|(_, font)| font);
    let asset = files.into_iter().chain(fonts).find(|asset| asset.name == file);
    let asset = asset.ok_or_else(Problem::not_found)?;
    Ok(constant(asset.body.clone(), &have, asset.media))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_font_of_the_style_sheet_has_an_address() {
        let style = std::str::from_utf8(&STYLE.body).unwrap();
        assert_eq!(style.matches("url(/static/").count(), style.matches("url(").count());
        for (stem, font) in FONTS.iter() {
            assert!(style.contains(&font.href()), "{stem} is not used");
        }
    }

    #[test]
    fn fonts_of_one_page_leave_room_for_the_page() {
        let bytes = |stem: &str| FONTS.iter().find(|(known, _)| *known == stem).unwrap().1.body.len();
        let menus: usize =
            FONTS.iter().filter(|(stem, _)| stem.starts_with("menu-")).map(|(_, font)| font.body.len()).sum();
        let latin: usize = ["serif-400", "serif-600", "sans-400", "sans-600"].map(bytes).iter().sum();
        let largest = ["devanagari", "tamil", "telugu", "kannada", "malayalam"].map(bytes).into_iter().max();
        let two_scripts = menus + latin + largest.unwrap() + bytes("telugu");
        assert!(two_scripts < 180 * 1024, "{two_scripts} bytes");
    }
}
