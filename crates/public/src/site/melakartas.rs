//! `/melakartas`, and its short form on the first page.

use super::address::Address;
use super::answer::{HTML, dressed};
use super::face::Face;
use super::layout::Page;
use super::shown::Shown;
use super::{language, songs, words};
use crate::answer::{Question, read};
use crate::melakartas::{Mela, Table};
use crate::state::{Keep, State};
use axum::extract::State as Shared;
use axum::response::Response;
use domain::EntityKind;
use domain::music::Swara;
use maud::{Markup, html};
use web::{IfNoneMatch, Problem, Query, SurrogateKeys};

pub(super) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Query(asked): Query<Shown>,
) -> Result<Response, Problem> {
    let face = asked.face()?;
    let about = face.to_string();
    let question =
        Question { state: &state, have: &have, keep: Keep::Reference, class: "page:melakartas", about };
    let answer = question
        .answer(|| async {
            let read = read(&state).await?;
            let (table, lsn) = Table::of(&state, &read, Some(face.script)).await?;
            let address = Address::new("/melakartas");
            let mut page =
                Page::new(face.say("The seventy-two melakartas"), address, face, full(&table, face));
            page.description = face
                .say("The 72 melakarta ragas by chakra, with their swaras and the number of their janyas.")
                .into();
            page.api = Some("/v1/melakartas".into());
            let keys = SurrogateKeys::default().list(EntityKind::Raga);
            Ok(page.made(&state, &keys, &read).not_after(lsn))
        })
        .await?;
    Ok(dressed(answer, HTML))
}

/// Number and name of each, by chakra.
pub(super) fn compact(table: &Table, face: Face) -> Markup {
    html! {
        div.chakras {
            @for chakra in &table.chakras {
                section.chakra aria-label={ (face.say("Chakra")) " " (chakra.number) ", " (face.say(chakra.name)) } {
                    p.chakra-name { span.number { (chakra.number) } " " (face.say(chakra.name)) }
                    ol start=(chakra.melas.first().map_or(1, |mela| mela.number)) {
                        @for mela in &chakra.melas { li value=(mela.number) { (mela_name(mela, face)) } }
                    }
                }
            }
        }
    }
}

fn full(table: &Table, face: Face) -> Markup {
    html! {
        h1 { (face.say("The seventy-two melakartas")) }
        p.lead { (face.say("Twelve chakras of six: the chakra gives the lower half of the scale, the place in it the upper half.")) }
        @for (title, chakras) in [(face.say("Suddha madhyama"), 0..6), (face.say("Prati madhyama"), 6..12)] {
            section {
                h2 { (title) }
                div.melas {
                    @for chakra in table.chakras.get(chakras).unwrap_or_default() {
                        section.chakra {
                            h3 #{ "chakra-" (chakra.number) } { (chakra.number) ". " (face.say(chakra.name)) }
                            table {
                                thead { tr { th.number scope="col" { (face.say("No.")) } th scope="col" { (face.say("Mela")) } th scope="col" { (face.say("Swaras")) } th.number scope="col" { (face.say("Janyas")) } } }
                                tbody { @for mela in &chakra.melas { (row(mela, face)) } }
                            }
                        }
                    }
                }
            }
        }
        p.fine { (face.say("Vivadi melas, which hold G1, R3, N1 or D3, are marked so:")) " " span.vivadi title="vivadi" { "◦" } "." }
    }
}

fn row(mela: &Mela, face: Face) -> Markup {
    html! {
        tr {
            td.number { (mela.number) }
            th scope="row" { (mela_name(mela, face)) @if mela.vivadi { " " span.vivadi title="vivadi" { "◦" } } }
            td.swaras { (swaras(&mela.swaras)) }
            td.number { (mela.janyas) }
        }
    }
}

/// The swaras that differ between melas, without S and P.
fn swaras(swaras: &[Swara; 7]) -> Markup {
    html! {
        @for (index, swara) in swaras.iter().filter(|swara| !matches!(swara, Swara::S | Swara::P)).enumerate() {
            @if index > 0 { " " }
            (words::swara(*swara))
        }
    }
}

fn mela_name(mela: &Mela, face: Face) -> Markup {
    match &mela.raga {
        Some(raga) => songs::link(raga, face),
        None => language::name(mela.name),
    }
}
