//! Aggregates, labels, details and lists.

use crate::fixtures::{self, *};
use domain::name::Language;
use domain::reference::ExternalId;
use domain::workflow::State;
use domain::{EntityKind, EntityRef, Record};
use lipi::Script;
use store::{
    AggregateFilter, CompositionFilter, CompositionRow, Cursor, EntityFilter, Error, RagaMode, Read, Sort,
    document_version,
};
use testkit::database::fresh;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn the_migrations_run_twice_and_change_nothing() {
    let Some(database) = fresh().await else { return };
    let tables =
        "select string_agg(tablename, ',' order by tablename) from pg_tables where schemaname = 'public'";
    let before = database.sql(tables);
    store::Store::migrate(&database.owner_url()).await.unwrap();
    assert_eq!(database.sql(tables), before);
    assert!(before.contains("aggregate") && before.contains("outbox_event"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aggregate_comes_back_as_it_was_stored() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let writer = writer(&opened.store);
    let raga = import(&writer, raga("Kalyāṇi")).await;
    let stored = import(&writer, known_as(in_ragas(song("Nidhi cāla"), &[raga.entity.id]), "t1")).await;
    assert_eq!(writer.aggregate(stored.entity).await.unwrap().unwrap(), stored);
    assert_eq!(writer.revision(stored.entity, 1).await.unwrap(), stored.live);
    assert_eq!(writer.revisions(stored.entity).await.unwrap().len(), 1);

    let mut tx = writer.begin("test").await.unwrap();
    let external = ExternalId { scheme: "catalogue".into(), id: "t1".into() };
    let found = tx.aggregate_by_external(EntityKind::Composition, &external).await.unwrap();
    assert_eq!(found.unwrap(), stored);
    let key = domain::Name::display("Kalyani").key(EntityKind::Raga);
    let named = tx.names_by_key(EntityKind::Raga, std::slice::from_ref(&key)).await.unwrap();
    assert_eq!(named, [(key, raga.entity.id)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_workflow_is_stored_step_by_step() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let writer = writer(&opened.store);
    let rights = import(&writer, rights()).await;
    let raga = import(&writer, raga("Śrī")).await.entity.id;
    let tala = import(&writer, tala("Ādi")).await.entity.id;
    let mut text = in_tala(in_ragas(song("Endarō mahānubhāvulu"), &[raga]), tala);
    text.rights = Some(domain::id::RightsId(rights.entity.id));
    let entity = draft(&writer, text.clone()).await;
    let read = any(&opened.store).await;
    assert!(read.detail(entity.kind, entity.id).await.unwrap().is_none());

    change(&writer, entity, |aggregate| aggregate.submit(&stamp()).unwrap()).await.unwrap();
    change(&writer, entity, |aggregate| aggregate.publish(&OPEN_POLICY, &stamp()).unwrap()).await.unwrap();
    let live = any(&opened.store).await.detail(entity.kind, entity.id).await.unwrap().unwrap();
    assert_eq!(live.record.label(), "Endarō mahānubhāvulu");

    text.titles[0].text = "Endaro".into();
    edit(&writer, entity, Record::Composition(text)).await;
    let both = writer.aggregate(entity).await.unwrap().unwrap();
    assert_eq!((both.state, both.live.is_some(), both.draft.is_some()), (State::Draft, true, true));
    let live = any(&opened.store).await.detail(entity.kind, entity.id).await.unwrap().unwrap();
    assert_eq!(live.record.label(), "Endarō mahānubhāvulu");

    let reason = || Some("a doubt".to_owned());
    change(&writer, entity, |aggregate| aggregate.unpublish(reason(), &stamp()).unwrap()).await.unwrap();
    let read = any(&opened.store).await;
    assert!(read.detail(entity.kind, entity.id).await.unwrap().is_none());
    assert_eq!(read.published_count().await.unwrap(), 0);
    assert!(read.labels(&[entity.id], None).await.unwrap().is_empty());
    let truth = read.truth(&[entity]).await.unwrap();
    assert_eq!((truth[0].body.is_none(), truth[0].version), (true, document_version(1, 2)));
    let drafts = AggregateFilter { state: Some(State::Draft), ..AggregateFilter::default() };
    assert_eq!(writer.aggregates(&drafts, 10, None).await.unwrap().items[0].label, "Endaro");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_row_version_is_refused() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let writer = writer(&opened.store);
    let mut ours = import(&writer, raga("Tōḍi")).await;
    edit(&writer, ours.entity, raga("Toḍi")).await;
    let kind = domain::revision::ChangeKind::CuratorEdit;
    let change = ours.edit(raga("Todi"), kind, None, &stamp()).unwrap();
    let mut tx = writer.begin("test").await.unwrap();
    let refused = tx.aggregate_save(&ours, &change).await.unwrap_err();
    // The revision's number is taken by then, which says the same.
    assert!(matches!(refused, Error::RowVersion { .. } | Error::Conflict { .. }), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn taken_slugs_and_ids_and_missing_references_have_names() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let writer = writer(&opened.store);
    let first = import(&writer, known_as(song("Vātāpi"), "t1")).await;
    let mut tx = writer.begin("test").await.unwrap();
    assert_eq!(
        tx.slug_free(EntityKind::Composition, &first.slug).await.unwrap(),
        format!("{}-2", first.slug)
    );
    drop(tx);

    let insert = async |slug: &str, song: domain::Composition| {
        let mut tx = writer.begin("test").await.unwrap();
        let entity = domain::EntityRef { kind: EntityKind::Composition, id: id() };
        let record = Record::Composition(song);
        let made = domain::aggregate::Aggregate::import_new(entity, slug.to_owned(), record, &stamp());
        let (aggregate, change) = made.unwrap();
        tx.aggregate_insert(&aggregate, &change).await.unwrap_err()
    };
    assert!(matches!(insert(&first.slug, song("Another")).await, Error::SlugTaken));
    assert!(matches!(insert("other", known_as(song("Another"), "t1")).await, Error::ExternalIdTaken));
    assert!(matches!(insert("other", in_ragas(song("Another"), &[id()])).await, Error::ReferenceMissing));
    let not_a_raga = import(&writer, tala("Ādi")).await.entity.id;
    let wrong_kind = insert("other", in_ragas(song("Another"), &[not_a_raga])).await;
    assert!(matches!(wrong_kind, Error::ReferenceMissing));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_slug_leads_to_the_new_one() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let writer = writer(&opened.store);
    let raga = import(&writer, raga("Tōḍi")).await;
    let renamed = change(&writer, raga.entity, |aggregate| {
        aggregate.slug = "hanumatodi".into();
        let kind = domain::revision::ChangeKind::Correction;
        aggregate.edit(fixtures::raga("Hanumatōḍi"), kind, None, &stamp()).unwrap()
    });
    renamed.await.unwrap();
    let read = any(&opened.store).await;
    let old = read.resolve(EntityKind::Raga, &raga.slug).await.unwrap().unwrap();
    assert_eq!((old.id, old.slug.as_str(), old.redirected), (raga.entity.id, "hanumatodi", true));
    let id = raga.entity.id.to_string();
    for (reference, redirected) in [("hanumatodi", false), (id.as_str(), false), (raga.slug.as_str(), true)] {
        let found = read.resolve(EntityKind::Raga, reference).await.unwrap().unwrap();
        assert_eq!((found.id, found.redirected), (raga.entity.id, redirected));
        let (live, moved) = read.detail_at(EntityKind::Raga, reference).await.unwrap().unwrap();
        assert_eq!((live.entity, live.slug.as_str(), moved), (raga.entity, "hanumatodi", redirected));
    }
    assert!(read.detail_at(EntityKind::Raga, "no such raga").await.unwrap().is_none());
    assert!(read.resolve(EntityKind::Tala, "hanumatodi").await.unwrap().is_none());
    assert!(read.resolve(EntityKind::Raga, "no such raga").await.unwrap().is_none());
    let mut tx = writer.begin("test").await.unwrap();
    assert_ne!(tx.slug_free(EntityKind::Raga, &raga.slug).await.unwrap(), raga.slug);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detail_is_one_statement_with_labels_and_groups() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let writer = writer(&opened.store);
    let ragas = [import(&writer, raga("Śrī")).await, import(&writer, raga("Ārabhi")).await];
    let tala = import(&writer, tala("Ādi")).await;
    let composer = import(&writer, composer("Tyāgarāja")).await;
    let ids = [ragas[0].entity.id, ragas[1].entity.id, ragas[0].entity.id];
    let song = by(in_tala(in_ragas(song("Endarō"), &ids), tala.entity.id), composer.entity.id);
    let song = import(&writer, song).await;
    let group = import(&writer, group("Pañcaratna", &[song.entity.id])).await;

    let read = any(&opened.store).await;
    let (live, _) = read.detail_at(EntityKind::Composition, &song.slug).await.unwrap().unwrap();
    assert_eq!(read.statements(), 1);
    assert_eq!(live.record, *song.current());
    assert_eq!(live.labels.len(), 4);
    let label = &live.labels[&ragas[0].entity.id];
    assert_eq!(
        (label.label.as_str(), label.entity, label.slug.as_str()),
        ("Śrī", ragas[0].entity, &*ragas[0].slug)
    );
    assert_eq!(label.in_script(Some(Script::Devanagari)), ("श्री", true));
    assert_eq!((live.groups[0].group.entity, live.groups[0].ord), (group.entity, 0));
    let same = read.fingerprint(EntityKind::Composition, song.entity.id).await.unwrap().unwrap();
    assert_eq!(same, live.fingerprint);
    assert_eq!(read.referrers(ragas[0].entity, None, 10).await.unwrap(), [song.entity]);

    // Another name of the raga, and nothing else, changes what the page shows.
    edit(&writer, ragas[0].entity, raga("Śrī rāgaṃ")).await;
    let read = any(&opened.store).await;
    let renamed = read.detail(EntityKind::Composition, song.entity.id).await.unwrap().unwrap();
    assert_eq!(renamed.labels[&ragas[0].entity.id].label, "Śrī rāgaṃ");
    assert_ne!(renamed.fingerprint, live.fingerprint);
    assert_eq!(renamed.hash, live.hash);

    let truth = read.truth(&[song.entity, group.entity]).await.unwrap();
    assert_eq!(truth[0].groups, [group.entity.id]);
    assert_eq!(truth[0].version, document_version(1, 1));
    assert_eq!(truth[1].labels[&song.entity.id].label, "Endarō");
    let versions = read.versions(EntityKind::Raga, None, 10).await.unwrap();
    assert!(versions.contains(&(ragas[0].entity, document_version(1, 2))));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_was_has_a_truth_of_its_own() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let entity = domain::EntityRef { kind: EntityKind::Raga, id: id() };
    let truth = any(&opened.store).await.truth(&[entity]).await.unwrap();
    assert_eq!((truth[0].entity, truth[0].version), (entity, document_version(1, 0)));
    assert!(truth[0].body.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_composition_must_not_be_missed_by_a_group() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let writer = writer(&opened.store);
    let song = import(&writer, song("Jagadānanda")).await;
    let group = import(&writer, group("Pañcaratna", &[song.entity.id])).await;
    let reason = || Some("a double".to_owned());
    let archived = change(&writer, song.entity, |song| song.archive(reason(), &stamp()).unwrap()).await;
    let Err(Error::Referenced { by }) = archived else { panic!("{archived:?}") };
    assert_eq!(by, [group.entity]);
    assert_eq!(any(&opened.store).await.published_count().await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_filter_lets_through_what_it_names() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let writer = writer(&opened.store);
    let mela = import(&writer, mela("Hanumatōḍi", 8)).await.entity.id;
    let janya = import(&writer, janya("Dhanyāsi", mela)).await.entity.id;
    let other = import(&writer, raga("Kalyāṇi")).await.entity.id;
    let tala = import(&writer, tala("Ādi")).await.entity.id;
    let composer = import(&writer, composer("Dīkṣitar")).await.entity.id;
    let tag = import(&writer, tag("bhakti")).await.entity.id;
    let a = import(&writer, by(in_ragas(song("A"), &[mela]), composer)).await.entity.id;
    let b = import(&writer, in_tala(in_ragas(song("B"), &[other, janya]), tala)).await.entity.id;
    let mut c = song("C");
    c.languages = vec![Language::Sa, Language::Ta];
    c.form = domain::composition::Form::Tillana;
    c.tags = vec![domain::id::TagId(tag)];
    let c = import(&writer, c).await.entity.id;
    let group = import(&writer, group("G", &[c, a])).await.entity.id;

    let read = any(&opened.store).await;
    let all = CompositionFilter::default;
    let cases: Vec<(CompositionFilter, Vec<Uuid>)> = vec![
        (all(), vec![a, b, c]),
        (CompositionFilter { composer: Some(composer), ..all() }, vec![a]),
        (CompositionFilter { raga: Some(janya), ..all() }, vec![b]),
        (CompositionFilter { raga: Some(janya), raga_mode: RagaMode::Primary, ..all() }, vec![]),
        (CompositionFilter { raga: Some(other), raga_mode: RagaMode::Primary, ..all() }, vec![b]),
        (CompositionFilter { raga: Some(janya), raga_mode: RagaMode::Family, ..all() }, vec![a, b]),
        (CompositionFilter { raga: Some(mela), raga_mode: RagaMode::Family, ..all() }, vec![a, b]),
        (CompositionFilter { raga: Some(other), raga_mode: RagaMode::Family, ..all() }, vec![b]),
        (CompositionFilter { mela: Some(8), ..all() }, vec![a, b]),
        (CompositionFilter { mela: Some(9), ..all() }, vec![]),
        (CompositionFilter { tala: Some(tala), ..all() }, vec![b]),
        (CompositionFilter { tag: Some(tag), ..all() }, vec![c]),
        (CompositionFilter { group: Some(group), ..all() }, vec![a, c]),
        (CompositionFilter { language: Some(Language::Ta), ..all() }, vec![c]),
        (CompositionFilter { form: Some(domain::composition::Form::Tillana), ..all() }, vec![c]),
        (CompositionFilter { deity: Some(id()), ..all() }, vec![]),
        (CompositionFilter { temple: Some(id()), ..all() }, vec![]),
        (CompositionFilter { sampradaya: Some(id()), ..all() }, vec![]),
        (CompositionFilter { sort: Sort::Newest, ..all() }, vec![c, b, a]),
    ];
    for (filter, expected) in cases {
        let page = read.compositions(&filter, 10, None).await.unwrap();
        let found: Vec<Uuid> = page.items.iter().map(|row| row.id).collect();
        assert_eq!(found, expected, "{filter:?}");
        assert_eq!(read.composition_count(&filter).await.unwrap(), expected.len() as u64);
    }
    let before = read.statements();
    let rows = read.composition_rows(&[c, id(), a]).await.unwrap();
    assert_eq!(read.statements() - before, 2, "a list asks for its rows, then for their labels");
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [c, a]);
    assert_eq!(rows[1].composer.as_ref().unwrap().label, "Dīkṣitar");
    assert_eq!(rows[1].ragas[0].label, "Hanumatōḍi");
    let truth = read.truth(&[song_entity(b), EntityRef { kind: EntityKind::Raga, id: janya }]).await.unwrap();
    assert_eq!((&truth[0].melas[..], &truth[1].melas[..]), (&[8][..], &[8][..]));
    let found = writer.aggregate_resolve(EntityKind::Composition, &rows[0].slug).await.unwrap();
    assert_eq!(found, Some(song_entity(c)));
    let found = writer.aggregate_resolve(EntityKind::Composition, &a.to_string()).await.unwrap();
    assert_eq!(found, Some(song_entity(a)));
    let ragas = read.ragas_all().await.unwrap();
    assert_eq!((ragas.len(), ragas[0].id), (3, mela));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_any_size_make_the_same_list() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let writer = writer(&opened.store);
    let mut tx = writer.begin("test").await.unwrap();
    tx.bulk().await.unwrap();
    for number in 0..23 {
        // Equal titles on purpose: the id decides.
        import_in(&mut tx, song(&format!("Song {}", number % 5))).await;
    }
    tx.commit().await.unwrap();
    let read = any(&opened.store).await;
    for sort in [Sort::Title, Sort::Newest] {
        let filter = CompositionFilter { sort, ..CompositionFilter::default() };
        let whole = walk(&read, &filter, 100).await;
        assert_eq!(whole.len(), 23);
        for limit in [1, 4, 7, 22, 23] {
            assert_eq!(walk(&read, &filter, limit).await, whole, "{sort:?} by {limit}");
        }
    }
    let nth = read.nth_composition(22).await.unwrap();
    assert!(nth.is_some() && read.nth_composition(23).await.unwrap().is_none());
}

fn song_entity(id: Uuid) -> EntityRef {
    EntityRef { kind: EntityKind::Composition, id }
}

async fn walk(read: &Read, filter: &CompositionFilter, limit: usize) -> Vec<Uuid> {
    let mut found = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let page = read.compositions(filter, limit, after.as_ref()).await.unwrap();
        assert!(page.items.len() <= limit);
        found.extend(page.items.iter().map(|row: &CompositionRow| row.id));
        match page.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entities_are_filed_under_letters_of_every_script() {
    let Some(database) = fresh().await else { return };
    let opened = database.open().await;
    let writer = writer(&opened.store);
    let todi = import(&writer, mela("Tōḍi", 8)).await.entity.id;
    let kalyani = import(&writer, raga("Kalyāṇi")).await.entity.id;
    import(&writer, in_ragas(song("One"), &[todi, todi])).await;

    let read = any(&opened.store).await;
    let letters = read.letters(EntityKind::Raga, Script::Latin).await.unwrap();
    assert_eq!(letters.iter().map(|letter| letter.letter.as_str()).collect::<Vec<_>>(), ["K", "T"]);
    let telugu = read.letters(EntityKind::Raga, Script::Telugu).await.unwrap();
    assert_eq!(telugu.iter().map(|letter| letter.count).sum::<u64>(), 2);
    let page = read.browse(EntityKind::Raga, Script::Latin, Some("T"), 10, None).await.unwrap();
    assert_eq!(page.items.iter().map(|row| row.entity.id).collect::<Vec<_>>(), [todi]);

    let all = EntityFilter::default();
    let page = read.entities(EntityKind::Raga, &all, 1, None).await.unwrap();
    assert_eq!((page.items[0].entity.id, page.items[0].count), (kalyani, 0));
    let page = read.entities(EntityKind::Raga, &all, 1, page.next.as_ref()).await.unwrap();
    assert_eq!((page.items[0].entity.id, page.items[0].count, page.next), (todi, 1, None));
    let melas = EntityFilter { mela: Some(8), ..all };
    let page = read.entities(EntityKind::Raga, &melas, 10, None).await.unwrap();
    assert_eq!(page.items.iter().map(|row| row.entity.id).collect::<Vec<_>>(), [todi]);
    assert_eq!(read.entity_count(EntityKind::Raga).await.unwrap(), 2);
}
