//! What changed between two states of a song: its facts by field, its words by section and line.

use crate::composition::{Composition, Section, SectionKind, Version};
use crate::record::Record;
use crate::revision::{FieldChange, diff as field_diff};
use lipi::Script;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// What changed between two states of a song.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SongDiff {
    /// Everything but the words, field by field.
    pub facts: Vec<FieldChange>,
    /// Sections whose words differ, in the order of the newer state.
    pub sections: Vec<SectionDiff>,
}

/// The words of one section in one text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SectionDiff {
    pub version: Uuid,
    pub text: Uuid,
    #[schema(value_type = String)]
    pub script: Script,
    pub section: Uuid,
    /// None where the tree does not hold the section.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<SectionKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u16>,
    /// Every line of both states, in order; at most [`LINES_MAX`] of them are compared.
    pub lines: Vec<LineDiff>,
}

/// One line of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LineDiff {
    pub change: LineChange,
    /// Its number in the older state, 1 for the first; none where it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<usize>,
    /// Its number in the newer state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<usize>,
    pub text: String,
}

/// What happened to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineChange {
    Same,
    Removed,
    Added,
}

/// Lines of a section beyond these are compared as one block, since the comparison takes their product.
pub const LINES_MAX: usize = 400;

/// What changed from `before` to `after`. Texts and sections are the same where their ids are.
pub fn diff(before: &Composition, after: &Composition) -> SongDiff {
    let (old, new) = (Words::of(before), Words::of(after));
    let gone = old.order.iter().filter(|key| !new.lines.contains_key(*key));
    let mut sections = Vec::new();
    for key in new.order.iter().chain(gone) {
        let of = |words: &Words<'_>| words.lines.get(key).map_or_else(Vec::new, |lines| lines.to_vec());
        let (from, to) = (of(&old), of(&new));
        if from == to {
            continue;
        }
        let place = new.places.get(key).or_else(|| old.places.get(key));
        let Some((script, section)) = place else { continue };
        sections.push(SectionDiff {
            version: key.0,
            text: key.1,
            script: *script,
            section: key.2,
            kind: section.map(|section| section.kind),
            number: section.and_then(|section| section.number),
            lines: lines(&from, &to),
        });
    }
    let facts =
        field_diff(Some(&Record::Composition(wordless(before))), Some(&Record::Composition(wordless(after))));
    SongDiff { facts, sections }
}

/// Version, text and section.
type Key = (Uuid, Uuid, Uuid);

/// The words of a song by where they stand.
#[derive(Default)]
struct Words<'a> {
    order: Vec<Key>,
    lines: HashMap<Key, &'a [String]>,
    places: HashMap<Key, (Script, Option<&'a Section>)>,
}

impl<'a> Words<'a> {
    fn of(song: &'a Composition) -> Self {
        let mut words = Self::default();
        for version in &song.versions {
            let tree = version.all_sections();
            for text in &version.texts {
                for part in &text.sections {
                    let key = (version.id, text.id, part.section);
                    let section = tree.iter().find(|section| section.id == part.section).copied();
                    words.order.push(key);
                    words.lines.insert(key, &part.lines);
                    words.places.insert(key, (text.script, section));
                }
            }
        }
        words
    }
}

impl Version {
    /// Every section of the tree, each before its children.
    pub fn all_sections(&self) -> Vec<&Section> {
        fn add<'a>(sections: &'a [Section], found: &mut Vec<&'a Section>) {
            for section in sections {
                found.push(section);
                add(&section.children, found);
            }
        }
        let mut found = Vec::new();
        add(&self.sections, &mut found);
        found
    }
}

/// The song without the lines of its texts.
fn wordless(song: &Composition) -> Composition {
    let mut song = song.clone();
    for text in song.versions.iter_mut().flat_map(|version| &mut version.texts) {
        text.sections.clear();
    }
    song
}

/// The lines of both, with as many as possible the same (longest common subsequence).
fn lines(before: &[String], after: &[String]) -> Vec<LineDiff> {
    let (old, new) =
        if before.len().max(after.len()) > LINES_MAX { (&[][..], &[][..]) } else { (before, after) };
    let common = common_lengths(old, new);
    let (mut at, mut to, mut found) = (0, 0, Vec::new());
    while at < before.len() || to < after.len() {
        let same = at < old.len() && to < new.len() && old[at] == new[to];
        // Where nothing is compared, everything old goes before everything new comes.
        let goes = at < before.len()
            && (to >= after.len() || old.is_empty() || common[at + 1][to] >= common[at][to + 1]);
        let (change, text) = match (same, goes) {
            (true, _) => (LineChange::Same, &after[to]),
            (false, true) => (LineChange::Removed, &before[at]),
            (false, false) => (LineChange::Added, &after[to]),
        };
        let (was, is) = (change != LineChange::Added, change != LineChange::Removed);
        found.push(LineDiff {
            change,
            before: was.then_some(at + 1),
            after: is.then_some(to + 1),
            text: text.clone(),
        });
        (at, to) = (at + usize::from(was), to + usize::from(is));
    }
    found
}

/// The number of lines in common behind each pair of places.
fn common_lengths(old: &[String], new: &[String]) -> Vec<Vec<usize>> {
    let mut common = vec![vec![0; new.len() + 1]; old.len() + 1];
    for at in (0..old.len()).rev() {
        for to in (0..new.len()).rev() {
            common[at][to] = match old[at] == new[to] {
                true => common[at + 1][to + 1] + 1,
                false => common[at + 1][to].max(common[at][to + 1]),
            };
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::kriti;
    use proptest::prelude::*;

    fn written(text: &str) -> Vec<String> {
        text.chars().map(String::from).collect()
    }

    fn shown(before: &str, after: &str) -> String {
        let sign = |line: LineDiff| match line.change {
            LineChange::Same => line.text,
            LineChange::Removed => format!("-{}", line.text),
            LineChange::Added => format!("+{}", line.text),
        };
        lines(&written(before), &written(after)).into_iter().map(sign).collect()
    }

    #[test]
    fn a_line_that_moved_in_does_not_disturb_the_others() {
        assert_eq!(shown("abc", "axbc"), "a+xbc");
        assert_eq!(shown("abc", "ac"), "a-bc");
        assert_eq!(shown("abc", "adc"), "a-b+dc");
        assert_eq!(shown("", "a"), "+a");
        assert_eq!(shown("a", ""), "-a");
    }

    #[test]
    fn only_the_section_that_changed_is_listed() {
        let mut after = kriti();
        after.versions[0].texts[0].sections[3].lines[1] = "another line".into();
        let found = diff(&kriti(), &after);
        assert_eq!(found.facts, []);
        assert_eq!(found.sections.len(), 1);
        assert_eq!(found.sections[0].kind, Some(SectionKind::MadhyamaKala));
        let changes: Vec<_> =
            found.sections[0].lines.iter().map(|line| (line.change, line.before, line.after)).collect();
        let expected = [
            (LineChange::Same, Some(1), Some(1)),
            (LineChange::Removed, Some(2), None),
            (LineChange::Added, None, Some(2)),
        ];
        assert_eq!(changes, expected);
    }

    #[test]
    fn facts_are_listed_without_the_words() {
        let mut after = kriti();
        after.year_hint = Some(1_820);
        after.versions[0].texts[0].sections.remove(0);
        let found = diff(&kriti(), &after);
        assert_eq!(
            found.facts.iter().map(|change| change.pointer.as_str()).collect::<Vec<_>>(),
            ["/year_hint"]
        );
        assert!(found.sections[0].lines.iter().all(|line| line.change == LineChange::Removed));
    }

    #[test]
    fn a_state_does_not_differ_from_itself() {
        assert_eq!(diff(&kriti(), &kriti()), SongDiff::default());
    }

    proptest! {
        #[test]
        fn both_states_can_be_read_off_a_comparison(before in "[abc]{0,12}", after in "[abc]{0,12}") {
            let found = lines(&written(&before), &written(&after));
            let side = |keep: fn(&LineDiff) -> bool| -> String {
                found.iter().filter(|line| keep(line)).map(|line| line.text.as_str()).collect()
            };
            prop_assert_eq!(side(|line| line.before.is_some()), before);
            prop_assert_eq!(side(|line| line.after.is_some()), after);
        }

        #[test]
        fn long_sections_are_compared_as_blocks(extra in 1..50_usize) {
            let before = vec!["a".to_owned(); LINES_MAX + extra];
            let found = lines(&before, &["b".to_owned()]);
            prop_assert_eq!(found.len(), before.len() + 1);
        }
    }
}
