//! Base64 (RFC 4648), bit by bit. A text of it has one spelling here.

/// The last two digits of §4 and of §5.
pub const STANDARD: [u8; 2] = *b"+/";
pub const URL_SAFE: [u8; 2] = *b"-_";

const DIGITS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The bytes as digits, without marks behind.
pub fn encode(bytes: &[u8], last: [u8; 2]) -> String {
    let digit = |six: u32| {
        char::from(
            DIGITS
                .get(six as usize)
                .copied()
                .unwrap_or_else(|| last[six as usize - 62]),
        )
    };
    let (mut text, mut bits, mut count) = (String::new(), 0_u32, 0);
    for byte in bytes {
        (bits, count) = (bits << 8 | u32::from(*byte), count + 8);
        while count >= 6 {
            count -= 6;
            text.push(digit(bits >> count & 63));
        }
        bits &= 63;
    }
    if count > 0 {
        text.push(digit(bits << (6 - count) & 63));
    }
    text
}

/// The bytes that a text without marks stands for: the ones that are encoded so and not otherwise.
pub fn decode(text: &str, last: [u8; 2]) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in text.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            other => last.iter().position(|known| *known == other)? as u8 + 62,
        };
        (bits, count) = (bits << 6 | u32::from(value), count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
        bits &= 0xFFF;
    }
    (encode(&bytes, last) == text).then_some(bytes)
}
