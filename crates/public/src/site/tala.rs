//! `/talas/{slug}`

use super::entity::{self, Extra};
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
        facts: |detail, _| match &detail.about {
            Record::Tala(tala) => beats(tala),
            _ => html! {},
        },
        filter: |id| CompositionFilter { tala: Some(id), ..CompositionFilter::default() },
        songs: "Songs in this tala",
    };
    entity::answer(&state, &have, EntityKind::Tala, &slug, &asked, extra).await
}

fn beats(tala: &Tala) -> Markup {
    html! {
        section.tala aria-labelledby="avartanam" {
            h2 #avartanam .quiet { "Avartanam" }
            p.place { (family(tala)) ", " (words::counted(u64::from(tala.beats), "beat", "beats")) }
            div.beating {
                (draw::tala::avartanam(tala, None))
                p.controls {
                    button.play type="button" data-beat { "Keep the beat" }
                    label { "Beats a minute " input type="range" min="30" max="180" value="72" step="2" data-tempo; output { "72" } }
                }
            }
            p.fine { "A full circle is a clap, a small one a finger count, a ring a wave." }
        }
    }
}

fn family(tala: &Tala) -> String {
    match (tala.kind, tala.jati) {
        (TalaKind::Suladi, Some(jati)) => format!("Suladi tala of {} jati", jati.as_str()),
        (TalaKind::Suladi, None) => "Suladi tala".to_owned(),
        (TalaKind::Chapu, _) => {
            let groups: Vec<String> = tala.groups.iter().map(ToString::to_string).collect();
            format!("Chapu tala, {}", groups.join(" + "))
        }
        (TalaKind::Other, _) => "Tala".to_owned(),
    }
}
