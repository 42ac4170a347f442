//! Blocks of addresses that are treated as one source.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A block of addresses that is treated as one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Prefix {
    V4(u32),
    V4Parent(u32),
    V6(u64),
    V6Parent(u64),
    /// Who is counted with nobody nearer.
    Everyone,
    /// Trusted proxies, for whomever.
    Proxies,
    /// Networks that the operator exempts.
    Exempt,
}

impl Prefix {
    /// IPv4 /32, IPv6 /64; an IPv4 address mapped into IPv6 (RFC 4291 §2.5.5.2) is the IPv4 address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Prefix::V4(v4.to_bits()),
            IpAddr::V6(v6) => Prefix::V6((v6.to_bits() >> 64) as u64),
        }
    }

    /// IPv4 /24, IPv6 /48, and above them everyone.
    pub fn parent(self) -> Self {
        match self {
            Prefix::V4(bits) => Prefix::V4Parent(bits >> 8),
            Prefix::V6(bits) => Prefix::V6Parent(bits >> 16),
            Prefix::V4Parent(_)
            | Prefix::V6Parent(_)
            | Prefix::Everyone
            | Prefix::Proxies
            | Prefix::Exempt => Prefix::Everyone,
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Prefix::V4(bits) => write!(f, "{}/32", Ipv4Addr::from_bits(bits)),
            Prefix::V4Parent(bits) => write!(f, "{}/24", Ipv4Addr::from_bits(bits << 8)),
            Prefix::V6(bits) => write!(f, "{}/64", Ipv6Addr::from_bits(u128::from(bits) << 64)),
            Prefix::V6Parent(bits) => {
                write!(f, "{}/48", Ipv6Addr::from_bits(u128::from(bits) << 80))
            }
            Prefix::Everyone => f.write_str("everyone else"),
            Prefix::Proxies => f.write_str("proxies"),
            Prefix::Exempt => f.write_str("exempt networks"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn prefixes_are_shown_as_networks_up_to_everyone() {
        for (address, shown) in [
            (
                "192.0.2.77",
                ["192.0.2.77/32", "192.0.2.0/24", "everyone else"],
            ),
            (
                "2001:db8:1:2:3::7",
                ["2001:db8:1:2::/64", "2001:db8:1::/48", "everyone else"],
            ),
        ] {
            let address: IpAddr = address.parse().unwrap();
            let prefix = Prefix::of(address);
            let above = [prefix, prefix.parent(), prefix.parent().parent()];
            assert_eq!(above.map(|prefix| prefix.to_string()), shown);
        }
        for (prefix, shown) in [
            (Prefix::Proxies, "proxies"),
            (Prefix::Exempt, "exempt networks"),
        ] {
            assert_eq!(prefix.to_string(), shown);
            assert_eq!(prefix.parent(), Prefix::Everyone);
        }
    }
}
