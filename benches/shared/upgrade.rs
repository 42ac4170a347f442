//! The opening handshake (RFC 6455 §4.1), from a request to its answer.

use std::io::{Read, Write};
use std::net::SocketAddr;

use super::failure::{Doing, Failure};

/// The key of RFC 6455 §1.3, so that what must come back is known.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const HEAD_BYTES_MAX: usize = 4096;

/// Asks for `target`, in the protocol `wardroom.v1` or none.
pub fn request(address: SocketAddr, target: &str, is_chat: bool) -> String {
    let protocol = if is_chat {
        "Sec-WebSocket-Protocol: wardroom.v1\r\n"
    } else {
        ""
    };
    format!(
        "GET {target} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{protocol}\r\n"
    )
}

/// Sends `request` and gives what came after the head of its answer.
///
/// # Errors
/// When it is not granted.
pub fn upgrade(stream: &mut (impl Read + Write), request: &[u8]) -> Result<Vec<u8>, Failure> {
    stream.write_all(request).doing("asking for the upgrade")?;
    answer(stream)
}

/// What comes after the head of the answer to a request that has been sent.
///
/// # Errors
/// When it is not granted.
pub fn answer(stream: &mut impl Read) -> Result<Vec<u8>, Failure> {
    let mut response = Vec::new();
    let mut buffer = [0; HEAD_BYTES_MAX];
    loop {
        let count = stream
            .read(&mut buffer)
            .doing("reading the upgrade's answer")?;
        response.extend_from_slice(buffer.get(..count).unwrap_or_default());
        if let Some(head_bytes) = granted(&response)? {
            return Ok(response.split_off(head_bytes));
        }
        if count == 0 {
            return Err(Failure::Wrong(
                "the server closed a connection instead of upgrading it".to_owned(),
            ));
        }
    }
}

/// Where the head of `response` ends, `None` when it has not yet.
///
/// # Errors
/// When it does not grant the upgrade.
pub fn granted(response: &[u8]) -> Result<Option<usize>, Failure> {
    let Some(end) = response.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return if response.len() < HEAD_BYTES_MAX {
            Ok(None)
        } else {
            Err(refused(response))
        };
    };
    let head = String::from_utf8_lossy(response.get(..end).unwrap_or_default());
    let accepts = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .any(|(name, value)| {
            name.eq_ignore_ascii_case("Sec-WebSocket-Accept") && value.trim() == ACCEPT
        });
    if head.starts_with("HTTP/1.1 101 ") && accepts {
        Ok(Some(end + 4))
    } else {
        Err(refused(response))
    }
}

fn refused(response: &[u8]) -> Failure {
    let text = String::from_utf8_lossy(response);
    Failure::Wrong(format!(
        "the server did not upgrade: {}",
        text.lines().next().unwrap_or_default()
    ))
}
