//! Connecting and the opening handshake, one connection after the other.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use super::link::{secure_client, session};
use crate::options::{ClientOptions, Language};
use crate::shared::failure::{Doing, Failure};
use crate::shared::upgrade::{request, upgrade};

const PATIENCE: Duration = Duration::from_secs(10);

/// The upgrade as the raw reference grants it to everybody.
pub const SWITCHING: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// The requests that a row's connections make.
pub struct Handshake {
    options_address: std::net::SocketAddr,
    language: Language,
    secure: Option<Arc<ClientConfig>>,
    requests: Vec<Vec<u8>>,
}

impl Handshake {
    /// # Errors
    /// When the file of tokens cannot be read.
    pub fn new(options: &ClientOptions) -> Result<Self, Failure> {
        let targets = match &options.tokens {
            None => vec![options.target.clone()],
            Some(path) => {
                let tokens = std::fs::read_to_string(path).doing("reading the tokens")?;
                tokens
                    .lines()
                    .map(|token| format!("{}?token={token}", options.target))
                    .collect()
            }
        };
        let requests = targets
            .iter()
            .map(|target| {
                request(options.address, target, options.language == Language::Chat).into_bytes()
            })
            .collect();
        let secure = options.certificate.as_deref().map(secure_client);
        Ok(Handshake {
            options_address: options.address,
            language: options.language,
            secure: secure.transpose()?,
            requests,
        })
    }

    /// What connection `index` asks with.
    pub fn request(&self, index: usize) -> &[u8] {
        let at = index.checked_rem(self.requests.len());
        at.and_then(|at| self.requests.get(at))
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// A connection, by TLS if there is a certificate, upgraded if its language needs it, and what came after the response's head.
    pub fn connect(&self, index: usize) -> Result<(mio::net::TcpStream, Vec<u8>), Failure> {
        let mut stream = TcpStream::connect(self.options_address).doing("connecting")?;
        stream
            .set_read_timeout(Some(PATIENCE))
            .doing("setting a timeout")?;
        stream.set_nodelay(true).doing("setting TCP_NODELAY")?;
        let early = match (self.language, &self.secure) {
            (Language::Bytes, _) => Vec::new(),
            (_, None) => upgrade(&mut stream, self.request(index))?,
            (_, Some(config)) => {
                let mut session = session(config)?;
                upgrade(
                    &mut rustls::Stream::new(&mut session, &mut stream),
                    self.request(index),
                )?
            }
        };
        stream
            .set_nonblocking(true)
            .doing("leaving blocking mode")?;
        Ok((mio::net::TcpStream::from_std(stream), early))
    }
}
