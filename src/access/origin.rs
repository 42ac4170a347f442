//! Which web pages may talk to us: origins compared as (scheme, host, port) after parsing. Says nothing about users.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Source;

#[cfg(test)]
mod tests;

/// Longest serialised origin looked at, in bytes: a scheme, the longest host name, a port.
const ORIGIN_BYTES_MAX: usize = 8 + 253 + 6;

/// An origin (RFC 6454 §4) whose scheme is http or https.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: Scheme,
    host: Host,
    port: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    /// Lower-case, without a trailing dot.
    Name(Box<str>),
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

/// Why a text is not an origin we can compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OriginFault {
    #[error("it is empty or longer than {ORIGIN_BYTES_MAX} bytes")]
    Length,
    #[error("only visible ASCII may stand in it; write an international name in its xn-- form")]
    Characters,
    #[error("`*` would let every page in; list each origin")]
    Wildcard,
    #[error("it must begin with http:// or https://")]
    Scheme,
    #[error("after the port it must end: no user, path, query or fragment")]
    Rest,
    #[error(
        "its host is not a host name without trailing dot, an IPv4 address, or an IPv6 address in brackets"
    )]
    Host,
    #[error("its port is not a number from 1 to 65535 without leading zeros")]
    Port,
}

/// An entry of `origins.allow` that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("origins.allow[{index}] = {value:?}: {fault} (an example: \"https://chat.example\")")]
pub struct OriginError {
    /// Position in the list, from 0.
    pub index: usize,
    pub value: String,
    pub fault: OriginFault,
}

/// Why a request's Origin turns it away; the answer is always 403.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OriginRefusal {
    #[error("more than one Origin field")]
    Repeated,
    #[error("origin not allowed")]
    NotAllowed,
    #[error("a cookie needs an Origin")]
    Missing,
    #[error("a cookie or certificate may not come from another site")]
    CrossSite,
}

impl Origin {
    /// Parses an ASCII serialisation (RFC 6454 §6.2).
    ///
    /// Scheme and host are compared without case, and a missing port is the scheme's own.
    ///
    /// # Errors
    /// [`OriginFault`]; `null` has no host, so it is never an origin here.
    pub fn parse(text: &[u8]) -> Result<Origin, OriginFault> {
        if text.is_empty() || text.len() > ORIGIN_BYTES_MAX {
            return Err(OriginFault::Length);
        }
        if text == b"*" {
            return Err(OriginFault::Wildcard);
        }
        if !text.iter().all(u8::is_ascii_graphic) {
            return Err(OriginFault::Characters);
        }
        let text = std::str::from_utf8(text)
            .map_err(|_| OriginFault::Characters)?
            .to_ascii_lowercase();
        let (scheme, authority) = split_scheme(&text)?;
        if authority.contains(['/', '\\', '?', '#', '@']) {
            return Err(OriginFault::Rest);
        }
        let (host, port) = split_port(authority)?;
        Ok(Origin {
            scheme,
            host: Host::parse(host)?,
            port: port.map_or(Ok(scheme.default_port()), parse_port)?,
        })
    }

    fn at(scheme: Scheme, address: IpAddr, port: u16) -> Origin {
        let host = match address {
            IpAddr::V4(v4) => Host::V4(v4),
            IpAddr::V6(v6) => Host::V6(v6),
        };
        Origin { scheme, host, port }
    }
}

impl Scheme {
    const fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

impl Host {
    fn parse(text: &str) -> Result<Host, OriginFault> {
        if let Some(inner) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            return inner.parse().map(Host::V6).map_err(|_| OriginFault::Host);
        }
        if ends_in_number(text) {
            return text.parse().map(Host::V4).map_err(|_| OriginFault::Host);
        }
        if text.len() > 253 || !text.split('.').all(is_label) {
            return Err(OriginFault::Host);
        }
        Ok(Host::Name(text.into()))
    }
}

/// Browsers read such a host as an IPv4 address in whatever base; only the dotted form is a serialisation.
fn ends_in_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or(host);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    digits(last) || last.strip_prefix("0x").is_some_and(hex)
}

fn is_label(label: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    (1..=63).contains(&label.len())
        && label.bytes().all(allowed)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn split_scheme(text: &str) -> Result<(Scheme, &str), OriginFault> {
    if let Some(rest) = text.strip_prefix("https://") {
        return Ok((Scheme::Https, rest));
    }
    text.strip_prefix("http://")
        .map(|rest| (Scheme::Http, rest))
        .ok_or(OriginFault::Scheme)
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), OriginFault> {
    let host_end = match authority.starts_with('[') {
        true => authority
            .find(']')
            .map(|at| at + 1)
            .ok_or(OriginFault::Host)?,
        false => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(host_end);
    match rest.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if rest.is_empty() => Ok((host, None)),
        None => Err(OriginFault::Host),
    }
}

fn parse_port(text: &str) -> Result<u16, OriginFault> {
    if text.starts_with('0') || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(OriginFault::Port);
    }
    text.parse().map_err(|_| OriginFault::Port)
}

/// The origins that browser pages may come from.
#[derive(Debug, Clone)]
pub struct OriginList {
    allowed: Vec<Origin>,
}

impl OriginList {
    /// The origins in `allow`; when there are none, those of the listener at `listen`, http or https.
    ///
    /// The listener's own are its address and, when it can be reached over loopback, `localhost`, `127.0.0.1` and `[::1]`.
    ///
    /// # Errors
    /// [`OriginError`] for the first entry that is not an origin.
    pub fn new(
        allow: &[String],
        listen: SocketAddr,
        is_tls: bool,
    ) -> Result<OriginList, OriginError> {
        if allow.is_empty() {
            let scheme = if is_tls { Scheme::Https } else { Scheme::Http };
            return Ok(OriginList {
                allowed: own_origins(scheme, listen),
            });
        }
        let parse = |(index, value): (usize, &String)| {
            Origin::parse(value.as_bytes()).map_err(|fault| OriginError {
                index,
                value: value.clone(),
                fault,
            })
        };
        let allowed = allow
            .iter()
            .enumerate()
            .map(parse)
            .collect::<Result<_, _>>()?;
        Ok(OriginList { allowed })
    }

    /// Whether the value of an Origin field is exactly one of these.
    pub fn allows(&self, header_value: &[u8]) -> bool {
        Origin::parse(header_value).is_ok_and(|origin| self.allowed.contains(&origin))
    }
}

fn own_origins(scheme: Scheme, listen: SocketAddr) -> Vec<Origin> {
    let (address, port) = (listen.ip(), listen.port());
    let mut own = vec![Origin::at(scheme, address, port)];
    if address.is_loopback() || address.is_unspecified() {
        own.push(Origin {
            scheme,
            host: Host::Name("localhost".into()),
            port,
        });
        own.push(Origin::at(scheme, Ipv4Addr::LOCALHOST.into(), port));
        own.push(Origin::at(scheme, Ipv6Addr::LOCALHOST.into(), port));
    }
    own
}

/// Decides over a request's Origin, before its credential is looked at.
///
/// `source` is where its credential stood, if it had one. A request without Origin does not come from a page and is fine,
/// but with a cookie, which a browser adds whoever asks (RFC 6455 §10.2): a cookie needs an allowed Origin, and no
/// `Sec-Fetch-Site` but `same-origin`, `same-site` or `none`. A browser adds a client certificate too, but never without
/// an Origin where it matters; a missing one is fine there.
///
/// # Errors
/// [`OriginRefusal`], to be answered by 403.
pub fn judge(
    origin: &[&[u8]],
    sec_fetch_site: &[&[u8]],
    source: Option<Source>,
    list: &OriginList,
) -> Result<(), OriginRefusal> {
    let with_cookie = source == Some(Source::Cookie);
    // What a browser adds whoever asks. Programs that show certificates send no Origin, so none is asked of them.
    let is_ambient = with_cookie || source == Some(Source::Certificate);
    match origin {
        [] if with_cookie => return Err(OriginRefusal::Missing),
        [] => {}
        [value] if list.allows(value) => {}
        [_] => return Err(OriginRefusal::NotAllowed),
        _ => return Err(OriginRefusal::Repeated),
    }
    match sec_fetch_site {
        [] | [b"same-origin" | b"same-site" | b"none"] => Ok(()),
        _ if is_ambient => Err(OriginRefusal::CrossSite),
        _ => Ok(()),
    }
}
