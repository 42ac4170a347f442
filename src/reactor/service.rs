//! What a service manager is told: ready, reloading, stopping, and that the loop still turns (sd_notify(3)).
//!
//! Nothing here waits: a manager that does not listen misses a word.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use sd_notify::NotifyState;

use crate::time::Instant;

/// A service manager, if one wants to hear.
#[derive(Debug, Default)]
pub struct ServiceManager {
    socket: Option<UnixDatagram>,
    /// How often it wants a sign of life; `None`: not at all.
    watchdog: Option<Duration>,
    next_sign: Instant,
}

impl ServiceManager {
    /// The one that the environment names (`NOTIFY_SOCKET`, `WATCHDOG_USEC`).
    ///
    /// # Errors
    /// When there is one and it can not be reached.
    pub fn find() -> io::Result<ServiceManager> {
        let Some(path) = std::env::var_os("NOTIFY_SOCKET") else {
            return Ok(ServiceManager::default());
        };
        let address = match path.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(&path)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        socket.set_nonblocking(true)?;
        Ok(ServiceManager {
            socket: Some(socket),
            // Half of what it waits for, as it recommends.
            watchdog: sd_notify::watchdog_enabled().map(|time| time / 2),
            next_sign: Instant::ZERO,
        })
    }

    pub(super) fn ready(&self, status: &str) {
        self.tell(&[NotifyState::Ready, NotifyState::Status(status)]);
    }

    pub(super) fn reloading(&self) {
        // Newer managers want to know since when; without a clock there is nothing to tell them.
        match NotifyState::monotonic_usec_now() {
            Ok(since) => self.tell(&[NotifyState::Reloading, since]),
            Err(_) => self.tell(&[NotifyState::Reloading]),
        }
    }

    pub(super) fn stopping(&self, status: &str) {
        self.tell(&[NotifyState::Stopping, NotifyState::Status(status)]);
    }

    /// When the next sign of life is due.
    pub(super) fn next_sign(&self) -> Option<Instant> {
        self.watchdog.map(|_| self.next_sign)
    }

    /// To be called in every turn.
    pub(super) fn is_alive(&mut self, now: Instant) {
        if let Some(time) = self.watchdog
            && self.next_sign <= now
        {
            self.next_sign = now + time;
            self.tell(&[NotifyState::Watchdog]);
        }
    }

    fn tell(&self, states: &[NotifyState<'_>]) {
        let Some(socket) = &self.socket else {
            return;
        };
        let lines: Vec<String> = states.iter().map(NotifyState::to_string).collect();
        if let Err(error) = socket.send(lines.join("\n").as_bytes()) {
            log::debug!("the service manager does not listen: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A manager and what it hears.
    fn manager(watchdog: Option<Duration>) -> (ServiceManager, UnixDatagram) {
        let (ours, theirs) = UnixDatagram::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        theirs.set_nonblocking(true).unwrap();
        let manager = ServiceManager {
            socket: Some(ours),
            watchdog,
            next_sign: Instant::ZERO,
        };
        (manager, theirs)
    }

    fn heard(theirs: &UnixDatagram) -> Option<String> {
        let mut bytes = [0; 1024];
        let count = theirs.recv(&mut bytes).ok()?;
        Some(String::from_utf8(bytes[..count].to_vec()).unwrap())
    }

    #[test]
    fn a_sign_of_life_is_given_twice_in_the_time_that_the_manager_waits() {
        let (mut manager, theirs) = manager(Some(Duration::from_secs(5)));
        let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
        for (seconds, is_due) in [(0, true), (4, false), (5, true), (6, false), (60, true)] {
            manager.is_alive(at(seconds));
            let expected = is_due.then(|| "WATCHDOG=1".to_owned());
            assert_eq!(heard(&theirs), expected, "after {seconds} s");
        }
        assert_eq!(manager.next_sign(), Some(at(65)));
    }

    #[test]
    fn a_reload_says_since_when() {
        let (manager, theirs) = manager(None);
        manager.reloading();
        let text = heard(&theirs).unwrap();
        assert!(text.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{text}");
    }

    #[test]
    fn a_manager_that_never_listens_is_not_waited_for() {
        let (manager, _theirs) = manager(None);
        for _ in 0..10_000 {
            manager.ready("serving");
        }
    }
}
