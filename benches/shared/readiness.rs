//! A mio poll that does not wait for ever, and the reads and writes of edge-triggered sockets.

use std::io::{ErrorKind, Read, Write};
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::failure::{Doing, Failure};

/// Nothing for this long while something is outstanding: the server lost it.
const SILENCE_MAX: Duration = Duration::from_secs(10);
const BUFFER_BYTES: usize = 256 << 10;

pub struct Readiness {
    poll: Poll,
    events: Events,
    /// Where every read goes.
    pub buffer: Vec<u8>,
}

impl Readiness {
    pub fn new() -> Result<Self, Failure> {
        let poll = Poll::new().doing("making a poll")?;
        Ok(Readiness {
            poll,
            events: Events::with_capacity(1024),
            buffer: vec![0; BUFFER_BYTES],
        })
    }

    /// Tells of `stream` as `index`, for reading and writing, each time either becomes possible again.
    pub fn add(&self, stream: &mut TcpStream, index: usize) -> Result<(), Failure> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(stream, Token(index), interest)
            .doing("registering a connection")
    }

    /// Puts into `ready` which connections are; waits for one.
    ///
    /// # Errors
    /// When none becomes ready although an answer is due.
    pub fn wait(&mut self, ready: &mut Vec<usize>) -> Result<(), Failure> {
        self.look(ready, SILENCE_MAX)?;
        if ready.is_empty() {
            return Err(Failure::Wrong(format!(
                "the server owed an answer and was silent for {SILENCE_MAX:?}"
            )));
        }
        Ok(())
    }

    /// Puts into `ready` which connections are within `patience`.
    pub fn look(&mut self, ready: &mut Vec<usize>, patience: Duration) -> Result<(), Failure> {
        self.poll
            .poll(&mut self.events, Some(patience))
            .doing("waiting for readiness")?;
        ready.clear();
        ready.extend(self.events.iter().map(|event| event.token().0));
        Ok(())
    }
}

/// Gives `take` everything that `stream` has.
///
/// # Errors
/// At the end of the stream too: in no row does the server hang up first and unasked.
pub fn read_all(
    stream: &mut TcpStream,
    buffer: &mut [u8],
    mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    loop {
        match stream.read(buffer) {
            Ok(0) => return Err(Failure::Wrong("the server closed a connection".to_owned())),
            Ok(count) => {
                take(buffer.get(..count).unwrap_or_default())?;
                // A read that did not fill the buffer emptied the socket (epoll(7)).
                if count < buffer.len() {
                    return Ok(());
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error).doing("reading"),
        }
    }
}

/// How much of `bytes` the socket took: 0 when it is full.
pub fn write_some(stream: &mut TcpStream, bytes: &[u8]) -> Result<usize, Failure> {
    match stream.write(bytes) {
        Ok(count) => Ok(count),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        Err(error) => Err(error).doing("writing"),
    }
}
