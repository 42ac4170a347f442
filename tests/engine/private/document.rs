//! `docs/openapi.json` and `docs/api.md` say what the private door does: every route, every problem, every field, and
//! no more.

use std::collections::BTreeSet;

use serde_json::Value;
use wardroom::protocol::api::{PAGE_ENTRIES, PAGE_ENTRIES_MAX, ROUTES};
use wardroom::protocol::head::Method;
use wardroom::protocol::problem::{Problem, TYPE_PREFIX};
use wardroom::simulation::Response;

use super::{answer, get, post, private_world};

const PAGE: &str = include_str!("../../../docs/api.md");

fn document() -> Value {
    serde_json::from_str(include_str!("../../../docs/openapi.json")).expect("JSON")
}

/// What a reference, or the schema itself, leads to.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let Some(reference) = schema["$ref"].as_str() else {
        return schema;
    };
    let pointer = reference
        .strip_prefix('#')
        .expect("a reference within the document");
    let found = document.pointer(pointer);
    found.unwrap_or_else(|| panic!("{reference} leads nowhere"))
}

fn is_of_type(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        other => panic!("the schemas here do not use {other}"),
    }
}

/// Fails when `value` is not what the schema says, as far as the schemas of this document go.
fn expect_valid(document: &Value, schema: &Value, value: &Value, place: &str) {
    let schema = resolved(document, schema);
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.clone(),
        kind => vec![kind.clone()],
    };
    let fits = kinds
        .iter()
        .any(|kind| is_of_type(value, kind.as_str().expect("a type")));
    assert!(fits, "{place}: {value} is no {kinds:?}");
    if let Some(allowed) = schema["enum"].as_array() {
        assert!(allowed.contains(value), "{place}: {value}");
    }
    if let (Some(minimum), Some(number)) = (schema["minimum"].as_i64(), value.as_i64()) {
        assert!(number >= minimum, "{place}: {number}");
    }
    for (at, entry) in value.as_array().into_iter().flatten().enumerate() {
        expect_valid(document, &schema["items"], entry, &format!("{place}[{at}]"));
    }
    let Some(object) = value.as_object() else {
        return;
    };
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(
            value.get(name.as_str().expect("a name")).is_some(),
            "{place}: no {name}"
        );
    }
    for (name, entry) in object {
        let own = &schema["properties"][name];
        let schema = if own.is_null() {
            &schema["additionalProperties"]
        } else {
            own
        };
        assert!(schema.is_object(), "{place}: {name} is not in the document");
        expect_valid(document, schema, entry, &format!("{place}.{name}"));
    }
}

/// Checks an answer against what the document says of its route.
fn expect_documented(document: &Value, path: &str, method: &str, response: &Response) {
    let route = &document["paths"][path][method];
    let status = response.status.to_string();
    let known = match route["responses"].get(&status) {
        Some(known) => known,
        None => &route["responses"]["default"],
    };
    let content = resolved(document, known)["content"]
        .as_object()
        .expect("content");
    let kind = response.field("Content-Type").expect("a type");
    let content = content
        .get(kind)
        .unwrap_or_else(|| panic!("{path}: {kind}"));
    if kind.contains("json") {
        expect_valid(document, &content["schema"], &response.json(), path);
    }
}

/// Every reference in a value.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, entry) in object {
                match entry.as_str() {
                    Some(text) if name == "$ref" => {
                        found.insert(text.to_owned());
                    }
                    _ => references(entry, found),
                }
            }
        }
        Value::Array(entries) => entries.iter().for_each(|entry| references(entry, found)),
        _ => {}
    }
}

#[test]
fn every_route_of_the_code_is_in_the_document_and_the_reverse() {
    let document = document();
    let mut written = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            written.insert((path.clone(), method.clone()));
            assert!(operation["operationId"].is_string(), "{path}");
            assert!(operation["responses"]["200"].is_object(), "{path}");
            assert_eq!(
                operation["responses"]["default"]["$ref"],
                "#/components/responses/Problem"
            );
            assert_eq!(
                operation["requestBody"].is_object(),
                method == "post",
                "{path}"
            );
            let row = ROUTES.iter().find(|row| row.path == path);
            let row = row.unwrap_or_else(|| panic!("{path} is not in the code"));
            let is_open = operation["security"].as_array().is_some_and(Vec::is_empty);
            assert_eq!(is_open, !row.needs_key, "{path}");
        }
    }
    let in_code: BTreeSet<_> = ROUTES
        .iter()
        .map(|row| {
            let method = if row.method == Method::Get {
                "get"
            } else {
                "post"
            };
            (row.path.to_owned(), method.to_owned())
        })
        .collect();
    assert_eq!(written, in_code);
    for row in &ROUTES {
        assert!(
            PAGE.contains(&format!("`{}`", row.path)),
            "{} is not in docs/api.md",
            row.path
        );
    }
}

#[test]
fn every_problem_of_the_code_is_in_both_documents_and_the_reverse() {
    let document = document();
    let problem = &document["components"]["schemas"]["Problem"]["properties"];
    let written: BTreeSet<&str> = problem["type"]["enum"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|kind| kind.as_str()?.strip_prefix(TYPE_PREFIX))
        .collect();
    let in_code: BTreeSet<&str> = Problem::KINDS.iter().map(|(kind, ..)| *kind).collect();
    assert_eq!(written, in_code);
    for (kind, status, title) in Problem::KINDS {
        assert!(
            PAGE.contains(&format!("| {status} | `{kind}` | ")),
            "{kind} is not in docs/api.md"
        );
        for (name, value) in [
            ("status", Value::from(status)),
            ("title", Value::from(title)),
        ] {
            let allowed = problem[name]["enum"].as_array().expect("a list");
            assert!(allowed.contains(&value), "{value}");
        }
    }
    let rows = PAGE.lines().filter(|line| {
        let cells: Vec<&str> = line.split(" | ").collect();
        cells.len() == 4 && cells[0].trim_start_matches("| ").parse::<u16>().is_ok()
    });
    assert_eq!(
        rows.count(),
        in_code.len(),
        "docs/api.md has rows that the code has not"
    );
}

#[test]
fn the_document_is_whole() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    for name in ["title", "version"] {
        assert!(document["info"][name].is_string(), "{name}");
    }
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in &found {
        let pointer = reference
            .strip_prefix('#')
            .expect("a reference within the document");
        assert!(
            document.pointer(pointer).is_some(),
            "{reference} leads nowhere"
        );
    }
    for kind in ["schemas", "parameters", "responses"] {
        for name in document["components"][kind]
            .as_object()
            .expect("components")
            .keys()
        {
            let reference = format!("#/components/{kind}/{name}");
            assert!(found.contains(&reference), "{reference} is used by nothing");
        }
    }
    let limit = &document["components"]["parameters"]["limit"]["schema"];
    assert_eq!(limit["maximum"], PAGE_ENTRIES_MAX);
    assert_eq!(limit["default"], PAGE_ENTRIES);
}

#[test]
fn every_answer_is_as_the_document_says() {
    let document = document();
    let mut world = private_world(|config| {
        config.limits.messages_per_user = crate::per_second(1);
        config.limits.messages_per_address = crate::per_second(1);
    });
    let alice = world.join_v1("alice", "10.0.0.1");
    world.join("bob", "10.0.0.2");
    world.say(alice, r#"{"type":"send","room":"lobby","message":"hi"}"#);
    world.say(alice, r#"{"type":"create","room":"den"}"#);
    for (path, body) in [
        ("messages", r#"{"message":"hi"}"#),
        (
            "changes",
            r#"{"action":"ban","user":"eve","for_ms":1000,"reason":"noise"}"#,
        ),
        ("changes", r#"{"action":"mute","user":"erin"}"#),
        ("changes", r#"{"action":"delete_message","seq":1}"#),
        ("changes", r#"{"action":"raid","for_ms":1000}"#),
    ] {
        let response = post(&mut world, &format!("/api/v1/rooms/den/{path}"), body);
        assert_eq!(response.status, 200, "{body}: {response:?}");
    }
    post(&mut world, "/api/v1/sessions", r#"{"user":"erin"}"#);
    let list = get(&mut world, "/api/v1/connections?user=alice").json();
    let connection = list["connections"][0]["id"].as_str().expect("an id");
    for row in ROUTES.iter().filter(|row| row.method == Method::Get) {
        let path = row.path.replace("{room}", "den");
        let path = path.replace("{connection}", connection);
        let response = get(&mut world, &path);
        assert_eq!(response.status, 200, "{path}");
        expect_documented(&document, row.path, "get", &response);
        let refused = get(&mut world, &format!("{path}?nonsense=1"));
        expect_documented(&document, row.path, "get", &refused);
    }
    for query in ["user=alice", "address=10.0.0.2", "user=nobody&address=::1"] {
        let response = get(&mut world, &format!("/api/v1/limits?{query}"));
        assert_eq!(response.status, 200, "{query}");
        expect_documented(&document, "/api/v1/limits", "get", &response);
    }
    for (path, body) in [
        (
            "/api/v1/rooms/{room}/messages",
            r#"{"message":"hi","as":{"user":"carol","name":"Carol"}}"#,
        ),
        (
            "/api/v1/rooms",
            r#"{"room":"team","owner":"carol","kind":"members","topic":"Plans","slow_mode_ms":500}"#,
        ),
        (
            "/api/v1/rooms/{room}/changes",
            r#"{"action":"affiliate","user":"carol","affiliation":"owner"}"#,
        ),
        ("/api/v1/tickets", r#"{"user":"carol","name":"Carol"}"#),
        (
            "/api/v1/sessions",
            r#"{"user":"carol","label":"phone","lifetime_ms":60000}"#,
        ),
        ("/api/v1/revocations", r#"{"user":"dave"}"#),
        ("/api/v1/pardons", r#"{"address":"2001:db8::1"}"#),
        (
            "/api/v1/disconnect",
            r#"{"user":"alice","reason":"enough"}"#,
        ),
    ] {
        let route = &document["paths"][path]["post"];
        let schema = &route["requestBody"]["content"]["application/json"]["schema"];
        let value = serde_json::from_str(body).expect("JSON");
        expect_valid(&document, schema, &value, path);
        let asked = path.replace("{room}", "lobby");
        let response = post(&mut world, &asked, body);
        assert_eq!(response.status, 200, "{path}");
        expect_documented(&document, path, "post", &response);
        let refused = post(&mut world, &asked, r#"{"nonsense":1}"#);
        assert_eq!(refused.status, 400);
        expect_documented(&document, path, "post", &refused);
    }
    let stranger = "POST /api/v1/tickets HTTP/1.1\r\nHost: localhost\r\n\r\n";
    expect_documented(
        &document,
        "/api/v1/tickets",
        "post",
        &answer(&mut world, stranger),
    );
}
