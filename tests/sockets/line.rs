//! A client that takes every end of its connection for what it is, and tells replies from what else it hears.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use wardroom::simulation::{text, upgrade_request};

use crate::server::{PATIENCE, SECRET, Server};

/// One connection.
pub struct Line {
    stream: TcpStream,
    inbox: Vec<u8>,
}

impl Line {
    /// `None` when nobody listens.
    pub fn connect(address: SocketAddr) -> Option<Line> {
        let stream = TcpStream::connect(address).ok()?;
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
        Some(Line {
            stream,
            inbox: Vec::new(),
        })
    }

    /// `None` when there is nothing more to come.
    fn more(&mut self) -> Option<()> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => None,
            Ok(count) => {
                self.inbox.extend_from_slice(&buffer[..count]);
                Some(())
            }
            Err(error) => {
                assert!(
                    error.kind() != ErrorKind::WouldBlock,
                    "the server does not answer"
                );
                None
            }
        }
    }

    /// Shows a credential and asks for the full protocol; `None` when the end comes before an answer.
    pub fn upgrade(&mut self, token: &str) -> Option<()> {
        let fields =
            format!("Authorization: Bearer {token}\r\nSec-WebSocket-Protocol: wardroom.v1\r\n");
        self.stream
            .write_all(upgrade_request("/ws/chat", &fields).as_bytes())
            .ok()?;
        loop {
            if let Some(at) = self.inbox.windows(4).position(|four| four == b"\r\n\r\n") {
                let head: Vec<u8> = self.inbox.drain(..at + 4).collect();
                assert!(
                    head.starts_with(b"HTTP/1.1 101 "),
                    "{}",
                    String::from_utf8_lossy(&head)
                );
                return Some(());
            }
            self.more()?;
        }
    }

    /// `None` when the server does not take it any more; what it has said may still be read.
    pub fn say(&mut self, message: &str) -> Option<()> {
        self.send(&text(message))
    }

    pub fn send(&mut self, bytes: &[u8]) -> Option<()> {
        self.stream.write_all(bytes).ok()
    }

    /// The next frame: opcode and payload.
    pub fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some((header, end)) = self.extent()
                && self.inbox.len() >= end
            {
                let frame: Vec<u8> = self.inbox.drain(..end).collect();
                return Some((frame[0] & 0x0F, frame[header..].to_vec()));
            }
            self.more()?;
        }
    }

    /// Where the payload of the first frame begins and ends, once its header is there.
    fn extent(&self) -> Option<(usize, usize)> {
        let [_, second, rest @ ..] = self.inbox.as_slice() else {
            return None;
        };
        let (header, length) = match second {
            126 => (
                4,
                usize::from(u16::from_be_bytes(*rest.first_chunk::<2>()?)),
            ),
            127 => (10, u64::from_be_bytes(*rest.first_chunk::<8>()?) as usize),
            short => (2, usize::from(*short)),
        };
        Some((header, header + length))
    }
}

/// Somebody in the full protocol.
pub struct Caller {
    line: Line,
    /// What was told that is no reply to the request that was waited for, oldest first.
    pub told: VecDeque<Value>,
    /// Of the latest request.
    last_id: u64,
    /// What the close frame said.
    pub close_code: Option<u16>,
}

impl Caller {
    /// `None` when the server is not there, or goes before it has said hello.
    pub fn enter(address: SocketAddr, token: &str) -> Option<Caller> {
        let mut line = Line::connect(address)?;
        line.upgrade(token)?;
        let mut caller = Caller {
            line,
            told: VecDeque::new(),
            last_id: 0,
            close_code: None,
        };
        let hello = caller.read()?;
        assert_eq!(hello["type"], "hello", "{hello}");
        Some(caller)
    }

    /// The same for a server that is there.
    pub fn of(server: &Server, user: &str) -> Caller {
        Caller::enter(server.address, &token(user)).expect("the server lives")
    }

    /// Sends a request without waiting for its reply, which repeats the number that this gives.
    pub fn request(&mut self, mut request: Value) -> Option<u64> {
        self.last_id += 1;
        request["id"] = self.last_id.into();
        self.line.say(&request.to_string())?;
        Some(self.last_id)
    }

    /// The one reply to a request; `None` when the connection ends before it.
    pub fn ask(&mut self, request: Value) -> Option<Value> {
        let id = self.request(request);
        loop {
            let notice = self.read()?;
            if id.is_some_and(|id| notice["id"] == id) {
                return Some(notice);
            }
            self.told.push_back(notice);
        }
    }

    /// `ok` or the code of the error, from a server that lives.
    pub fn verdict(&mut self, request: Value) -> String {
        let reply = self.ask(request).expect("the server lives");
        reply["code"].as_str().unwrap_or("ok").to_owned()
    }

    /// Asks for what must go well; the reply.
    pub fn done(&mut self, request: Value) -> Value {
        let reply = self.ask(request.clone()).expect("the server lives");
        assert_eq!(reply["type"], "ok", "{request} got {reply}");
        reply
    }

    /// Everything told up to now: what was said before the server answers is here.
    pub fn told_by_now(&mut self) -> Vec<Value> {
        self.done(json!({"type": "ping"}));
        self.told.drain(..).collect()
    }

    /// The next notice of those that were put aside, or of those to come; `None` at the end.
    pub fn notice(&mut self) -> Option<Value> {
        match self.told.pop_front() {
            Some(notice) => Some(notice),
            None => self.read(),
        }
    }

    /// The next notice of this type.
    pub fn wait_for(&mut self, kind: &str) -> Value {
        loop {
            let notice = self.notice().expect("the server lives");
            if notice["type"] == kind {
                return notice;
            }
        }
    }

    fn read(&mut self) -> Option<Value> {
        loop {
            match self.line.frame()? {
                (1, payload) => {
                    let notice = serde_json::from_slice(&payload);
                    return Some(notice.expect("the server speaks JSON"));
                }
                (8, payload) => {
                    let code = payload.first_chunk().copied();
                    self.close_code = code.map(u16::from_be_bytes);
                    return None;
                }
                _ => {}
            }
        }
    }
}

/// A token for `user`, good for an hour.
pub fn token(user: &str) -> String {
    token_with(json!({"sub": user}))
}

/// A token that says this, and is good for an hour.
pub fn token_with(mut claims: Value) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.expect("a date").as_secs();
    claims["iat"] = now.into();
    claims["exp"] = (now + 3600).into();
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&Header::default(), &claims, &key).expect("a token")
}
