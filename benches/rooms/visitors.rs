//! The people: connections in `wardroom.v1`, each its own user, watched by one poll.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::shared::failure::{Doing, Failure};
use crate::shared::frames::{self, Frame, Splitter};
use crate::shared::readiness::{Readiness, read_all, write_some};
use crate::shared::upgrade;

const PATIENCE: Duration = Duration::from_secs(10);
/// How many come before those who are there are heard: each may be announced.
const AT_A_TIME: usize = 16;
/// Longer than a crowd waits to be told how many it is: after so much silence everybody has been told everything.
const CROWDS_QUIET: Duration = Duration::from_millis(1300);
/// After so much silence those have been told who are told at once.
const QUIET: Duration = Duration::from_millis(30);

pub struct Visitors {
    readiness: Readiness,
    people: Vec<Visitor>,
    heard: Heard,
    ready: Vec<usize>,
}

struct Visitor {
    stream: mio::net::TcpStream,
    splitter: Splitter,
    /// Replies to this one.
    replies: u64,
}

/// What has come, for all of them together.
#[derive(Debug, Clone, Copy, Default)]
pub struct Heard {
    pub replies: u64,
    /// Messages of rooms, each counted for each who was told.
    pub deliveries: u64,
}

impl Visitors {
    pub fn new() -> Result<Self, Failure> {
        Ok(Visitors {
            readiness: Readiness::new()?,
            people: Vec::new(),
            heard: Heard::default(),
            ready: Vec::new(),
        })
    }

    pub fn heard(&self) -> Heard {
        self.heard
    }

    /// Replies that this one has had.
    pub fn replies_to(&self, visitor: usize) -> u64 {
        self.people
            .get(visitor)
            .map_or(0, |visitor| visitor.replies)
    }

    /// Somebody connects; their place.
    pub fn connect(&mut self, address: SocketAddr, token: &str) -> Result<usize, Failure> {
        self.connect_all(address, &[token.to_owned()])?;
        Ok(self.people.len() - 1)
    }

    /// Those with these credentials connect, and have places in this order.
    pub fn connect_all(&mut self, address: SocketAddr, tokens: &[String]) -> Result<(), Failure> {
        for tokens in tokens.chunks(AT_A_TIME) {
            let asked = tokens.iter().map(|token| asked(address, token));
            for mut stream in asked.collect::<Result<Vec<_>, _>>()? {
                let early = upgrade::answer(&mut stream)?;
                self.admit(stream, &early)?;
            }
            self.hear(Duration::ZERO)?;
        }
        Ok(())
    }

    fn admit(&mut self, stream: TcpStream, early: &[u8]) -> Result<(), Failure> {
        stream
            .set_nonblocking(true)
            .doing("leaving blocking mode")?;
        let mut stream = mio::net::TcpStream::from_std(stream);
        let mut splitter = Splitter::default();
        splitter.feed(early, |_| Ok(()))?;
        self.readiness.add(&mut stream, self.people.len())?;
        self.people.push(Visitor {
            stream,
            splitter,
            replies: 0,
        });
        Ok(())
    }

    /// Asks for something as `visitor`; the answer comes later.
    pub fn ask(&mut self, visitor: usize, request: &str) -> Result<(), Failure> {
        let frame = frames::masked(frames::TEXT, request.as_bytes());
        let Some(visitor) = self.people.get_mut(visitor) else {
            return Err(Failure::Wrong("nobody is there to ask".to_owned()));
        };
        if write_some(&mut visitor.stream, &frame)? != frame.len() {
            return Err(Failure::Wrong(
                "the server does not read what it is told".to_owned(),
            ));
        }
        Ok(())
    }

    /// Asks, and waits for the reply and for `deliveries` to anybody.
    pub fn have(&mut self, visitor: usize, request: &str, deliveries: u64) -> Result<(), Failure> {
        let (replies, deliveries) = (self.heard.replies + 1, self.heard.deliveries + deliveries);
        self.ask(visitor, request)?;
        self.wait_for(|heard| heard.replies >= replies && heard.deliveries >= deliveries)
    }

    /// Asks for several things at once, and waits for all replies.
    pub fn have_all(
        &mut self,
        requests: impl Iterator<Item = (usize, String)>,
    ) -> Result<(), Failure> {
        let mut replies = self.heard.replies;
        for (visitor, request) in requests {
            self.ask(visitor, &request)?;
            replies += 1;
        }
        self.wait_for(|heard| heard.replies >= replies)
    }

    /// Listens until what has been heard is enough.
    pub fn wait_for(&mut self, is_enough: impl Fn(&Heard) -> bool) -> Result<(), Failure> {
        while !is_enough(&self.heard) {
            let mut ready = std::mem::take(&mut self.ready);
            self.readiness.wait(&mut ready)?;
            self.receive(&ready)?;
            self.ready = ready;
        }
        Ok(())
    }

    /// Listens until nobody is told anything any more.
    pub fn settle(&mut self) -> Result<(), Failure> {
        while self.hear(CROWDS_QUIET)? {}
        Ok(())
    }

    /// Listens until what is told at once is told.
    pub fn catch_up(&mut self) -> Result<(), Failure> {
        while self.hear(QUIET)? {}
        Ok(())
    }

    /// Reads what comes within `patience`; whether anything did.
    fn hear(&mut self, patience: Duration) -> Result<bool, Failure> {
        let mut ready = std::mem::take(&mut self.ready);
        self.readiness.look(&mut ready, patience)?;
        self.receive(&ready)?;
        let has_come = !ready.is_empty();
        self.ready = ready;
        Ok(has_come)
    }

    fn receive(&mut self, ready: &[usize]) -> Result<(), Failure> {
        let heard = &mut self.heard;
        for place in ready {
            let Some(visitor) = self.people.get_mut(*place) else {
                continue;
            };
            let (splitter, replies) = (&mut visitor.splitter, &mut visitor.replies);
            read_all(&mut visitor.stream, &mut self.readiness.buffer, |bytes| {
                splitter.feed(bytes, |frame| {
                    let before = heard.replies;
                    heard.count(&frame)?;
                    *replies += heard.replies - before;
                    Ok(())
                })
            })?;
        }
        Ok(())
    }
}

impl Heard {
    fn count(&mut self, frame: &Frame<'_>) -> Result<(), Failure> {
        let begins = |with: &str| frame.payload.starts_with(with.as_bytes());
        if begins(r#"{"type":"ok""#) {
            self.replies += 1;
        } else if begins(r#"{"type":"message""#) {
            self.deliveries += 1;
        } else if frame.opcode != frames::TEXT || begins(r#"{"type":"error""#) {
            let text = String::from_utf8_lossy(frame.payload);
            return Err(Failure::Wrong(format!("the server said {text}")));
        }
        Ok(())
    }
}

/// A connection that has been upgraded, and what came with the answer.
pub fn open(address: SocketAddr, token: &str) -> Result<(TcpStream, Vec<u8>), Failure> {
    let mut stream = asked(address, token)?;
    let early = upgrade::answer(&mut stream)?;
    Ok((stream, early))
}

/// A connection that has asked for the upgrade.
fn asked(address: SocketAddr, token: &str) -> Result<TcpStream, Failure> {
    let mut stream = TcpStream::connect(address).doing("connecting")?;
    stream
        .set_read_timeout(Some(PATIENCE))
        .doing("setting a timeout")?;
    stream.set_nodelay(true).doing("setting TCP_NODELAY")?;
    let request = upgrade::request(address, &format!("/ws/chat?token={token}"), true);
    stream
        .write_all(request.as_bytes())
        .doing("asking for the upgrade")?;
    Ok(stream)
}

pub fn join(room: &str) -> String {
    format!(r#"{{"type":"join","room":"{room}"}}"#)
}

pub fn leave(room: &str) -> String {
    format!(r#"{{"type":"leave","room":"{room}"}}"#)
}

pub fn send(room: &str) -> String {
    format!(
        r#"{{"type":"send","room":"{room}","message":"all hands on deck, and bring the long rope"}}"#
    )
}
