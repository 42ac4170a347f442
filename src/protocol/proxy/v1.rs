//! Version 1: one line of text.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use super::Announced;
use crate::protocol::response::Refusal;

pub(super) const SIGNATURE: &[u8] = b"PROXY ";
/// The longest line, its CR LF included, as the specification counts it (§2.1).
pub(super) const LINE_BYTES_MAX: usize = 107;

const INVALID: Refusal = Refusal::Malformed("invalid PROXY line");

/// The line's length, once its end is there.
pub(super) fn length(bytes: &[u8]) -> Result<Option<usize>, Refusal> {
    let line = bytes.get(..LINE_BYTES_MAX).unwrap_or(bytes);
    match line.iter().position(|&byte| byte == b'\n') {
        Some(end) => Ok(Some(end + 1)),
        None if line.len() == LINE_BYTES_MAX => Err(Refusal::Malformed("PROXY line too long")),
        None => Ok(None),
    }
}

pub(super) fn parse(line: &[u8]) -> Result<Announced, Refusal> {
    let words = line
        .strip_prefix(SIGNATURE)
        .and_then(|rest| rest.strip_suffix(b"\r\n"))
        .and_then(|rest| std::str::from_utf8(rest).ok())
        .ok_or(INVALID)?;
    let (family, rest) = words.split_once(' ').unwrap_or((words, ""));
    match family {
        "TCP4" => client::<Ipv4Addr>(rest),
        "TCP6" => client::<Ipv6Addr>(rest),
        // §2.1: whatever stands behind it is to be ignored.
        "UNKNOWN" => Ok(Announced::Nobody),
        _ => Err(INVALID),
    }
}

/// `SOURCE DESTINATION SOURCE-PORT DESTINATION-PORT`, one space between.
fn client<Ip: FromStr + Into<std::net::IpAddr>>(text: &str) -> Result<Announced, Refusal> {
    let mut words = text.split(' ');
    let mut next = || words.next().ok_or(INVALID);
    let source: Ip = next()?.parse().map_err(|_| INVALID)?;
    let _destination: Ip = next()?.parse().map_err(|_| INVALID)?;
    let port = port(next()?)?;
    let _destination_port = self::port(next()?)?;
    match words.next() {
        Some(_) => Err(INVALID),
        None => Ok(Announced::Client(SocketAddr::new(source.into(), port))),
    }
}

/// 0 to 65535 without leading zeros.
fn port(text: &str) -> Result<u16, Refusal> {
    let has_leading_zero = text.len() > 1 && text.starts_with('0');
    if has_leading_zero || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(INVALID);
    }
    text.parse().map_err(|_| INVALID)
}
