//! Properties of scanner and parser over made-up bytes.

use proptest::prelude::*;

use super::*;

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// A slow reading of the scanner's contract, by looking at each byte's neighbours.
fn model(bytes: &[u8], bytes_max: usize) -> Result<Option<usize>, u16> {
    for (at, &byte) in bytes.iter().enumerate() {
        if at == bytes_max {
            break;
        }
        let before = &bytes[..at];
        let begins = at == 0 || before == b"\r\n";
        let line_begins = before.ends_with(b"\r\n");
        let is_malformed = match byte {
            b'\n' => !before.ends_with(b"\r"),
            _ if before.ends_with(b"\r") => true,
            b'\r' => before == b"\r\n",
            _ if begins => !is_tchar(byte),
            b' ' | b'\t' => line_begins,
            _ => byte < 0x20 || byte == 0x7f,
        };
        if is_malformed {
            return Err(400);
        }
        if bytes[..=at].ends_with(b"\r\n\r\n") {
            return Ok(Some(at + 1));
        }
    }
    if bytes.len() >= bytes_max {
        Err(431)
    } else {
        Ok(None)
    }
}

/// The first verdict when `bytes` come in pieces that end at `cuts`.
fn in_pieces(
    bytes: &[u8],
    cuts: &[prop::sample::Index],
    bytes_max: usize,
) -> Result<Option<usize>, Refusal> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let mut scanner = HeadScanner::new(bytes_max);
    for end in ends {
        let verdict = scanner.find_end(&bytes[..end]);
        if verdict != Ok(None) {
            return verdict;
        }
    }
    Ok(None)
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => prop::sample::select(vec![&b"GET / HTTP/1.1"[..], b"\r\n", b"\r\n\r\n", b"Host: a", b"X-A: b", b" ", b"\t", b",", b":", b"%41", b"/"]).prop_map(<[u8]>::to_vec),
        1 => prop::sample::select(vec![&b"\r"[..], b"\n", b"\0", b"Content-Length: 1", b"Transfer-Encoding: chunked"]).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ]
}

/// A field line, mostly a good one: a name, a value that may be anything, an end that may be wrong.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![20 => "[A-Za-z-]{1,9}:", 1 => "[ -~]{0,9}"];
    let value = prop_oneof![
        8 => "[ \t]{0,2}[!-~]{0,9}[ \t,:]{0,3}[!-~]{0,9}[ \t]{0,2}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..3),
    ];
    let end =
        prop_oneof![20 => Just(&b"\r\n"[..]), 1 => Just(&b"\n"[..]), 1 => Just(&b"\r\n "[..])];
    (name, value, end).prop_map(|(name, value, end)| [name.as_bytes(), &value, end].concat())
}

fn heads() -> impl Strategy<Value = Vec<u8>> {
    let blank = prop_oneof![8 => Just(&b""[..]), 1 => Just(&b"\r\n"[..]), 1 => Just(&b"\n"[..])];
    let lines = prop::collection::vec(line(), 0..6);
    let start = b"GET /x?y HTTP/1.1\r\nHost: a.example\r\n";
    prop_oneof![
        1 => prop::collection::vec(piece(), 0..12).prop_map(|pieces| pieces.concat()),
        2 => (blank, lines).prop_map(|(blank, lines)| [blank, start, &lines.concat(), b"\r\n"].concat()),
    ]
}

proptest! {
    #[test]
    fn any_split_of_the_bytes_gives_the_same_verdict(bytes in heads(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8), bytes_max in 1_usize..200) {
        let whole = HeadScanner::new(bytes_max).find_end(&bytes);
        prop_assert_eq!(in_pieces(&bytes, &cuts, bytes_max), whole);
        prop_assert_eq!(whole.map_err(|refusal| refusal.status()), model(&bytes, bytes_max));
    }

    #[test]
    fn an_accepted_head_reads_the_same_line_by_line(bytes in heads()) {
        if let Ok(head) = Head::parse(&bytes, FIELDS) {
            prop_assert_eq!(HeadScanner::new(BYTES_MAX).find_end(&bytes), Ok(Some(bytes.len())), "the scanner is as strict");
            let text = latin1(bytes.strip_prefix(b"\r\n").unwrap_or(&bytes));
            let lines: Vec<&str> = text.strip_suffix("\r\n\r\n").unwrap().split("\r\n").collect();
            prop_assert_eq!(lines.len() - 1, head.lines().len());
            for (line, field) in lines[1..].iter().zip(head.lines()) {
                let (name, value) = line.split_once(':').unwrap();
                prop_assert_eq!(name, field.name);
                prop_assert_eq!(value.trim_matches([' ', '\t']), latin1(field.value));
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = status(&bytes);
        let _ = Head::parse(&bytes, FIELDS);
    }

    #[test]
    fn one_changed_byte_never_makes_it_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = with_lines("Upgrade: websocket\r\nContent-Length: 12\r\n");
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(Some(head)) = read(&bytes) {
            prop_assert!(!head.host().is_empty() && head.path().starts_with('/'));
        }
    }
}
