//! One avartanam: a hand sign for each beat, brackets for the limbs, a mark where the song begins.

use domain::music::Tala;
use domain::music::tala::{Anga, Eduppu, Jati};
use maud::{Markup, html};

/// The space of one beat, in units of the drawing.
const BEAT: i32 = 34;
const HEIGHT: i32 = 84;
/// Height of the signs, of the brackets, of the signs of the limbs.
const SIGNS_Y: i32 = 34;
const BRACKET_Y: i32 = 56;
const LIMBS_Y: i32 = 76;

/// Space at the top that only the mark of the beginning needs.
const UNMARKED: i32 = 18;

/// What the hand does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Clap,
    Finger,
    Wave,
    Rest,
}

/// A limb with the signs of its beats.
struct Limb {
    name: String,
    symbol: String,
    signs: Vec<Sign>,
}

pub(in super::super) fn avartanam(tala: &Tala, eduppu: Option<Eduppu>) -> Markup {
    let limbs = limbs(tala);
    let beats = limbs.iter().map(|limb| limb.signs.len()).sum::<usize>();
    let width = i32::try_from(beats).unwrap_or(0) * BEAT;
    let start = start(eduppu, beats);
    let top = if start.is_some() { 0 } else { UNMARKED };
    let mut at = 0;
    html! {
        svg.avartanam viewBox={ "0 " (top) " " (width) " " (HEIGHT - top) } width=(width) height=(HEIGHT - top) role="img" aria-label=(spoken(&limbs, beats)) {
            @if let Some(x) = start { path.eduppu d={ "M" (x - 5) " 4h10l-5 9z" } {} }
            @for limb in &limbs {
                @let first = at;
                @for sign in &limb.signs {
                    (sign_drawn(*sign, at))
                    ({ at += 1; "" })
                }
                path.bracket d={ "M" (first * BEAT + 6) " " (BRACKET_Y - 5) "v5H" (at * BEAT - 6) "v-5" } {}
                text.limb x=((first + at) * BEAT / 2) y=(LIMBS_Y) text-anchor="middle" { (limb.symbol) }
            }
        }
    }
}

fn sign_drawn(sign: Sign, beat: i32) -> Markup {
    let (name, radius) = match sign {
        Sign::Clap => ("clap", 10),
        Sign::Finger => ("finger", 5),
        Sign::Wave => ("wave", 9),
        Sign::Rest => ("rest", 3),
    };
    html! { circle class={ "beat " (name) } cx=(beat * BEAT + BEAT / 2) cy=(SIGNS_Y) r=(radius) {} }
}

/// Where the mark of the beginning stands; before samam counts from the end.
fn start(eduppu: Option<Eduppu>, beats: usize) -> Option<i32> {
    let eduppu = eduppu.filter(|_| beats > 0)?;
    let beats = i32::try_from(beats).ok()?;
    let from_samam = i32::from(eduppu.numerator) * BEAT / i32::from(eduppu.denominator.max(1));
    Some(from_samam.rem_euclid(beats * BEAT) + BEAT / 2)
}

fn limbs(tala: &Tala) -> Vec<Limb> {
    if !tala.angas.is_empty() {
        return tala.angas.iter().map(|anga| anga_limb(*anga, tala.jati.unwrap_or(Jati::Chatusra))).collect();
    }
    if !tala.groups.is_empty() {
        return tala.groups.iter().map(|beats| group(*beats)).collect();
    }
    vec![group(tala.beats)]
}

fn anga_limb(anga: Anga, jati: Jati) -> Limb {
    let beats = anga.beats(jati);
    let (name, symbol, rest) = match anga {
        Anga::Laghu => (format!("laghu of {beats}"), format!("I{}", subscript(beats)), Sign::Finger),
        Anga::Drutam => ("drutam".to_owned(), "O".to_owned(), Sign::Wave),
        Anga::Anudrutam => ("anudrutam".to_owned(), "U".to_owned(), Sign::Rest),
    };
    Limb { name, symbol, signs: beaten(beats, rest) }
}

fn group(beats: u8) -> Limb {
    Limb { name: format!("group of {beats}"), symbol: beats.to_string(), signs: beaten(beats, Sign::Rest) }
}

/// A clap, then `rest` to the end of the limb.
fn beaten(beats: u8, rest: Sign) -> Vec<Sign> {
    (0..beats).map(|beat| if beat == 0 { Sign::Clap } else { rest }).collect()
}

fn subscript(number: u8) -> String {
    let digit = |digit: char| digit.to_digit(10).and_then(|digit| char::from_u32(0x2080 + digit));
    number.to_string().chars().filter_map(digit).collect()
}

fn spoken(limbs: &[Limb], beats: usize) -> String {
    let names: Vec<&str> = limbs.iter().map(|limb| limb.name.as_str()).collect();
    format!("{beats} beats: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::music::tala::Suladi;

    #[test]
    fn adi_is_a_laghu_and_two_drutams() {
        let drawn = avartanam(&Suladi::Triputa.tala(Jati::Chatusra), None).into_string();
        assert_eq!(drawn.matches("beat clap").count(), 3);
        assert_eq!(drawn.matches("beat finger").count(), 3);
        assert_eq!(drawn.matches("beat wave").count(), 2);
        assert!(drawn.contains("8 beats: laghu of 4, drutam, drutam") && drawn.contains("I₄"));
    }

    #[test]
    fn the_song_begins_where_the_eduppu_says() {
        let at = |numerator, denominator| start(Some(Eduppu { numerator, denominator }), 8);
        assert_eq!(at(0, 1), Some(17));
        assert_eq!(at(3, 2), Some(17 + 51));
        assert_eq!(at(-1, 2), Some(8 * BEAT - 17 + 17));
        assert_eq!(start(Some(Eduppu { numerator: 1, denominator: 0 }), 0), None);
    }
}
