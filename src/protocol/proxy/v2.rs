//! Version 2: a binary header with a length, addresses, and type-length-value extensions.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Announced;
use crate::protocol::response::Refusal;

pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family and transport, length.
const FIXED_BYTES: usize = 16;
/// The longest header taken, in bytes. The format's own bound is 65,551; addresses are at most 216, and the rest is extensions:
/// names of a TLS session come to some hundred, a client certificate to two thousand. All of it is held until it is whole.
pub const BYTES_MAX: usize = 4096;

/// PP2_TYPE_CRC32C (§2.2.4).
const TYPE_CRC32C: u8 = 0x03;

const INVALID: Refusal = Refusal::Malformed("invalid PROXY header");

/// The header's length, once its fixed part is there.
pub(super) fn length(bytes: &[u8]) -> Result<Option<usize>, Refusal> {
    // The version is judged as soon as it is there (§2.2: "must be \x2").
    if bytes.get(12).is_some_and(|byte| byte >> 4 != 2) {
        return Err(Refusal::Malformed("unknown version of the PROXY protocol"));
    }
    let Some([.., high, low]) = bytes.first_chunk::<FIXED_BYTES>() else {
        return Ok(None);
    };
    let length = FIXED_BYTES + usize::from(u16::from_be_bytes([*high, *low]));
    if length > BYTES_MAX {
        return Err(Refusal::Malformed("PROXY header too long"));
    }
    Ok(Some(length))
}

pub(super) fn parse(header: &[u8]) -> Result<Announced, Refusal> {
    let (fixed, rest) = header.split_first_chunk::<FIXED_BYTES>().ok_or(INVALID)?;
    let [.., command, family, _, _] = *fixed;
    match command & 0x0F {
        // LOCAL: §2.2 has a receiver discard the rest, its family included.
        0 => return Ok(Announced::Nobody),
        1 => {}
        _ => return Err(INVALID),
    }
    let (announced, extensions) = match family {
        0x00 => return Ok(Announced::Nobody),
        0x11 => inet(rest),
        0x21 => inet6(rest),
        // Two paths of 108 bytes.
        0x31 => rest.get(216..).map(|after| (Announced::Nobody, after)),
        // Datagrams do not come over this socket, and there are no other families.
        _ => None,
    }
    .ok_or(INVALID)?;
    check_extensions(header, extensions)?;
    Ok(announced)
}

/// Source, destination, their ports.
fn inet(bytes: &[u8]) -> Option<(Announced, &[u8])> {
    let (source, rest) = bytes.split_first_chunk::<4>()?;
    let (_destination, rest) = rest.split_first_chunk::<4>()?;
    let (port, rest) = ports(rest)?;
    let source = SocketAddr::from((Ipv4Addr::from(*source), port));
    Some((Announced::Client(source), rest))
}

fn inet6(bytes: &[u8]) -> Option<(Announced, &[u8])> {
    let (source, rest) = bytes.split_first_chunk::<16>()?;
    let (_destination, rest) = rest.split_first_chunk::<16>()?;
    let (port, rest) = ports(rest)?;
    let source = SocketAddr::from((Ipv6Addr::from(*source), port));
    Some((Announced::Client(source), rest))
}

/// The source's port, and what stands behind both.
fn ports(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (ports, rest) = bytes.split_first_chunk::<4>()?;
    let [high, low, _, _] = *ports;
    Some((u16::from_be_bytes([high, low]), rest))
}

/// The extensions fill the header exactly, and a checksum among them is right. All others are ignored.
fn check_extensions(header: &[u8], mut rest: &[u8]) -> Result<(), Refusal> {
    while !rest.is_empty() {
        let ([kind, high, low], after) = rest.split_first_chunk::<3>().ok_or(INVALID)?;
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (value, next) = after.split_at_checked(length).ok_or(INVALID)?;
        if *kind == TYPE_CRC32C {
            check_sum(header, after.len(), value)?;
        }
        rest = next;
    }
    Ok(())
}

/// §2.2.4: the sum is over the whole header, its own value counted as zeros. `value` stands `from_end` bytes before the end.
fn check_sum(header: &[u8], from_end: usize, value: &[u8]) -> Result<(), Refusal> {
    let expected: [u8; 4] = value.try_into().map_err(|_| INVALID)?;
    let begin = header.len().saturating_sub(from_end);
    let bytes = header.iter().enumerate().map(|(at, &byte)| {
        let is_sum = (begin..begin + expected.len()).contains(&at);
        if is_sum { 0 } else { byte }
    });
    if crc32c(bytes) == u32::from_be_bytes(expected) {
        Ok(())
    } else {
        Err(Refusal::Malformed("wrong checksum of a PROXY header"))
    }
}

/// CRC-32C (RFC 9260 appendix A), bit by bit: a header has [`BYTES_MAX`] bytes at most, and there is one to a connection.
pub(super) fn crc32c(bytes: impl Iterator<Item = u8>) -> u32 {
    const POLYNOMIAL_REFLECTED: u32 = 0x82F6_3B78;
    let sum = bytes.fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| {
            (sum >> 1) ^ (POLYNOMIAL_REFLECTED & (sum & 1).wrapping_neg())
        })
    });
    !sum
}
