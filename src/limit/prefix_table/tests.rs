//! What the table promises.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;

mod crowds;

fn table(prefixes_max: usize) -> PrefixTable {
    table_of(prefixes_max, &Limits::default())
}

fn table_of(prefixes_max: usize, limits: &Limits) -> PrefixTable {
    PrefixTable::new(prefixes_max, Kept::of(limits), Keyed::new(1, 2))
}

/// An address in a network of its own.
fn network(number: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(number << 8 | 9))
}

fn v4(a: u8, b: u8, c: u8, d: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}

fn v6(text: &str) -> IpAddr {
    IpAddr::V6(text.parse::<Ipv6Addr>().expect("an address"))
}

#[test]
fn one_address_is_one_source_and_so_is_an_ipv6_network() {
    let mut table = table(64);
    let now = Instant::ZERO;
    assert_eq!(
        table.find(v4(10, 0, 0, 1), now),
        table.find(v4(10, 0, 0, 1), now)
    );
    assert_ne!(
        table.find(v4(10, 0, 0, 1), now),
        table.find(v4(10, 0, 0, 2), now)
    );
    assert_eq!(
        table.find(v6("2001:db8:1:2::1"), now),
        table.find(v6("2001:db8:1:2:ffff::9"), now)
    );
    assert_ne!(
        table.find(v6("2001:db8:1:2::1"), now),
        table.find(v6("2001:db8:1:3::1"), now)
    );
    assert_eq!(
        table.find(v4(10, 0, 0, 1), now),
        table.find(v6("::ffff:10.0.0.1"), now)
    );
}

#[test]
fn a_full_table_counts_newcomers_with_their_parents_and_never_grows() {
    let mut table = table(16);
    let now = Instant::ZERO;
    let mut keys = Vec::new();
    for last in 0..200u8 {
        let key = table.find(v4(10, 0, 0, last), now);
        table.entry(key).open_connections += 1;
        keys.push(key);
    }
    for key in [keys[0], PrefixKey::Proxies, PrefixKey::Exempt] {
        table.entry(key).plain_connections += 2;
    }
    assert!(table.len() <= 16);
    assert_eq!(table.connections(), (6, 200));
    assert_eq!(keys[198], keys[199], "the overflow is counted together");
    let elsewhere = table.find(v4(10, 0, 1, 1), now);
    assert_ne!(elsewhere, keys[199], "another /24 has a parent of its own");
}

#[test]
fn limits_apply_to_all_but_proxies_and_exempt_networks() {
    let mut table = table(16);
    let own = table.find(v4(10, 0, 0, 1), Instant::ZERO);
    assert!(own.is_limited() && PrefixKey::EVERYONE.is_limited());
    assert!(!PrefixKey::Proxies.is_limited() && !PrefixKey::Exempt.is_limited());
}

#[test]
fn a_table_becomes_smaller_by_all_that_does_not_matter_and_forgets_nothing_else() {
    let mut table = table(1 << 14);
    let now = Instant::ZERO;
    let rate = crate::config::Rate::new(1, Duration::from_secs(60));
    let address = |n: u32| IpAddr::V4(Ipv4Addr::from_bits(n << 8));
    let keys: Vec<_> = (0..10_000u32)
        .map(|n| table.find(address(n), now))
        .collect();
    table.entry(keys[5]).open_connections += 1;
    for n in [7, 3000, 9999] {
        table.entry(keys[n]).handshakes.charge(1, rate, now);
    }
    table.shrink(now);
    // A connection knows its place; what is only remembered moves to where there is room.
    assert_eq!(table.own.entries.len(), 6);
    assert_eq!(table.own.index.len(), 6);
    assert!(table.own.entries.capacity() < 100 && table.own.index.capacity() < 100);
    assert_eq!(table.find(address(5), now), keys[5]);
    for n in [7, 3000, 9999] {
        let key = table.find(address(n), now);
        let entry = table.entry(key);
        assert_eq!(entry.prefix, Prefix::of(address(n)));
        assert!(entry.handshakes.check(1, rate, now).is_err(), "{n} owes");
    }
    assert_eq!(table.find(address(3), now), keys[3], "which never left");
    assert_eq!(table.find(address(8000), now), keys[6], "a new one");
    table.shrink(now + Duration::from_secs(120));
    assert_eq!(
        table.own.entries.len(),
        6,
        "a debt is forgotten once it is paid, and the connection stays where it is"
    );
    assert_eq!(table.connections(), (0, 1));
}

#[test]
fn neighbours_of_a_full_table_share_a_24_or_a_48() {
    let mut table = table(64);
    let now = Instant::ZERO;
    // An eighth is for parents.
    for n in 0..56u32 {
        let key = table.find(IpAddr::V4(Ipv4Addr::from_bits(n << 8)), now);
        table.entry(key).open_connections += 1;
    }
    let mut told = |address| {
        let key = table.find(address, now);
        table.entry(key).open_connections += 1;
        table.entry(key).prefix().to_string()
    };
    assert_eq!(told(v4(10, 9, 9, 9)), "10.9.9.0/24");
    assert_eq!(told(v4(10, 9, 9, 200)), "10.9.9.0/24");
    assert_eq!(told(v6("2001:db8:1:2::1")), "2001:db8:1::/48");
    assert_eq!(told(v6("2001:db8:1:3::1")), "2001:db8:1::/48");
    assert_eq!(told(v6("2001:db8:2:3::1")), "2001:db8:2::/48");
    let last = (0..100).map(|n| told(v4(11, 0, n, 1))).last();
    assert_eq!(last.as_deref(), Some("everyone else"));
}

#[test]
fn a_look_at_a_full_table_passes_a_few_slots_however_many_there_are() {
    for size in [64, 4096] {
        let mut table = table(size);
        let now = Instant::ZERO;
        for n in 0..2 * size as u32 {
            let before = table.own.sweep_at;
            let key = table.find(IpAddr::V4(Ipv4Addr::from_bits(n)), now);
            table.entry(key).open_connections += 1;
            let slots = table.own.entries.len();
            let passed = (table.own.sweep_at + slots - before) % slots;
            assert!(passed <= SWEEP_STEPS, "{passed} of {slots}");
        }
    }
}

#[test]
fn an_office_keeps_what_it_has_earned_when_the_table_is_full_and_a_household_does_not() {
    let mut table = table(16);
    let now = Instant::ZERO;
    let half = table.kept.earned;
    for (address, people) in [(1, 20), (2, 3)] {
        let key = table.find(v4(10, 0, 0, address), now);
        let earned = &mut table.entry(key).earned;
        (0..people).for_each(|_| earned.gain(half, now));
        (0..people).for_each(|_| earned.lose(half, now));
    }
    for n in 0..10_000u32 {
        table.find(IpAddr::V4(Ipv4Addr::from_bits(n << 8)), now);
    }
    let mut room = |address| {
        let key = table.find(v4(10, 0, 0, address), now);
        table.entry(key).earned.room(half, now)
    };
    assert_eq!([room(1), room(2)], [20, 0]);
}

#[test]
fn newcomers_never_take_the_room_kept_for_parents() {
    let mut table = table(64);
    let now = Instant::ZERO;
    for last in 0..200u8 {
        let key = table.find(v4(10, 0, 0, last), now);
        table.entry(key).open_connections += 1;
    }
    let key = table.find(v4(10, 9, 9, 9), now);
    assert!(
        matches!(key, PrefixKey::Parent(slot) if slot > 0),
        "{key:?}"
    );
}

#[test]
fn prefixes_that_owe_nothing_make_room() {
    let mut table = table(16);
    let rate = crate::config::Rate::new(1, std::time::Duration::from_secs(1));
    for n in 0..1000u64 {
        let now = Instant::from_nanos(n * 2_000_000_000);
        let key = table.find(IpAddr::V4(Ipv4Addr::from_bits(n as u32)), now);
        assert!(
            table.entry(key).handshakes.take(1, rate, now).is_ok(),
            "source {n}"
        );
    }
    assert!(table.len() <= 16);
}
