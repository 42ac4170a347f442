//! Signed tokens at the door and on an open connection. Their rules one by one are tested where they are verified.

use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use wardroom::access::token::TokenAuthenticator;
use wardroom::config::{Config, KeyMaterial, KeySource};
use wardroom::simulation::World;

use crate::{closed, knock, lines, millis, seconds, stay};

const SECRET: &[u8] = b"thirty-two bytes and a few more of secret";

fn token(claims: &Value, secret: &[u8]) -> String {
    jsonwebtoken::encode(
        &Header::default(),
        claims,
        &EncodingKey::from_secret(secret),
    )
    .expect("a token")
}

fn token_world() -> World {
    let mut config = Config::default();
    config.auth.keys = vec![KeySource {
        id: None,
        algorithms: vec!["HS256".to_owned()],
        material: KeyMaterial::Secret(SECRET.to_vec()),
        file: None,
        origin: "test".to_owned(),
    }];
    let authenticator = TokenAuthenticator::new(&config.auth).expect("a good key");
    World::with_authenticator(config, Box::new(authenticator), [7; 32])
}

#[test]
fn a_signed_token_opens_the_chat_by_header_and_by_query() {
    let now = token_world().now().wall.as_seconds();
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSIsImV4cCI6OTk5OTk5OTk5OX0.";
    let rows = [
        (
            "good",
            json!({"sub": "u1", "exp": now + 60}),
            SECRET,
            "in as u1",
        ),
        (
            "within the leeway",
            json!({"sub": "u1", "exp": now - 29}),
            SECRET,
            "in as u1",
        ),
        (
            "expired",
            json!({"sub": "u1", "exp": now - 31}),
            SECRET,
            "1008 token expired",
        ),
        (
            "no exp",
            json!({"sub": "u1"}),
            SECRET,
            "1008 invalid credentials",
        ),
        (
            "not yet",
            json!({"sub": "u1", "exp": now + 99, "nbf": now + 60}),
            SECRET,
            "1008 invalid credentials",
        ),
        (
            "another key",
            json!({"sub": "u1", "exp": now + 60}),
            b"another secret of more than thirty-two bytes",
            "1008 invalid credentials",
        ),
        (
            "expired, by another key",
            json!({"sub": "u1", "exp": now - 60}),
            b"another secret of more than thirty-two bytes",
            "1008 invalid credentials",
        ),
        (
            "a user who calls themselves System",
            json!({"sub": "u1", "username": "Ѕystem", "exp": now + 60}),
            SECRET,
            "1008 invalid credentials",
        ),
    ];
    for (name, claims, secret, expected) in rows {
        let token = token(&claims, secret);
        let query = format!("?token={token}");
        let bearer = format!("Authorization: Bearer {token}\r\n");
        for (query, fields) in [(query.as_str(), ""), ("", bearer.as_str())] {
            let mut world = token_world();
            assert_eq!(
                knock(&mut world, "10.0.0.1", query, fields),
                expected,
                "{name}"
            );
        }
    }
    let unsigned = format!("?token={unsigned}");
    assert_eq!(
        knock(&mut token_world(), "10.0.0.1", &unsigned, ""),
        "1008 invalid credentials"
    );
}

#[test]
fn an_open_connection_ends_when_its_token_and_the_leeway_do() {
    let mut world = token_world();
    let expires = world.now().wall.as_seconds() + 60;
    let token = token(
        &json!({"sub": "u1", "username": "Ann", "exp": expires}),
        SECRET,
    );
    let id = world.open("/ws/chat", &token, "10.0.0.1", "");
    assert_eq!(
        lines(&world.client(id).take_notices()),
        ["System: User Ann has joined the chat."]
    );
    stay(&mut world, id, seconds(60 + 30) - millis(1));
    assert_eq!(closed(&mut world, id), None);
    world.advance(millis(1));
    assert_eq!(
        closed(&mut world, id),
        Some((1008, "token expired".to_owned()))
    );
}
