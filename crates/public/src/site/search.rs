//! `/search`

use super::address::Address;
use super::answer::{HTML, dressed};
use super::face::{Face, msg};
use super::language;
use super::layout::{Page, search_form};
use super::shown::face;
use super::spoken::Spoken;
use super::{songs, words};
use crate::answer::read;
use crate::search::{FacetValue, Finding, Found, FoundFacet, FoundHit, FoundMatch, Parameters, find};
use crate::state::State;
use crate::sung::AsSwaras;
use axum::extract::State as Shared;
use axum::response::Response;
use domain::composition::Form;
use domain::name::Language;
use http::HeaderValue;
use maud::{Markup, html};
use search::{Facet, MatchClass, Sort};
use web::{IfNoneMatch, Problem};

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
    Spoken { tongue, mut asked }: Spoken<Parameters>,
) -> Result<Response, Problem> {
    let face = face(asked.script.as_deref(), Some(tongue.code()))?;
    asked.script = Some(face.script.as_str().to_owned());
    asked.facets = Some(FACETS.map(Facet::as_str).join(","));
    let read = read(&state).await?;
    let Finding { found, keys, mut lsn } = find(&state, &read, &asked).await?;
    let mut names = Found::default();
    if let Some(asked) = names_of(&asked) {
        let named = find(&state, &read, &asked).await?;
        lsn = lsn.min(named.lsn);
        names = named.found;
        names.hits.retain(|hit| is_offered(hit, &found));
    }
    let page = page(&asked, &found, &names, face);
    let mut response = page.made(&state, &keys, &read).not_after(lsn).respond(&have);
    response.headers_mut().insert("x-index-seq", HeaderValue::from(found.watermark));
    Ok(dressed(response, HTML))
}

/// The search for names of ragas, composers and the rest beside the first page of songs.
fn names_of(asked: &Parameters) -> Option<Parameters> {
    let text = asked.q.clone().filter(|text| !text.trim().is_empty())?;
    let plain = asked.cursor.is_none() && asked.swaras.is_none() && filters(asked).next().is_none();
    plain.then(|| Parameters {
        q: Some(text),
        types: Some(NAME_KINDS.to_owned()),
        script: asked.script.clone(),
        limit: Some(NAMES_MAX),
        ..Parameters::default()
    })
}

/// A name that only resembles the words is no help where songs hold them.
fn is_offered(name: &FoundHit, found: &Found) -> bool {
    let songs_hold = !found.low_confidence && !found.hits.is_empty() && found.interpretations.is_empty();
    !songs_hold || name.why != MatchClass::Similar
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
    let address =
        address.with_some("unlink", asked.unlink.as_deref()).with_some("swaras", asked.swaras.as_deref());
    filters(asked).fold(address, |address, (facet, value)| address.with(facet.as_str(), value))
}

fn page(asked: &Parameters, found: &Found, names: &Found, face: Face) -> Page {
    let address = address(asked);
    let text = asked.q.as_deref().unwrap_or_default();
    let main = html! {
        h1.quiet { (face.say("Search")) }
        (search_form(face, text, &address))
        (chips(asked, found, &address, face))
        (taken_for(asked, found, &address, face))
        p.found role="status" { (summary(found, names, face)) }
        (other_spelling(asked, found, face))
        (notices(found, face))
        @if let Some(swaras) = &found.as_swaras { (as_swaras(swaras, face)) }
        @if !names.low_confidence && !names.hits.is_empty() { (names_found(names, face)) }
        div.results {
            div.hits {
                @if found.hits.is_empty() { @if found.as_swaras.is_none() { (nothing(face)) } } @else {
                    ul.songs { @for hit in &found.hits { li { (hit_found(hit, face)) } } }
                }
                (songs::next(&address, found.next_cursor.as_deref(), face))
            }
            aside.facets aria-label=(face.say("Narrow the search")) {
                @for facet in &found.facets { (facet_links(facet, asked, &address, face)) }
            }
        }
    };
    let search = face.say("Search");
    let title = if text.is_empty() { search.to_owned() } else { format!("{search}: {text}") };
    let mut page = Page::new(title, address, face, main);
    page.description = face.say("Search songs, ragas, composers").into();
    // Whatever is searched for, search engines keep the empty search; filters and further pages they leave alone.
    page.canonical = Some(Address::new("/search"));
    page.indexed = filters(asked).next().is_none() && asked.cursor.is_none() && asked.swaras.is_none();
    page.searches = true;
    page
}

fn summary(found: &Found, names: &Found, face: Face) -> String {
    let songs = face.counted(found.total, "{n} song", "{n} songs");
    match (found.total, found.low_confidence, names.hits.is_empty() && found.as_swaras.is_none()) {
        (0, _, true) => face.say("Nothing was found.").to_owned(),
        (0, _, false) => face.say("No song was found by these words.").to_owned(),
        (_, true, _) => {
            format!("{} {songs}", face.say("Nothing resembles these words closely; the nearest:"))
        }
        _ if found.partial => format!("{songs} – {}", face.say("so far; time ran out")),
        _ => format!("{songs}."),
    }
}

/// The title that was perhaps meant, as a search for it.
fn other_spelling(asked: &Parameters, found: &Found, face: Face) -> Markup {
    html! {
        @if let Some(meant) = &found.did_you_mean {
            @let search = address(asked).without("unlink").with("q", meant);
            p.meant { (face.say("Did you mean:")) " " a href=(search.href(face)) { (language::name(meant)) } }
        }
    }
}

/// What a reader must know about an answer that is not the best one.
fn notices(found: &Found, face: Face) -> Markup {
    html! {
        @if found.degraded {
            p.notice { (face.say("Just now only names and titles are searched: words inside songs and misspelt names may be missing.")) }
        }
        @if found.truncated { p.notice { (face.say("Only the beginning of what you wrote was looked at.")) } }
    }
}

fn nothing(face: Face) -> Markup {
    let href = |path: &str| Address::new(path).href(face);
    html! {
        div.nothing {
            p { (face.say("A few words are enough, in any script and any spelling: the beginning of a song, a raga, a composer.")) }
            p { a href=(href("/browse/compositions")) { (face.say("Songs A–Z")) } " · "
                a href=(href("/ragas")) { (face.say("Ragas")) } " · " a href=(href("/composers")) { (face.say("Composers")) } }
        }
    }
}

/// The words read as swaras: ragas that go so, and a way to the songs that do.
fn as_swaras(sung: &AsSwaras, face: Face) -> Markup {
    let more = sung.raga_total - sung.ragas.len();
    let songs = Address::new("/search").with("swaras", &sung.swaras);
    html! {
        section.as-swaras aria-labelledby="as-swaras" {
            h2 #as-swaras .quiet { (face.say("As swaras")) ": " span.swaras { (sung.swaras) } }
            @if !sung.ragas.is_empty() {
                ul.found-names aria-label=(face.say("Ragas with these swaras in a row")) {
                    @for raga in &sung.ragas {
                        li { span.kind { (face.say("Raga")) } " " (songs::link(&raga.label, face)) " " span.fine { (raga.arohana) } }
                    }
                    @if more > 0 { li { (face.fill("and {n} more", more)) } }
                }
            }
            @if sung.songs > 0 {
                p { a href=(songs.href(face)) { (face.counted(sung.songs, "{n} song in whose notation they stand", "{n} songs in whose notation they stand")) } }
            }
        }
    }
}

fn names_found(names: &Found, face: Face) -> Markup {
    html! {
        ul.found-names aria-label=(face.say("Found by name")) {
            @for label in names.hits.iter().filter_map(|hit| hit.entity.as_ref()) {
                li { span.kind { (face.say(words::kind(label.kind))) } " " (songs::link(label, face)) }
            }
        }
    }
}

fn hit_found(hit: &FoundHit, face: Face) -> Markup {
    let Some(song) = &hit.composition else {
        return html! { @if let Some(label) = &hit.entity { (songs::link(label, face)) } };
    };
    let matched = hit.matched.iter().filter(|matched| !matched.ranges.is_empty());
    let (title, others): (Vec<&FoundMatch>, Vec<&FoundMatch>) =
        matched.partition(|matched| matched.text == song.title);
    let matched = &others[..others.len().min(MATCHES_MAX)];
    let title = title.first().map_or_else(|| html! { (song.title) }, |title| marked(title));
    html! {
        (songs::titled(song, &title, None, face))
        @if !matched.is_empty() {
            p.matched { @for (index, matched) in matched.iter().enumerate() {
                @if index > 0 { " · " }
                span lang=(language::of_names(matched.script)) { (marked(matched)) }
                @if let Some(section) = &matched.section { " (" (section.label) ")" }
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
fn chips(asked: &Parameters, found: &Found, address: &Address, face: Face) -> Markup {
    let set: Vec<(Facet, String)> = filters(asked).collect();
    html! {
        @if !set.is_empty() || asked.swaras.is_some() {
            ul.chips aria-label=(face.say("Filters")) {
                @if let Some(swaras) = &asked.swaras {
                    li {
                        a.chip href=(address.clone().without("swaras").href(face))
                            aria-label={ (face.say("Remove the filter:")) " " (face.say("Swaras")) ", " (swaras) } {
                            span.kind { (face.say("Swaras")) } " " (swaras) " "
                            span.remove aria-hidden="true" { "×" }
                        }
                    }
                }
                @for (facet, value) in &set {
                    @let label = label_of(*facet, value, found, face);
                    li {
                        a.chip href=(address.clone().without(facet.as_str()).href(face))
                            aria-label={ (face.say("Remove the filter:")) " " (face.say(facet_name(*facet))) ", " (label) } {
                            span.kind { (face.say(facet_name(*facet))) } " " (language::name(&label)) " "
                            span.remove aria-hidden="true" { "×" }
                        }
                    }
                }
            }
        }
    }
}

/// Names that words of the text were taken for; each leads to the search in which they are words.
fn taken_for(asked: &Parameters, found: &Found, address: &Address, face: Face) -> Markup {
    let removed = |values: &[String]| {
        let before = asked.unlink.iter().cloned();
        before.chain(values.iter().cloned()).collect::<Vec<_>>().join(",")
    };
    html! {
        @if !found.interpretations.is_empty() {
            ul.chips aria-label=(face.say("Filters")) {
                @for name in &found.interpretations {
                    li {
                        a.chip href=(address.clone().with("unlink", removed(&name.values)).href(face))
                            aria-label={ (face.say("Remove the filter:")) " " (face.say(facet_name(name.facet))) ", " (name.alias) } {
                            span.kind { (face.say(facet_name(name.facet))) } " " (name.alias) " "
                            span.remove aria-hidden="true" { "×" }
                        }
                    }
                }
            }
        }
    }
}

/// What a filter value is called, as far as the counts tell.
fn label_of(facet: Facet, value: &str, found: &Found, face: Face) -> String {
    let values = found.facets.iter().find(|counts| counts.facet == facet).map(|counts| &counts.values);
    let known = values
        .into_iter()
        .flatten()
        .find(|known| known.slug.as_deref() == Some(value) || known.value == value);
    known.map_or_else(|| word_of(facet, value, face), |known| shown(facet, known, face))
}

fn facet_links(counts: &FoundFacet, asked: &Parameters, address: &Address, face: Face) -> Markup {
    let is_set = filters(asked).any(|(facet, _)| facet == counts.facet);
    let values: Vec<&FacetValue> =
        counts.values.iter().filter(|value| value.count > 0).take(VALUES_MAX).collect();
    html! {
        @if !is_set && values.len() > 1 {
            section {
                h2 { (face.say(facet_name(counts.facet))) }
                ul {
                    @for value in values {
                        @let filter = value.slug.as_deref().unwrap_or(&value.value);
                        li {
                            a href=(address.clone().with(counts.facet.as_str(), filter).href(face)) {
                                (language::name(&shown(counts.facet, value, face)))
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
fn shown(facet: Facet, value: &FacetValue, face: Face) -> String {
    if value.slug.is_some() { value.label.clone() } else { word_of(facet, &value.value, face) }
}

fn word_of(facet: Facet, value: &str, face: Face) -> String {
    let word = match facet {
        Facet::Language => Language::from_code(value).map(words::language),
        Facet::Form => Form::from_wire(value).map(words::form),
        _ => None,
    };
    word.map_or(value, |word| face.say(word)).to_owned()
}

const fn facet_name(facet: Facet) -> &'static str {
    match facet {
        Facet::Raga => msg("Raga"),
        Facet::Mela => msg("Mela"),
        Facet::Composer => msg("Composer"),
        Facet::Tala => msg("Tala"),
        Facet::Language => msg("Language"),
        Facet::Form => msg("Form"),
        Facet::Deity => msg("Deity"),
        Facet::Temple => msg("Temple"),
        Facet::Tag => msg("Theme"),
        Facet::Group => msg("Group"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_marks(text: &str, ranges: &[[usize; 2]]) -> String {
        let matched = FoundMatch {
            field: "title",
            text: text.to_owned(),
            script: lipi::Script::Latin,
            section: None,
            ranges: ranges.to_vec(),
        };
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
