//! Songs and names as lists show them.

use super::address::Address;
use super::face::Face;
use super::language;
use crate::view::{CompositionItem, Label};
use domain::EntityKind;
use maud::{Markup, html};

/// The name of an entity, linked to its page where it has one.
pub(super) fn link(label: &Label, face: Face) -> Markup {
    if !has_pages(label.kind) {
        return language::name(&label.label);
    }
    let lang = language::of_names(lipi::script_of(&label.label));
    html! { a href=(Address::entity(label.kind, &label.slug).href(face)) lang=(lang) { (label.label) } }
}

/// Whether entities of `kind` have pages of their own.
pub(super) const fn has_pages(kind: EntityKind) -> bool {
    !matches!(kind, EntityKind::Source | EntityKind::Rights)
}

/// Several names, with commas between them.
pub(super) fn links(labels: &[Label], face: Face) -> Markup {
    html! {
        @for (index, label) in labels.iter().enumerate() {
            @if index > 0 { ", " }
            (link(label, face))
        }
    }
}

/// Songs, each with what a singer looks for: raga, tala, composer.
pub(super) fn list(songs: &[CompositionItem], face: Face) -> Markup {
    list_of(songs, None, face)
}

/// The songs of an entity of the kind `known`, which no line repeats.
pub(super) fn list_of(songs: &[CompositionItem], known: Option<EntityKind>, face: Face) -> Markup {
    html! {
        ul.songs {
            @for song in songs { li { (item(song, known, face)) } }
        }
    }
}

/// One song of a list.
pub(super) fn item(song: &CompositionItem, known: Option<EntityKind>, face: Face) -> Markup {
    titled(song, &html! { (song.title) }, known, face)
}

/// One song of a list, under a title with marks in it.
pub(super) fn titled(
    song: &CompositionItem,
    title: &Markup,
    known: Option<EntityKind>,
    face: Face,
) -> Markup {
    html! {
        a.song href=(Address::entity(EntityKind::Composition, &song.slug).href(face)) lang=(title_lang(song)) {
            (title)
        }
        p.meta { (meta(song, known, face)) }
    }
}

/// The most ragas that a line names; a ragamalika may have thirty.
const RAGAS_MAX: usize = 3;

fn meta(song: &CompositionItem, known: Option<EntityKind>, face: Face) -> Markup {
    let ragas = &song.ragas[..song.ragas.len().min(RAGAS_MAX)];
    let more = song.ragas.len() - ragas.len();
    html! {
        @if !ragas.is_empty() && (known != Some(EntityKind::Raga) || song.is_ragamalika) {
            span.raga { @if song.is_ragamalika { (face.say("Ragamalika")) ": " } (links(ragas, face)) @if more > 0 { " " (face.fill("and {n} more", more)) } }
        }
        @if !song.talas.is_empty() && known != Some(EntityKind::Tala) { span.tala { (links(&song.talas, face)) } }
        @if let Some(composer) = &song.composer && known != Some(EntityKind::Composer) { span.by { (link(composer, face)) } }
    }
}

/// The tag of a title: the song's language in the script that the title is written in.
pub(super) fn title_lang(song: &CompositionItem) -> String {
    language::tag(song.languages.first().copied(), lipi::script_of(&song.title))
}

/// A link to the next page of a list.
pub(super) fn next(address: &Address, cursor: Option<&str>, face: Face) -> Markup {
    html! {
        @if let Some(cursor) = cursor {
            p.next { a rel="next" href=(address.clone().with("cursor", cursor).href(face)) { (face.say("Next page")) " →" } }
        }
    }
}
