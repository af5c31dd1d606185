use edge::model::{Plan, run};

#[test]
fn no_history_serves_what_is_older_than_an_acknowledged_purge() {
    let counts = run(Plan { first_seed: 1, histories: 5_000, careless: false })
        .unwrap_or_else(|stale| panic!("{stale}"));
    assert_eq!(counts.histories, 5_000);
    // Each kind of step took part.
    let parts = [
        counts.served,
        counts.stood_in,
        counts.shared,
        counts.confirmed,
        counts.refused,
        counts.soft,
        counts.deliveries,
        counts.thawed,
        counts.cuts,
        counts.restarts,
        counts.killed,
        counts.lost,
        counts.epochs,
    ];
    assert!(parts.iter().all(|count| *count > 100), "{counts:#?}");
}

#[test]
fn an_edge_that_keeps_what_was_purged_under_way_is_found_out() {
    let stale = run(Plan { first_seed: 1, histories: 1_000, careless: true }).unwrap_err();
    assert!(stale.why.contains("outlived"), "{stale}");
}

#[test]
fn a_purge_voids_a_whole_crowd_at_once() {
    // Whether it was all of them is asserted where it is measured.
    let figures = edge::model::crowd::run(2_000, 100);
    assert_eq!((figures.objects, figures.purges.len()), (2_000, 100));
}
