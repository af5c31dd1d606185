//! A scale on the keys of one octave, S on C.

use crate::view::raga::RagaScale;
use domain::music::Swara;
use domain::music::scale::ScaleToken;
use maud::{Markup, html};

/// Width and height of a white key, and the height of the drawing, in its own units.
const WHITE: (u32, u32) = (44, 132);
const BLACK: (u32, u32) = (28, 80);

/// Half tones above S of the white keys, from left to right.
const WHITES: [u8; 8] = [0, 2, 4, 5, 7, 9, 11, 12];
/// Half tones above S of the black keys, each with the white keys to its left.
const BLACKS: [(u8, u32); 5] = [(1, 1), (3, 2), (6, 4), (8, 5), (10, 6)];

/// Which lines of a scale take a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    Never,
    Both,
    Up,
    Down,
    /// In phrases, or as a foreign swara.
    Beside,
}

pub(in super::super) fn octave(scale: &RagaScale) -> Markup {
    let (width, height) = (WHITE.0 * 8, WHITE.1);
    let spoken = format!("Keys of the scale: up {}, down {}", scale.arohana.text, scale.avarohana.text);
    html! {
        svg.keyboard viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height) role="img" aria-label=(spoken) {
            @for (index, position) in (0..).zip(WHITES) {
                (key(scale, position, index * WHITE.0, WHITE, "white"))
            }
            @for (position, after) in BLACKS {
                (key(scale, position, after * WHITE.0 - BLACK.0 / 2, BLACK, "black"))
            }
        }
    }
}

fn key(scale: &RagaScale, position: u8, x: u32, (width, height): (u32, u32), colour: &str) -> Markup {
    let taken = taken(scale, position % 12);
    let state = match taken {
        Taken::Never => "rest",
        Taken::Both => "both",
        Taken::Up => "up",
        Taken::Down => "down",
        Taken::Beside => "beside",
    };
    html! {
        g class={ "key " (colour) " " (state) } data-pitch=(position) {
            rect x=(x) y="0" width=(width) height=(height) rx="3" {}
            @if taken != Taken::Never {
                text x=(x + width / 2) y=(height - 12) text-anchor="middle" {
                    (names(scale, position % 12))
                    @if position == 12 { "\u{307}" }
                }
            }
        }
    }
}

fn taken(scale: &RagaScale, position: u8) -> Taken {
    let plain = |tokens: &[ScaleToken]| {
        tokens.iter().any(|token| !token.prayoga && token.swara.position() == position)
    };
    match (plain(&scale.arohana.tokens), plain(&scale.avarohana.tokens)) {
        (true, true) => Taken::Both,
        (true, false) => Taken::Up,
        (false, true) => Taken::Down,
        (false, false) if swaras(scale).any(|swara| swara.position() == position) => Taken::Beside,
        (false, false) => Taken::Never,
    }
}

/// What the raga calls the swara there.
fn names(scale: &RagaScale, position: u8) -> String {
    let mut names: Vec<&str> =
        swaras(scale).filter(|swara| swara.position() == position).map(Swara::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names.join("/")
}

fn swaras(scale: &RagaScale) -> impl Iterator<Item = Swara> {
    let tokens = scale.arohana.tokens.iter().chain(&scale.avarohana.tokens);
    tokens.map(|token| token.swara).chain(scale.anya_swaras.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::music::Raga;

    #[test]
    fn keys_of_the_scale_are_named_and_the_others_rest() {
        let drawn = octave(&RagaScale::of(&Raga::mela(29).unwrap(), None)).into_string();
        assert_eq!(drawn.matches("key white both").count(), 8);
        assert_eq!(drawn.matches("key black rest").count(), 5);
        assert!(drawn.contains(">N3<") && !drawn.contains(">G2<"));
    }

    #[test]
    fn foreign_swaras_stand_apart() {
        let raga = Raga { anya_swaras: vec![Swara::G2], ..Raga::mela(29).unwrap() };
        let drawn = octave(&RagaScale::of(&raga, None)).into_string();
        assert!(drawn.contains("key black beside") && drawn.contains(">G2<"));
    }
}
