//! The slug that a new record asks for: its label as plain words.

/// The longest slug that is asked for, in bytes; the store may add a number to it.
const SLUG_BYTES_MAX: usize = 80;

/// The folded words of `label`, whatever its script, joined by hyphens; `fallback` where nothing is left.
pub fn slug(label: &str, fallback: &str) -> String {
    let mut slug = String::new();
    for word in label.split(|letter: char| letter.is_whitespace() || letter == '-').map(lipi::k1_joined) {
        let word: String = word.chars().filter(char::is_ascii_alphanumeric).collect();
        if word.is_empty() || slug.len() + word.len() >= SLUG_BYTES_MAX {
            continue;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word);
    }
    if slug.is_empty() { fallback.to_owned() } else { slug }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slug_is_plain_whatever_the_script() {
        for label in ["Vātāpi Gaṇapatiṁ", "वातापि गणपतिं", "வாதாபி கணபதிம்", "a/b?c", "", "🎵"]
        {
            let slug = slug(label, "composition");
            assert!(!slug.is_empty() && slug.len() <= SLUG_BYTES_MAX, "{label}: {slug}");
            assert!(
                slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
                "{label}: {slug}"
            );
        }
        assert_eq!(slug("🎵", "composition"), "composition");
    }

    #[test]
    fn endless_label_has_a_short_slug() {
        assert!(slug(&"kalyani ".repeat(50), "raga").len() <= SLUG_BYTES_MAX);
        assert_eq!(slug(&"kata".repeat(100), "raga"), "raga");
    }
}
