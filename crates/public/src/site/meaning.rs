//! What a song says, beside its words.

use super::face::Face;
use super::words;
use crate::view::CompositionDetail;
use crate::view::meaning::Meaning;
use domain::composition::MeaningKind;
use maud::{Markup, html};

/// The meanings of a song, those in the language of the page first and open; nothing where it has none.
pub(super) fn block(song: &CompositionDetail, face: Face) -> Markup {
    let mut meanings: Vec<&Meaning> = song.meanings.iter().collect();
    let is_own = |meaning: &Meaning| meaning.language.as_str() == face.tongue.code();
    meanings.sort_by_key(|meaning| !is_own(meaning));
    let first = meanings.first().map(|meaning| meaning.language);
    html! {
        @if !meanings.is_empty() {
            section.meanings aria-labelledby="meaning" {
                h2 #meaning { (face.say("Meaning")) }
                @for meaning in meanings {
                    // What is long, or in another language than the rest, waits to be opened.
                    @if meaning.kind == MeaningKind::Gist && Some(meaning.language) == first {
                        (drawn(meaning, face))
                    } @else {
                        details { summary { (name(meaning, face)) } (drawn(meaning, face)) }
                    }
                }
            }
        }
    }
}

fn name(meaning: &Meaning, face: Face) -> String {
    let kind = match meaning.kind {
        MeaningKind::Gist => face.say("Gist"),
        MeaningKind::WordByWord => face.say("Word by word"),
        MeaningKind::Translation => face.say("Translation"),
    };
    format!("{kind}, {}", face.say(words::language(meaning.language)))
}

fn drawn(meaning: &Meaning, face: Face) -> Markup {
    let credits = [meaning.author.as_deref(), meaning.rights.as_ref().map(|rights| rights.label.as_str())];
    let credit = credits.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    html! {
        div.meaning lang=(meaning.language.as_str()) {
            @for paragraph in &meaning.paragraphs { p { (paragraph) } }
        }
        @if !credit.is_empty() { p.fine { (face.say("Words:")) " " span lang="en" { (credit) } } }
    }
}

/// A meaning in one sentence, for shared links: the first sentence of the first gist in the language of the page.
pub(super) fn sentence(song: &CompositionDetail, face: Face) -> Option<&str> {
    let own = |meaning: &&Meaning| {
        meaning.kind == MeaningKind::Gist && meaning.language.as_str() == face.tongue.code()
    };
    let text = song.meanings.iter().find(own)?.paragraphs.first()?;
    Some(text.split_inclusive(['.', '।', '?', '!']).next().unwrap_or(text).trim())
}

#[cfg(test)]
mod tests {
    use crate::site::face::Tongue;
    use domain::name::Language;

    #[test]
    fn a_meaning_can_be_told_in_every_language_of_the_site() {
        for tongue in Tongue::ALL {
            assert!(Language::from_code(tongue.code()).is_some(), "{tongue:?}");
        }
    }
}
