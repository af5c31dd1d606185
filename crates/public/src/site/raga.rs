//! `/ragas/{slug}`

use super::address::Address;
use super::answer::{HTML, Led, dressed, follow};
use super::entity::{self, SongsOf};
use super::face::{Face, msg};
use super::layout::Page;
use super::shown::Shown;
use super::{draw, songs, words};
use crate::answer::{Question, read};
use crate::error::store_problem;
use crate::page::{keys, live};
use crate::ragas::all::{Ragas, swaras, tokens};
use crate::state::{Keep, State};
use crate::view::Label;
use crate::view::raga::{Line, RagaDetail, RagaScale};
use axum::extract::State as Shared;
use axum::response::Response;
use domain::music::raga::{RagaKind, Tradition};
use domain::music::scale::ScaleToken;
use domain::music::{Raga, melakarta, swara_set};
use domain::{EntityKind, Record};
use maud::{Markup, html};
use store::CompositionFilter;
use uuid::Uuid;
use web::{IfNoneMatch, Path, Problem, Query};

pub(super) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Path(slug): Path<String>,
    Query(asked): Query<Shown>,
) -> Result<Response, Problem> {
    let face = asked.face()?;
    let kind = EntityKind::Raga;
    let paging = asked.paging((kind, &slug), entity::SONGS)?;
    let about = paging.about.clone();
    let question = Question { state: &state, have: &have, keep: Keep::Detail, class: "page:raga", about };
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
            let Record::Raga(raga) = &live.record else { return Err(Problem::not_found()) };
            let (all, lsn) = state.held.ragas(&read).await.map_err(store_problem)?;
            let detail = RagaDetail::of(&live, raga, &all, Some(face.script));
            let modes = modes(id, raga, &all, face);
            let filter = CompositionFilter { raga: Some(id), ..CompositionFilter::default() };
            let sung = SongsOf::read(&read, kind, &filter, &paging, face).await?;
            let page = page(&detail, &modes, &sung, &asked, face);
            // Relatives are found among all ragas, and its songs among all songs.
            let keys = keys(&live).list(EntityKind::Raga).list(EntityKind::Composition);
            Ok(page.made(&state, &keys, &read).not_after(lsn))
        })
        .await?;
    Ok(dressed(answer, HTML))
}

/// Graha bheda: ragas that have the swaras of this one when one of its notes is taken for S.
struct Mode {
    /// The note of this raga that is taken for S.
    from: String,
    ragas: Vec<Label>,
}

/// Ragas that one mode names, melas before janyas.
const MODE_RAGAS_MAX: usize = 4;

fn modes(id: Uuid, raga: &Raga, all: &Ragas, face: Face) -> Vec<Mode> {
    let mode = |mode: swara_set::Mode| {
        let rows = all.with_set(mode.set).filter(|row| row.id != id).take(MODE_RAGAS_MAX);
        let ragas: Vec<Label> = rows.map(|row| Label::of(&row.label, Some(face.script))).collect();
        (!ragas.is_empty()).then(|| Mode { from: name_at(raga, mode.tonic), ragas })
    };
    swaras(raga).modes().into_iter().filter(|mode| mode.tonic != 0).filter_map(mode).collect()
}

fn name_at(raga: &Raga, position: u8) -> String {
    tokens(raga)
        .find(|token| token.swara.position() == position)
        .map_or_else(String::new, |token| token.swara.to_string())
}

fn page(raga: &RagaDetail, modes: &[Mode], sung: &SongsOf, asked: &Shown, face: Face) -> Page {
    let address = Address::entity(EntityKind::Raga, &raga.entity.label.slug);
    let main = html! {
        article.raga {
            (entity::heading(&raga.entity, EntityKind::Raga, face))
            @if let Some(scale) = &raga.entity.scale {
                (place(scale, face))
                @if !scale.arohana.tokens.is_empty() { (scale_drawn(scale, face)) }
            }
            div.columns {
                div {
                    (sung.draw(&address, msg("Songs in this raga"), face))
                }
                aside.facts aria-label=(face.say("About this raga")) {
                    (relatives(raga, modes, face))
                    (entity::names(&raga.entity, face))
                    (entity::origin(&raga.entity, face))
                }
            }
        }
    };
    let mut page =
        Page::new(face.say("{n} raga").replace("{n}", &raga.entity.label.label), address, face, main);
    page.description = description(raga, face);
    page.api = Some(format!("/v1/ragas/{}", raga.entity.label.slug));
    page.indexed = asked.is_first();
    page
}

fn description(raga: &RagaDetail, face: Face) -> String {
    let name = &raga.entity.label.label;
    match &raga.entity.scale {
        Some(scale) if !scale.arohana.tokens.is_empty() => format!(
            "{name}: {} {}; {} {}.",
            face.say("Arohana"),
            scale.arohana.text,
            face.say("Avarohana"),
            scale.avarohana.text
        ),
        _ => face.say("{n} raga").replace("{n}", name),
    }
}

/// Where the raga stands in the mela system.
fn place(scale: &RagaScale, face: Face) -> Markup {
    html! {
        p.place {
            @match (scale.kind, scale.mela_number) {
                (RagaKind::Mela, Some(number)) => {
                    a href={ (Address::new("/melakartas").href(face)) "#chakra-" (melakarta::chakra(number).map_or(1, |(chakra, _)| chakra)) } {
                        (face.fill("Mela {n}", number))
                    }
                    @if let Some((_, chakra)) = melakarta::chakra(number) { ", " (face.say("chakra")) " " (chakra) }
                }
                (RagaKind::Janya, _) => {
                    (face.say("Janya"))
                    @if let Some(parent) = &scale.parent { ": " (face.say("parent")) " " (songs::link(parent, face)) }
                }
                _ => { (face.say("Not assigned to a mela")) }
            }
            @if !scale.anya_swaras.is_empty() { ", " (face.say("bhashanga")) }
            @if scale.tradition == Tradition::HindustaniImport { ", " (face.say("taken over from Hindustani music")) }
        }
    }
}

fn scale_drawn(scale: &RagaScale, face: Face) -> Markup {
    html! {
        section.scale aria-labelledby="scale" {
            h2 #scale .quiet { (face.say("Scale")) }
            div.lines-of-scale {
                (line(msg("Arohana"), &scale.arohana, scale, face))
                (line(msg("Avarohana"), &scale.avarohana, scale, face))
                @if !scale.anya_swaras.is_empty() {
                    p.fine { (face.say("Anya swaras, foreign to the parent mela:")) " "
                        @for (index, swara) in scale.anya_swaras.iter().enumerate() { @if index > 0 { ", " } (words::swara(*swara)) } }
                }
                button.play type="button" data-play=(pitches(scale)) data-stop=(face.say("Stop")) { (face.say("Play the scale")) }
            }
            (draw::keyboard::octave(scale))
        }
    }
}

fn line(name: &'static str, line: &Line, scale: &RagaScale, face: Face) -> Markup {
    html! {
        div.scale-line {
            p.name { (face.say(name))
                @if line.vakra { " " span.mark { (face.say("vakra")) } }
                @if let Some(jati) = line.jati { " " span.mark { (face.say(words::scale_jati(jati))) } }
            }
            p.swaras {
                @for (index, token) in line.tokens.iter().enumerate() {
                    @if index > 0 { " " }
                    (token_drawn(*token, scale.anya_swaras.contains(&token.swara)))
                }
            }
        }
    }
}

/// A swara as notation books write it: a dot above for the upper octave, below for the lower.
fn token_drawn(token: ScaleToken, is_anya: bool) -> Markup {
    let (letter, number) = token.swara.as_str().split_at(1);
    let dot = match token.octave {
        ..0 => "\u{323}",
        0 => "",
        1.. => "\u{307}",
    };
    html! {
        span.swara.anya[is_anya].prayoga[token.prayoga] {
            @if token.prayoga { "(" }
            (letter) (dot)
            @if !number.is_empty() { sub { (number) } }
            @if token.prayoga { ")" }
        }
    }
}

/// Both lines as half tones above S, for the player.
fn pitches(scale: &RagaScale) -> String {
    let tokens = scale.arohana.tokens.iter().chain(&scale.avarohana.tokens).filter(|token| !token.prayoga);
    tokens.map(|token| token.pitch().to_string()).collect::<Vec<_>>().join(" ")
}

fn relatives(raga: &RagaDetail, modes: &[Mode], face: Face) -> Markup {
    html! {
        @if !raga.same_scale.is_empty() {
            section aria-labelledby="same" {
                h2 #same { (face.say("Same scale")) }
                p { (songs::links(&raga.same_scale, face)) }
            }
        }
        @if !modes.is_empty() {
            section aria-labelledby="modes" {
                h2 #modes { (face.say("Graha bheda")) }
                dl.modes {
                    @for mode in modes {
                        dt { (face.fill("{n} as S", &mode.from)) }
                        dd { (songs::links(&mode.ragas, face)) }
                    }
                }
            }
        }
        @if !raga.janyas.is_empty() {
            section aria-labelledby="janyas" {
                h2 #janyas { (face.say("Janyas")) " " span.count { (raga.janyas.len()) } }
                p { (songs::links(&raga.janyas, face)) }
            }
        }
    }
}
