//! `/talas/{slug}`

use super::entity::{self, Extra};
use super::face::{Face, msg};
use super::shown::Shown;
use super::{draw, words};
use crate::state::State;
use axum::extract::State as Shared;
use axum::response::Response;
use domain::music::Tala;
use domain::music::tala::TalaKind;
use domain::{EntityKind, Record};
use maud::{Markup, html};
use store::CompositionFilter;
use web::{IfNoneMatch, Path, Problem, Query};

pub(super) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Path(slug): Path<String>,
    Query(asked): Query<Shown>,
) -> Result<Response, Problem> {
    let extra = Extra {
        facts: |detail, face| match &detail.about {
            Record::Tala(tala) => beats(tala, face),
            _ => html! {},
        },
        filter: |id| CompositionFilter { tala: Some(id), ..CompositionFilter::default() },
        songs: msg("Songs in this tala"),
    };
    entity::answer(&state, &have, EntityKind::Tala, &slug, &asked, extra).await
}

fn beats(tala: &Tala, face: Face) -> Markup {
    html! {
        section.tala aria-labelledby="avartanam" {
            h2 #avartanam .quiet { (face.say("Avartanam")) }
            p.place { (family(tala, face)) " · " (face.counted(u64::from(tala.beats), "{n} beat", "{n} beats")) }
            div.beating {
                (draw::tala::avartanam(tala, None))
                p.controls {
                    button.play type="button" data-beat data-stop=(face.say("Stop")) { (face.say("Keep the beat")) }
                    label { (face.say("Beats a minute")) " "
                        input type="range" min="30" max="180" value="72" step="2" data-tempo; output { "72" } }
                }
            }
            (legend(face))
        }
    }
}

/// What the signs of the drawing mean.
pub(super) fn legend(face: Face) -> Markup {
    html! { p.fine { (face.say("A full circle is a clap, a small one a finger count, a ring a wave.")) } }
}

fn family(tala: &Tala, face: Face) -> String {
    match (tala.kind, tala.jati) {
        (TalaKind::Suladi, Some(jati)) => {
            format!("{} · {}", face.say("Suladi tala"), face.say(words::jati(jati)))
        }
        (TalaKind::Suladi, None) => face.say("Suladi tala").to_owned(),
        (TalaKind::Chapu, _) => {
            let groups: Vec<String> = tala.groups.iter().map(ToString::to_string).collect();
            format!("{}, {}", face.say("Chapu tala"), groups.join(" + "))
        }
        (TalaKind::Other, _) => face.say("Tala").to_owned(),
    }
}
