//! The raw reference: the smallest single-threaded epoll program that moves a row's bytes, with no WebSocket at all.
//!
//! It looks at nothing it moves. What it costs is what the kernel costs.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use crate::client::handshake::SWITCHING;
use crate::options::{RawOptions, Workload};
use crate::shared::failure::{Doing, Failure};
use crate::shared::frames::CLOSE_REPLY;

const LISTENER: Token = Token(usize::MAX);
const BUFFER_BYTES: usize = 256 << 10;

pub fn run(options: &RawOptions) -> Result<(), Failure> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    let mut raw =
        Raw::listen(address, options.workload).doing(format!("listening on {address}"))?;
    let mut events = Events::with_capacity(1024);
    loop {
        raw.poll
            .poll(&mut events, None)
            .doing("waiting for readiness")?;
        for event in &events {
            match event.token() {
                LISTENER => raw.accept().doing("accepting")?,
                token => raw.serve(token.0),
            }
        }
        raw.deliver();
    }
}

struct Connection {
    stream: TcpStream,
    /// Whether the fixed answer to the upgrade is out. Only looked at in the connect row.
    answered: bool,
}

struct Raw {
    poll: Poll,
    listener: TcpListener,
    connections: Slab<Connection>,
    buffer: Vec<u8>,
    workload: Workload,
    /// What arrived in this turn for everybody.
    fan_out: Vec<u8>,
}

impl Raw {
    fn listen(address: SocketAddr, workload: Workload) -> std::io::Result<Self> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(address)?;
        poll.registry()
            .register(&mut listener, LISTENER, Interest::READABLE)?;
        let buffer = vec![0; BUFFER_BYTES];
        Ok(Raw {
            poll,
            listener,
            connections: Slab::new(),
            buffer,
            workload,
            fan_out: Vec::new(),
        })
    }

    fn accept(&mut self) -> std::io::Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let entry = self.connections.vacant_entry();
            self.poll
                .registry()
                .register(&mut stream, Token(entry.key()), Interest::READABLE)?;
            entry.insert(Connection {
                stream,
                answered: false,
            });
        }
    }

    /// Whatever goes wrong on a connection ends it: the client notices.
    fn serve(&mut self, key: usize) {
        let Some(connection) = self.connections.get_mut(key) else {
            return;
        };
        let open = match self.workload {
            Workload::Echo | Workload::Idle | Workload::SecureIdle => {
                echo(connection, &mut self.buffer)
            }
            Workload::FanOut => collect(connection, &mut self.buffer, &mut self.fan_out),
            Workload::Connect | Workload::SecureConnect => answer(connection, &mut self.buffer),
        };
        if !matches!(open, Ok(true)) {
            self.connections.remove(key);
        }
    }

    /// One write per member of everything that the turn brought.
    fn deliver(&mut self) {
        if self.fan_out.is_empty() {
            return;
        }
        let bytes = &self.fan_out;
        self.connections
            .retain(|_, member| write_whole(&mut member.stream, bytes).is_ok());
        self.fan_out.clear();
    }
}

fn echo(connection: &mut Connection, buffer: &mut [u8]) -> std::io::Result<bool> {
    read_until_empty(connection, buffer, write_whole)
}

fn collect(
    connection: &mut Connection,
    buffer: &mut [u8],
    fan_out: &mut Vec<u8>,
) -> std::io::Result<bool> {
    read_until_empty(connection, buffer, |_, bytes| {
        fan_out.extend_from_slice(bytes);
        Ok(())
    })
}

/// The first read is taken for a request, the next for a close frame.
fn answer(connection: &mut Connection, buffer: &mut [u8]) -> std::io::Result<bool> {
    match connection.stream.read(buffer) {
        Ok(0) => Ok(false),
        Ok(_) if connection.answered => {
            write_whole(&mut connection.stream, CLOSE_REPLY).map(|()| false)
        }
        Ok(_) => {
            connection.answered = true;
            write_whole(&mut connection.stream, SWITCHING.as_bytes()).map(|()| true)
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(true),
        Err(error) => Err(error),
    }
}

/// Hands on what there is, `false` at the end of the stream. A read that did not fill the buffer emptied the socket (epoll(7)).
fn read_until_empty(
    connection: &mut Connection,
    buffer: &mut [u8],
    mut take: impl FnMut(&mut TcpStream, &[u8]) -> std::io::Result<()>,
) -> std::io::Result<bool> {
    loop {
        match connection.stream.read(buffer) {
            Ok(0) => return Ok(false),
            Ok(count) => {
                take(
                    &mut connection.stream,
                    buffer.get(..count).unwrap_or_default(),
                )?;
                if count < buffer.len() {
                    return Ok(true);
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        }
    }
}

/// The rows never have more outstanding than a socket's buffer holds; a short write would be a fault of the row.
fn write_whole(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    let written = stream.write(bytes)?;
    if written == bytes.len() {
        Ok(())
    } else {
        Err(ErrorKind::WriteZero.into())
    }
}
