//! `/compositions/{slug}`: a song to sing from.

use super::address::Address;
use super::answer::{HTML, Led, dressed, follow};
use super::beside::Beside;
use super::face::{Face, msg};
use super::layout::Page;
use super::lyrics::{self, Sheet};
use super::{cite, draw, entity, language, meaning, notation, report, shown, songs, tala, words};
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
use serde::Deserialize;
use store::{Live, Read};
use web::{IfNoneMatch, Path, Problem, Query};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    script: Option<String>,
    lang: Option<String>,
    /// What stands in a second column.
    beside: Option<String>,
}

/// A song as it is shown.
struct Sung<'a> {
    song: &'a CompositionDetail,
    /// The same in the script of the second column.
    second: Option<&'a CompositionDetail>,
    beside: Option<Beside>,
    tala: Option<&'a Tala>,
    swaras: Markup,
    face: Face,
    site_url: &'a str,
}

pub(super) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Path(slug): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let face = shown::face(asked.script.as_deref(), asked.lang.as_deref())?;
    let beside = Beside::of(asked.beside.as_deref(), face)?;
    let kind = EntityKind::Composition;
    let about = format!("{slug}&{face}&{beside:?}");
    let question =
        Question { state: &state, have: &have, keep: Keep::Detail, class: "page:composition", about };
    if let Some(response) = question.answer_from_cache().await {
        return Ok(dressed(response, HTML));
    }
    let read = read(&state).await?;
    let id = match follow(&read, kind, &slug, face).await? {
        Led::Here(id) => id,
        Led::Moved(response) => return Ok(*response),
    };
    let answer = question
        .answer(|| async {
            let live = live(&read, kind, id).await?;
            let page = page(&read, &live, beside, face, &state.config.site_url).await?;
            Ok(page.made(&state, &keys(&live), &read))
        })
        .await?;
    Ok(dressed(answer, HTML))
}

async fn page(
    read: &Read,
    live: &Live,
    beside: Option<Beside>,
    face: Face,
    site_url: &str,
) -> Result<Page, Problem> {
    let Record::Composition(record) = &live.record else { return Err(Problem::not_found()) };
    let song = in_script(live, record, face.script);
    if let Some(beside) = beside {
        beside.check(&song)?;
    }
    let second = match beside {
        Some(Beside::Script(script)) => Some(in_script(live, record, script)),
        _ => None,
    };
    let tala = tala_of(read, &song).await?;
    let swaras = notation::block(live, record, face);
    let (second, tala) = (second.as_ref(), tala.as_ref());
    Ok(Sung { song: &song, second, beside, tala, swaras, face, site_url }.page())
}

fn in_script(live: &Live, song: &Composition, script: Script) -> CompositionDetail {
    let wanted = Wanted { script, scheme: readable_scheme(song, script) };
    CompositionDetail::of(live, song, Some(wanted))
}

/// A Latin text that is stored in a scheme for typing is shown in ISO 15919 instead.
fn readable_scheme(song: &Composition, script: Script) -> Option<Scheme> {
    let texts = song.versions.iter().flat_map(|version| &version.texts);
    let typed = [Scheme::Itrans, Scheme::Hk, Scheme::BlogHk, Scheme::KarnatikHk];
    let is_typed = texts.filter_map(|text| text.scheme).any(|scheme| typed.contains(&scheme));
    (script == Script::Latin && is_typed).then_some(Scheme::Iso15919)
}

/// The tala of the song, for its drawing.
async fn tala_of(read: &Read, detail: &CompositionDetail) -> Result<Option<Tala>, Problem> {
    let Some(setting) = &detail.tala else { return Ok(None) };
    match live(read, EntityKind::Tala, setting.tala.id).await?.record {
        Record::Tala(tala) => Ok(Some(tala)),
        _ => Ok(None),
    }
}

impl Sung<'_> {
    fn page(&self) -> Page {
        let (song, face) = (self.song, self.face);
        let mut page = Page::new(title(song), self.address(), face, self.draw());
        page.description = description(song, face);
        page.language = song.languages.first().copied();
        page.og_type = "article";
        page.api = Some(format!("/v1/compositions/{}", song.slug));
        page.json_ld = Some(cite::json_ld(song, self.site_url));
        page.indexed = self.beside.is_none();
        page
    }

    fn address(&self) -> Address {
        Address::entity(EntityKind::Composition, &self.song.slug).with_some("beside", self.beside)
    }

    fn draw(&self) -> Markup {
        let (song, face) = (self.song, self.face);
        let sheet = Sheet::of(song, face);
        html! {
            article.composition data-song=(song.slug) data-title=(song.title) {
                (heading(song, face))
                (self.tools())
                div.sheet.wordless[song.texts.is_empty()].wide[self.beside.is_some()] {
                    div.words {
                        (self.words(&sheet))
                        (meaning::block(song, face))
                        (self.swaras)
                        (report::form(song, &sheet, face))
                    }
                    aside.facts aria-label=(face.say("About this song")) {
                        (ragas(song, face))
                        @if let Some(setting) = &song.tala { (setting_drawn(setting, self.tala, face)) }
                        (references(song, face))
                        (entity::aliases(&song.titles, &song.title, face.say("Also written"), face))
                        (origin(song, face))
                        (cite::draw(song, &self.address().without("beside"), face, self.site_url))
                    }
                }
            }
        }
    }

    /// The words in one column or two, and the other versions below.
    fn words(&self, sheet: &Sheet<'_>) -> Markup {
        let (song, face) = (self.song, self.face);
        let second = self.second.map(|second| Sheet::of(second, face));
        let chosen = match self.beside {
            Some(Beside::Version(number)) => {
                song.other_versions.get(number - 2).map(|version| (number, version))
            }
            _ => None,
        };
        html! {
            @if let Some((number, version)) = chosen {
                div.versions {
                    section aria-label=(version_name(None, 1, face)) {
                        p.version-name { (version_name(None, 1, face)) }
                        (lyrics::draw(sheet, None))
                    }
                    section aria-label=(version_name(Some(version), number, face)) {
                        (version_drawn(song, version, number, face))
                    }
                }
            } @else {
                (lyrics::draw(sheet, second.as_ref()))
                @for (version, number) in song.other_versions.iter().zip(2..) {
                    details.version {
                        summary { (version_name(Some(version), number, face)) }
                        (version_drawn(song, version, number, face))
                    }
                }
            }
        }
    }

    /// What can be done with the page.
    fn tools(&self) -> Markup {
        let (song, face) = (self.song, self.face);
        let plain = Address::entity(EntityKind::Composition, &song.slug);
        let choices = Beside::choices(song, face);
        html! {
            div.tools {
                @if !choices.is_empty() {
                    details.drop {
                        summary { (face.say("Side by side")) }
                        ul {
                            @if self.beside.is_some() { li { a href=(plain.href(face)) { (face.say("One column")) } } }
                            @for choice in choices {
                                @let here = (self.beside == Some(choice)).then_some("true");
                                li {
                                    a href=(plain.clone().with("beside", choice).href(face)) aria-current=[here]
                                        lang=[script_of(choice).map(language::of_names)] { (self.choice_name(choice)) }
                                }
                            }
                        }
                    }
                }
                button.quiet.scripted type="button" data-keep=(face.say("Keep this song")) data-kept=(face.say("Kept ✓"))
                    aria-pressed="false" { (face.say("Keep this song")) }
                button.quiet.scripted type="button" data-print { (face.say("Print")) }
                a.quiet href="#report" { (face.say("Report an error")) }
            }
        }
    }

    fn choice_name(&self, choice: Beside) -> String {
        match choice {
            Beside::Script(script) => language::own_name(script).to_owned(),
            Beside::Version(number) => {
                version_name(self.song.other_versions.get(number - 2), number, self.face)
            }
        }
    }
}

const fn script_of(choice: Beside) -> Option<Script> {
    match choice {
        Beside::Script(script) => Some(script),
        Beside::Version(_) => None,
    }
}

fn heading(song: &CompositionDetail, face: Face) -> Markup {
    let lang = language::tag(song.languages.first().copied(), lipi::script_of(&song.title));
    let incipit =
        song.titles.iter().find(|name| name.role == NameRole::Incipit && name.script == face.script);
    html! {
        header.title {
            h1 lang=(lang) { (song.title) }
            @if let Some(incipit) = incipit { p.incipit { (language::name(&incipit.text)) } }
            p.byline {
                @if let Some(composer) = &song.composer { (songs::link(composer, face)) }
                @if let Some(doubt) = words::attribution(song.attribution) { " " span.doubt { (face.say(doubt)) } }
            }
            dl.summary {
                div { dt { (face.say("Raga")) } dd { (raga_summary(song, face)) } }
                @if let Some(setting) = &song.tala { div { dt { (face.say("Tala")) } dd { (songs::link(&setting.tala, face)) } } }
                @if !song.languages.is_empty() { div { dt { (face.say("Language")) } dd { (languages(song, face)) } } }
                div { dt { (face.say("Form")) } dd { (face.say(words::form(song.form))) } }
            }
        }
    }
}

fn languages(song: &CompositionDetail, face: Face) -> String {
    song.languages.iter().map(|language| face.say(words::language(*language))).collect::<Vec<_>>().join(", ")
}

fn raga_summary(song: &CompositionDetail, face: Face) -> Markup {
    let entries = song.ragas.len() as u64;
    html! {
        @if song.is_ragamalika {
            a href="#ragas" { (face.say("Ragamalika")) ", " (face.counted(entries, "{n} entry", "{n} entries")) }
        } @else if let Some(entry) = song.ragas.first() {
            (songs::link(&entry.raga, face))
        } @else { "—" }
    }
}

/// The ragas of a ragamalika in the order in which they are sung.
fn ragas(song: &CompositionDetail, face: Face) -> Markup {
    html! {
        @if song.is_ragamalika {
            section aria-labelledby="ragas" {
                h2 #ragas { (face.say("Ragas in order")) }
                ol.ragas { @for entry in &song.ragas { li value=(entry.ord) { (raga_entry(entry, face)) } } }
            }
        }
    }
}

fn raga_entry(entry: &RagaAt, face: Face) -> Markup {
    html! {
        (songs::link(&entry.raga, face))
        @if entry.direction == Direction::Viloma { " " span.viloma { (face.say("viloma")) } }
    }
}

fn setting_drawn(setting: &Setting, tala: Option<&Tala>, face: Face) -> Markup {
    html! {
        section aria-labelledby="tala" {
            h2 #tala { (face.say("Tala")) }
            p { (songs::link(&setting.tala, face))
                @if let Some(tala) = tala { ", " (face.counted(u64::from(tala.beats), "{n} beat", "{n} beats")) }
                @if setting.kalai > 1 { ", " (face.fill("{n} kalai", setting.kalai)) }
                @if setting.gati != 4 { ", " (face.fill("gati {n}", setting.gati)) }
            }
            @if let Some(tala) = tala { (draw::tala::avartanam(tala, setting.eduppu)) (tala::legend(face)) }
            @if let Some(eduppu) = setting.eduppu { p.fine { (begins(eduppu, face)) } }
        }
    }
}

/// Where the song begins in the avartanam.
fn begins(eduppu: Eduppu, face: Face) -> String {
    let (beats, of) = (eduppu.numerator.unsigned_abs(), u16::from(eduppu.denominator.max(1)));
    let (whole, rest) = (beats / of, beats % of);
    let amount = match (whole, rest) {
        (0, 0) => return face.say("Begins on samam.").to_owned(),
        (whole, 0) => whole.to_string(),
        (0, rest) => format!("{rest}/{of}"),
        (whole, rest) => format!("{whole} {rest}/{of}"),
    };
    let one = whole == 0 || beats == of;
    let message = match (eduppu.numerator < 0, one) {
        (false, true) => msg("Begins {n} beat after samam."),
        (false, false) => msg("Begins {n} beats after samam."),
        (true, true) => msg("Begins {n} beat before samam."),
        (true, false) => msg("Begins {n} beats before samam."),
    };
    face.fill(message, amount)
}

fn references(song: &CompositionDetail, face: Face) -> Markup {
    let lists: [(&str, &[Label]); 3] = [
        (face.say("Deity"), &song.deities),
        (face.say("Temple"), &song.temples),
        (face.say("Themes"), &song.tags),
    ];
    let any = lists.iter().any(|(_, labels)| !labels.is_empty())
        || !song.groups.is_empty()
        || song.year_hint.is_some();
    html! {
        @if any {
            section aria-labelledby="about" {
                h2 #about { (face.say("About")) }
                dl {
                    @for (name, labels) in lists {
                        @if !labels.is_empty() { dt { (name) } dd { (songs::links(labels, face)) } }
                    }
                    @for of in &song.groups {
                        dt { (face.say("Part of")) } dd { (songs::link(&of.group, face)) ", " (face.fill("no. {n}", of.ord)) }
                    }
                    @if let Some(year) = song.year_hint { dt { (face.say("Made")) } dd { (face.fill("near {n}", year)) } }
                }
            }
        }
    }
}

fn origin(song: &CompositionDetail, face: Face) -> Markup {
    html! {
        section aria-labelledby="origin" {
            h2 #origin { (face.say("Sources and rights")) }
            @if let Some(rights) = &song.rights { p lang="en" { (rights.label) } }
            @if !song.sources.is_empty() { ul.sources lang="en" { @for source in &song.sources { li { (source.note) } } } }
            (entity::revision(&song.revision, face))
            @if song.machine_made { p.fine { (face.say("The title was transliterated by a program.")) } }
        }
    }
}

/// What a version is called; the first is the one that is shown.
fn version_name(version: Option<&OtherVersion>, number: usize, face: Face) -> String {
    let label = version.and_then(|version| version.label.clone());
    let sampradaya = version.and_then(|version| version.sampradaya.as_ref()).map(|label| label.label.clone());
    label.or(sampradaya).unwrap_or_else(|| face.fill("Version {n}", number))
}

fn version_drawn(song: &CompositionDetail, version: &OtherVersion, number: usize, face: Face) -> Markup {
    html! {
        p.version-name { (version_name(Some(version), number, face)) }
        @if let Some(sampradaya) = &version.sampradaya { p.fine { (songs::link(sampradaya, face)) } }
        p.meta {
            span.raga { @for (index, entry) in version.ragas.iter().enumerate() { @if index > 0 { ", " } (raga_entry(entry, face)) } }
            @if let Some(setting) = &version.tala { span.tala { (songs::link(&setting.tala, face)) } }
        }
        (lyrics::draw(&Sheet::of_version(song, version, number, face), None))
    }
}

fn title(song: &CompositionDetail) -> String {
    match &song.composer {
        Some(composer) => format!("{} — {}", song.title, composer.label),
        None => song.title.clone(),
    }
}

fn description(song: &CompositionDetail, face: Face) -> String {
    let raga = match song.ragas.first() {
        Some(_) if song.is_ragamalika => Some(face.say("Ragamalika").to_owned()),
        entry => entry.map(|entry| format!("{} {}", face.say("Raga"), entry.raga.label)),
    };
    let tala = song.tala.as_ref().map(|setting| format!("{} {}", face.say("Tala"), setting.tala.label));
    let composer = song.composer.as_ref().map(|composer| composer.label.clone());
    let form = Some(face.say(words::form(song.form)).to_owned());
    let facts: Vec<String> = [form, composer, raga, tala].into_iter().flatten().collect();
    let gist = meaning::sentence(song, face).unwrap_or(face.say("Words by section, in six scripts."));
    format!("{} — {}. {gist}", song.title, facts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eduppu_is_said_as_singers_count() {
        let said = |numerator, denominator| begins(Eduppu { numerator, denominator }, Face::PLAIN);
        assert_eq!(said(0, 1), "Begins on samam.");
        assert_eq!(said(3, 2), "Begins 1 1/2 beats after samam.");
        assert_eq!(said(1, 1), "Begins 1 beat after samam.");
        assert_eq!(said(-3, 4), "Begins 3/4 beat before samam.");
    }
}
