//! One listening socket.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use socket2::{Domain, SockRef, Socket, Type};

use super::error::StartError;
use crate::time::Instant;

/// How long the listener rests when no connection can be accepted for want of descriptors or memory: trying again
/// at once would burn the core that is needed to free some.
const REST: Duration = Duration::from_millis(100);
/// How often the log says so while it goes on.
const TELL_EVERY: Duration = Duration::from_secs(10);
/// Connections that may wait to be accepted; the kernel makes it `net.core.somaxconn` when that is less.
pub(super) const BACKLOG: i32 = 4096;
/// Connections accepted and gone before they were looked at, in one call.
const ABORTED_MAX: usize = 64;

/// Accepts connections until there are none, and remembers that there may be more.
#[derive(Debug)]
pub(super) struct Listener {
    inner: Option<TcpListener>,
    address: SocketAddr,
    /// Another process holds the same socket, and takes what is left in its queue.
    is_shared: bool,
    may_have_more: bool,
    resting_until: Option<Instant>,
    is_short: bool,
    /// When the log said so last.
    told: Option<Instant>,
}

impl Listener {
    /// Binds the address of the configuration.
    pub(super) fn bind(
        setting: &'static str,
        address: SocketAddr,
        reuse_port: bool,
        unsent_bytes_max: usize,
        registry: &Registry,
        token: Token,
    ) -> Result<Self, StartError> {
        let failed = |source| StartError::Listen {
            setting,
            address,
            source,
        };
        let socket = open(address, reuse_port).map_err(failed)?;
        Listener::watch(socket, false, unsent_bytes_max, registry, token).map_err(failed)
    }

    /// Accepts from a socket that somebody else has bound and holds too.
    pub(super) fn inherit(
        socket: std::net::TcpListener,
        unsent_bytes_max: usize,
        registry: &Registry,
        token: Token,
    ) -> Result<Self, StartError> {
        Listener::watch(socket, true, unsent_bytes_max, registry, token)
            .map_err(StartError::Inherited)
    }

    fn watch(
        socket: std::net::TcpListener,
        is_shared: bool,
        unsent_bytes_max: usize,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Self> {
        // What it accepts inherits that.
        let unsent_bytes_max = u32::try_from(unsent_bytes_max).unwrap_or(u32::MAX);
        SockRef::from(&socket).set_tcp_notsent_lowat(unsent_bytes_max)?;
        let mut inner = TcpListener::from_std(socket);
        registry.register(&mut inner, token, Interest::READABLE)?;
        Ok(Listener {
            address: inner.local_addr()?,
            inner: Some(inner),
            is_shared,
            // What has waited for this process since before it began may not be told of again.
            may_have_more: is_shared,
            resting_until: None,
            is_short: false,
            told: None,
        })
    }

    pub(super) fn is_shared(&self) -> bool {
        self.is_shared
    }

    pub(super) fn local_address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn is_ready(&mut self) {
        self.may_have_more = true;
    }

    pub(super) fn has_work(&self, now: Instant) -> bool {
        self.may_have_more && self.resting_until.is_none_or(|until| until <= now)
    }

    pub(super) fn resting_until(&self) -> Option<Instant> {
        self.resting_until
    }

    /// The next connection, if there is one and the listener does not rest.
    pub(super) fn accept(&mut self, now: Instant) -> Option<(TcpStream, SocketAddr)> {
        if !self.has_work(now) {
            return None;
        }
        self.resting_until = None;
        for _ in 0..ABORTED_MAX {
            match self.inner.as_ref()?.accept() {
                Ok(accepted) => return Some(accepted),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => {
                        self.may_have_more = false;
                        return None;
                    }
                    io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => {}
                    _ => {
                        self.rest(&error, now);
                        return None;
                    }
                },
            }
        }
        None
    }

    fn rest(&mut self, error: &io::Error, now: Instant) {
        self.resting_until = Some(now + REST);
        self.is_short = true;
        if self.told.is_none_or(|told| now.since(told) >= TELL_EVERY) {
            self.told = Some(now);
            log::warn!("no connection can be accepted, resting {REST:?} each time: {error}");
        }
    }

    /// Whether a connection could not be accepted since this was asked last.
    pub(super) fn take_shortage(&mut self) -> bool {
        std::mem::take(&mut self.is_short)
    }

    /// Stops listening.
    pub(super) fn close(&mut self, registry: &Registry) {
        self.may_have_more = false;
        self.resting_until = None;
        if let Some(mut listener) = self.inner.take() {
            // It goes with its descriptor either way.
            let _ = registry.deregister(&mut listener);
        }
    }
}

fn open(address: SocketAddr, reuse_port: bool) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    // A restart need not wait for connections of the last process that linger in TIME_WAIT.
    socket.set_reuse_address(true)?;
    if reuse_port {
        socket.set_reuse_port(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
