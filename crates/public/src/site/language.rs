//! Language tags (BCP 47) with their script, and the scripts of the site's menu.

use domain::name::Language;
use lipi::Script;
use maud::{Markup, html};

/// The tag of a text in `language`, written in `script`: `te-Taml`.
pub(super) fn tag(language: Option<Language>, script: Script) -> String {
    match language {
        Some(language) => format!("{}-{}", language.as_str(), iso15924(script)),
        None => of_names(script).to_owned(),
    }
}

/// The tag of a name, whose language is that of those who read its script; Sanskrit where many do.
pub(super) const fn of_names(script: Script) -> &'static str {
    match script {
        Script::Latin => "sa-Latn",
        Script::Devanagari => "sa-Deva",
        Script::Bengali => "bn-Beng",
        Script::Gujarati => "gu-Gujr",
        Script::Tamil => "ta-Taml",
        Script::Telugu => "te-Telu",
        Script::Kannada => "kn-Knda",
        Script::Malayalam => "ml-Mlym",
        Script::Grantha => "sa-Gran",
    }
}

/// A name with the tag of the script that it is really written in.
pub(super) fn name(text: &str) -> Markup {
    html! { span lang=(of_names(lipi::script_of(text))) { (text) } }
}

/// The name of a script of the menu, in itself.
pub(super) const fn own_name(script: Script) -> &'static str {
    match script {
        Script::Latin => "Roman",
        Script::Devanagari => "देवनागरी",
        Script::Bengali => "বাংলা",
        Script::Gujarati => "ગુજરાતી",
        Script::Tamil => "தமிழ்",
        Script::Telugu => "తెలుగు",
        Script::Kannada => "ಕನ್ನಡ",
        Script::Malayalam => "മലയാളം",
        Script::Grantha => "Grantha",
    }
}

/// The code of a script (ISO 15924).
pub(super) const fn iso15924(script: Script) -> &'static str {
    match script {
        Script::Latin => "Latn",
        Script::Devanagari => "Deva",
        Script::Bengali => "Beng",
        Script::Gujarati => "Gujr",
        Script::Tamil => "Taml",
        Script::Telugu => "Telu",
        Script::Kannada => "Knda",
        Script::Malayalam => "Mlym",
        Script::Grantha => "Gran",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_name_language_and_script() {
        assert_eq!(tag(Some(Language::Te), Script::Tamil), "te-Taml");
        assert_eq!(tag(None, Script::Latin), "sa-Latn");
        assert_eq!(name("கல்யாணி").into_string(), "<span lang=\"ta-Taml\">கல்யாணி</span>");
    }
}
