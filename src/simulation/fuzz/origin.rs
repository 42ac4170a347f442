//! Origins and allow-lists, held against a reading of RFC 6454 and of how browsers write hosts.

use std::net::SocketAddr;

use crate::access::Source;
use crate::access::origin::{Origin, OriginList, OriginRefusal, judge};
use crate::simulation::reference::origins::{self, Fault, Shown};

const LISTEN: [&str; 6] = [
    "127.0.0.1:8080",
    "0.0.0.0:80",
    "[::]:443",
    "[::1]:8443",
    "192.0.2.1:443",
    "[2001:db8::1]:1",
];
const SOURCES: [Option<Source>; 6] = [
    None,
    Some(Source::Bearer),
    Some(Source::Cookie),
    Some(Source::Ticket),
    Some(Source::Query),
    Some(Source::Certificate),
];

/// A page may use the server when the plain reading says so, and an allow-list is taken when each of its entries is an origin.
///
/// Lines begin with a letter: `L` an entry of the list, `O` an Origin field, `S` a Sec-Fetch-Site field.
///
/// # Panics
/// When it may not.
pub fn origin(input: &[u8]) {
    let [choice, lines @ ..] = input else {
        return;
    };
    let choice = usize::from(*choice);
    let listen: SocketAddr = LISTEN[choice % LISTEN.len()].parse().expect("an address");
    let source = SOURCES[choice / LISTEN.len() % SOURCES.len()];
    let is_tls = choice % 2 == 0;
    let (mut list, mut origin, mut site) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines.split(|byte| *byte == b'\n') {
        match line {
            [b'L', entry @ ..] => list.extend(String::from_utf8(entry.to_vec())),
            [b'O', value @ ..] => origin.push(value),
            [b'S', value @ ..] => site.push(value),
            _ => {}
        }
    }
    let first_bad = list
        .iter()
        .position(|entry| origins::read(entry.as_bytes()).is_none());
    let found = match OriginList::new(&list, listen, is_tls) {
        Err(error) => return assert_eq!(Some(error.index), first_bad, "{error}"),
        Ok(found) => found,
    };
    assert_eq!(first_bad, None, "{list:?}");
    let mut allowed: Vec<_> = list
        .iter()
        .filter_map(|entry| origins::read(entry.as_bytes()))
        .collect();
    if list.is_empty() {
        allowed = origins::own(listen, is_tls);
    }
    for own in &allowed {
        assert!(found.allows(origins::write(own).as_bytes()), "{own:?}");
    }
    for value in origin.iter().chain(&site) {
        same(value, &found, &allowed);
    }
    let shown = match source {
        Some(Source::Cookie) => Shown::Cookie,
        Some(Source::Certificate) => Shown::Certificate,
        _ => Shown::Other,
    };
    let expected = origins::judge(&origin, &site, shown, &allowed);
    let judged = judge(&origin, &site, source, &found);
    assert_eq!(judged.map_err(fault), expected, "{source:?}");
}

/// One value is the same origin in both readings, and the same however it is written.
fn same(value: &[u8], list: &OriginList, allowed: &[origins::Origin]) {
    let found = Origin::parse(value);
    let expected = origins::read(value);
    assert_eq!(
        found.is_ok(),
        expected.is_some(),
        "{}: {found:?}",
        value.escape_ascii()
    );
    let Some(expected) = expected else {
        return assert!(!list.allows(value));
    };
    assert_eq!(
        list.allows(value),
        allowed.contains(&expected),
        "{}",
        value.escape_ascii()
    );
    let written = origins::write(&expected);
    assert_eq!(Origin::parse(written.as_bytes()), found, "{written}");
    assert_eq!(origins::read(written.as_bytes()).as_ref(), Some(&expected));
    for other in allowed {
        let is_same = Origin::parse(origins::write(other).as_bytes()) == found;
        assert_eq!(is_same, *other == expected, "{other:?} and {expected:?}");
    }
}

fn fault(refusal: OriginRefusal) -> Fault {
    match refusal {
        OriginRefusal::Missing => Fault::Missing,
        OriginRefusal::NotAllowed => Fault::NotAllowed,
        OriginRefusal::Repeated => Fault::Repeated,
        OriginRefusal::CrossSite => Fault::CrossSite,
    }
}
