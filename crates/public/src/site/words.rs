//! English words for the values of enumerations; [`Face::say`] has them in the other languages.

use super::face::{Face, Tongue};
use chrono::{Datelike, NaiveDate};
use domain::EntityKind;
use domain::composition::section::Kala;
use domain::composition::{Attribution, Form, Section, SectionKind};
use domain::music::Swara;
use domain::music::scale::ScaleJati;
use domain::music::tala::Jati;
use domain::name::{AliasScheme, Language};
use domain::reference::{GroupKind, Precision, SampradayaKind, TagCategory, Year};
use maud::{Markup, html};

pub(super) const fn language(language: Language) -> &'static str {
    match language {
        Language::Sa => "Sanskrit",
        Language::Ta => "Tamil",
        Language::Te => "Telugu",
        Language::Kn => "Kannada",
        Language::Ml => "Malayalam",
        Language::Hi => "Hindi",
        Language::Mr => "Marathi",
        Language::Bn => "Bengali",
        Language::Gu => "Gujarati",
        Language::En => "English",
    }
}

pub(super) const fn form(form: Form) -> &'static str {
    match form {
        Form::Kriti => "Kriti",
        Form::Kirtana => "Kirtana",
        Form::VarnamTana => "Tana varnam",
        Form::VarnamPada => "Pada varnam",
        Form::VarnamDaru => "Daru varnam",
        Form::Swarajati => "Swarajati",
        Form::Jatisvaram => "Jatisvaram",
        Form::Padam => "Padam",
        Form::Javali => "Javali",
        Form::Tillana => "Tillana",
        Form::Geetham => "Geetham",
        Form::LakshanaGeetham => "Lakshana geetham",
        Form::Divyanama => "Divyanama",
        Form::UtsavaSampradaya => "Utsava sampradaya",
        Form::Namavali => "Namavali",
        Form::Devaranama => "Devaranama",
        Form::Ugabhoga => "Ugabhoga",
        Form::Thiruppugazh => "Thiruppugazh",
        Form::Thevaram => "Thevaram",
        Form::Ashtapadi => "Ashtapadi",
        Form::Tarangam => "Tarangam",
        Form::Viruttam => "Viruttam",
        Form::Sloka => "Sloka",
        Form::Daru => "Daru",
        Form::KavadiChindu => "Kavadi chindu",
        Form::Kilikkanni => "Kilikkanni",
        Form::Bhajan => "Bhajan",
        Form::Lali => "Lali",
        Form::Mangalam => "Mangalam",
        Form::Other => "Other form",
    }
}

/// A day: `22 November 2026`.
pub(super) fn date(date: NaiveDate, face: Face) -> String {
    format!("{} {} {}", date.day(), face.say(month(date.month())), date.year())
}

const fn month(month: u32) -> &'static str {
    match month {
        1 => "January",
        2 => "February",
        3 => "March",
        4 => "April",
        5 => "May",
        6 => "June",
        7 => "July",
        8 => "August",
        9 => "September",
        10 => "October",
        11 => "November",
        _ => "December",
    }
}

/// The heading of a section: its own label, or its kind with its number.
pub(super) fn section(section: &Section, face: Face) -> String {
    if let Some(label) = &section.label {
        return label.clone();
    }
    let kind = face.say(section_kind(section.kind));
    section.number.map_or_else(|| kind.to_owned(), |number| format!("{kind} {number}"))
}

const fn section_kind(kind: SectionKind) -> &'static str {
    match kind {
        SectionKind::Pallavi => "Pallavi",
        SectionKind::Anupallavi => "Anupallavi",
        SectionKind::Charanam => "Charanam",
        SectionKind::SamashtiCharanam => "Samashti charanam",
        SectionKind::MadhyamaKala => "Madhyama kala",
        SectionKind::Chittaswaram => "Chittaswaram",
        SectionKind::VilomaChittaswaram => "Viloma chittaswaram",
        SectionKind::SwaraSahitya => "Swara sahitya",
        SectionKind::SolkattuSwara => "Solkattu swara",
        SectionKind::Jati => "Jati",
        SectionKind::MuktayiSwara => "Muktayi swara",
        SectionKind::MuktayiSahitya => "Muktayi sahitya",
        SectionKind::EttugadaPallavi => "Ettugada pallavi",
        SectionKind::EttugadaSwara => "Ettugada swara",
        SectionKind::EttugadaSahitya => "Ettugada sahitya",
        SectionKind::Anubandha => "Anubandha",
        SectionKind::Verse => "Verse",
        SectionKind::Refrain => "Refrain",
        SectionKind::Other => "Section",
    }
}

/// The tempo of a section, where it is not that of the song and not in its heading.
pub(super) fn kala(section: &Section) -> Option<&'static str> {
    match section.kala {
        Kala::Madhyama if section.kind != SectionKind::MadhyamaKala => Some("madhyama kala"),
        Kala::Druta => Some("druta kala"),
        Kala::Sama | Kala::Madhyama => None,
    }
}

pub(super) const fn attribution(attribution: Attribution) -> Option<&'static str> {
    match attribution {
        Attribution::Certain => None,
        Attribution::Disputed => Some("disputed"),
        Attribution::Doubtful => Some("doubtful"),
        Attribution::Anonymous => Some("anonymous"),
    }
}

pub(super) const fn alias_scheme(scheme: AliasScheme) -> &'static str {
    match scheme {
        AliasScheme::Concert => "in concerts",
        AliasScheme::FullMelaName => "full mela name",
        AliasScheme::AsampurnaMela => "asampurna mela",
        AliasScheme::SpellingVariant => "spelling",
        AliasScheme::SourceSpelling => "spelling of a source",
        AliasScheme::OlderName => "older name",
        AliasScheme::HindustaniCounterpart => "Hindustani counterpart",
        AliasScheme::Abbreviation => "abbreviation",
    }
}

pub(super) const fn scale_jati(jati: ScaleJati) -> &'static str {
    match jati {
        ScaleJati::Svarantara => "svarantara, 4 swaras",
        ScaleJati::Audava => "audava, 5 swaras",
        ScaleJati::Shadava => "shadava, 6 swaras",
        ScaleJati::Sampurna => "sampurna, 7 swaras",
    }
}

/// The family of five by the count of the laghu.
pub(super) const fn jati(jati: Jati) -> &'static str {
    match jati {
        Jati::Tisra => "tisra jati",
        Jati::Chatusra => "chatusra jati",
        Jati::Khanda => "khanda jati",
        Jati::Misra => "misra jati",
        Jati::Sankirna => "sankirna jati",
    }
}

/// A swara with its number set low: R₂.
pub(super) fn swara(swara: Swara) -> Markup {
    let (letter, number) = swara.as_str().split_at(1);
    html! { (letter) @if !number.is_empty() { sub { (number) } } }
}

pub(super) const fn group(kind: GroupKind) -> &'static str {
    match kind {
        GroupKind::Pancharatna => "Pancharatna",
        GroupKind::Navavarana => "Navavarana",
        GroupKind::Navagraha => "Navagraha",
        GroupKind::KshetraSet => "Songs of a place",
        GroupKind::VibhaktiSet => "Vibhakti set",
        GroupKind::Utsava => "Songs of a festival",
        GroupKind::Divyanama => "Divyanama set",
        GroupKind::Other => "Set of songs",
    }
}

pub(super) const fn tag_category(category: TagCategory) -> &'static str {
    match category {
        TagCategory::Bhava => "Bhava",
        TagCategory::Festival => "Festival",
        TagCategory::Philosophy => "Philosophy",
        TagCategory::Kshetra => "Kshetra",
        TagCategory::StotraStyle => "Style of praise",
        TagCategory::NayikaBhava => "Nayika bhava",
        TagCategory::Theme => "Theme",
        TagCategory::Other => "Tag",
    }
}

pub(super) const fn sampradaya(kind: SampradayaKind) -> &'static str {
    match kind {
        SampradayaKind::Pathantara => "Pathantara",
        SampradayaKind::Bani => "Bani",
        SampradayaKind::School => "School",
    }
}

pub(super) const fn kind(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Composition => "Song",
        EntityKind::Raga => "Raga",
        EntityKind::Tala => "Tala",
        EntityKind::Composer => "Composer",
        EntityKind::Deity => "Deity",
        EntityKind::Temple => "Temple",
        EntityKind::Place => "Place",
        EntityKind::Group => "Group",
        EntityKind::Tag => "Theme",
        EntityKind::Sampradaya => "Sampradaya",
        EntityKind::Source => "Source",
        EntityKind::Rights => "Rights",
    }
}

pub(super) const fn kinds(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Composition => "Songs",
        EntityKind::Raga => "Ragas",
        EntityKind::Tala => "Talas",
        EntityKind::Composer => "Composers",
        EntityKind::Deity => "Deities",
        EntityKind::Temple => "Temples",
        EntityKind::Place => "Places",
        EntityKind::Group => "Groups",
        EntityKind::Tag => "Themes",
        EntityKind::Sampradaya => "Sampradayas",
        EntityKind::Source => "Sources",
        EntityKind::Rights => "Rights",
    }
}

pub(super) fn year(year: Year, face: Face) -> String {
    let century = (i32::from(year.year) - 1).div_euclid(100) + 1;
    match (year.precision, face.tongue) {
        (Precision::Exact, _) => year.year.to_string(),
        (Precision::Circa, _) => face.fill("c. {n}", year.year),
        (Precision::Century, Tongue::English) => format!("{} century", ordinal(century)),
        (Precision::Century, _) => face.fill("century {n}", century),
    }
}

fn ordinal(number: i32) -> String {
    const ENDINGS: [&str; 4] = ["th", "st", "nd", "rd"];
    let last = usize::try_from(number % 10).unwrap_or(0);
    let ending = if (11..=13).contains(&(number % 100)) { 0 } else { last };
    format!("{number}{}", ENDINGS.get(ending).unwrap_or(&ENDINGS[0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_say_how_exactly_they_are_known() {
        let of = |number, precision| year(Year { year: number, precision }, Face::PLAIN);
        assert_eq!(of(1767, Precision::Exact), "1767");
        assert_eq!(of(1480, Precision::Circa), "c. 1480");
        assert_eq!(of(1450, Precision::Century), "15th century");
        assert_eq!(of(1500, Precision::Century), "15th century");
        assert_eq!(of(1101, Precision::Century), "12th century");
    }
}
