//! `/search`

use super::address::Address;
use super::answer::{HTML, dressed};
use super::language;
use super::layout::{Page, search_form};
use super::shown::site_script;
use super::{songs, words};
use crate::answer::read;
use crate::search::{FacetValue, Finding, Found, FoundFacet, FoundHit, FoundMatch, Parameters, find};
use crate::state::State;
use axum::extract::State as Shared;
use axum::response::Response;
use domain::composition::Form;
use domain::name::Language;
use http::HeaderValue;
use lipi::Script;
use maud::{Markup, html};
use search::{Facet, Sort};
use web::{IfNoneMatch, Problem, Query};

/// The facets of the page, in its order.
const FACETS: [Facet; 7] =
    [Facet::Composer, Facet::Raga, Facet::Tala, Facet::Language, Facet::Form, Facet::Deity, Facet::Temple];

/// Values of a facet that are shown.
const VALUES_MAX: usize = 8;

/// Names of other kinds that are shown above the songs.
const NAMES_MAX: u16 = 6;
const NAME_KINDS: &str = "raga,composer,tala,deity,temple,group";

/// Where a hit matched beside its title.
const MATCHES_MAX: usize = 2;

pub(super) async fn handler(
    Shared(state): Shared<State>,
    have: IfNoneMatch,
    Query(mut asked): Query<Parameters>,
) -> Result<Response, Problem> {
    let script = site_script(asked.script.as_deref())?;
    asked.script = Some(script.as_str().to_owned());
    asked.facets = Some(FACETS.map(Facet::as_str).join(","));
    let read = read(&state).await?;
    let Finding { found, keys } = find(&state, &read, &asked).await?;
    let names = match names_of(&asked) {
        Some(names) => find(&state, &read, &names).await?.found,
        None => Found::default(),
    };
    let page = page(&asked, &found, &names, script);
    let mut response = page.made(&state, &keys, &read).respond(&have);
    response.headers_mut().insert("x-index-seq", HeaderValue::from(found.watermark));
    Ok(dressed(response, HTML))
}

/// The search for names of ragas, composers and the rest beside the first page of songs.
fn names_of(asked: &Parameters) -> Option<Parameters> {
    let text = asked.q.clone().filter(|text| !text.trim().is_empty())?;
    let plain = asked.cursor.is_none() && filters(asked).next().is_none();
    plain.then(|| Parameters {
        q: Some(text),
        types: Some(NAME_KINDS.to_owned()),
        script: asked.script.clone(),
        limit: Some(NAMES_MAX),
        ..Parameters::default()
    })
}

/// The filters that are set, as their parameters.
fn filters(asked: &Parameters) -> impl Iterator<Item = (Facet, String)> {
    [
        (Facet::Composer, asked.composer.clone()),
        (Facet::Raga, asked.raga.clone()),
        (Facet::Mela, asked.mela.map(|mela| mela.to_string())),
        (Facet::Tala, asked.tala.clone()),
        (Facet::Language, asked.language.clone()),
        (Facet::Form, asked.form.clone()),
        (Facet::Deity, asked.deity.clone()),
        (Facet::Temple, asked.temple.clone()),
        (Facet::Tag, asked.tag.clone()),
        (Facet::Group, asked.group.clone()),
    ]
    .into_iter()
    .filter_map(|(facet, value)| Some((facet, value?)))
}

/// The address of the first page of this search.
fn address(asked: &Parameters) -> Address {
    let sort = asked.sort.map(|sort| match sort {
        Sort::Relevance => "relevance",
        Sort::Title => "title",
        Sort::Newest => "newest",
    });
    let address = Address::new("/search").with_some("q", asked.q.as_deref()).with_some("sort", sort);
    filters(asked).fold(address, |address, (facet, value)| address.with(facet.as_str(), value))
}

fn page(asked: &Parameters, found: &Found, names: &Found, script: Script) -> Page {
    let address = address(asked);
    let text = asked.q.as_deref().unwrap_or_default();
    let main = html! {
        h1.quiet { "Search" }
        (search_form(script, text, &address))
        (chips(asked, found, &address, script))
        p.found role="status" { (summary(found, names)) }
        @if !names.low_confidence && !names.hits.is_empty() { (names_found(names, script)) }
        div.results {
            div.hits {
                @if found.hits.is_empty() { (nothing(script)) } @else {
                    ul.songs { @for hit in &found.hits { li { (hit_found(hit, script)) } } }
                }
                (songs::next(&address, found.next_cursor.as_deref(), script))
            }
            aside.facets aria-label="Narrow the search" {
                @for facet in &found.facets { (facet_links(facet, asked, &address, script)) }
            }
        }
    };
    let title = if text.is_empty() { "Search".to_owned() } else { format!("Search: {text}") };
    let mut page = Page::new(title, address, script, main);
    page.indexed = false;
    page.searches = true;
    page
}

fn summary(found: &Found, names: &Found) -> String {
    let songs = words::counted(found.total, "song", "songs");
    match (found.total, found.low_confidence, names.hits.is_empty()) {
        (0, _, true) => "Nothing was found.".to_owned(),
        (0, _, false) => "No song was found by these words.".to_owned(),
        (_, true, _) => format!("Nothing resembles these words closely; {songs} that come nearest:"),
        _ if found.partial => format!("{songs} so far; time ran out."),
        _ => format!("{songs}."),
    }
}

fn nothing(script: Script) -> Markup {
    let href = |path: &str| Address::new(path).href(script);
    html! {
        div.nothing {
            p { "A few words are enough, in any script and any spelling: the beginning of a song, a raga, a composer." }
            p { "Or look through the " a href=(href("/browse/compositions")) { "songs from A to Z" } ", the "
                a href=(href("/ragas")) { "ragas" } " or the " a href=(href("/composers")) { "composers" } "." }
        }
    }
}

fn names_found(names: &Found, script: Script) -> Markup {
    html! {
        ul.found-names aria-label="Found by name" {
            @for label in names.hits.iter().filter_map(|hit| hit.entity.as_ref()) {
                li { span.kind { (words::kind(label.kind)) } " " (songs::link(label, script)) }
            }
        }
    }
}

fn hit_found(hit: &FoundHit, script: Script) -> Markup {
    let Some(song) = &hit.composition else {
        return html! { @if let Some(label) = &hit.entity { (songs::link(label, script)) } };
    };
    let matched = hit.matched.iter().filter(|matched| !matched.ranges.is_empty());
    let (title, others): (Vec<&FoundMatch>, Vec<&FoundMatch>) =
        matched.partition(|matched| matched.text == song.title);
    let matched = &others[..others.len().min(MATCHES_MAX)];
    let title = title.first().map_or_else(|| html! { (song.title) }, |title| marked(title));
    html! {
        (songs::titled(song, &title, None, script))
        @if !matched.is_empty() {
            p.matched { @for (index, matched) in matched.iter().enumerate() {
                @if index > 0 { " · " }
                span lang=(language::of_names(lipi::script_of(&matched.text))) { (marked(matched)) }
            } }
        }
    }
}

/// The text of a match with its words marked. Ranges that do not fit the text are not marked.
fn marked(matched: &FoundMatch) -> Markup {
    let text = matched.text.as_str();
    let mut at = 0;
    html! {
            @for [start, end] in matched.ranges.iter().copied() {
                @if start >= at && start < end && let (Some(before), Some(word)) = (text.get(at..start), text.get(start..end)) {
                    (before) mark { (word) }
                    ({ at = end; "" })
                }
            }
            (text.get(at..).unwrap_or_default())
    }
}

/// The filters that are set; each leads to the search without it.
fn chips(asked: &Parameters, found: &Found, address: &Address, script: Script) -> Markup {
    let set: Vec<(Facet, String)> = filters(asked).collect();
    html! {
        @if !set.is_empty() {
            ul.chips aria-label="Filters" {
                @for (facet, value) in &set {
                    @let label = label_of(*facet, value, found);
                    li {
                        a.chip href=(address.clone().without(facet.as_str()).href(script))
                            aria-label={ "Remove the filter " (facet_name(*facet)) ": " (label) } {
                            span.kind { (facet_name(*facet)) } " " (language::name(&label)) " "
                            span.remove aria-hidden="true" { "×" }
                        }
                    }
                }
            }
        }
    }
}

/// What a filter value is called, as far as the counts tell.
fn label_of(facet: Facet, value: &str, found: &Found) -> String {
    let values = found.facets.iter().find(|counts| counts.facet == facet).map(|counts| &counts.values);
    let known = values
        .into_iter()
        .flatten()
        .find(|known| known.slug.as_deref() == Some(value) || known.value == value);
    known.map_or_else(|| word_of(facet, value), |known| shown(facet, known))
}

fn facet_links(counts: &FoundFacet, asked: &Parameters, address: &Address, script: Script) -> Markup {
    let is_set = filters(asked).any(|(facet, _)| facet == counts.facet);
    let values: Vec<&FacetValue> =
        counts.values.iter().filter(|value| value.count > 0).take(VALUES_MAX).collect();
    html! {
        @if !is_set && values.len() > 1 {
            section {
                h2 { (facet_name(counts.facet)) }
                ul {
                    @for value in values {
                        @let filter = value.slug.as_deref().unwrap_or(&value.value);
                        li {
                            a href=(address.clone().with(counts.facet.as_str(), filter).href(script)) {
                                (language::name(&shown(counts.facet, value)))
                            }
                            " " span.count { (value.count) }
                        }
                    }
                }
            }
        }
    }
}

/// Languages and forms have words of their own; entities come with their labels.
fn shown(facet: Facet, value: &FacetValue) -> String {
    if value.slug.is_some() { value.label.clone() } else { word_of(facet, &value.value) }
}

fn word_of(facet: Facet, value: &str) -> String {
    let word = match facet {
        Facet::Language => Language::from_code(value).map(words::language),
        Facet::Form => Form::from_wire(value).map(words::form),
        _ => None,
    };
    word.unwrap_or(value).to_owned()
}

const fn facet_name(facet: Facet) -> &'static str {
    match facet {
        Facet::Raga => "Raga",
        Facet::Mela => "Mela",
        Facet::Composer => "Composer",
        Facet::Tala => "Tala",
        Facet::Language => "Language",
        Facet::Form => "Form",
        Facet::Deity => "Deity",
        Facet::Temple => "Temple",
        Facet::Tag => "Theme",
        Facet::Group => "Group",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_marks(text: &str, ranges: &[[usize; 2]]) -> String {
        let matched = FoundMatch { field: "title", text: text.to_owned(), ranges: ranges.to_vec() };
        marked(&matched).into_string()
    }

    #[test]
    fn matched_words_are_marked_and_escaped() {
        assert_eq!(
            with_marks("vātāpi <i>gaṇa", &[[0, 8], [9, 12]]),
            "<mark>vātāpi</mark> <mark>&lt;i&gt;</mark>gaṇa"
        );
    }

    #[test]
    fn ranges_that_do_not_fit_are_left_unmarked() {
        for ranges in [[[1, 2]], [[5, 4]], [[0, 99]]] {
            assert_eq!(with_marks("ā", &ranges), "ā");
        }
    }
}
