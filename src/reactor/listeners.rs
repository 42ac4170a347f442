//! All listeners, each with the door that it is.

use std::net::SocketAddr;

use mio::net::TcpStream;
use mio::{Registry, Token};

use super::error::StartError;
use super::listener::Listener;
use crate::engine::Door;
use crate::time::Instant;

/// Tokens of listeners count down from here, one for each.
const FIRST: usize = usize::MAX - 16;

/// Accepts from every listener in turn, so that none waits for another that never ends.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    list: Vec<(Door, Listener)>,
    /// Where the next round begins.
    next: usize,
}

impl Listeners {
    /// Binds one more; gives the address that it got.
    pub(super) fn bind(
        &mut self,
        door: Door,
        address: SocketAddr,
        registry: &Registry,
    ) -> Result<SocketAddr, StartError> {
        let token = Token(FIRST - self.list.len());
        let listener = Listener::bind(door.setting(), address, registry, token)?;
        let bound = listener.local_address();
        self.list.push((door, listener));
        Ok(bound)
    }

    /// Takes note of readiness; `false` when the token is no listener's.
    pub(super) fn is_ready(&mut self, token: Token) -> bool {
        let at = FIRST.checked_sub(token.0);
        let Some((_, listener)) = at.and_then(|at| self.list.get_mut(at)) else {
            return false;
        };
        listener.is_ready();
        true
    }

    pub(super) fn has_work(&self, now: Instant) -> bool {
        self.list.iter().any(|(_, listener)| listener.has_work(now))
    }

    /// The first moment at which a listener has rested enough.
    pub(super) fn resting_until(&self) -> Option<Instant> {
        let resting = |(_, listener): &(Door, Listener)| listener.resting_until();
        self.list.iter().filter_map(resting).min()
    }

    /// The next connection of any listener, and its door.
    pub(super) fn accept(&mut self, now: Instant) -> Option<(Door, TcpStream, SocketAddr)> {
        for _ in 0..self.list.len() {
            let at = self.next;
            self.next = (at + 1) % self.list.len();
            let (door, listener) = self.list.get_mut(at)?;
            if let Some((stream, peer)) = listener.accept(now) {
                return Some((*door, stream, peer));
            }
        }
        None
    }

    /// Stops listening at every door.
    pub(super) fn close(&mut self, registry: &Registry) {
        for (_, listener) in &mut self.list {
            listener.close(registry);
        }
    }
}
