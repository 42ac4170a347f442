//! TLS for a siege: a certificate that is made for it and goes with it, and clients that take no other; or, of a server that runs on this machine, any.

use std::fmt;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme,
};

use super::bounds::QUEUE_BYTES;
use super::peer::Flow;

/// A certificate as DER (RFC 5280 §4.1) around its key and its signature, both of fixed length (RFC 8410): issuer and subject
/// "wardroom siege", good from 2000 to 9999.
const BEFORE_KEY: &[u8] =
    b"\x30\x81\x93\xa0\x03\x02\x01\x02\x02\x01\x01\x30\x05\x06\x03\x2b\x65\x70\
    \x30\x19\x31\x17\x30\x15\x06\x03\x55\x04\x03\x0c\x0ewardroom siege\
    \x30\x20\x17\x0d000101000000Z\x18\x0f99991231235959Z\
    \x30\x19\x31\x17\x30\x15\x06\x03\x55\x04\x03\x0c\x0ewardroom siege\
    \x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
const BEFORE_SIGNED: &[u8] = b"\x30\x81\xe0";
const BEFORE_SIGNATURE: &[u8] = b"\x30\x05\x06\x03\x2b\x65\x70\x03\x41\x00";

/// A certificate with its key, both as PEM, and as clients know it.
pub(super) struct Identity {
    pub(super) certificate: String,
    pub(super) key: String,
    der: CertificateDer<'static>,
}

impl Identity {
    /// Makes one that nobody has had before.
    pub(super) fn make() -> io::Result<Self> {
        let no_key = |_| io::Error::other("no key for a certificate");
        let pair = Ed25519KeyPair::generate().map_err(no_key)?;
        let private = pair.to_pkcs8v1().map_err(no_key)?;
        let signed = [BEFORE_KEY, pair.public_key().as_ref()].concat();
        let signature = pair.sign(&signed);
        let der = [BEFORE_SIGNED, &signed, BEFORE_SIGNATURE, signature.as_ref()].concat();
        let block = |tag: &str, bytes: &[u8]| pem::encode(&pem::Pem::new(tag, bytes));
        Ok(Identity {
            certificate: block("CERTIFICATE", &der),
            key: block("PRIVATE KEY", private.as_ref()),
            der: der.into(),
        })
    }

    /// What clients need to talk to a server that shows this certificate.
    pub(super) fn client(&self) -> io::Result<Arc<ClientConfig>> {
        client(Some(self.der.clone()))
    }
}

/// What clients need to talk to a server that runs on this machine, whatever certificate it shows: nobody is between.
pub(super) fn client_of_any() -> io::Result<Arc<ClientConfig>> {
    client(None)
}

fn client(expected: Option<CertificateDer<'static>>) -> io::Result<Arc<ClientConfig>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let only = Only {
        expected,
        provider: Arc::clone(&provider),
    };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(only))
        .with_no_client_auth();
    // Everybody is somebody else: nobody goes on with another's session.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// Takes one certificate and no other, or any, from whoever proves to have its key.
struct Only {
    expected: Option<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl fmt::Debug for Only {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Only")
    }
}

impl ServerCertVerifier for Only {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.expected.as_ref().is_none_or(|der| shown == der) {
            return Ok(ServerCertVerified::assertion());
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let known = &self.provider.signature_verification_algorithms;
        known.supported_schemes()
    }
}

/// One client's half of TLS, over a socket that somebody else has.
pub(super) struct Wrap(Box<ClientConnection>);

impl Wrap {
    pub(super) fn new(config: &Arc<ClientConfig>) -> io::Result<Self> {
        let name = ServerName::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST));
        let made = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        let mut wrap = Wrap(Box::new(made));
        wrap.0.set_buffer_limit(Some(QUEUE_BYTES));
        Ok(wrap)
    }

    /// Whether the handshake is over.
    pub(super) fn is_through(&self) -> bool {
        !self.0.is_handshaking()
    }

    /// Whether sealed bytes wait for the socket.
    pub(super) fn is_full(&self) -> bool {
        self.0.wants_write()
    }

    /// Seals as much of `plain` as there is room for, and says how much that was.
    pub(super) fn seal(&mut self, plain: &[u8]) -> usize {
        // Into memory: it can not fail, and takes what its limit allows.
        self.0.writer().write(plain).unwrap_or(0)
    }

    /// Writes sealed bytes.
    pub(super) fn write(&mut self, stream: &mut dyn io::Write) -> io::Result<usize> {
        self.0.write_tls(&mut &mut *stream)
    }

    /// Reads what `stream` has, and hands it to `take` opened.
    pub(super) fn read(
        &mut self,
        stream: &mut dyn io::Read,
        buffer: &mut [u8],
        take: &mut dyn FnMut(&[u8]),
    ) -> Flow {
        loop {
            match self.0.read_tls(&mut &mut *stream) {
                Ok(0) => return Flow::Ended,
                Ok(_) => {}
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::NotConnected => return Flow::Open,
                    ErrorKind::Interrupted => continue,
                    _ => return Flow::Broken,
                },
            }
            // An alert is the server's way to say no before there is anything to read.
            let Ok(state) = self.0.process_new_packets() else {
                return Flow::Ended;
            };
            let mut left = state.plaintext_bytes_to_read();
            while left > 0 {
                let count = self.0.reader().read(buffer).unwrap_or(0);
                if count == 0 {
                    break;
                }
                take(buffer.get(..count).unwrap_or_default());
                left = left.saturating_sub(count);
            }
        }
    }

    /// One request over a socket that waits, and the whole answer up to this many bytes.
    pub(super) fn ask(
        mut self,
        stream: &mut TcpStream,
        request: &[u8],
        answer_bytes_max: u64,
    ) -> Option<Vec<u8>> {
        let mut through = rustls::Stream::new(&mut *self.0, stream);
        through.write_all(request).ok()?;
        let mut answer = Vec::new();
        // Whoever closes without a word has said everything all the same.
        let _ = through.take(answer_bytes_max).read_to_end(&mut answer);
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::certificate::Certificate;

    #[test]
    fn every_certificate_is_one_is_good_now_and_is_another_each_time() {
        let [one, other] = [Identity::make(), Identity::make()].map(|made| made.expect("made"));
        assert_ne!(one.der, other.der);
        let read = Certificate::read(&one.der).expect("a certificate");
        assert!(read.dns_names.is_empty());
        assert!(read.not_before.as_millis() < 1_000_000_000_000);
        assert!(read.not_after.as_millis() > 100_000_000_000_000);
    }

    #[test]
    fn clients_take_their_own_certificate_and_no_other() {
        let [one, other] = [Identity::make(), Identity::make()].map(|made| made.expect("made"));
        let only = Only {
            expected: Some(one.der.clone()),
            provider: Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
        };
        let name = ServerName::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST));
        let judge = |shown| {
            only.verify_server_cert(shown, &[], &name, &[], UnixTime::now())
                .is_ok()
        };
        assert!(judge(&one.der));
        assert!(!judge(&other.der));
    }
}
