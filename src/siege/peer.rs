//! One client's socket, with or without TLS: from an address of choice, with a queue of bytes to send. It neither parses nor
//! decides.

use std::cell::Cell;
use std::io::{self, ErrorKind, Read, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use socket2::{Domain, SockRef, Socket, Type};

use rustls::ClientConfig;

use super::arrivals::Arrivals;
use super::bounds::WRITE_BYTES_PER_TURN;
use super::target::Target;
use super::tls::Wrap;

/// What a socket of somebody who means not to read holds at most.
const NARROW_BYTES: usize = 4096;

/// A socket on its way to `target`, from `source` where sources can be chosen. `narrow`: takes little off the network at a time.
pub(super) fn open_socket(
    target: Target,
    source: Option<Ipv4Addr>,
    narrow: bool,
) -> io::Result<Socket> {
    let address = target.address();
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    if let (Some(source), true) = (source, target.has_many_sources()) {
        // Ports that rest after a connection may be taken again.
        socket.set_reuse_address(true)?;
        socket.bind(&SocketAddr::from((source, 0)).into())?;
    }
    if narrow {
        // Before the server is told how much it may send: what it sends beyond it would be lost, and its acknowledgements with it.
        socket.set_recv_buffer_size(NARROW_BYTES)?;
    }
    match socket.connect(&address.into()) {
        Err(error)
            if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) =>
        {
            Ok(socket)
        }
        Err(error) => Err(error),
        Ok(()) => Ok(socket),
    }
}

/// Where to, and how it is spoken to there.
#[derive(Clone, Copy)]
pub(super) struct Way<'a> {
    pub(super) target: Target,
    /// `None`: in the clear.
    pub(super) tls: Option<&'a Arc<ClientConfig>>,
}

/// How a look at a socket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// More may come.
    Open,
    /// The server has shut its side.
    Ended,
    /// The connection was reset, or never came about.
    Broken,
}

/// A socket in a poll.
pub(super) struct Peer {
    stream: TcpStream,
    tls: Option<Wrap>,
    /// `None`: what came came when it is read.
    arrivals: Option<Arrivals>,
    queue: Vec<u8>,
    sent: usize,
    is_writable: bool,
}

/// A socket that is read from, and how long ago what was read last had come.
struct Source<'a> {
    stream: &'a mut TcpStream,
    arrivals: Option<&'a mut Arrivals>,
    age: &'a Cell<Duration>,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(arrivals) = &mut self.arrivals else {
            return self.stream.read(buffer);
        };
        let (count, age) = arrivals.read(self.stream, buffer)?;
        self.age.set(age);
        Ok(count)
    }
}

impl Peer {
    /// Sets out, as [`open_socket`] does.
    pub(super) fn connect(
        way: Way<'_>,
        source: Option<Ipv4Addr>,
        narrow: bool,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Peer> {
        let socket = open_socket(way.target, source, narrow)?;
        socket.set_tcp_nodelay(true)?;
        let mut stream = TcpStream::from_std(socket.into());
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Peer {
            stream,
            tls: way.tls.map(Wrap::new).transpose()?,
            arrivals: None,
            queue: Vec::new(),
            sent: 0,
            is_writable: false,
        })
    }

    /// From now on what comes is told with its age, where the kernel knows it.
    pub(super) fn note_arrivals(&mut self) {
        self.arrivals = Arrivals::of(&self.stream);
    }

    /// The bytes that wait, to be added to.
    pub(super) fn queue(&mut self) -> &mut Vec<u8> {
        &mut self.queue
    }

    pub(super) fn waiting_bytes(&self) -> usize {
        let sealed = self.tls.as_ref().is_some_and(Wrap::is_full);
        self.queue.len() - self.sent + usize::from(sealed)
    }

    /// Whether what is sent now arrives as it is meant: no handshake of TLS has to come before.
    pub(super) fn is_through(&self) -> bool {
        self.tls.as_ref().is_none_or(Wrap::is_through)
    }

    pub(super) fn is_writable(&self) -> bool {
        self.is_writable
    }

    /// The poll says that there is room.
    pub(super) fn can_write(&mut self) {
        self.is_writable = true;
    }

    /// Sends what waits, as far as there is room and a turn goes.
    pub(super) fn flush(&mut self) -> Flow {
        let mut budget = WRITE_BYTES_PER_TURN;
        while self.is_writable && budget > 0 {
            match self.send(budget) {
                Ok(0) => break,
                Ok(count) => budget = budget.saturating_sub(count),
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::NotConnected => self.is_writable = false,
                    ErrorKind::Interrupted => {}
                    _ => return Flow::Broken,
                },
            }
        }
        if self.sent == self.queue.len() {
            self.queue.clear();
            self.sent = 0;
        }
        Flow::Open
    }

    /// One piece of at most `bytes`; nothing when nothing waits.
    fn send(&mut self, bytes: usize) -> io::Result<usize> {
        let waiting = self.queue.get(self.sent..).unwrap_or_default();
        let piece = waiting.get(..waiting.len().min(bytes)).unwrap_or_default();
        match &mut self.tls {
            Some(tls) => {
                if tls.is_through() {
                    self.sent += tls.seal(piece);
                }
                if tls.is_full() {
                    return tls.write(&mut self.stream);
                }
                Ok(0)
            }
            None if piece.is_empty() => Ok(0),
            None => {
                let count = self.stream.write(piece)?;
                self.sent += count;
                Ok(count)
            }
        }
    }

    /// Reads what has come, and hands it to `take` with how long ago that was.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        take: &mut dyn FnMut(&[u8], Duration),
    ) -> Flow {
        let age = Cell::new(Duration::ZERO);
        let mut source = Source {
            stream: &mut self.stream,
            arrivals: self.arrivals.as_mut(),
            age: &age,
        };
        let mut take = |bytes: &[u8]| take(bytes, age.get());
        if let Some(tls) = &mut self.tls {
            return tls.read(&mut source, buffer, &mut take);
        }
        loop {
            match source.read(buffer) {
                Ok(0) => return Flow::Ended,
                Ok(count) => take(buffer.get(..count).unwrap_or_default()),
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::NotConnected => return Flow::Open,
                    ErrorKind::Interrupted => {}
                    _ => return Flow::Broken,
                },
            }
        }
    }

    /// Says that nothing more will come.
    pub(super) fn shut(&self) {
        // It may have been reset by now.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Lets the end of this value be a reset.
    pub(super) fn reset_at_end(&self) {
        // Then the end is an orderly one.
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }
}
