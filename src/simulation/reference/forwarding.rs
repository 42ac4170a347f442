//! The chain of proxies behind a request, hop by hop from the last, and the elements in which they name each other.

use std::net::{IpAddr, SocketAddr};

use super::addresses;
use super::heads::is_token;

/// Elements and hops that are looked at.
const ELEMENTS_MAX: usize = 32;
const HOPS_MAX: usize = 16;
const NODE_BYTES_MAX: usize = 80;
const ZONE_CHARACTERS_MAX: usize = 16;

/// What an element says.
pub type Read = fn(&str) -> Option<SocketAddr>;

/// Every hop of the chain of trust: from whoever has connected to the first who is not trusted, or of whom nothing is said. The
/// last of them is the client.
pub fn chain(
    from: SocketAddr,
    lines: &[&[u8]],
    read: Read,
    is_trusted: fn(IpAddr) -> bool,
) -> Vec<SocketAddr> {
    let mut chain = vec![from];
    let mut said = Vec::new();
    for line in lines.iter().rev() {
        said.extend(from_right(line));
    }
    said.truncate(ELEMENTS_MAX);
    said.retain(|element| !element.is_empty());
    said.truncate(HOPS_MAX);
    for element in said {
        let last = chain[chain.len() - 1];
        if !is_trusted(addresses::plain(last.ip())) {
            break;
        }
        let text = String::from_utf8(element).ok();
        let Some(next) = text.and_then(|text| read(&text)) else {
            break;
        };
        chain.push(next);
    }
    chain
}

/// The elements of a line, the last first: commas between quotation marks are none, where a mark that ends a string belongs to
/// the nearest before it that no backslash escapes.
fn from_right(line: &[u8]) -> Vec<Vec<u8>> {
    let mut elements = Vec::new();
    let mut end = line.len();
    let mut at = line.len();
    while at > 0 {
        at -= 1;
        match line[at] {
            b',' => {
                elements.push(line[at + 1..end].to_vec());
                end = at;
            }
            b'"' => at = opening(&line[..at]),
            _ => {}
        }
    }
    elements.push(line[..end].to_vec());
    for element in &mut elements {
        let text: String = element.iter().copied().map(char::from).collect();
        let inner = text.trim_matches([' ', '\t']);
        *element = inner.chars().map(|c| c as u8).collect();
    }
    elements
}

/// Where the string begins that ends here; at the front, if nowhere.
fn opening(before: &[u8]) -> usize {
    let is_escaped = |at: usize| {
        let slashes = before[..at].iter().rev().take_while(|byte| **byte == b'\\');
        slashes.count() % 2 == 1
    };
    let marks = (0..before.len()).rev().filter(|at| before[*at] == b'"');
    marks.into_iter().find(|at| !is_escaped(*at)).unwrap_or(0)
}

/// An element of X-Forwarded-For.
pub fn x_forwarded_for(element: &str) -> Option<SocketAddr> {
    if element.len() > NODE_BYTES_MAX {
        return None;
    }
    match zoned(element) {
        Some(address) => Some(SocketAddr::new(address, 0)),
        None => node(element),
    }
}

/// An element of Forwarded (RFC 7239 §4), letter by letter.
pub fn forwarded(element: &str) -> Option<SocketAddr> {
    #[derive(Clone, Copy, PartialEq)]
    enum Place {
        BeforeName,
        Name,
        BeforeValue,
        Plain,
        Quoted,
        Escaped,
        After,
    }
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut place = Place::BeforeName;
    for c in element.chars() {
        let is_letter = c.is_ascii() && is_token(c as u8);
        let is_space = c.is_ascii_whitespace();
        let last = pairs.last_mut();
        place = match (place, last, c) {
            (Place::BeforeName, ..) if is_space => Place::BeforeName,
            (Place::BeforeName, ..) if is_letter => {
                pairs.push((c.to_string(), String::new()));
                Place::Name
            }
            (Place::Name, Some(_), '=') => Place::BeforeValue,
            (Place::Name, Some((name, _)), _) if is_letter => {
                name.push(c);
                Place::Name
            }
            (Place::BeforeValue, Some(_), '"') => Place::Quoted,
            (Place::BeforeValue | Place::Plain, Some((_, value)), _)
                if is_letter || ":[]".contains(c) =>
            {
                value.push(c);
                Place::Plain
            }
            (Place::Quoted, Some(_), '"') => Place::After,
            (Place::Quoted, Some(_), '\\') => Place::Escaped,
            (Place::Quoted | Place::Escaped, Some((_, value)), _) => {
                value.push(c);
                Place::Quoted
            }
            (Place::Plain | Place::After, _, ';') => Place::BeforeName,
            (Place::Plain | Place::After, ..) if is_space => Place::After,
            _ => return None,
        };
    }
    let mut nodes = pairs
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("for"));
    let (node, others) = (nodes.next(), nodes.count());
    let is_whole = [Place::Plain, Place::After].contains(&place) && others == 0;
    let (_, text) = node.filter(|_| is_whole)?;
    (text.len() <= NODE_BYTES_MAX)
        .then(|| self::node(text))
        .flatten()
}

/// RFC 7239 §6.
fn node(text: &str) -> Option<SocketAddr> {
    let (address, port) = match text.rfind(':') {
        Some(at) if !text.ends_with(']') => (&text[..at], Some(&text[at + 1..])),
        _ => (text, None),
    };
    let address = match address.strip_prefix('[') {
        Some(inner) => zoned(inner.strip_suffix(']')?)?,
        None => addresses::v4(address)?.into(),
    };
    let port = port.map_or(Some(0), port_of)?;
    Some(SocketAddr::new(address, port))
}

/// One to five digits, or a word that hides it.
fn port_of(text: &str) -> Option<u16> {
    let hidden = text.strip_prefix('_');
    if let Some(word) = hidden {
        let is_word = !word.is_empty() && word.chars().all(|c| c.is_ascii() && is_token(c as u8));
        return is_word.then_some(0);
    }
    let shortened = text.trim_start_matches('0');
    match (text.len(), shortened) {
        (1..=5, "") => Some(0),
        (1..=5, digits) => addresses::number(digits),
        _ => None,
    }
}

/// An IPv6 address, and perhaps the interface on which it means something.
fn zoned(text: &str) -> Option<IpAddr> {
    let (address, zone) = match text.find('%') {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let inside = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    let is_zone =
        |zone: &str| (1..=ZONE_CHARACTERS_MAX).contains(&zone.len()) && zone.chars().all(inside);
    let address = addresses::v6(address).filter(|_| zone.is_none_or(is_zone))?;
    Some(addresses::plain(address.into()))
}
