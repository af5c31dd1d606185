//! The aggregate: a record with its state, its live revision and the draft beside it.
//!
//! Every change of the catalogue is one call here. It either changes the aggregate and says what to store
//! ([`Change`]), or refuses and leaves the aggregate as it was. What the call needs of the world (who, when,
//! the identity of the event) comes in a [`Stamp`].
//!
//! Compositions walk the workflow; every other kind is reference data, which is live as soon as it is saved.
//! Always: `published` means live and no draft beside it; `archived` means nothing is live.

use crate::actor::Actor;
use crate::event::{Event, EventKind};
use crate::id::{EntityKind, EntityRef};
use crate::record::Record;
use crate::revision::{ChangeKind, ContentHash};
use crate::violation::{Severity, Violation};
use crate::workflow::{State, Verb};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A saved state of a record, whole and immutable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// 1 for the first one of an aggregate.
    pub number: i32,
    pub record: Record,
    pub hash: ContentHash,
    pub change_kind: ChangeKind,
    pub reason: Option<String>,
    pub author: Actor,
    pub recorded_at: DateTime<Utc>,
}

/// A record and everything that happens to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aggregate {
    pub entity: EntityRef,
    pub slug: String,
    pub state: State,
    /// Rises by one with every successful call; what `If-Match` is compared with.
    pub row_version: i64,
    /// Rises by one with every event; 0 for what readers never saw.
    pub version: i64,
    /// What readers see.
    pub live: Option<Revision>,
    /// What editors work on, beside it.
    pub draft: Option<Revision>,
    /// The number of the newest revision.
    pub revisions: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What one call did, for the transaction that stores it.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// For the audit trail: kind and verb, `composition_publish`.
    pub action: String,
    pub entity: EntityRef,
    /// A new revision to store.
    pub revision: Option<Revision>,
    /// Set where readers now see something else.
    pub event: Option<Event>,
    /// Of a save: what editors saw before. Of a publication or withdrawal: what readers saw before.
    pub before: Option<Record>,
    /// The same, afterwards. Both are none where only the state moved.
    pub after: Option<Record>,
    pub reason: Option<String>,
}

/// Who makes a change, and when.
#[derive(Clone, Debug)]
pub struct Stamp {
    pub actor: Actor,
    pub now: DateTime<Utc>,
    /// UUIDv7 for the event, should the change make one.
    pub event_id: Uuid,
}

/// The switches of the workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The author of a draft may not publish it.
    pub four_eyes: bool,
}

/// Why a change was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The workflow has no such edge.
    #[error("cannot {verb} what is {state}")]
    WrongState { verb: &'static str, state: State },
    /// The record breaks rules; each is listed.
    #[error("the record breaks {} rule(s), the first: {}", .0.len(), .0.first().map_or("", |first| &first.detail))]
    Invalid(Vec<Violation>),
    /// The verb must be explained.
    #[error("a reason is required")]
    ReasonRequired,
    /// The reason is longer than [`Aggregate::REASON_BYTES_MAX`].
    #[error("a reason has at most {} bytes", Aggregate::REASON_BYTES_MAX)]
    ReasonTooLong,
    /// Four eyes: whoever wrote the draft may not publish it.
    #[error("the author of a draft cannot publish it")]
    SameAuthor,
    /// The record is what is stored already.
    #[error("nothing was changed")]
    Unchanged,
    /// There is no draft.
    #[error("there is no draft to act on")]
    NothingToPublish,
    /// Reference data is live when it is saved and has no workflow.
    #[error("only compositions have a workflow, not a {0}")]
    NotAComposition(EntityKind),
    /// A record of another kind cannot take the place of this one.
    #[error("a {found} cannot be saved as a {expected}")]
    WrongKind { expected: EntityKind, found: EntityKind },
    /// An import does not overwrite what a person has edited, withdrawn or archived.
    #[error("a person has changed this since the last import")]
    Curated,
}

impl Aggregate {
    /// The longest reason, in bytes of UTF-8.
    pub const REASON_BYTES_MAX: usize = 2_000;

    /// A new aggregate: a composition begins as a draft, reference data is live at once.
    pub fn create(
        entity: EntityRef,
        slug: String,
        record: Record,
        change_kind: ChangeKind,
        stamp: &Stamp,
    ) -> Result<(Self, Change), Refusal> {
        Self::begin(
            entity,
            slug,
            record,
            change_kind,
            entity.kind != EntityKind::Composition,
            "create",
            stamp,
        )
    }

    /// Saves another content: a draft beside what is live (compositions), or a new live revision at once.
    /// A composition in review or in the archive must come back as a draft first.
    pub fn edit(
        &mut self,
        record: Record,
        change_kind: ChangeKind,
        reason: Option<String>,
        stamp: &Stamp,
    ) -> Result<Change, Refusal> {
        if matches!(self.state, State::InReview | State::Archived) {
            return Err(Refusal::WrongState { verb: "edit", state: self.state });
        }
        let reason = checked_reason(reason, false)?;
        self.save(record, change_kind, reason, self.entity.kind != EntityKind::Composition, "update", stamp)
    }

    /// Hands the draft to the reviewers. It needs rights and a primary text (or the statement that none is to
    /// be expected); a form rule may still be broken, for the reviewer to see.
    pub fn submit(&mut self, stamp: &Stamp) -> Result<Change, Refusal> {
        let target = self.target(Verb::Submit)?;
        let draft = self.draft.as_ref().ok_or(Refusal::NothingToPublish)?;
        let mut broken = violations(&draft.record, Severity::Error);
        broken.extend(submission(&draft.record));
        refuse(broken)?;
        Ok(self.move_to(target, Verb::Submit, None, stamp))
    }

    /// Hands it back to its author.
    pub fn return_to_draft(&mut self, reason: Option<String>, stamp: &Stamp) -> Result<Change, Refusal> {
        let target = self.target(Verb::Return)?;
        let reason = checked_reason(reason, true)?;
        Ok(self.move_to(target, Verb::Return, reason, stamp))
    }

    /// Makes the draft live. It must be complete: no broken form rule, at least one source.
    pub fn publish(&mut self, policy: &Policy, stamp: &Stamp) -> Result<Change, Refusal> {
        let target = self.target(Verb::Publish)?;
        let draft = self.draft.as_ref().ok_or(Refusal::NothingToPublish)?;
        if policy.four_eyes && same_person(&draft.author, &stamp.actor) {
            return Err(Refusal::SameAuthor);
        }
        let mut broken = violations(&draft.record, Severity::Draft);
        broken.extend(submission(&draft.record));
        broken.extend(publication(&draft.record));
        refuse(broken)?;

        let before = self.live.take().map(|revision| revision.record);
        self.live = self.draft.take();
        let after = self.live.as_ref().map(|revision| revision.record.clone());
        let event = self.event(EventKind::Published, stamp);
        let change = self.move_to(target, Verb::Publish, None, stamp);
        Ok(Change { event: Some(event), before, after, ..change })
    }

    /// Takes the composition away from readers. What was live becomes the draft, unless there is one already.
    pub fn unpublish(&mut self, reason: Option<String>, stamp: &Stamp) -> Result<Change, Refusal> {
        self.withdraw(Verb::Unpublish, reason, stamp)
    }

    /// Puts the composition away, from readers too.
    pub fn archive(&mut self, reason: Option<String>, stamp: &Stamp) -> Result<Change, Refusal> {
        self.withdraw(Verb::Archive, reason, stamp)
    }

    /// Takes the composition out of the archive, as a draft.
    pub fn restore(&mut self, reason: Option<String>, stamp: &Stamp) -> Result<Change, Refusal> {
        let target = self.target(Verb::Restore)?;
        let reason = checked_reason(reason, false)?;
        Ok(self.move_to(target, Verb::Restore, reason, stamp))
    }

    /// The verb by name. `reason` is used where the verb takes one.
    pub fn apply(
        &mut self,
        verb: Verb,
        reason: Option<String>,
        policy: &Policy,
        stamp: &Stamp,
    ) -> Result<Change, Refusal> {
        match verb {
            Verb::Submit => self.submit(stamp),
            Verb::Return => self.return_to_draft(reason, stamp),
            Verb::Publish => self.publish(policy, stamp),
            Verb::Unpublish => self.unpublish(reason, stamp),
            Verb::Archive => self.archive(reason, stamp),
            Verb::Restore => self.restore(reason, stamp),
        }
    }

    /// The loader's way in for trusted data: created and published in one step. Only what must never be
    /// stored is refused; broken form rules are for the loader's report.
    pub fn import_new(
        entity: EntityRef,
        slug: String,
        record: Record,
        stamp: &Stamp,
    ) -> Result<(Self, Change), Refusal> {
        Self::begin(entity, slug, record, ChangeKind::Import, true, "import", stamp)
    }

    /// The same data once more: none where nothing changed. What a person has edited, withdrawn or archived
    /// since is left alone ([`Refusal::Curated`]).
    pub fn import_again(&mut self, record: Record, stamp: &Stamp) -> Result<Option<Change>, Refusal> {
        let hash = ContentHash::of(&record);
        if self.current_revision().hash == hash || self.live.as_ref().is_some_and(|live| live.hash == hash) {
            return Ok(None);
        }
        if self.state != State::Published || self.current_revision().change_kind != ChangeKind::Import {
            return Err(Refusal::Curated);
        }
        self.save(record, ChangeKind::Import, None, true, "import", stamp).map(Some)
    }

    /// What editors see: the draft if there is one, else what is live.
    pub fn current(&self) -> &Record {
        &self.current_revision().record
    }

    /// The revision of [`Aggregate::current`].
    pub fn current_revision(&self) -> &Revision {
        self.draft
            .as_ref()
            .or(self.live.as_ref())
            .expect("every verb leaves a draft or a live revision, and the store keeps them")
    }

    fn begin(
        entity: EntityRef,
        slug: String,
        record: Record,
        change_kind: ChangeKind,
        live: bool,
        verb: &str,
        stamp: &Stamp,
    ) -> Result<(Self, Change), Refusal> {
        check(entity.kind, &record)?;
        let revision = Revision::new(1, record, change_kind, None, stamp);
        let mut aggregate = Self {
            entity,
            slug,
            state: if live { State::Published } else { State::Draft },
            row_version: 1,
            version: 0,
            live: live.then(|| revision.clone()),
            draft: (!live).then(|| revision.clone()),
            revisions: 1,
            created_at: stamp.now,
            updated_at: stamp.now,
        };
        let event = live.then(|| aggregate.event(EventKind::Published, stamp));
        let change = Change {
            action: format!("{}_{verb}", entity.kind),
            entity,
            event,
            before: None,
            after: Some(revision.record.clone()),
            revision: Some(revision),
            reason: None,
        };
        Ok((aggregate, change))
    }

    fn save(
        &mut self,
        record: Record,
        change_kind: ChangeKind,
        reason: Option<String>,
        live: bool,
        verb: &str,
        stamp: &Stamp,
    ) -> Result<Change, Refusal> {
        check(self.entity.kind, &record)?;
        let revision = Revision::new(self.revisions + 1, record, change_kind, reason.clone(), stamp);
        if revision.hash == self.current_revision().hash {
            return Err(Refusal::Unchanged);
        }
        let before = self.current().clone();
        self.revisions = revision.number;
        let event = live.then(|| self.event(EventKind::Published, stamp));
        if live {
            self.state = State::Published;
            self.live = Some(revision.clone());
        } else {
            self.state = State::Draft;
            self.draft = Some(revision.clone());
        }
        self.touch(stamp);
        Ok(Change {
            action: format!("{}_{verb}", self.entity.kind),
            entity: self.entity,
            event,
            before: Some(before),
            after: Some(revision.record.clone()),
            revision: Some(revision),
            reason,
        })
    }

    fn withdraw(&mut self, verb: Verb, reason: Option<String>, stamp: &Stamp) -> Result<Change, Refusal> {
        let target = self.target(verb)?;
        let reason = checked_reason(reason, true)?;
        let live = self.live.take();
        let before = live.as_ref().map(|revision| revision.record.clone());
        let event = live.is_some().then(|| self.event(EventKind::Withdrawn, stamp));
        self.draft = self.draft.take().or(live);
        let change = self.move_to(target, verb, reason, stamp);
        Ok(Change { event, before, ..change })
    }

    fn target(&self, verb: Verb) -> Result<State, Refusal> {
        if self.entity.kind != EntityKind::Composition {
            return Err(Refusal::NotAComposition(self.entity.kind));
        }
        verb.target(self.state, self.live.is_some())
            .ok_or(Refusal::WrongState { verb: verb.as_str(), state: self.state })
    }

    fn move_to(&mut self, target: State, verb: Verb, reason: Option<String>, stamp: &Stamp) -> Change {
        self.state = target;
        self.touch(stamp);
        Change {
            action: format!("{}_{verb}", self.entity.kind),
            entity: self.entity,
            revision: None,
            event: None,
            before: None,
            after: None,
            reason,
        }
    }

    pub(crate) fn touch(&mut self, stamp: &Stamp) {
        self.row_version += 1;
        self.updated_at = stamp.now;
    }

    pub(crate) fn event(&mut self, kind: EventKind, stamp: &Stamp) -> Event {
        self.version += 1;
        let entity = Some(self.entity);
        Event { id: stamp.event_id, kind, entity, version: self.version, at: stamp.now }
    }
}

impl Revision {
    pub(crate) fn new(
        number: i32,
        record: Record,
        change_kind: ChangeKind,
        reason: Option<String>,
        stamp: &Stamp,
    ) -> Self {
        let hash = ContentHash::of(&record);
        Self {
            number,
            record,
            hash,
            change_kind,
            reason,
            author: stamp.actor.clone(),
            recorded_at: stamp.now,
        }
    }
}

/// What may be stored at all.
pub(crate) fn check(expected: EntityKind, record: &Record) -> Result<(), Refusal> {
    if record.kind() != expected {
        return Err(Refusal::WrongKind { expected, found: record.kind() });
    }
    refuse(violations(record, Severity::Error))
}

fn violations(record: &Record, least: Severity) -> Vec<Violation> {
    record.check().into_iter().filter(|violation| violation.severity >= least).collect()
}

fn refuse(broken: Vec<Violation>) -> Result<(), Refusal> {
    if broken.is_empty() { Ok(()) } else { Err(Refusal::Invalid(broken)) }
}

/// What a song needs beside valid fields before somebody reviews it.
fn submission(record: &Record) -> Vec<Violation> {
    let Record::Composition(song) = record else { return Vec::new() };
    let mut broken = Vec::new();
    let has_text = song.versions.iter().flat_map(|version| &version.texts).any(|text| text.is_primary);
    if !has_text && !song.title_only {
        broken.push(Violation::draft(
            "/versions/0/texts",
            "text_missing",
            "add a primary text, or state that the song is kept by title only",
        ));
    }
    if song.rights.is_none() {
        broken.push(Violation::draft("/rights", "rights_missing", "state the rights in the song"));
    }
    broken
}

/// What it needs beside that before readers see it.
fn publication(record: &Record) -> Option<Violation> {
    record
        .sources()
        .is_empty()
        .then(|| Violation::draft("/sources", "source_missing", "name at least one source"))
}

/// Accounts are compared by id; the platform's own commands, which have none, by name.
fn same_person(one: &Actor, other: &Actor) -> bool {
    one.user == other.user && (one.user.is_some() || one.name == other.name)
}

fn checked_reason(reason: Option<String>, required: bool) -> Result<Option<String>, Refusal> {
    let reason = reason.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    match &reason {
        None if required => Err(Refusal::ReasonRequired),
        Some(text) if text.len() > Aggregate::REASON_BYTES_MAX => Err(Refusal::ReasonTooLong),
        _ => Ok(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::composition::Form;
    use crate::id::{CompositionId, RagaId};
    use crate::music::Raga;
    use crate::name::Name;
    use crate::samples::{id, kriti};
    use proptest::prelude::*;

    const POLICY: Policy = Policy { four_eyes: true };

    fn stamp(person: u128) -> Stamp {
        Stamp {
            actor: Actor { user: Some(id(person)), name: format!("person {person}") },
            now: DateTime::UNIX_EPOCH,
            event_id: Uuid::now_v7(),
        }
    }

    fn song(year: i16) -> Record {
        Record::Composition(crate::Composition { year_hint: Some(year), ..kriti() })
    }

    fn draft() -> Aggregate {
        let entity = CompositionId(id(1)).entity();
        Aggregate::create(entity, "vatapi".into(), song(0), ChangeKind::CuratorEdit, &stamp(1)).unwrap().0
    }

    fn because() -> Option<String> {
        Some("because".into())
    }

    /// An aggregate in `state`; with `live`, readers see a revision of it too where that can be.
    fn arrange(state: State, live: bool) -> Aggregate {
        let mut aggregate = draft();
        if live || state == State::Published {
            aggregate.submit(&stamp(1)).unwrap();
            aggregate.publish(&POLICY, &stamp(2)).unwrap();
            if state != State::Published && state != State::Archived {
                aggregate.edit(song(1), ChangeKind::CuratorEdit, None, &stamp(1)).unwrap();
            }
        }
        match state {
            State::InReview => drop(aggregate.submit(&stamp(1)).unwrap()),
            State::Archived => drop(aggregate.archive(because(), &stamp(1)).unwrap()),
            State::Draft | State::Published => {}
        }
        assert_eq!(aggregate.state, state);
        aggregate
    }

    #[track_caller]
    fn whole(aggregate: &Aggregate) {
        assert!(aggregate.draft.is_some() || aggregate.live.is_some());
        match aggregate.state {
            State::Published => assert!(aggregate.live.is_some() && aggregate.draft.is_none()),
            State::Archived => assert!(aggregate.live.is_none()),
            State::Draft | State::InReview => assert!(aggregate.draft.is_some()),
        }
    }

    #[test]
    fn every_state_and_verb_goes_where_the_table_says_or_changes_nothing() {
        for state in State::ALL {
            for live in [false, true] {
                for verb in Verb::ALL {
                    let mut aggregate = arrange(state, live);
                    let before = aggregate.clone();
                    let seen = before.live.is_some();
                    match (verb.target(state, seen), aggregate.apply(verb, because(), &POLICY, &stamp(2))) {
                        (Some(target), Ok(change)) => {
                            assert_eq!(aggregate.state, target, "{verb} {state}");
                            assert_eq!(aggregate.row_version, before.row_version + 1);
                            assert_eq!(aggregate.version - before.version, i64::from(change.event.is_some()));
                            assert_eq!(change.action, format!("composition_{verb}"));
                            let kind = change.event.map(|event| event.kind);
                            let expected = match verb {
                                Verb::Publish => Some(EventKind::Published),
                                Verb::Unpublish | Verb::Archive if seen => Some(EventKind::Withdrawn),
                                _ => None,
                            };
                            assert_eq!(kind, expected, "{verb} {state}");
                            whole(&aggregate);
                        }
                        (None, Err(refusal)) => {
                            assert_eq!(refusal, Refusal::WrongState { verb: verb.as_str(), state });
                            assert_eq!(aggregate, before);
                        }
                        (target, outcome) => panic!("{verb} {state}: {target:?}, {outcome:?}"),
                    }
                }
            }
        }
    }

    #[test]
    fn readers_keep_the_live_revision_until_the_draft_is_published() {
        let mut aggregate = arrange(State::Published, true);
        let change = aggregate.edit(song(1), ChangeKind::Correction, because(), &stamp(1)).unwrap();
        assert_eq!((change.event, change.revision.map(|revision| revision.number)), (None, Some(2)));
        assert_eq!(aggregate.live.as_ref().unwrap().record, song(0));
        assert_eq!(aggregate.current(), &song(1));

        aggregate.submit(&stamp(1)).unwrap();
        let change = aggregate.publish(&POLICY, &stamp(2)).unwrap();
        assert_eq!((change.before, change.after), (Some(song(0)), Some(song(1))));
        assert_eq!((aggregate.live.as_ref().unwrap().number, aggregate.version), (2, 2));
    }

    #[test]
    fn unpublishing_beside_a_draft_keeps_the_draft() {
        let mut aggregate = arrange(State::InReview, true);
        let change = aggregate.unpublish(because(), &stamp(2)).unwrap();
        assert_eq!((change.before, change.after), (Some(song(0)), None));
        assert_eq!((aggregate.state, aggregate.current()), (State::Draft, &song(1)));
    }

    #[test]
    fn a_verb_that_needs_a_reason_is_refused_without_one() {
        for verb in Verb::ALL.into_iter().filter(|verb| verb.needs_reason()) {
            let state = if verb == Verb::Return { State::InReview } else { State::Published };
            for reason in [None, Some("  ".to_owned())] {
                let mut aggregate = arrange(state, true);
                let before = aggregate.clone();
                assert_eq!(aggregate.apply(verb, reason, &POLICY, &stamp(2)), Err(Refusal::ReasonRequired));
                assert_eq!(aggregate, before);
            }
        }
        let long = Some("x".repeat(Aggregate::REASON_BYTES_MAX + 1));
        assert_eq!(arrange(State::Published, true).archive(long, &stamp(1)), Err(Refusal::ReasonTooLong));
    }

    #[test]
    fn the_author_publishes_only_where_the_policy_allows() {
        let mut aggregate = arrange(State::InReview, false);
        assert_eq!(aggregate.publish(&POLICY, &stamp(1)), Err(Refusal::SameAuthor));
        assert!(aggregate.publish(&Policy { four_eyes: false }, &stamp(1)).is_ok());
    }

    fn with(change: impl FnOnce(&mut crate::Composition)) -> Aggregate {
        let mut record = kriti();
        change(&mut record);
        let entity = CompositionId(id(1)).entity();
        let record = Record::Composition(record);
        Aggregate::create(entity, "s".into(), record, ChangeKind::CuratorEdit, &stamp(1)).unwrap().0
    }

    #[track_caller]
    fn refused(outcome: Result<Change, Refusal>, field: &str) {
        match outcome {
            Err(Refusal::Invalid(broken)) => {
                assert_eq!(
                    broken.iter().map(|violation| violation.field.as_str()).collect::<Vec<_>>(),
                    [field]
                );
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_song_is_submitted_with_text_and_rights() {
        refused(with(|song| song.rights = None).submit(&stamp(1)), "/rights");
        refused(with(|song| song.versions[0].texts.clear()).submit(&stamp(1)), "/versions/0/texts");
        let mut by_title = with(|song| {
            song.versions[0].texts.clear();
            song.title_only = true;
        });
        assert!(by_title.submit(&stamp(1)).is_ok());
    }

    #[test]
    fn a_song_is_published_with_a_source_and_by_the_rules_of_its_form() {
        let mut unsourced = with(|song| song.sources.clear());
        unsourced.submit(&stamp(1)).unwrap();
        refused(unsourced.publish(&POLICY, &stamp(2)), "/sources");

        let mut formless = with(|song| song.form = Form::Sloka);
        formless.submit(&stamp(1)).unwrap();
        refused(formless.publish(&POLICY, &stamp(2)), "/versions/0/sections");
        assert_eq!((formless.state, formless.live), (State::InReview, None));
    }

    #[test]
    fn a_draft_may_be_incomplete_but_not_contradictory() {
        let entity = CompositionId(id(1)).entity();
        let record = Record::Composition(crate::Composition { titles: vec![], ..kriti() });
        let created =
            Aggregate::create(entity, "s".into(), record.clone(), ChangeKind::CuratorEdit, &stamp(1));
        assert!(matches!(created, Err(Refusal::Invalid(_))));
        let mut aggregate = draft();
        let before = aggregate.clone();
        assert!(aggregate.edit(record, ChangeKind::CuratorEdit, None, &stamp(1)).is_err());
        assert_eq!(aggregate, before);
    }

    #[test]
    fn saving_the_same_again_is_refused() {
        let mut aggregate = draft();
        assert_eq!(
            aggregate.edit(song(0), ChangeKind::CuratorEdit, None, &stamp(1)),
            Err(Refusal::Unchanged)
        );
    }

    #[test]
    fn what_is_in_review_or_archived_is_not_edited() {
        for state in [State::InReview, State::Archived] {
            let outcome = arrange(state, false).edit(song(1), ChangeKind::CuratorEdit, None, &stamp(1));
            assert_eq!(outcome, Err(Refusal::WrongState { verb: "edit", state }));
        }
    }

    #[test]
    fn reference_data_is_live_at_once_and_has_no_workflow() {
        let entity = RagaId(id(2)).entity();
        let mela = Raga::mela(29).unwrap();
        let record = Record::Raga(mela.clone());
        let (mut raga, change) =
            Aggregate::create(entity, "m".into(), record, ChangeKind::CuratorEdit, &stamp(1)).unwrap();
        assert_eq!((change.event.unwrap().version, raga.state), (1, State::Published));
        let renamed = Record::Raga(Raga { names: vec![Name::display("Shankarabharanam")], ..mela });
        let change = raga.edit(renamed.clone(), ChangeKind::CuratorEdit, None, &stamp(1)).unwrap();
        assert_eq!((change.event.unwrap().version, raga.row_version, raga.revisions), (2, 2, 2));
        assert_eq!(raga.live.as_ref().unwrap().record, renamed);
        whole(&raga);
        assert_eq!(raga.archive(because(), &stamp(1)), Err(Refusal::NotAComposition(EntityKind::Raga)));
        let outcome = raga.edit(song(0), ChangeKind::CuratorEdit, None, &stamp(1));
        assert!(matches!(outcome, Err(Refusal::WrongKind { .. })));
    }

    #[test]
    fn an_import_publishes_and_its_repetition_changes_nothing() {
        let entity = CompositionId(id(1)).entity();
        let (mut aggregate, change) = Aggregate::import_new(entity, "s".into(), song(0), &stamp(9)).unwrap();
        assert_eq!((aggregate.state, change.action.as_str()), (State::Published, "composition_import"));
        assert_eq!(change.event.unwrap().kind, EventKind::Published);
        assert_eq!(aggregate.import_again(song(0), &stamp(9)), Ok(None));
        let change = aggregate.import_again(song(1), &stamp(9)).unwrap().unwrap();
        assert_eq!((change.event.unwrap().version, aggregate.revisions), (2, 2));
        whole(&aggregate);
    }

    #[test]
    fn an_import_leaves_alone_what_a_person_did() {
        let imported = || {
            let entity = CompositionId(id(1)).entity();
            Aggregate::import_new(entity, "s".into(), song(0), &stamp(9)).unwrap().0
        };
        let mut edited = imported();
        edited.edit(song(5), ChangeKind::CuratorEdit, None, &stamp(1)).unwrap();
        assert_eq!(edited.import_again(song(1), &stamp(9)), Err(Refusal::Curated));
        edited.submit(&stamp(1)).unwrap();
        edited.publish(&POLICY, &stamp(2)).unwrap();
        assert_eq!(edited.import_again(song(1), &stamp(9)), Err(Refusal::Curated));

        let mut withdrawn = imported();
        withdrawn.unpublish(because(), &stamp(1)).unwrap();
        assert_eq!(withdrawn.import_again(song(0), &stamp(9)), Ok(None));
        assert_eq!(withdrawn.import_again(song(1), &stamp(9)), Err(Refusal::Curated));
    }

    proptest! {
        /// Any walk of verbs and edits keeps the promises of the module.
        #[test]
        fn every_walk_keeps_the_aggregate_whole(steps in proptest::collection::vec((0..7_usize, 0..4_i16, 1..3_u128), 0..40)) {
            let mut aggregate = draft();
            for (step, year, person) in steps {
                let before = aggregate.clone();
                let outcome = match Verb::ALL.get(step) {
                    Some(verb) => aggregate.apply(*verb, because(), &POLICY, &stamp(person)),
                    None => aggregate.edit(song(year), ChangeKind::CuratorEdit, None, &stamp(person)),
                };
                whole(&aggregate);
                let Ok(change) = outcome else {
                    prop_assert_eq!(&aggregate, &before);
                    continue;
                };
                prop_assert_eq!(aggregate.row_version, before.row_version + 1);
                prop_assert_eq!(aggregate.revisions - before.revisions, i32::from(change.revision.is_some()));
                // Readers see something else exactly when an event says so.
                prop_assert_eq!(aggregate.live != before.live, change.event.is_some());
                prop_assert_eq!(aggregate.version - before.version, i64::from(change.event.is_some()));
            }
        }
    }
}
