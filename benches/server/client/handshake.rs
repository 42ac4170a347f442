//! Connecting and the opening handshake (RFC 6455 §4.1), one connection after the other.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use super::link::{secure_client, session};
use crate::failure::{Doing, Failure};
use crate::options::{ClientOptions, Language};

/// The key of RFC 6455 §1.3, so that what must come back is known.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const HEAD_BYTES_MAX: usize = 4096;
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
            .map(|target| request(options, target).into_bytes())
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

fn request(options: &ClientOptions, target: &str) -> String {
    let protocol = if options.language == Language::Chat {
        "Sec-WebSocket-Protocol: wardroom.v1\r\n"
    } else {
        ""
    };
    format!(
        "GET {target} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{protocol}\r\n",
        options.address
    )
}

fn upgrade(stream: &mut (impl Read + Write), request: &[u8]) -> Result<Vec<u8>, Failure> {
    stream.write_all(request).doing("asking for the upgrade")?;
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
