//! Forms, and the section rules of each.
//!
//! A broken form rule may stand in a draft, where the song is still being typed, but not in a publication.
//! The rules speak of top-level sections only; what is nested belongs to its parent. Where a form is not
//! listed, or its tradition knows no fixed build, only the rules of every section tree hold.

use super::section::{Section, SectionKind};
use crate::violation::Violation;
use SectionKind as K;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The form of a song. Ragamalika is an attribute, not a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    Kriti,
    Kirtana,
    VarnamTana,
    VarnamPada,
    VarnamDaru,
    Swarajati,
    Jatisvaram,
    Padam,
    Javali,
    Tillana,
    Geetham,
    LakshanaGeetham,
    Divyanama,
    UtsavaSampradaya,
    Namavali,
    Devaranama,
    Ugabhoga,
    Thiruppugazh,
    Thevaram,
    Ashtapadi,
    Tarangam,
    Viruttam,
    Sloka,
    Daru,
    KavadiChindu,
    Kilikkanni,
    Bhajan,
    Lali,
    Mangalam,
    Other,
}

/// What the top level of a form must look like.
enum Build {
    /// Pallavi, anupallavi, charanams; or pallavi and samashti charanam.
    Kriti,
    Varnam,
    /// Pallavi, an anupallavi at most, charanams.
    Padam,
    /// The same, charanams at will.
    Tillana,
    /// Swara and sahitya in turn, bound to the tala.
    Swarajati,
    /// Swaras alone, bound to the tala.
    Jatisvaram,
    /// A pallavi or refrain, then charanams or verses.
    Refrain,
    /// Verses, with a refrain perhaps.
    Verses,
    /// Verses, or one section without a title.
    Geetham,
    Free,
}

/// The codes of all rules that a form may set, and that a song may be excepted from.
pub const RULES: [&str; 15] = [
    "sections_missing",
    "tala_missing",
    "wrong_beginning",
    "out_of_order",
    "section_repeated",
    "section_out_of_place",
    "charanam_missing",
    "beside_samashti_charanam",
    "anupallavi_missing",
    "muktayi_swara_missing",
    "ettugada_pallavi_missing",
    "ettugada_swara_missing",
    "swara_after_swara",
    "sahitya_unexpected",
    "verse_missing",
];

impl Form {
    /// Every form.
    pub const ALL: [Self; 30] = [
        Self::Kriti,
        Self::Kirtana,
        Self::VarnamTana,
        Self::VarnamPada,
        Self::VarnamDaru,
        Self::Swarajati,
        Self::Jatisvaram,
        Self::Padam,
        Self::Javali,
        Self::Tillana,
        Self::Geetham,
        Self::LakshanaGeetham,
        Self::Divyanama,
        Self::UtsavaSampradaya,
        Self::Namavali,
        Self::Devaranama,
        Self::Ugabhoga,
        Self::Thiruppugazh,
        Self::Thevaram,
        Self::Ashtapadi,
        Self::Tarangam,
        Self::Viruttam,
        Self::Sloka,
        Self::Daru,
        Self::KavadiChindu,
        Self::Kilikkanni,
        Self::Bhajan,
        Self::Lali,
        Self::Mangalam,
        Self::Other,
    ];

    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kriti => "kriti",
            Self::Kirtana => "kirtana",
            Self::VarnamTana => "varnam_tana",
            Self::VarnamPada => "varnam_pada",
            Self::VarnamDaru => "varnam_daru",
            Self::Swarajati => "swarajati",
            Self::Jatisvaram => "jatisvaram",
            Self::Padam => "padam",
            Self::Javali => "javali",
            Self::Tillana => "tillana",
            Self::Geetham => "geetham",
            Self::LakshanaGeetham => "lakshana_geetham",
            Self::Divyanama => "divyanama",
            Self::UtsavaSampradaya => "utsava_sampradaya",
            Self::Namavali => "namavali",
            Self::Devaranama => "devaranama",
            Self::Ugabhoga => "ugabhoga",
            Self::Thiruppugazh => "thiruppugazh",
            Self::Thevaram => "thevaram",
            Self::Ashtapadi => "ashtapadi",
            Self::Tarangam => "tarangam",
            Self::Viruttam => "viruttam",
            Self::Sloka => "sloka",
            Self::Daru => "daru",
            Self::KavadiChindu => "kavadi_chindu",
            Self::Kilikkanni => "kilikkanni",
            Self::Bhajan => "bhajan",
            Self::Lali => "lali",
            Self::Mangalam => "mangalam",
            Self::Other => "other",
        }
    }

    /// The form with this wire name.
    pub fn from_wire(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.as_str() == text)
    }

    /// Whether a song of this form is sung in a raga. Verses may be, but need not.
    pub const fn needs_raga(self) -> bool {
        !matches!(self.build(), Build::Verses | Build::Free)
    }

    /// Whether the tala belongs to the form itself, so that a version without one is not complete.
    pub const fn needs_tala(self) -> bool {
        matches!(self.build(), Build::Swarajati | Build::Jatisvaram)
    }

    /// Whether there is a rule at all for the sections of this form.
    pub const fn has_rule(self) -> bool {
        !matches!(self.build(), Build::Free)
    }

    /// The section rules of this form, on the top level of a tree that stands at `field`.
    pub fn check(self, field: &str, sections: &[Section], found: &mut Vec<Violation>) {
        let mut top = TopLevel { form: self, field, sections, found };
        match self.build() {
            Build::Kriti => top.kriti(),
            Build::Varnam => top.varnam(),
            Build::Padam => {
                top.opening();
                top.at_least_one(&[K::Charanam], "charanam_missing", "a charanam");
            }
            Build::Tillana => top.opening(),
            Build::Swarajati => {
                top.opening();
                top.alternating();
            }
            Build::Jatisvaram => {
                top.opening();
                top.none_of(&[K::SwaraSahitya, K::MuktayiSahitya, K::EttugadaSahitya], "sahitya_unexpected");
            }
            Build::Refrain => {
                top.first(&[K::Pallavi, K::Refrain], "a pallavi or a refrain");
                top.at_least_one(&[K::Charanam, K::Verse], "charanam_missing", "a charanam or verse");
            }
            Build::Verses => {
                top.at_least_one(&[K::Verse], "verse_missing", "a verse");
                top.at_most_one(K::Refrain);
            }
            Build::Geetham => {
                if sections.len() != 1 {
                    top.at_least_one(&[K::Verse], "verse_missing", "a verse, or one section alone");
                }
            }
            Build::Free => {}
        }
    }

    const fn build(self) -> Build {
        match self {
            Self::Kriti | Self::Kirtana => Build::Kriti,
            Self::VarnamTana | Self::VarnamPada | Self::VarnamDaru => Build::Varnam,
            Self::Swarajati => Build::Swarajati,
            Self::Jatisvaram => Build::Jatisvaram,
            Self::Padam | Self::Javali => Build::Padam,
            Self::Tillana => Build::Tillana,
            Self::Divyanama | Self::UtsavaSampradaya | Self::Namavali | Self::Devaranama => Build::Refrain,
            Self::Viruttam | Self::Sloka | Self::Thevaram | Self::Thiruppugazh | Self::Ashtapadi => {
                Build::Verses
            }
            Self::Geetham | Self::LakshanaGeetham => Build::Geetham,
            Self::Ugabhoga
            | Self::Tarangam
            | Self::Daru
            | Self::KavadiChindu
            | Self::Kilikkanni
            | Self::Bhajan
            | Self::Lali
            | Self::Mangalam
            | Self::Other => Build::Free,
        }
    }
}

/// The top level of a section tree while it is being checked.
struct TopLevel<'a> {
    form: Form,
    field: &'a str,
    sections: &'a [Section],
    found: &'a mut Vec<Violation>,
}

impl TopLevel<'_> {
    fn kriti(&mut self) {
        self.none_of(
            &[K::Verse, K::Refrain, K::EttugadaPallavi, K::EttugadaSwara, K::EttugadaSahitya],
            "section_out_of_place",
        );
        if self.count(&[K::SamashtiCharanam]) == 0 {
            self.opening();
            self.at_least_one(&[K::Charanam], "charanam_missing", "a charanam or a samashti charanam");
        } else {
            self.first(&[K::Pallavi], "a pallavi");
            self.at_most_one(K::Pallavi);
            self.at_most_one(K::SamashtiCharanam);
            self.none_of(&[K::Anupallavi, K::Charanam], "beside_samashti_charanam");
        }
    }

    fn varnam(&mut self) {
        self.opening();
        self.at_least_one(&[K::Anupallavi], "anupallavi_missing", "an anupallavi");
        self.at_least_one(&[K::MuktayiSwara], "muktayi_swara_missing", "a muktayi swara");
        self.at_most_one(K::MuktayiSwara);
        let line = [K::EttugadaPallavi, K::Charanam];
        self.at_least_one(&line, "ettugada_pallavi_missing", "an ettugada pallavi (charanam line)");
        let swaras = [K::EttugadaSwara, K::Chittaswaram];
        self.at_least_one(&swaras, "ettugada_swara_missing", "an ettugada swara or chittaswaram");
        self.in_order(&[K::Pallavi, K::Anupallavi, K::MuktayiSwara, K::EttugadaPallavi, K::EttugadaSwara]);
    }

    /// One pallavi and it comes first; one anupallavi at most, before any charanam.
    fn opening(&mut self) {
        self.first(&[K::Pallavi], "a pallavi");
        self.at_most_one(K::Pallavi);
        self.at_most_one(K::Anupallavi);
        self.in_order(&[K::Pallavi, K::Anupallavi, K::Charanam]);
    }

    /// No two sections of swaras next to each other.
    fn alternating(&mut self) {
        let swaras = |section: &Section| {
            matches!(
                section.kind,
                K::Jati | K::Chittaswaram | K::SolkattuSwara | K::MuktayiSwara | K::EttugadaSwara
            )
        };
        if let Some(index) = self.sections.windows(2).position(|pair| pair.iter().all(swaras)) {
            self.breach(Some(index + 1), "swara_after_swara", "swara and sahitya take turns");
        }
    }

    fn first(&mut self, kinds: &[SectionKind], what: &str) {
        if !self.sections.first().is_some_and(|section| kinds.contains(&section.kind)) {
            let first = (!self.sections.is_empty()).then_some(0);
            self.breach(first, "wrong_beginning", &format!("begins with {what}"));
        }
    }

    fn at_least_one(&mut self, kinds: &[SectionKind], code: &str, what: &str) {
        if self.count(kinds) == 0 {
            self.breach(None, code, &format!("has {what}"));
        }
    }

    fn at_most_one(&mut self, kind: SectionKind) {
        let again = self.sections.iter().enumerate().filter(|(_, section)| section.kind == kind).nth(1);
        if let Some((index, _)) = again {
            self.breach(Some(index), "section_repeated", &format!("has one {} only", kind.as_str()));
        }
    }

    fn none_of(&mut self, kinds: &[SectionKind], code: &str) {
        if let Some(index) = self.sections.iter().position(|section| kinds.contains(&section.kind)) {
            let kind = self.sections[index].kind.as_str();
            self.breach(Some(index), code, &format!("has no {kind} here"));
        }
    }

    /// The listed kinds follow each other as listed; other kinds may stand between them.
    fn in_order(&mut self, kinds: &[SectionKind]) {
        let rank = |section: &Section| kinds.iter().position(|kind| *kind == section.kind);
        let mut highest = 0;
        for (index, section) in self.sections.iter().enumerate() {
            let Some(rank) = rank(section) else { continue };
            if rank < highest {
                self.breach(
                    Some(index),
                    "out_of_order",
                    &format!("has its {} before its {}", section.kind.as_str(), kinds[highest].as_str()),
                );
                return;
            }
            highest = rank;
        }
    }

    fn count(&self, kinds: &[SectionKind]) -> usize {
        self.sections.iter().filter(|section| kinds.contains(&section.kind)).count()
    }

    fn breach(&mut self, index: Option<usize>, code: &str, what: &str) {
        let field = index.map_or_else(|| self.field.to_owned(), |index| format!("{}/{index}", self.field));
        self.found.push(Violation::draft(field, code, format!("a {} {what}", self.form.as_str())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn codes(form: Form, kinds: &[SectionKind]) -> Vec<String> {
        let sections: Vec<_> = kinds.iter().map(|kind| Section::new(Uuid::now_v7(), *kind)).collect();
        let mut found = Vec::new();
        form.check("", &sections, &mut found);
        found.into_iter().map(|violation| format!("{}{}", violation.field, violation.code)).collect()
    }

    #[track_caller]
    fn sound(form: Form, kinds: &[SectionKind]) {
        assert_eq!(codes(form, kinds), [""; 0]);
    }

    #[test]
    fn wire_names_are_those_of_serde() {
        for form in Form::ALL {
            assert_eq!(serde_json::to_value(form).unwrap(), form.as_str());
            assert_eq!(Form::from_wire(form.as_str()), Some(form));
        }
    }

    #[test]
    fn kritis_follow_their_build() {
        sound(Form::Kriti, &[K::Pallavi, K::Anupallavi, K::Charanam]);
        sound(Form::Kirtana, &[K::Pallavi, K::Charanam, K::Charanam, K::Charanam]);
        sound(Form::Kriti, &[K::Pallavi, K::SamashtiCharanam, K::Chittaswaram]);
        sound(Form::Kriti, &[K::Pallavi, K::Anupallavi, K::Chittaswaram, K::SwaraSahitya, K::Charanam]);
        let mut long = vec![K::Pallavi, K::Anupallavi];
        long.extend([K::Charanam; 17]);
        sound(Form::Kriti, &long);

        assert_eq!(codes(Form::Kriti, &[]), ["wrong_beginning", "charanam_missing"]);
        assert_eq!(codes(Form::Kriti, &[K::Anupallavi, K::Charanam]), ["/0wrong_beginning"]);
        assert_eq!(codes(Form::Kriti, &[K::Pallavi, K::Anupallavi]), ["charanam_missing"]);
        assert_eq!(codes(Form::Kriti, &[K::Pallavi, K::Charanam, K::Anupallavi]), ["/2out_of_order"]);
        assert_eq!(
            codes(Form::Kriti, &[K::Pallavi, K::Anupallavi, K::SamashtiCharanam]),
            ["/1beside_samashti_charanam"]
        );
        assert_eq!(codes(Form::Kriti, &[K::Pallavi, K::Charanam, K::Verse]), ["/2section_out_of_place"]);
        assert_eq!(codes(Form::Kriti, &[K::Pallavi, K::Pallavi, K::Charanam]), ["/1section_repeated"]);
    }

    #[test]
    fn varnams_follow_their_build() {
        let whole = [K::Pallavi, K::Anupallavi, K::MuktayiSwara, K::EttugadaPallavi, K::EttugadaSwara];
        sound(Form::VarnamTana, &whole);
        sound(Form::VarnamPada, &[K::Pallavi, K::Anupallavi, K::MuktayiSwara, K::Charanam, K::Chittaswaram]);
        sound(Form::VarnamDaru, &[&whole[..], &[K::EttugadaSwara, K::Anubandha]].concat());
        for (left_out, code) in [
            (1, "anupallavi_missing"),
            (2, "muktayi_swara_missing"),
            (3, "ettugada_pallavi_missing"),
            (4, "ettugada_swara_missing"),
        ] {
            let mut kinds = whole.to_vec();
            kinds.remove(left_out);
            assert_eq!(codes(Form::VarnamTana, &kinds), [code]);
        }
        let twice = [&whole[..], &[K::MuktayiSwara]].concat();
        assert_eq!(codes(Form::VarnamTana, &twice), ["/5section_repeated", "/5out_of_order"]);
    }

    #[test]
    fn songs_of_dance_and_swaras_follow_their_builds() {
        sound(Form::Padam, &[K::Pallavi, K::Anupallavi, K::Charanam]);
        assert_eq!(codes(Form::Javali, &[K::Pallavi]), ["charanam_missing"]);
        sound(Form::Tillana, &[K::Pallavi, K::Anupallavi]);
        sound(Form::Tillana, &[K::Pallavi, K::Anupallavi, K::Charanam]);
        sound(Form::Swarajati, &[K::Pallavi, K::Jati, K::Charanam, K::Jati, K::Charanam]);
        assert_eq!(codes(Form::Swarajati, &[K::Pallavi, K::Jati, K::Chittaswaram]), ["/2swara_after_swara"]);
        sound(Form::Jatisvaram, &[K::Pallavi, K::Charanam]);
        assert_eq!(codes(Form::Jatisvaram, &[K::Pallavi, K::SwaraSahitya]), ["/1sahitya_unexpected"]);
    }

    #[test]
    fn songs_of_devotion_and_verse_follow_their_builds() {
        sound(Form::Divyanama, &[K::Pallavi, K::Charanam]);
        sound(Form::Devaranama, &[K::Refrain, K::Verse, K::Verse]);
        assert_eq!(codes(Form::Namavali, &[K::Charanam]), ["/0wrong_beginning"]);
        sound(Form::Ashtapadi, &[K::Verse, K::Refrain, K::Verse]);
        assert_eq!(codes(Form::Sloka, &[K::Pallavi]), ["verse_missing"]);
        sound(Form::Geetham, &[K::Other]);
        sound(Form::LakshanaGeetham, &[K::Verse, K::Verse]);
        assert_eq!(codes(Form::Geetham, &[K::Other, K::Other]), ["verse_missing"]);
        sound(Form::Other, &[K::Jati, K::Refrain]);
    }
}
