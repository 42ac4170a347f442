//! A client that has shaken hands like any other, and then seals records that no library would.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use aws_lc_rs::aead;
use rustls::crypto::aws_lc_rs::cipher_suite::{
    TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS13_CHACHA20_POLY1305_SHA256,
};
use rustls::crypto::cipher::{Iv, Nonce};
use rustls::crypto::{CryptoProvider, aws_lc_rs as provider};
use rustls::version::TLS12;
use rustls::{ClientConnection, ConnectionTrafficSecrets, SupportedProtocolVersion};

use super::Secure;
use crate::server::PATIENCE;

/// RFC 8446 §5.1.
pub const ALERT: u8 = 21;
pub const HANDSHAKE: u8 = 22;
pub const APPLICATION: u8 = 23;

pub struct SealedClient {
    stream: TcpStream,
    key: aead::LessSafeKey,
    iv: Iv,
    sequence: u64,
    is_1_2: bool,
}

impl SealedClient {
    pub fn connect(secure: &Secure, version: &'static SupportedProtocolVersion) -> SealedClient {
        // One way to make nonces in both versions (RFC 7905 §2).
        let provider = CryptoProvider {
            cipher_suites: vec![
                TLS13_CHACHA20_POLY1305_SHA256,
                TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            ],
            ..provider::default_provider()
        };
        let mut config = secure.authority.client_with(provider, &[version], None);
        config.enable_secret_extraction = true;
        let mut stream = TcpStream::connect(secure.server.address).expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
        let name = "chat.example".try_into().expect("a name");
        let mut tls = ClientConnection::new(Arc::new(config), name).expect("a configuration");
        while tls.is_handshaking() || tls.wants_write() {
            tls.complete_io(&mut stream).expect("a handshake");
        }
        let secrets = tls.dangerous_extract_secrets().expect("secrets");
        let (sequence, ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv }) = secrets.tx else {
            panic!("another suite than the one that was offered");
        };
        let key = aead::UnboundKey::new(&aead::CHACHA20_POLY1305, key.as_ref()).expect("a key");
        SealedClient {
            stream,
            key: aead::LessSafeKey::new(key),
            iv,
            sequence,
            is_1_2: version == &TLS12,
        }
    }

    /// One record that holds `plain` as `kind`, sealed as the version wants it (RFC 8446 §5.2, RFC 5246 §6.2.3.3).
    pub fn seal(&mut self, kind: u8, plain: &[u8]) -> Vec<u8> {
        let length = |bytes: usize| u16::try_from(bytes).expect("a record").to_be_bytes();
        let mut sealed = plain.to_vec();
        let (outer, associated) = if self.is_1_2 {
            let sequence = self.sequence.to_be_bytes();
            let head = [&[kind, 3, 3][..], &length(plain.len())].concat();
            (kind, [&sequence[..], &head].concat())
        } else {
            sealed.push(kind);
            let total = length(sealed.len() + aead::CHACHA20_POLY1305.tag_len());
            (APPLICATION, [&[APPLICATION, 3, 3][..], &total].concat())
        };
        let nonce = Nonce::new(&self.iv, self.sequence);
        self.sequence += 1;
        let nonce = aead::Nonce::assume_unique_for_key(nonce.0);
        let associated = aead::Aad::from(associated);
        let sealing = self
            .key
            .seal_in_place_append_tag(nonce, associated, &mut sealed);
        sealing.expect("room for a tag");
        [&[outer, 3, 3][..], &length(sealed.len()), &sealed].concat()
    }

    /// Whether the server still took it.
    pub fn send(&mut self, records: &[u8]) -> bool {
        match self.stream.write_all(records) {
            Ok(()) => true,
            Err(error) => {
                let is_end = [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset];
                assert!(is_end.contains(&error.kind()), "{error}");
                false
            }
        }
    }

    /// The type of the next record; `None` at the end of the connection, of whatever kind it is.
    pub fn next_kind(&mut self) -> Option<u8> {
        let mut header = [0; 5];
        self.read(&mut header)?;
        let mut rest = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
        self.read(&mut rest)?;
        header.first().copied()
    }

    fn read(&mut self, buffer: &mut [u8]) -> Option<()> {
        match self.stream.read_exact(buffer) {
            Ok(()) => Some(()),
            Err(error) => {
                let is_end = [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset];
                assert!(is_end.contains(&error.kind()), "{error}");
                None
            }
        }
    }
}
