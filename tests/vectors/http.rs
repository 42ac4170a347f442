//! `http.txt` as requests on connections to the engine.

use wardroom::config::Config;
use wardroom::protocol::head::{Head, HeadScanner};
use wardroom::simulation::World;

use super::read::{Case, cases};

const FILE: &str = include_str!("http.txt");
const GOOD: [&str; 6] = [
    "GET /ws/chat?token=alice HTTP/1.1",
    "Host: chat.example",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
];

/// The good request with `text` in the place of the line that `changed` names, or behind Host.
fn request(changed: &str, text: &[u8]) -> Vec<u8> {
    if changed == "whole" {
        return text.to_vec();
    }
    let mut bytes = Vec::new();
    let mut is_put = false;
    for (at, line) in GOOD.iter().enumerate() {
        let is_place = match changed {
            "line" => at == 0,
            "more" => false,
            name => line.starts_with(&format!("{name}:")),
        };
        is_put |= is_place;
        bytes.extend(if is_place { text } else { line.as_bytes() });
        bytes.extend(b"\r\n");
        if changed == "more" && at == 1 {
            is_put = true;
            bytes.extend(text);
            bytes.extend(b"\r\n");
        }
    }
    assert!(is_put, "there is no {changed}");
    bytes.extend(b"\r\n");
    bytes
}

/// What the engine answers to `bytes` that come in pieces of at most `piece`.
fn answer(bytes: &[u8], piece: usize) -> String {
    let mut config = Config::default();
    config.limits.glitches_per_connection = config.limits.bytes_per_connection;
    let mut world = World::new(config);
    let id = world.connect("192.0.2.1").expect("room for a connection");
    for piece in bytes.chunks(piece) {
        world.send(id, piece);
    }
    let client = world.client(id);
    let mut said = Vec::new();
    while !said.ends_with(&["101".to_owned()]) {
        let response = match bytes.starts_with(b"HEAD ") && said.is_empty() {
            true => client.take_head(),
            false => client.take_whole_response(),
        };
        match response {
            Some(response) => said.push(response.status.to_string()),
            None => break,
        }
    }
    if said.is_empty() {
        assert_eq!(client.received(), b"");
        return "waits".to_owned();
    }
    if said.ends_with(&["101".to_owned()])
        && let Some((code, _)) = client.take_close()
    {
        said.push(code.to_string());
    }
    assert_eq!(client.untaken(), b"", "something else came");
    said.join("+")
}

fn all() -> Vec<Case<4>> {
    let all = cases(FILE);
    assert!(all.len() >= 300, "{} cases", all.len());
    all
}

#[test]
fn a_request_has_the_documented_answer_whole_and_byte_by_byte() {
    let mut faults = Vec::new();
    for Case { words, bytes } in all() {
        let [_, name, changed, verdict] = words;
        let bytes = request(changed, &bytes);
        for piece in [usize::MAX, 1] {
            let found = answer(&bytes, piece);
            if found != verdict {
                faults.push(format!(
                    "{name} in pieces of {piece}: {found}, not {verdict}"
                ));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What a request head means to this server alone, without the routes behind it.
fn is_head(bytes: &[u8]) -> bool {
    let end = HeadScanner::new(8192).find_end(bytes);
    let end = end.ok().flatten();
    end.is_some_and(|end| Head::parse(&bytes[..end], 64).is_ok())
}

#[test]
fn what_is_refused_as_malformed_is_refused_by_the_reader_of_heads_or_is_no_good_upgrade() {
    for Case { words, bytes } in all() {
        let [_, name, changed, verdict] = words;
        let bytes = request(changed, &bytes);
        match verdict {
            "waits" | "431" => assert!(!is_head(&bytes), "{name}"),
            "400" => {}
            _ => assert!(is_head(&bytes), "{name}"),
        }
    }
}

#[test]
fn what_every_server_must_take_is_taken_or_explained_and_what_none_may_take_is_refused() {
    let (mut taken, mut refused, mut decided) = (0, 0, 0);
    let page = include_str!("../../docs/http.md");
    for Case { words, .. } in all() {
        let [class, name, _, verdict] = words;
        let is_refused = ["400", "426", "431", "waits"]
            .iter()
            .any(|status| verdict.starts_with(status))
            || verdict.ends_with("+400")
            || verdict.ends_with("+1002");
        let needs_reason = match class {
            "y" => {
                taken += 1;
                is_refused
            }
            "n" => {
                refused += 1;
                !is_refused
            }
            "i" => {
                decided += 1;
                true
            }
            other => panic!("{name} is of class {other:?}"),
        };
        let row = page
            .lines()
            .find(|line| line.contains(&format!("`{name}`")));
        let is_told = row.is_some_and(|row| row.contains(&format!("| `{verdict}` |")));
        assert!(!needs_reason || is_told, "{name}: {verdict}: {row:?}");
    }
    let counts = format!("{taken} of class `y`, {refused} of class `n`, {decided} of class `i`");
    assert!(page.contains(&counts), "the page does not say: {counts}");
}
