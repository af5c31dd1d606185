//! Raw headings and texts of lyrics, put into the order of singing.

use super::files::Lyric;
use crate::load::plan::part_id;
use domain::composition::section::Kala;
use domain::composition::{LyricSection, Section, SectionKind};
use domain::reference::ExternalId;

/// The sections of a work with their words.
#[derive(Debug, Default)]
pub struct Sections {
    pub tree: Vec<Section>,
    /// In the order of the tree.
    pub words: Vec<LyricSection>,
    /// Ragas that headings name, each with its section.
    pub ragas: Vec<(uuid::Uuid, String)>,
}

struct Part {
    kind: SectionKind,
    number: u16,
    label: Option<String>,
    raga: Option<String>,
    lines: Vec<String>,
}

/// Reads the sections of `lyric`.
pub fn read(lyric: &Lyric, external: &ExternalId) -> Sections {
    let mut parts: Vec<Part> = lyric
        .sections
        .iter()
        .map(|(heading, text)| part(heading, text))
        .filter(|part| !part.lines.is_empty())
        .collect();
    parts.sort_by_key(|part| (rank(part.kind), part.number));
    number(&mut parts);
    let (nested, top): (Vec<_>, Vec<_>) =
        parts.into_iter().partition(|part| part.kind == SectionKind::MadhyamaKala);
    let host = top.iter().rposition(|part| part.kind.takes_madhyama_kala());
    let mut nested = Some(nested);
    let mut sections = Sections::default();
    for (at, part) in top.into_iter().enumerate() {
        let mut section = sections.add(part, external, &format!("section/{at}"));
        if host == Some(at) {
            for (below, mut part) in nested.take().into_iter().flatten().enumerate() {
                part.number = 0;
                section.children.push(sections.add(part, external, &format!("section/{at}/{below}")));
            }
        }
        sections.tree.push(section);
    }
    // Without a section to sing it in, a fast passage is a part of its own.
    for (at, part) in nested.take().into_iter().flatten().enumerate() {
        let part =
            Part { kind: SectionKind::Other, label: Some("madhyama kala".to_owned()), number: 0, ..part };
        let section = sections.add(part, external, &format!("section/loose/{at}"));
        sections.tree.push(section);
    }
    sections
}

impl Sections {
    fn add(&mut self, part: Part, external: &ExternalId, path: &str) -> Section {
        let id = part_id(external, path);
        self.words.push(LyricSection { section: id, lines: part.lines });
        self.ragas.extend(part.raga.map(|raga| (id, raga)));
        Section {
            id,
            kind: part.kind,
            number: (part.number > 0).then_some(part.number),
            label: part.label,
            kala: if part.kind == SectionKind::MadhyamaKala { Kala::Madhyama } else { Kala::Sama },
            languages: Vec::new(),
            tala: None,
            note: None,
            children: Vec::new(),
        }
    }
}

/// The place of a section among others when it is sung.
const fn rank(kind: SectionKind) -> u8 {
    match kind {
        SectionKind::Pallavi => 0,
        SectionKind::Anupallavi => 1,
        SectionKind::Chittaswaram => 2,
        SectionKind::SwaraSahitya => 3,
        SectionKind::SamashtiCharanam => 4,
        SectionKind::Charanam => 5,
        SectionKind::MadhyamaKala => 6,
        _ => 7,
    }
}

/// Charanams count from 1 without a gap; one alone has no number.
fn number(parts: &mut [Part]) {
    let alone = parts.iter().filter(|part| part.kind == SectionKind::Charanam).count() == 1;
    let mut next = 1;
    for part in parts {
        if part.kind == SectionKind::Charanam && !alone {
            part.number = next;
            next += 1;
        } else {
            part.number = 0;
        }
    }
}

fn part(heading: &str, text: &str) -> Part {
    let raga = link_text(heading);
    let title = collapsed(&without_tags(heading, true));
    let title = title.split('(').next().unwrap_or_default().trim().trim_end_matches(':').trim().to_owned();
    let (kind, known) = kind_of(&title.to_lowercase());
    let digits: String = title.chars().filter(char::is_ascii_digit).take(4).collect();
    let lines =
        text.lines().map(|line| collapsed(&without_tags(line, false))).filter(|line| !line.is_empty());
    Part {
        kind,
        number: digits.parse().unwrap_or(0),
        label: (!known && !title.is_empty()).then_some(title),
        raga,
        lines: lines.collect(),
    }
}

/// What a heading means, and whether it says nothing beyond that.
fn kind_of(title: &str) -> (SectionKind, bool) {
    let word = lipi::k1_joined(title);
    let sung = word.contains("sahit") || word.contains("saht");
    let kind = match () {
        () if word.starts_with("palavi") => SectionKind::Pallavi,
        () if word.starts_with("anupalavi") => SectionKind::Anupallavi,
        () if word.starts_with("samast") => SectionKind::SamashtiCharanam,
        () if word.starts_with("madyama") => SectionKind::MadhyamaKala,
        () if sung => SectionKind::SwaraSahitya,
        () if word.starts_with("cita") => SectionKind::Chittaswaram,
        () if word.starts_with("carana") => SectionKind::Charanam,
        () => return (SectionKind::Other, false),
    };
    (kind, true)
}

/// The text of the first link: where a heading names a raga, it is one.
fn link_text(heading: &str) -> Option<String> {
    let (_, rest) = heading.split_once("<a ")?;
    let (_, rest) = rest.split_once('>')?;
    let (text, _) = rest.split_once('<')?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Without mark-up; with `cut`, without anything from the first tag on.
fn without_tags(text: &str, cut: bool) -> String {
    if cut {
        return text.split('<').next().unwrap_or_default().to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        match after.split_once('>') {
            Some((_, behind)) => rest = behind,
            None => {
                out.push_str(after);
                return out;
            }
        }
    }
    out.push_str(rest);
    out
}

/// One space between words, no control characters.
fn collapsed(text: &str) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use lipi::Scheme;

    fn lyric(sections: &[(&str, &str)]) -> Lyric {
        let sections =
            sections.iter().map(|(heading, text)| ((*heading).to_owned(), (*text).to_owned())).collect();
        Lyric { scheme: Scheme::KarnatikHk, sections }
    }

    fn kinds(sections: &Sections) -> Vec<(SectionKind, Option<u16>)> {
        sections.tree.iter().map(|section| (section.kind, section.number)).collect()
    }

    #[test]
    fn headings_are_put_into_the_order_of_singing() {
        let external = super::super::external("x");
        let lyric = lyric(&[
            ("Anupallavi", "b"),
            ("caraNam 10", "e"),
            ("caraNam 2", "d"),
            ("caraNam1", "c"),
            ("ciTTai swaram", "s"),
            ("madhyama kaalam", "m"),
            ("pallavi<br> <a href=\"x#y\">saavEri</a>", "a  <b>b</b>"),
        ]);
        let sections = read(&lyric, &external);
        use SectionKind::{Anupallavi, Charanam, Chittaswaram, MadhyamaKala, Pallavi};
        let wanted = [(Pallavi, None), (Anupallavi, None), (Chittaswaram, None)]
            .into_iter()
            .chain((1..=3).map(|number| (Charanam, Some(number))));
        assert_eq!(kinds(&sections), wanted.collect::<Vec<_>>());
        assert_eq!(sections.tree[5].children[0].kind, MadhyamaKala);
        assert_eq!(sections.words[0].lines, ["a b"]);
        assert_eq!(sections.ragas, [(sections.tree[0].id, "saavEri".to_owned())]);
    }

    #[test]
    fn a_fast_passage_without_a_host_stands_alone() {
        let sections = read(&lyric(&[("madhyama kaalam", "m")]), &super::super::external("x"));
        assert_eq!(kinds(&sections), [(SectionKind::Other, None)]);
    }

    #[test]
    fn swara_sahitya_is_not_a_chittaswaram() {
        for heading in
            ["ciTTasvara sAhitya", "caraNa svarashAhityam 1", "ciTTaswara saahityam (to same swaras):"]
        {
            assert_eq!(part(heading, "x").kind, SectionKind::SwaraSahitya, "{heading}");
        }
        assert_eq!(part("ciTTaswaram", "x").kind, SectionKind::Chittaswaram);
        assert_eq!(part("samAshTi caraNam", "x").kind, SectionKind::SamashtiCharanam);
    }
}
