//! The Host field: `uri-host [ ":" port ]` (RFC 9110 §7.2). It must not decide whether the host is ours.

use std::net::Ipv6Addr;

use super::target::{is_sub_delim, is_unreserved, percent_encoded};
use crate::protocol::response::Refusal;

/// The value as text. Userinfo, an empty name, an IPv6 zone and `IPvFuture` are no hosts here.
///
/// # Errors
/// [`Refusal::Malformed`].
pub(super) fn parse(value: &[u8]) -> Result<&str, Refusal> {
    std::str::from_utf8(value)
        .ok()
        .filter(|text| is_authority(text))
        .ok_or(Refusal::Malformed("invalid Host"))
}

fn is_authority(text: &str) -> bool {
    if let Some(literal) = text.strip_prefix('[') {
        return literal.split_once(']').is_some_and(|(address, port)| {
            address.parse::<Ipv6Addr>().is_ok() && is_port_suffix(port)
        });
    }
    let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
    is_reg_name(name) && is_port_suffix(port)
}

/// RFC 3986 §3.2.2, but for the empty name that it would allow. An IPv4 address is one too.
fn is_reg_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    while let Some(byte) = bytes.next() {
        let is_valid = match byte {
            b'%' => percent_encoded(bytes.next(), bytes.next()).is_some(),
            _ => is_unreserved(byte) || is_sub_delim(byte),
        };
        if !is_valid {
            return false;
        }
    }
    !name.is_empty()
}

/// Nothing, or a colon and a port, which may be left out (RFC 3986 §3.2.3).
fn is_port_suffix(suffix: &str) -> bool {
    match suffix.strip_prefix(':') {
        Some(port) => {
            port.is_empty()
                || (port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok())
        }
        None => suffix.is_empty(),
    }
}
