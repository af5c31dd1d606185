//! What caches are told: tags, keys, positions; and that the node's own cache changes no answer.

use crate::catalogue::{Catalogue, entry, group, janya};
use crate::support::{App, song};
use http::Method;
use testkit::fixtures;
use uuid::Uuid;

#[tokio::test]
async fn tag_is_stable_and_changes_with_whatever_is_shown() {
    let Some(app) = App::start().await else { return };
    let catalogue = Catalogue::load(&app).await;
    let path = format!("/v1/compositions/{}", catalogue.nanu.id);
    let tag = async || app.get(&path).await.expect(200).etag().to_owned();
    let first = tag().await;
    assert_eq!(first, tag().await);
    assert_ne!(first, app.get(&format!("{path}?script=tamil")).await.etag());
    assert_ne!(first, app.get(&format!("{path}/texts")).await.etag());
    assert_eq!(first, app.get("/v1/compositions/nanu-palimpa").await.etag(), "by slug or by id");

    let parent = app.ok("/v1/ragas/harikambhoji").await["id"].as_str().unwrap().parse().unwrap();
    app.edit(catalogue.mohanam, janya("Mōhana", parent, "S R2 G3 P D2 S")).await;
    let renamed = tag().await;
    assert_ne!(renamed, first, "a raga has another name");
    app.edit(catalogue.group, group("Ghana rāga", None, &[catalogue.vatapi.id, catalogue.nanu.id])).await;
    let moved = tag().await;
    assert_ne!(moved, renamed, "its place in a group is another");
    app.add(group("Nava", None, &[catalogue.nanu.id])).await;
    assert_ne!(tag().await, moved, "one more group took it in");
}

#[tokio::test]
async fn not_modified_is_answered_without_the_record() {
    let Some(app) = App::start().await else { return };
    let catalogue = Catalogue::load(&app).await;
    let paths = [
        format!("/v1/compositions/{}", catalogue.nanu.id),
        format!("/v1/compositions/{}/texts?script=tamil", catalogue.nanu.id),
        "/v1/ragas/mohanam".to_owned(),
        "/v1/groups/ghana".to_owned(),
    ];
    let mut tags = Vec::new();
    for path in &paths {
        tags.push(app.get(path).await.expect(200).etag().to_owned());
    }
    // Whoever reads a record now, fails.
    app.database.sql("alter table revision disable trigger user; update revision set body = '{}'");
    for (path, tag) in paths.iter().zip(&tags) {
        let unchanged = app.ask(Method::GET, path, Some(tag)).await.expect(304);
        assert!(unchanged.bytes.is_empty());
        assert_eq!(unchanged.etag(), tag);
        assert_eq!(unchanged.header("surrogate-key"), "", "the keys of the stored document stay");
        assert!(!unchanged.header("x-sangraha-read-lsn").is_empty());
        app.ask(Method::GET, path, Some("\"another\"")).await.expect(500);
    }
}

#[tokio::test]
async fn every_route_answers_304_to_its_own_tag() {
    let Some(app) = App::start().await else { return };
    Catalogue::load(&app).await;
    for (route, path) in crate::routes::EXAMPLES {
        if *route == "/v1/compositions/random" {
            continue;
        }
        for cached in [false, true] {
            let ask = async |have| match cached {
                true => app.get_cached(path, have).await,
                false => app.ask(Method::GET, path, have).await,
            };
            let whole = ask(None).await.expect(200);
            let known = ask(Some(whole.etag())).await.expect(304);
            assert_eq!(known.etag(), whole.etag(), "{path}");
            assert_eq!(known.header("cache-control"), whole.header("cache-control"), "{path}");
        }
    }
}

#[tokio::test]
async fn keys_name_everything_that_a_page_shows() {
    let Some(app) = App::start().await else { return };
    let catalogue = Catalogue::load(&app).await;
    let page = app.get(&format!("/v1/compositions/{}", catalogue.nanu.id)).await.expect(200);
    for entity in [
        catalogue.nanu.to_string(),
        catalogue.mohanam.to_string(),
        format!("composer:{}", catalogue.refers.composer),
        format!("tala:{}", catalogue.refers.tala),
        format!("rights:{}", catalogue.refers.rights),
        "list:groups".into(),
    ] {
        assert!(page.keys().contains(&entity.as_str()), "{entity} in {:?}", page.keys());
    }
    let shown = page.body.to_string();
    for kind in ["deity", "temple", "tag", "sampradaya"] {
        let key = page.keys().into_iter().find(|key| key.starts_with(&format!("{kind}:"))).map(str::to_owned);
        let key = key.unwrap_or_else(|| panic!("{kind} in {:?}", page.keys()));
        assert!(kind == "sampradaya" || shown.contains(&key[kind.len() + 1..]), "{key} is shown");
    }
    let raga = app.get("/v1/ragas/mohanam").await.expect(200);
    assert_eq!(raga.keys(), ["list:ragas"], "a new raga may be a relative");
}

#[tokio::test]
async fn crowd_of_keys_falls_back_to_lists() {
    let Some(app) = App::start().await else { return };
    let refers = app.refers().await;
    let songs = (0..60).map(|number| fixtures::kriti(&format!("Kīrtana {number}"), refers)).collect();
    let members: Vec<Uuid> = app.add_all(songs).await.iter().map(|song| song.id).collect();
    app.add(group("Ghana", Some(refers.composer), &members)).await;
    let page = app.get("/v1/groups/ghana").await.expect(200);
    assert_eq!(page.body["about"]["members"].as_array().unwrap().len(), 60);
    let keys = page.keys();
    assert!(
        keys.contains(&"list:compositions")
            && keys.contains(&format!("composer:{}", refers.composer).as_str())
    );
    assert!(keys.iter().all(|key| !key.starts_with("composition:")), "{keys:?}");
    let list = app.get("/v1/compositions").await.expect(200);
    for kind in ["compositions", "composers", "ragas", "talas", "deities", "sampradayas"] {
        assert!(list.keys().contains(&format!("list:{kind}").as_str()), "{kind} in {:?}", list.keys());
    }
}

#[tokio::test]
async fn answers_say_who_gave_them_and_from_which_position() {
    let Some(app) = App::start().await else { return };
    Catalogue::load(&app).await;
    for (route, path) in crate::routes::EXAMPLES {
        let answer = app.get(path).await.expect(200);
        if route.ends_with("openapi.json") || *route == "/docs" {
            assert_eq!(answer.header("x-served-by"), "", "no database is asked for {path}");
            continue;
        }
        // The one server is the primary, though it is read as the nearest node.
        assert!(["a/replica", "a/primary"].contains(&answer.header("x-served-by")), "{path}");
        assert!(answer.header("x-data-age-ms").parse::<u64>().is_ok(), "{path}");
        assert!(answer.header("x-sangraha-read-lsn").parse::<u64>().unwrap() > 0, "{path}");
        assert!(!answer.header("surrogate-key").is_empty(), "{path}");
    }
}

#[tokio::test]
async fn cached_and_new_answers_are_equal() {
    let Some(app) = App::start().await else { return };
    Catalogue::load(&app).await;
    for (route, path) in crate::routes::EXAMPLES {
        if *route == "/v1/compositions/random" {
            continue;
        }
        let plain = app.get(path).await.expect(200);
        for _ in 0..2 {
            let cached = app.get_cached(path, None).await.expect(200);
            assert!(cached.bytes == plain.bytes, "{path}");
            assert_eq!(cached.etag(), plain.etag(), "{path}");
            assert_eq!(cached.header("surrogate-key"), plain.header("surrogate-key"), "{path}");
            assert_eq!(cached.header("content-type"), plain.header("content-type"), "{path}");
        }
    }
}

#[tokio::test]
async fn change_is_seen_through_the_node_s_cache() {
    let Some(app) = App::start().await else { return };
    let catalogue = Catalogue::load(&app).await;
    let (page, list) = (format!("/v1/compositions/{}", catalogue.nanu.id), "/v1/ragas?mela=28");
    let other = app.add(fixtures::mela(8)).await;
    for path in [page.as_str(), list, "/v1/melakartas"] {
        app.get_cached(path, None).await.expect(200);
    }
    app.edit(catalogue.mohanam, janya("Mōhana", other.id, "S R2 G3 P D2 S")).await;
    let shown = app.get_cached(&page, None).await.expect(200);
    assert_eq!(shown.body["ragas"][0]["raga"]["label"], "Mōhana");
    assert_eq!(app.get_cached(list, None).await.body["items"].as_array().unwrap().len(), 1);

    let mut changed = song("Nanu pālimpa", catalogue.refers);
    changed.versions[0].ragas = vec![entry(other.id)];
    app.edit(catalogue.nanu, changed).await;
    app.submit(catalogue.nanu).await;
    app.publish(catalogue.nanu).await;
    let shown = app.get_cached(&page, None).await.expect(200);
    assert_eq!(shown.body["ragas"][0]["raga"]["id"], serde_json::json!(other.id));
    app.add(group("Nava", None, &[catalogue.nanu.id])).await;
    let groups = app.get_cached(&page, None).await.expect(200).body["groups"].clone();
    assert_eq!(groups.as_array().unwrap().len(), 2, "a group that takes it in reaches its page");
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let Some(app) = App::start().await else { return };
    Catalogue::load(&app).await;
    for path in ["/v1/compositions", "/v1/compositions/nanu-palimpa", "/v1/search?q=nanu", "/v1/openapi.json"]
    {
        let (whole, head) =
            (app.get(path).await.expect(200), app.ask(Method::HEAD, path, None).await.expect(200));
        assert!(head.bytes.is_empty(), "{path}");
        assert_eq!(head.etag(), whole.etag(), "{path}");
        for name in ["content-type", "cache-control", "surrogate-key"] {
            assert_eq!(head.header(name), whole.header(name), "{path}");
        }
    }
    app.ask(Method::HEAD, "/v1/compositions/nothing", None).await.expect(404);
}

#[tokio::test]
async fn texts_are_compressed_for_whoever_takes_it_under_a_tag_of_their_own() {
    let Some(app) = App::start().await else { return };
    Catalogue::load(&app).await;
    for path in ["/compositions/nanu-palimpa", "/v1/compositions/nanu-palimpa", "/search?q=nanu", "/about"] {
        let plain = app.get_cached(path, None).await.expect(200);
        let packed = app.packed(path, None).await.expect(200);
        assert_eq!(
            (plain.header("content-encoding"), packed.header("content-encoding")),
            ("", "gzip"),
            "{path}"
        );
        for answer in [&plain, &packed] {
            assert!(answer.header("vary").contains("accept-encoding"), "{path}");
        }
        assert!(packed.bytes.len() * 2 < plain.bytes.len() + 1_000, "{path}: {}", packed.bytes.len());
        assert_ne!(packed.etag(), plain.etag(), "{path}");
        let unchanged = app.packed(path, Some(packed.etag())).await.expect(304);
        assert_eq!(unchanged.etag(), packed.etag(), "{path}");
        assert_eq!(app.packed(path, Some(plain.etag())).await.expect(304).etag(), plain.etag(), "{path}");
        app.get_cached(path, Some(packed.etag())).await.expect(304);
    }
}

#[tokio::test]
async fn an_edge_gets_what_it_keeps_plain_and_once_for_all_clients() {
    let Some(app) = App::start().await else { return };
    Catalogue::load(&app).await;
    for path in ["/v1/compositions", "/", "/v1/search?q=nanu"] {
        let answer = app.packed_by_an_edge(path).await.expect(200);
        assert_eq!((answer.header("content-encoding"), answer.header("vary")), ("", ""), "{path}");
        assert!(!answer.etag().contains("gzip"), "{path}");
    }
    let kept_by_nobody = app.packed_by_an_edge("/v1/compositions/random?seed=7").await.expect(200);
    assert_eq!(kept_by_nobody.header("vary"), "accept-encoding");
}
