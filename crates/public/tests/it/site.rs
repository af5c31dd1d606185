//! The reading site: every page is there, is well made, says what it must to caches, and shows no draft.

use crate::catalogue::{Catalogue, janya, melas};
use crate::support::{Answer, App, song};
use domain::Name;

/// Every page with an address that [`Catalogue`] answers.
pub const PAGES: &[(&str, &str)] = &[
    ("/", "/"),
    ("/search", "/search?q=nanu"),
    ("/browse/{type}", "/browse/compositions?letter=N"),
    ("/compositions", "/compositions"),
    ("/compositions/{slug}", "/compositions/nanu-palimpa?script=tamil"),
    ("/ragas", "/ragas"),
    ("/ragas/{slug}", "/ragas/mohanam"),
    ("/melakartas", "/melakartas?script=devanagari"),
    ("/talas", "/talas"),
    ("/talas/{slug}", "/talas/chatusra-triputa"),
    ("/composers", "/composers"),
    ("/composers/{slug}", "/composers/tyagaraja"),
    ("/deities", "/deities"),
    ("/deities/{slug}", "/deities/rama"),
    ("/temples", "/temples"),
    ("/temples/{slug}", "/temples/bhadracalam"),
    ("/places", "/places"),
    ("/places/{slug}", "/places/tiruvaiyaru"),
    ("/groups", "/groups"),
    ("/groups/{slug}", "/groups/ghana"),
    ("/tags", "/tags"),
    ("/tags/{slug}", "/tags/bhakti"),
    ("/sampradayas", "/sampradayas"),
    ("/sampradayas/{slug}", "/sampradayas/umaiyalpuram"),
    ("/about", "/about"),
    ("/data-licence", "/data-licence?lang=hi"),
    ("/takedown", "/takedown"),
    ("/favourites", "/favourites?songs=nanu-palimpa&title=Friday"),
    ("/reported", "/reported?song=nanu-palimpa"),
    ("/robots.txt", "/robots.txt"),
    ("/sitemap.xml", "/sitemap.xml"),
];

/// Files have their hash in their names; pages link to them.
pub const FILES: &str = "/static/{file}";

impl Answer {
    pub fn html(&self) -> &str {
        assert!(self.header("content-type").starts_with("text/html"), "{}", self.header("content-type"));
        std::str::from_utf8(&self.bytes).unwrap()
    }
}

#[tokio::test]
async fn every_page_is_well_formed_and_has_nothing_inline() {
    let Some(app) = App::start().await else { return };
    Catalogue::load(&app).await;
    for (_, path) in PAGES.iter().filter(|(route, _)| !route.contains('.')) {
        let page = app.get(path).await.expect(200);
        let html = page.html();
        assert_balanced(html, path);
        for forbidden in [" style=", "<style", " onclick=", " onload=", "javascript:", "http://", "//cdn"] {
            assert!(!html.contains(forbidden), "{path} has `{forbidden}`");
        }
        let scripts = html.matches("<script").count();
        let allowed =
            html.matches("<script src=\"/static/").count() + html.matches("application/ld+json").count();
        assert_eq!(scripts, allowed, "{path} has a script of its own");
        assert_eq!(html.matches("<h1").count(), 1, "{path}");
        for wanted in
            ["<title>", "<html lang=\"", "name=\"viewport\"", "href=\"#main\"", "id=\"main\"", "og:title"]
        {
            assert!(html.contains(wanted), "{path} lacks `{wanted}`");
        }
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
    }
}

#[tokio::test]
async fn pages_are_kept_and_found_unchanged() {
    let Some(app) = App::start().await else { return };
    let catalogue = Catalogue::load(&app).await;
    for (_, path) in PAGES {
        let page = app.get_cached(path, None).await.expect(200);
        let again = app.get_cached(path, Some(page.etag())).await.expect(304);
        assert!(again.bytes.is_empty(), "{path}");
        assert_eq!(again.header("content-security-policy"), page.header("content-security-policy"), "{path}");
    }
    let page = app.get("/compositions/nanu-palimpa").await.expect(200);
    let raga = format!("raga:{}", catalogue.mohanam.id);
    assert!(page.keys().contains(&raga.as_str()), "{:?}", page.keys());
    assert!(page.headers.contains_key(domain::purge::READ_LSN_HEADER));
}

#[tokio::test]
async fn a_publish_reaches_the_pages_at_once() {
    let Some(app) = App::start().await else { return };
    let catalogue = Catalogue::load(&app).await;
    for _ in 0..2 {
        assert!(!app.get_cached("/compositions", None).await.html().contains("Eduta"));
        assert!(!app.get_cached("/ragas/mohanam", None).await.html().contains("Eduta"));
    }
    let refers = testkit::fixtures::Refers { raga: catalogue.mohanam.id, ..catalogue.refers };
    app.add(song("Eduṭa niliciṯē", refers)).await;
    for path in ["/compositions", "/ragas/mohanam", "/composers/tyagaraja", "/"] {
        assert!(app.get_cached(path, None).await.html().contains("Eduṭa niliciṯē"), "{path}");
    }
}

#[tokio::test]
async fn the_words_keep_their_anchors_in_every_script() {
    let Some(app) = App::start().await else { return };
    Catalogue::load(&app).await;
    let anchors = |html: &str| -> Vec<String> {
        html.split("id=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
    };
    let roman = app.get("/compositions/nanu-palimpa").await.expect(200);
    for (script, lang) in [("tamil", "te-Taml"), ("telugu", "te-Telu"), ("devanagari", "te-Deva")] {
        let page = app.get(&format!("/compositions/nanu-palimpa?script={script}")).await.expect(200);
        let lines =
            |html: &str| anchors(html).into_iter().filter(|id| id.starts_with('s')).collect::<Vec<_>>();
        assert_eq!(lines(page.html()), lines(roman.html()), "{script}");
        assert!(page.html().contains(&format!("class=\"lines\" lang=\"{lang}\"")), "{script}");
    }
    assert!(anchors(roman.html()).contains(&"s1-l1".to_owned()));
}

#[tokio::test]
async fn two_scripts_and_two_versions_stand_side_by_side() {
    let Some(app) = App::start().await else { return };
    Catalogue::load(&app).await;
    let page = app.get("/compositions/nanu-palimpa?beside=tamil").await.expect(200);
    let html = page.html();
    assert!(html.contains("class=\"lines pair\"") && html.contains("class=\"line second\" lang=\"te-Taml\""));
    assert!(html.contains("noindex"), "two columns are not another page for search engines");
    let refers = app.refers().await;
    let mut two = song("Rendu pāṭhamulu", refers);
    let mut other = song("Rendu pāṭhamulu", refers).versions.remove(0);
    other.label = Some("As sung in Walajapet".into());
    two.versions.push(other);
    let two = app.add(two).await;
    let address = app.get(&format!("/compositions/{}", two.id)).await.header("location").to_owned();
    let page = app.get(&format!("{address}?beside=version-2")).await.expect(200);
    assert!(page.html().contains("class=\"versions\"") && page.html().contains("As sung in Walajapet"));
    assert_balanced(page.html(), &address);
    for refused in ["version-3", "version-1", "klingon"] {
        app.get(&format!("{address}?beside={refused}")).await.expect(422);
    }
}

#[tokio::test]
async fn every_page_speaks_every_language() {
    let Some(app) = App::start().await else { return };
    Catalogue::load(&app).await;
    for (_, path) in PAGES.iter().filter(|(route, _)| !route.contains('.')) {
        let path = path.split_once("lang=").map_or(*path, |(path, _)| path.trim_end_matches('?'));
        for (lang, word) in
            [("ta", "பாடல்கள்"), ("te", "పాటలు"), ("kn", "ಹಾಡುಗಳು"), ("ml", "പാട്ടുകൾ"), ("hi", "गीत")]
        {
            let joint = if path.contains('?') { '&' } else { '?' };
            let page = app.get(&format!("{path}{joint}lang={lang}")).await.expect(200);
            let html = page.html();
            assert!(
                html.contains(&format!("<html lang=\"{lang}\">")) && html.contains(word),
                "{path} {lang}"
            );
            assert_balanced(html, path);
        }
        app.get(&format!("{}?lang=xx", path.split('?').next().unwrap())).await.expect(422);
    }
}

#[tokio::test]
async fn a_list_of_songs_is_an_address() {
    let Some(app) = App::start().await else { return };
    Catalogue::load(&app).await;
    let page =
        app.get("/favourites?songs=vatapi-ganapatim,gone,nanu-palimpa&title=%3Cb%3EFriday").await.expect(200);
    let html = page.html();
    let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text}: {html}"));
    assert!(at("href=\"/compositions/vatapi-ganapatim\"") < at("href=\"/compositions/nanu-palimpa\""));
    assert!(html.contains("&lt;b&gt;Friday") && !html.contains("<b>"), "markup is text");
    app.get(&format!("/favourites?songs={}", "a,".repeat(61))).await.expect(422);
}

#[tokio::test]
async fn what_is_missing_is_a_page_that_helps() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    let draft = app.draft(song("Rahasyamu", refers)).await;
    for (path, status) in [
        ("/compositions/rahasyamu".to_owned(), 404),
        (format!("/compositions/{}", draft.id), 404),
        ("/compositions/no-such-song".to_owned(), 404),
        ("/ragas/no-such-raga".to_owned(), 404),
        ("/places/anywhere".to_owned(), 404),
        ("/browse/rights".to_owned(), 404),
        ("/static/app-000000000000.css".to_owned(), 404),
        ("/nowhere".to_owned(), 404),
        ("/ragas?script=klingon".to_owned(), 422),
        ("/ragas?cursor=x".to_owned(), 422),
        ("/search?raga=no-such-raga".to_owned(), 422),
        ("/search?colour=red".to_owned(), 422),
    ] {
        let page = app.get(&path).await.expect(status);
        let html = page.html();
        assert_balanced(html, &path);
        assert!(html.contains("action=\"/search\"") && html.contains("noindex"), "{path}");
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        assert!(page.headers.contains_key("content-security-policy"), "{path}");
        assert!(!html.contains("Rahasyamu"), "{path}");
    }
    app.get("/v1/compositions/no-such-song").await.expect(404).field();
}

#[tokio::test]
async fn what_is_missing_is_said_in_the_language_of_the_address() {
    let Some(app) = App::start().await else { return };
    for (path, status, lang, words) in [
        ("/nowhere?lang=ta", 404, "ta", "அப்படி ஒரு பக்கம் இல்லை"),
        ("/ragas/no-such-raga?lang=hi&script=tamil", 404, "hi", "ऐसा कोई पन्ना नहीं है"),
        ("/ragas?lang=te&cursor=x", 422, "te", "అది అర్థం కాలేదు"),
        ("/ragas?lang=klingon", 422, "en", "That was not understood"),
    ] {
        let page = app.get(path).await.expect(status);
        let html = page.html();
        assert_balanced(html, path);
        assert!(html.contains(&format!("<html lang=\"{lang}\">")) && html.contains(words), "{path}: {html}");
        assert!(
            lang == "en" || html.contains(&format!("href=\"/ragas?lang={lang}")),
            "{path}: the ways on speak it too"
        );
    }
}

#[tokio::test]
async fn ids_and_old_slugs_lead_to_the_page() {
    let Some(app) = App::start().await else { return };
    let catalogue = Catalogue::load(&app).await;
    let by_id = app.get(&format!("/ragas/{}?script=tamil", catalogue.mohanam.id)).await.expect(308);
    assert_eq!(by_id.header("location"), "/ragas/mohanam?script=tamil");
    app.rename(
        catalogue.dikshitar,
        "muttusvami-dikshitar",
        testkit::fixtures::composer("Muttusvāmi Dīkṣita"),
    )
    .await;
    let old = app.get("/composers/muttusvami-diksitar").await.expect(308);
    assert_eq!(old.header("location"), "/composers/muttusvami-dikshitar");
}

#[tokio::test]
async fn markup_in_a_title_is_text() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    let mut bad = song("Title", refers);
    bad.titles = vec![Name::display("</script><script>alert(1)</script>\"'&")];
    let bad = app.add(bad).await;
    let address = app.get(&format!("/compositions/{}", bad.id)).await.header("location").to_owned();
    let pages = ["/", "/compositions", "/search?q=%3Cscript%3E", "/composers/tyagaraja"];
    for path in pages.into_iter().map(str::to_owned).chain([address]) {
        let page = app.get(&path).await.expect(200);
        assert!(!page.html().contains("<script>"), "{path}");
        assert_balanced(page.html(), &path);
    }
}

#[tokio::test]
async fn search_marks_what_it_found_and_offers_ways_to_narrow() {
    let Some(app) = App::start().await else { return };
    Catalogue::load(&app).await;
    let page = app.get("/search?q=nanu").await.expect(200);
    assert!(page.html().contains("<mark>") && page.html().contains("/compositions/nanu-palimpa"));
    let all = app.get("/search").await.expect(200);
    assert!(all.html().contains("/search?composer=tyagaraja"), "facets lead by slug");
    let narrowed = app.get("/search?composer=tyagaraja").await.expect(200);
    assert!(narrowed.html().contains("Remove the filter: Composer"), "{}", narrowed.html());
    let raga = app.get("/search?q=mohanam").await.expect(200);
    assert!(raga.html().contains("href=\"/ragas/mohanam\""));
    let poorer = app.get_without_index("/search?q=nanu").await.expect(200);
    assert!(poorer.html().contains("Just now only names and titles"), "{}", poorer.html());
    assert!(!page.html().contains("Just now only names"));
}

#[tokio::test]
async fn names_that_only_resemble_are_offered_where_no_song_holds_the_words() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    let melas = melas(&app).await;
    app.add(janya("Mandāri", melas[49].id, "S R1 G3 M2 P N3 S")).await;
    app.add(song("Endarō mahānubhāvulu", refers)).await;
    let offers = |page: &Answer| page.html().contains("href=\"/ragas/mandari\"");
    let held = app.get("/search?q=endaro").await.expect(200);
    assert!(held.html().contains("/compositions/endaro-mahanubhavulu") && !offers(&held));
    assert!(offers(&app.get("/search?q=mandary").await.expect(200)), "no song has it");
    assert!(offers(&app.get("/search?q=mandari").await.expect(200)), "it is what was typed");
}

#[tokio::test]
async fn files_that_pages_link_to_are_kept_for_good() {
    let Some(app) = App::start().await else { return };
    let home = app.get("/").await.expect(200);
    let links: Vec<&str> = home.html().split('"').filter(|text| text.starts_with("/static/")).collect();
    assert_eq!(links.len(), 6, "icon, styles, script and three fonts");
    let style = links.iter().find(|link| link.ends_with(".css")).expect("styles");
    let style = app.get(style).await.expect(200);
    let style = std::str::from_utf8(&style.bytes).unwrap();
    let fonts: Vec<&str> = style.split("url(").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert_eq!(fonts.len(), 14);
    for link in links.into_iter().chain(fonts) {
        let file = app.get(link).await.expect(200);
        assert!(file.header("cache-control").contains("immutable"), "{link}");
        assert!(file.bytes.len() < 48 * 1024, "{link}: {} bytes", file.bytes.len());
        file.etag();
    }
}

/// Elements without content.
const VOID: &[&str] = &["meta", "link", "input", "br", "hr", "img"];

/// Every element is closed in order, and no id stands twice.
fn assert_balanced(html: &str, path: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut ids: Vec<&str> = Vec::new();
    for tag in html.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap_or_else(|| panic!("{path}: a tag does not end: {tag}"));
        let name = tag.split([' ', '\n']).next().unwrap();
        if let Some(closed) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "{path}");
        } else if !name.starts_with('!') && !VOID.contains(&name) {
            open.push(name);
        }
        if let Some(id) = tag.split(" id=\"").nth(1).and_then(|rest| rest.split('"').next()) {
            assert!(!ids.contains(&id), "{path}: #{id} stands twice");
            ids.push(id);
        }
    }
    assert!(open.is_empty(), "{path}: {open:?} are not closed");
}
