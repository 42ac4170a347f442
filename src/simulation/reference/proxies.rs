//! PROXY headers of both versions, by position.

use std::net::{IpAddr, SocketAddr};

use super::addresses;

const MARK: [u8; 12] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10];
const LINE_BYTES_MAX: usize = 107;
const HEADER_BYTES_MAX: usize = 4096;

/// A header that is no header.
#[derive(Debug, PartialEq, Eq)]
pub struct Bad;

/// How long the header at the front is, and whom it names; `None` while it goes on.
///
/// # Errors
/// [`Bad`].
pub fn read(bytes: &[u8]) -> Result<Option<(usize, Option<SocketAddr>)>, Bad> {
    let agrees = |mark: &[u8]| (0..bytes.len().min(mark.len())).all(|at| bytes[at] == mark[at]);
    if agrees(b"PROXY ") {
        line(bytes)
    } else if agrees(&MARK) {
        binary(bytes)
    } else {
        Err(Bad)
    }
}

fn line(bytes: &[u8]) -> Result<Option<(usize, Option<SocketAddr>)>, Bad> {
    let Some(end) = (0..bytes.len().min(LINE_BYTES_MAX)).find(|at| bytes[*at] == 10) else {
        return if bytes.len() < LINE_BYTES_MAX {
            Ok(None)
        } else {
            Err(Bad)
        };
    };
    let text = String::from_utf8(bytes[..end].to_vec()).map_err(|_| Bad)?;
    let text = text.strip_suffix('\r').ok_or(Bad)?;
    let words: Vec<&str> = text.split(' ').collect();
    let found = match words[1..] {
        ["UNKNOWN", ..] => Ok(None),
        ["TCP4", source, destination, from, to] => {
            let both = addresses::v4(source).zip(addresses::v4(destination));
            client(both.map(|(source, _)| source.into()), from, to)
        }
        ["TCP6", source, destination, from, to] => {
            let both = addresses::v6(source).zip(addresses::v6(destination));
            client(both.map(|(source, _)| source.into()), from, to)
        }
        _ => Err(Bad),
    };
    found.map(|found| Some((end + 1, found)))
}

fn client(source: Option<IpAddr>, from: &str, to: &str) -> Result<Option<SocketAddr>, Bad> {
    match (source, addresses::number(from), addresses::number(to)) {
        (Some(source), Some(from), Some(_)) => Ok(Some(SocketAddr::new(source, from))),
        _ => Err(Bad),
    }
}

fn binary(bytes: &[u8]) -> Result<Option<(usize, Option<SocketAddr>)>, Bad> {
    if bytes.len() > 12 && !(0x20..0x30).contains(&bytes[12]) {
        return Err(Bad);
    }
    if bytes.len() < 16 {
        return Ok(None);
    }
    let length = 16 + usize::from(bytes[14]) * 256 + usize::from(bytes[15]);
    if length > HEADER_BYTES_MAX {
        return Err(Bad);
    }
    if bytes.len() < length {
        return Ok(None);
    }
    let header = &bytes[..length];
    let port = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let (addresses, client): (usize, Option<SocketAddr>) = match (header[12] % 16, header[13]) {
        (0, _) | (1, 0) => return Ok(Some((length, None))),
        (1, 0x11) if length >= 28 => {
            let mut ip = [0; 4];
            ip.copy_from_slice(&header[16..20]);
            (12, Some((ip, port(24)).into()))
        }
        (1, 0x21) if length >= 52 => {
            let mut ip = [0; 16];
            ip.copy_from_slice(&header[16..32]);
            (36, Some((ip, port(48)).into()))
        }
        (1, 0x31) if length >= 232 => (216, None),
        _ => return Err(Bad),
    };
    let mut at = 16 + addresses;
    while at < length {
        if at + 3 > length {
            return Err(Bad);
        }
        let end = at + 3 + usize::from(header[at + 1]) * 256 + usize::from(header[at + 2]);
        if end > length || (header[at] == 3 && !is_sum(header, at + 3, end)) {
            return Err(Bad);
        }
        at = end;
    }
    Ok(Some((length, client)))
}

/// Whether the four bytes there are the sum of the header in which they are nothing.
fn is_sum(header: &[u8], at: usize, end: usize) -> bool {
    let mut blank = header.to_vec();
    blank[at..end].fill(0);
    end - at == 4 && header[at..end] == crc32c(&blank).to_be_bytes()
}

/// CRC-32C by division, the lowest bit of each byte first.
pub fn crc32c(bytes: &[u8]) -> u32 {
    let mut rest = u32::MAX;
    for byte in bytes {
        for bit in 0..8 {
            let is_odd = (rest >> 31) as u8 != byte >> bit & 1;
            rest <<= 1;
            if is_odd {
                rest ^= 0x1EDC_6F41;
            }
        }
    }
    (!rest).reverse_bits()
}
