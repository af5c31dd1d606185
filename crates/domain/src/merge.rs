//! Merging: two entities turn out to be one. The keeper takes the names and ids of the loser, everything
//! that referred to the loser refers to the keeper, and the loser leads there for ever.
//!
//! Entries are repointed one by one in their order and never made distinct: a ragamalika keeps its length.

use crate::aggregate::{Aggregate, Change, Refusal, Revision, Stamp};
use crate::event::EventKind;
use crate::id::EntityKind;
use crate::music::Raga;
use crate::music::raga::RagaKind;
use crate::name::{AliasScheme, NameRole};
use crate::record::Record;
use crate::revision::ChangeKind;
use crate::verdict::{Verdict, parting};
use crate::workflow::State;
use serde_json::{Value, json};
use uuid::Uuid;

/// Why two entities are not merged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeRefusal {
    /// Keeper and loser are one already.
    #[error("an entity cannot be merged with itself")]
    Itself,
    /// Songs have versions and texts of their own, which a merge cannot bring together.
    #[error("a {0} is not merged")]
    Kind(EntityKind),
    /// One of the two is not live.
    #[error("both must be live")]
    NotLive,
    /// A mela is what its number says and is never lost in another raga.
    #[error("a mela cannot be merged into another raga")]
    Mela,
    /// People ruled that they are two.
    #[error("a ruling keeps them apart: {0}")]
    KeptApart(String),
    /// Parents or scales differ, so the merge must be explained.
    #[error("parents or scales differ: say why they are one")]
    ReasonRequired,
    /// One refers to the other, as a form refers to its deity.
    #[error("one refers to the other")]
    Related,
}

/// Which content of an aggregate is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// What readers see.
    Live,
    /// What editors work on.
    Draft,
}

/// Whether `loser` may be merged into `keeper`.
pub fn judge(
    keeper: &Aggregate,
    loser: &Aggregate,
    verdicts: &[Verdict],
    reason: Option<&str>,
) -> Result<(), MergeRefusal> {
    let (one, other) = (keeper.entity, loser.entity);
    if one == other {
        return Err(MergeRefusal::Itself);
    }
    if one.kind == EntityKind::Composition {
        return Err(MergeRefusal::Kind(one.kind));
    }
    let (Some(kept), Some(lost)) = (&keeper.live, &loser.live) else { return Err(MergeRefusal::NotLive) };
    // A deferral waits for exactly this; a distinction does not.
    let distinct: Vec<Verdict> = verdicts
        .iter()
        .filter(|verdict| verdict.ruling == crate::verdict::Ruling::Distinct)
        .cloned()
        .collect();
    if let Some(verdict) = parting(&distinct, one.id, other.id) {
        return Err(MergeRefusal::KeptApart(verdict.reason.clone()));
    }
    let refers = |from: &Record, to: Uuid| from.references().iter().any(|(_, target)| target.id == to);
    if refers(&kept.record, other.id) || refers(&lost.record, one.id) {
        return Err(MergeRefusal::Related);
    }
    match (&kept.record, &lost.record) {
        (Record::Raga(_), Record::Raga(lost)) if lost.kind == RagaKind::Mela => Err(MergeRefusal::Mela),
        (Record::Raga(kept), Record::Raga(lost)) if differ(kept, lost) && reason.is_none() => {
            Err(MergeRefusal::ReasonRequired)
        }
        _ => Ok(()),
    }
}

/// Whether parent or scale are told otherwise. What one of the two does not know is no difference.
fn differ(one: &Raga, other: &Raga) -> bool {
    let parents = one.parent.zip(other.parent).is_some_and(|(one, other)| one != other);
    let lines = !one.arohana.is_empty() && !other.arohana.is_empty();
    parents || one.kind == RagaKind::Mela || (lines && !one.has_scale_of(other))
}

/// The record with `keeper` wherever it referred to `loser`; entry by entry, order and number unchanged.
/// Lists that hold nothing twice (deities, temples, tags) keep the first of two.
pub fn repointed(record: &Record, loser: Uuid, keeper: Uuid) -> Record {
    let mut body = plain(record);
    replace(&mut body, &loser.to_string(), &keeper.to_string());
    for list in ["deities", "temples", "tags"] {
        if let Some(Value::Array(items)) = body.get_mut(list) {
            let mut seen = Vec::new();
            items.retain(|item| {
                !seen.contains(item) && {
                    seen.push(item.clone());
                    true
                }
            });
        }
    }
    read(record.kind(), body)
}

/// The keeper with the names and foreign ids of the loser, as far as there is room.
pub fn joined(keeper: &Record, loser: &Record) -> Record {
    let mut names = keeper.names().to_vec();
    for name in loser.names() {
        let is_known = names.iter().any(|known| known.text == name.text);
        if is_known || name.machine_made || names.len() >= crate::Composition::TITLES_MAX {
            continue;
        }
        let mut alias = name.clone();
        if alias.role == NameRole::Display {
            alias.role = NameRole::Alias;
            alias.alias_scheme = Some(AliasScheme::SpellingVariant);
        }
        (alias.homonym_ok, alias.disambiguator) = (false, None);
        names.push(alias);
    }
    let mut ids = keeper.external_ids().to_vec();
    ids.extend(loser.external_ids().iter().filter(|id| !keeper.external_ids().contains(id)).cloned());
    let mut body = plain(keeper);
    body["names"] = json!(names);
    body["external_ids"] = json!(ids);
    read(keeper.kind(), body)
}

impl Aggregate {
    /// Refers to `keeper` instead of `loser`; none where this line does not refer to the loser.
    pub fn repoint(
        &mut self,
        line: Line,
        loser: Uuid,
        keeper: Uuid,
        stamp: &Stamp,
    ) -> Result<Option<Change>, Refusal> {
        let own = match line {
            Line::Live => &self.live,
            Line::Draft => &self.draft,
        };
        let Some(before) = own.as_ref().map(|revision| &revision.record) else { return Ok(None) };
        let after = repointed(before, loser, keeper);
        if after == *before {
            return Ok(None);
        }
        self.rewrite(line, after, None, stamp).map(Some)
    }

    /// Takes the names and ids of `loser`; none where it has them all.
    pub fn take_in(
        &mut self,
        loser: &Record,
        reason: Option<String>,
        stamp: &Stamp,
    ) -> Result<Option<Change>, Refusal> {
        let after = joined(self.current(), loser);
        if after == *self.current() {
            return Ok(None);
        }
        self.rewrite(Line::Live, after, reason, stamp).map(Some)
    }

    /// Goes out of sight, without its foreign ids, which the keeper has now.
    pub fn lose(&mut self, reason: Option<String>, stamp: &Stamp) -> Change {
        let before = self.live.take().map(|revision| revision.record);
        let mut body = plain(before.as_ref().unwrap_or_else(|| self.current()));
        body["external_ids"] = json!([]);
        let record = read(self.entity.kind, body);
        let revision = Revision::new(self.revisions + 1, record, ChangeKind::Merge, reason.clone(), stamp);
        self.revisions = revision.number;
        self.draft = Some(revision.clone());
        self.state = State::Archived;
        let event = self.event(EventKind::Withdrawn, stamp);
        self.touch(stamp);
        Change {
            action: format!("{}_merge", self.entity.kind),
            entity: self.entity,
            revision: Some(revision),
            event: Some(event),
            before,
            after: None,
            reason,
        }
    }

    fn rewrite(
        &mut self,
        line: Line,
        record: Record,
        reason: Option<String>,
        stamp: &Stamp,
    ) -> Result<Change, Refusal> {
        crate::aggregate::check(self.entity.kind, &record)?;
        let revision = Revision::new(self.revisions + 1, record, ChangeKind::Merge, reason.clone(), stamp);
        self.revisions = revision.number;
        let after = Some(revision.record.clone());
        let own = match line {
            Line::Live => &mut self.live,
            Line::Draft => &mut self.draft,
        };
        let before = own.replace(revision.clone()).map(|revision| revision.record);
        let event = (line == Line::Live).then(|| self.event(EventKind::Published, stamp));
        self.touch(stamp);
        Ok(Change {
            action: format!("{}_merge", self.entity.kind),
            entity: self.entity,
            revision: Some(revision),
            event,
            before,
            after,
            reason,
        })
    }
}

fn plain(record: &Record) -> Value {
    serde_json::to_value(record).expect("a record is plain data and always has a JSON form")
}

fn read(kind: EntityKind, body: Value) -> Record {
    Record::from_json(kind, body).expect("ids and names in place of others leave the form as it was")
}

fn replace(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) if text == from => to.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, from, to)),
        Value::Object(fields) => fields.values_mut().for_each(|item| replace(item, from, to)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::Actor;
    use crate::composition::{Direction, RagaEntry};
    use crate::id::{DeityId, EntityRef, RagaId};
    use crate::name::Name;
    use crate::reference::ExternalId;
    use crate::samples::{id, kriti};
    use crate::verdict::{Member, Ruling};
    use chrono::DateTime;
    use proptest::prelude::*;

    fn stamp() -> Stamp {
        Stamp { actor: Actor::system("test"), now: DateTime::UNIX_EPOCH, event_id: Uuid::nil() }
    }

    fn live(number: u128, record: Record) -> Aggregate {
        let entity = EntityRef { kind: record.kind(), id: id(number) };
        Aggregate::import_new(entity, number.to_string(), record, &stamp()).unwrap().0
    }

    fn raga(name: &str) -> Raga {
        Raga::named(Name::display(name), RagaKind::Unclassified)
    }

    #[test]
    fn the_palindrome_keeps_its_34_entries_when_two_of_its_ragas_are_merged() {
        let forward = |ragas: std::ops::RangeInclusive<u128>| ragas.map(|raga| (raga, Direction::Forward));
        let back = (1..=14).rev().map(|raga| (raga, Direction::Viloma));
        let entries: Vec<_> =
            forward(1..=6).chain(forward(1..=6)).chain(forward(7..=14)).chain(back).collect();
        let mut song = kriti();
        song.versions[0].ragas = entries
            .iter()
            .map(|(raga, direction)| RagaEntry {
                raga: RagaId(id(100 + raga)),
                section: None,
                direction: *direction,
            })
            .collect();
        assert_eq!(song.versions[0].ragas.len(), 34);
        let Record::Composition(merged) = repointed(&Record::Composition(song.clone()), id(103), id(104))
        else {
            panic!("not a song")
        };
        let after = &merged.versions[0].ragas;
        let distinct: std::collections::HashSet<_> = after.iter().map(|entry| entry.raga).collect();
        assert_eq!((after.len(), distinct.len()), (34, 13));
        for (before, after) in song.versions[0].ragas.iter().zip(after) {
            let wanted = if before.raga.0 == id(103) { RagaId(id(104)) } else { before.raga };
            assert_eq!((after.raga, after.direction), (wanted, before.direction));
        }
    }

    #[test]
    fn lists_that_hold_nothing_twice_keep_the_first() {
        let mut song = kriti();
        song.deities = [3, 1, 2].map(|number| DeityId(id(number))).to_vec();
        let Record::Composition(merged) = repointed(&Record::Composition(song), id(2), id(3)) else {
            panic!("not a song")
        };
        assert_eq!(merged.deities, [DeityId(id(3)), DeityId(id(1))]);
    }

    #[test]
    fn the_keeper_takes_names_and_ids_and_the_loser_leaves() {
        let external = ExternalId { scheme: "one".into(), id: "x".into() };
        let mut lost = raga("Jujavanti");
        lost.external_ids = vec![external.clone()];
        let (mut keeper, mut loser) =
            (live(1, Record::Raga(raga("Dvijavanti"))), live(2, Record::Raga(lost.clone())));
        let change = loser.lose(Some("one raga".into()), &stamp());
        assert_eq!((loser.state, loser.live.is_some()), (State::Archived, false));
        assert_eq!(change.event.map(|event| event.kind), Some(EventKind::Withdrawn));
        assert_eq!(loser.current().external_ids(), []);
        keeper.take_in(&Record::Raga(lost.clone()), None, &stamp()).unwrap().unwrap();
        let names: Vec<_> =
            keeper.current().names().iter().map(|name| (name.text.as_str(), name.role)).collect();
        assert_eq!(names, [("Dvijavanti", NameRole::Display), ("Jujavanti", NameRole::Alias)]);
        assert_eq!(keeper.current().external_ids(), [external]);
        assert_eq!(keeper.take_in(&Record::Raga(lost), None, &stamp()).unwrap(), None);
    }

    #[test]
    fn live_line_and_draft_are_repointed_each() {
        let mut song = live(1, Record::Composition(kriti()));
        let mut edited = kriti();
        edited.year_hint = Some(1800);
        song.edit(Record::Composition(edited), ChangeKind::CuratorEdit, None, &stamp()).unwrap();
        let version = song.row_version;
        let change = song.repoint(Line::Live, id(2), id(9), &stamp()).unwrap().unwrap();
        assert!(change.event.is_some());
        let change = song.repoint(Line::Draft, id(2), id(9), &stamp()).unwrap().unwrap();
        assert!(change.event.is_none());
        assert_eq!((song.row_version, song.revisions), (version + 2, 4));
        assert_eq!(song.repoint(Line::Draft, id(2), id(9), &stamp()).unwrap(), None);
        assert!(song.current().references().contains(&("raga", RagaId(id(9)).entity())));
    }

    #[test]
    fn what_must_stay_two_is_refused() {
        let (one, two) = (live(1, Record::Raga(raga("Sri"))), live(2, Record::Raga(raga("Shree"))));
        let ruled = |ruling| Verdict {
            kind: EntityKind::Raga,
            ruling,
            members: [(1, "Sri"), (2, "Shree")]
                .map(|(number, name)| Member { name: name.into(), mela: None, entity: Some(id(number)) })
                .to_vec(),
            reason: "two".into(),
            source: "known".into(),
        };
        assert_eq!(judge(&one, &two, &[], None), Ok(()));
        assert_eq!(judge(&one, &two, &[ruled(Ruling::Defer)], None), Ok(()));
        assert_eq!(
            judge(&one, &two, &[ruled(Ruling::Distinct)], Some("x")),
            Err(MergeRefusal::KeptApart("two".into()))
        );
        assert_eq!(judge(&one, &one, &[], None), Err(MergeRefusal::Itself));
        let mela = live(3, Record::Raga(Raga::mela(22).unwrap()));
        assert_eq!(judge(&one, &mela, &[], Some("x")), Err(MergeRefusal::Mela));
        assert_eq!(judge(&mela, &one, &[], None), Err(MergeRefusal::ReasonRequired));
        assert_eq!(judge(&mela, &one, &[], Some("its own janya")), Ok(()));
        let song = live(4, Record::Composition(kriti()));
        assert_eq!(judge(&song, &one, &[], None), Err(MergeRefusal::Kind(EntityKind::Composition)));
        let mut gone = two;
        gone.lose(None, &stamp());
        assert_eq!(judge(&one, &gone, &[], None), Err(MergeRefusal::NotLive));
    }

    proptest! {
        #[test]
        fn a_merge_changes_no_number_and_no_order_of_entries(
            ragas in proptest::collection::vec(1..6_u128, 1..40), loser in 1..6_u128, keeper in 1..6_u128,
        ) {
            let mut song = kriti();
            song.versions[0].ragas = ragas
                .iter()
                .map(|raga| RagaEntry { raga: RagaId(id(*raga)), section: None, direction: Direction::Forward })
                .collect();
            let merged = repointed(&Record::Composition(song), id(loser), id(keeper));
            let Record::Composition(merged) = merged else { panic!("not a song") };
            let after: Vec<_> = merged.versions[0].ragas.iter().map(|entry| entry.raga.0).collect();
            let wanted: Vec<_> =
                ragas.iter().map(|raga| if *raga == loser { id(keeper) } else { id(*raga) }).collect();
            prop_assert_eq!(after, wanted);
        }
    }
}
