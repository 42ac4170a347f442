//! Sockets beside the engine's connections: one per slot.

use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use socket2::SockRef;

use super::tls::Session;
use crate::engine::Door;
use crate::id::ConnectionId;
use crate::protocol::response::Refusal;

/// One connection's socket and what its readiness is known to be.
pub(super) struct Socket {
    id: ConnectionId,
    stream: TcpStream,
    /// A read may give something.
    pub(super) has_bytes: bool,
    /// The end of the stream, or an error, has been announced and not been read yet.
    pub(super) read_closed: bool,
    /// On the list of readable connections.
    pub(super) queued: bool,
    /// The last write did not go through; readiness will tell when to go on.
    pub(super) blocked: bool,
    /// Where its bytes are sealed: from the first byte of the handshake on.
    pub(super) session: Option<Box<Session>>,
    /// Once everything sealed is written, the writing side is to be shut.
    pub(super) shut_asked: bool,
    /// Bytes that the next read asks for.
    appetite: u32,
}

/// Bytes that a first read asks for. What a session may not say yet is held, so nobody is read far ahead who has not shown that all of it is
/// taken.
const APPETITE_MIN: u32 = 4 * 1024;

impl Socket {
    /// Bytes that the next read asks for, at most `most` and no more than the buffer has.
    pub(super) fn appetite(&self, most: usize, buffer: usize) -> usize {
        (self.appetite as usize).min(most).min(buffer)
    }

    /// Asks for twice as much the next time when all came and was taken, and for little again when something of it has to wait.
    pub(super) fn note_appetite(&mut self, was_full: bool, is_taken: bool) {
        if !is_taken {
            self.appetite = APPETITE_MIN;
        } else if was_full {
            self.appetite = self.appetite.saturating_mul(2);
        }
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }

    /// Writes in one call.
    pub(super) fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match slices {
            [one] => self.stream.write(one),
            several => self.stream.write_vectored(several),
        }
    }

    /// Sealed bytes that wait to be written.
    pub(super) fn pending(&self) -> usize {
        self.session.as_ref().map_or(0, |session| session.pending())
    }

    /// Keeps sealed bytes that were not written.
    pub(super) fn keep(&mut self, sealed: &[u8]) {
        if let Some(session) = &mut self.session {
            session.keep(sealed);
        }
    }

    /// Shuts the writing side if that waited for nothing but the bytes that are written now.
    pub(super) fn shut_if_asked(&mut self) {
        if std::mem::take(&mut self.shut_asked) {
            self.shutdown_write();
        }
    }

    /// The last that can be done for a peer of TLS: a close_notify, if its socket takes one.
    fn part(&mut self) {
        if let Some(session) = &mut self.session
            && session.pending() == 0
        {
            session.say_goodbye();
            let mut sealed = Vec::new();
            if session.seal(&[], &mut Vec::new(), &mut sealed).is_ok() && !sealed.is_empty() {
                let _ = self.stream.write(&sealed);
            }
        }
    }

    /// The peer may be gone already; then there is nobody to shut the writing side for.
    pub(super) fn shutdown_write(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

/// Sockets by the slot of their connection.
#[derive(Default)]
pub(super) struct Sockets {
    slots: Vec<Option<Socket>>,
    count: usize,
}

impl Sockets {
    /// Room for so many, which costs nothing until they come: a table that grew among other things would keep their memory from going back.
    pub(super) fn for_at_most(sockets: usize) -> Self {
        Sockets {
            slots: Vec::with_capacity(sockets),
            count: 0,
        }
    }

    /// Gives back the memory of places above all that are taken.
    pub(super) fn shrink(&mut self) {
        let last = self.slots.iter().rposition(Option::is_some);
        self.slots.truncate(last.map_or(0, |last| last + 1));
        self.slots.shrink_to_fit();
    }

    /// Keeps room for so many, which again costs nothing until they come.
    pub(super) fn regrow(&mut self, sockets: usize) {
        let room = sockets.saturating_sub(self.slots.len());
        self.slots.reserve_exact(room);
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Socket> {
        self.slots
            .get_mut(id.slot())?
            .as_mut()
            .filter(|socket| socket.id == id)
    }

    /// Watches a new connection's socket, for both directions and by edges, once and for all. One that
    /// still stands in its slot is closed.
    pub(super) fn insert(
        &mut self,
        id: ConnectionId,
        mut stream: TcpStream,
        registry: &Registry,
    ) -> io::Result<()> {
        // What a turn has to say leaves in one write: there is nothing to gather by waiting.
        stream.set_nodelay(true)?;
        let token = Token(id.as_u64() as usize);
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        if self.slots.len() <= id.slot() {
            self.slots.resize_with(id.slot() + 1, || None);
        }
        let socket = Socket {
            id,
            stream,
            has_bytes: false,
            read_closed: false,
            queued: false,
            blocked: false,
            session: None,
            shut_asked: false,
            appetite: APPETITE_MIN,
        };
        // The engine may give a slot away in the turn in which it was freed, before its close is carried out.
        if let Some(slot) = self.slots.get_mut(id.slot())
            && slot.replace(socket).is_none()
        {
            self.count += 1;
        }
        Ok(())
    }

    /// Ends a connection with a reset: the kernel keeps nothing of it, and the peer knows at once.
    pub(super) fn reset(&mut self, id: ConnectionId) {
        if let Some(socket) = self.get_mut(id) {
            let _ = SockRef::from(&socket.stream).set_linger(Some(Duration::ZERO));
        }
        self.remove(id);
    }

    /// Closes a socket. The kernel forgets its registration with it.
    pub(super) fn remove(&mut self, id: ConnectionId) {
        if self.get_mut(id).is_some()
            && let Some(slot) = self.slots.get_mut(id.slot())
            && let Some(mut socket) = slot.take()
        {
            socket.part();
            self.count -= 1;
        }
    }
}

impl Sockets {
    /// Ends what is left with a reset, so that the kernel does not go on for a process that has ended; gives how many
    /// there were.
    pub(super) fn reset_all(&mut self) -> usize {
        let left = std::mem::take(&mut self.count);
        for socket in self.slots.drain(..).flatten() {
            // A socket that can not be told is gone already.
            let _ = SockRef::from(&socket.stream).set_linger(Some(Duration::ZERO));
        }
        left
    }
}

/// Answers a connection that the engine did not admit; nothing of it is kept.
pub(super) fn refuse(stream: &mut TcpStream, door: Door, refusal: Refusal) {
    let mut bytes = Vec::new();
    door.write_refusal(refusal, &mut bytes);
    say_last(stream, &bytes);
}

/// Says a few words to a connection that is not kept.
pub(super) fn say_last(stream: &mut TcpStream, bytes: &[u8]) {
    // The socket is new and its buffer empty: the answer fits, or nobody is there to read it.
    let _ = stream.write(bytes);
    let _ = stream.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use mio::Poll;

    use super::*;
    use crate::engine::SOCKET_BYTES;

    #[test]
    fn a_socket_is_no_larger_than_the_account_of_memory_says() {
        assert!(
            size_of::<Option<Socket>>() <= SOCKET_BYTES,
            "{} bytes",
            size_of::<Option<Socket>>()
        );
    }

    #[test]
    fn a_slot_given_away_before_its_close_is_carried_out_counts_once() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let poll = Poll::new().unwrap();
        let mut sockets = Sockets::default();
        let [freed, new] = [0, 1].map(|generation| ConnectionId {
            slot: 0,
            generation,
        });
        for id in [freed, new] {
            let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            sockets.insert(id, stream, poll.registry()).unwrap();
        }
        assert_eq!(sockets.len(), 1);
        sockets.remove(freed);
        assert!(sockets.get_mut(new).is_some(), "a late close spares it");
        sockets.remove(new);
        assert_eq!(sockets.len(), 0, "or a stop would wait for nobody");
    }
}
