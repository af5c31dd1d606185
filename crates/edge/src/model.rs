//! A cache that is too simple to be wrong, beside the real one: random histories of publishing, filling, serving,
//! purging, cutting and restarting from disk, after each of which no answer from memory or disk may be older than a purge
//! that the edge has acknowledged. For tests and for whoever wants to run it longer (`examples/purge_model.rs`).
//!
//! The oracle keeps every acknowledged purge for ever, as text, and compares each answer with all of them: when the
//! request to the origin began, and at which position the origin had read.

pub mod crowd;
mod dice;
mod history;
mod oracle;
mod platter;

use history::History;
use std::fmt;

/// How the histories are made.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The seed of the first history; each further one has the next.
    pub first_seed: u64,
    /// How many.
    pub histories: u64,
    /// Keeps what was purged while it was under way, to see that this is found out.
    pub careless: bool,
}

/// What happened in all histories together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Histories.
    pub histories: u64,
    /// Steps of them.
    pub steps: u64,
    /// Answers from memory that were compared with the oracle.
    pub served: u64,
    /// Stale ones among them, in the place of an error.
    pub stood_in: u64,
    /// Answers that waiters shared.
    pub shared: u64,
    /// Fills that ended, and those among them that only confirmed.
    pub fills: u64,
    /// Answers of 304.
    pub confirmed: u64,
    /// Fills that were not kept because of a purge or a floor.
    pub refused: u64,
    /// Purges that were ordered, and how many of them were soft.
    pub purges: u64,
    /// Soft ones.
    pub soft: u64,
    /// Answers of the feed that were delivered: late, twice, or in another order.
    pub deliveries: u64,
    /// Answers that came back from the disk.
    pub thawed: u64,
    /// Times that the feed fell silent.
    pub cuts: u64,
    /// Restarts, with what lies on the disk.
    pub restarts: u64,
    /// Those after a sudden end, some of them between a purge and its position.
    pub killed: u64,
    /// Those that found the record of purges harmed, and began empty.
    pub lost: u64,
    /// New epochs.
    pub epochs: u64,
}

/// An answer that nobody should have got.
#[derive(Clone, Debug)]
pub struct Stale {
    /// The seed of the history.
    pub seed: u64,
    /// What it was, and what it should not have outlived.
    pub why: String,
    /// The steps up to it, the last ones of them.
    pub trace: Vec<String>,
}

impl fmt::Display for Stale {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "seed {}: {}", self.seed, self.why)?;
        self.trace.iter().try_for_each(|line| writeln!(formatter, "  {line}"))
    }
}

/// Runs the histories of `plan`, until one of them serves what it must not.
pub fn run(plan: Plan) -> Result<Counts, Box<Stale>> {
    let mut counts = Counts::default();
    for seed in plan.first_seed..plan.first_seed.saturating_add(plan.histories) {
        let mut history = History::new(seed, plan.careless);
        history.run()?;
        counts.add(&history.counts);
    }
    Ok(counts)
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.histories += 1;
        self.steps += other.steps;
        self.served += other.served;
        self.stood_in += other.stood_in;
        self.shared += other.shared;
        self.fills += other.fills;
        self.confirmed += other.confirmed;
        self.refused += other.refused;
        self.purges += other.purges;
        self.soft += other.soft;
        self.deliveries += other.deliveries;
        self.thawed += other.thawed;
        self.cuts += other.cuts;
        self.restarts += other.restarts;
        self.killed += other.killed;
        self.lost += other.lost;
        self.epochs += other.epochs;
    }
}
