//! TLS by rustls: certificates and keys to a configuration, and one session per connection. Opens no socket, and decides
//! nothing about who is let in.

mod error;
#[cfg(feature = "simulation")]
pub mod fuzz;
mod identities;
mod session;
mod watch;

use std::sync::{Arc, Mutex, PoisonError};

use mio::Waker;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::{
    ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};

use crate::config::{ClientCertificates, Tls, TlsMinimum};
use crate::time::Wall;

pub use error::TlsError;
pub use identities::IdentitySummary;

use identities::Identities;
pub(super) use session::{Opened, Session};
pub(super) use watch::Watch;

/// The one protocol spoken inside (RFC 7301): whoever insists on another is told so in the handshake.
const ALPN: &[u8] = b"http/1.1";
/// Spares for a browser that opens two connections at once; each is good for one resumption (RFC 8446 §C.4).
const TICKETS: usize = 2;

/// A fatal alert `internal_error` (RFC 8446 §6): all that a client understands before its handshake has begun.
pub(super) const REFUSAL: [u8; 7] = [21, 3, 3, 0, 2, 2, 80];

/// Certificates, keys and rules of TLS, ready for handshakes. Cheap to clone.
///
/// **Every one has ticket keys of its own:** after a replacement nobody goes on with a session that began under the old
/// certificates or with the old authorities of clients.
#[derive(Clone)]
pub struct TlsAcceptor {
    config: Arc<ServerConfig>,
    identities: Arc<Identities>,
}

impl TlsAcceptor {
    /// Checks what `tls` names: every chain reads, every key belongs to its chain, nothing has expired at `now`.
    /// `None` when TLS is off.
    ///
    /// # Errors
    /// [`TlsError`] names the setting to change.
    pub fn new(tls: &Tls, now: Wall) -> Result<Option<TlsAcceptor>, TlsError> {
        if !tls.is_on() {
            return Ok(None);
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let identities = Arc::new(Identities::load(tls, &provider, now)?);
        let resolver = Arc::new(Resolver(Arc::clone(&identities)));
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions(tls.minimum))
            .map_err(TlsError::Library)?;
        let mut config = match tls.client_certificates {
            ClientCertificates::Off => builder.with_no_client_auth(),
            asked => builder.with_client_cert_verifier(verifier(tls, asked, provider)?),
        }
        .with_cert_resolver(resolver);
        // All suites are good ones; the order is ours so that a client can not be talked into the weakest of its own.
        config.ignore_client_order = true;
        config.alpn_protocols = vec![ALPN.to_vec()];
        // Sessions live in tickets at the client, sealed under keys that rotate: none costs memory here.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.ticketer = aws_lc_rs::Ticketer::new().map_err(TlsError::Library)?;
        config.send_tls13_tickets = TICKETS;
        Ok(Some(TlsAcceptor {
            config: Arc::new(config),
            identities,
        }))
    }

    /// What is known of each certificate, in the order of `tls.certificate`.
    pub fn identities(&self) -> impl Iterator<Item = &IdentitySummary> {
        self.identities.summaries()
    }

    /// A session for a new connection; `None` when the library makes none.
    pub(super) fn session(&self) -> Option<Session> {
        Session::new(Arc::clone(&self.config))
    }
}

fn versions(minimum: TlsMinimum) -> &'static [&'static SupportedProtocolVersion] {
    static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
    match minimum {
        TlsMinimum::Tls12 => &BOTH,
        TlsMinimum::Tls13 => BOTH.get(..1).unwrap_or_default(),
    }
}

fn verifier(
    tls: &Tls,
    asked: ClientCertificates,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(&tls.client_authorities) {
        authority
            .ok()
            .and_then(|authority| roots.add(authority).ok())
            .ok_or(TlsError::ClientAuthority)?;
    }
    if roots.is_empty() {
        return Err(TlsError::ClientAuthority);
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = match asked {
        ClientCertificates::Required => builder,
        ClientCertificates::Optional | ClientCertificates::Off => builder.allow_unauthenticated(),
    };
    builder.build().map_err(|_| TlsError::ClientAuthority)
}

/// The certificate for the name that a client asks for.
#[derive(Debug)]
struct Resolver(Arc<Identities>);

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0
            .choose(hello.server_name(), hello.signature_schemes())
    }
}

/// Replaces the certificates of a running server from any thread.
///
/// Connections that are open, and handshakes that have begun, stay as they are.
#[derive(Clone)]
pub struct TlsHandle {
    next: Arc<Mutex<Option<TlsAcceptor>>>,
    waker: Arc<Waker>,
}

impl TlsHandle {
    pub(super) fn new(waker: Arc<Waker>) -> Self {
        TlsHandle {
            next: Arc::default(),
            waker,
        }
    }

    /// Hands over what new connections are met with from the server's next turn on.
    ///
    /// # Errors
    /// When the server's thread can not be woken; it then looks at its next turn.
    pub fn replace(&self, acceptor: TlsAcceptor) -> std::io::Result<()> {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(acceptor);
        self.waker.wake()
    }

    /// What was handed over since the last look. The lock is held for an assignment, never for work.
    pub(super) fn take(&self) -> Option<TlsAcceptor> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        next.take()
    }
}
