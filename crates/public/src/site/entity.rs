//! Pages of composers, deities, temples, groups, tags and sampradayas: names, what is particular to
//! the kind, and the songs.

use super::address::Address;
use super::answer::{HTML, Led, dressed, follow};
use super::face::{Face, msg};
use super::layout::Page;
use super::shown::Shown;
use super::{draw, language, songs, words};
use crate::answer::{Question, read};
use crate::error::store_problem;
use crate::page::{keys, live};
use crate::paging::Paging;
use crate::state::{Keep, State};
use crate::view::composition::RevisionMark;
use crate::view::{CompositionItem, EntityDetail, Label};
use axum::extract::State as Shared;
use axum::response::Response;
use domain::name::{Name, NameRole};
use domain::reference::{Composer, Group, Location, Temple};
use domain::{EntityKind, Record};
use lipi::Script;
use maud::{Markup, html};
use store::{CompositionFilter, Read};
use uuid::Uuid;
use web::{IfNoneMatch, Path, Problem, Query};

/// Songs of one page.
pub(super) const SONGS: u16 = 50;

/// What the page of a kind has of its own.
pub(super) struct Extra {
    /// What stands between the heading and the songs.
    pub facts: fn(&EntityDetail, Face) -> Markup,
    /// Which songs belong to the entity.
    pub filter: fn(Uuid) -> CompositionFilter,
    /// The heading of the songs.
    pub songs: &'static str,
}

/// Answers with the page of the entity of `kind` that `slug` names.
pub(super) async fn answer(
    state: &State,
    have: &IfNoneMatch,
    kind: EntityKind,
    slug: &str,
    asked: &Shown,
    extra: Extra,
) -> Result<Response, Problem> {
    let face = asked.face()?;
    let paging = asked.paging((kind, slug), SONGS)?;
    let about = paging.about.clone();
    let question = Question { state, have, keep: Keep::Detail, class: "page:entity", about };
    if let Some(response) = question.answer_from_cache().await {
        return Ok(dressed(response, HTML));
    }
    let read = read(state).await?;
    let id = match follow(&read, kind, slug, face).await? {
        Led::Here(id) => id,
        Led::Moved(response) => return Ok(*response),
    };
    let answer = question
        .answer(|| async {
            let live = live(&read, kind, id).await?;
            let detail = EntityDetail::of(&live, Some(face.script));
            let sung = match &live.record {
                Record::Group(group) => SongsOf::members(&read, group, face).await?,
                _ => SongsOf::read(&read, kind, &(extra.filter)(id), &paging, face).await?,
            };
            let page = page(&detail, kind, &extra, &sung, asked, face);
            Ok(page.made(state, &keys(&live).list(EntityKind::Composition), &read))
        })
        .await?;
    Ok(dressed(answer, HTML))
}

fn page(
    detail: &EntityDetail,
    kind: EntityKind,
    extra: &Extra,
    sung: &SongsOf,
    asked: &Shown,
    face: Face,
) -> Page {
    let address = Address::entity(kind, &detail.label.slug);
    let main = html! {
        article.entity {
            (heading(detail, kind, face))
            ((extra.facts)(detail, face))
            div.columns {
                div { (sung.draw(&address, extra.songs, face)) }
                aside.facts aria-label=(face.say("Names and sources")) { (names(detail, face)) (origin(detail, face)) }
            }
        }
    };
    let mut page = Page::new(detail.label.label.clone(), address, face, main);
    page.description = format!("{} — {}", detail.label.label, face.say(words::kind(kind)));
    if !sung.more() {
        let songs = face.counted(sung.items.len() as u64, "{n} song", "{n} songs");
        page.description += &format!(", {songs}");
    }
    page.api = Some(format!("/v1/{}/{}", kind.plural(), detail.label.slug));
    page.og_type = if kind == EntityKind::Composer { "profile" } else { "article" };
    page.indexed = asked.is_first();
    page
}

/// The songs of an entity.
pub(super) struct SongsOf {
    items: Vec<CompositionItem>,
    next: Option<String>,
    is_ordered: bool,
    /// The kind that they belong to.
    of: EntityKind,
}

impl SongsOf {
    /// A page of the songs that `filter` lets through.
    pub async fn read(
        read: &Read,
        of: EntityKind,
        filter: &CompositionFilter,
        paging: &Paging<store::Cursor>,
        face: Face,
    ) -> Result<Self, Problem> {
        let found = read.compositions(filter, paging.limit, paging.after.as_ref()).await;
        let found = found.map_err(store_problem)?;
        let items = found.items.iter().map(|row| CompositionItem::of(row, Some(face.script))).collect();
        Ok(Self { items, next: paging.cursor(found.next), is_ordered: false, of })
    }

    /// The members of a group, in its order.
    async fn members(read: &Read, group: &Group, face: Face) -> Result<Self, Problem> {
        let ids: Vec<Uuid> = group.members.iter().map(|member| member.composition.0).collect();
        let rows = read.composition_rows(&ids).await.map_err(store_problem)?;
        let items = rows.iter().map(|row| CompositionItem::of(row, Some(face.script))).collect();
        Ok(Self { items, next: None, is_ordered: true, of: EntityKind::Group })
    }

    const fn more(&self) -> bool {
        self.next.is_some()
    }

    pub fn draw(&self, address: &Address, title: &'static str, face: Face) -> Markup {
        html! {
            section aria-labelledby="songs" {
                h2 #songs { (face.say(title)) @if !self.more() && !self.items.is_empty() { " " span.count { (self.items.len()) } } }
                @if self.items.is_empty() {
                    p.fine { (face.say("None in the catalogue yet.")) }
                } @else if self.is_ordered {
                    ol.songs { @for song in &self.items { li { (songs::item(song, None, face)) } } }
                } @else {
                    (songs::list_of(&self.items, Some(self.of), face))
                }
                (songs::next(address, self.next.as_deref(), face))
            }
        }
    }
}

/// Kind and name.
pub(super) fn heading(detail: &EntityDetail, kind: EntityKind, face: Face) -> Markup {
    html! {
        header.title {
            p.kind { (face.say(words::kind(kind))) }
            h1 { (language::name(&detail.label.label)) }
        }
    }
}

/// Its other names, each with what it is.
pub(super) fn names(detail: &EntityDetail, face: Face) -> Markup {
    aliases(&detail.names, &detail.label.label, face.say("Also known as"), face)
}

/// Names beside the shown one, each with what it is.
pub(super) fn aliases(names: &[Name], shown: &str, title: &str, face: Face) -> Markup {
    let others = names.iter().filter(|name| name.text != shown && name.role != NameRole::Signature);
    // Spellings of another name are read at once; the same name in the other scripts unfolds, so that a page in one
    // script needs the font of one script.
    let (spellings, scripts): (Vec<&Name>, Vec<&Name>) =
        others.partition(|name| [Script::Latin, face.script].contains(&name.script));
    html! {
        @if !spellings.is_empty() || !scripts.is_empty() {
            section aria-labelledby="names" {
                h2 #names { (title) }
                @if !spellings.is_empty() { ul.aliases { @for name in spellings { (alias(name, face)) } } }
                @if !scripts.is_empty() {
                    details.scripts {
                        summary { (face.say("In other scripts")) }
                        ul.aliases { @for name in scripts { (alias(name, face)) } }
                    }
                }
            }
        }
    }
}

fn alias(name: &Name, face: Face) -> Markup {
    html! {
        li { (language::name(&name.text))
            @if let Some(scheme) = name.alias_scheme { " " span.mark { (face.say(words::alias_scheme(scheme))) } }
            @if name.machine_made { " " span.mark title=(face.say("transliterated by a program")) { (face.say("auto")) } }
        }
    }
}

/// Note, sources and revision.
pub(super) fn origin(detail: &EntityDetail, face: Face) -> Markup {
    html! {
        section aria-labelledby="origin" {
            h2 #origin { (face.say("Sources")) }
            @if !detail.about.sources().is_empty() {
                ul.sources { @for source in detail.about.sources() { li { (source.note) } } }
            }
            (revision(&detail.revision, face))
        }
    }
}

/// Which revision a page shows, and of when.
pub(super) fn revision(revision: &RevisionMark, face: Face) -> Markup {
    let date = revision.recorded_at.date_naive();
    html! {
        p.fine { (face.fill("Revision {n}", revision.number)) ", " time datetime=(date) { (words::date(date, face)) } }
    }
}

/// A list of facts; those without a value are left out.
fn facts(face: Face, rows: &[(&'static str, Option<Markup>)]) -> Markup {
    html! {
        @if rows.iter().any(|(_, value)| value.is_some()) {
            dl.summary {
                @for (name, value) in rows { @if let Some(value) = value { div { dt { (face.say(name)) } dd { (value) } } } }
            }
        }
    }
}

/// A label of what the record refers to.
fn referred(detail: &EntityDetail, id: Uuid) -> Option<&Label> {
    detail.labels.iter().find(|label| label.id == id)
}

fn referred_link(detail: &EntityDetail, id: Option<Uuid>, face: Face) -> Option<Markup> {
    referred(detail, id?).map(|label| songs::link(label, face))
}

fn composer_facts(composer: &Composer, detail: &EntityDetail, face: Face) -> Markup {
    let life = match (composer.birth, composer.death) {
        (None, None) => None,
        (birth, death) => Some(html! {
            (birth.map_or_else(|| "?".to_owned(), |year| words::year(year, face))) " – " (death.map(|year| words::year(year, face)).unwrap_or_default())
        }),
    };
    let signatures: Vec<&str> = composer
        .names
        .iter()
        .filter(|name| name.role == NameRole::Signature)
        .map(|name| name.text.as_str())
        .collect();
    let signatures = (!signatures.is_empty()).then(|| html! {
        @for (index, name) in signatures.iter().enumerate() { @if index > 0 { ", " } (language::name(name)) }
    });
    facts(
        face,
        &[
            (msg("Lived"), life),
            (msg("Place"), referred_link(detail, composer.place.map(|place| place.0), face)),
            (msg("Teacher"), referred_link(detail, composer.teacher.map(|teacher| teacher.0), face)),
            (msg("Signature"), signatures),
        ],
    )
}

fn temple_facts(temple: &Temple, detail: &EntityDetail, face: Face) -> Markup {
    let deities: Vec<Label> =
        temple.deities.iter().filter_map(|deity| referred(detail, deity.0).cloned()).collect();
    let facts = facts(
        face,
        &[
            (msg("Place"), referred_link(detail, temple.place.map(|place| place.0), face)),
            (msg("Deity"), (!deities.is_empty()).then(|| songs::links(&deities, face))),
            (msg("Location"), temple.location.map(location)),
        ],
    );
    let name = detail.label.label.as_str();
    html! {
        @match temple.location {
            Some(location) => { div.located { (facts) (draw::map::outline(location, &face.say("Map: {n}").replace("{n}", name))) } }
            None => { (facts) }
        }
    }
}

/// Degrees north and east, as exact as is known.
fn location(location: Location) -> Markup {
    let degrees = |micro: i32| format!("{:.4}°", f64::from(micro.unsigned_abs()) / 1e6);
    let (north, east) = (location.latitude_microdegrees, location.longitude_microdegrees);
    let geo = format!(
        "geo:{:.6},{:.6};u={}",
        f64::from(north) / 1e6,
        f64::from(east) / 1e6,
        location.precision_metres
    );
    html! {
        a href=(geo) {
            (degrees(north)) " " (if north < 0 { "S" } else { "N" }) ", " (degrees(east)) " " (if east < 0 { "W" } else { "E" })
        }
        " " span.mark { "± " (location.precision_metres) " m" }
    }
}

/// What is particular to the kind of a record.
fn particulars(detail: &EntityDetail, face: Face) -> Markup {
    match &detail.about {
        Record::Composer(composer) => composer_facts(composer, detail, face),
        Record::Temple(temple) => temple_facts(temple, detail, face),
        Record::Deity(deity) => {
            facts(face, &[(msg("Form of"), referred_link(detail, deity.form_of.map(|deity| deity.0), face))])
        }
        Record::Group(group) => facts(
            face,
            &[
                (msg("Form"), Some(html! { (face.say(words::group(group.kind))) })),
                (msg("Composer"), referred_link(detail, group.composer.map(|composer| composer.0), face)),
            ],
        ),
        Record::Tag(tag) => {
            facts(face, &[(msg("Form"), Some(html! { (face.say(words::tag_category(tag.category))) }))])
        }
        Record::Sampradaya(sampradaya) => {
            facts(face, &[(msg("Form"), Some(html! { (face.say(words::sampradaya(sampradaya.kind))) }))])
        }
        _ => html! {},
    }
}

macro_rules! entities {
    ($($name:ident => $kind:ident, $songs:expr, $filter:expr;)*) => {$(
        pub(super) async fn $name(
            Shared(state): Shared<State>,
            have: IfNoneMatch,
            Path(slug): Path<String>,
            Query(asked): Query<Shown>,
        ) -> Result<Response, Problem> {
            let extra = Extra { facts: particulars, filter: $filter, songs: $songs };
            answer(&state, &have, EntityKind::$kind, &slug, &asked, extra).await
        }
    )*};
}

entities! {
    composer => Composer, msg("Songs"), |id| CompositionFilter { composer: Some(id), ..CompositionFilter::default() };
    deity => Deity, msg("Songs to this deity"), |id| CompositionFilter { deity: Some(id), ..CompositionFilter::default() };
    temple => Temple, msg("Songs of this temple"), |id| CompositionFilter { temple: Some(id), ..CompositionFilter::default() };
    group => Group, msg("Songs in order"), |id| CompositionFilter { group: Some(id), ..CompositionFilter::default() };
    tag => Tag, msg("Songs"), |id| CompositionFilter { tag: Some(id), ..CompositionFilter::default() };
    sampradaya => Sampradaya, msg("Songs"), |id| CompositionFilter { sampradaya: Some(id), ..CompositionFilter::default() };
}
