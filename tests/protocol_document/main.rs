//! The published grammar, `docs/protocol.md`, says what the code does, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use wardroom::protocol::command::rooms::{ROOM_NAME_BYTES_MAX, TOPIC_BYTES_MAX};
use wardroom::protocol::command::{self, Bounds, CommandError, Field, tutorial, v1};
use wardroom::protocol::json::{DEPTH_MAX, FIELDS_MAX};
use wardroom::protocol::notice::Notice;
use wardroom::protocol::refusal::RoomRefusal;

use notices::notices;

mod notices;

const PAGE: &str = include_str!("../../docs/protocol.md");

/// What stands under the heading `title`, up to the next heading.
fn section(title: &str) -> &'static str {
    let (_, after) = PAGE
        .split_once(&format!("\n{title}\n"))
        .unwrap_or_else(|| panic!("no heading {title}"));
    after.split("\n#").next().unwrap()
}

/// The rows of the first table of a section, as cells, without its head.
fn table(title: &str) -> Vec<Vec<&'static str>> {
    section(title)
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|row| row.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

/// The words of `cell` that stand in back-quotes.
fn quoted(cell: &'static str) -> Vec<&'static str> {
    cell.split('`').skip(1).step_by(2).collect()
}

fn only_quoted(cell: &'static str) -> &'static str {
    let words = quoted(cell);
    assert_eq!(words.len(), 1, "{cell}");
    words[0]
}

fn v1_value(notice: Notice<'_>) -> Value {
    let mut out = Vec::new();
    notice.write_v1(&mut out);
    serde_json::from_slice(&out).unwrap()
}

/// Every name of `value`, at every level.
fn names(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                into.insert(name.clone());
                names(value, into);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names(item, into)),
        _ => {}
    }
}

#[test]
fn the_commands_of_the_page_are_those_of_the_parser() {
    let headings = ["#### Commands", "#### Commands about a room itself"];
    let page: Vec<_> = headings
        .into_iter()
        .flat_map(table)
        .map(|row| (only_quoted(row[0]), quoted(row[1]), quoted(row[2])))
        .collect();
    let names = |fields: &[Field]| fields.iter().map(|field| field.name()).collect::<Vec<_>>();
    let code = v1::COMMANDS
        .map(|shape| (shape.name, names(shape.required), names(shape.optional)))
        .to_vec();
    assert_eq!(page, code);
}

#[test]
fn every_setting_of_a_room_is_explained_with_its_bound() {
    let page: BTreeSet<_> = table("#### Settings of a room")
        .into_iter()
        .map(|row| only_quoted(row[0]))
        .collect();
    let create = v1::COMMANDS.iter().find(|shape| shape.name == "create");
    let code = create.expect("the command").optional.iter();
    assert_eq!(page, code.map(|field| field.name()).collect());
    for bytes in [ROOM_NAME_BYTES_MAX, TOPIC_BYTES_MAX] {
        assert!(section("#### Settings of a room").contains(&format!("{bytes} bytes")));
    }
}

#[test]
fn the_refusals_of_rooms_are_those_of_the_code() {
    let page: BTreeSet<_> = table("### Codes for what can not be done")
        .into_iter()
        .map(|row| only_quoted(row[0]))
        .collect();
    for code in RoomRefusal::CODES {
        assert!(page.contains(code), "{code}");
    }
    let of_refresh = [
        "invalid_credentials",
        "token_expired",
        "revoked",
        "other_user",
    ];
    for code in page {
        let is_known = RoomRefusal::CODES.contains(&code) || of_refresh.contains(&code);
        assert!(is_known, "{code}");
    }
}

#[test]
fn the_error_codes_of_the_page_are_those_of_the_parser() {
    let page: BTreeSet<_> = table("### Codes for the shape of a request")
        .into_iter()
        .map(|row| only_quoted(row[0]))
        .collect();
    assert_eq!(page, BTreeSet::from(CommandError::CODES));
}

#[test]
fn the_notices_of_the_page_have_the_fields_that_are_written() {
    let page: BTreeMap<_, BTreeSet<_>> = table("### Notices and replies")
        .into_iter()
        .map(|row| (only_quoted(row[0]), quoted(row[1]).into_iter().collect()))
        .collect();
    assert_eq!(
        page.keys().copied().collect::<BTreeSet<_>>(),
        BTreeSet::from(Notice::TYPES)
    );
    let written = std::cell::RefCell::new(BTreeMap::<_, BTreeSet<String>>::new());
    notices(|notice| {
        let value = v1_value(notice);
        assert_eq!(value["type"], notice.kind());
        let fields = value.as_object().unwrap().keys().cloned();
        let mut written = written.borrow_mut();
        let known = written.entry(notice.kind()).or_default();
        known.extend(fields.filter(|name| name != "type"));
    });
    for (kind, fields) in written.into_inner() {
        let fields: BTreeSet<_> = fields.iter().map(String::as_str).collect();
        assert_eq!(page[kind], fields, "{kind}");
    }
}

#[test]
fn every_field_of_a_notice_is_explained_and_no_other() {
    let page: BTreeSet<_> = table("#### Their fields")
        .into_iter()
        .map(|row| only_quoted(row[0]).to_owned())
        .collect();
    let written = std::cell::RefCell::new(BTreeSet::new());
    notices(|notice| names(&v1_value(notice), &mut written.borrow_mut()));
    assert_eq!(page, written.into_inner());
}

#[test]
fn the_tutorials_texts_of_the_page_are_those_of_the_code() {
    let page: BTreeSet<_> = table("## The tutorial's protocol")
        .into_iter()
        .map(|row| only_quoted(row[0]))
        .collect();
    assert_eq!(page, BTreeSet::from(["message", "room_id"]));
    let (_, after) = PAGE.split_once("Its texts are fixed:").unwrap();
    let rows = after.lines().filter(|line| line.starts_with("| `"));
    let mut texts = BTreeMap::new();
    for row in rows.take_while(|row| !row.starts_with("| `code`")).take(8) {
        let cells: Vec<_> = row.trim_matches('|').split('|').collect();
        for code in quoted(cells[1]) {
            texts.insert((quoted(cells[0])[0], code), ());
        }
    }
    texts
        .remove(&(tutorial::RATE_LIMITED, "rate_limited"))
        .unwrap();
    texts.remove(&("error", "code")).unwrap();
    let mut heard = BTreeSet::new();
    let deep = format!("{{\"x\":{}1{}}}", "[".repeat(16), "]".repeat(16));
    let wide: Vec<_> = (0..33).map(|n| format!("\"{n}\":0")).collect();
    for text in [
        "x",
        "[]",
        &deep,
        &format!("{{{}}}", wide.join(",")),
        r#"{"message":"a","message":"b"}"#,
        "{}",
        &format!("{{\"message\":\"{}\"}}", "x".repeat(501)),
        r#"{"message":1}"#,
        r#"{"message":"\u0000"}"#,
        r#"{"message":"a","room_id":"-"}"#,
        r#"{"message":"a","room_id":1}"#,
    ] {
        let error = tutorial::parse(text, &Bounds::default()).unwrap_err();
        heard.insert((tutorial::text(error).into_owned(), error.code()));
    }
    let heard: BTreeSet<_> = heard.iter().map(|(text, code)| (&**text, *code)).collect();
    assert_eq!(texts.keys().copied().collect::<BTreeSet<_>>(), heard);
}

#[test]
fn the_bounds_of_the_page_are_those_of_the_code() {
    let bounds = section("## What holds for every text");
    for (words, bound) in [
        ("the outermost counted | ", DEPTH_MAX),
        ("at every level | ", FIELDS_MAX),
    ] {
        assert!(bounds.contains(&format!("{words}{bound} |")), "{words}");
    }
    let fields = section("### Fields in common");
    let more = command::ROOM_ID_BYTES_MAX - 1;
    for words in [
        format!("*{more}( ALNUM"),
        format!("1*{}ALNUM", command::ROOM_ID_BYTES_MAX),
        format!("default {}", Bounds::default().message_characters_max),
    ] {
        assert!(fields.contains(&words), "{words}");
    }
    let requests = section("### Requests");
    assert!(requests.contains(&format!("at most {} bytes", command::REQUEST_ID_BYTES_MAX)));
}

#[test]
fn the_examples_of_the_page_are_taken_and_told_as_they_stand() {
    let mut seen = 0;
    for line in section("### Examples").lines() {
        if let Some(text) = line.strip_prefix("→ ") {
            let parsed = v1::parse(text, &Bounds::default());
            let refused = parsed.err().map(|refused| refused.error.code());
            assert_eq!(
                refused,
                text.contains("\"\"").then_some("message_empty"),
                "{text}"
            );
            seen += 1;
        } else if let Some(text) = line.strip_prefix("← ") {
            let value: Value = serde_json::from_str(text).unwrap();
            assert!(
                Notice::TYPES.contains(&value["type"].as_str().unwrap()),
                "{text}"
            );
            seen += 1;
        }
    }
    assert_eq!(seen, 28);
}
