//! A connection of the load generator, plain or by TLS, without waiting.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use mio::net::TcpStream;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use crate::shared::failure::{Doing, Failure};
use crate::shared::readiness::write_some;

/// The name in the servers' certificate.
pub const NAME: &str = "localhost";

/// How a client meets servers over TLS: each time by a full handshake, hybrid key exchange offered first.
///
/// # Errors
/// When the certificate at `path` cannot be used.
pub fn secure_client(path: &Path) -> Result<Arc<ClientConfig>, Failure> {
    let wrong = |_| Failure::Wrong("the servers' certificate cannot be used".to_owned());
    let pem = fs::read(path).doing("reading the servers' certificate")?;
    let certificate = CertificateDer::from_pem_slice(&pem)
        .map_err(|_| Failure::Wrong("the servers' certificate is none".to_owned()))?;
    let mut roots = RootCertStore::empty();
    roots.add(certificate).map_err(wrong)?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(wrong)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// A session that asks for the servers' name.
pub fn session(config: &Arc<ClientConfig>) -> Result<ClientConnection, Failure> {
    let name = NAME
        .try_into()
        .map_err(|_| Failure::Wrong("the servers' name is none".to_owned()))?;
    ClientConnection::new(Arc::clone(config), name)
        .map_err(|error| Failure::Wrong(error.to_string()))
}

pub struct Link {
    pub stream: TcpStream,
    tls: Option<Box<ClientConnection>>,
}

impl Link {
    pub fn connect(
        address: SocketAddr,
        config: Option<&Arc<ClientConfig>>,
    ) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).doing("connecting")?;
        let tls = config.map(session).transpose()?.map(Box::new);
        Ok(Link { stream, tls })
    }

    /// Sends `bytes`, or leaves them with the session until its handshake is done. Whether they are on their way: they
    /// are not while the connection is being made.
    pub fn send(&mut self, bytes: &[u8]) -> Result<bool, Failure> {
        let Some(tls) = &mut self.tls else {
            return Ok(write_some(&mut self.stream, bytes)? > 0);
        };
        match tls.write_tls(&mut self.stream) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error).doing("writing"),
        }
        tls.writer().write_all(bytes).doing("sealing")?;
        self.flush()?;
        Ok(true)
    }

    fn flush(&mut self) -> Result<(), Failure> {
        while let Some(tls) = &mut self.tls
            && tls.wants_write()
        {
            match tls.write_tls(&mut self.stream) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).doing("writing"),
            }
        }
        Ok(())
    }

    /// Appends what there is to `received`; whether the stream is at its end.
    pub fn receive(&mut self, buffer: &mut [u8], received: &mut Vec<u8>) -> Result<bool, Failure> {
        loop {
            let read = match &mut self.tls {
                None => self.stream.read(buffer),
                Some(tls) => tls.read_tls(&mut self.stream),
            };
            let count = match read {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error).doing("reading"),
            };
            let ended = match &mut self.tls {
                None => {
                    received.extend_from_slice(buffer.get(..count).unwrap_or_default());
                    count == 0
                }
                Some(tls) => open(tls, received)? || count == 0,
            };
            self.flush()?;
            if ended {
                return Ok(true);
            }
        }
    }
}

/// Appends what the session has opened; whether the peer has said that it was all.
fn open(tls: &mut ClientConnection, received: &mut Vec<u8>) -> Result<bool, Failure> {
    let state = tls
        .process_new_packets()
        .map_err(|error| Failure::Wrong(error.to_string()))?;
    let mut plain = vec![0; state.plaintext_bytes_to_read()];
    tls.reader().read_exact(&mut plain).doing("opening")?;
    received.append(&mut plain);
    Ok(state.peer_has_closed())
}
