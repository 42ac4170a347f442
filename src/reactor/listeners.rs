//! All listeners, each with the door that it is.

use std::net::SocketAddr;

use mio::net::TcpStream;
use mio::{Registry, Token};

use super::error::StartError;
use super::inherited::Inherited;
use super::listener::Listener;
use crate::config::Config;
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
    /// Opens every door of the configuration; gives the address of the public one, and of the private one if there is
    /// one.
    pub(super) fn open_all(
        &mut self,
        config: &Config,
        inherited: &mut Inherited,
        registry: &Registry,
    ) -> Result<(SocketAddr, Option<SocketAddr>), StartError> {
        let mut open = |door, address| self.open(door, address, config, inherited, registry);
        let public = open(Door::Public, config.listen.address)?;
        let private = config.private.enabled.then_some(config.private.address);
        let private = private
            .map(|address| open(Door::Private, address))
            .transpose()?;
        if let Some(address) = config.tls.redirect_address {
            open(Door::Redirect, address)?;
        }
        for name in inherited.left() {
            log::warn!("nothing here listens on the socket named {name:?} that was handed over");
        }
        Ok((public, private))
    }

    /// Opens a door: on the sockets that were handed over for it, or on the address of the configuration. Gives the
    /// address that it got.
    fn open(
        &mut self,
        door: Door,
        address: SocketAddr,
        config: &Config,
        inherited: &mut Inherited,
        registry: &Registry,
    ) -> Result<SocketAddr, StartError> {
        let first = self.list.len();
        let unsent_bytes_max = config.limits.unsent_bytes_per_connection_max;
        for socket in inherited.named(door.socket_name()) {
            let listener =
                Listener::inherit(socket, unsent_bytes_max, registry, self.next_token())?;
            log::info!(
                "{} is a socket that was handed over: {}",
                door.setting(),
                listener.local_address()
            );
            self.list.push((door, listener));
        }
        if self.list.len() == first {
            let listener = Listener::bind(
                door.setting(),
                address,
                config.listen.reuse_port,
                unsent_bytes_max,
                registry,
                self.next_token(),
            )?;
            self.list.push((door, listener));
        }
        let opened = self.list.get(first);
        Ok(opened.map_or(address, |(_, listener)| listener.local_address()))
    }

    fn next_token(&self) -> Token {
        Token(FIRST - self.list.len())
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

    /// Whether a connection could not be accepted since this was asked last.
    pub(super) fn take_shortage(&mut self) -> bool {
        let mut is_any = false;
        for (_, listener) in &mut self.list {
            is_any |= listener.take_shortage();
        }
        is_any
    }

    /// Stops listening on sockets that another process listens on too: what waits there is for that one.
    pub(super) fn leave_shared(&mut self, registry: &Registry) {
        let shared = self.list.iter_mut().filter(|(_, own)| own.is_shared());
        for (_, listener) in shared {
            listener.close(registry);
        }
    }

    /// Looks once more whether somebody waits, told of or not.
    pub(super) fn expect_more(&mut self) {
        for (_, listener) in &mut self.list {
            listener.is_ready();
        }
    }

    /// Stops listening for strangers. The operator's own programs may ask to the end: they are told that the server goes.
    pub(super) fn close_to_strangers(&mut self, registry: &Registry) {
        for (door, listener) in &mut self.list {
            if *door != Door::Private {
                listener.close(registry);
            }
        }
    }
}
