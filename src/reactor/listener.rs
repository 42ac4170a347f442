//! One listening socket.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};

use super::error::StartError;
use crate::time::Instant;

/// How long the listener rests when no connection can be accepted for want of descriptors or memory: trying again
/// at once would burn the core that is needed to free some.
const REST: Duration = Duration::from_millis(100);
/// Connections accepted and gone before they were looked at, in one call.
const ABORTED_MAX: usize = 64;

/// Accepts connections until there are none, and remembers that there may be more.
#[derive(Debug)]
pub(super) struct Listener {
    inner: Option<TcpListener>,
    address: SocketAddr,
    may_have_more: bool,
    resting_until: Option<Instant>,
}

impl Listener {
    pub(super) fn bind(
        setting: &'static str,
        address: SocketAddr,
        registry: &Registry,
        token: Token,
    ) -> Result<Self, StartError> {
        let failed = |source| StartError::Listen {
            setting,
            address,
            source,
        };
        let mut inner = TcpListener::bind(address).map_err(failed)?;
        registry
            .register(&mut inner, token, Interest::READABLE)
            .map_err(failed)?;
        Ok(Listener {
            address: inner.local_addr().map_err(failed)?,
            inner: Some(inner),
            may_have_more: false,
            resting_until: None,
        })
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
                        log::warn!("no connection can be accepted, resting {REST:?}: {error}");
                        self.resting_until = Some(now + REST);
                        return None;
                    }
                },
            }
        }
        None
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
