//! What a token says of rooms, over the wire: rights that nobody in the room gave, and rights that end on an open connection.

use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use wardroom::access::token::TokenAuthenticator;
use wardroom::config::{Config, KeyMaterial, KeySource};
use wardroom::id::ConnectionId;
use wardroom::simulation::World;

use super::{ask, join, reply, send, told, verdict};
use crate::roomy;

const SECRET: &[u8] = b"thirty-two bytes and a few more of secret";

fn world() -> World {
    let mut auth = Config::default().auth;
    auth.keys = vec![KeySource {
        id: None,
        algorithms: vec!["HS256".to_owned()],
        file: None,
        material: KeyMaterial::Secret(SECRET.to_vec()),
        origin: "the test".to_owned(),
    }];
    let authenticator = TokenAuthenticator::new(&auth).expect("a good key");
    World::with_authenticator(roomy(), Box::new(authenticator), [7; 32])
}

fn token(world: &World, user: &str, lifetime: u64, rooms: &Value) -> String {
    let exp = world.now().wall.as_seconds() + lifetime;
    let mut claims = json!({"sub": user, "exp": exp});
    if !rooms.is_null() {
        claims["rooms"] = rooms.clone();
    }
    jsonwebtoken::encode(
        &Header::default(),
        &claims,
        &EncodingKey::from_secret(SECRET),
    )
    .expect("a token")
}

fn come(world: &mut World, user: &str, rooms: &Value) -> ConnectionId {
    let token = token(world, user, 600, rooms);
    let id = world.join_v1(&token, "10.0.0.1");
    world.client(id).take_frames();
    id
}

/// A room for members, and one for everybody, which olga has made.
fn founded(world: &mut World) -> ConnectionId {
    let olga = come(world, "olga", &Value::Null);
    for (room, kind) in [("team-a", "members"), ("hall", "public")] {
        let create = json!({"type": "create", "id": 1, "room": room, "kind": kind});
        assert_eq!(verdict(world, olga, &create), "ok");
        assert_eq!(verdict(world, olga, &join(room)), "ok");
    }
    olga
}

#[test]
fn a_token_opens_a_room_whose_people_know_nothing_of_its_holder() {
    let mut world = world();
    founded(&mut world);
    let guest = come(&mut world, "guest", &json!({"team-*": ["join", "send"]}));
    let rooms = reply(&mut world, guest, &json!({"type": "rooms", "id": 1}));
    assert!(rooms.to_string().contains("team-a"), "{rooms}");
    assert_eq!(verdict(&mut world, guest, &join("team-a")), "ok");
    assert_eq!(verdict(&mut world, guest, &send("team-a", "hello")), "ok");
    for request in [
        json!({"type": "history", "id": 1, "room": "team-a"}),
        json!({"type": "kick", "id": 1, "room": "team-a", "user": "nobody"}),
        json!({"type": "invite", "id": 1, "room": "team-a", "user": "nobody"}),
    ] {
        assert_eq!(
            verdict(&mut world, guest, &request),
            "forbidden",
            "{request}"
        );
    }
    let explained = reply(
        &mut world,
        guest,
        &json!({"type": "explain", "id": 1, "room": "team-a"}),
    );
    let right = |word: &str| {
        let rights = explained["rights"].as_array().expect("rights");
        let found = rights.iter().find(|right| right["capability"] == word);
        let right = found.expect("the word");
        (right["allowed"].clone(), right["reason"].clone())
    };
    assert_eq!(right("see"), (json!(true), json!("claimed")));
    assert_eq!(right("read"), (json!(false), json!("not_claimed")));
}

#[test]
fn a_token_that_names_a_room_for_nothing_closes_it_to_its_holder() {
    let mut world = world();
    founded(&mut world);
    let guest = come(&mut world, "guest", &json!({"hall": []}));
    assert_eq!(verdict(&mut world, guest, &join("hall")), "unknown_room");
    let reader = come(&mut world, "reader", &json!({"hall": ["read", "join"]}));
    assert_eq!(verdict(&mut world, reader, &join("hall")), "ok");
    assert_eq!(
        verdict(&mut world, reader, &send("hall", "hi")),
        "forbidden"
    );
}

#[test]
fn a_ban_counts_more_than_a_token() {
    let mut world = world();
    let olga = founded(&mut world);
    let guest = come(
        &mut world,
        "guest",
        &json!({"team-*": ["join", "send", "moderate"]}),
    );
    assert_eq!(verdict(&mut world, guest, &join("team-a")), "ok");
    let ban = json!({"type": "ban", "id": 1, "room": "team-a", "user": "guest"});
    assert_eq!(verdict(&mut world, olga, &ban), "ok");
    let told = told(&mut world, guest);
    assert_eq!(
        told.last().map(|notice| &notice["type"]),
        Some(&json!("removed"))
    );
    assert_eq!(verdict(&mut world, guest, &join("team-a")), "unknown_room");
}

#[test]
fn a_newer_token_that_says_less_puts_its_holder_out_in_the_same_turn() {
    let mut world = world();
    let olga = founded(&mut world);
    let guest = come(&mut world, "guest", &json!({"team-*": ["join", "send"]}));
    assert_eq!(verdict(&mut world, guest, &join("team-a")), "ok");
    let newer = token(&world, "guest", 900, &json!({"other": ["join"]}));
    let told = ask(
        &mut world,
        guest,
        &json!({"type": "refresh", "id": 1, "token": newer}),
    );
    let removed = told.iter().find(|notice| notice["type"] == "removed");
    assert_eq!(removed.expect("put out")["code"], "forbidden");
    assert_eq!(verdict(&mut world, olga, &send("team-a", "secret")), "ok");
    assert_eq!(super::told(&mut world, guest), Vec::<Value>::new());
}

#[test]
fn a_token_that_says_configure_appoints_and_sets_everything_and_puts_nobody_out() {
    let mut world = world();
    let olga = founded(&mut world);
    let clerk = come(&mut world, "clerk", &json!({"hall": ["configure"]}));
    let about = |kind: &str, fields: Value| {
        let mut request = json!({"type": kind, "id": 1, "room": "hall"});
        let fields = fields.as_object().expect("fields").clone();
        request.as_object_mut().expect("an object").extend(fields);
        request
    };
    let give = |user: &str, affiliation: &str| {
        about(
            "affiliate",
            json!({"user": user, "affiliation": affiliation}),
        )
    };
    for (request, expected) in [
        (about("update", json!({"topic": "new"})), "ok"),
        (about("update", json!({"locked": true})), "ok"),
        (about("update", json!({"slow_mode_ms": 5})), "ok"),
        (about("raid", json!({"for_ms": 5})), "ok"),
        (give("mia", "member"), "ok"),
        (give("mia", "moderator"), "ok"),
        (give("ned", "owner"), "ok"),
        (give("mia", "none"), "ok"),
        // It is as high as an owner, and no higher.
        (give("ned", "none"), "outranked"),
        (give("olga", "member"), "outranked"),
        (about("kick", json!({"user": "nobody"})), "forbidden"),
        (about("ban", json!({"user": "nobody"})), "forbidden"),
        (about("mute", json!({"user": "nobody"})), "forbidden"),
        (about("invite", json!({"user": "nobody"})), "forbidden"),
        (about("transfer", json!({"user": "nobody"})), "forbidden"),
    ] {
        assert_eq!(verdict(&mut world, clerk, &request), expected, "{request}");
    }
    // Whoever has that in a token is banned like anybody by those who moderate, unless the room itself has them as high.
    let ban = about("ban", json!({"user": "clerk"}));
    assert_eq!(verdict(&mut world, olga, &ban), "ok");
    let update = about("update", json!({"topic": "newer"}));
    assert_eq!(verdict(&mut world, clerk, &update), "banned");
}
