//! The hook's name to its addresses. The system's own lookup can not be broken off, so it runs on a thread of its own:
//! at most one at a time, however many wait for it and however long it takes.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use ureq::Error;
use ureq::config::Config;
use ureq::http::{Uri, uri::Scheme};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Addresses tried of one name.
const ADDRESSES_MAX: usize = 8;
/// Of the thread that looks a name up.
const STACK_BYTES: usize = 512 * 1024;

/// Looks the hook's name up.
#[derive(Debug)]
pub(super) struct Names {
    /// Only addresses of this machine are given.
    stays_here: bool,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    lookup: Mutex<Lookup>,
    done: Condvar,
}

#[derive(Debug, Default)]
struct Lookup {
    is_running: bool,
    /// Lookups that came to an end, so that who waits can tell theirs.
    ended: u64,
    found: Vec<SocketAddr>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Lookup> {
        self.lookup.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, found: Vec<SocketAddr>) {
        let mut lookup = self.lock();
        lookup.is_running = false;
        lookup.ended += 1;
        lookup.found = found;
        self.done.notify_all();
    }
}

impl Names {
    pub(super) fn new(stays_here: bool) -> Self {
        Names {
            stays_here,
            shared: Arc::default(),
        }
    }

    /// Joins the lookup that is running, or begins one, and waits for it.
    fn look_up(
        &self,
        host: &str,
        port: u16,
        timeout: NextTimeout,
    ) -> Result<Vec<SocketAddr>, Error> {
        let mut lookup = self.shared.lock();
        let before = lookup.ended;
        if !lookup.is_running {
            self.begin(host.to_owned(), port)?;
            lookup.is_running = true;
        }
        let (lookup, waited) = self
            .shared
            .done
            .wait_timeout_while(lookup, *timeout.after, |lookup| lookup.ended == before)
            .unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return Err(Error::Timeout(timeout.reason));
        }
        Ok(lookup.found.clone())
    }

    fn begin(&self, host: String, port: u16) -> Result<(), Error> {
        let shared = self.shared.clone();
        let look_up = move || {
            let found = (host.as_str(), port).to_socket_addrs();
            shared.end(
                found.map_or_else(|_| Vec::new(), |found| found.take(ADDRESSES_MAX).collect()),
            );
        };
        thread::Builder::new()
            .name("hook-name".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(look_up)
            .map(drop)
            .map_err(Error::Io)
    }
}

impl Resolver for Names {
    fn resolve(
        &self,
        uri: &Uri,
        _: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().ok_or(Error::HostNotFound)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = uri.port_u16().unwrap_or_else(|| default_port(uri));
        let found = match host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => self.look_up(host, port, timeout)?,
        };
        let mut addresses = self.empty();
        let is_allowed =
            |address: &SocketAddr| !self.stays_here || address.ip().to_canonical().is_loopback();
        for address in found.into_iter().filter(is_allowed).take(ADDRESSES_MAX) {
            addresses.push(address);
        }
        if addresses.is_empty() {
            return Err(Error::HostNotFound);
        }
        Ok(addresses)
    }
}

fn default_port(uri: &Uri) -> u16 {
    if uri.scheme() == Some(&Scheme::HTTPS) {
        443
    } else {
        80
    }
}
