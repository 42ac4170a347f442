//! One client's socket: from an address of choice, with a queue of bytes to send. It neither parses nor decides.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use socket2::{Domain, SockRef, Socket, Type};

use super::bounds::WRITE_BYTES_PER_TURN;
use super::target::Target;

/// What a socket of somebody who means not to read holds at most.
const NARROW_BYTES: usize = 4096;

/// A socket on its way to `target`, from `source` where sources can be chosen.
pub(super) fn open_socket(target: Target, source: Option<Ipv4Addr>) -> io::Result<Socket> {
    let address = target.address();
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    if let (Some(source), true) = (source, target.has_many_sources()) {
        // Ports that rest after a connection may be taken again.
        socket.set_reuse_address(true)?;
        socket.bind(&SocketAddr::from((source, 0)).into())?;
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
#[derive(Debug)]
pub(super) struct Peer {
    stream: TcpStream,
    queue: Vec<u8>,
    sent: usize,
    is_writable: bool,
}

impl Peer {
    /// Sets out for `target`. `narrow`: takes little off the network at a time.
    pub(super) fn connect(
        target: Target,
        source: Option<Ipv4Addr>,
        narrow: bool,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Peer> {
        let socket = open_socket(target, source)?;
        if narrow {
            socket.set_recv_buffer_size(NARROW_BYTES)?;
        }
        socket.set_tcp_nodelay(true)?;
        let mut stream = TcpStream::from_std(socket.into());
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Peer {
            stream,
            queue: Vec::new(),
            sent: 0,
            is_writable: false,
        })
    }

    /// The bytes that wait, to be added to.
    pub(super) fn queue(&mut self) -> &mut Vec<u8> {
        &mut self.queue
    }

    pub(super) fn waiting_bytes(&self) -> usize {
        self.queue.len() - self.sent
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
            let waiting = self.queue.get(self.sent..).unwrap_or_default();
            let Some(piece) = waiting.get(..waiting.len().min(budget)) else {
                break;
            };
            if piece.is_empty() {
                break;
            }
            match self.stream.write(piece) {
                Ok(count) => {
                    self.sent += count;
                    budget -= count;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.is_writable = false,
                Err(error) if error.kind() == ErrorKind::NotConnected => self.is_writable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Flow::Broken,
            }
        }
        if self.sent == self.queue.len() {
            self.queue.clear();
            self.sent = 0;
        }
        Flow::Open
    }

    /// Reads what has come, and hands it to `take`.
    pub(super) fn read(&mut self, buffer: &mut [u8], take: &mut dyn FnMut(&[u8])) -> Flow {
        loop {
            match self.stream.read(buffer) {
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
