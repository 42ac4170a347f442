//! Only who may comes in, and who owns a room moderates it: end to end.

use serde_json::{Value, json};

use super::{act, config, heard, join, leave, patiently, send, with};
use crate::line::{Caller, token_with};
use crate::server::Server;

fn serve() -> Server {
    Server::serve(&config(""))
}

/// A room of this kind, made by `owner`, who is in it.
fn made(server: &Server, room: &str, fields: Value) -> Caller {
    let mut owner = Caller::of(server, "owner");
    owner.done(with(json!({"type": "create", "room": room}), fields));
    owner.done(join(room));
    owner
}

/// Somebody who is in a room.
fn inside(server: &Server, user: &str, room: &str) -> Caller {
    let mut caller = Caller::of(server, user);
    caller.done(join(room));
    caller
}

/// What somebody may not do who can not come in, and what they are told: the same as of a room that does not exist.
fn expect_outside(caller: &mut Caller, room: &str) {
    for request in [
        join(room),
        with(join(room), json!({"since": 0})),
        send(room, "hello?"),
        json!({"type": "describe", "room": room}),
        json!({"type": "history", "room": room}),
        json!({"type": "log", "room": room}),
        json!({"type": "members", "room": room}),
        act("invite", room, "friend"),
        act("explain", room, "owner"),
        json!({"type": "update", "room": room, "topic": "mine"}),
    ] {
        let mut of_nothing = request.clone();
        of_nothing["room"] = "nowhere".into();
        let mut replies = [request.clone(), of_nothing].map(|request| {
            let mut reply = caller.ask(request).expect("the server lives");
            reply["id"] = Value::Null;
            reply
        });
        let of_nothing = replies[1].take();
        assert_eq!(replies[0], of_nothing, "{request}");
        assert_eq!(of_nothing["type"], "error", "{request}");
    }
    let listed = caller.done(json!({"type": "rooms", "limit": 1000}));
    assert!(!listed.to_string().contains(room), "{listed}");
}

#[test]
fn only_who_is_permitted_joins_and_the_others_do_not_learn_that_there_is_a_room() {
    let mut server = serve();
    let mut owner = made(&server, "den", json!({"kind": "members", "topic": "plans"}));
    owner.done(send("den", "between us"));
    let mut stranger = Caller::of(&server, "stranger");
    expect_outside(&mut stranger, "den");

    owner.done(act("invite", "den", "guest"));
    let mut guest = Caller::of(&server, "guest");
    assert_eq!(guest.verdict(join("den")), "ok");
    owner.done(send("den", "welcome"));
    assert_eq!(heard(&mut guest, "den"), ["welcome"]);
    let page = guest.done(json!({"type": "history", "room": "den"}));
    assert_eq!(page["messages"][0]["message"], "between us");
    expect_outside(&mut stranger, "den");

    // Who accepted an invitation belongs to the room, whatever becomes of the process.
    drop((owner, guest, stranger));
    server.kill_and_start_again();
    let mut guest = Caller::of(&server, "guest");
    assert_eq!(guest.verdict(join("den")), "ok");
    expect_outside(&mut Caller::of(&server, "stranger"), "den");

    // A right that is taken away acts on the open connection.
    let mut owner = inside(&server, "owner", "den");
    let none = json!({"affiliation": "none"});
    owner.done(with(act("affiliate", "den", "guest"), none));
    owner.done(send("den", "they are gone"));
    assert_eq!(guest.wait_for("removed")["code"], "forbidden");
    assert_eq!(heard(&mut guest, "den"), [""; 0]);
    expect_outside(&mut guest, "den");
}

#[test]
fn who_knocks_waits_for_a_moderator_and_a_withdrawn_invitation_opens_nothing() {
    let server = serve();
    let mut owner = made(
        &server,
        "den",
        json!({"kind": "members", "join_rule": "knock"}),
    );
    let mut guest = Caller::of(&server, "guest");
    assert_eq!(guest.verdict(join("den")), "knock_required");
    guest.done(json!({"type": "knock", "room": "den"}));
    assert_eq!(owner.wait_for("knock")["user"], "guest");
    assert_eq!(guest.verdict(join("den")), "knock_required");
    owner.done(act("approve", "den", "guest"));
    assert_eq!(guest.verdict(join("den")), "ok");
    owner.done(act("invite", "den", "late"));
    owner.done(act("withdraw", "den", "late"));
    let mut late = Caller::of(&server, "late");
    assert_eq!(late.verdict(join("den")), "knock_required");
}

#[test]
fn what_a_token_says_of_rooms_is_what_its_holder_may() {
    let server = serve();
    let mut owner = made(&server, "team-a", json!({"kind": "members"}));
    for room in ["team-b", "audit"] {
        let create = json!({"type": "create", "room": room, "kind": "members"});
        owner.done(create);
        owner.done(join(room));
    }
    owner.done(send("audit", "for the record"));
    let claims = json!({"sub": "clerk", "rooms": {"team-*": ["join", "send"], "team-b": [], "audit": ["read"]}});
    let token = token_with(claims);
    let mut clerk = Caller::enter(server.address, &token).expect("the server lives");
    assert_eq!(clerk.verdict(join("team-a")), "ok");
    assert_eq!(clerk.verdict(send("team-a", "at work")), "ok");
    assert_eq!(heard(&mut owner, "team-a"), ["at work"]);
    expect_outside(&mut clerk, "team-b");
    let page = clerk.done(json!({"type": "history", "room": "audit"}));
    assert_eq!(page["messages"][0]["message"], "for the record");
    assert_eq!(clerk.verdict(join("audit")), "forbidden");
    assert_eq!(clerk.verdict(send("audit", "x")), "not_in_room");
}

#[test]
fn the_owner_moderates_and_those_concerned_are_told() {
    let server = serve();
    let mut owner = made(&server, "square", json!({}));
    let mut troll = inside(&server, "troll", "square");
    let mut member = inside(&server, "member", "square");

    // Nobody does this without an affiliation that allows it.
    for kind in ["kick", "ban", "mute", "purge"] {
        assert_eq!(member.verdict(act(kind, "square", "troll")), "forbidden");
    }
    let moderator = json!({"affiliation": "moderator"});
    owner.done(with(act("affiliate", "square", "member"), moderator));
    assert_eq!(member.verdict(act("kick", "square", "owner")), "outranked");

    member.done(with(
        act("mute", "square", "troll"),
        json!({"for_ms": 3_600_000, "reason": "noise"}),
    ));
    let muted = troll.ask(send("square", "still here")).expect("a reply");
    assert_eq!(
        (&muted["code"], &muted["reason"]),
        (&json!("muted"), &json!("noise"))
    );
    assert!(muted["until"].is_number(), "{muted}");
    member.done(act("unmute", "square", "troll"));
    let said = troll.done(send("square", "rude words"));
    assert_eq!(patiently(&mut troll, send("square", "more of them")), "ok");

    let delete =
        json!({"type": "delete_message", "room": "square", "seq": said["seq"], "reason": "rude"});
    member.done(delete);
    let changed = troll.wait_for("changed");
    assert_eq!(changed["seq"], said["seq"]);
    assert!(changed["deleted"].is_number(), "{changed}");
    member.done(act("purge", "square", "troll"));
    let page = owner.done(json!({"type": "history", "room": "square"}));
    for message in page["messages"].as_array().expect("messages") {
        assert!(message["deleted"].is_number(), "{page}");
        assert_eq!(message.get("message"), None, "{page}");
    }

    member.done(act("kick", "square", "troll"));
    assert_eq!(troll.wait_for("removed")["code"], "kicked");
    assert_eq!(troll.verdict(join("square")), "ok", "a kick is for now");
    troll.done(leave("square"));
    // Who is not there is banned all the same.
    owner.done(with(
        act("ban", "square", "troll"),
        json!({"reason": "enough"}),
    ));
    let refused = troll.ask(join("square")).expect("a reply");
    assert_eq!(
        (&refused["code"], &refused["reason"]),
        (&json!("banned"), &json!("enough"))
    );
    owner.done(act("unban", "square", "troll"));
    assert_eq!(troll.verdict(join("square")), "ok");

    let log = troll.done(json!({"type": "log", "room": "square"}));
    let entries = log["entries"].as_array().expect("entries").iter();
    let actions: Vec<_> = entries.map(|entry| entry["action"].as_str()).collect();
    let expected = [
        "create",
        "affiliate",
        "mute",
        "unmute",
        "delete_message",
        "purge",
        "kick",
        "ban",
        "unban",
    ];
    assert_eq!(actions, expected.map(Some));
    let told = member.told_by_now();
    let moderation = told.iter().filter(|notice| notice["type"] == "moderation");
    assert_eq!(
        moderation.count(),
        expected.len() - 1,
        "each but the creation: {told:#?}"
    );
}

#[test]
fn after_a_ban_is_acknowledged_its_victim_hears_and_says_nothing_more() {
    let server = serve();
    let mut owner = made(&server, "square", json!({}));
    let mut witness = inside(&server, "witness", "square");
    for round in 0..20 {
        let mut victim = inside(&server, "victim", "square");
        // Both talk without waiting for replies; the ban comes in the middle.
        for number in 0..10 {
            victim.request(send("square", &format!("v{round}.{number}")));
            owner.request(send("square", &format!("o{round}.{number}")));
        }
        assert_eq!(owner.verdict(act("ban", "square", "victim")), "ok");
        owner.done(send("square", &format!("secret {round}")));
        let removed = victim.wait_for("removed");
        assert_eq!(removed["code"], "banned");
        // The connection is there, and nothing of the room comes to it.
        let later = victim.told_by_now();
        let is_of_the_room = |notice: &&Value| notice["type"] == "message";
        assert_eq!(later.iter().find(is_of_the_room), None, "{later:?}");
        assert_eq!(victim.verdict(send("square", "not gone")), "banned");
        // Whatever of theirs was heard was heard before the ban was told.
        let told = witness.told_by_now();
        let place = |found: &dyn Fn(&Value) -> bool| told.iter().position(found);
        let banned = place(&|notice| notice["action"] == "ban").expect("it is told");
        let secret = place(&|notice| notice["message"] == format!("secret {round}"));
        assert!(secret.is_some_and(|secret| secret > banned), "{told:#?}");
        let last = told.iter().rposition(|notice| notice["sender"] == "victim");
        assert!(last.is_none_or(|last| last < banned), "{told:#?}");
        owner.done(act("unban", "square", "victim"));
    }
}
