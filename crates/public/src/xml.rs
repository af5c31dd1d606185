//! XML as it is written for feeds and for TEI: text that cannot break out of its place.

/// `text` for the content of an element or an attribute in double quotes. What XML 1.0 cannot hold is left out.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars().filter(|letter| is_allowed(*letter)) {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}

/// The production `Char` of XML 1.0, section 2.2.
fn is_allowed(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// `<name>text</name>` on a line of its own.
pub(crate) fn element(name: &str, text: &str) -> String {
    format!("<{name}>{}</{name}>\n", escaped(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(element("title", "a < b & \"c\"\u{1}"), "<title>a &lt; b &amp; &quot;c&quot;</title>\n");
        assert_eq!(escaped("ரா\u{200D}"), "ரா\u{200D}");
    }
}
