//! The words of songs in TEI P5: a corpus with one text a song, a `lg` a section, an `l` a line.

use super::{address, name};
use crate::xml::{element, escaped};
use domain::composition::{LyricText, Version};
use domain::name::Language;
use domain::{Composition, Record};
use lipi::Script;
use store::ExchangeRow;

pub(super) const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<teiCorpus xmlns=\"http://www.tei-c.org/ns/1.0\">
<teiHeader><fileDesc>
<titleStmt><title>Sangraha: the words of the songs</title></titleStmt>
<publicationStmt><publisher>Sangraha</publisher></publicationStmt>
<sourceDesc><p>The records of the songs name the source of each text.</p></sourceDesc>
</fileDesc></teiHeader>
";
pub(super) const FOOT: &str = "</teiCorpus>\n";

/// One song; nothing of one without words.
pub(super) fn row(row: &ExchangeRow, site: &str) -> String {
    let Record::Composition(song) = &row.record else { return String::new() };
    if song.versions.iter().all(|version| version.texts.is_empty()) {
        return String::new();
    }
    let mut out = format!("<TEI xml:id=\"song-{}\">\n", row.entity.id);
    out += &header(row, song, site);
    out += "<text><body>\n";
    for version in &song.versions {
        out += &format!("<div type=\"version\" xml:id=\"version-{}\">\n", version.id);
        for text in &version.texts {
            out += &written(version, text, row);
        }
        out += "</div>\n";
    }
    out + "</body></text>\n</TEI>\n"
}

fn header(row: &ExchangeRow, song: &Composition, site: &str) -> String {
    let mut out = "<teiHeader><fileDesc>\n<titleStmt>\n".to_owned();
    out += &element("title", row.record.label());
    out += &song.composer.map(|composer| element("author", &name(row, composer.0))).unwrap_or_default();
    out += "</titleStmt>\n<publicationStmt>\n<publisher>Sangraha</publisher>\n";
    out += &format!("<idno type=\"URI\">{}</idno>\n", escaped(&address(site, row.entity, &row.slug)));
    let rights = song.rights.map_or_else(|| "Not stated".to_owned(), |rights| name(row, rights.0));
    out += &format!("<availability>{}</availability>\n", element("licence", &rights).trim_end());
    out += "</publicationStmt>\n<sourceDesc>\n";
    for note in &song.sources {
        let source = note.source.map(|source| format!("{}: ", name(row, source.0))).unwrap_or_default();
        out += &element("bibl", &format!("{source}{}", note.note));
    }
    if song.sources.is_empty() {
        out += "<p>Not stated.</p>\n";
    }
    let when = row.recorded_at.format("%Y-%m-%d");
    out += "</sourceDesc>\n</fileDesc>\n";
    out + &format!(
        "<revisionDesc><change n=\"{}\" when=\"{when}\">Published</change></revisionDesc>\n</teiHeader>\n",
        row.revision
    )
}

fn written(version: &Version, text: &LyricText, row: &ExchangeRow) -> String {
    let rendering = match text.rendering {
        domain::composition::text::Rendering::Continuous => "continuous",
        domain::composition::text::Rendering::WordDivision => "word_division",
    };
    let language = tag(text.languages.first().copied(), text.script);
    let mut out = format!(
        "<div type=\"text\" subtype=\"{rendering}\" xml:id=\"text-{}\" xml:lang=\"{language}\">\n",
        text.id
    );
    if let Some(source) = text.source {
        out += &format!("<note type=\"source\">{}</note>\n", escaped(&name(row, source.0)));
    }
    let tree = version.all_sections();
    for part in &text.sections {
        let section = tree.iter().find(|section| section.id == part.section);
        let kind = section.map_or("other", |section| section.kind.as_str());
        let number = section.and_then(|section| section.number).map(|number| format!(" n=\"{number}\""));
        out += &format!("<lg type=\"{kind}\"{}>\n", number.unwrap_or_default());
        part.lines.iter().for_each(|line| out += &element("l", line));
        out += "</lg>\n";
    }
    out + "</div>\n"
}

/// A language with its script (BCP 47, ISO 15924). `und` where a song names no language.
fn tag(language: Option<Language>, script: Script) -> String {
    let script = match script {
        Script::Latin => "Latn",
        Script::Devanagari => "Deva",
        Script::Tamil => "Taml",
        Script::Telugu => "Telu",
        Script::Kannada => "Knda",
        Script::Malayalam => "Mlym",
        _ => "Zyyy",
    };
    format!("{}-{script}", language.map_or("und", Language::as_str))
}
