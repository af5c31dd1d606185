//! Promises about what a text means: names in it, lines of songs, misspelt words, orders, explanations.

use super::*;

/// Two composers, two ragas of one mela, a tala, and three songs, one of them with words.
async fn with_names(bench: &Bench) -> Search {
    let search = bench.open().await;
    let raga =
        |number, names: &[&str]| Document { melas: vec![65], ..named(EntityKind::Raga, number, names) };
    let sung = |number, title, raga: u128, composer: u128| Document {
        ragas: vec![id(raga)],
        primary_raga: Some(id(raga)),
        melas: vec![65],
        composer: Some(id(composer)),
        talas: vec![id(40)],
        languages: vec!["te".to_owned()],
        ..song(number, title)
    };
    let mut fragment = sung(3, "amma rAvamma", 10, 20);
    fragment.lyrics = vec![
        LyricSection {
            section: id(70),
            label: "pallavi".to_owned(),
            script: Script::Latin,
            lines: vec!["amma rAvamma tulasamma".to_owned()],
        },
        LyricSection {
            section: id(71),
            label: "charanam 2".to_owned(),
            script: Script::Telugu,
            lines: vec!["నీవు సోకిన వన్నెలు".to_owned(), "కలిగిన మానవులకు దొరకునా".to_owned()],
        },
    ];
    let changes = [
        raga(10, &["Kalyāṇi", "Mechakalyani"]),
        raga(11, &["Sāraṅga"]),
        named(EntityKind::Composer, 20, &["Tyagaraja", "Saint Tyagaraja"]),
        named(EntityKind::Composer, 21, &["Syama Sastri"]),
        named(EntityKind::Tala, 40, &["Adi"]),
        sung(1, "nidhi cAla sukhamA", 10, 20),
        sung(2, "himAdri sutE pAhimAM", 10, 21),
        fragment,
        sung(4, "enta bhAgyamu", 11, 20),
        song(5, "kalyANi kAmAkshi"),
    ];
    search.apply(&changes.map(Change::Put)).await.unwrap();
    search
}

pub(super) async fn names_in_a_text_narrow_it(bench: &Bench) {
    let search = with_names(bench).await;
    assert_eq!(found(&search, "tyagaraja kalyani").await, [3, 1], "every name, by title");
    assert_eq!(found(&search, "raga kalyani tyagaraja adi").await, [3, 1]);
    assert_eq!(found(&search, "త్యాగరాజ కల్యాణి").await, [3, 1]);
    assert_eq!(found(&search, "songs by syama sastri in kalyani raga").await, [2]);
    assert_eq!(found(&search, "nidhi chala kalyani").await, [1], "a name and the rest a title");
    let alone = search.query(&Query::text("kalyani")).await.unwrap();
    let hits: Vec<_> = alone.hits.iter().map(|hit| (hit.entity.id.as_u128(), hit.class)).collect();
    let named = MatchClass::Named;
    assert_eq!(hits, [(3, named), (2, named), (1, named), (5, MatchClass::Prefix)]);
    let chip = &alone.interpretations[0];
    assert_eq!((chip.facet, chip.text.as_str(), chip.alias.as_str()), (Facet::Raga, "kalyani", "Kalyāṇi"));
    assert_eq!((&chip.values[..], chip.range.clone()), (&[id(10).to_string()][..], 0..7));
    search.apply(&[Change::Delete { entity: entity(EntityKind::Raga, 10), version: 2 }]).await.unwrap();
    assert_eq!(found(&search, "kalyani").await, [5], "a name that is gone links no more");
}

pub(super) async fn a_removed_chip_is_a_word_again(bench: &Bench) {
    let search = with_names(bench).await;
    let query = Query { unlink: vec![id(10).to_string()], ..Query::text("kalyani") };
    let answer = search.query(&query).await.unwrap();
    assert_eq!(answer.hits.iter().map(|hit| hit.entity.id).collect::<Vec<_>>(), [id(5)]);
    assert!(answer.interpretations.is_empty());
}

pub(super) async fn a_line_from_the_middle_is_found_and_marked(bench: &Bench) {
    let search = with_names(bench).await;
    for text in ["kaligina manavulaku", "గలిగిన మానవులకు", "manavulaku dorakuna"]
    {
        let answer = search.query(&Query::text(text)).await.unwrap();
        let hit = answer.hits.first().unwrap_or_else(|| panic!("{text}"));
        assert_eq!((hit.entity.id, hit.class), (id(3), MatchClass::Lyric), "{text}");
        assert!(!answer.low_confidence, "{text}");
        let matched = &hit.matched[0];
        let place = matched.place.as_ref().unwrap();
        assert_eq!((matched.field, matched.script), ("lyric", Script::Telugu));
        assert_eq!((place.section, place.label.as_str(), place.line), (id(71), "charanam 2", 2));
        assert!(!matched.ranges.is_empty());
        assert!(matched.ranges.iter().any(|bytes| &matched.text[bytes.clone()] == "మానవులకు"), "{text}");
    }
}

pub(super) async fn misspelt_and_joined_words_are_found(bench: &Bench) {
    let search = with_titles(bench).await;
    for (text, wanted) in [
        ("endaro mahanubavuku", 1),
        ("vatapi ganxpatim", 2),
        ("nagumomuganaleni", 3),
        ("naguomu gnaleni", 3),
        ("jaga dananda karaka", 6),
        ("jagadanada karka", 6),
        ("நகுமோமு கனலேனி", 3),
    ] {
        let first = search.query(&Query::text(text)).await.unwrap().hits.first().map(|hit| hit.entity.id);
        assert_eq!(first, Some(id(wanted)), "{text}");
    }
    let guess = search.query(&Query::text("nagumo ganilena thing")).await.unwrap();
    assert_eq!(guess.hits[0].entity.id, id(3));
    assert!(!guess.low_confidence || guess.did_you_mean.as_deref() == Some(TITLES[2]));
}

pub(super) async fn a_family_of_ragas_is_one_filter(bench: &Bench) {
    let search = with_names(bench).await;
    let of = |raga_mode, raga: u128| Query {
        filters: Filters::default().with(Facet::Raga, id(raga)),
        raga_mode,
        ..Query::default()
    };
    assert_eq!(ids(&search, &of(RagaMode::Any, 11)).await, [4]);
    assert_eq!(ids(&search, &of(RagaMode::Family, 11)).await, [3, 4, 2, 1], "all of the mela");
    assert_eq!(ids(&search, &of(RagaMode::Family, 99)).await, [0_u128; 0]);
}

pub(super) async fn titles_sort_in_the_alphabet_of_a_script(bench: &Bench) {
    let search = bench.open().await;
    let titled = |number, latin: &str, telugu: Option<&str>| {
        let key = |text: &str| lipi::collation_key(text, Script::Telugu);
        let sort_titles = telugu.map(|text| (Script::Telugu, key(text))).into_iter().collect();
        Change::Put(Document { sort_titles, ..song(number, latin) })
    };
    let changes = [
        titled(1, "rAma", Some("రామ")),
        titled(2, "endarO", Some("ఎందరో")),
        titled(3, "ambA", None),
        titled(4, "kamalA", Some("కమలా")),
        titled(5, "SrI", None),
    ];
    search.apply(&changes).await.unwrap();
    let sorted = |script, limit| Query { sort: Sort::Title, script, limit, ..Query::default() };
    assert_eq!(ids(&search, &sorted(None, 9)).await, [3, 2, 4, 1, 5]);
    let telugu = Some(Script::Telugu);
    assert_eq!(
        ids(&search, &sorted(telugu, 9)).await,
        [2, 4, 1, 3, 5],
        "those without a title in it come last"
    );
    assert_eq!(pages(&search, &sorted(telugu, 2)).await, [2, 4, 1, 3, 5]);
}

pub(super) async fn an_answer_explains_itself(bench: &Bench) {
    let search = with_names(bench).await;
    let plain = search.query(&Query::text("nidhi chala kalyani")).await.unwrap();
    assert!(plain.explanation.is_none() && plain.hits[0].because.is_none());
    let query = Query { explain: true, ..Query::text("nidhi chala kalyani") };
    let answer = search.query(&query).await.unwrap();
    let because = answer.hits[0].because.as_deref().unwrap();
    assert!(because.contains("nidhi cAla sukhamA") && because.contains("Kalyāṇi"), "{because}");
    let explanation = answer.explanation.unwrap();
    assert_eq!((explanation.key.as_str(), explanation.loose), ("nidicalakalyani", false));
    assert!(explanation.readings.len() >= 2, "{explanation:?}");
    let hurried = Query { ms_max: Some(0), ..Query::text("nidhi") };
    assert!(search.query(&hurried).await.unwrap().partial, "a deadline of the caller's");
}

pub(super) async fn a_pattern_of_swaras_narrows_and_is_marked(bench: &Bench) {
    use domain::music::Swara::{D2, G3, M1, N2, P, R2, S};
    let search = bench.open().await;
    let notated = |number, title, rows: Vec<Vec<domain::music::Swara>>| {
        let section = SwaraSection { section: id(70), label: "pallavi".to_owned(), rows };
        Document { swaras: vec![section], ..song(number, title) }
    };
    let changes = [
        notated(1, "vara vINA", vec![vec![G3, G3, P], vec![P, D2, P, S]]),
        notated(2, "kereya nIranu", vec![vec![S, R2, G3, M1, P, D2, N2, S, R2]]),
        song(3, "vara vINA mRdu pANi"),
    ];
    search.apply(&changes.map(Change::Put)).await.unwrap();
    let asked = |text: Option<&str>, swaras: &str| Query {
        text: text.map(str::to_owned),
        swaras: Some(SwaraPattern::parse(swaras).unwrap()),
        facets: vec![Facet::Raga],
        ..Query::default()
    };
    assert_eq!(ids(&search, &asked(None, "g p p d")).await, [1], "over the end of an avartanam");
    assert_eq!(ids(&search, &asked(None, "S R2 G3 M1 P D2 N2 S R2")).await, [2], "longer than one run");
    assert_eq!(ids(&search, &asked(None, "S R1 G3")).await, [0_u128; 0]);
    assert_eq!(ids(&search, &asked(Some("vara veena"), "g g p")).await, [1], "beside words");
    assert_eq!(ids(&search, &asked(Some("kereya"), "g g p")).await, [0_u128; 0]);
    let answer = search.query(&asked(None, "G3 P P D2")).await.unwrap();
    let matched = &answer.hits[0].matched[0];
    assert_eq!((matched.field, matched.text.as_str()), ("notation", "G3 G3 P P D2 P S"));
    assert_eq!(matched.ranges, [3..5, 6..7, 8..9, 10..12]);
    assert_eq!(matched.place.as_ref().map(|place| (place.label.as_str(), place.line)), Some(("pallavi", 1)));
    assert_eq!(answer.total, 1);
}

pub(super) async fn suggested_names_say_how_many_songs_have_them(bench: &Bench) {
    let search = with_names(bench).await;
    let counts = async |text: &str| {
        let suggest = Suggest { text: text.to_owned(), kinds: Vec::new(), limit: 10 };
        let found = search.suggest(&suggest).await.unwrap();
        found.into_iter().map(|one| (one.kind, one.songs)).collect::<Vec<_>>()
    };
    let found = counts("kaly").await;
    assert!(found.contains(&(EntityKind::Raga, Some(3))), "{found:?}");
    assert!(found.contains(&(EntityKind::Composition, None)), "{found:?}");
    assert_eq!(counts("tyaga").await, [(EntityKind::Composer, Some(3))]);
}
