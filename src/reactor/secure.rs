//! The server's sockets that speak TLS: bytes are charged by the engine, opened here, and handed to it plain; what it has
//! to say is sealed no further ahead than the socket takes.

use std::io::{self, IoSlice};
use std::ops::Range;

use mio::net::TcpStream;

use super::tls::{Opened, REFUSAL};
use super::{SLICES_MAX, Server};
use crate::engine::Door;
use crate::id::ConnectionId;
use crate::protocol::response::Refusal;
use crate::time::Now;

impl Server {
    /// Takes the handshake that has waited longest a step further.
    pub(super) fn shake_hands(&mut self, now: Now) {
        if let Some(id) = self.handshakes.pop_front() {
            self.read_one(id, now);
        }
    }

    /// Reads once from a socket whose bytes are sealed; of a handshake no more than its allowance. Gives how many there were.
    pub(super) fn read_sealed(&mut self, id: ConnectionId, now: Now) -> usize {
        let most = self.engine.handshake_bytes_left(id).unwrap_or(usize::MAX);
        let Some(socket) = self.sockets.get_mut(id) else {
            return 0;
        };
        let most = most.min(socket.appetite(self.engine.read_bytes_max(), self.read_buffer.len()));
        match socket.read(self.read_buffer.get_mut(..most).unwrap_or_default()) {
            // RFC 8446 §6.1: an end without close_notify may be anybody's doing.
            Ok(0) => self.engine.broken(id, now),
            Ok(count) => {
                socket.has_bytes = count == most || socket.read_closed;
                let plain = self.open(id, 0..count, now);
                // Who sends records of a few bytes each has a thousand of them opened for what another says in one.
                self.note_appetite(id, count == most && 2 * plain >= count);
                self.queue_read(id);
                return count;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => socket.has_bytes = false,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.queue_read(id),
            Err(_) => self.engine.broken(id, now),
        }
        0
    }

    /// Opens these bytes of the read buffer; gives how many plain ones came of them.
    pub(super) fn open(&mut self, id: ConnectionId, bytes: Range<usize>, now: Now) -> usize {
        if !self.engine.arrived(id, bytes.len(), now) {
            return 0;
        }
        let sealed = self.read_buffer.get_mut(bytes).unwrap_or_default();
        let Some(socket) = self.sockets.get_mut(id) else {
            return 0;
        };
        if socket.session.is_none() {
            if !self.engine.is_handshaking(id) {
                return 0;
            }
            if sealed.first().is_some_and(u8::is_ascii_alphabetic) {
                self.engine.spoke_plainly(id, now);
                return 0;
            }
            let session = self.acceptor.as_ref().and_then(|tls| tls.session());
            socket.session = session.map(Box::new);
        }
        let Some(session) = &mut socket.session else {
            self.engine.broken(id, now);
            return 0;
        };
        let opened = session.open(sealed, &mut self.opened);
        if session.pending() > 0 {
            // It leaves at the end of the turn, together with what the turn has to say.
            self.engine.sealed(id, 0, session.pending(), now);
            self.writable.push_back(id);
        }
        if let Some(facts) = opened.secured {
            self.engine
                .secured(id, facts, session.client_certificate(), now);
        }
        let plain = self.opened.len();
        self.hand_over(id, &opened, now);
        plain
    }

    fn hand_over(&mut self, id: ConnectionId, opened: &Opened, now: Now) {
        if !self.opened.is_empty() {
            self.engine.receive_opened(id, &self.opened, now);
            self.opened.clear();
        }
        if let Some(failure) = opened.failure {
            self.engine.end_insecure(id, failure, now);
        } else if opened.is_end {
            self.engine.end_of_input(id, now);
        }
    }

    /// Seals and writes what waits for one peer, until its socket is full or its share of the turn used up; gives how many sealed bytes that were.
    pub(super) fn write_sealed(&mut self, id: ConnectionId, now: Now) -> usize {
        let most = self.budget.write_bytes_per_connection_max;
        let mut written = 0;
        while let Some(socket) = self.sockets.get_mut(id)
            && let Some(session) = &mut socket.session
            && !socket.blocked
        {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let filled = self.engine.outgoing(id, &mut slices);
            if written >= most && filled + session.pending() > 0 {
                self.writable.push_back(id);
                break;
            }
            let slices = slices.get(..filled).unwrap_or_default();
            let Ok(taken) = session.seal(slices, &mut self.gathered, &mut self.sealed) else {
                self.engine.broken(id, now);
                break;
            };
            if self.sealed.is_empty() {
                socket.shut_if_asked();
                break;
            }
            let count = match socket.write(&[IoSlice::new(&self.sealed)]) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    socket.blocked = true;
                    0
                }
                Err(_) => {
                    self.engine.broken(id, now);
                    break;
                }
            };
            written += count;
            socket.keep(self.sealed.get(count..).unwrap_or_default());
            if !self.engine.sealed(id, taken, socket.pending(), now) {
                self.shut_if_asked(id);
                break;
            }
        }
        written
    }

    /// Ends the writing side: with close_notify, where there is TLS.
    pub(super) fn shutdown_write(&mut self, id: ConnectionId, now: Now) {
        let Some(socket) = self.sockets.get_mut(id) else {
            return;
        };
        match &mut socket.session {
            None => socket.shutdown_write(),
            Some(session) => {
                session.say_goodbye();
                socket.shut_asked = true;
                self.write_sealed(id, now);
            }
        }
    }

    fn shut_if_asked(&mut self, id: ConnectionId) {
        if let Some(socket) = self.sockets.get_mut(id) {
            socket.shut_if_asked();
        }
    }
}

/// Answers a connection that the engine did not admit, in what its door speaks; nothing of it is kept.
pub(super) fn refuse(stream: &mut TcpStream, door: Door, is_tls: bool, refusal: Refusal) {
    if is_tls && door == Door::Public {
        super::socket::say_last(stream, &REFUSAL);
    } else {
        super::socket::refuse(stream, door, refusal);
    }
}
