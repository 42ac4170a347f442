//! What may be attacked: an address of this machine's loopback, and nothing else. Resolves names; opens no socket.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};

use super::SiegeError;

/// A listener on loopback. There is no other way to make one than [`Target::parse`] and [`Target::from_loopback`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    address: SocketAddr,
    speaks_tls: bool,
}

impl Target {
    /// `ws://HOST:PORT/ws/chat`, or `wss`; `HOST` may be a name, all of whose addresses must be loopback.
    ///
    /// # Errors
    /// [`SiegeError::Target`] with the reason.
    pub fn parse(text: &str) -> Result<Self, SiegeError> {
        let wrong = |why: String| SiegeError::Target(format!("{text}: {why}"));
        let (scheme, rest) = text.split_once("://").unwrap_or_default();
        let speaks_tls = match scheme {
            "ws" => false,
            "wss" => true,
            _ => return Err(wrong("allowed: as ws://127.0.0.1:8080/ws/chat".to_owned())),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if !matches!(path, "" | "/" | "/ws/chat") {
            return Err(wrong("only /ws/chat is attacked".to_owned()));
        }
        if authority.contains('@') {
            return Err(wrong("allowed: no user in the address".to_owned()));
        }
        let found: Vec<SocketAddr> = authority
            .to_socket_addrs()
            .map_err(|error| wrong(format!("no address and port ({error})")))?
            .collect();
        let mut found = found.into_iter().map(Target::from_loopback);
        let first = found
            .next()
            .unwrap_or_else(|| Err(SiegeError::Target("no address".to_owned())));
        // A name with one address elsewhere is not this machine, whichever address would be taken.
        let rest: Result<Vec<Target>, SiegeError> = found.collect();
        match (first, rest) {
            (Ok(target), Ok(_)) => Ok(Target {
                speaks_tls,
                ..target
            }),
            (Err(error), _) | (_, Err(error)) => Err(wrong(error.to_string())),
        }
    }

    /// # Errors
    /// [`SiegeError::Target`] for an address that is not loopback.
    pub fn from_loopback(address: SocketAddr) -> Result<Self, SiegeError> {
        // An IPv4 address in the clothes of IPv6 is judged as what it is.
        let ip = address.ip().to_canonical();
        if ip.is_loopback() {
            return Ok(Target {
                address: SocketAddr::new(ip, address.port()),
                speaks_tls: false,
            });
        }
        let why = format!("{ip} is not loopback: only 127.0.0.0/8 and ::1 are attacked");
        Err(SiegeError::Target(why))
    }

    pub(super) fn address(self) -> SocketAddr {
        self.address
    }

    /// Whether it was named as `wss`.
    pub(super) fn speaks_tls(self) -> bool {
        self.speaks_tls
    }

    /// Whether sources can be chosen from all of 127.0.0.0/8.
    pub(super) fn has_many_sources(self) -> bool {
        matches!(self.address.ip(), IpAddr::V4(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_attacked() {
        for allowed in [
            "ws://127.0.0.1:80/ws/chat",
            "ws://127.255.1.2:8080",
            "ws://[::1]:8080/",
            "ws://[::ffff:127.0.0.1]:8080/ws/chat",
            "ws://localhost:8080/ws/chat",
            "wss://127.0.0.1:8443/ws/chat",
        ] {
            assert!(Target::parse(allowed).is_ok(), "{allowed}");
        }
        for refused in [
            "ws://192.0.2.1:8080/ws/chat",
            "ws://10.0.0.1:8080/ws/chat",
            "ws://0.0.0.0:8080/ws/chat",
            "ws://[::]:8080/ws/chat",
            "ws://[2001:db8::1]:8080/ws/chat",
            "ws://[::ffff:192.0.2.1]:8080/ws/chat",
            "ws://[::127.0.0.1]:8080/ws/chat",
            "ws://126.255.255.255:8080/ws/chat",
            "ws://128.0.0.1:8080/ws/chat",
            "ws://127.0.0.1@192.0.2.1:8080/ws/chat",
            "ws://127.0.0.1:8080@192.0.2.1:80/ws/chat",
            "ws://169.254.1.1:8080/ws/chat",
            "wss://192.0.2.1:8443/ws/chat",
            "127.0.0.1:8080/ws/chat",
            "http://127.0.0.1:8080/ws/chat",
            "ws://127.0.0.1/ws/chat",
            "ws://127.0.0.1:8080/ws/echo",
            "ws://:8080/ws/chat",
            "ws://",
            "",
        ] {
            assert!(Target::parse(refused).is_err(), "{refused}");
        }
    }
}
