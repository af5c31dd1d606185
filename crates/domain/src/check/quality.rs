//! The standing report: what holds between records, which no record can see by itself.
//!
//! A [`Survey`] looks at every record once, in any order, and says at the end what deserves a look. Nothing
//! of it refuses anything; who edits, reads it.

use super::record as rules_of;
use crate::id::{EntityKind, EntityRef};
use crate::music::Raga;
use crate::music::raga::RagaKind;
use crate::music::scale::ScaleToken;
use crate::name::{Name, NameRole};
use crate::record::Record;
use crate::violation::Severity;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use utoipa::ToSchema;
use uuid::Uuid;

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The names of an entity in two scripts do not sound alike.
    NameSkeleton,
    /// Texts of one version have different sections.
    TextSkeleton,
    /// A set of texts has no primary one, or several.
    PrimaryText,
    /// A janya has swaras that neither its parent has nor it declares.
    UndeclaredAnya,
    /// Several ragas have one scale.
    SameScale,
    /// A janya has the very scale of its parent.
    ParentScale,
    /// The parent of a janya is not there, or is no mela.
    OrphanParent,
    /// A raga that nobody has placed under a mela.
    Unclassified,
    /// A song whose rights nobody has stated.
    MissingRights,
    /// Entities of one kind share a name, and nothing tells them apart.
    UnmarkedHomonym,
    /// A rule that the record breaks by itself.
    Record,
}

/// One thing that deserves a look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    pub rule: Rule,
    pub entity: EntityRef,
    /// What the entity is called.
    pub label: String,
    pub severity: Severity,
    /// JSON pointer of the field; empty for the whole record.
    pub field: String,
    pub message: String,
}

/// Looks at records, one after the other.
#[derive(Debug, Default)]
pub struct Survey {
    /// Records that were looked at.
    pub records: usize,
    found: Vec<Finding>,
    ragas: BTreeMap<Uuid, Raga>,
    /// Entities by kind, person and folded name.
    names: HashMap<(EntityKind, Option<Uuid>, String), Vec<Named>>,
}

/// A name that others may have too.
#[derive(Debug)]
struct Named {
    entity: EntityRef,
    label: String,
    is_marked: bool,
}

impl Rule {
    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NameSkeleton => "name_skeleton",
            Self::TextSkeleton => "text_skeleton",
            Self::PrimaryText => "primary_text",
            Self::UndeclaredAnya => "undeclared_anya",
            Self::SameScale => "same_scale",
            Self::ParentScale => "parent_scale",
            Self::OrphanParent => "orphan_parent",
            Self::Unclassified => "unclassified",
            Self::MissingRights => "missing_rights",
            Self::UnmarkedHomonym => "unmarked_homonym",
            Self::Record => "record",
        }
    }

    fn of_code(code: &str) -> Self {
        match code {
            "skeleton_differs" => Self::TextSkeleton,
            "primary_missing" | "primary_repeated" => Self::PrimaryText,
            _ => Self::Record,
        }
    }
}

impl Survey {
    /// Looks at one record.
    pub fn look(&mut self, entity: EntityRef, record: &Record) {
        self.records += 1;
        for broken in rules_of(record) {
            let rule = Rule::of_code(&broken.code);
            self.add(rule, entity, record.label(), broken.severity, &broken.field, broken.detail);
        }
        self.name_skeleton(entity, record);
        self.homonym(entity, record);
        match record {
            Record::Raga(raga) => {
                self.ragas.insert(entity.id, raga.clone());
            }
            Record::Composition(song) if song.rights.is_none() => {
                let message = "nobody has stated what may be done with it".to_owned();
                self.add(Rule::MissingRights, entity, record.label(), Severity::Draft, "/rights", message);
            }
            _ => {}
        }
    }

    /// Everything that was found, by rule, kind, id and field.
    pub fn finish(mut self) -> Vec<Finding> {
        self.parents();
        self.scales();
        self.homonyms();
        self.found.sort_by(|a, b| place(a).cmp(&place(b)));
        self.found
    }

    fn add(
        &mut self,
        rule: Rule,
        entity: EntityRef,
        label: &str,
        severity: Severity,
        field: &str,
        message: String,
    ) {
        let (label, field) = (label.to_owned(), field.to_owned());
        self.found.push(Finding { rule, entity, label, severity, field, message });
    }

    /// Shown names must sound like one of the Latin names, by the coarse key, since Tamil writes fewer sounds.
    fn name_skeleton(&mut self, entity: EntityRef, record: &Record) {
        let latin = |name: &&Name| name.script == lipi::Script::Latin && name.role != NameRole::Signature;
        let known: BTreeSet<String> =
            record.names().iter().filter(latin).map(|name| lipi::k2_joined(&name.text)).collect();
        if known.is_empty() {
            return;
        }
        let field = if entity.kind == EntityKind::Composition { "titles" } else { "names" };
        for (index, name) in record.names().iter().enumerate() {
            let is_other = name.role == NameRole::Display && name.script != lipi::Script::Latin;
            let key = lipi::k2_joined(&name.text);
            let letters = spare_letters(name.script);
            if is_other && !known.iter().any(|own| *own == key || near(own, &key, letters)) {
                let message = format!("`{}` does not sound like `{}`", name.text, record.label());
                let field = format!("/{field}/{index}");
                self.add(Rule::NameSkeleton, entity, record.label(), Severity::Warning, &field, message);
            }
        }
    }

    fn homonym(&mut self, entity: EntityRef, record: &Record) {
        let Some(shown) = record.names().iter().find(|name| name.text == record.label()) else { return };
        // Songs of several people may open alike: lists show the composer beside the title.
        let person = match record {
            Record::Composition(song) => song.composer.map(|composer| composer.0),
            _ => None,
        };
        let named = Named { entity, label: shown.text.clone(), is_marked: shown.disambiguator.is_some() };
        self.names.entry((entity.kind, person, shown.key(entity.kind))).or_default().push(named);
    }

    fn homonyms(&mut self) {
        let shared = std::mem::take(&mut self.names).into_values().filter(|named| named.len() > 1);
        for named in shared {
            for Named { entity, label, is_marked } in &named {
                if !is_marked {
                    let others = named.iter().filter(|other| other.entity != *entity);
                    let others: Vec<String> = others.map(|other| other.entity.to_string()).collect();
                    let message = format!("shares its name with {}", others.join(", "));
                    self.add(Rule::UnmarkedHomonym, *entity, label, Severity::Warning, "", message);
                }
            }
        }
    }

    fn parents(&mut self) {
        let ragas = std::mem::take(&mut self.ragas);
        for (id, raga) in &ragas {
            let entity = EntityRef { kind: EntityKind::Raga, id: *id };
            let record = Record::Raga(raga.clone());
            let label = record.label();
            if raga.kind == RagaKind::Unclassified {
                let message = "stands under no mela".to_owned();
                self.add(Rule::Unclassified, entity, label, Severity::Warning, "/parent", message);
            }
            let Some(parent) = raga.parent else { continue };
            let Some(mela) = ragas.get(&parent.0).filter(|parent| parent.kind == RagaKind::Mela) else {
                let message = "its parent is no mela that is there".to_owned();
                self.add(Rule::OrphanParent, entity, label, Severity::Draft, "/parent", message);
                continue;
            };
            for undeclared in raga.undeclared_anya(mela) {
                let message = undeclared.detail;
                self.add(Rule::UndeclaredAnya, entity, label, Severity::Warning, &undeclared.field, message);
            }
            if raga.has_scale_of(mela) {
                let message = "has the very scale of its parent".to_owned();
                self.add(Rule::ParentScale, entity, label, Severity::Warning, "/arohana", message);
            }
        }
        self.ragas = ragas;
    }

    fn scales(&mut self) {
        let mut groups: HashMap<(&[ScaleToken], &[ScaleToken]), Vec<Uuid>> = HashMap::new();
        let ragas = std::mem::take(&mut self.ragas);
        for (id, raga) in ragas.iter().filter(|(_, raga)| !raga.arohana.is_empty()) {
            groups.entry((&raga.arohana, &raga.avarohana)).or_default().push(*id);
        }
        let label = |id: &Uuid| Record::Raga(ragas[id].clone()).shown();
        for same in groups.into_values().filter(|same| same.len() > 1) {
            for id in &same {
                let others: Vec<String> = same.iter().filter(|other| *other != id).map(label).collect();
                let message = format!("has the scale of {}", others.join(", "));
                let entity = EntityRef { kind: EntityKind::Raga, id: *id };
                self.add(Rule::SameScale, entity, &label(id), Severity::Warning, "/arohana", message);
            }
        }
    }
}

/// How many letters of the coarse key a script may spell otherwise: Tamil has one letter for four stops and
/// its own visarga, Malayalam one conjunct for two sounds.
const fn spare_letters(script: lipi::Script) -> usize {
    match script {
        lipi::Script::Tamil | lipi::Script::Malayalam => 2,
        _ => 0,
    }
}

/// Whether one key becomes the other by changing, adding or dropping at most `most` letters (Levenshtein).
fn near(one: &str, other: &str, most: usize) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if most == 0 || one.len().abs_diff(other.len()) > most {
        return most == 0 && one == other;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (index, theirs) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != theirs);
            diagonal = row[index + 1];
            row[index + 1] = changed.min(row[index] + 1).min(diagonal + 1);
        }
    }
    row.last().is_some_and(|distance| *distance <= most)
}

/// The order of findings, which paging goes by.
fn place(finding: &Finding) -> (Rule, EntityKind, Uuid, &str, &str) {
    (finding.rule, finding.entity.kind, finding.entity.id, &finding.field, &finding.message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RagaId;
    use crate::music::scale::{Motion, parse};
    use crate::samples::{id, kriti};
    use proptest::prelude::*;

    fn janya(name: &str, parent: u128, up: &str, down: &str) -> Raga {
        Raga {
            parent: Some(RagaId(id(parent))),
            arohana: parse(up, Motion::Arohana).unwrap(),
            avarohana: parse(down, Motion::Avarohana).unwrap(),
            ..Raga::named(Name::display(name), RagaKind::Janya)
        }
    }

    fn found(records: &[(u128, Record)]) -> Vec<(Rule, u128)> {
        let mut survey = Survey::default();
        for (number, record) in records {
            survey.look(EntityRef { kind: record.kind(), id: id(*number) }, record);
        }
        let number = |entity: EntityRef| entity.id.as_u128() - id(0).as_u128();
        survey.finish().into_iter().map(|finding| (finding.rule, number(finding.entity))).collect()
    }

    #[test]
    fn a_sound_catalogue_has_no_findings() {
        let mela = Record::Raga(Raga::mela(28).unwrap());
        let mohanam = Record::Raga(janya("Mohanam", 28, "S R2 G3 P D2 S", "S D2 P G3 R2 S"));
        assert_eq!(found(&[(28, mela), (1, mohanam), (2, Record::Composition(kriti()))]), []);
    }

    #[test]
    fn ragas_are_compared_with_their_parents_and_with_each_other() {
        let mela = |number| Record::Raga(Raga::mela(number).unwrap());
        let whole = |name| Record::Raga(janya(name, 59, "S R2 G2 M2 P D2 N3 S", "S N3 D2 P M2 G2 R2 S"));
        assert_eq!(
            found(&[(59, mela(59)), (1, whole("Dhamavati"))]),
            [(Rule::SameScale, 1), (Rule::SameScale, 59), (Rule::ParentScale, 1)]
        );
        let foreign = Record::Raga(janya("Foreign", 59, "S R2 G3 P S", "S P G3 R2 S"));
        assert_eq!(found(&[(59, mela(59)), (1, foreign.clone())]), [(Rule::UndeclaredAnya, 1)]);
        assert_eq!(found(&[(1, foreign)]), [(Rule::OrphanParent, 1)]);
        let loose = Raga::named(Name::display("Loose"), RagaKind::Unclassified);
        assert_eq!(found(&[(1, Record::Raga(loose))]), [(Rule::Unclassified, 1), (Rule::Record, 1)]);
    }

    #[test]
    fn homonyms_need_a_mark_on_both_sides() {
        let mela = Record::Raga(Raga::mela(28).unwrap());
        let plain = janya("Kalavati", 28, "S R2 G3 S", "S G3 R2 S");
        let other = janya("Kalāvatī", 28, "S R2 P S", "S P R2 S");
        let mark = |raga: &Raga| {
            let mut marked = raga.clone();
            marked.names[0].homonym_ok = true;
            marked.names[0].disambiguator = Some("Chakravakam".into());
            Record::Raga(marked)
        };
        let (one, two) = (Record::Raga(plain.clone()), Record::Raga(other.clone()));
        let both = [(Rule::UnmarkedHomonym, 1), (Rule::UnmarkedHomonym, 2)];
        assert_eq!(found(&[(28, mela.clone()), (1, one), (2, two.clone())]), both);
        assert_eq!(found(&[(28, mela.clone()), (1, mark(&plain)), (2, two)]), both[1..]);
        assert_eq!(found(&[(28, mela), (1, mark(&plain)), (2, mark(&other))]), []);
    }

    #[test]
    fn songs_are_asked_for_rights_texts_and_titles() {
        let song = |change: fn(&mut crate::Composition)| {
            let mut song = kriti();
            change(&mut song);
            found(&[(1, Record::Composition(song))])
        };
        assert_eq!(song(|song| song.rights = None), [(Rule::MissingRights, 1)]);
        assert_eq!(song(|song| song.versions[0].texts[0].is_primary = false), [(Rule::PrimaryText, 1)]);
        assert_eq!(song(|song| song.titles.push(Name::display("मोहनम्"))), [(Rule::NameSkeleton, 1)]);
        assert_eq!(song(|song| song.titles.push(Name::display("वातापि गणपतिं"))), []);
        let twice = [(1, Record::Composition(kriti())), (2, Record::Composition(kriti()))];
        assert_eq!(found(&twice), [(Rule::UnmarkedHomonym, 1), (Rule::UnmarkedHomonym, 2)]);
    }

    #[test]
    fn letters_are_counted_as_they_are_changed() {
        for (one, other, distance) in
            [("", "", 0), ("abc", "abd", 1), ("abc", "ac", 1), ("abc", "bcd", 2), ("ab", "xy", 2)]
        {
            assert!(near(one, other, distance) && near(other, one, distance), "{one} {other}");
            assert!(distance == 0 || !near(one, other, distance - 1), "{one} {other}");
        }
    }

    proptest! {
        #[test]
        fn the_order_of_looking_does_not_count(turn in 0..6_usize) {
            let mut records: Vec<(u128, Record)> = [59, 28, 29]
                .into_iter()
                .map(|number| (u128::from(number), Record::Raga(Raga::mela(number).unwrap())))
                .collect();
            records.push((1, Record::Raga(janya("Foreign", 59, "S R2 G3 P S", "S P G3 R2 S"))));
            records.push((2, Record::Raga(janya("foreign", 99, "S R2 G3 P S", "S P G3 R2 S"))));
            records.push((3, Record::Composition(kriti())));
            let straight = found(&records);
            records.rotate_left(turn);
            prop_assert_eq!(found(&records), straight);
        }
    }
}
