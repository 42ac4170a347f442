//! IP addresses in text, digit by digit.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Four numbers from 0 to 255 with dots between, none of them with a leading zero.
pub fn v4(text: &str) -> Option<Ipv4Addr> {
    let numbers: Vec<Option<u8>> = text.split('.').map(octet).collect();
    match numbers[..] {
        [Some(a), Some(b), Some(c), Some(d)] => Some(Ipv4Addr::new(a, b, c, d)),
        _ => None,
    }
}

fn octet(text: &str) -> Option<u8> {
    number(text).and_then(|number| u8::try_from(number).ok())
}

/// A number in digits, up to 65535, as it is written: without zeros in front.
pub fn number(text: &str) -> Option<u16> {
    let number: u32 = match text.len() {
        1..=5 => text
            .chars()
            .try_fold(0, |sum, digit| Some(sum * 10 + digit.to_digit(10)?))?,
        _ => return None,
    };
    let is_written_so = text == "0" || !text.starts_with('0');
    u16::try_from(number).ok().filter(|_| is_written_so)
}

/// RFC 4291 §2.2: eight groups of one to four hexadecimal digits, of which `::` leaves out one or more, and of which the
/// last two may be an IPv4 address.
pub fn v6(text: &str) -> Option<Ipv6Addr> {
    let (before, after) = match text.find("::") {
        Some(at) => (&text[..at], Some(&text[at + 2..])),
        None => (text, None),
    };
    let is_last = after.is_none();
    let mut groups = self::groups(before, is_last)?;
    if let Some(after) = after {
        let last = self::groups(after, true)?;
        let left_out = 8_usize.checked_sub(groups.len() + last.len())?;
        if left_out == 0 {
            return None;
        }
        groups.extend(vec![0; left_out]);
        groups.extend(last);
    }
    <[u16; 8]>::try_from(groups).ok().map(Ipv6Addr::from)
}

/// The groups with single colons between; nothing is no group.
fn groups(text: &str, is_last: bool) -> Option<Vec<u16>> {
    let mut groups = Vec::new();
    let parts: Vec<&str> = text.split(':').collect();
    if text.is_empty() {
        return Some(groups);
    }
    for (at, part) in parts.iter().enumerate() {
        if part.contains('.') && is_last && at + 1 == parts.len() {
            let [a, b, c, d] = v4(part)?.octets();
            groups.extend([u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]);
            continue;
        }
        if part.is_empty() || part.len() > 4 {
            return None;
        }
        let digits = part.chars().map(|digit| digit.to_digit(16));
        let group = digits.map(|digit| digit.map(|digit| digit as u16));
        groups.push(
            group
                .into_iter()
                .try_fold(0, |sum, digit| Some(sum * 16 + digit?))?,
        );
    }
    Some(groups)
}

/// IPv4 in the clothes of IPv6 (RFC 4291 §2.5.5.2) is IPv4.
pub fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => match v6.segments() {
            [0, 0, 0, 0, 0, 0xFFFF, high, low] => {
                let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
                Ipv4Addr::new(a, b, c, d).into()
            }
            _ => address,
        },
        IpAddr::V4(_) => address,
    }
}
