//! Worlds in which everything happens, from seeds that are always the same, and what a world that went wrong is told by.

use wardroom::simulation::swarm::script::{Act, Backing, Script};
use wardroom::simulation::swarm::{Counts, generate, generate_over, run, shrink};

/// Worlds that are looked at: a few seconds of a machine that is busy.
const SEEDS: std::ops::Range<u64> = 0..24;
const MINUTES: u64 = 2;

#[test]
fn nothing_that_must_not_be_is_so_in_any_of_these_worlds() {
    let mut messages = 0;
    for seed in SEEDS {
        let script = generate(seed, MINUTES);
        let report = run(&script, false);
        let words = "look at it with: cargo run --release --example simulate -- --seeds 1 --from";
        assert_eq!(report.violation, None, "{words} {seed}");
        messages += report.counts.messages;
    }
    assert!(messages > 2000, "{messages}: nobody talks in these worlds");
}

/// Worlds over the real store, beside those that have it anyway.
const REAL: std::ops::Range<u64> = 0..6;

#[test]
fn nothing_that_must_not_be_is_so_over_a_store_that_loses_what_it_has_not_synced() {
    let mut counts = Counts::default();
    for seed in REAL {
        let report = run(&generate_over(Backing::Sqlite, seed, MINUTES), false);
        let words = "look at it with: cargo run --release --example simulate -- --store sqlite --seeds 1 --from";
        assert_eq!(report.violation, None, "{words} {seed}");
        counts.add(&report.counts);
    }
    assert!(counts.crashes > 20 && counts.kept > 100, "{counts:?}");
}

#[test]
fn the_same_seed_gives_the_same_world_word_for_word_and_another_seed_another() {
    let of = |seed| run(&generate(seed, MINUTES), true);
    let (first, second, other) = (of(3), of(3), of(4));
    assert!(first.lines.len() > 100);
    assert_eq!(first.lines, second.lines);
    assert_eq!(first.digest, second.digest);
    assert_ne!(first.digest, other.digest);
    let over_sqlite = || run(&generate_over(Backing::Sqlite, 3, MINUTES), true);
    assert_eq!(over_sqlite().lines, over_sqlite().lines);
}

#[test]
fn a_script_that_fails_is_left_with_what_makes_it_fail() {
    let fails = |script: &Script| run(script, false).counts.kept > 12;
    let mut scripts = (7..40).map(|seed| generate(seed, MINUTES));
    let whole = scripts.find(fails).expect("a world that keeps something");
    let (short, runs) = shrink(&whole, fails);
    assert!(fails(&short) && runs > 10);
    assert!(short.steps.len() < 40, "{} steps", short.steps.len());
    for left_out in 0..short.steps.len() {
        let mut shorter = short.clone();
        shorter.steps.remove(left_out);
        assert!(!fails(&shorter), "{:?}", short.steps[left_out]);
    }
    assert!(
        short
            .steps
            .iter()
            .any(|step| matches!(step.act, Act::Open { .. }))
    );
}
