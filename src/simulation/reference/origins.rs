//! Web origins as text (RFC 6454 §6.2), and who may use a server from which page.

use std::net::{IpAddr, SocketAddr};

use super::addresses;

/// Scheme, host and port; the host as browsers write it.
pub type Origin = (String, String, u16);

/// The origin that a text is; of those that have a host, and that a browser could send.
pub fn read(value: &[u8]) -> Option<Origin> {
    let text: String = value
        .iter()
        .map(|byte| char::from(*byte).to_ascii_lowercase())
        .collect();
    if text.len() > 267 || !text.chars().all(|c| c.is_ascii_graphic()) {
        return None;
    }
    let (scheme, rest) = text.split_once("://")?;
    let usual = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    // A colon inside of brackets ends no host.
    let end = rest.rfind(']').unwrap_or(0);
    let (host, port) = match rest[end..].find(':') {
        Some(at) => (&rest[..end + at], Some(&rest[end + at + 1..])),
        None => (rest, None),
    };
    let port = match port {
        None => usual,
        Some(port) => addresses::number(port).filter(|number| *number > 0)?,
    };
    Some((scheme.to_owned(), host_of(host)?, port))
}

fn host_of(text: &str) -> Option<String> {
    if let Some(inner) = text.strip_prefix('[') {
        let address = addresses::v6(inner.strip_suffix(']')?)?;
        return Some(format!("[{address}]"));
    }
    let labels: Vec<&str> = text.split('.').collect();
    let last = labels[labels.len() - 1];
    let is_decimal = !last.is_empty() && last.chars().all(|c| c.is_ascii_digit());
    let is_hexadecimal = last.starts_with("0x") && last[2..].chars().all(|c| c.is_ascii_hexdigit());
    if is_decimal || is_hexadecimal {
        return addresses::v4(text).map(|address| address.to_string());
    }
    let is_label = |label: &&str| {
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        (1..64).contains(&label.len())
            && label.chars().all(inside)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (text.len() < 254 && labels.iter().all(is_label)).then(|| text.to_owned())
}

/// An origin as it is sent: without the port that its scheme has anyway (§6.2).
pub fn write((scheme, host, port): &Origin) -> String {
    match (scheme.as_str(), port) {
        ("http", 80) | ("https", 443) => format!("{scheme}://{host}"),
        _ => format!("{scheme}://{host}:{port}"),
    }
}

/// Where the server's own pages come from.
pub fn own(listen: SocketAddr, is_tls: bool) -> Vec<Origin> {
    let scheme = if is_tls { "https" } else { "http" };
    let written = match listen.ip() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    let mut hosts = vec![written];
    if listen.ip().is_loopback() || listen.ip().is_unspecified() {
        hosts.extend(["localhost", "127.0.0.1", "[::1]"].map(str::to_owned));
    }
    let at = |host| (scheme.to_owned(), host, listen.port());
    hosts.into_iter().map(at).collect()
}

/// How whoever asks is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    Cookie,
    Certificate,
    /// What no browser adds by itself, or nothing.
    Other,
}

/// Why a page may not: in the order in which it is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Missing,
    NotAllowed,
    Repeated,
    CrossSite,
}

/// Whether a request with these fields may go on.
///
/// # Errors
/// [`Fault`].
pub fn judge(
    origins: &[&[u8]],
    sites: &[&[u8]],
    shown: Shown,
    allowed: &[Origin],
) -> Result<(), Fault> {
    if origins.is_empty() && shown == Shown::Cookie {
        return Err(Fault::Missing);
    }
    if origins.len() > 1 {
        return Err(Fault::Repeated);
    }
    for value in origins {
        if !read(value).is_some_and(|origin| allowed.contains(&origin)) {
            return Err(Fault::NotAllowed);
        }
    }
    let is_near = |site: &&[u8]| [&b"same-origin"[..], b"same-site", b"none"].contains(site);
    if shown != Shown::Other && (sites.len() > 1 || !sites.iter().all(is_near)) {
        return Err(Fault::CrossSite);
    }
    Ok(())
}
