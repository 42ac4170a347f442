//! The PROXY protocol, versions 1 and 2: what a proxy says of its client before the client's own first byte.
//!
//! It must not decide whom to believe: it reads bytes and says what they say.

mod v1;
mod v2;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use super::response::Refusal;

pub use v2::BYTES_MAX;

/// Whom a PROXY header names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announced {
    /// The client's address and port.
    Client(SocketAddr),
    /// Nobody with an IP address: the proxy's own connection (`LOCAL`), `UNKNOWN`, or a Unix socket.
    Nobody,
}

/// How far a header has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Every byte was taken, and more are needed.
    Incomplete,
    /// The header is whole, and so many of the bytes just given were its last.
    Complete { taken: usize, announced: Announced },
}

/// Reads one header of either version.
///
/// **A verdict depends on the bytes alone, not on the pieces they came in**, and falls as soon as the bytes can't become a
/// header. It keeps [`BYTES_MAX`] bytes at most.
#[derive(Debug, Default)]
pub struct HeaderReader {
    bytes: Vec<u8>,
}

impl HeaderReader {
    /// Takes more bytes of the connection, from its first on.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] when they are no header. There is no guessing: what is no header is not passed on.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Progress, Refusal> {
        let before = self.bytes.len();
        let room = BYTES_MAX.saturating_sub(before);
        self.bytes
            .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        let Some(length) = length(&self.bytes)? else {
            return Ok(Progress::Incomplete);
        };
        let Some(header) = self.bytes.get(..length) else {
            return Ok(Progress::Incomplete);
        };
        let announced = if header.starts_with(v2::SIGNATURE) {
            v2::parse(header)?
        } else {
            v1::parse(header)?
        };
        Ok(Progress::Complete {
            taken: length - before.min(length),
            announced,
        })
    }
}

/// Whether somebody who is to send a request has begun with a PROXY header instead. `PROXY` alone may be a method.
pub fn is_header(bytes: &[u8]) -> bool {
    let begins: [&[u8]; 4] = [
        v2::SIGNATURE,
        b"PROXY TCP4 ",
        b"PROXY TCP6 ",
        b"PROXY UNKNOWN",
    ];
    begins.iter().any(|begin| bytes.starts_with(begin))
}

/// How long the header is that begins with these bytes; `None` when they don't tell yet.
fn length(bytes: &[u8]) -> Result<Option<usize>, Refusal> {
    if begins(bytes, v2::SIGNATURE) {
        v2::length(bytes)
    } else if begins(bytes, v1::SIGNATURE) {
        v1::length(bytes)
    } else {
        Err(Refusal::Malformed("a PROXY header must come first"))
    }
}

/// Whether `bytes` begin as `signature` does, as far as they go.
fn begins(bytes: &[u8], signature: &[u8]) -> bool {
    bytes.iter().zip(signature).all(|(a, b)| a == b)
}
