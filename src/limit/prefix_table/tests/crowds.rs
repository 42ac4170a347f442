//! More prefixes than there are slots, and what they can and can not do to each other.

use std::collections::BTreeMap;
use std::ops::Range;

use super::*;

/// As it is by default.
const FAILURES: Rate = Rate::new(10, Duration::from_secs(60));

fn second(second: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(second)
}

/// A bad token; whether it was looked at, and was an offence.
fn guess(table: &mut PrefixTable, address: IpAddr, now: Instant) -> bool {
    let key = table.find(address, now);
    let failures = &mut table.entry(key).failed_authentications;
    let is_allowed = failures.take(1, FAILURES, now).is_ok();
    if is_allowed {
        table.note_offence(address, now);
    }
    is_allowed
}

/// Bad tokens that somebody could still show.
fn left(table: &mut PrefixTable, address: IpAddr, now: Instant) -> u64 {
    let key = table.find(address, now);
    let failures = table.entry(key).failed_authentications;
    FAILURES.burst.saturating_sub(failures.used(FAILURES, now))
}

#[test]
fn however_many_networks_show_a_bad_token_each_a_fresh_one_gets_most_of_a_bucket() {
    // The default table, as fast as its slots regain what they owe; and a small one, all at once.
    for (slots, networks, in_a_second) in [(16_384, 100_000, 2500), (1024, 4000, u32::MAX)] {
        let mut table = table(slots);
        for number in 0..networks {
            let now = second(u64::from(number / in_a_second));
            assert!(guess(&mut table, network(number), now), "{number}");
            if number % 1000 == 999 {
                let fresh = network(1 << 20 | number);
                let left = left(&mut table, fresh, now);
                assert!(left >= 5, "{left} left after {number} networks");
                let key = table.find(fresh, now);
                assert!(matches!(key, PrefixKey::Own(_)), "{key:?} after {number}");
            }
        }
    }
}

#[test]
fn whoever_takes_over_a_slot_owes_what_it_owes_and_has_earned_nothing() {
    let mut table = table(64);
    let now = Instant::ZERO;
    let half = table.kept.earned;
    for number in 0..56 {
        (0..3).for_each(|_| assert!(guess(&mut table, network(number), now)));
        let key = table.find(network(number), now);
        let entry = table.entry(key);
        entry.earned.gain(half, now);
        entry.earned.lose(half, now);
        (0..9).for_each(|_| assert!(!entry.penalty.refused_unjudged()));
    }
    assert_eq!(left(&mut table, network(100), now), 7);
    let key = table.find(network(100), now);
    let entry = table.entry(key);
    assert_eq!(entry.prefix().to_string(), "0.0.100.9/32");
    assert_eq!(entry.earned.room(half, now), 0);
    assert!(entry.penalty.refused_unjudged(), "the tenth");
}

#[test]
fn of_the_slots_that_are_looked_at_the_lightest_is_taken_over() {
    let mut table = table(18);
    let now = Instant::ZERO;
    for number in 0..16 {
        let times = if number == 11 { 1 } else { 3 };
        (0..times).for_each(|_| assert!(guess(&mut table, network(number), now)));
    }
    let lightest = table.find(network(11), now);
    assert_eq!(table.find(network(100), now), lightest);
    assert_eq!(left(&mut table, network(100), now), 9);
}

#[test]
fn who_has_used_up_a_bucket_gets_no_token_sooner_by_sending_others_through() {
    let mut table = table(64);
    let greedy = network(1 << 20);
    let own = table.find(greedy, second(0));
    let mut allowed = 0;
    let mut crowd = 0;
    for now in 0..60 {
        while guess(&mut table, greedy, second(now)) {
            allowed += 1;
        }
        assert!(allowed <= 10 + now / 6, "{allowed} after {now} s");
        // Until time has brought a token back, nobody else is given its slot.
        assert!(now > 5 || table.find(greedy, second(now)) == own);
        for _ in 0..1000 {
            crowd += 1;
            guess(&mut table, network(crowd), second(now + 1));
        }
    }
    assert_ne!(table.find(greedy, second(60)), own);
}

#[test]
fn whoever_has_offended_lately_takes_over_no_slot_in_which_others_owe_something() {
    let mut table = table(64);
    let busy = |table: &mut PrefixTable, now| {
        (0..56).for_each(|number| assert!(guess(table, network(number), now)));
    };
    let offender = network(100);
    table.note_offence(offender, second(0));
    busy(&mut table, second(0));
    let key = table.find(offender, second(0));
    assert!(matches!(key, PrefixKey::Parent(_)), "{key:?}");
    let key = table.find(offender, second(6));
    assert!(
        matches!(key, PrefixKey::Own(_)),
        "nobody owes any more: {key:?}"
    );
    let offender = network(101);
    table.note_offence(offender, second(6));
    busy(&mut table, second(66));
    let key = table.find(offender, second(66));
    assert!(matches!(key, PrefixKey::Own(_)), "a minute later: {key:?}");
}

#[test]
fn whoever_keeps_a_whole_table_busy_for_a_minute_keeps_few_newcomers_out() {
    // A sixteenth of the default table, of 24,000 networks, and of 10,000 bad tokens in a second; the table regains 171.
    const IN_A_SECOND: u32 = 625;
    let mut table = table(1024);
    let mut got_in = [0, 0];
    for number in 0..60 * IN_A_SECOND {
        let now = Instant::ZERO + Duration::from_secs(1) * number / IN_A_SECOND;
        guess(&mut table, network(number % 1500), now);
        if number % 25 == 0 {
            // They show no bad token, and find that they might.
            let is_in = left(&mut table, network(1 << 20 | number), now) > 0;
            let half = usize::from(number >= 30 * IN_A_SECOND);
            got_in[half] += u32::from(is_in);
        }
    }
    let [first, second] = got_in.map(|count| count * 100 / 750);
    assert!(first >= 95 && second >= 95, "{first} % and {second} %");
}

type Use = fn(&mut PrefixEntry, Kept, Instant);

/// A prefix for each use, in a small table.
fn used<const N: usize>(table: &mut PrefixTable, uses: [Use; N], now: Instant) -> [PrefixKey; N] {
    let kept = table.kept;
    uses.map(|in_use| {
        let number = table.own.entries.len() as u32;
        let key = table.find(network(number), now);
        in_use(table.entry(key), kept, now);
        key
    })
}

#[test]
fn what_is_in_use_used_up_or_kept_out_is_never_taken_over() {
    let now = second(599);
    let mut table = table(64);
    let keys = used(
        &mut table,
        [
            |entry, _, _| entry.plain_connections = 1,
            |entry, _, _| entry.open_connections = 1,
            |entry, kept, now| {
                entry.penalty.impose(kept.penalties, now);
            },
            |entry, _, now| {
                let rate = Limits::default().bytes_per_address;
                entry.bytes.charge(480_000, rate, now);
            },
        ],
        now,
    );
    for number in 0..10_000 {
        guess(&mut table, network(1000 + number), now);
    }
    for (number, key) in (0..).zip(keys) {
        assert_eq!(table.find(network(number), now), key);
    }
}

#[test]
fn what_is_earned_or_remembered_stays_as_long_as_anything_else_can_go() {
    // A penalty of ten seconds is remembered for ten minutes.
    let now = second(599);
    let mut table = table(64);
    let keys = used(
        &mut table,
        [
            |entry, kept, _| {
                entry.penalty.impose(kept.penalties, second(0));
            },
            |entry, kept, _| {
                (0..4).for_each(|_| entry.earned.gain(kept.earned, second(0)));
                (0..4).for_each(|_| entry.earned.lose(kept.earned, second(0)));
            },
        ],
        now,
    );
    for number in 0..10_000 {
        table.find(network(1000 + number), now);
    }
    for (number, key) in (0..).zip(keys) {
        assert_eq!(table.find(network(number), now), key);
    }
}

#[test]
fn a_few_accounts_that_go_from_address_to_address_hold_no_slot() {
    let now = second(0);
    let mut table = table(64);
    let half = table.kept.earned;
    for number in 0..64 {
        let key = table.find(network(number), now);
        let earned = &mut table.entry(key).earned;
        (0..4).for_each(|_| earned.gain(half, now));
        (0..4).for_each(|_| earned.lose(half, now));
    }
    for number in 100..110 {
        let key = table.find(network(number), now);
        assert!(matches!(key, PrefixKey::Own(_)), "{key:?}");
    }
}

#[test]
fn whoever_takes_over_a_slot_has_a_whole_token_of_everything() {
    let mut limits = Limits::default();
    let rate = Rate::new(3, Duration::from_secs(60));
    limits.failed_authentications_per_address = rate;
    let mut table = table_of(64, &limits);
    for number in 0..64 {
        let key = table.find(network(number), second(0));
        let failures = &mut table.entry(key).failed_authentications;
        (0..3).for_each(|_| failures.take(1, rate, second(0)).expect("a token"));
    }
    for at in [4, 11, 17, 27] {
        let key = table.find(network(100 + at), second(at.into()));
        let checked = table
            .entry(key)
            .failed_authentications
            .check(1, rate, second(at.into()));
        assert!(
            key == PrefixKey::EVERYONE || checked.is_ok(),
            "{at}: {key:?}"
        );
    }
}

#[test]
fn strangers_are_counted_with_everyone_else_when_no_slot_is_light_and_are_allowed_no_token_more() {
    let mut table = table(64);
    let allowed = |table: &mut PrefixTable, networks: Range<u32>| {
        let allowed = networks.filter(|number| guess(table, network(*number), second(0)));
        allowed.count()
    };
    assert_eq!(allowed(&mut table, 0..100_000), 64 * 10);
    let stranger = network(200_000);
    assert_eq!(table.find(stranger, second(0)), PrefixKey::EVERYONE);
    let key = table.find(stranger, second(6));
    assert!(matches!(key, PrefixKey::Own(_)), "{key:?}");
}

#[test]
fn whatever_table_is_full_addresses_are_allowed_no_more_together_than_its_slots_allow() {
    let limits = Limits {
        handshakes_per_address: Rate::new(4, Duration::from_secs(60)),
        ..Limits::default()
    };
    let rate = limits.handshakes_per_address;
    let mut table = table_of(64, &limits);
    let mut allowed = BTreeMap::new();
    let mut number = 1u32;
    for _ in 0..20_000 {
        // A linear congruential generator: any order of many addresses in few networks.
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let address = IpAddr::V4(Ipv4Addr::from_bits((number >> 8) % 1000 * 7));
        let key = table.find(address, Instant::ZERO);
        let bucket = &mut table.entry(key).handshakes;
        if bucket.take(1, rate, Instant::ZERO).is_ok() {
            *allowed.entry(address).or_insert(0) += 1;
        }
    }
    // The bound of all together is what 64 slots hold, four each. It is no bound of one address: one that has used three and is
    // taken from its slot may use those of another, if it finds a lighter one and has not offended. In an order that nobody has
    // made for that, none is allowed more than a slot of its own allows.
    assert_eq!(allowed.values().sum::<u64>(), 64 * 4);
    assert!(allowed.values().all(|times| *times <= 4), "{allowed:?}");
    assert!(allowed.len() >= 56, "{}", allowed.len());
}

proptest::proptest! {
    #[test]
    fn in_no_window_are_all_addresses_allowed_more_than_slots_times_burst_and_refill(
        steps in proptest::collection::vec((0u32..300, 0u64..60), 1..400),
    ) {
        const SLOTS: u64 = 16;
        let limits = Limits {
            failed_authentications_per_address: Rate::new(2, Duration::from_secs(10)),
            ..Limits::default()
        };
        let rate = limits.failed_authentications_per_address;
        let mut table = table_of(SLOTS as usize, &limits);
        let mut now = 0;
        let mut allowed = Vec::new();
        for (number, millis) in steps {
            now += millis;
            let instant = Instant::from_nanos(now * 1_000_000);
            // Four addresses in each network.
            let address = IpAddr::V4(Ipv4Addr::from_bits(((number / 4) << 8) | (number % 4)));
            let key = table.find(address, instant);
            if table.entry(key).failed_authentications.take(1, rate, instant).is_ok() {
                allowed.push(now);
            }
        }
        for (first, begin) in allowed.iter().enumerate() {
            for (last, end) in allowed.iter().enumerate().skip(first) {
                let count = (last - first) as u64 + 1;
                let regained = SLOTS * (end - begin) * 2 / 10_000;
                proptest::prop_assert!(count <= SLOTS * 2 + regained, "{count} from {begin} to {end}");
            }
        }
    }
}
