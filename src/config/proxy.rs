//! `[proxy]`: which proxies are believed, and what of them.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};
use toml::de::DeValue;

use super::form::Choice;

/// `[proxy]`
#[derive(Debug, Clone, Default)]
pub struct Proxy {
    /// Networks that only proxies are in, without host bits; an IPv4 network mapped into IPv6 is the IPv4 network.
    pub trusted: Vec<IpNet>,
    /// The one field in which trusted proxies name the client.
    pub header: ForwardedField,
    /// Whether every connection from a trusted proxy begins with a PROXY header.
    pub protocol: bool,
}

/// `proxy.header`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForwardedField {
    /// No field is believed.
    None,
    #[default]
    XForwardedFor,
    /// RFC 7239
    Forwarded,
}

impl Choice for ForwardedField {
    fn words(&self) -> &'static [&'static str] {
        &["x-forwarded-for", "forwarded", "none"]
    }

    fn word(&self) -> &'static str {
        match self {
            ForwardedField::None => "none",
            ForwardedField::XForwardedFor => "x-forwarded-for",
            ForwardedField::Forwarded => "forwarded",
        }
    }

    fn choose(&mut self, word: &str) -> Option<()> {
        *self = match word {
            "none" => ForwardedField::None,
            "x-forwarded-for" => ForwardedField::XForwardedFor,
            "forwarded" => ForwardedField::Forwarded,
            _ => return None,
        };
        Some(())
    }
}

/// Most networks trusted. Each hop of each proxied request is compared with all of them; the largest content networks
/// publish some dozens.
const NETWORKS_MAX: usize = 256;
/// Bits of `::ffff:0:0/96`, which holds all of IPv4 (RFC 4291 §2.5.5.2).
const MAPPED_PREFIX_BITS: u8 = 96;

pub(super) fn networks_allowed() -> String {
    format!(
        "up to {NETWORKS_MAX} different networks without host bits, each as \"10.0.0.0/8\", \"2001:db8::/32\" or one \
         address; never all addresses"
    )
}

pub(super) fn networks(value: &DeValue<'_>) -> Option<Vec<IpNet>> {
    let list = value.as_array()?;
    let parsed = list.iter().map(|entry| parse(entry.get_ref().as_str()?));
    let networks: Vec<IpNet> = parsed.collect::<Option<_>>()?;
    let all_differ = networks
        .iter()
        .enumerate()
        .all(|(at, network)| !networks.iter().skip(at + 1).any(|other| other == network));
    (networks.len() <= NETWORKS_MAX && all_differ).then_some(networks)
}

/// Trusting everybody would let everybody say who they are: a network has a prefix.
fn parse(text: &str) -> Option<IpNet> {
    let network = match text.split_once('/') {
        // The standard library takes no leading zero, which others read as octal.
        Some((address, bits)) => IpNet::new(address.parse().ok()?, prefix_bits(bits)?).ok()?,
        None => text.parse::<IpAddr>().ok()?.into(),
    };
    let network = canonical(network);
    (network.trunc() == network && network.prefix_len() > 0).then_some(network)
}

fn prefix_bits(text: &str) -> Option<u8> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// Addresses are compared in canonical form, so networks are too.
fn canonical(network: IpNet) -> IpNet {
    let mapped = || -> Option<Ipv4Net> {
        let IpNet::V6(network) = network else {
            return None;
        };
        let address: Ipv4Addr = network.addr().to_ipv4_mapped()?;
        let bits = network.prefix_len().checked_sub(MAPPED_PREFIX_BITS)?;
        Ipv4Net::new(address, bits).ok()
    };
    mapped().map_or(network, IpNet::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(list: &str) -> Option<Vec<String>> {
        let value = DeValue::parse(list).expect("a list");
        let networks = networks(value.get_ref())?;
        Some(networks.iter().map(IpNet::to_string).collect())
    }

    #[test]
    fn a_network_has_a_prefix_and_no_host_bits_and_ipv4_in_ipv6_is_ipv4() {
        let cases: [(&str, Option<&str>); 26] = [
            ("127.0.0.1/32", Some("127.0.0.1/32")),
            ("127.0.0.1", Some("127.0.0.1/32")),
            ("10.0.0.0/8", Some("10.0.0.0/8")),
            ("::1", Some("::1/128")),
            ("2001:db8::/32", Some("2001:db8::/32")),
            ("::ffff:10.0.0.0/104", Some("10.0.0.0/8")),
            ("::ffff:10.0.0.1", Some("10.0.0.1/32")),
            ("0.0.0.0/1", Some("0.0.0.0/1")),
            ("0.0.0.0/0", None),
            ("::/0", None),
            ("::ffff:0.0.0.0/96", None),
            ("10.0.0.1/8", None),
            ("2001:db8::1/32", None),
            ("::ffff:10.0.0.1/104", None),
            ("10.0.0.0/33", None),
            ("10.0.0.0/", None),
            ("10.0.0.0/+8", None),
            ("10.0.0.0/8/8", None),
            ("10.0.0/24", None),
            ("010.0.0.0/8", None),
            ("10.0.0.0/255.0.0.0", None),
            ("fe80::%eth0/64", None),
            ("proxy.example", None),
            ("*", None),
            (" 10.0.0.0/8", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|network| vec![network.to_owned()]);
            assert_eq!(shown(&format!("[\"{text}\"]")), expected, "{text:?}");
        }
    }

    #[test]
    fn a_list_of_networks_names_each_once_and_has_a_bound() {
        assert_eq!(shown("[]"), Some(Vec::new()));
        assert_eq!(shown("[\"10.0.0.1\", \"::ffff:10.0.0.1\"]"), None);
        assert_eq!(shown("[7]"), None);
        assert_eq!(shown("\"10.0.0.1\""), None);
        let list = |count: usize| {
            let entries: Vec<String> = (0..count)
                .map(|n| format!("\"10.0.{}.{}\"", n / 256, n % 256))
                .collect();
            format!("[{}]", entries.join(","))
        };
        assert_eq!(
            shown(&list(NETWORKS_MAX)).map(|found| found.len()),
            Some(NETWORKS_MAX)
        );
        assert_eq!(shown(&list(NETWORKS_MAX + 1)), None);
    }
}
