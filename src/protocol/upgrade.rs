//! The WebSocket opening handshake, server side (RFC 6455 §4.2).
//!
//! It must not choose a subprotocol, look at credentials or know routes; extensions are never negotiated.

#[cfg(test)]
mod tests;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::head::{Head, Method, is_tchar};
use super::response::Refusal;

/// Subprotocols that one request may offer.
pub const PROTOCOLS_MAX: usize = 16;

/// RFC 6455 §1.3.
const ACCEPT_GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A request to go over to WebSocket that keeps RFC 6455 §4.2.1.
#[derive(Debug, Clone, Copy)]
pub struct Upgrade<'a> {
    /// The client's nonce.
    pub key: Key,
    /// What was offered, in the client's order of preference.
    pub protocols: Protocols<'a>,
}

impl<'a> Upgrade<'a> {
    /// Checks that `head` asks for a WebSocket, and asks rightly.
    ///
    /// # Errors
    /// [`Refusal::MethodNotAllowed`] unless GET, [`Refusal::UpgradeRequired`] when it is no WebSocket request,
    /// [`Refusal::VersionUnsupported`] unless version 13, [`Refusal::Malformed`] for a body, a bad key or a bad list of subprotocols.
    pub fn from_head(head: &Head<'a>) -> Result<Self, Refusal> {
        if head.method() != Method::Get {
            return Err(Refusal::MethodNotAllowed { allow: "GET" });
        }
        if head.content_length() != 0 {
            return Err(Refusal::Malformed("a body where none belongs"));
        }
        if !head.has_token("upgrade", "websocket") || !head.has_token("connection", "upgrade") {
            return Err(Refusal::UpgradeRequired);
        }
        if head.field("sec-websocket-version") != Some(b"13") {
            return Err(Refusal::VersionUnsupported);
        }
        Ok(Upgrade {
            key: Key::parse(head.field("sec-websocket-key").unwrap_or_default())?,
            protocols: Protocols::parse(head)?,
        })
    }
}

/// `Sec-WebSocket-Key`: 16 bytes in their one canonical base64 form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key([u8; 24]);

impl Key {
    fn parse(value: &[u8]) -> Result<Self, Refusal> {
        let mut nonce = [0; 18];
        let key = <[u8; 24]>::try_from(value).ok();
        // This engine refuses missing padding and stray bits in the last digit, so that a nonce has one spelling.
        key.filter(|key| STANDARD.decode_slice(key, &mut nonce) == Ok(16))
            .map(Key)
            .ok_or(Refusal::Malformed("invalid Sec-WebSocket-Key"))
    }

    /// The value of `Sec-WebSocket-Accept` that answers this key (RFC 6455 §4.2.2): 28 characters.
    pub fn accept(&self) -> String {
        let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
        context.update(&self.0);
        context.update(ACCEPT_GUID);
        STANDARD.encode(context.finish())
    }
}

/// The offered subprotocols: tokens, each once, at most [`PROTOCOLS_MAX`].
///
/// **One of them may be a ticket: never log them.**
#[derive(Clone, Copy, Default)]
pub struct Protocols<'a> {
    names: [&'a str; PROTOCOLS_MAX],
    count: usize,
}

impl<'a> Protocols<'a> {
    fn parse(head: &Head<'a>) -> Result<Self, Refusal> {
        let mut protocols = Protocols::default();
        for member in head.list("sec-websocket-protocol") {
            protocols.push(token(member)?)?;
        }
        if protocols.count == 0 && head.field("sec-websocket-protocol").is_some() {
            return Err(Refusal::Malformed("empty Sec-WebSocket-Protocol"));
        }
        Ok(protocols)
    }

    /// RFC 6455 §4.1: the names "MUST all be unique".
    fn push(&mut self, name: &'a str) -> Result<(), Refusal> {
        if self.iter().any(|offered| offered == name) {
            return Err(Refusal::Malformed("a subprotocol is offered twice"));
        }
        let free = self
            .names
            .get_mut(self.count)
            .ok_or(Refusal::Malformed("too many subprotocols"))?;
        *free = name;
        self.count += 1;
        Ok(())
    }

    /// The names, most wanted first; compared with case (RFC 6455 §11.5 registers them as they are).
    pub fn iter(&self) -> impl Iterator<Item = &'a str> {
        self.names.into_iter().take(self.count)
    }

    /// Whether the client offers `name`.
    pub fn contains(&self, name: &str) -> bool {
        self.iter().any(|offered| offered == name)
    }

    /// Whether nothing is offered.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl std::fmt::Debug for Protocols<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Protocols({} offered)", self.count)
    }
}

/// Appends the answer that opens the WebSocket: `101`, with `protocol` when one was chosen.
///
/// `protocol` must be one that the client offered (RFC 6455 §4.1), and so is a token.
pub fn write_switching(out: &mut Vec<u8>, key: Key, protocol: Option<&str>) {
    out.extend_from_slice(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ");
    out.extend_from_slice(key.accept().as_bytes());
    if let Some(name) = protocol {
        debug_assert!(
            name.bytes().all(is_tchar),
            "a chosen subprotocol was offered, and offers are tokens"
        );
        out.extend_from_slice(b"\r\nSec-WebSocket-Protocol: ");
        out.extend_from_slice(name.as_bytes());
    }
    out.extend_from_slice(b"\r\n\r\n");
}

fn token(member: &[u8]) -> Result<&str, Refusal> {
    std::str::from_utf8(member)
        .ok()
        .filter(|text| text.bytes().all(is_tchar))
        .ok_or(Refusal::Malformed("invalid subprotocol"))
}
