//! Ragas.

use crate::id::RagaId;
use crate::music::melakarta;
use crate::music::scale::{ScaleToken, Swara, TOKENS_MAX};
use crate::name::Name;
use crate::reference::{ExternalId, SourceNote};
use crate::violation::Violation;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A raga. Neither its name nor its scale is its identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Raga {
    pub names: Vec<Name>,
    pub kind: RagaKind,
    /// 1..=72; set exactly where `kind` is mela.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mela_number: Option<u8>,
    /// A mela; set exactly where `kind` is janya.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<RagaId>,
    #[serde(default)]
    pub arohana: Vec<ScaleToken>,
    #[serde(default)]
    pub avarohana: Vec<ScaleToken>,
    /// Foreign swaras that the raga takes beside those of its parent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anya_swaras: Vec<Swara>,
    #[serde(default)]
    pub tradition: Tradition,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceNote>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external_ids: Vec<ExternalId>,
}

/// Where a raga stands in the mela system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RagaKind {
    Mela,
    Janya,
    Unclassified,
}

/// Which music a raga comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tradition {
    #[default]
    Carnatic,
    HindustaniImport,
}

impl Raga {
    /// A raga that knows nothing but its name; the kind decides what else it needs.
    pub fn named(name: Name, kind: RagaKind) -> Self {
        Self {
            names: vec![name],
            kind,
            mela_number: None,
            parent: None,
            arohana: Vec::new(),
            avarohana: Vec::new(),
            anya_swaras: Vec::new(),
            tradition: Tradition::Carnatic,
            note: None,
            sources: Vec::new(),
            external_ids: Vec::new(),
        }
    }

    /// Mela `number` with its formula scale and its ISO 15919 name; none outside 1..=72.
    pub fn mela(number: u8) -> Option<Self> {
        Some(Self {
            mela_number: Some(number),
            arohana: melakarta::arohana(number)?,
            avarohana: melakarta::avarohana(number)?,
            ..Self::named(Name::display(melakarta::name(number)?), RagaKind::Mela)
        })
    }

    /// Whether it has foreign swaras.
    pub fn is_bhashanga(&self) -> bool {
        !self.anya_swaras.is_empty()
    }

    /// Swaras of the scale that neither `parent` has nor `anya_swaras` declares: a warning each, since
    /// usage is wider than the books. Compared by name: R3 is not G2.
    pub fn undeclared_anya(&self, parent: &Self) -> Vec<Violation> {
        let known = |swara: Swara| {
            self.anya_swaras.contains(&swara) || parent.lines().any(|(_, _, token)| token.swara == swara)
        };
        let mut reported = Vec::new();
        let mut found = Vec::new();
        for (line, index, token) in self.lines() {
            if !known(token.swara) && !reported.contains(&token.swara) {
                reported.push(token.swara);
                found.push(Violation::warning(
                    format!("/{line}/{index}/swara"),
                    "undeclared_anya_swara",
                    format!("{} is foreign to the parent mela and not among the anya swaras", token.swara),
                ));
            }
        }
        found
    }

    /// Whether its scale is its parent's own, note for note: often a mela entered as its own janya.
    pub fn has_scale_of(&self, parent: &Self) -> bool {
        !self.arohana.is_empty() && self.arohana == parent.arohana && self.avarohana == parent.avarohana
    }

    /// The rules of a raga taken by itself.
    pub(crate) fn check(&self, found: &mut Vec<Violation>) {
        self.check_place(found);
        for (field, line) in [("/arohana", &self.arohana), ("/avarohana", &self.avarohana)] {
            if line.len() > TOKENS_MAX {
                found.push(Violation::error(
                    field,
                    "too_many",
                    format!("a line has at most {TOKENS_MAX} swaras"),
                ));
            }
            let strays = line.iter().enumerate().filter(|(_, token)| !(-1..=1).contains(&token.octave));
            found.extend(strays.map(|(index, _)| {
                Violation::error(
                    format!("{field}/{index}/octave"),
                    "out_of_range",
                    "the octave is -1, 0 or 1",
                )
            }));
        }
        if self.arohana.is_empty() != self.avarohana.is_empty() {
            found.push(Violation::error(
                "/arohana",
                "half_a_scale",
                "give both lines of the scale, or neither",
            ));
        }
        for (index, swara) in self.anya_swaras.iter().enumerate() {
            if self.anya_swaras[..index].contains(swara) {
                let field = format!("/anya_swaras/{index}");
                found.push(Violation::error(field, "repeated", format!("{swara} is in the list already")));
            }
        }
    }

    /// Number, parent and scale as the kind demands.
    fn check_place(&self, found: &mut Vec<Violation>) {
        if self.kind == RagaKind::Mela {
            self.check_mela(found);
        } else if self.mela_number.is_some() {
            found.push(Violation::error("/mela_number", "not_a_mela", "only a mela has a number"));
        }
        match (self.kind, self.parent) {
            (RagaKind::Janya, None) => {
                found.push(Violation::error("/parent", "parent_missing", "a janya has a parent mela"));
            }
            (RagaKind::Mela | RagaKind::Unclassified, Some(_)) => {
                found.push(Violation::error("/parent", "parent_unexpected", "only a janya has a parent"));
            }
            _ => {}
        }
        if self.kind != RagaKind::Mela && self.arohana.is_empty() && self.avarohana.is_empty() {
            found.push(Violation::warning("/arohana", "scale_missing", "the scale is not known"));
        }
    }

    fn check_mela(&self, found: &mut Vec<Violation>) {
        let Some(number) = self.mela_number else {
            found.push(Violation::error(
                "/mela_number",
                "number_missing",
                "a mela has a number from 1 to 72",
            ));
            return;
        };
        let (Some(up), Some(down)) = (melakarta::arohana(number), melakarta::avarohana(number)) else {
            found.push(Violation::error("/mela_number", "out_of_range", "melas are numbered from 1 to 72"));
            return;
        };
        for (field, given, formula) in
            [("/arohana", &self.arohana, up), ("/avarohana", &self.avarohana, down)]
        {
            if *given != formula {
                let detail = format!("mela {number} has {}", crate::music::scale::display(&formula));
                found.push(Violation::error(field, "not_the_formula_scale", detail));
            }
        }
    }

    /// Every note of both lines, with the name of its line and its place there.
    fn lines(&self) -> impl Iterator<Item = (&'static str, usize, &ScaleToken)> {
        let up = self.arohana.iter().enumerate().map(|(index, token)| ("arohana", index, token));
        up.chain(self.avarohana.iter().enumerate().map(|(index, token)| ("avarohana", index, token)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::music::scale::{Motion, parse};
    use crate::violation::Severity;
    use uuid::Uuid;

    fn janya(up: &str, down: &str) -> Raga {
        Raga {
            parent: Some(RagaId(Uuid::from_u128(20))),
            arohana: parse(up, Motion::Arohana).unwrap(),
            avarohana: parse(down, Motion::Avarohana).unwrap(),
            ..Raga::named(Name::display("Bhairavi"), RagaKind::Janya)
        }
    }

    fn codes(raga: &Raga) -> Vec<String> {
        let mut found = Vec::new();
        raga.check(&mut found);
        found.into_iter().map(|violation| format!("{} {}", violation.field, violation.code)).collect()
    }

    #[test]
    fn every_mela_by_formula_is_sound() {
        for number in 1..=72 {
            assert_eq!(codes(&Raga::mela(number).unwrap()), [""; 0]);
        }
        assert_eq!(Raga::mela(73), None);
    }

    #[test]
    fn a_mela_with_another_scale_or_number_or_parent_is_refused() {
        let mela = Raga::mela(29).unwrap();
        let other = Raga { mela_number: Some(28), ..mela.clone() };
        assert_eq!(codes(&other), ["/arohana not_the_formula_scale", "/avarohana not_the_formula_scale"]);
        assert_eq!(codes(&Raga { mela_number: None, ..mela.clone() }), ["/mela_number number_missing"]);
        assert_eq!(codes(&Raga { mela_number: Some(0), ..mela.clone() }), ["/mela_number out_of_range"]);
        let parented = Raga { parent: Some(RagaId(Uuid::nil())), ..mela };
        assert_eq!(codes(&parented), ["/parent parent_unexpected"]);
    }

    #[test]
    fn a_janya_needs_a_parent_and_no_number() {
        let raga = janya("S R2 G2 M1 P D2 N2 S", "S N2 D1 P M1 G2 R2 S");
        assert_eq!(codes(&raga), [""; 0]);
        assert_eq!(codes(&Raga { parent: None, ..raga.clone() }), ["/parent parent_missing"]);
        assert_eq!(codes(&Raga { mela_number: Some(20), ..raga }), ["/mela_number not_a_mela"]);
    }

    #[test]
    fn an_unclassified_raga_may_know_nothing_but_its_name() {
        assert_eq!(
            codes(&Raga::named(Name::display("Purvi"), RagaKind::Unclassified)),
            ["/arohana scale_missing"]
        );
    }

    #[test]
    fn a_foreign_swara_warns_until_it_is_declared() {
        let parent = Raga::mela(20).unwrap();
        let mut raga = janya("S R2 G2 M1 P D2 N2 S", "S N2 D1 P M1 G2 R2 S");
        let found = raga.undeclared_anya(&parent);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].field.as_str(), found[0].severity), ("/arohana/5/swara", Severity::Warning));
        raga.anya_swaras = vec![Swara::D2];
        assert_eq!(raga.undeclared_anya(&parent), []);
        assert!(raga.is_bhashanga());
    }

    #[test]
    fn another_name_of_the_same_pitch_does_not_declare_a_swara() {
        let parent = Raga::mela(20).unwrap();
        let raga = Raga { anya_swaras: vec![Swara::N1], ..janya("S R2 D2 S", "S R2 S") };
        assert_eq!(raga.undeclared_anya(&parent).len(), 1);
    }

    #[test]
    fn a_janya_with_the_scale_of_its_parent_is_seen() {
        let parent = Raga::mela(59).unwrap();
        let same =
            Raga { arohana: parent.arohana.clone(), avarohana: parent.avarohana.clone(), ..janya("S", "S") };
        assert!(same.has_scale_of(&parent));
        assert!(!janya("S R2 S", "S R2 S").has_scale_of(&parent));
    }
}
