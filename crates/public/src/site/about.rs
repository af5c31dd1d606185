//! `/about`, `/data-licence` and `/takedown`: what this is, what may be done with it, and how to have something
//! taken out. The texts stand in `texts/`, a file a language.

use super::address::Address;
use super::answer::{HTML, constant};
use super::face::{Face, Tongue, msg};
use super::layout::Page;
use super::shown::Shown;
use crate::state::State;
use axum::extract::State as Shared;
use axum::response::Response;
use maud::{Markup, html};
use web::{IfNoneMatch, Problem, Query};

/// A text about the site.
struct Text {
    title: &'static str,
    /// Its name in the files, and its address.
    name: &'static str,
}

const ABOUT: Text = Text { title: msg("About"), name: "about" };
const LICENCE: Text = Text { title: msg("Data and rights"), name: "data-licence" };
const TAKEDOWN: Text = Text { title: msg("Takedown"), name: "takedown" };

pub(super) async fn about(
    state: Shared<State>,
    have: IfNoneMatch,
    asked: Query<Shown>,
) -> Result<Response, Problem> {
    ABOUT.answer(&state, &have, &asked.0)
}

pub(super) async fn licence(
    state: Shared<State>,
    have: IfNoneMatch,
    asked: Query<Shown>,
) -> Result<Response, Problem> {
    LICENCE.answer(&state, &have, &asked.0)
}

pub(super) async fn takedown(
    state: Shared<State>,
    have: IfNoneMatch,
    asked: Query<Shown>,
) -> Result<Response, Problem> {
    TAKEDOWN.answer(&state, &have, &asked.0)
}

impl Text {
    fn answer(&self, state: &State, have: &IfNoneMatch, asked: &Shown) -> Result<Response, Problem> {
        let face = asked.face()?;
        let title = face.say(self.title);
        let main = html! { article.prose { h1 { (title) } (drawn(self.lines(face.tongue), face)) } };
        let mut page = Page::new(title, Address::new(format!("/{}", self.name)), face, main);
        page.description = format!("{title} — {}", face.say("a compendium of Carnatic music"));
        Ok(constant(page.html(&state.config.site_url).into(), have, HTML))
    }

    /// Its lines in the file of a language: from its name to the next one.
    fn lines(&self, tongue: Tongue) -> impl Iterator<Item = &'static str> {
        let is_head = |line: &&str| line.strip_prefix("=== ") == Some(self.name);
        let lines: Vec<&str> = file(tongue).lines().skip_while(|line| !is_head(line)).skip(1).collect();
        lines.into_iter().take_while(|line| !line.starts_with("=== "))
    }
}

const fn file(tongue: Tongue) -> &'static str {
    match tongue {
        Tongue::English => include_str!("texts/en.txt"),
        Tongue::Tamil => include_str!("texts/ta.txt"),
        Tongue::Telugu => include_str!("texts/te.txt"),
        Tongue::Kannada => include_str!("texts/kn.txt"),
        Tongue::Malayalam => include_str!("texts/ml.txt"),
        Tongue::Hindi => include_str!("texts/hi.txt"),
    }
}

/// A line is a block: `!` the first one, `#` a heading, `-` a step; anything else is a paragraph.
fn drawn(lines: impl Iterator<Item = &'static str>, face: Face) -> Markup {
    let lines: Vec<&str> = lines.collect();
    let step = |line: &str| line.starts_with("- ");
    html! {
        @for block in lines.chunk_by(|one, next| step(one) && step(next)) {
            @let (mark, text) = block[0].split_at(block[0].find(' ').map_or(0, |at| at + 1));
            @match mark {
                "! " => { p.lead { (inline(text, face)) } },
                "# " => { h2 { (inline(text, face)) } },
                "- " => { ol.steps { @for line in block { li { (inline(&line[2..], face)) } } } },
                _ => { p { (inline(block[0], face)) } },
            }
        }
    }
}

/// `[text](/address)` is a link and `*text*` a word about words.
fn inline(text: &str, face: Face) -> Markup {
    let link = text.split_once('[').and_then(|(before, rest)| {
        let (name, rest) = rest.split_once("](")?;
        let (address, after) = rest.split_once(')')?;
        Some((before, name, address, after))
    });
    html! {
        @match link {
            Some((before, name, address, after)) => {
                (emphasised(before))
                a href=(Address::new(address).href(face)) { (name) }
                (inline(after, face))
            },
            None => { (emphasised(text)) },
        }
    }
}

fn emphasised(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('*').enumerate() {
            @if index % 2 == 1 { i lang="en" { (part) } } @else { (part) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kind of each block of a text, its links and its emphasised words.
    fn shape(text: &Text, tongue: Tongue) -> Vec<String> {
        let kind = |line: &'static str| match line.split_once(' ') {
            Some((mark @ ("!" | "#" | "-"), _)) => mark.to_owned(),
            _ => "p".to_owned(),
        };
        let marked = |line: &'static str| {
            let links = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            links.chain(line.split('*').skip(1).step_by(2)).map(str::to_owned).collect::<Vec<_>>()
        };
        text.lines(tongue).flat_map(|line| [vec![kind(line)], marked(line)].concat()).collect()
    }

    #[test]
    fn every_language_says_the_same() {
        for text in [ABOUT, LICENCE, TAKEDOWN] {
            let english = shape(&text, Tongue::English);
            assert!(english.len() > 9, "{}: {english:?}", text.name);
            for tongue in Tongue::ALL {
                assert_eq!(shape(&text, tongue), english, "{} in {tongue:?}", text.name);
            }
        }
    }

    #[test]
    fn marks_become_markup_and_nothing_else_does() {
        let drawn = drawn(["! A *b*", "See [c](/d) <e>.", "- f", "- g"].into_iter(), Face::of(Tongue::Tamil));
        assert_eq!(
            drawn.into_string(),
            "<p class=\"lead\">A <i lang=\"en\">b</i></p><p>See <a href=\"/d?lang=ta\">c</a> &lt;e&gt;.</p>\
             <ol class=\"steps\"><li>f</li><li>g</li></ol>"
        );
    }
}
