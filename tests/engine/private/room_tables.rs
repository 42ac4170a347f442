//! Bad input for every call about rooms, by table: made from what the protocol's requests take, so that none is forgotten.

use serde_json::{Map, Value, json};
use wardroom::protocol::api::{ACTIONS, ROUTES, Row};
use wardroom::protocol::command::Field;
use wardroom::protocol::command::v1::Shape;
use wardroom::simulation::World;

use super::{answer, get, post, private_world, request, told};
use crate::per_second;
use crate::rooms::bad_input::{about_rooms, least, wrong};
use crate::rooms::made;

const ROOMS: &str = "/api/v1/rooms";
const DEN: &str = "/api/v1/rooms/den/changes";

/// What a call with this body is told: the kind of problem, and the field at fault.
fn refused(world: &mut World, path: &str, body: &Map<String, Value>) -> (String, String) {
    let response = post(world, path, &Value::Object(body.clone()).to_string());
    let field = response.json()["field"].as_str().unwrap_or("-").to_owned();
    (told(&response), field)
}

/// The body that asks for this: the request without its type and its room, or with an owner where one is made.
fn body_of(shape: &Shape) -> (&'static str, Map<String, Value>) {
    let mut body = least(shape);
    body.remove("type");
    if shape.name == "create" {
        body.insert("room".to_owned(), "fresh".into());
        body.insert("owner".to_owned(), "bob".into());
        return (ROOMS, body);
    }
    body.remove("room");
    body.insert("action".to_owned(), shape.name.into());
    (DEN, body)
}

#[test]
fn every_field_of_every_body_about_a_room_is_refused_by_its_name_and_nothing_is_done() {
    let mut world = private_world(|config| config.private.requests = per_second(1_000_000));
    made(&mut world, "owner", "den", "public");
    let known = |shape: &&Shape| shape.name == "create" || ACTIONS.contains(&shape.name);
    let shapes: Vec<_> = about_rooms().filter(known).collect();
    assert_eq!(shapes.len(), ACTIONS.len() + 1);
    let invalid = |field: &str| ("400 invalid-field".to_owned(), field.to_owned());
    for shape in shapes {
        let (path, good) = body_of(shape);
        let is_new = shape.name == "create";
        let fields = shape.required.iter().chain(shape.optional);
        for field in fields.filter(|field| is_new || **field != Field::Room) {
            for (value, _) in wrong(shape.name, *field) {
                let mut body = good.clone();
                body.insert(field.name().to_owned(), value);
                let told = refused(&mut world, path, &body);
                assert_eq!(told, invalid(field.name()), "{body:?}");
            }
        }
        if is_new {
            for (value, _) in wrong("kick", Field::User) {
                let mut body = good.clone();
                body.insert("owner".to_owned(), value);
                assert_eq!(
                    refused(&mut world, path, &body),
                    invalid("owner"),
                    "{body:?}"
                );
            }
        }
        for name in good.keys() {
            let mut body = good.clone();
            body.remove(name);
            assert_eq!(refused(&mut world, path, &body), invalid(name), "{body:?}");
        }
        let mut body = good.clone();
        body.insert("evil".to_owned(), 1.into());
        assert_eq!(refused(&mut world, path, &body), invalid("-"), "{body:?}");
    }
    for action in [
        json!(null),
        json!(7),
        json!(""),
        json!("resign"),
        json!("Ban"),
        json!(["ban"]),
    ] {
        let mut body = Map::new();
        body.insert("action".to_owned(), action);
        assert_eq!(
            refused(&mut world, DEN, &body),
            invalid("action"),
            "{body:?}"
        );
    }
    assert_eq!(
        get(&mut world, "/api/v1/rooms/den").json()["log"]["number"],
        1
    );
    assert_eq!(
        told(&get(&mut world, "/api/v1/rooms/fresh")),
        "404 unknown-room"
    );
}

#[test]
fn every_route_about_a_room_refuses_rooms_there_are_not_parameters_and_bodies_that_are_none() {
    let mut world = private_world(|config| config.private.requests = per_second(1_000_000));
    made(&mut world, "owner", "den", "public");
    let about_rooms = |row: &&Row| row.path.starts_with(ROOMS);
    let rows: Vec<_> = ROUTES.iter().filter(about_rooms).collect();
    assert_eq!(rows.len(), 8, "a route without rows");
    for row in rows {
        let path = row.path.replace("{room}", "den");
        let is_post = row.method == wardroom::protocol::head::Method::Post;
        let mut ask = |path: &str, body: &str| {
            let line = if is_post { "POST" } else { "GET" };
            told(&answer(
                &mut world,
                &request(&format!("{line} {path}"), "", body),
            ))
        };
        if !is_post {
            for query in [
                "evil=1",
                "limit=0",
                "limit=-1",
                "limit=1001",
                "limit=1e3",
                "limit=1&limit=1",
            ] {
                assert_eq!(
                    ask(&format!("{path}?{query}"), ""),
                    "400 invalid-field",
                    "{path} {query}"
                );
            }
        }
        if is_post {
            for body in [
                "",
                "{",
                "[]",
                "7",
                "null",
                "{} {}",
                r#"{"a":1,"a":1}"#,
                "\u{feff}{}",
            ] {
                assert_eq!(ask(&path, body), "400 invalid-json", "{path} {body}");
            }
            assert_eq!(ask(&path, "{}"), "400 invalid-field", "{path}");
        }
        if row.path.contains("{room}") {
            let body = match row.path.rsplit('/').next() {
                Some("changes") => r#"{"action":"ban","user":"bob"}"#,
                _ if is_post => r#"{"message":"hi"}"#,
                _ => "",
            };
            for room in ["nowhere", "DEN", "-", &"x".repeat(65)] {
                let path = row.path.replace("{room}", room);
                assert_eq!(ask(&path, body), "404 unknown-room", "{path}");
            }
        }
    }
}
