//! Songs and names as lists show them.

use super::address::Address;
use super::language;
use crate::view::{CompositionItem, Label};
use domain::EntityKind;
use lipi::Script;
use maud::{Markup, html};

/// The name of an entity, linked to its page where it has one.
pub(super) fn link(label: &Label, script: Script) -> Markup {
    if !has_pages(label.kind) {
        return language::name(&label.label);
    }
    let lang = language::of_names(lipi::script_of(&label.label));
    html! { a href=(Address::entity(label.kind, &label.slug).href(script)) lang=(lang) { (label.label) } }
}

/// Whether entities of `kind` have pages of their own.
pub(super) const fn has_pages(kind: EntityKind) -> bool {
    !matches!(kind, EntityKind::Place | EntityKind::Source | EntityKind::Rights)
}

/// Several names, with commas between them.
pub(super) fn links(labels: &[Label], script: Script) -> Markup {
    html! {
        @for (index, label) in labels.iter().enumerate() {
            @if index > 0 { ", " }
            (link(label, script))
        }
    }
}

/// Songs, each with what a singer looks for: raga, tala, composer.
pub(super) fn list(songs: &[CompositionItem], script: Script) -> Markup {
    list_of(songs, None, script)
}

/// The songs of an entity of the kind `known`, which no line repeats.
pub(super) fn list_of(songs: &[CompositionItem], known: Option<EntityKind>, script: Script) -> Markup {
    html! {
        ul.songs {
            @for song in songs { li { (item(song, known, script)) } }
        }
    }
}

/// One song of a list.
pub(super) fn item(song: &CompositionItem, known: Option<EntityKind>, script: Script) -> Markup {
    titled(song, &html! { (song.title) }, known, script)
}

/// One song of a list, under a title with marks in it.
pub(super) fn titled(
    song: &CompositionItem,
    title: &Markup,
    known: Option<EntityKind>,
    script: Script,
) -> Markup {
    html! {
        a.song href=(Address::entity(EntityKind::Composition, &song.slug).href(script)) lang=(title_lang(song)) {
            (title)
        }
        p.meta { (meta(song, known, script)) }
    }
}

/// The most ragas that a line names; a ragamalika may have thirty.
const RAGAS_MAX: usize = 3;

fn meta(song: &CompositionItem, known: Option<EntityKind>, script: Script) -> Markup {
    let ragas = &song.ragas[..song.ragas.len().min(RAGAS_MAX)];
    let more = song.ragas.len() - ragas.len();
    html! {
        @if !ragas.is_empty() && (known != Some(EntityKind::Raga) || song.is_ragamalika) {
            span.raga { @if song.is_ragamalika { "Ragamalika: " } (links(ragas, script)) @if more > 0 { " and " (more) " more" } }
        }
        @if !song.talas.is_empty() && known != Some(EntityKind::Tala) { span.tala { (links(&song.talas, script)) } }
        @if let Some(composer) = &song.composer && known != Some(EntityKind::Composer) { span.by { (link(composer, script)) } }
    }
}

/// The tag of a title: the song's language in the script that the title is written in.
pub(super) fn title_lang(song: &CompositionItem) -> String {
    language::tag(song.languages.first().copied(), lipi::script_of(&song.title))
}

/// A link to the next page of a list.
pub(super) fn next(address: &Address, cursor: Option<&str>, script: Script) -> Markup {
    html! {
        @if let Some(cursor) = cursor {
            p.next { a rel="next" href=(address.clone().with("cursor", cursor).href(script)) { "More →" } }
        }
    }
}
