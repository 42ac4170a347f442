//! Base64 (RFC 4648), digit by digit. A text of it has one spelling here.

/// The digits of §4 and §5, which differ in the last two.
pub const STANDARD: [u8; 2] = *b"+/";
pub const URL_SAFE: [u8; 2] = *b"-_";

fn digits(last: [u8; 2]) -> Vec<u8> {
    let plain = (b'A'..=b'Z').chain(b'a'..=b'z').chain(b'0'..=b'9');
    plain.chain(last).collect()
}

/// The bytes as digits, without marks behind.
pub fn encode(bytes: &[u8], last: [u8; 2]) -> String {
    let digits = digits(last);
    let mut bits: Vec<u8> = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1))
        .collect();
    while !bits.len().is_multiple_of(6) {
        bits.push(0);
    }
    let value = |six: &[u8]| six.iter().fold(0, |sum, bit| sum << 1 | usize::from(*bit));
    bits.chunks(6)
        .map(|six| char::from(digits[value(six)]))
        .collect()
}

/// The bytes that a text without marks stands for: the ones that are encoded so and not otherwise.
pub fn decode(text: &str, last: [u8; 2]) -> Option<Vec<u8>> {
    let digits = digits(last);
    let mut bits = Vec::new();
    for digit in text.bytes() {
        let value = digits.iter().position(|known| *known == digit)?;
        bits.extend((0..6).rev().map(|at| value >> at & 1));
    }
    let whole = bits.chunks_exact(8);
    let bytes: Vec<u8> = whole
        .map(|eight| eight.iter().fold(0, |sum, bit| sum << 1 | *bit as u8))
        .collect();
    (encode(&bytes, last) == text).then_some(bytes)
}
