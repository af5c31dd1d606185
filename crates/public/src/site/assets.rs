//! Styles, script and icon, compiled in. Their names hold a hash of their content, so they are kept for good.

use super::answer::constant;
use crate::answer::hash128;
use axum::response::Response;
use bytes::Bytes;
use std::sync::LazyLock;
use web::{IfNoneMatch, Path, Problem};

/// A file under `/static`.
struct Asset {
    name: String,
    media: &'static str,
    body: &'static str,
}

impl Asset {
    fn new(stem: &str, extension: &str, media: &'static str, body: &'static str) -> Self {
        let hash: String =
            hash128(&[body.as_bytes()])[..6].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { name: format!("{stem}-{hash}.{extension}"), media, body }
    }

    fn href(&self) -> String {
        format!("/static/{}", self.name)
    }
}

static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("app", "css", "text/css; charset=utf-8", include_str!("assets/app.css")));
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("app", "js", "text/javascript; charset=utf-8", include_str!("assets/app.js"))
});
static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_str!("assets/icon.svg")));

pub(super) fn style_href() -> String {
    STYLE.href()
}

pub(super) fn script_href() -> String {
    SCRIPT.href()
}

pub(super) fn icon_href() -> String {
    ICON.href()
}

/// A file by its name; a name of another release is not found.
pub(super) async fn handler(have: IfNoneMatch, Path(file): Path<String>) -> Result<Response, Problem> {
    let assets: [&'static Asset; 3] = [&STYLE, &SCRIPT, &ICON];
    let asset = assets.into_iter().find(|asset| asset.name == file).ok_or_else(Problem::not_found)?;
    Ok(constant(Bytes::from_static(asset.body.as_bytes()), &have, asset.media))
}
