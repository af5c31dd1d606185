//! The frame of every page: head, header, script and language menus, footer.

use super::address::Address;
use super::face::{Face, Tongue};
use super::{assets, language, songs, words};
use domain::EntityKind;
use domain::name::Language;
use lipi::Script;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::{Value, json};

/// A page without its frame.
pub(super) struct Page {
    /// In the title bar, before the name of the site; empty on the home page.
    pub title: String,
    /// One sentence for search engines and shared links.
    pub description: String,
    pub address: Address,
    /// The script in which it shows names and text, and the language of the words around them.
    pub face: Face,
    /// The language of what is shown, where it is one.
    pub language: Option<Language>,
    /// What shared links call it: `website`, `article`, `profile`.
    pub og_type: &'static str,
    /// The same page for programs.
    pub api: Option<String>,
    pub json_ld: Option<Value>,
    /// The page that search engines should keep in place of this variation of it.
    pub canonical: Option<Address>,
    /// False for what search engines should not keep: endless variations.
    pub indexed: bool,
    /// True where the page has a search box of its own.
    pub searches: bool,
    pub main: Markup,
}

pub(super) const SITE_NAME: &str = "Sangraha";

/// The kinds of the menu, in its order.
const MENU: [EntityKind; 6] = [
    EntityKind::Composition,
    EntityKind::Raga,
    EntityKind::Composer,
    EntityKind::Tala,
    EntityKind::Temple,
    EntityKind::Group,
];

/// What the footer offers beside the menu.
const FOOTER: [EntityKind; 4] =
    [EntityKind::Deity, EntityKind::Place, EntityKind::Tag, EntityKind::Sampradaya];

impl Page {
    /// A page at `address`; the other fields are those of most pages.
    pub fn new(title: impl Into<String>, address: Address, face: Face, main: Markup) -> Self {
        Self {
            title: title.into(),
            description: String::new(),
            address,
            face,
            language: None,
            og_type: "website",
            api: None,
            json_ld: None,
            canonical: None,
            indexed: true,
            searches: false,
            main,
        }
    }

    /// The document. Addresses that must be whole begin with `site_url`.
    pub fn html(&self, site_url: &str) -> String {
        html! {
            (DOCTYPE)
            html lang=(self.face.tongue.code()) {
                head { (self.head(site_url)) }
                body {
                    a.skip href="#main" { (self.face.say("Skip to the content")) }
                    (self.header())
                    main #main tabindex="-1" { (self.main) }
                    (self.footer())
                }
            }
        }
        .into_string()
    }

    fn head(&self, site_url: &str) -> Markup {
        let title = self.full_title();
        let kept = self.canonical.as_ref().unwrap_or(&self.address);
        let canonical = format!("{site_url}{}", kept.href(self.face));
        html! {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) }
            @if !self.description.is_empty() { meta name="description" content=(self.description); }
            @if self.indexed {
                link rel="canonical" href=(canonical);
                (self.alternates(kept, site_url))
            } @else {
                meta name="robots" content="noindex, follow";
            }
            @if let Some(api) = &self.api { link rel="alternate" type="application/json" href=(api); }
            meta property="og:site_name" content=(SITE_NAME);
            meta property="og:type" content=(self.og_type);
            meta property="og:title" content=(title);
            meta property="og:locale" content=(self.face.tongue.code());
            @if !self.description.is_empty() { meta property="og:description" content=(self.description); }
            @if !site_url.is_empty() { meta property="og:url" content=(canonical); }
            link rel="icon" type="image/svg+xml" href=(assets::icon_href());
            // Fonts of the first line are asked for beside the styles that name them, so that no line moves.
            @for font in assets::fonts_first(self.face) {
                link rel="preload" as="font" type="font/woff2" href=(font) crossorigin;
            }
            link rel="stylesheet" href=(assets::style_href());
            script src=(assets::script_href()) defer {}
            @if let Some(data) = &self.json_ld {
                script type="application/ld+json" { (json_in_html(data)) }
            }
        }
    }

    /// The same page in each script around English words, and in each language.
    fn alternates(&self, kept: &Address, site_url: &str) -> Markup {
        let scripts = Script::SITE
            .map(|script| (language::tag(self.language, script), Face::PLAIN.with_script(script)));
        let tongues = Tongue::ALL.map(|tongue| (tongue.code().to_owned(), Face::of(tongue)));
        html! {
            @for (tag, face) in tongues.into_iter().chain(scripts) {
                link rel="alternate" hreflang=(tag) href={ (site_url) (kept.href(face)) };
            }
            link rel="alternate" hreflang="x-default" href={ (site_url) (kept.href(Face::PLAIN)) };
        }
    }

    fn full_title(&self) -> String {
        if self.title.is_empty() {
            format!("{SITE_NAME} — {}", self.face.say("a compendium of Carnatic music"))
        } else {
            format!("{} — {SITE_NAME}", self.title)
        }
    }

    fn header(&self) -> Markup {
        let face = self.face;
        html! {
            header.site {
                div.bar {
                    a.wordmark href=(Address::new("/").href(face)) { (SITE_NAME) }
                    @if !self.searches { (search_form(face, "", &Address::new("/search"))) }
                    (self.tongues())
                }
                nav.menu aria-label=(face.say("Sections")) {
                    ul {
                        @for kind in MENU {
                            @if kind == EntityKind::Composer {
                                (self.menu_item("/melakartas", face.say("Melakartas")))
                            }
                            (self.menu_item(&format!("/{}", kind.plural()), face.say(words::kinds(kind))))
                        }
                    }
                }
                (self.scripts())
            }
        }
    }

    fn menu_item(&self, path: &str, name: &str) -> Markup {
        let here = match self.address.path().strip_prefix(path) {
            Some("") => Some("page"),
            Some(rest) if rest.starts_with('/') => Some("true"),
            _ => None,
        };
        html! { li { a href=(Address::new(path).href(self.face)) aria-current=[here] { (name) } } }
    }

    /// The script menu: the same page in each script.
    fn scripts(&self) -> Markup {
        html! {
            nav.scripts aria-label=(self.face.say("Script")) {
                ul {
                    @for script in Script::SITE {
                        @let current = (script == self.face.script).then_some("true");
                        li {
                            a href=(self.address.href(self.face.with_script(script)))
                                lang=(language::of_names(script)) aria-current=[current] data-script {
                                (language::own_name(script))
                            }
                        }
                    }
                }
            }
        }
    }

    /// The language menu: the same page in the words of another language.
    fn tongues(&self) -> Markup {
        html! {
            details.tongues {
                summary aria-label={ (self.face.say("Language")) ": " (self.face.tongue.own_name()) } {
                    span lang=(tongue_tag(self.face.tongue)) { (self.face.tongue.own_name()) }
                }
                ul {
                    @for tongue in Tongue::ALL {
                        @let current = (tongue == self.face.tongue).then_some("true");
                        li {
                            a href=(self.address.href(Face::of(tongue))) lang=(tongue_tag(tongue))
                                hreflang=(tongue.code()) aria-current=[current] { (tongue.own_name()) }
                        }
                    }
                }
            }
        }
    }

    fn footer(&self) -> Markup {
        let face = self.face;
        let link =
            |path: &str, text: &str| html! { li { a href=(Address::new(path).href(face)) { (text) } } };
        html! {
            footer.site {
                nav aria-label=(face.say("More")) {
                    ul {
                        (link("/favourites", face.say("My songs")))
                        (link("/browse/compositions", face.say("Songs A–Z")))
                        (link("/browse/ragas", face.say("Ragas A–Z")))
                        @for kind in FOOTER { (link(&format!("/{}", kind.plural()), face.say(words::kinds(kind)))) }
                        (link("/about", face.say("About")))
                        (link("/data-licence", face.say("Data and rights")))
                        (link("/takedown", face.say("Takedown")))
                        li { a href="/docs" { "API" } }
                    }
                }
                p { (face.say("The songs of Carnatic music, for those who sing and those who listen.")) }
            }
        }
    }
}

/// The tag of the name of a language of the site.
pub(super) fn tongue_tag(tongue: Tongue) -> String {
    format!("{}-{}", tongue.code(), language::iso15924(tongue.script()))
}

/// The search box. The hidden fields of `kept` stay with the search.
pub(super) fn search_form(face: Face, text: &str, kept: &Address) -> Markup {
    let kept: Vec<(&str, &str)> = kept.query().filter(|(name, _)| !matches!(*name, "q" | "cursor")).collect();
    html! {
        form.search action="/search" method="get" role="search" {
            @for (name, value) in kept { input type="hidden" name=(name) value=(value); }
            @for (name, value) in face.query() { input type="hidden" name=(name) value=(value); }
            input type="search" name="q" value=(text) aria-label=(face.say("Search songs, ragas, composers"))
                placeholder=(face.say("A song, a raga, a composer — in any script")) autocomplete="off"
                spellcheck="false" autocapitalize="off" maxlength="200" data-suggest=(suggest_words(face));
            button type="submit" { (face.say("Search")) }
        }
    }
}

/// What the suggestions need to know: the script to ask for, what links carry on, and the words for the kinds.
fn suggest_words(face: Face) -> Value {
    let kinds = EntityKind::ALL.into_iter().filter(|kind| songs::has_pages(*kind));
    let kinds: serde_json::Map<String, Value> = kinds
        .map(|kind| (kind.as_str().to_owned(), json!([kind.plural(), face.say(words::kind(kind))])))
        .collect();
    let query = Address::new("").href(face);
    json!({ "script": face.script.as_str(), "query": query, "label": face.say("Suggestions"), "kinds": kinds })
}

/// JSON that cannot end the element that it stands in.
fn json_in_html(data: &Value) -> PreEscaped<String> {
    let text = data.to_string();
    PreEscaped(text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(title: &str, face: Face) -> String {
        let mut page = Page::new(title, Address::new("/ragas"), face, html! { p { "text" } });
        page.json_ld = Some(serde_json::json!({ "name": title }));
        page.html("https://songs.example")
    }

    #[test]
    fn titles_cannot_become_markup() {
        let html = page("</script><script>alert(1)</script>", Face::PLAIN);
        assert!(!html.contains("<script>alert"), "{html}");
        assert!(html.contains("<title>&lt;/script&gt;"), "{html}");
    }

    #[test]
    fn head_names_every_script_every_language_and_the_one_shown() {
        let html = page("Ragas", Face::PLAIN.with_script(Script::Tamil));
        assert!(html.contains(r#"<link rel="canonical" href="https://songs.example/ragas?script=tamil">"#));
        let head = html.split("<body>").next().unwrap();
        assert_eq!(head.matches("hreflang=").count(), Script::SITE.len() + Tongue::ALL.len() + 1);
        assert_eq!(html.matches("aria-current").count(), 3, "section, script, language");
    }

    #[test]
    fn a_language_speaks_its_own_words() {
        let html = page("Ragas", Face::of(Tongue::Tamil));
        assert!(html.contains("<html lang=\"ta\">") && html.contains("href=\"/ragas?lang=ta\""), "{html}");
        assert!(html.contains("தேடு"), "{html}");
    }
}
