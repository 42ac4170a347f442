//! What the fuzz target `tls` runs: sealed bytes of somebody's, in odd pieces, through one session and the engine behind it, as the server passes
//! them on. No sockets, and time as it is told.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what was set up wrongly must fail at once"
)]

use std::io::IoSlice;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme,
    SupportedProtocolVersion,
};

use super::session::{PARTIAL_BYTES_MAX, SEALED_BYTES_MAX};
use super::{Session, TLS12, TLS13, TlsAcceptor};
use crate::access::{AuthError, Authenticator, Credential, Identity};
use crate::config::{Config, TlsIdentity};
use crate::engine::{Door, Effect, Engine, Share};
use crate::id::ConnectionId;
use crate::time::{Instant, Now, Wall};

/// What a client asks that gets through, and how the answer begins.
const REQUEST: &[u8] = b"GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 404";
/// Whoever speaks plainly is told so.
const TOLD_PLAINLY: &[u8] = b"HTTP/1.1 4";
/// A header and the longest record of any version.
const RECORD_BYTES_MAX: usize = 16 * 1024 + 2048;
/// Turns in which a handshake is through, and those until nothing may be left.
const TURNS: usize = 16;
const ENDINGS_MAX: usize = 1000;

static CHAIN: &[u8] = include_bytes!("../../../tests/fixtures/keys/p256.certificate.pem");
static KEY: &[u8] = include_bytes!("../../../tests/fixtures/keys/p256.private.pem");

static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    let mut config = Config::default();
    config.tls.certificate = vec![PathBuf::from("chain.pem")];
    config.tls.key = vec![PathBuf::from("key.pem")];
    config.tls.identities = vec![TlsIdentity {
        chain: CHAIN.to_vec(),
        key: KEY.to_vec(),
    }];
    config
});
static ACCEPTOR: LazyLock<TlsAcceptor> = LazyLock::new(|| {
    let made = TlsAcceptor::new(&CONFIG.tls, now().wall);
    made.expect("a good certificate").expect("TLS is on")
});
static CLIENTS: LazyLock<[Arc<ClientConfig>; 2]> = LazyLock::new(|| [&TLS13, &TLS12].map(client));

/// A date at which the certificate is good.
fn now() -> Now {
    Now {
        instant: Instant::ZERO + Duration::from_secs(1000),
        wall: Wall::from_millis(1_900_000_000_000),
    }
}

fn client(version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let mut config = builder
        .with_protocol_versions(&[version])
        .expect("a version of the provider")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anything))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

/// Takes any certificate.
#[derive(Debug)]
struct Anything;

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = default_provider().signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// Nobody gets in.
struct Nobody;

impl Authenticator for Nobody {
    fn authenticate(&self, _: Credential<'_>, _: Now) -> Result<Identity, AuthError> {
        Err(AuthError::Invalid)
    }
}

/// Whatever comes is opened to what the client has sealed or to nothing, is answered by TLS records or, to somebody who speaks plainly, by words,
/// costs no more than it may, and ends.
///
/// The first byte chooses: the bytes as they are (0), or changes to what a real client of TLS 1.3 (1) or 1.2 (2) sends, three bytes each: a place and
/// what it is changed by; or (3) the bytes as they are behind a handshake of TLS 1.3; or changes again, to a client of TLS 1.2 (4) or 1.3 (5) that says goodbye
/// right behind its request. The second says how many lengths of pieces follow.
///
/// # Panics
/// When it is not so.
pub fn tls(input: &[u8]) {
    let [choice, cuts, rest @ ..] = input else {
        return;
    };
    let Some((lengths, bytes)) = rest.split_at_checked(usize::from(*cuts)) else {
        return;
    };
    let mut peer = Peer::new(lengths);
    let choice = choice % 6;
    match choice {
        0 => peer.send(bytes),
        3 => {
            peer.speak(&CLIENTS[0], false, &[]);
            peer.send(bytes);
        }
        _ => {
            let is_older = choice % 2 == 0;
            peer.speak(&CLIENTS[usize::from(is_older)], choice > 3, bytes);
        }
    }
    peer.end();
}

/// A server's connection and whoever is at its other end.
struct Peer<'a> {
    engine: Engine,
    now: Now,
    id: ConnectionId,
    session: Option<Session>,
    /// Lengths of the pieces in which bytes arrive, over and over; none: as they were sent.
    lengths: std::iter::Cycle<std::slice::Iter<'a, u8>>,
    /// Bytes sent in all, of those the ones of a handshake that were looked at, what was opened of them, and what was told.
    sent: usize,
    shaken: usize,
    opened: Vec<u8>,
    told: Vec<u8>,
    /// What a client has sealed.
    sealed: Vec<u8>,
    is_secured: bool,
    /// The client's goodbye was passed on.
    has_ended: bool,
    is_closed: bool,
}

impl<'a> Peer<'a> {
    fn new(lengths: &'a [u8]) -> Self {
        let engine = Engine::new(CONFIG.clone(), Box::new(Nobody), [7; 32]);
        let mut engine = engine.expect("no origins");
        let address = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 40_000));
        let id = engine.accept(Door::Public, address, now());
        Peer {
            id: id.expect("room for one"),
            engine,
            now: now(),
            session: None,
            lengths: lengths.iter().cycle(),
            sent: 0,
            shaken: 0,
            opened: Vec::new(),
            told: Vec::new(),
            sealed: Vec::new(),
            is_secured: false,
            has_ended: false,
            is_closed: false,
        }
    }

    /// Bytes come, cut, and each piece no longer than the server would read.
    fn send(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.is_closed && self.engine.wants_bytes(self.id) {
            let left = self.engine.handshake_bytes_left(self.id);
            let cut = self.lengths.next();
            let cut = cut.map_or(usize::MAX, |length| usize::from(*length).max(1));
            let length = cut.min(left.unwrap_or(usize::MAX)).clamp(1, bytes.len());
            let (piece, rest) = bytes.split_at(length);
            bytes = rest;
            self.sent += piece.len();
            self.open(&mut piece.to_vec());
            self.turn();
            self.judge();
        }
    }

    /// As the server passes on what its socket gave.
    fn open(&mut self, sealed: &mut [u8]) {
        let (id, now) = (self.id, self.now);
        let was_handshaking = self.engine.is_handshaking(id);
        if !self.engine.arrived(id, sealed.len(), now) {
            return;
        }
        if was_handshaking {
            self.shaken += sealed.len();
        }
        if self.session.is_none() {
            if !was_handshaking {
                return;
            }
            if sealed.first().is_some_and(u8::is_ascii_alphabetic) {
                return self.engine.spoke_plainly(id, now);
            }
            self.session = ACCEPTOR.session();
        }
        let session = self.session.as_mut().expect("a session is made");
        let mut plain = Vec::new();
        let opened = session.open(sealed, &mut plain);
        if session.pending() > 0 {
            self.engine.sealed(id, 0, session.pending(), now);
        }
        if let Some(facts) = opened.secured {
            assert!(was_handshaking, "secured twice");
            self.is_secured = true;
            self.engine.secured(id, facts, None, now);
        }
        if !plain.is_empty() {
            assert!(self.is_secured, "plain bytes before the handshake is done");
            self.engine.receive_opened(id, &plain, now);
            self.opened.extend(plain);
        }
        if let Some(failure) = opened.failure {
            self.engine.end_insecure(id, failure, now);
        } else if opened.is_end {
            self.has_ended = true;
            self.engine.end_of_input(id, now);
        }
        self.leave();
    }

    fn turn(&mut self) {
        self.engine.turn(self.now);
        for share in [Share::People, Share::Strangers] {
            self.engine.end_turn(self.now);
            while let Some(effect) = self.engine.next_effect(share) {
                match effect {
                    Effect::Write(_) => self.leave(),
                    Effect::Read(_) => {}
                    Effect::ShutdownWrite(_) => {
                        self.session.iter_mut().for_each(Session::say_goodbye);
                        self.leave();
                    }
                    Effect::Close(_) | Effect::Reset(_) => self.is_closed = true,
                }
            }
        }
    }

    /// What waits leaves, sealed where there is a session.
    fn leave(&mut self) {
        loop {
            let mut slices = [IoSlice::new(&[]); 16];
            let filled = self.engine.outgoing(self.id, &mut slices);
            let slices = &slices[..filled];
            let Some(session) = &mut self.session else {
                let taken = slices.iter().map(|slice| slice.len()).sum();
                slices.iter().for_each(|slice| self.told.extend(&**slice));
                if taken == 0 || !self.engine.written(self.id, taken, self.now) {
                    return;
                }
                continue;
            };
            let mut sealed = Vec::new();
            let taken = session.seal(slices, &mut Vec::new(), &mut sealed);
            let taken = taken.expect("not so much was sealed");
            assert!(sealed.len() <= SEALED_BYTES_MAX + RECORD_BYTES_MAX);
            if sealed.is_empty() {
                return;
            }
            self.told.extend(&sealed);
            if !self
                .engine
                .sealed(self.id, taken, session.pending(), self.now)
            {
                return;
            }
        }
    }

    fn judge(&self) {
        assert!(self.sealed.starts_with(&self.opened), "{:?}", self.opened);
        let most = CONFIG.limits.tls_handshake_bytes_max;
        assert!(self.shaken <= most, "{} bytes of a handshake", self.shaken);
        let kept = self.session.as_ref().map_or(0, Session::partial);
        assert!(kept <= most.max(PARTIAL_BYTES_MAX), "{kept} bytes are kept");
    }

    /// A real client speaks, and what it sends is changed at these places.
    fn speak(&mut self, config: &Arc<ClientConfig>, says_goodbye: bool, changes: &[u8]) {
        let name = ServerName::try_from("h").expect("a name");
        let mut client = ClientConnection::new(Arc::clone(config), name).expect("a client");
        let mut has_asked = false;
        let mut heard = 0;
        let mut is_changed = false;
        let mut answer = Vec::new();
        for _ in 0..TURNS {
            if !client.is_handshaking() && !has_asked {
                has_asked = true;
                self.sealed = REQUEST.to_vec();
                std::io::Write::write_all(&mut client.writer(), REQUEST).expect("room for it");
                if says_goodbye {
                    client.send_close_notify();
                }
            }
            let mut sealed = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut sealed).expect("room for it");
            }
            is_changed |= change(&mut sealed, self.sent, changes);
            self.send(&sealed);
            let mut told = &self.told[heard..];
            heard = self.told.len();
            while !told.is_empty() {
                let is_read = client.read_tls(&mut told).is_ok_and(|count| count > 0);
                if !is_read || client.process_new_packets().is_err() {
                    assert!(is_changed, "a client that nobody has touched fails");
                    return;
                }
            }
            // A socket that has nothing to give says so.
            let _ = std::io::Read::read_to_end(&mut client.reader(), &mut answer);
        }
        assert!(is_changed || answer.starts_with(ANSWER), "{answer:?}");
        // Where it comes after the answer, the server has said goodbye itself.
        let is_late = self.lengths.next().is_some();
        let is_heard = self.has_ended == says_goodbye;
        assert!(is_changed || is_late || is_heard, "{}", self.has_ended);
    }

    /// Whoever says nothing more is gone some time, and was told nothing but records, or plain words.
    fn end(&mut self) {
        self.engine.end_of_input(self.id, self.now);
        self.turn();
        let begin = self.now.instant;
        for _ in 0..ENDINGS_MAX {
            if self.is_closed {
                break;
            }
            let next = self.engine.next_deadline().expect("an end");
            self.now.instant = next.max(self.now.instant);
            self.turn();
        }
        let deadlines = &CONFIG.deadlines;
        let most = deadlines.head + deadlines.close * 2 + deadlines.linger;
        assert!(self.is_closed && self.now.instant.since(begin) <= most);
        assert_eq!(self.engine.census().connections, 0);
        if self.session.is_some() {
            assert!(are_records(&self.told), "{:?}", self.told);
        } else {
            assert!(self.told.is_empty() || self.told.starts_with(TOLD_PLAINLY));
        }
    }
}

/// Changes bytes that begin at this place of all that is sent; whether there was anything to change.
fn change(bytes: &mut [u8], begin: usize, changes: &[u8]) -> bool {
    let mut is_changed = false;
    for change in changes.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([change[0], change[1]]));
        let place = at.checked_sub(begin).and_then(|at| bytes.get_mut(at));
        if let Some(place) = place {
            *place ^= change[2];
            is_changed |= change[2] != 0;
        }
    }
    is_changed
}

/// Whether these are whole records of TLS (RFC 8446 §5.1).
fn are_records(mut bytes: &[u8]) -> bool {
    while let [kind, 3, 1..=4, high, low, rest @ ..] = bytes {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        match rest.get(length..) {
            Some(after) if (20..=23).contains(kind) && length <= RECORD_BYTES_MAX => bytes = after,
            _ => return false,
        }
    }
    bytes.is_empty()
}
