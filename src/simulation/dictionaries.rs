//! The words of the published grammar, for fuzzers: `fuzz/dictionaries/*.dict` are made here, and held up to date.

use std::path::Path;

use crate::access::test_keys::ALGORITHMS;
use crate::config;
use crate::protocol::api::{ACTIONS, ROUTES};
use crate::protocol::close::CloseReason;
use crate::protocol::command::{Field, v1};
use crate::protocol::head::SINGLETONS;
use crate::protocol::vocabulary::{Affiliation, Capability, JoinRule, RoomKind};

/// A dictionary: the target it is for, and its words.
type Dictionary = (&'static str, Vec<Vec<u8>>);

/// What JSON itself is made of, and texts that readers of it stumble over.
const JSON: &str = r#"{ } [ ] : , " {"" "": null true false 0 -0 -1 1.5 1e3 1e400 9007199254740991 9007199254740992 4294967295 4294967296 31622400000
    18446744073709551616 \ \u0000 \u0007 \ud800 \udc00 \ud83d\ude00 \u202e \n "a" "-" "AAEC_-8""#;
/// RFC 7519 §4.1, the names that are displayed, and RFC 7515 §4.1.
const CLAIMS: &str = "sub username name iss aud exp nbf iat jti rooms alg kid typ crit b64 jwk jku x5c x5u x5t cty zip enc";
const TOKENS: &str = "JWT at+jwt none 1764000060 1764000030 1763999999.5 https://id.example chat secret rsa p256 p384 p521 ed wrs_ a-*";
const CREDENTIALS: [&str; 11] = [
    "ABearer ",
    "Abearer ",
    "ABasic ",
    "Csession=",
    "Csession=\"",
    "; session=",
    "Pwardroom.ticket.",
    "Pwardroom.v1",
    "Qtoken=",
    "&token=",
    "%2E",
];
const REQUESTS: [&str; 24] = [
    "GET ",
    "HEAD ",
    "POST ",
    "OPTIONS ",
    " HTTP/1.1\r\n",
    " HTTP/1.0\r\n",
    "\r\n",
    "\r\n\r\n",
    "\n",
    "\r",
    "\r\n ",
    ": ",
    ", ",
    "Transfer-Encoding: ",
    "chunked",
    "Expect: 100-continue",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Connection: close",
    "Sec-WebSocket-Protocol: ",
    "wardroom.v1",
    "wardroom.ticket.",
    "dGhlIHNhbXBsZSBub25jZQ==",
    "%2f",
];
const ORIGINS: &str = "http:// https:// null * localhost 127.0.0.1 [::1] [::ffff:127.0.0.1] 0x7f000001 2130706433 xn-- :80 :443 :8080 :65535 :65536 :0 . @ / \\ ? # %
    chat.example same-origin same-site cross-site none Ohttps:// Lhttps:// Ssame-site";
const FORWARDED: &str = "10.0.0.1 10.0.0.2 203.0.113.9 1.1.1.1 ::1 fe80::1%eth0 2001:db8:aaaa::1 2001:db8::7 ::ffff:10.0.0.2 [ ] :80 :65536 :_x unknown _hidden
    for= For=\" for=\"[ proto=https by= host= ; , \" \\\" \\\\ 255.255.255.255 010.0.0.1
    PROXY TCP4 TCP6 UNKNOWN";
const CONFIG: &str = "= [ ] [[ ]] , # \" ''' \"\"\" true false 0 -1 1 10s 5m 1h 90d 64KiB 16MiB 1GiB 10/s 100/m 127.0.0.1:8080 [::]:8080 10.0.0.0/8 none nan inf 0x10 1_000";

fn words(list: &str) -> Vec<Vec<u8>> {
    list.split_whitespace()
        .map(|word| word.as_bytes().to_vec())
        .collect()
}

fn texts<'a>(list: impl IntoIterator<Item = &'a str>) -> Vec<Vec<u8>> {
    list.into_iter()
        .map(|word| word.as_bytes().to_vec())
        .collect()
}

fn quoted<'a>(list: impl IntoIterator<Item = &'a str>) -> Vec<Vec<u8>> {
    list.into_iter()
        .map(|word| format!("\"{word}\"").into_bytes())
        .collect()
}

fn dictionaries() -> Vec<Dictionary> {
    vec![
        ("config", settings()),
        (
            "forwarded",
            [
                words(FORWARDED),
                texts(["PROXY TCP4 ", "\r\n"]),
                announcements(),
            ]
            .concat(),
        ),
        ("frame", frames()),
        ("json", [words(JSON), requests()].concat()),
        ("origin", words(ORIGINS)),
        (
            "token",
            [
                quoted(CLAIMS.split(' ')),
                quoted(TOKENS.split(' ')),
                quoted(ALGORITHMS),
                capabilities(),
                texts(CREDENTIALS),
                words("{ } : , . = 1e9"),
            ]
            .concat(),
        ),
        ("upgrade", [texts(REQUESTS), fields(), paths()].concat()),
    ]
}

/// Both protocols' commands, and the calls about rooms.
fn requests() -> Vec<Vec<u8>> {
    let mut all = quoted(v1::COMMANDS.iter().map(|command| command.name));
    all.extend(quoted(ACTIONS));
    all.extend(
        Field::ALL
            .iter()
            .map(|field| format!("\"{}\":", field.name()).into_bytes()),
    );
    all.extend(texts([
        "\"type\":\"",
        "\"id\":",
        "\"action\":\"",
        "\"owner\":",
        "\"room_id\":",
    ]));
    all.extend(quoted(RoomKind::ALL.iter().map(|word| word.word())));
    all.extend(quoted(JoinRule::ALL.iter().map(|word| word.word())));
    all.extend(quoted(Affiliation::ALL.iter().map(|word| word.word())));
    all
}

fn capabilities() -> Vec<Vec<u8>> {
    quoted(Capability::ALL.iter().map(|word| word.word()))
}

/// First bytes, lengths with the bit of a mask, and codes of a close frame.
fn frames() -> Vec<Vec<u8>> {
    let opcodes = [0, 1, 2, 8, 9, 10, 3, 11];
    let mut all: Vec<Vec<u8>> = Vec::new();
    for first in opcodes
        .iter()
        .flat_map(|opcode| [*opcode, 0x80 | opcode, 0xC0 | opcode])
    {
        all.push(vec![first, 0x80, 0, 0, 0, 0]);
    }
    all.extend([
        vec![0xFE, 0, 126],
        vec![0xFE, 1, 0xF4],
        vec![0xFE, 0xFF, 0xFF],
        vec![0xFF, 0, 0, 0, 0, 0, 1, 0, 0],
    ]);
    for reason in CloseReason::ALL {
        all.push([&[0x88, 0x82, 0, 0, 0, 0], &reason.code().to_be_bytes()[..]].concat());
    }
    for code in [999, 1004, 1005, 1006, 1015, 2999, 5000_u16] {
        all.push(code.to_be_bytes().to_vec());
    }
    all.extend(["é", "😀", "\u{FEFF}"].map(|text| text.as_bytes().to_vec()));
    all.extend([
        vec![0xC0, 0x80],
        vec![0xED, 0xA0, 0x80],
        vec![0xF4, 0x90, 0x80, 0x80],
    ]);
    all
}

fn fields() -> Vec<Vec<u8>> {
    SINGLETONS
        .iter()
        .map(|name| format!("{name}: ").into_bytes())
        .collect()
}

/// Those of both listeners.
fn paths() -> Vec<Vec<u8>> {
    let open = [
        "/ws/chat", "/ws/echo", "/ticket", "/healthz", "/metrics", "/readyz",
    ];
    texts(open.into_iter().chain(ROUTES.iter().map(|row| row.path)))
}

/// The binary PROXY header: its mark, and families with their lengths.
fn announcements() -> Vec<Vec<u8>> {
    let mark = b"\r\n\r\n\0\r\nQUIT\n";
    let rests: [&[u8]; 6] = [
        &[0x20, 0, 0, 0],
        &[0x21, 0x11, 0, 12],
        &[0x21, 0x21, 0, 36],
        &[0x21, 0x31, 0, 216],
        &[3, 0, 4],
        &[4, 0, 0],
    ];
    let rests = rests.iter().map(|rest| rest.to_vec());
    [mark.to_vec()].into_iter().chain(rests).collect()
}

/// Sections and keys, out of the reference of the configuration.
fn settings() -> Vec<Vec<u8>> {
    let mut all = words(CONFIG);
    for line in config::reference().lines() {
        let name = line.split('`').nth(1).unwrap_or_default();
        if line.starts_with("### `") {
            all.push(format!("{name}\n").into_bytes());
        } else if line.starts_with("| `") {
            all.push(format!("{name} = ").into_bytes());
        }
    }
    all
}

/// In the format of libFuzzer and AFL++.
fn written(mut words: Vec<Vec<u8>>) -> String {
    words.sort();
    words.dedup();
    let mut text = "# Made from the sources by src/simulation/dictionaries.rs; `WARDROOM_BLESS=1 cargo test --lib dictionaries` renews it.\n".to_owned();
    for word in words {
        let escaped = word.iter().map(|byte| match byte {
            b'"' | b'\\' => format!("\\{}", char::from(*byte)),
            b' '..=b'~' => char::from(*byte).to_string(),
            other => format!("\\x{other:02X}"),
        });
        text.push_str(&format!("\"{}\"\n", escaped.collect::<String>()));
    }
    text
}

#[test]
fn the_fuzzers_dictionaries_are_what_the_grammar_generates() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/dictionaries");
    for (target, words) in dictionaries() {
        let path = folder.join(format!("{target}.dict"));
        assert!(words.iter().all(|word| !word.is_empty()), "{target}");
        let expected = written(words);
        if std::env::var_os("WARDROOM_BLESS").is_some() {
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(&path, expected).expect("a dictionary");
            continue;
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == expected,
            "{target}.dict is stale: run this test with WARDROOM_BLESS=1"
        );
    }
}
