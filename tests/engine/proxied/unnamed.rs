//! A proxy that the operator has not named: it is told of, and kept out for what its clients do only if it may be a stranger.

use std::cell::RefCell;
use std::sync::Once;

use log::{LevelFilter, Log, Metadata, Record};
use wardroom::protocol::response::Refusal;

use super::*;

thread_local! {
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Keeps what the log says of proxies in the thread that says it: each test has one.
struct Kept;

impl Log for Kept {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = record.args().to_string();
        if line.starts_with("config: proxy identity: ") {
            LINES.with_borrow_mut(|lines| lines.push(line));
        }
    }

    fn flush(&self) {}
}

fn fresh() -> World {
    static LOGGING: Once = Once::new();
    LOGGING.call_once(|| {
        log::set_logger(&Kept).expect("there is no other");
        log::set_max_level(LevelFilter::Error);
    });
    world_with(|_| {})
}

const SPARED: &str = "until then it is not kept out, since no stranger has such an address";
const NOT_SPARED: &str =
    "until then that is not believed, and it is kept out like anybody when it offends";

fn told() -> Vec<String> {
    LINES.take()
}

/// One who shows bad tokens through `peer`, fifty a second, for more offences than an address has.
fn attack(world: &mut World, peer: &str, fields: impl Fn(usize) -> String) {
    for n in 0..600 {
        world.advance(millis(20));
        if let Ok(id) = world.connect(peer) {
            world.send(id, chat_request("?token=bad", &fields(n)).as_bytes());
            world.reset(id);
        }
    }
}

fn is_kept_out(world: &mut World, peer: &str) -> bool {
    match world.connect(peer) {
        Ok(id) => {
            world.reset(id);
            false
        }
        Err(Refusal::TooMany { limit, .. }) => limit == "offences_per_address",
        Err(_) => false,
    }
}

#[test]
fn people_behind_a_proxy_that_nobody_named_are_not_kept_out_for_one_who_attacks_from_the_first_second()
 {
    for (peer, field) in [
        ("10.0.0.1", "X-Forwarded-For: {}\r\n"),
        ("127.0.0.1", "Forwarded: for={};proto=https\r\n"),
        ("100.64.0.1", "X-Real-IP: {}\r\n"),
        ("[fd00::1]", "X-Forwarded-For: 192.0.2.1, {}\r\n"),
    ] {
        let mut world = fresh();
        attack(&mut world, peer, |_| field.replace("{}", "203.0.113.7"));
        assert!(!is_kept_out(&mut world, peer), "{peer}");
        let lines = told();
        let shown = peer.trim_matches(['[', ']']);
        let begin =
            format!("config: proxy identity: requests from {shown} say that they are passed on");
        let is_it = |line: &str| line.starts_with(&begin) && line.ends_with(SPARED);
        assert!(matches!(&*lines, [line] if is_it(line)), "{lines:?}");
        // The other limits hold, and end with the attack.
        let alice = field.replace("{}", "203.0.113.8");
        let answer = knock(&mut world, peer, "?token=alice", &alice);
        assert_eq!(answer, "429 too_many");
        world.advance(seconds(60));
        let answer = knock(&mut world, peer, "?token=alice", &alice);
        assert_eq!(answer, "in as alice");
    }
}

#[test]
fn who_names_nobody_but_itself_is_no_proxy() {
    let mut world = fresh();
    attack(&mut world, "10.0.0.1", |_| {
        "X-Forwarded-For: 10.0.0.1\r\n".to_owned()
    });
    assert!(is_kept_out(&mut world, "10.0.0.1"));
    assert_eq!(told(), [""; 0]);
}

#[test]
fn a_stranger_who_names_a_thousand_clients_is_told_of_once_and_kept_out_all_the_same() {
    let mut world = fresh();
    let forged = |n: usize| format!("X-Forwarded-For: 192.0.{}.{}\r\n", n / 250, n % 250);
    for n in 0..1000 {
        if let Ok(id) = world.connect("198.51.100.7") {
            world.send(id, chat_request("?token=bad", &forged(n)).as_bytes());
            world.reset(id);
        }
    }
    assert!(is_kept_out(&mut world, "198.51.100.7"));
    let lines = told();
    let is_it =
        |line: &str| line.contains("requests from 198.51.100.7 say") && line.ends_with(NOT_SPARED);
    assert!(matches!(&*lines, [line] if is_it(line)), "{lines:?}");
    // However many addresses do so, the log has a few lines.
    for (peer, n) in (0..10).flat_map(|peer| (0..40).map(move |n| (peer, n))) {
        if let Ok(id) = world.connect(&format!("198.51.101.{peer}")) {
            world.send(id, page(&format!("192.0.2.{n}")).as_bytes());
            world.reset(id);
        }
    }
    assert_eq!(told().len(), 3);
    // And none of them pushes out whom it is about.
    attack(&mut world, "10.0.0.1", forged);
    assert!(!is_kept_out(&mut world, "10.0.0.1"));
    let lines = told();
    let is_it = |line: &str| line.contains("requests from 10.0.0.1 say");
    assert!(matches!(&*lines, [line] if is_it(line)), "{lines:?}");
    expect_nothing_left(&mut world, []);
}

#[test]
fn a_proxy_that_announces_its_clients_where_nobody_may_is_told_of() {
    let mut world = fresh();
    for n in 0..100 {
        let id = world.connect(PROXY).expect("not kept out");
        let header = v1(&format!("203.0.113.{n}"));
        world.send(
            id,
            &[&header[..], chat_request("?token=alice", "").as_bytes()].concat(),
        );
        assert_eq!(outcome(&mut world, id), "400 malformed_request");
        world.hang_up(id);
    }
    let lines = told();
    assert!(
        matches!(&*lines, [line] if line.contains("requests from 10.0.0.1 say")),
        "{lines:?}"
    );
}

#[test]
fn a_proxy_in_front_of_the_one_that_is_named_is_told_of_too() {
    fresh();
    let mut world = behind(|_| {});
    for n in 0..60 {
        let field = format!("X-Forwarded-For: 203.0.113.{n}, 198.51.100.9\r\n");
        knock(&mut world, PROXY, "", &field);
    }
    let lines = told();
    assert!(
        matches!(&*lines, [line] if line.contains("requests from 198.51.100.9 say")),
        "{lines:?}"
    );
}

#[test]
fn after_a_reload_a_proxy_that_is_still_not_named_is_told_of_once_more() {
    let mut world = fresh();
    for _ in 0..2 {
        for n in 0..100 {
            knock(
                &mut world,
                PROXY,
                "",
                &format!("X-Forwarded-For: 203.0.113.{n}\r\n"),
            );
            world.advance(seconds(1));
        }
        assert_eq!(told().len(), 1);
        let mut same = Config::default();
        same.proxy.trusted = vec!["10.9.9.9".parse::<std::net::IpAddr>().expect("one").into()];
        world.reconfigure(same);
    }
}

#[test]
fn after_a_reload_an_address_that_most_people_share_is_told_of_once_more() {
    let mut world = fresh();
    for round in 0..2 {
        for n in 0..100 {
            let user = format!("?token=user{round}-{n}");
            knock(&mut world, "198.51.100.20", &user, "");
            world.advance(seconds(1));
        }
        let lines = told();
        assert!(
            matches!(&*lines, [line] if line.contains("most people who sign in come from 198.51.100.20")),
            "{lines:?}"
        );
        world.reconfigure(Config::default());
    }
}
