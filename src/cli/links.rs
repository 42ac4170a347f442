//! The two links of the embedded default, each opening the page as another person.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::Failure;
use super::token::{self, TokenRequest};
use crate::config::Config;
use crate::time::Wall;

const LIFETIME: Duration = Duration::from_secs(15 * 60);

/// Tokens for Alice and Bob, good for a quarter of an hour or as long as the configuration lets them be.
pub(super) struct Links {
    tokens: [(&'static str, String); 2],
}

impl Links {
    /// # Errors
    /// [`Failure`] when the tokens cannot be signed.
    pub(super) fn new(config: &Config, now: Wall) -> Result<Self, Failure> {
        let token = |sub: &str, name: &str| {
            let ttl = LIFETIME.min(config.auth.jwt.lifetime_max);
            let request = TokenRequest {
                sub: sub.to_owned(),
                name: Some(name.to_owned()),
                rooms: Vec::new(),
                ttl,
            };
            token::issue(&config.auth, &request, now)
        };
        Ok(Links {
            tokens: [
                ("Alice", token("alice", "Alice")?),
                ("Bob", token("bob", "Bob")?),
            ],
        })
    }

    /// One line per link, and one that says how to make more.
    pub(super) fn print(&self, bound: SocketAddr, output: &mut dyn Write) -> io::Result<()> {
        let address = reachable(bound);
        for (name, token) in &self.tokens {
            // In the fragment, which browsers keep to themselves: no log of any server sees it.
            writeln!(
                output,
                "{:<6} http://{address}/#token={token}",
                format!("{name}:")
            )?;
        }
        writeln!(
            output,
            "More:  wardroom token --sub ID --name NAME, then http://{address}/#token=TOKEN"
        )?;
        output.flush()
    }
}

/// An address that a browser on this machine can open.
fn reachable(bound: SocketAddr) -> SocketAddr {
    let ip = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, bound.port())
}
