//! The opening handshake of RFC 6455 §4.2, and the answer to it.

use super::base64;
use super::heads::is_token;
use super::requests::Request;

const PROTOCOLS_MAX: usize = 16;

/// The key and the offered subprotocols of a request for a WebSocket.
///
/// # Errors
/// 405, 400 or 426, by the first rule that is broken.
pub fn opened(request: &Request) -> Result<(String, Vec<String>), u16> {
    if request.method != "GET" {
        return Err(405);
    }
    if request.content_length > 0 {
        return Err(400);
    }
    let is_asked = request.has("upgrade", "websocket") && request.has("connection", "upgrade");
    if !is_asked || request.values("sec-websocket-version") != [b"13"] {
        return Err(426);
    }
    let key = match request.values("sec-websocket-key")[..] {
        [key] => String::from_utf8(key.to_vec())
            .ok()
            .filter(|key| is_key(key)),
        _ => None,
    };
    let key = key.ok_or(400_u16)?;
    let offered = request.members("sec-websocket-protocol");
    let is_offered = !request.values("sec-websocket-protocol").is_empty();
    let are_names = offered
        .iter()
        .all(|name| name.chars().all(|c| c.is_ascii() && is_token(c as u8)));
    let is_unique = (1..offered.len()).all(|at| !offered[..at].contains(&offered[at]));
    if !are_names || !is_unique || offered.len() > PROTOCOLS_MAX || is_offered == offered.is_empty()
    {
        return Err(400);
    }
    Ok((key, offered))
}

/// Sixteen bytes in base64.
fn is_key(key: &str) -> bool {
    let digits = key
        .strip_suffix("==")
        .filter(|digits| !digits.ends_with('='));
    let bytes = digits.and_then(|digits| base64::decode(digits, base64::STANDARD));
    bytes.is_some_and(|bytes| bytes.len() == 16)
}

/// The answer that opens the WebSocket (§4.2.2).
pub fn answer(key: &str, protocol: Option<&str>) -> String {
    let sum = sha1(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11").as_bytes());
    let mut lines = vec![
        "HTTP/1.1 101 Switching Protocols".to_owned(),
        "Upgrade: websocket".to_owned(),
        "Connection: Upgrade".to_owned(),
        format!(
            "Sec-WebSocket-Accept: {}=",
            base64::encode(&sum, base64::STANDARD)
        ),
    ];
    lines.extend(protocol.map(|name| format!("Sec-WebSocket-Protocol: {name}")));
    lines.join("\r\n") + "\r\n\r\n"
}

/// RFC 3174, of a text of less than 2^32 bits.
fn sha1(text: &[u8]) -> [u8; 20] {
    let mut message = text.to_vec();
    message.push(0x80);
    while message.len() % 64 != 56 {
        message.push(0);
    }
    message.extend((text.len() as u64 * 8).to_be_bytes());
    let mut hash: [u32; 5] = [
        0x6745_2301,
        0xEFCD_AB89,
        0x98BA_DCFE,
        0x1032_5476,
        0xC3D2_E1F0,
    ];
    for block in message.chunks(64) {
        let mut words: Vec<u32> = block
            .chunks(4)
            .map(|word| word.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
            .collect();
        for t in 16..80 {
            words
                .push((words[t - 3] ^ words[t - 8] ^ words[t - 14] ^ words[t - 16]).rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = hash;
        for (t, word) in words.iter().enumerate() {
            let (f, k) = match t {
                0..20 => ((b & c) | (!b & d), 0x5A82_7999),
                20..40 => (b ^ c ^ d, 0x6ED9_EBA1),
                40..60 => ((b & c) | (b & d) | (c & d), 0x8F1B_BCDC),
                _ => (b ^ c ^ d, 0xCA62_C1D6_u32),
            };
            let sum = [f, e, k, *word]
                .iter()
                .fold(a.rotate_left(5), |sum, term| sum.wrapping_add(*term));
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, sum);
        }
        for (sum, term) in hash.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(term);
        }
    }
    let mut bytes = [0; 20];
    for (to, from) in bytes
        .iter_mut()
        .zip(hash.iter().flat_map(|word| word.to_be_bytes()))
    {
        *to = from;
    }
    bytes
}
