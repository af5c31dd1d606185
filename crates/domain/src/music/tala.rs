//! Talas, their angas, and how a song sits in one.

use crate::id::TalaId;
use crate::name::Name;
use crate::reference::{ExternalId, SourceNote};
use crate::violation::Violation;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A tala.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Tala {
    pub names: Vec<Name>,
    pub kind: TalaKind,
    /// The count of a laghu; set exactly for suladi talas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jati: Option<Jati>,
    /// Of a suladi tala, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub angas: Vec<Anga>,
    /// Of a chapu tala: the groups that its beats fall into (misra chapu 3 + 4).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<u8>,
    /// Beats of one avartanam, at one akshara a beat; must equal the sum of angas or groups.
    pub beats: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceNote>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external_ids: Vec<ExternalId>,
}

/// The family of a tala.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TalaKind {
    Suladi,
    Chapu,
    Other,
}

/// The five counts of a laghu.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Jati {
    Tisra,
    Chatusra,
    Khanda,
    Misra,
    Sankirna,
}

/// The limbs of a suladi tala.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Anga {
    Laghu,
    Drutam,
    Anudrutam,
}

/// How a song sits in a tala. Desadi and madhyadi are Adi with an eduppu, not talas of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TalaSetting {
    pub tala: TalaId,
    /// 1, 2 or 4.
    #[serde(default = "one")]
    pub kalai: u8,
    /// Subdivision of a beat: 3, 4, 5, 7 or 9.
    #[serde(default = "four")]
    pub gati: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eduppu: Option<Eduppu>,
}

/// Where the song begins in the avartanam, in beats from samam; negative for atita.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Eduppu {
    pub numerator: i16,
    /// 1..=16.
    pub denominator: u8,
}

const fn one() -> u8 {
    1
}

const fn four() -> u8 {
    4
}

impl Jati {
    /// All five, in the order in which they are taught.
    pub const ALL: [Self; 5] = [Self::Tisra, Self::Chatusra, Self::Khanda, Self::Misra, Self::Sankirna];

    /// Beats of a laghu.
    pub const fn count(self) -> u8 {
        match self {
            Self::Tisra => 3,
            Self::Chatusra => 4,
            Self::Khanda => 5,
            Self::Misra => 7,
            Self::Sankirna => 9,
        }
    }

    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tisra => "tisra",
            Self::Chatusra => "chatusra",
            Self::Khanda => "khanda",
            Self::Misra => "misra",
            Self::Sankirna => "sankirna",
        }
    }
}

impl Anga {
    /// Beats in a tala of `jati`.
    pub const fn beats(self, jati: Jati) -> u8 {
        match self {
            Self::Laghu => jati.count(),
            Self::Drutam => 2,
            Self::Anudrutam => 1,
        }
    }
}

/// The seven suladi talas; with a jati each, 35 talas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Suladi {
    Dhruva,
    Matya,
    Rupaka,
    Jhampa,
    Triputa,
    Ata,
    Eka,
}

impl Suladi {
    /// All seven, in the order in which they are taught.
    pub const ALL: [Self; 7] =
        [Self::Dhruva, Self::Matya, Self::Rupaka, Self::Jhampa, Self::Triputa, Self::Ata, Self::Eka];

    /// The name in plain Latin letters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dhruva => "Dhruva",
            Self::Matya => "Matya",
            Self::Rupaka => "Rupaka",
            Self::Jhampa => "Jhampa",
            Self::Triputa => "Triputa",
            Self::Ata => "Ata",
            Self::Eka => "Eka",
        }
    }

    /// Its limbs, in order.
    pub const fn angas(self) -> &'static [Anga] {
        use Anga::{Anudrutam, Drutam, Laghu};
        match self {
            Self::Dhruva => &[Laghu, Drutam, Laghu, Laghu],
            Self::Matya => &[Laghu, Drutam, Laghu],
            Self::Rupaka => &[Drutam, Laghu],
            Self::Jhampa => &[Laghu, Anudrutam, Drutam],
            Self::Triputa => &[Laghu, Drutam, Drutam],
            Self::Ata => &[Laghu, Laghu, Drutam, Drutam],
            Self::Eka => &[Laghu],
        }
    }

    /// Beats of one avartanam in `jati`.
    pub fn beats(self, jati: Jati) -> u8 {
        self.angas().iter().map(|anga| anga.beats(jati)).sum()
    }

    /// The tala of this family in `jati`, called `Chatusra Triputa` and so on.
    pub fn tala(self, jati: Jati) -> Tala {
        let family = self.as_str();
        let mut jati_name = jati.as_str().to_owned();
        jati_name[..1].make_ascii_uppercase();
        Tala {
            names: vec![Name::display(format!("{jati_name} {family}"))],
            kind: TalaKind::Suladi,
            jati: Some(jati),
            angas: self.angas().to_vec(),
            groups: Vec::new(),
            beats: self.beats(jati),
            note: None,
            sources: Vec::new(),
            external_ids: Vec::new(),
        }
    }
}

/// The groups into which the beats of the chapu tala of `jati` fall, in their common division; none for
/// chatusra, which has no chapu.
pub const fn chapu_groups(jati: Jati) -> Option<&'static [u8]> {
    match jati {
        Jati::Tisra => Some(&[1, 2]),
        Jati::Chatusra => None,
        Jati::Khanda => Some(&[2, 3]),
        Jati::Misra => Some(&[3, 4]),
        Jati::Sankirna => Some(&[4, 5]),
    }
}

impl Tala {
    /// The most limbs or groups of one tala.
    const PARTS_MAX: usize = 32;

    /// Beats of each limb, or else of each group; the whole tala where it has neither, or a laghu without a
    /// jati.
    pub fn anga_beats(&self) -> Vec<u8> {
        let whole = vec![self.beats];
        match (self.jati, &self.angas[..], &self.groups[..]) {
            (_, [], []) => whole,
            (_, [], groups) => groups.to_vec(),
            (Some(jati), angas, _) => angas.iter().map(|anga| anga.beats(jati)).collect(),
            (None, angas, _) if angas.contains(&Anga::Laghu) => whole,
            (None, angas, _) => angas.iter().map(|anga| anga.beats(Jati::Chatusra)).collect(),
        }
    }

    /// What the limbs, or else the groups, add up to. None where neither is given, or a limb has no count.
    pub fn beats_by_parts(&self) -> Option<u32> {
        if self.angas.is_empty() {
            let sum = self.groups.iter().map(|group| u32::from(*group)).sum();
            return (!self.groups.is_empty()).then_some(sum);
        }
        let beats = |anga: &Anga| match (anga, self.jati) {
            (Anga::Laghu, None) => None,
            (anga, jati) => Some(u32::from(anga.beats(jati.unwrap_or(Jati::Chatusra)))),
        };
        self.angas.iter().map(beats).sum()
    }

    /// The rules of a tala.
    pub(crate) fn check(&self, found: &mut Vec<Violation>) {
        let mut error =
            |field: &str, code: &str, detail: &str| found.push(Violation::error(field, code, detail));
        match self.kind {
            TalaKind::Suladi => {
                if self.angas.is_empty() {
                    error("/angas", "angas_missing", "a suladi tala is made of angas");
                }
                if self.jati.is_none() {
                    error("/jati", "jati_missing", "a suladi tala has a jati");
                }
                if !self.groups.is_empty() {
                    error("/groups", "groups_unexpected", "a suladi tala has angas, not groups");
                }
            }
            TalaKind::Chapu => {
                if self.groups.is_empty() {
                    error("/groups", "groups_missing", "a chapu tala is made of groups of beats");
                }
                if !self.angas.is_empty() {
                    error("/angas", "angas_unexpected", "a chapu tala has groups, not angas");
                }
            }
            TalaKind::Other => {}
        }
        if self.kind != TalaKind::Suladi && self.jati.is_some() {
            error("/jati", "jati_unexpected", "only a suladi tala has a jati");
        }
        if self.angas.len() > Self::PARTS_MAX || self.groups.len() > Self::PARTS_MAX {
            error("/angas", "too_many", "a tala has at most 32 angas or groups");
        }
        if self.groups.contains(&0) {
            error("/groups", "out_of_range", "a group has at least one beat");
        }
        if self.beats == 0 {
            error("/beats", "out_of_range", "a tala has at least one beat");
        } else if let Some(sum) = self.beats_by_parts()
            && sum != u32::from(self.beats)
        {
            error("/beats", "wrong_sum", &format!("angas or groups add up to {sum} beats"));
        }
    }
}

impl Eduppu {
    /// Whether the song begins `units` after samam, where a beat has `per_beat` of them and the avartanam
    /// `beats`. What begins before samam stands at the end of an avartanam.
    pub fn is_at(self, units: u32, per_beat: u32, beats: u32) -> bool {
        let denominator = i64::from(self.denominator);
        let avartanam = i64::from(beats) * i64::from(per_beat) * denominator;
        if avartanam == 0 {
            return false;
        }
        let begins = i64::from(self.numerator) * i64::from(per_beat);
        begins.rem_euclid(avartanam) == (i64::from(units) * denominator).rem_euclid(avartanam)
    }
}

impl TalaSetting {
    /// A tala without any setting of its own.
    pub const fn plain(tala: TalaId) -> Self {
        Self { tala, kalai: one(), gati: four(), eduppu: None }
    }

    /// The smallest units in one avartanam of `tala`: beats × gati × kalai.
    pub fn aksharas_per_avartanam(&self, tala: &Tala) -> u32 {
        u32::from(tala.beats) * u32::from(self.gati) * u32::from(self.kalai)
    }

    /// The rules of a setting, at `field` of the record.
    pub(crate) fn check(&self, field: &str, found: &mut Vec<Violation>) {
        if !matches!(self.kalai, 1 | 2 | 4) {
            found.push(Violation::error(format!("{field}/kalai"), "out_of_range", "kalai is 1, 2 or 4"));
        }
        if !matches!(self.gati, 3 | 4 | 5 | 7 | 9) {
            found.push(Violation::error(format!("{field}/gati"), "out_of_range", "gati is 3, 4, 5, 7 or 9"));
        }
        if let Some(eduppu) = self.eduppu
            && !(1..=16).contains(&eduppu.denominator)
        {
            let field = format!("{field}/eduppu/denominator");
            found.push(Violation::error(field, "out_of_range", "the denominator is 1 to 16"));
        }
    }

    /// The rule that needs the tala itself: an eduppu is shorter than one avartanam. `field` is where the
    /// setting stands in the record.
    pub fn check_in(&self, tala: &Tala, field: &str) -> Option<Violation> {
        let eduppu = self.eduppu?;
        let avartanam = u32::from(tala.beats) * u32::from(eduppu.denominator);
        (u32::from(eduppu.numerator.unsigned_abs()) >= avartanam).then(|| {
            let detail = format!("an eduppu is shorter than one avartanam of {} beats", tala.beats);
            Violation::error(format!("{field}/eduppu"), "eduppu_too_long", detail)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn codes(tala: &Tala) -> Vec<String> {
        let mut found = Vec::new();
        tala.check(&mut found);
        found.into_iter().map(|violation| format!("{} {}", violation.field, violation.code)).collect()
    }

    fn setting(numerator: i16, denominator: u8) -> TalaSetting {
        TalaSetting {
            eduppu: Some(Eduppu { numerator, denominator }),
            ..TalaSetting::plain(TalaId(Uuid::nil()))
        }
    }

    #[test]
    fn the_thirty_five_talas_have_their_beats() {
        let expected = [
            [11, 14, 17, 23, 29],
            [8, 10, 12, 16, 20],
            [5, 6, 7, 9, 11],
            [6, 7, 8, 10, 12],
            [7, 8, 9, 11, 13],
            [10, 12, 14, 18, 22],
            [3, 4, 5, 7, 9],
        ];
        for (suladi, row) in Suladi::ALL.into_iter().zip(expected) {
            assert_eq!(Jati::ALL.map(|jati| suladi.beats(jati)), row, "{}", suladi.as_str());
            for jati in Jati::ALL {
                assert_eq!(codes(&suladi.tala(jati)), [""; 0]);
            }
        }
    }

    #[test]
    fn five_gatis_make_175_talas_of_distinct_length_or_limbs() {
        let talas = Suladi::ALL.into_iter().flat_map(|suladi| Jati::ALL.map(|jati| suladi.tala(jati)));
        let mut seen = std::collections::HashSet::new();
        for tala in talas {
            assert_eq!(tala.anga_beats().iter().sum::<u8>(), tala.beats);
            for gati in [3, 4, 5, 7, 9] {
                let setting = TalaSetting { gati, ..setting(0, 1) };
                assert_eq!(setting.aksharas_per_avartanam(&tala), u32::from(tala.beats) * u32::from(gati));
                seen.insert((tala.names[0].text.clone(), tala.anga_beats(), gati));
            }
        }
        assert_eq!(seen.len(), 175);
    }

    #[test]
    fn an_eduppu_is_a_place_in_the_avartanam() {
        let at = |numerator, denominator, units| Eduppu { numerator, denominator }.is_at(units, 4, 8);
        assert!(at(3, 2, 6) && !at(3, 2, 5) && at(0, 1, 0));
        assert!(at(-1, 2, 30), "half a beat before samam is the end of the avartanam");
        assert!(!at(1, 3, 1), "a third of a beat is no whole unit");
        assert!(!Eduppu { numerator: 1, denominator: 0 }.is_at(1, 4, 8));
    }

    #[test]
    fn adi_is_chatusra_triputa() {
        let adi = Suladi::Triputa.tala(Jati::Chatusra);
        assert_eq!((adi.names[0].text.as_str(), adi.beats), ("Chatusra Triputa", 8));
        let two_kalai = TalaSetting { kalai: 2, ..setting(0, 1) };
        assert_eq!(two_kalai.aksharas_per_avartanam(&adi), 64);
    }

    #[test]
    fn beats_are_what_the_parts_add_up_to() {
        let adi = Suladi::Triputa.tala(Jati::Chatusra);
        assert_eq!(codes(&Tala { beats: 7, ..adi.clone() }), ["/beats wrong_sum"]);
        assert_eq!(codes(&Tala { beats: 0, ..adi.clone() }), ["/beats out_of_range"]);
        assert_eq!(codes(&Tala { jati: None, ..adi.clone() }), ["/jati jati_missing"]);
        let chapu =
            Tala { kind: TalaKind::Chapu, jati: None, angas: vec![], groups: vec![3, 4], beats: 7, ..adi };
        assert_eq!(codes(&chapu), [""; 0]);
        assert_eq!(codes(&Tala { groups: vec![3, 3], ..chapu.clone() }), ["/beats wrong_sum"]);
        assert_eq!(codes(&Tala { groups: vec![], ..chapu }), ["/groups groups_missing"]);
    }

    #[test]
    fn chapu_groups_add_up_to_their_jati() {
        for jati in Jati::ALL {
            if let Some(groups) = chapu_groups(jati) {
                assert_eq!(groups.iter().sum::<u8>(), jati.count());
            }
        }
    }

    #[test]
    fn settings_keep_to_what_is_played() {
        let mut found = Vec::new();
        TalaSetting { kalai: 3, gati: 6, ..setting(1, 0) }.check("/versions/0/tala", &mut found);
        let fields: Vec<_> = found.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(
            fields,
            ["/versions/0/tala/kalai", "/versions/0/tala/gati", "/versions/0/tala/eduppu/denominator"]
        );
    }

    #[test]
    fn one_and_a_half_beats_fit_into_adi_and_eight_do_not() {
        let adi = Suladi::Triputa.tala(Jati::Chatusra);
        assert_eq!(setting(3, 2).check_in(&adi, "/t"), None);
        assert_eq!(setting(-3, 4).check_in(&adi, "/t"), None);
        assert_eq!(setting(16, 2).check_in(&adi, "/t").unwrap().field, "/t/eduppu");
        assert!(setting(i16::MIN, 16).check_in(&adi, "/t").is_some());
    }

    proptest! {
        #[test]
        fn arithmetic_never_overflows(groups in proptest::collection::vec(any::<u8>(), 0..300), beats: u8, n: i16, d: u8) {
            let tala = Tala { groups, beats, ..Suladi::Eka.tala(Jati::Tisra) };
            let _ = codes(&tala);
            let _ = codes(&Tala { angas: vec![], kind: TalaKind::Chapu, ..tala.clone() });
            let _ = (tala.anga_beats(), Eduppu { numerator: n, denominator: d }.is_at(u32::MAX, u32::from(beats), u32::MAX));
            let _ = setting(n, d).check_in(&tala, "");
            let _ = TalaSetting { kalai: u8::MAX, gati: u8::MAX, ..setting(n, d) }.aksharas_per_avartanam(&tala);
        }
    }
}
