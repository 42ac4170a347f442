//! A client that speaks TLS from a loopback address of its choice.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;

use rustix::net::{self, AddressFamily, SocketType};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;
use wardroom::simulation::{self, masked};

use crate::running::{NAME, Site};
use crate::server::PATIENCE;

/// A connection to a proxy over TLS, its certificate verified.
pub struct Client {
    stream: StreamOwned<ClientConnection, TcpStream>,
    inbox: Vec<u8>,
}

/// What ended a wait.
#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    Message(Value),
    Ping,
    Close(u16, String),
    /// The connection is gone without a word.
    Gone,
}

/// A connection from `127.0.0.HOST`.
pub fn connect(to: SocketAddr, host: u8) -> TcpStream {
    let socket = net::socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    let from = SocketAddr::from((Ipv4Addr::new(127, 0, 0, host), 0));
    net::bind(&socket, &from).expect("every address of 127.0.0.0/8 is this machine's");
    net::connect(&socket, &to).expect("the proxy listens");
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream.set_nodelay(true).expect("a socket");
    stream
}

impl Client {
    pub fn connect(site: &Site, host: u8) -> Client {
        let mut roots = RootCertStore::empty();
        roots.add(site.certificate.clone()).expect("a certificate");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name = ServerName::try_from(NAME).expect("a name");
        let session = ClientConnection::new(Arc::new(config), name).expect("a session");
        Client {
            stream: StreamOwned::new(session, connect(site.address, host)),
            inbox: Vec::new(),
        }
    }

    /// Asks for a chat as `token`'s user; gives the status.
    pub fn open(site: &Site, host: u8, token: &str, fields: &str) -> (Client, u16) {
        let mut client = Client::connect(site, host);
        let request = simulation::upgrade_request(
            "/ws/chat",
            &format!("Authorization: Bearer {token}\r\n{fields}"),
        );
        client.send(request.replace("127.0.0.1:8080", NAME).as_bytes());
        let head = client.head();
        (client, status(&head))
    }

    /// A plain request on this connection, which goes on: status and body.
    pub fn get(&mut self, path: &str, fields: &str) -> (u16, String) {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: {NAME}\r\n{fields}\r\n").as_bytes());
        let head = self.head();
        let length = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, value)| value.parse().expect("a number"));
        while self.inbox.len() < length {
            assert!(self.read_more(), "the body is cut off");
        }
        let body: Vec<u8> = self.inbox.drain(..length).collect();
        (status(&head), String::from_utf8_lossy(&body).into_owned())
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the proxy reads");
        self.stream.flush().expect("the proxy reads");
    }

    pub fn say(&mut self, text: &str) {
        let message = serde_json::json!({ "message": text }).to_string();
        self.send(&simulation::text(&message));
    }

    /// The next that the server tells; a ping is answered.
    pub fn told(&mut self) -> Told {
        loop {
            match frame(&self.inbox) {
                Some((opcode, payload, bytes)) => {
                    self.inbox.drain(..bytes);
                    return self.understand(opcode, &payload);
                }
                None if self.read_more() => {}
                None => return Told::Gone,
            }
        }
    }

    /// Waits for a message with this text.
    pub fn hear(&mut self, text: &str) {
        loop {
            match self.told() {
                Told::Message(message) if message["message"] == text => return,
                Told::Message(_) | Told::Ping => {}
                other => panic!("{text:?} is not told, but {other:?}"),
            }
        }
    }

    fn understand(&mut self, opcode: u8, payload: &[u8]) -> Told {
        match opcode {
            1 => Told::Message(serde_json::from_slice(payload).expect("the server speaks JSON")),
            8 => {
                let code = payload
                    .first_chunk()
                    .map_or(1005, |code| u16::from_be_bytes(*code));
                let reason = payload.get(2..).unwrap_or_default();
                Told::Close(code, String::from_utf8_lossy(reason).into_owned())
            }
            9 => {
                self.send(&masked(0x8A, payload));
                Told::Ping
            }
            _ => panic!("the server sent opcode {opcode}"),
        }
    }

    fn head(&mut self) -> String {
        loop {
            if let Some(at) = self.inbox.windows(4).position(|four| four == b"\r\n\r\n") {
                let head: Vec<u8> = self.inbox.drain(..at + 4).collect();
                return String::from_utf8_lossy(&head).into_owned();
            }
            assert!(self.read_more(), "the end instead of an answer");
        }
    }

    /// `false` when the connection has ended, in whatever way.
    fn read_more(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(count) => {
                self.inbox.extend_from_slice(&buffer[..count]);
                true
            }
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset
                ) =>
            {
                false
            }
            Err(error) => panic!("neither bytes nor an end: {error}"),
        }
    }
}

fn status(head: &str) -> u16 {
    head.get(9..12)
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_else(|| panic!("no answer: {head}"))
}

/// Opcode, payload and length of a whole frame; nothing here is longer than 65,535 bytes.
fn frame(bytes: &[u8]) -> Option<(u8, Vec<u8>, usize)> {
    let [first, second, rest @ ..] = bytes else {
        return None;
    };
    let (header, length) = match second {
        126 => (
            4,
            usize::from(u16::from_be_bytes(*rest.first_chunk::<2>()?)),
        ),
        127 => panic!("a frame longer than any here"),
        short => (2, usize::from(*short)),
    };
    let payload = bytes.get(header..header + length)?.to_vec();
    Some((first & 0x0F, payload, header + length))
}
