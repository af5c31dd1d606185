//! The frame of every page: head, header, script menu, footer.

use super::address::Address;
use super::{assets, language};
use domain::name::Language;
use lipi::Script;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;

/// A page without its frame.
pub(super) struct Page {
    /// In the title bar, before the name of the site; empty on the home page.
    pub title: String,
    /// One sentence for search engines and shared links.
    pub description: String,
    pub address: Address,
    /// The script in which it shows names and text.
    pub script: Script,
    /// The language of what is shown, where it is one.
    pub language: Option<Language>,
    /// What shared links call it: `website`, `article`, `profile`.
    pub og_type: &'static str,
    /// The same page for programs.
    pub api: Option<String>,
    pub json_ld: Option<Value>,
    /// False for what search engines should not keep: endless variations.
    pub indexed: bool,
    /// True where the page has a search box of its own.
    pub searches: bool,
    pub main: Markup,
}

pub(super) const SITE_NAME: &str = "Sangraha";

/// The sections of the site, in the order of the menu.
const MENU: [(&str, &str); 7] = [
    ("/compositions", "Songs"),
    ("/ragas", "Ragas"),
    ("/melakartas", "Melakartas"),
    ("/composers", "Composers"),
    ("/talas", "Talas"),
    ("/temples", "Temples"),
    ("/groups", "Groups"),
];

impl Page {
    /// A page at `address`; the other fields are those of most pages.
    pub fn new(title: impl Into<String>, address: Address, script: Script, main: Markup) -> Self {
        Self {
            title: title.into(),
            description: String::new(),
            address,
            script,
            language: None,
            og_type: "website",
            api: None,
            json_ld: None,
            indexed: true,
            searches: false,
            main,
        }
    }

    /// The document. Addresses that must be whole begin with `site_url`.
    pub fn html(&self, site_url: &str) -> String {
        html! {
            (DOCTYPE)
            html lang="en" {
                head { (self.head(site_url)) }
                body {
                    a.skip href="#main" { "Skip to the content" }
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
        let canonical = format!("{site_url}{}", self.address.href(self.script));
        html! {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) }
            @if !self.description.is_empty() { meta name="description" content=(self.description); }
            @if self.indexed {
                link rel="canonical" href=(canonical);
                @for script in Script::SITE {
                    link rel="alternate" hreflang=(language::tag(self.language, script))
                        href={ (site_url) (self.address.href(script)) };
                }
                link rel="alternate" hreflang="x-default" href={ (site_url) (self.address.href(Script::Latin)) };
            } @else {
                meta name="robots" content="noindex, follow";
            }
            @if let Some(api) = &self.api { link rel="alternate" type="application/json" href=(api); }
            meta property="og:site_name" content=(SITE_NAME);
            meta property="og:type" content=(self.og_type);
            meta property="og:title" content=(title);
            @if !self.description.is_empty() { meta property="og:description" content=(self.description); }
            @if !site_url.is_empty() { meta property="og:url" content=(canonical); }
            link rel="icon" type="image/svg+xml" href=(assets::icon_href());
            link rel="stylesheet" href=(assets::style_href());
            script src=(assets::script_href()) defer {}
            @if let Some(data) = &self.json_ld {
                script type="application/ld+json" { (json_in_html(data)) }
            }
        }
    }

    fn full_title(&self) -> String {
        if self.title.is_empty() {
            format!("{SITE_NAME} — a compendium of Carnatic music")
        } else {
            format!("{} — {SITE_NAME}", self.title)
        }
    }

    fn header(&self) -> Markup {
        html! {
            header.site {
                div.bar {
                    a.wordmark href=(Address::new("/").href(self.script)) { (SITE_NAME) }
                    @if !self.searches { (search_form(self.script, "", &Address::new("/search"))) }
                }
                nav.menu aria-label="Sections" {
                    ul {
                        @for (path, name) in MENU {
                            li { a href=(Address::new(path).href(self.script)) { (name) } }
                        }
                    }
                }
                (self.scripts())
            }
        }
    }

    /// The script menu: the same page in each script.
    fn scripts(&self) -> Markup {
        html! {
            nav.scripts aria-label="Script" {
                ul {
                    @for script in Script::SITE {
                        @let current = (script == self.script).then_some("true");
                        li {
                            a href=(self.address.href(script)) lang=(language::of_names(script))
                                aria-current=[current] data-keep-place { (language::own_name(script)) }
                        }
                    }
                }
            }
        }
    }

    fn footer(&self) -> Markup {
        let link =
            |path: &str, text: &str| html! { a href=(Address::new(path).href(self.script)) { (text) } };
        html! {
            footer.site {
                nav aria-label="More" {
                    ul {
                        li { (link("/browse/compositions", "Songs A–Z")) }
                        li { (link("/browse/ragas", "Ragas A–Z")) }
                        li { (link("/deities", "Deities")) }
                        li { (link("/tags", "Themes")) }
                        li { (link("/about", "About")) }
                        li { (link("/data-licence", "Data and rights")) }
                        li { a href="/docs" { "API" } }
                    }
                }
                p { (SITE_NAME) " collects the songs of Carnatic music, for those who sing and those who listen." }
            }
        }
    }
}

/// The search box. The hidden fields of `kept` stay with the search.
pub(super) fn search_form(script: Script, text: &str, kept: &Address) -> Markup {
    let kept: Vec<(&str, &str)> = kept.query().filter(|(name, _)| !matches!(*name, "q" | "cursor")).collect();
    html! {
        form.search action="/search" method="get" role="search" {
            @for (name, value) in kept { input type="hidden" name=(name) value=(value); }
            @if script != Script::Latin { input type="hidden" name="script" value=(script.as_str()); }
            input type="search" name="q" value=(text) aria-label="Search songs, ragas, composers"
                placeholder="A song, a raga, a composer — in any script" autocomplete="off" spellcheck="false"
                autocapitalize="off" maxlength="200" data-suggest;
            button type="submit" { "Search" }
        }
    }
}

/// JSON that cannot end the element that it stands in.
fn json_in_html(data: &Value) -> PreEscaped<String> {
    let text = data.to_string();
    PreEscaped(text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(title: &str) -> String {
        let mut page = Page::new(title, Address::new("/ragas"), Script::Tamil, html! { p { "text" } });
        page.json_ld = Some(serde_json::json!({ "name": title }));
        page.html("https://songs.example")
    }

    #[test]
    fn titles_cannot_become_markup() {
        let html = page("</script><script>alert(1)</script>");
        assert!(!html.contains("<script>alert"), "{html}");
        assert!(html.contains("<title>&lt;/script&gt;"), "{html}");
    }

    #[test]
    fn head_names_every_script_and_the_one_shown() {
        let html = page("Ragas");
        assert!(html.contains(r#"<link rel="canonical" href="https://songs.example/ragas?script=tamil">"#));
        assert_eq!(html.matches("hreflang=").count(), Script::SITE.len() + 1);
        assert_eq!(html.matches("aria-current").count(), 1);
    }
}
