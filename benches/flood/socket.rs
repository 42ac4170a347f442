//! One client's socket: from an address of choice, with a queue of bytes to send, and what comes cut into what it says.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use socket2::{Domain, SockRef, Socket, Type};
use wardroom::siege::Arrivals;

use crate::bounds::{HEAD_BYTES_MAX, NARROW_BYTES, WRITE_BYTES_PER_TURN};
use crate::shared::failure::Failure;
use crate::shared::frames::{Splitter, TEXT};

const PING: u8 = 9;

/// How a look at a socket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// More may come.
    Open,
    /// The server has shut its side.
    Ended,
    /// The connection was reset, never came about, or said what no server says.
    Broken,
}

/// One thing that a server said.
pub enum Heard<'a> {
    /// The answer to an upgrade: frames follow.
    Upgraded,
    /// Any other answer, by its status.
    Refused(u16),
    Text(&'a [u8]),
    Ping(&'a [u8]),
    Closed(u16),
}

pub struct Client {
    stream: TcpStream,
    /// `None`: what came came when it is read.
    arrivals: Option<Arrivals>,
    queue: Vec<u8>,
    sent: usize,
    is_writable: bool,
    /// Of the response, until it is whole.
    head: Vec<u8>,
    is_upgraded: bool,
    splitter: Splitter,
}

impl Client {
    /// Sets out for `address` from `source`. `narrow`: takes little off the network at a time.
    pub fn connect(
        address: SocketAddr,
        source: Ipv4Addr,
        narrow: bool,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        // Ports that rest after a connection may be taken again.
        socket.set_reuse_address(true)?;
        socket.bind(&SocketAddr::from((source, 0)).into())?;
        if narrow {
            socket.set_recv_buffer_size(NARROW_BYTES)?;
        }
        socket.set_tcp_nodelay(true)?;
        match socket.connect(&address.into()) {
            Err(error)
                if error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) =>
            {
                return Err(error);
            }
            _ => {}
        }
        let mut stream = TcpStream::from_std(socket.into());
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Client {
            stream,
            arrivals: None,
            queue: Vec::new(),
            sent: 0,
            is_writable: false,
            head: Vec::new(),
            is_upgraded: false,
            splitter: Splitter::default(),
        })
    }

    /// From now on what comes is told with its age, where the kernel knows it.
    pub fn note_arrivals(&mut self) {
        self.arrivals = Arrivals::of(&self.stream);
    }

    /// The bytes that wait, to be added to.
    pub fn queue(&mut self) -> &mut Vec<u8> {
        &mut self.queue
    }

    pub fn waiting_bytes(&self) -> usize {
        self.queue.len() - self.sent
    }

    pub fn is_writable(&self) -> bool {
        self.is_writable
    }

    /// The poll says that there is room.
    pub fn can_write(&mut self) {
        self.is_writable = true;
    }

    /// Sends what waits, as far as there is room and a turn goes.
    pub fn flush(&mut self) -> Flow {
        let mut budget = WRITE_BYTES_PER_TURN;
        while self.is_writable && budget > 0 {
            let waiting = self.queue.get(self.sent..).unwrap_or_default();
            let piece = waiting.get(..waiting.len().min(budget)).unwrap_or_default();
            if piece.is_empty() {
                break;
            }
            match self.stream.write(piece) {
                Ok(count) => {
                    self.sent += count;
                    budget -= count;
                }
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

    /// Reads what has come, and tells what it says and how long ago that came. `is_last`: the poll says that nothing comes after it.
    pub fn read(
        &mut self,
        buffer: &mut [u8],
        is_last: bool,
        tell: &mut dyn FnMut(Heard<'_>, Duration),
    ) -> Flow {
        loop {
            let came = match &mut self.arrivals {
                Some(arrivals) => arrivals.read(&self.stream, buffer),
                None => self
                    .stream
                    .read(buffer)
                    .map(|count| (count, Duration::ZERO)),
            };
            match came {
                Ok((0, _)) => return Flow::Ended,
                Ok((count, age)) => {
                    let bytes = buffer.get(..count).unwrap_or_default();
                    if self
                        .understand(bytes, &mut |heard| tell(heard, age))
                        .is_err()
                    {
                        return Flow::Broken;
                    }
                    // A read that did not fill the buffer emptied the socket (epoll(7)).
                    if count < buffer.len() && !is_last {
                        return Flow::Open;
                    }
                }
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::NotConnected => return Flow::Open,
                    ErrorKind::Interrupted => {}
                    _ => return Flow::Broken,
                },
            }
        }
    }

    fn understand(&mut self, bytes: &[u8], tell: &mut dyn FnMut(Heard<'_>)) -> Result<(), Failure> {
        if self.is_upgraded {
            return frames(&mut self.splitter, bytes, tell);
        }
        self.head.extend_from_slice(bytes);
        let Some(end) = self.head.windows(4).position(|four| four == b"\r\n\r\n") else {
            if self.head.len() > HEAD_BYTES_MAX {
                return Err(Failure::Wrong("a head without an end".to_owned()));
            }
            return Ok(());
        };
        let early = self.head.split_off(end + 4);
        let head = std::mem::take(&mut self.head);
        match status(&head) {
            Some(101) => {
                self.is_upgraded = true;
                tell(Heard::Upgraded);
                frames(&mut self.splitter, &early, tell)
            }
            Some(status) => {
                tell(Heard::Refused(status));
                Ok(())
            }
            None => Err(Failure::Wrong("no response".to_owned())),
        }
    }

    /// Lets the end of this value be a reset.
    pub fn reset_at_end(&self) {
        // Then the end is an orderly one.
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }
}

fn frames(
    splitter: &mut Splitter,
    bytes: &[u8],
    tell: &mut dyn FnMut(Heard<'_>),
) -> Result<(), Failure> {
    splitter.feed(bytes, |frame| {
        match frame.opcode {
            TEXT => tell(Heard::Text(frame.payload)),
            PING => tell(Heard::Ping(frame.payload)),
            // RFC 6455 §7.1.5: without a code it counts as 1005.
            _ if frame.is_close() => tell(Heard::Closed(
                frame
                    .payload
                    .first_chunk()
                    .map_or(1005, |code| u16::from_be_bytes(*code)),
            )),
            _ => {}
        }
        Ok(())
    })
}

fn status(head: &[u8]) -> Option<u16> {
    let rest = head.strip_prefix(b"HTTP/1.1 ")?;
    str::from_utf8(rest.get(..3)?).ok()?.parse().ok()
}
