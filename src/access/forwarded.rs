//! Who asks, when a trusted proxy passes the request on: the walk through `X-Forwarded-For` or `Forwarded`.
//!
//! It must not say what follows from the address, and believes no field that [`crate::config::Proxy`] does not name.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::config::{ForwardedField, Proxy};
use crate::protocol::head::Head;

#[cfg(test)]
mod tests;

/// Hops looked at, from the last proxy back. A chain has two or three; what stands further left is a client's own tale.
pub const HOPS_MAX: usize = 16;
/// List elements looked at, empty ones too, which RFC 9110 §5.6.1.2 has a recipient ignore in a reasonable number.
const ELEMENTS_MAX: usize = 2 * HOPS_MAX;
/// Longest node looked at: brackets, an address, a zone, a port.
const NODE_BYTES_MAX: usize = 80;
/// Longest zone of a link-local address: an interface's name on Linux.
const ZONE_BYTES_MAX: usize = 16;

/// Reads the address that a list element names.
type ReadNode = fn(&[u8]) -> Option<SocketAddr>;

/// Whether `address` is a proxy that is believed.
pub fn is_trusted(proxy: &Proxy, address: IpAddr) -> bool {
    let address = address.to_canonical();
    proxy.trusted.iter().any(|net| net.contains(&address))
}

/// Whose request it is that the proxy at `from` has passed on: the port is 0 where it is not known. Who is not trusted, or not
/// any more, asks for themselves.
///
/// Each proxy adds the address that it was asked from at the right end of the list. So the walk goes from there to the left, and
/// only past trusted addresses: the first that is not trusted is the client's, and what stands left of it is what the client
/// says. At an element that names no address the walk ends, and the last trusted hop is the answer.
pub fn client(proxy: &Proxy, from: SocketAddr, head: &Head<'_>) -> SocketAddr {
    let Some((name, node)) = believed(proxy, from) else {
        return from;
    };
    let mut client = from;
    for element in hops(head, name) {
        match node(element) {
            Some(address) => client = address,
            None => return client,
        }
        if !is_trusted(proxy, client.ip()) {
            return client;
        }
    }
    client
}

/// Whom the client of this request says to ask for, when that is somebody else: it is no trusted proxy, so that is told and not
/// believed. Where `from` is the client, in any of the fields that proxies have for it; behind a trusted proxy in that one's field.
pub fn claimed(proxy: &Proxy, from: SocketAddr, head: &Head<'_>) -> Option<IpAddr> {
    let (client, claimed) = match believed(proxy, from) {
        Some((name, node)) => {
            let is_a_proxy =
                |hop: &Option<SocketAddr>| hop.is_some_and(|hop| is_trusted(proxy, hop.ip()));
            let mut beyond = hops(head, name).map(node).skip_while(is_a_proxy);
            (beyond.next()??, beyond.next()??)
        }
        None if is_trusted(proxy, from.ip()) => return None,
        None => {
            let named = |(name, node): (_, ReadNode)| hops(head, name).next().and_then(node);
            (from, FIELDS.into_iter().find_map(named)?)
        }
    };
    (claimed.ip() != client.ip()).then_some(claimed.ip())
}

/// Whether no stranger on the Internet can have it as the source of a connection: it is this machine's, a private network's (RFC 1918,
/// RFC 4193), a link's (RFC 3927, RFC 4291 §2.5.6), or a provider's within (RFC 6598).
pub fn is_internal(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let is_shared = v4.to_bits() >> 22 == Ipv4Addr::new(100, 64, 0, 0).to_bits() >> 22;
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || is_shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// Fields in which proxies name whom they ask for.
const FIELDS: [(&str, ReadNode); 3] = [
    ("x-forwarded-for", x_forwarded_for),
    ("forwarded", forwarded),
    ("x-real-ip", x_forwarded_for),
];

/// The field in which `from` is believed, and how its elements are read.
fn believed(proxy: &Proxy, from: SocketAddr) -> Option<(&'static str, ReadNode)> {
    match proxy.header {
        _ if !is_trusted(proxy, from.ip()) => None,
        ForwardedField::None => None,
        ForwardedField::XForwardedFor => Some(("x-forwarded-for", x_forwarded_for)),
        ForwardedField::Forwarded => Some(("forwarded", forwarded)),
    }
}

/// What stands in all lines of this field, from the last hop back.
fn hops<'a>(head: &Head<'a>, name: &str) -> impl Iterator<Item = &'a [u8]> {
    let lines: Vec<&[u8]> = head.fields(name).collect();
    let elements = lines.into_iter().rev().flat_map(FromRight::new);
    elements
        .take(ELEMENTS_MAX)
        .filter(|element| !element.is_empty())
        .take(HOPS_MAX)
}

/// The elements of one field line from right to left, without the white space around them.
///
/// Commas in quoted strings are none (RFC 9110 §5.6.4). Reading from the right, a quotation mark that a client left open
/// spoils its own elements and none of the proxies'.
struct FromRight<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> FromRight<'a> {
    const fn new(line: &'a [u8]) -> Self {
        FromRight { rest: Some(line) }
    }
}

impl<'a> Iterator for FromRight<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let line = self.rest?;
        let mut in_quotes = false;
        for (at, byte) in line.iter().enumerate().rev() {
            match byte {
                b'"' if !(in_quotes && is_escaped(line, at)) => in_quotes = !in_quotes,
                b',' if !in_quotes => {
                    let (rest, element) = line.split_at(at);
                    self.rest = Some(rest);
                    return element.get(1..).map(<[u8]>::trim_ascii);
                }
                _ => {}
            }
        }
        self.rest = None;
        Some(line.trim_ascii())
    }
}

/// Whether an odd number of backslashes stands before `at`.
fn is_escaped(line: &[u8], at: usize) -> bool {
    let before = line.get(..at).unwrap_or_default();
    let backslashes = before.iter().rev().take_while(|&&byte| byte == b'\\');
    backslashes.count() % 2 == 1
}

/// An element of `X-Forwarded-For`: an address, with a port perhaps, and IPv6 in brackets or without.
fn x_forwarded_for(element: &[u8]) -> Option<SocketAddr> {
    let text = text(element)?;
    bare_v6(text)
        .map(|ip| SocketAddr::new(canonical(ip), 0))
        .or_else(|| node(text))
}

/// An element of `Forwarded` (RFC 7239 §4): pairs with semicolons between, of which `for` is looked at.
fn forwarded(element: &[u8]) -> Option<SocketAddr> {
    let mut rest = std::str::from_utf8(element).ok()?;
    let mut found = None;
    loop {
        let (name, value, after) = pair(rest)?;
        if name.eq_ignore_ascii_case("for") && found.replace(value).is_some() {
            // §4: each parameter once.
            return None;
        }
        match after.trim_ascii_start().strip_prefix(';') {
            Some(next) => rest = next.trim_ascii_start(),
            None if after.is_empty() => break,
            None => return None,
        }
    }
    node(text(found?.as_bytes())?)
}

/// `token "=" ( token / quoted-string )` at the front of `text`, the value unquoted, and what follows it.
fn pair(text: &str) -> Option<(&str, Cow<'_, str>, &str)> {
    let (name, rest) = text.split_once('=')?;
    let is_token = |text: &str| !text.is_empty() && text.bytes().all(is_token_byte);
    if !is_token(name) {
        return None;
    }
    if let Some(rest) = rest.strip_prefix('"') {
        let (value, after) = unquote(rest)?;
        return Some((name, value, after));
    }
    let end = rest.find([';', ' ', '\t']).unwrap_or(rest.len());
    let (value, after) = rest.split_at_checked(end)?;
    // A colon or a bracket needs quotes (§4); several proxies leave them out.
    let is_node = |byte: u8| is_token_byte(byte) || matches!(byte, b':' | b'[' | b']');
    (!value.is_empty() && value.bytes().all(is_node)).then_some((name, Cow::Borrowed(value), after))
}

/// The inside of a quoted string whose opening mark is gone, and what follows the closing one.
fn unquote(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let end = text.find(['"', '\\'])?;
    let (plain, rest) = text.split_at_checked(end)?;
    if let Some(after) = rest.strip_prefix('"') {
        return Some((Cow::Borrowed(plain), after));
    }
    let mut value = plain.to_owned();
    let mut characters = rest.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return Some((Cow::Owned(value), characters.as_str())),
            '\\' => value.push(characters.next()?),
            other => value.push(other),
        }
    }
    None
}

/// RFC 9110 §5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn text(bytes: &[u8]) -> Option<&str> {
    (bytes.len() <= NODE_BYTES_MAX)
        .then_some(bytes)
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
}

/// RFC 7239 §6: an IPv4 address or an IPv6 address in brackets, with a port perhaps. `unknown` and names that hide an
/// address (§6.3) name none.
fn node(text: &str) -> Option<SocketAddr> {
    let (ip, rest): (IpAddr, &str) = match text.strip_prefix('[') {
        Some(inner) => {
            let (ip, rest) = inner.split_once(']')?;
            (bare_v6(ip)?.into(), rest)
        }
        None => {
            let end = text.find(':').unwrap_or(text.len());
            let (ip, rest) = text.split_at_checked(end)?;
            (ip.parse::<Ipv4Addr>().ok()?.into(), rest)
        }
    };
    let port = match rest.strip_prefix(':') {
        Some(port) => self::port(port)?,
        None if rest.is_empty() => 0,
        None => return None,
    };
    Some(SocketAddr::new(ip.to_canonical(), port))
}

/// §6.3 lets a port be hidden too.
fn port(text: &str) -> Option<u16> {
    if text.starts_with('_') && text.len() > 1 && text.bytes().all(is_token_byte) {
        return Some(0);
    }
    let is_number = (1..=5).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// An IPv6 address, its zone left out: a zone means something to that proxy's own machine alone (RFC 4007 §6).
fn bare_v6(text: &str) -> Option<Ipv6Addr> {
    let Some((address, zone)) = text.split_once('%') else {
        return text.parse().ok();
    };
    let is_zone = (1..=ZONE_BYTES_MAX).contains(&zone.len())
        && zone
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
    is_zone.then(|| address.parse().ok()).flatten()
}

fn canonical(ip: Ipv6Addr) -> IpAddr {
    IpAddr::V6(ip).to_canonical()
}
