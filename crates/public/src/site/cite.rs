//! How to cite the page of a song, and the song for machines (schema.org).

use super::address::Address;
use super::face::Face;
use super::layout::SITE_NAME;
use super::words;
use crate::view::CompositionDetail;
use domain::EntityKind;
use maud::{Markup, html};
use serde_json::{Value, json};

/// One sentence for a list of works, and the same for BibTeX.
pub(super) fn draw(song: &CompositionDetail, address: &Address, face: Face, site_url: &str) -> Markup {
    let url = format!("{site_url}{}", address.href(face));
    let date = song.revision.recorded_at.date_naive();
    html! {
        details.cite {
            summary { (face.say("Cite this page")) }
            p {
                @if let Some(composer) = &song.composer { (composer.label) ", " }
                cite { (song.title) } ". " (SITE_NAME) ", " (face.fill("Revision {n}", song.revision.number)) ", "
                (words::date(date, face)) ". " span.url { (url) }
            }
            pre { code { (bibtex(song, &url)) } }
        }
    }
}

/// Braces and backslashes would end the entry, so they are left out.
fn bibtex(song: &CompositionDetail, url: &str) -> String {
    let plain = |text: &str| text.replace(['{', '}', '\\'], "");
    let author = song
        .composer
        .as_ref()
        .map_or_else(String::new, |composer| format!("  author = {{{}}},\n", plain(&composer.label)));
    format!(
        "@misc{{{},\n{author}  title = {{{}}},\n  howpublished = {{{SITE_NAME}, revision {}}},\n  year = {{{}}},\n  url = {{{}}}\n}}",
        song.slug,
        plain(&song.title),
        song.revision.number,
        song.revision.recorded_at.format("%Y"),
        plain(url)
    )
}

/// The song for machines.
pub(super) fn json_ld(song: &CompositionDetail, site_url: &str) -> Value {
    let url = |kind, slug: &str| format!("{site_url}{}", Address::entity(kind, slug).href(Face::PLAIN));
    let mut data = json!({
        "@context": "https://schema.org",
        "@type": "MusicComposition",
        "@id": url(EntityKind::Composition, &song.slug),
        "url": url(EntityKind::Composition, &song.slug),
        "name": song.title,
        "inLanguage": song.languages,
        "genre": ["Carnatic music", words::form(song.form)],
        "musicCompositionForm": words::form(song.form),
        "dateModified": song.revision.recorded_at,
        "version": song.revision.number,
    });
    let others: Vec<&str> =
        song.titles.iter().map(|name| name.text.as_str()).filter(|name| *name != song.title).collect();
    if !others.is_empty() {
        data["alternateName"] = json!(others);
    }
    if let Some(composer) = &song.composer {
        let page = url(EntityKind::Composer, &composer.slug);
        data["composer"] = json!({ "@type": "Person", "name": composer.label, "url": page });
    }
    if let Some(text) = song.texts.first() {
        let lines: Vec<&str> =
            text.sections.iter().flat_map(|section| &section.lines).map(String::as_str).collect();
        data["lyrics"] = json!({ "@type": "CreativeWork", "text": lines.join("\n") });
    }
    data
}
