use super::*;

fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = v2::SIGNATURE.to_vec();
    bytes.extend_from_slice(&[command, family]);
    bytes.extend_from_slice(&(body.len() as u16).to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

const V4: [u8; 12] = [192, 0, 2, 1, 198, 51, 100, 1, 0xC0, 0x01, 0x01, 0xBB];

fn v4_with(extensions: &[u8]) -> Vec<u8> {
    v2(0x21, 0x11, &[&V4, extensions].concat())
}

fn v6() -> Vec<u8> {
    let mut body = vec![0x20, 0x01, 0x0d, 0xb8];
    body.resize(15, 0);
    body.push(7);
    body.resize(32, 0);
    body.extend_from_slice(&[0xC0, 0x01, 0x01, 0xBB]);
    v2(0x21, 0x21, &body)
}

/// A header with a checksum, right or made wrong by `flip`.
fn summed(flip: u8) -> Vec<u8> {
    let mut bytes = v4_with(&[0x04, 0, 2, b'x', b'y', 0x03, 0, 4, 0, 0, 0, 0, 0x02, 0, 0]);
    let sum = v2::crc32c(bytes.iter().copied()).to_be_bytes();
    let at = bytes.len() - 7;
    bytes[at..at + 4].copy_from_slice(&sum);
    bytes[at] ^= flip;
    bytes
}

fn read_whole(bytes: &[u8]) -> Result<Progress, Refusal> {
    HeaderReader::default().read(bytes)
}

fn text(outcome: Result<Progress, Refusal>) -> String {
    match outcome {
        Ok(Progress::Incomplete) => "incomplete".to_owned(),
        Ok(Progress::Complete { taken, announced }) => match announced {
            Announced::Client(client) => format!("{client} in {taken}"),
            Announced::Nobody => format!("nobody in {taken}"),
        },
        Err(refusal) => format!("{} {refusal}", refusal.status()),
    }
}

const INVALID_LINE: &str = "400 invalid PROXY line";
const INVALID: &str = "400 invalid PROXY header";
const NONE: &str = "400 a PROXY header must come first";
const VERSION: &str = "400 unknown version of the PROXY protocol";

#[test]
fn every_line_of_version_1_is_read_as_the_specification_says() {
    let longest = format!(
        "PROXY TCP6 {} {} 65535 65535\r\n",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    );
    assert_eq!(longest.len(), 104);
    let padded = |bytes: usize| format!("PROXY UNKNOWN {}\r\n", "x".repeat(bytes - 16));
    let cases: [(&str, &str); 36] = [
        (
            "PROXY TCP4 192.0.2.1 198.51.100.1 49153 443\r\n",
            "192.0.2.1:49153 in 45",
        ),
        (
            "PROXY TCP4 192.0.2.1 198.51.100.1 0 65535\r\n",
            "192.0.2.1:0 in 43",
        ),
        (
            "PROXY TCP6 2001:db8::7 ::1 1 2\r\n",
            "[2001:db8::7]:1 in 32",
        ),
        (
            "PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n",
            "[::ffff:192.0.2.1]:1 in 37",
        ),
        ("PROXY UNKNOWN\r\n", "nobody in 15"),
        ("PROXY UNKNOWN \r\n", "nobody in 16"),
        ("PROXY UNKNOWN 1.2.3.4 what ever\r\n", "nobody in 33"),
        (
            &longest,
            "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535 in 104",
        ),
        (&padded(107), "nobody in 107"),
        (&padded(108), "400 PROXY line too long"),
        ("", "incomplete"),
        ("P", "incomplete"),
        ("PROXY TCP4 192.0.2.1", "incomplete"),
        (
            "PROXY TCP4 192.0.2.1 198.51.100.1 49153 443\r",
            "incomplete",
        ),
        (
            "PROXY TCP4 192.0.2.1 198.51.100.1 49153 443\n",
            INVALID_LINE,
        ),
        (
            "PROXY TCP4 192.0.2.1 198.51.100.1 49153 443 \r\n",
            INVALID_LINE,
        ),
        (
            "PROXY TCP4 192.0.2.1 198.51.100.1 49153 443 1\r\n",
            INVALID_LINE,
        ),
        ("PROXY TCP4 192.0.2.1 198.51.100.1 49153\r\n", INVALID_LINE),
        ("PROXY TCP4 192.0.2.1\r\n", INVALID_LINE),
        ("PROXY TCP4\r\n", INVALID_LINE),
        ("PROXY \r\n", INVALID_LINE),
        ("PROXY TCP4  192.0.2.1 198.51.100.1 1 2\r\n", INVALID_LINE),
        ("PROXY TCP4\t192.0.2.1 198.51.100.1 1 2\r\n", INVALID_LINE),
        ("PROXY TCP4 192.0.2.01 198.51.100.1 1 2\r\n", INVALID_LINE),
        ("PROXY TCP4 192.0.2.256 198.51.100.1 1 2\r\n", INVALID_LINE),
        ("PROXY TCP4 2001:db8::7 ::1 1 2\r\n", INVALID_LINE),
        ("PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n", INVALID_LINE),
        ("PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", INVALID_LINE),
        (
            "PROXY TCP4 192.0.2.1 198.51.100.1 65536 2\r\n",
            INVALID_LINE,
        ),
        ("PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n", INVALID_LINE),
        ("PROXY TCP4 192.0.2.1 198.51.100.1 +1 2\r\n", INVALID_LINE),
        ("PROXY TCP4 192.0.2.1 198.51.100.1 1 \r\n", INVALID_LINE),
        ("PROXY UNKNOWNX\r\n", INVALID_LINE),
        ("PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n", INVALID_LINE),
        ("PROXX", NONE),
        ("GET / HTTP/1.1\r\n", NONE),
    ];
    for (line, expected) in cases {
        assert_eq!(text(read_whole(line.as_bytes())), expected, "{line:?}");
    }
}

#[test]
fn every_header_of_version_2_is_read_as_the_specification_says() {
    let unix = v2(0x21, 0x31, &[b'/'; 216]);
    let with_gap = v4_with(&[0x04, 0, 1, 0, 0x04, 0]);
    let beyond = v4_with(&[0x04, 0, 9, 0]);
    let longest = v4_with(&[&[0x04, 0x0F, 0xE1][..], &[0; 4065]].concat());
    assert_eq!(longest.len(), BYTES_MAX);
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("IPv4", v4_with(&[]), "192.0.2.1:49153 in 28"),
        ("IPv6", v6(), "[2001:db8::7]:49153 in 52"),
        ("Unix", unix.clone(), "nobody in 232"),
        ("LOCAL", v2(0x20, 0x00, &[]), "nobody in 16"),
        ("LOCAL with an address", v2(0x20, 0x11, &V4), "nobody in 28"),
        (
            "LOCAL with rubbish",
            v2(0x20, 0xFF, &[1, 2, 3]),
            "nobody in 19",
        ),
        ("no family", v2(0x21, 0x00, &[]), "nobody in 16"),
        (
            "no family, with more",
            v2(0x21, 0x00, &[9; 20]),
            "nobody in 36",
        ),
        (
            "extensions",
            v4_with(&[0x04, 0, 1, 0, 0xEA, 0, 0]),
            "192.0.2.1:49153 in 35",
        ),
        ("the longest", longest, "192.0.2.1:49153 in 4096"),
        ("a right sum", summed(0), "192.0.2.1:49153 in 43"),
        (
            "a wrong sum",
            summed(1),
            "400 wrong checksum of a PROXY header",
        ),
        ("a short sum", v4_with(&[0x03, 0, 2, 0, 0]), INVALID),
        ("half an extension", with_gap, INVALID),
        ("an extension beyond", beyond, INVALID),
        ("short of addresses", v2(0x21, 0x11, &V4[..11]), INVALID),
        ("IPv6 short of addresses", v2(0x21, 0x21, &V4), INVALID),
        (
            "Unix short of addresses",
            v2(0x21, 0x31, &[b'/'; 215]),
            INVALID,
        ),
        ("datagrams", v2(0x21, 0x12, &V4), INVALID),
        ("no transport", v2(0x21, 0x10, &V4), INVALID),
        ("another family", v2(0x21, 0x41, &V4), INVALID),
        ("another command", v2(0x22, 0x11, &V4), INVALID),
        ("version 1 in binary", v2(0x11, 0x11, &V4), VERSION),
        ("version 3", v2(0x31, 0x11, &V4), VERSION),
        (
            "version 0",
            v2::SIGNATURE.iter().copied().chain([0x01]).collect(),
            VERSION,
        ),
        ("a blank line", b"\r\n\r\nGET".to_vec(), NONE),
        ("a TLS hello", vec![0x16, 3, 1, 2, 0], NONE),
        (
            "nearly the signature",
            b"\r\n\r\n\0\r\nQUIT\r".to_vec(),
            NONE,
        ),
    ];
    for (name, bytes, expected) in cases {
        assert_eq!(text(read_whole(&bytes)), expected, "{name}");
    }
}

#[test]
fn a_header_longer_than_its_bound_is_refused_at_its_sixteenth_byte_and_holds_no_memory() {
    let mut bytes = v2::SIGNATURE.to_vec();
    bytes.extend_from_slice(&[0x21, 0x11]);
    bytes.extend_from_slice(&(BYTES_MAX as u16 - 15).to_be_bytes());
    assert_eq!(text(read_whole(&bytes)), "400 PROXY header too long");
    let mut reader = HeaderReader::default();
    let _ = reader.read(&[b'P'; 1 << 20]);
    assert!(reader.bytes.capacity() <= BYTES_MAX);
}

#[test]
fn a_verdict_does_not_depend_on_the_pieces_and_what_follows_is_left_alone() {
    let headers = [
        b"PROXY TCP4 192.0.2.1 198.51.100.1 49153 443\r\n".to_vec(),
        b"PROXY UNKNOWN\r\n".to_vec(),
        b"PROXY TCP9 x\r\n".to_vec(),
        v4_with(&[0x04, 0, 2, 1, 2]),
        v6(),
        summed(0),
        summed(0x80),
        v2(0x20, 0, &[]),
        v2(0x41, 0x11, &V4),
        format!("PROXY UNKNOWN{}", " ".repeat(200)).into_bytes(),
    ];
    for header in headers {
        let all = [&header[..], b"GET / HTTP/1.1\r\n\r\n"].concat();
        let whole = read_whole(&all);
        for size in 1..=all.len() {
            let mut reader = HeaderReader::default();
            let mut before = 0;
            let mut outcome = Ok(Progress::Incomplete);
            for piece in all.chunks(size) {
                outcome = reader.read(piece);
                match &mut outcome {
                    Ok(Progress::Incomplete) => before += piece.len(),
                    Ok(Progress::Complete { taken, .. }) => {
                        *taken += before;
                        break;
                    }
                    Err(_) => break,
                }
            }
            assert_eq!(outcome, whole, "{size} of {}", header.escape_ascii());
        }
        if let Ok(Progress::Complete { taken, .. }) = whole {
            assert_eq!(taken, header.len());
        }
    }
}

#[test]
fn what_begins_as_a_header_is_told_from_a_method_of_that_name() {
    for (bytes, expected) in [
        (&v4_with(&[])[..], true),
        (b"PROXY TCP4 192.0.2.1", true),
        (b"PROXY TCP6 ::1", true),
        (b"PROXY UNKNOWN\r\n", true),
        (b"PROXY / HTTP/1.1\r\n", false),
        (b"PROXY", false),
        (b"\r\nGET / HTTP/1.1\r\n", false),
        (b"", false),
    ] {
        assert_eq!(is_header(bytes), expected, "{}", bytes.escape_ascii());
    }
}

#[test]
fn the_checksum_is_the_one_of_the_standard() {
    // RFC 3720 appendix B.4.
    assert_eq!(v2::crc32c([0; 32].into_iter()), 0x8A91_36AA);
    assert_eq!(v2::crc32c(b"123456789".iter().copied()), 0xE306_9283);
}
