//! `/compositions/{slug}`: a song to sing from.

use super::address::Address;
use super::answer::{HTML, Led, dressed, follow};
use super::layout::Page;
use super::lyrics::{self, Sheet};
use super::shown::Shown;
use super::{draw, entity, language, songs, words};
use crate::answer::{Question, read};
use crate::page::{keys, live};
use crate::state::{Keep, State};
use crate::view::composition::{OtherVersion, RagaAt, Setting};
use crate::view::text::Wanted;
use crate::view::{CompositionDetail, Label};
use axum::extract::State as Shared;
use axum::response::Response;
use domain::composition::{Composition, Direction};
use domain::music::Tala;
use domain::music::tala::Eduppu;
use domain::name::NameRole;
use domain::{EntityKind, Record};
use lipi::{Scheme, Script};
use maud::{Markup, html};
use serde_json::{Value, json};
use store::Read;
use web::{IfNoneMatch, Path, Problem, Query};

pub(super) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Path(slug): Path<String>,
    Query(asked): Query<Shown>,
) -> Result<Response, Problem> {
    let script = asked.script()?;
    let kind = EntityKind::Composition;
    let about = format!("{slug}&{script}");
    let question =
        Question { state: &state, have: &have, keep: Keep::Detail, class: "page:composition", about };
    if let Some(response) = question.answer_from_cache().await {
        return Ok(dressed(response, HTML));
    }
    let read = read(&state).await?;
    let id = match follow(&read, kind, &slug, script).await? {
        Led::Here(id) => id,
        Led::Moved(response) => return Ok(*response),
    };
    let answer = question
        .answer(|| async {
            let live = live(&read, kind, id).await?;
            let Record::Composition(song) = &live.record else { return Err(Problem::not_found()) };
            let wanted = Wanted { script, scheme: readable_scheme(song, script) };
            let detail = CompositionDetail::of(&live, song, Some(wanted));
            let tala = tala(&read, &detail).await?;
            let page = page(&detail, tala.as_ref(), script, &state.config.site_url);
            Ok(page.made(&state, &keys(&live), &read))
        })
        .await?;
    Ok(dressed(answer, HTML))
}

/// A Latin text that is stored in a scheme for typing is shown in ISO 15919 instead.
fn readable_scheme(song: &Composition, script: Script) -> Option<Scheme> {
    let texts = song.versions.iter().flat_map(|version| &version.texts);
    let typed = [Scheme::Itrans, Scheme::Hk, Scheme::BlogHk, Scheme::KarnatikHk];
    let is_typed = texts.filter_map(|text| text.scheme).any(|scheme| typed.contains(&scheme));
    (script == Script::Latin && is_typed).then_some(Scheme::Iso15919)
}

/// The tala of the song, for its drawing.
async fn tala(read: &Read, detail: &CompositionDetail) -> Result<Option<Tala>, Problem> {
    let Some(setting) = &detail.tala else { return Ok(None) };
    match live(read, EntityKind::Tala, setting.tala.id).await?.record {
        Record::Tala(tala) => Ok(Some(tala)),
        _ => Ok(None),
    }
}

fn page(song: &CompositionDetail, tala: Option<&Tala>, script: Script, site_url: &str) -> Page {
    let address = Address::entity(EntityKind::Composition, &song.slug);
    let main = html! {
        article.composition {
            (heading(song, script))
            div.sheet.wordless[song.texts.is_empty()] {
                div.words {
                    (lyrics::draw(&Sheet::of(song, script)))
                    @for (index, version) in song.other_versions.iter().enumerate() {
                        (other_version(song, version, index + 2, script))
                    }
                }
                aside.facts aria-label="About this song" {
                    (ragas(song, script))
                    @if let Some(setting) = &song.tala { (setting_drawn(setting, tala, script)) }
                    (references(song, script))
                    (entity::aliases(&song.titles, &song.title, "Also written"))
                    (origin(song))
                }
            }
        }
    };
    let mut page = Page::new(title(song), address, script, main);
    page.description = description(song);
    page.language = song.languages.first().copied();
    page.og_type = "article";
    page.api = Some(format!("/v1/compositions/{}", song.slug));
    page.json_ld = Some(json_ld(song, site_url));
    page
}

fn heading(song: &CompositionDetail, script: Script) -> Markup {
    let lang = language::tag(song.languages.first().copied(), lipi::script_of(&song.title));
    let incipit = song.titles.iter().find(|name| name.role == NameRole::Incipit && name.script == script);
    html! {
        header.title {
            h1 lang=(lang) { (song.title) }
            @if let Some(incipit) = incipit { p.incipit { (language::name(&incipit.text)) } }
            p.byline {
                @if let Some(composer) = &song.composer { (songs::link(composer, script)) }
                @if let Some(doubt) = words::attribution(song.attribution) { " " span.doubt { (doubt) } }
            }
            dl.summary {
                div { dt { "Raga" } dd { (raga_summary(song, script)) } }
                @if let Some(setting) = &song.tala { div { dt { "Tala" } dd { (songs::link(&setting.tala, script)) } } }
                @if !song.languages.is_empty() { div { dt { "Language" } dd { (languages(song)) } } }
                div { dt { "Form" } dd { (words::form(song.form)) } }
            }
        }
    }
}

fn languages(song: &CompositionDetail) -> String {
    song.languages.iter().map(|language| words::language(*language)).collect::<Vec<_>>().join(", ")
}

fn raga_summary(song: &CompositionDetail, script: Script) -> Markup {
    html! {
        @if song.is_ragamalika {
            a href="#ragas" { "Ragamalika, " (words::counted(song.ragas.len() as u64, "entry", "entries")) }
        } @else if let Some(entry) = song.ragas.first() {
            (songs::link(&entry.raga, script))
        } @else { "—" }
    }
}

/// The ragas of a ragamalika in the order in which they are sung.
fn ragas(song: &CompositionDetail, script: Script) -> Markup {
    html! {
        @if song.is_ragamalika {
            section aria-labelledby="ragas" {
                h2 #ragas { "Ragas in order" }
                ol.ragas { @for entry in &song.ragas { li value=(entry.ord) { (raga_entry(entry, script)) } } }
            }
        }
    }
}

fn raga_entry(entry: &RagaAt, script: Script) -> Markup {
    html! {
        (songs::link(&entry.raga, script))
        @if entry.direction == Direction::Viloma { " " span.viloma { "viloma" } }
    }
}

fn setting_drawn(setting: &Setting, tala: Option<&Tala>, script: Script) -> Markup {
    html! {
        section aria-labelledby="tala" {
            h2 #tala { "Tala" }
            p { (songs::link(&setting.tala, script))
                @if let Some(tala) = tala { ", " (words::counted(u64::from(tala.beats), "beat", "beats")) }
                @if setting.kalai > 1 { ", " (setting.kalai) " kalai" }
                @if setting.gati != 4 { ", gati " (setting.gati) }
            }
            @if let Some(tala) = tala { (draw::tala::avartanam(tala, setting.eduppu)) }
            @if let Some(eduppu) = setting.eduppu { p.fine { (begins(eduppu)) } }
        }
    }
}

/// Where the song begins in the avartanam.
fn begins(eduppu: Eduppu) -> String {
    let (beats, of) = (eduppu.numerator.unsigned_abs(), u16::from(eduppu.denominator.max(1)));
    let (whole, rest) = (beats / of, beats % of);
    let amount = match (whole, rest) {
        (0, 0) => return "Begins on samam.".to_owned(),
        (whole, 0) => whole.to_string(),
        (0, rest) => format!("{rest}/{of}"),
        (whole, rest) => format!("{whole} {rest}/{of}"),
    };
    let unit = if whole == 0 || beats == of { "beat" } else { "beats" };
    let side = if eduppu.numerator < 0 { "before" } else { "after" };
    format!("Begins {amount} {unit} {side} samam.")
}

fn references(song: &CompositionDetail, script: Script) -> Markup {
    let groups: Vec<(&Label, i32)> =
        song.groups.iter().map(|membership| (&membership.group, membership.ord + 1)).collect();
    let any = [&song.deities, &song.temples, &song.tags].iter().any(|labels| !labels.is_empty())
        || !groups.is_empty()
        || song.year_hint.is_some();
    html! {
        @if any {
            section aria-labelledby="about" {
                h2 #about { "About" }
                dl {
                    @for (name, labels) in [("Deity", &song.deities), ("Temple", &song.temples), ("Themes", &song.tags)] {
                        @if !labels.is_empty() { dt { (name) } dd { (songs::links(labels, script)) } }
                    }
                    @for (group, ord) in &groups { dt { "Part of" } dd { (songs::link(group, script)) ", no. " (ord) } }
                    @if let Some(year) = song.year_hint { dt { "Made" } dd { "near " (year) } }
                }
            }
        }
    }
}

fn origin(song: &CompositionDetail) -> Markup {
    let revised = song.revision.recorded_at;
    html! {
        section aria-labelledby="origin" {
            h2 #origin { "Sources and rights" }
            @if let Some(rights) = &song.rights { p { (language::name(&rights.label)) } }
            @if !song.sources.is_empty() { ul.sources { @for source in &song.sources { li { (source.note) } } } }
            p.fine { "Revision " (song.revision.number) ", "
                time datetime=(revised.format("%Y-%m-%d")) { (revised.format("%-d %B %Y")) } }
            @if song.machine_made { p.fine { "The title was transliterated by a program." } }
        }
    }
}

fn other_version(song: &CompositionDetail, version: &OtherVersion, number: usize, script: Script) -> Markup {
    let label = version.label.clone().unwrap_or_else(|| format!("Version {number}"));
    html! {
        details.version {
            summary { (label) }
            @if let Some(sampradaya) = &version.sampradaya { p.fine { (songs::link(sampradaya, script)) } }
            p.meta {
                span.raga { @for (index, entry) in version.ragas.iter().enumerate() { @if index > 0 { ", " } (raga_entry(entry, script)) } }
                @if let Some(setting) = &version.tala { span.tala { (songs::link(&setting.tala, script)) } }
            }
            (lyrics::draw(&Sheet::of_version(song, version, number, script)))
        }
    }
}

fn title(song: &CompositionDetail) -> String {
    match &song.composer {
        Some(composer) => format!("{} — {}", song.title, composer.label),
        None => song.title.clone(),
    }
}

fn description(song: &CompositionDetail) -> String {
    let mut text = format!("{}: {}", song.title, words::form(song.form).to_lowercase());
    if let Some(composer) = &song.composer {
        text += &format!(" of {}", composer.label);
    }
    match song.ragas.first() {
        Some(_) if song.is_ragamalika => text += ", ragamalika",
        Some(entry) => text += &format!(" in raga {}", entry.raga.label),
        None => {}
    }
    if let Some(setting) = &song.tala {
        text += &format!(", {} tala", setting.tala.label);
    }
    text + ". Words by section, in six scripts."
}

/// The song for machines (schema.org).
fn json_ld(song: &CompositionDetail, site_url: &str) -> Value {
    let url = |kind, slug: &str| format!("{site_url}{}", Address::entity(kind, slug).href(Script::Latin));
    let mut data = json!({
        "@context": "https://schema.org",
        "@type": "MusicComposition",
        "@id": url(EntityKind::Composition, &song.slug),
        "url": url(EntityKind::Composition, &song.slug),
        "name": song.title,
        "inLanguage": song.languages,
        "genre": ["Carnatic music", words::form(song.form)],
        "musicCompositionForm": words::form(song.form),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eduppu_is_said_as_singers_count() {
        let said = |numerator, denominator| begins(Eduppu { numerator, denominator });
        assert_eq!(said(0, 1), "Begins on samam.");
        assert_eq!(said(3, 2), "Begins 1 1/2 beats after samam.");
        assert_eq!(said(1, 1), "Begins 1 beat after samam.");
        assert_eq!(said(-3, 4), "Begins 3/4 beat before samam.");
    }
}
