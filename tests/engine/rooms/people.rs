//! People of rooms: lists, what is unread, and how those are told who are many.

use serde_json::{Value, json};

use super::{act, durable, made, member, reply, send, verdict};

#[test]
fn members_are_listed_with_what_they_are_present_or_not() {
    let mut world = durable();
    let owner = made(&mut world, "owner", "den", "public");
    member(&mut world, "guest", "den");
    act(&mut world, owner, "invite", "den", "absent");
    let affiliate = json!({"type": "affiliate", "id": 1, "room": "den", "user": "helper", "affiliation": "moderator"});
    assert_eq!(verdict(&mut world, owner, &affiliate), "ok");
    let list = |world: &mut _, id| {
        let reply = reply(
            world,
            id,
            &json!({"type": "members", "id": 1, "room": "den"}),
        );
        let members = reply["members"].as_array().expect("members").clone();
        let short = |member: &Value| {
            format!(
                "{} {} {}",
                member["user"], member["affiliation"], member["connections"]
            )
        };
        members.iter().map(short).collect::<Vec<_>>()
    };
    let everybody = [
        r#""owner" "owner" 1"#,
        r#""guest" "none" 1"#,
        r#""absent" "none" 0"#,
        r#""helper" "moderator" 0"#,
    ];
    assert_eq!(list(&mut world, owner), everybody);
    let guest = member(&mut world, "guest", "den");
    let seen: Vec<String> = list(&mut world, guest);
    assert!(
        !seen.iter().any(|line| line.contains("absent")),
        "invitations are not for everybody: {seen:?}"
    );
}

#[test]
fn what_was_not_seen_is_counted_for_each_person() {
    let mut world = durable();
    let alice = member(&mut world, "alice", "general");
    let bob = member(&mut world, "bob", "general");
    for _ in 0..3 {
        assert_eq!(verdict(&mut world, alice, &send("general", "hi")), "ok");
    }
    let unread = |world: &mut _, id| {
        reply(
            world,
            id,
            &json!({"type": "describe", "id": 1, "room": "general"}),
        )["unread"]
            .clone()
    };
    assert_eq!(unread(&mut world, bob), 3);
    assert_eq!(
        verdict(
            &mut world,
            bob,
            &json!({"type": "seen", "id": 1, "room": "general", "seq": 2})
        ),
        "ok"
    );
    assert_eq!(unread(&mut world, bob), 1);
    // It never goes back, nor beyond what there is.
    assert_eq!(
        verdict(
            &mut world,
            bob,
            &json!({"type": "seen", "id": 1, "room": "general", "seq": 1})
        ),
        "ok"
    );
    assert_eq!(unread(&mut world, bob), 1);
    assert_eq!(
        verdict(
            &mut world,
            bob,
            &json!({"type": "seen", "id": 1, "room": "general", "seq": 99})
        ),
        "ok"
    );
    assert_eq!(verdict(&mut world, alice, &send("general", "new")), "ok");
    assert_eq!(unread(&mut world, bob), 1);
}
