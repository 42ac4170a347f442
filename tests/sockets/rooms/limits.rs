//! Limits of a room: they bite, whoever meets one is told which and when to come back, and then it goes.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{config, join, send, with};
use crate::line::Caller;
use crate::server::Server;

/// Sends until it is refused; the refusal, and how many went through.
fn until_refused(caller: &mut Caller, room: &str) -> (Value, u64) {
    for sent in 0..1000 {
        let reply = caller.ask(send(room, "again")).expect("the server lives");
        if reply["type"] == "error" {
            return (reply, sent);
        }
    }
    panic!("nothing is refused");
}

fn told(refused: &Value) -> [&str; 3] {
    ["code", "limit", "scope"].map(|name| refused[name].as_str().unwrap_or("-"))
}

/// A room with this limit, and somebody in it besides its owner.
fn limited(server: &Server, room: &str, limit: Value) -> (Caller, Caller) {
    let mut owner = Caller::of(server, "owner");
    owner.done(with(json!({"type": "create", "room": room}), limit));
    owner.done(join(room));
    let mut guest = Caller::of(server, "guest");
    guest.done(join(room));
    (owner, guest)
}

#[test]
fn a_rooms_limits_bite_and_say_which_they_are_and_when_to_come_back() {
    let server = Server::serve(&config(""));
    for (limit, value, scope) in [
        ("messages_per_minute", 120, "room"),
        ("messages_per_minute_per_member", 120, "member"),
        ("bytes_per_second", 200, "room"),
        ("slow_mode_ms", 500, "member"),
        ("cooldown_ms", 500, "member"),
    ] {
        let room = limit.replace('_', "-");
        let (mut owner, mut guest) = limited(&server, &room, json!({limit: value}));
        let begun = Instant::now();
        let (refused, sent) = until_refused(&mut guest, &room);
        assert_eq!(told(&refused), ["rate_limited", limit, scope], "{refused}");
        let wait = refused["retry_after_ms"].as_u64().expect("a wait");
        assert!((1..=1000).contains(&wait), "{refused}");
        // Another member feels what is everybody's, and nothing else.
        let others = owner.verdict(send(&room, "me too"));
        let expected = if scope == "room" {
            "rate_limited"
        } else {
            "ok"
        };
        // A machine that is slow enough gives everybody their due.
        if begun.elapsed() < Duration::from_millis(wait) {
            assert_eq!(others, expected, "{limit}");
        }
        std::thread::sleep(Duration::from_millis(wait));
        assert_eq!(
            guest.verdict(send(&room, "now")),
            "ok",
            "{limit} after {sent}"
        );
    }
}

#[test]
fn a_full_room_and_one_that_many_come_into_at_once_say_so() {
    let server = Server::serve(&config(""));
    let (mut owner, _guest) = limited(&server, "small", json!({"members_max": 2}));
    let mut third = Caller::of(&server, "third");
    let refused = third.ask(join("small")).expect("a reply");
    assert_eq!(told(&refused), ["room_full", "members_max", "room"]);
    let mut tab = Caller::of(&server, "guest");
    assert_eq!(tab.verdict(join("small")), "ok", "nobody new");
    owner.done(json!({"type": "invite", "room": "small", "user": "friend"}));
    let mut friend = Caller::of(&server, "friend");
    assert_eq!(friend.verdict(join("small")), "ok", "they have a place");
    let update =
        json!({"type": "update", "room": "small", "members_max": 0, "joins_per_minute": 1});
    owner.done(update);
    let mut coming = (0..3).map(|number| {
        let mut caller = Caller::of(&server, &format!("coming-{number}"));
        let reply = caller.ask(join("small")).expect("a reply");
        told(&reply).map(str::to_owned)
    });
    let limited = coming.find(|told| told[0] == "rate_limited");
    assert_eq!(
        limited.expect("one too many")[1..],
        ["joins_per_minute", "room"]
    );
}

#[test]
fn somebody_whose_connection_breaks_in_a_raid_on_a_full_room_is_back_at_once() {
    let server = Server::serve(&config("return_time_max = \"60s\""));
    let limits = json!({"members_max": 2, "joins_per_minute": 2});
    let (mut owner, mut guest) = limited(&server, "den", limits);
    owner.done(json!({"type": "raid", "room": "den", "for_ms": 600_000}));
    for _ in 0..3 {
        drop(guest);
        guest = Caller::of(&server, "guest");
        assert_eq!(guest.verdict(join("den")), "ok");
    }
    let mut third = Caller::of(&server, "third");
    assert_eq!(third.verdict(join("den")), "knock_required");
}

#[test]
fn what_the_owner_sets_is_bounded_by_the_operator_and_the_users_own_limit_stays() {
    let limits = "[limits]\nmessages_per_user = { burst = 3, per = \"60s\" }\nmessage_characters_max = 300\n";
    let server = Server::serve(limits);
    let (mut owner, mut guest) = limited(&server, "den", json!({"messages_per_minute": 6000}));
    let above = json!({"type": "update", "room": "den", "message_characters_max": 301});
    let refused = owner.ask(above).expect("a reply");
    assert_eq!(
        (&refused["code"], &refused["field"]),
        (&json!("above_ceiling"), &json!("message_characters_max"))
    );
    let (refused, sent) = until_refused(&mut guest, "den");
    assert_eq!(sent, 3);
    assert_eq!(
        told(&refused),
        ["rate_limited", "messages_per_user", "user"]
    );
    // Who moderates is not exempt.
    let (refused, sent) = until_refused(&mut owner, "den");
    assert_eq!(sent, 3);
    assert_eq!(
        told(&refused),
        ["rate_limited", "messages_per_user", "user"]
    );
}
