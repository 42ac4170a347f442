use super::super::attack::STRANGERS;
use super::*;

const ATTACK: Attack = Attack {
    expect: &[Outcome::Status(429)],
    signs: &["limited:x"],
    ..STRANGERS
};
const MIB: u64 = 1024 * 1024;

pub(in crate::siege) fn good() -> Finding {
    let all = Arrivals {
        came: 40,
        got_in: 40,
    };
    let times = |p99| Quantiles {
        p99,
        ..Quantiles::default()
    };
    Finding {
        attack: "x",
        what: "x",
        limits: &[],
        expected: Vec::new(),
        seconds: 3.0,
        connections: 10,
        shots: 10,
        outcomes: BTreeMap::new(),
        errors: BTreeMap::new(),
        limited: BTreeMap::new(),
        shown: None,
        calm: times(3.0),
        under_attack: times(6.0),
        slowdown: 2.0,
        starved: [Starved::default(); 2],
        said: 1000,
        lost: 0,
        put_out: 0,
        newcomers_calm: all,
        newcomers: all,
        neighbours: Arrivals { got_in: 38, ..all },
        arrival_calm: Quantiles::default(),
        arrival: Quantiles::default(),
        memory: Some(Memory {
            calm: 10 * MIB,
            peak: 128 * MIB,
            peak_max: 0,
            after: 11 * MIB,
        }),
        cpu_per_connection_us: None,
        recovered_ms: Some(1.0),
        verdict: Verdict::Failed,
        not_reached: None,
        unreached: Vec::new(),
        faults: Vec::new(),
        is_only_late: false,
        before: Vec::new(),
    }
}

fn judged(found: &mut Finding, outcome: Outcome, has_sign: bool) -> Vec<String> {
    let sign = match has_sign {
        true => Sign::Given,
        false => Sign::Missing,
    };
    judged_by(sign, found, outcome)
}

fn judged_by(sign: Sign, found: &mut Finding, outcome: Outcome) -> Vec<String> {
    let law = Law {
        unnoticed: Duration::from_millis(2),
        memory: 104 * MIB,
    };
    let outcomes = BTreeMap::from([(outcome, 3), (Outcome::UnderWay, 1)]);
    judge(&ATTACK, &outcomes, sign, found, &law);
    found.faults.clone()
}

#[test]
fn what_holds_at_its_bounds_has_no_fault() {
    let mut found = good();
    assert_eq!(judged(&mut found, Outcome::Status(429), true), [""; 0]);
    assert_eq!(found.verdict, Verdict::Held);
    let mut quick = good();
    (quick.calm.p99, quick.under_attack.p99) = (0.1, 2.0);
    assert_eq!(judged(&mut quick, Outcome::Status(429), true), [""; 0]);
}

#[test]
fn everything_that_does_not_hold_is_told_once_with_its_figures() {
    type Spoil = fn(&mut Finding);
    let spoils: [(Spoil, &str); 9] = [
        (|found| found.lost = 1, "1 of 1000 deliveries"),
        (|found| found.put_out = 2, "2 honest people were put out"),
        (|found| found.under_attack.p99 = 6.1, "at most 6.00 ms"),
        (
            |found| found.newcomers_calm.got_in = 39,
            "39 of 40 newcomers got in within 2 s before it",
        ),
        (
            |found| found.newcomers.got_in = 39,
            "39 of 40 newcomers got in within 2 s; all must",
        ),
        (
            |found| found.neighbours.got_in = 37,
            "37 of 40 newcomers from",
        ),
        (|found| found.recovered_ms = None, "are not what they were"),
        (
            |found| found.memory.iter_mut().for_each(|memory| memory.peak += 1),
            "at most 128.0 MiB",
        ),
        (
            |found| found.memory.iter_mut().for_each(|memory| memory.after += 1),
            "11.0 MiB of memory 10 s after it, 10.0 MiB before it",
        ),
    ];
    for (spoil, told) in spoils {
        let mut found = good();
        spoil(&mut found);
        let faults = judged(&mut found, Outcome::Status(429), true);
        assert!(
            matches!(&*faults, [fault] if fault.contains(told)),
            "{told}: {faults:?}"
        );
        assert_eq!(found.verdict, Verdict::Failed, "{told}");
    }
    let mut idle = good();
    idle.connections = 0;
    let faults = judged(&mut idle, Outcome::UnderWay, true);
    assert_eq!(faults, ["no attacker has connected"]);
    let unexpected = judged(&mut good(), Outcome::Held, true);
    assert_eq!(
        unexpected,
        ["3 of 10 connections: held, which is not expected"]
    );
    let silent = judged(&mut good(), Outcome::Status(429), false);
    assert_eq!(silent, ["none of limited:x said no"]);
}

#[test]
fn an_attack_whose_limits_lie_beyond_it_has_not_held_and_not_failed_but_for_another_fault() {
    let unreached = || {
        let mut found = good();
        found.not_reached = Some("limits.x = 9: the attack goes to 8".to_owned());
        found
    };
    let mut found = unreached();
    assert_eq!(judged(&mut found, Outcome::Status(429), false), [""; 0]);
    assert_eq!(found.verdict, Verdict::NotReached);
    let mut found = unreached();
    found.lost = 1;
    judged(&mut found, Outcome::Status(429), false);
    assert_eq!(found.verdict, Verdict::Failed);
}

#[test]
fn who_is_let_pass_by_a_rehearsed_limit_is_no_fault_and_whatever_else_comes_of_it_is() {
    let attack = Attack {
        limits: &["limits.x"],
        ..ATTACK
    };
    let law = Law {
        unnoticed: Duration::from_millis(2),
        memory: 104 * MIB,
    };
    for (counted, outcome, expected) in [
        (rehearsed("x"), Outcome::Held, Verdict::Held),
        (rehearsed("x"), Outcome::Status(503), Verdict::Failed),
        (rehearsed("y"), Outcome::Held, Verdict::Failed),
        ("x".to_owned(), Outcome::Held, Verdict::Failed),
    ] {
        let mut found = good();
        found.limited.insert(counted.clone(), 3);
        let outcomes = BTreeMap::from([(outcome, 3)]);
        judge(&attack, &outcomes, Sign::Given, &mut found, &law);
        assert_eq!(found.verdict, expected, "{counted} {outcome}");
    }
}

#[test]
fn a_slow_answer_of_a_server_that_had_no_core_is_no_verdict_and_anything_else_is() {
    let mut found = good();
    found.under_attack.p99 = 7.0;
    found.starved[1].server = STARVED_UNSURE_PERCENT;
    let faults = judged(&mut found, Outcome::Status(429), true);
    assert_eq!(found.verdict, Verdict::Unsure);
    assert!(found.is_only_late, "it is worth another try");
    assert!(
        matches!(&*faults, [fault] if fault.contains("from its core for 5 % of the time")),
        "{faults:?}"
    );
    found.lost = 1;
    judged(&mut found, Outcome::Status(429), true);
    assert_eq!(found.verdict, Verdict::Failed);
    assert!(!found.is_only_late, "another try changes nothing");
}

#[test]
fn a_server_that_does_not_tell_its_counters_has_not_held() {
    let mut found = good();
    let faults = judged_by(Sign::NotTold, &mut found, Outcome::Status(429));
    assert_eq!(faults, ["the server did not tell its counters"]);
    assert_eq!(found.verdict, Verdict::Failed);
}

#[test]
fn an_attack_that_nothing_was_seen_to_hold_is_no_success_where_counters_are_not_looked_at() {
    let attack = Attack {
        expect: &[Outcome::Held, Outcome::Status(429)],
        ..ATTACK
    };
    let law = Law {
        unnoticed: Duration::from_millis(2),
        memory: 104 * MIB,
    };
    let judged = |sign, outcomes: &[Outcome], error: Option<&str>| {
        let mut found = good();
        found.errors = error.map(|code| (code.to_owned(), 1)).into_iter().collect();
        let outcomes = outcomes.iter().map(|outcome| (*outcome, 3)).collect();
        judge(&attack, &outcomes, sign, &mut found, &law);
        (found.verdict, found.faults.len())
    };
    let open = [Outcome::Held];
    let one_refused = [Outcome::Held, Outcome::Status(429)];
    let (held, unsure) = ((Verdict::Held, 0), (Verdict::Unsure, 1));
    assert_eq!(judged(Sign::NotAsked, &open, None), unsure);
    assert_eq!(judged(Sign::NotAsked, &one_refused, None), held);
    assert_eq!(judged(Sign::NotAsked, &open, Some("rate_limited")), held);
    for sign in [Sign::Given, Sign::Uncounted] {
        assert_eq!(judged(sign, &open, None), held, "{sign:?}");
    }
}

#[test]
fn a_round_is_judged_by_people_and_by_who_is_left_and_not_by_times_or_memory() {
    let mut found = good();
    found.under_attack.p99 = 600.0;
    found.memory.iter_mut().for_each(|memory| memory.after *= 9);
    assert_eq!(faults_of_round(&found, true), [""; 0]);
    found.newcomers.got_in = 39;
    found.lost = 1;
    let faults = faults_of_round(&found, false);
    let told = ["1 of 1000 deliveries", "39 of 40", "are not what they were"];
    assert_eq!(faults.len(), told.len(), "{faults:?}");
    for (fault, told) in faults.iter().zip(told) {
        assert!(fault.contains(told), "{told}: {fault}");
    }
}

#[test]
fn of_those_that_may_be_held_no_more_may_be_than_were_expected() {
    const ONCE: Attack = Attack {
        expect: &[Outcome::Held],
        held_max: 1,
        ..ATTACK
    };
    let law = Law {
        unnoticed: Duration::ZERO,
        memory: 104 * MIB,
    };
    for (held, faults) in [(1, 0), (2, 1)] {
        let mut found = good();
        let outcomes = BTreeMap::from([(Outcome::Held, held)]);
        judge(&ONCE, &outcomes, Sign::Given, &mut found, &law);
        assert_eq!(found.faults.len(), faults, "{:?}", found.faults);
    }
}
