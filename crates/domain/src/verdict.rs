//! Verdicts: what people have ruled about names that look alike, so that nobody asks again.
//!
//! A key only proposes; a verdict decides. `merge` gives names to one entity, `distinct` keeps entities
//! apart for good, `defer` leaves them apart for now. Each is a record of data with its reason and source,
//! and is asked wherever a name is about to become an identity.

use crate::check::short::{text, too_many};
use crate::id::EntityKind;
use crate::name::Name;
use crate::violation::Violation;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use utoipa::ToSchema;
use uuid::Uuid;

/// What was ruled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    /// All members are one entity.
    Merge,
    /// No two members are the same, however alike they look. No merge may join them.
    Distinct,
    /// Perhaps the same: both stay visible, nothing joins them until somebody rules again.
    Defer,
}

/// One side of a verdict: a name, and what it belongs to where that is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Member {
    pub name: String,
    /// Of a raga: the number of its mela, or of its parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mela: Option<u8>,
    /// None for a name that only other collections use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<Uuid>,
}

/// A ruling on names of one kind, with its reason and source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    pub kind: EntityKind,
    pub ruling: Ruling,
    /// In no order: who stands first means nothing.
    pub members: Vec<Member>,
    pub reason: String,
    pub source: String,
}

/// A name that is looking for its entity.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    pub kind: EntityKind,
    pub name: &'a str,
    /// Of a raga: its mela or the mela of its parent, where the row says so.
    pub mela: Option<u8>,
}

impl Ruling {
    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Distinct => "distinct",
            Self::Defer => "defer",
        }
    }
}

impl Verdict {
    /// The most members of one verdict.
    pub const MEMBERS_MAX: usize = 64;
    /// The longest reason or source, in bytes of UTF-8.
    pub const REASON_BYTES_MAX: usize = 2_000;

    /// Everything that makes it contradictory or incomplete.
    pub fn check(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        text("/reason", &self.reason, Self::REASON_BYTES_MAX, &mut found);
        text("/source", &self.source, Self::REASON_BYTES_MAX, &mut found);
        too_many("/members", self.members.len(), Self::MEMBERS_MAX, &mut found);
        if self.members.len() < 2 {
            found.push(Violation::error("/members", "too_few", "a verdict speaks of two names at least"));
        }
        let mut seen = HashSet::new();
        for (index, member) in self.members.iter().enumerate().take(Self::MEMBERS_MAX) {
            let field = format!("/members/{index}");
            text(&format!("{field}/name"), &member.name, Name::TEXT_BYTES_MAX, &mut found);
            if !seen.insert((&member.name, member.mela)) {
                found.push(Violation::error(&field, "repeated", "this name is a member already"));
            }
            let is_mela = member.mela.is_none_or(|mela| (1..=72).contains(&mela));
            if !is_mela || (member.mela.is_some() && self.kind != EntityKind::Raga) {
                let detail = "only a raga has a mela, from 1 to 72";
                found.push(Violation::error(format!("{field}/mela"), "out_of_range", detail));
            }
        }
        self.check_entities(&mut found);
        found
    }

    fn check_entities(&self, found: &mut Vec<Violation>) {
        let entities: Vec<Uuid> = self.members.iter().filter_map(|member| member.entity).collect();
        let different: HashSet<_> = entities.iter().collect();
        match self.ruling {
            Ruling::Merge if different.len() != 1 => {
                let detail = "one entity takes all the names; two stored entities are joined by a merge";
                found.push(Violation::error("/members", "not_one_entity", detail));
            }
            Ruling::Distinct | Ruling::Defer if different.len() < entities.len() => {
                let detail = "an entity cannot be kept apart from itself";
                found.push(Violation::error("/members", "entity_repeated", detail));
            }
            _ => {}
        }
    }

    /// Whether it keeps these two entities apart.
    pub fn parts(&self, one: Uuid, other: Uuid) -> bool {
        let has = |id: Uuid| self.members.iter().any(|member| member.entity == Some(id));
        self.ruling != Ruling::Merge && one != other && has(one) && has(other)
    }

    /// The member that `claim` speaks of: the one spelled so, else the only one with its key.
    fn member<'v>(&'v self, claim: Claim<'v>) -> Option<&'v Member> {
        let mut fitting = self.fitting(claim);
        let spelled = self.fitting(claim).find(|member| member.name == claim.name);
        spelled.or_else(|| fitting.next().filter(|_| fitting.next().is_none()))
    }

    /// Members with the key of the claim's name, and no other mela.
    fn fitting<'v>(&'v self, claim: Claim<'v>) -> impl Iterator<Item = &'v Member> {
        let key = key(self.kind, claim.name);
        self.members.iter().filter(move |member| {
            let agree = claim.mela.is_none() || member.mela.is_none() || claim.mela == member.mela;
            claim.kind == self.kind && agree && key == self::key(self.kind, &member.name)
        })
    }
}

/// The verdict of `verdicts` that forbids to give the name of `claim` to `target`.
pub fn forbids<'v>(verdicts: &'v [Verdict], claim: Claim<'_>, target: Uuid) -> Option<&'v Verdict> {
    verdicts.iter().filter(|verdict| verdict.ruling != Ruling::Merge).find(|verdict| {
        let own = verdict.member(claim);
        let theirs = verdict.members.iter().find(|member| member.entity == Some(target));
        matches!((own, theirs), (Some(own), Some(theirs)) if own != theirs)
    })
}

/// The entity to which `verdicts` give the name of `claim`.
pub fn gives(verdicts: &[Verdict], claim: Claim<'_>) -> Option<Uuid> {
    let of = |verdict: &Verdict| {
        verdict.fitting(claim).next()?;
        verdict.members.iter().find_map(|member| member.entity)
    };
    verdicts.iter().filter(|verdict| verdict.ruling == Ruling::Merge).find_map(of)
}

/// The verdict that keeps these two entities apart.
pub fn parting(verdicts: &[Verdict], one: Uuid, other: Uuid) -> Option<&Verdict> {
    verdicts.iter().find(|verdict| verdict.parts(one, other))
}

fn key(kind: EntityKind, name: &str) -> String {
    match kind {
        EntityKind::Raga => lipi::raga_key(name),
        _ => lipi::k1_joined(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::id;
    use proptest::prelude::*;

    fn member(name: &str, mela: u8, entity: Option<u128>) -> Member {
        Member { name: name.into(), mela: Some(mela), entity: entity.map(id) }
    }

    fn verdict(ruling: Ruling, members: Vec<Member>) -> Verdict {
        Verdict { kind: EntityKind::Raga, ruling, members, reason: "why".into(), source: "whence".into() }
    }

    fn claim(name: &str, mela: Option<u8>) -> Claim<'_> {
        Claim { kind: EntityKind::Raga, name, mela }
    }

    fn codes(verdict: &Verdict) -> Vec<String> {
        verdict.check().into_iter().map(|found| format!("{} {}", found.field, found.code)).collect()
    }

    #[test]
    fn a_verdict_has_members_a_reason_and_a_source() {
        let sound =
            verdict(Ruling::Distinct, vec![member("Kanada", 22, Some(1)), member("Kannada", 29, Some(2))]);
        assert_eq!(codes(&sound), [""; 0]);
        assert_eq!(codes(&Verdict { reason: " ".into(), ..sound.clone() }), ["/reason empty"]);
        assert_eq!(codes(&Verdict { source: String::new(), ..sound.clone() }), ["/source empty"]);
        let alone = Verdict { members: vec![member("Kanada", 22, None)], ..sound.clone() };
        assert_eq!(codes(&alone), ["/members too_few"]);
        let twice = verdict(Ruling::Defer, vec![member("Sri", 22, Some(1)), member("Shree", 73, Some(1))]);
        assert_eq!(codes(&twice), ["/members/1/mela out_of_range", "/members entity_repeated"]);
        let nobody = verdict(Ruling::Merge, vec![member("Gaula", 15, None), member("Gowla", 15, None)]);
        assert_eq!(codes(&nobody), ["/members not_one_entity"]);
    }

    #[test]
    fn homonyms_of_two_melas_are_kept_apart() {
        let all = [verdict(
            Ruling::Distinct,
            vec![member("Kalavathi", 31, Some(31)), member("Kalavati", 16, Some(16))],
        )];
        assert!(forbids(&all, claim("Kalāvati", Some(31)), id(16)).is_some());
        assert!(forbids(&all, claim("Kalāvati", Some(16)), id(16)).is_none());
        assert!(forbids(&all, claim("Kalavati", None), id(31)).is_some());
        assert!(forbids(&all, claim("kalāvatī", None), id(31)).is_none(), "nobody knows which is meant");
        assert!(forbids(&all, claim("Mohanam", Some(28)), id(16)).is_none());
        assert!(parting(&all, id(31), id(16)).is_some() && parting(&all, id(16), id(31)).is_some());
        assert!(parting(&all, id(16), id(16)).is_none());
    }

    #[test]
    fn names_of_one_entity_lead_to_it() {
        let bare = |name: &str, entity| Member { name: name.into(), mela: None, entity };
        let all = [verdict(Ruling::Merge, vec![bare("Dwijavanthi", Some(id(7))), bare("Jujavanti", None)])];
        assert_eq!(gives(&all, claim("jujāvanti", Some(28))), Some(id(7)));
        assert_eq!(gives(&all, claim("Jaya", None)), None);
        assert_eq!(gives(&all, Claim { kind: EntityKind::Composer, ..claim("Jujavanti", None) }), None);
        assert!(forbids(&all, claim("Jujavanti", None), id(9)).is_none(), "a merge keeps nobody apart");
    }

    proptest! {
        #[test]
        fn the_order_of_members_means_nothing(
            names in proptest::collection::vec("[a-zA-Z]{1,8}", 2..6), turn in 0..6_usize, name in "[a-zA-Z]{1,8}",
        ) {
            let members: Vec<_> = names.iter().zip(1..).map(|(name, number)| Member {
                name: name.clone(), mela: None, entity: Some(id(number)),
            }).collect();
            let mut turned = members.clone();
            turned.rotate_left(turn % members.len());
            let (one, other) = ([verdict(Ruling::Distinct, members)], [verdict(Ruling::Distinct, turned)]);
            for target in 1..=6 {
                prop_assert_eq!(
                    forbids(&one, claim(&name, None), id(target)).is_some(),
                    forbids(&other, claim(&name, None), id(target)).is_some()
                );
                prop_assert_eq!(
                    parting(&one, id(1), id(target)).is_some(), parting(&other, id(target), id(1)).is_some()
                );
            }
        }
    }
}
