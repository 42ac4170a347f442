//! The part of a turn that reads: which sockets, how much of each, and what becomes of the bytes.

use std::io;

use super::Server;
use crate::engine::Share;
use crate::id::ConnectionId;
use crate::time::Now;

/// A list of connections that may have bytes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Queue {
    Readable,
    Busy,
    Strangers,
}

impl Server {
    pub(super) fn queue_read(&mut self, id: ConnectionId) {
        if let Some(socket) = self.sockets.get_mut(id)
            && socket.has_bytes
            && !socket.queued
            && self.engine.wants_bytes(id)
        {
            socket.queued = true;
            if self.acceptor.is_some() && self.engine.awaits_handshake(id) {
                self.handshakes.push_back(id);
            } else {
                let queue = match self.engine.share_of(id) {
                    // Whoever has ended their side is in no hurry, and many may do so at once.
                    _ if socket.read_closed => &mut self.strangers,
                    Share::People if self.engine.is_busy(id, self.now) => &mut self.busy,
                    Share::People => &mut self.readable,
                    Share::Strangers => &mut self.strangers,
                };
                queue.push_back(id);
            }
        }
    }

    /// Takes note of a read that gave all it asked for, or not.
    pub(super) fn note_appetite(&mut self, id: ConnectionId, was_full: bool) {
        let is_taken = self.engine.wants_bytes(id);
        if let Some(socket) = self.sockets.get_mut(id) {
            socket.note_appetite(was_full, is_taken);
        }
    }

    /// Reads once from the next connection of a queue; gives how many bytes it had.
    pub(super) fn read_next(&mut self, queue: Queue, now: Now) -> usize {
        let queue = match queue {
            Queue::Readable => &mut self.readable,
            Queue::Busy => &mut self.busy,
            Queue::Strangers => &mut self.strangers,
        };
        queue.pop_front().map_or(0, |id| self.read_one(id, now))
    }

    /// Reads once; gives how many bytes there were.
    pub(super) fn read_one(&mut self, id: ConnectionId, now: Now) -> usize {
        let Some(socket) = self.sockets.get_mut(id) else {
            return 0;
        };
        socket.queued = false;
        if !self.engine.wants_bytes(id) {
            return 0;
        }
        let is_handshaking = || self.acceptor.is_some() && self.engine.is_handshaking(id);
        if socket.session.is_some() || is_handshaking() {
            return self.read_sealed(id, now);
        }
        let most = socket.appetite(self.engine.read_bytes_max(), self.read_buffer.len());
        match socket.read(self.read_buffer.get_mut(..most).unwrap_or_default()) {
            Ok(0) => self.engine.end_of_input(id, now),
            Ok(count) => {
                self.take_plain(id, count, count == most, now);
                return count;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                socket.has_bytes = false;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.queue_read(id),
            Err(_) => self.engine.broken(id, now),
        }
        0
    }

    /// Hands the engine so many bytes of the read buffer.
    fn take_plain(&mut self, id: ConnectionId, count: usize, was_full: bool, now: Now) {
        if let Some(socket) = self.sockets.get_mut(id) {
            // A stream socket that gave less than was asked for has no more (epoll(7)), but perhaps its end.
            socket.has_bytes = was_full || socket.read_closed;
        }
        let bytes = self.read_buffer.get(..count).unwrap_or_default();
        let taken = self.engine.preamble(id, bytes, now);
        match bytes.get(taken..).unwrap_or_default() {
            [] => {}
            _ if taken > 0 && self.engine.is_handshaking(id) => {
                self.open(id, taken..count, now);
            }
            bytes => self.engine.receive(id, bytes, now),
        }
        self.note_appetite(id, was_full);
        self.queue_read(id);
    }
}
