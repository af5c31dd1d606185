use super::*;

fn purge(position: u64, tags: &[&str], floor_lsn: u64) -> Purge {
    Purge { position, tags: tags.iter().map(|tag| (*tag).to_owned()).collect(), floor_lsn, soft: false }
}

fn soft(position: u64, tags: &[&str]) -> Purge {
    Purge { soft: true, ..purge(position, tags, 0) }
}

#[test]
fn a_purge_voids_what_was_fetched_before_it() {
    let generations = Generations::new(100);
    let (a, b) = ([generations.tag("a")], [generations.tag("b")]);
    let before = generations.now();
    generations.apply(&[purge(1, &["a"], 0)]);
    assert_eq!(generations.standing(before, &a), Validity::Gone);
    assert!(generations.allows(before, &b));
    assert!(generations.allows(generations.now(), &a));
    assert_eq!(generations.admits(before, &a, None), Err(Reason::PurgedInFill));
}

#[test]
fn a_soft_purge_asks_for_a_confirmation_and_a_hard_one_stands_above_it() {
    let generations = Generations::new(100);
    let a = [generations.tag("a")];
    let before = generations.now();
    generations.apply(&[soft(1, &["a"])]);
    assert_eq!(generations.standing(before, &a), Validity::Soft);
    assert_eq!(generations.admits(before, &a, None), Err(Reason::PurgedInFill));
    assert!(generations.allows(generations.now(), &a));
    generations.apply(&[purge(2, &["a"], 0)]);
    assert_eq!(generations.standing(before, &a), Validity::Gone);
    generations.apply(&[soft(3, &["a"])]);
    assert_eq!(generations.standing(before, &a), Validity::Gone);
}

#[test]
fn everything_can_be_softened() {
    let generations = Generations::new(100);
    let before = generations.now();
    assert!(!generations.apply(&[soft(1, &["all"])]), "memory is not freed");
    assert_eq!(generations.standing(before, &[]), Validity::Soft);
    let between = generations.now();
    generations.soften_all();
    assert_eq!(generations.standing(between, &[]), Validity::Soft);
    assert!(generations.allows(generations.now(), &[]));
}

#[test]
fn a_response_read_before_the_floor_is_not_stored() {
    let generations = Generations::new(100);
    generations.apply(&[purge(1, &["a"], 500)]);
    let (fill, a) = (generations.now(), [generations.tag("a")]);
    assert_eq!(generations.admits(fill, &a, Some(499)), Err(Reason::Floor));
    assert_eq!(generations.admits(fill, &a, Some(500)), Ok(()));
    assert_eq!(generations.admits(fill, &a, None), Ok(()));
    assert_eq!(generations.admits(fill, &[generations.tag("b")], Some(1)), Ok(()));
}

#[test]
fn a_floor_never_falls() {
    let generations = Generations::new(100);
    generations.apply(&[purge(1, &["a"], 500), purge(2, &["a"], 400)]);
    let a = [generations.tag("a")];
    assert_eq!(generations.admits(generations.now(), &a, Some(450)), Err(Reason::Floor));
}

#[test]
fn the_tag_of_everything_voids_everything() {
    let generations = Generations::new(100);
    let before = generations.now();
    assert!(generations.apply(&[purge(1, &["all"], 7)]));
    assert!(!generations.allows(before, &[]));
    let fill = generations.now();
    assert_eq!(generations.admits(fill, &[generations.tag("a")], Some(6)), Err(Reason::Floor));
    assert!(generations.allows(fill, &[]));
}

#[test]
fn forgetting_marks_voids_the_fills_that_they_guarded() {
    let generations = Generations::new(10);
    let first = generations.now();
    for position in 1..=11 {
        generations.apply(&[purge(position, &[&format!("t{position}")], position)]);
    }
    assert!(generations.marks().by_tag.len() <= 10);
    assert!(!generations.allows(first, &[generations.tag("t1")]));
    let fill = generations.now();
    assert_eq!(generations.admits(fill, &[generations.tag("t1")], Some(0)), Err(Reason::Floor));
}

#[test]
fn dropping_all_voids_even_untagged_fills() {
    let generations = Generations::new(10);
    let before = generations.now();
    generations.drop_all(false);
    assert!(!generations.allows(before, &[]));
    assert!(generations.allows(generations.now(), &[]));
}

#[test]
fn floors_outlive_a_drop_but_not_an_epoch() {
    let generations = Generations::new(10);
    generations.apply(&[purge(1, &["a"], 500)]);
    let a = [generations.tag("a")];
    generations.drop_all(false);
    assert_eq!(generations.admits(generations.now(), &a, Some(1)), Err(Reason::Floor));
    generations.drop_all(true);
    assert_eq!(generations.admits(generations.now(), &a, Some(1)), Ok(()));
}

#[test]
fn a_tag_in_parts_is_the_tag_of_the_whole() {
    let generations = Generations::new(10);
    let whole = generations.tag("prefix example.test/v1/compositions");
    assert_eq!(generations.tag_of(&["prefix ", "example.test/v1", "/compositions"]), whole);
}

#[test]
fn before_the_feed_is_heard_nothing_that_states_a_position_is_stored() {
    let generations = Generations::new(10);
    generations.await_feed();
    assert_eq!(generations.admits(generations.now(), &[], Some(u64::MAX - 1)), Err(Reason::Floor));
    assert_eq!(generations.admits(generations.now(), &[], None), Ok(()));
    generations.drop_all(true);
    generations.raise_floor(500);
    assert_eq!(generations.admits(generations.now(), &[], Some(499)), Err(Reason::Floor));
    assert_eq!(generations.admits(generations.now(), &[], Some(500)), Ok(()));
}
