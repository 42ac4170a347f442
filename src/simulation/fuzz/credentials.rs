//! The parts of a request in which a credential may stand, held against a search of all of them.

use crate::access::credentials::{EnabledSources, RequestCredentials, find};
use crate::access::{AuthError, Source};
use crate::simulation::reference::credentials::{self, Parts, Place};

/// Lines of the input begin with a letter: the field that the rest is the value of.
pub(super) fn find_as_reference(choice: u8, input: &[u8]) {
    let (mut authorization, mut cookie, mut protocols) = (Vec::new(), Vec::new(), Vec::new());
    let mut query = None;
    for line in input.split(|byte| *byte == b'\n') {
        match line {
            [b'A', value @ ..] => authorization.push(value),
            [b'C', value @ ..] => cookie.push(value),
            [b'P', name @ ..] => protocols.extend(std::str::from_utf8(name)),
            [b'Q', text @ ..] => query = std::str::from_utf8(text).ok().or(query),
            _ => {}
        }
    }
    let enabled = EnabledSources {
        cookie: (choice & 1 == 0).then_some("session"),
        query: choice & 2 == 0,
    };
    let request = RequestCredentials {
        authorization: &authorization,
        cookie: &cookie,
        protocols: &protocols,
        query,
    };
    let found = find(request, enabled);
    let texts = |values: &[&[u8]]| values.iter().map(|value| text(value)).collect();
    let parts = Parts {
        authorization: texts(&authorization),
        cookies: texts(&cookie),
        protocols: protocols.iter().map(|name| (*name).to_owned()).collect(),
        query: query.map(|query| text(query.as_bytes())),
    };
    let expected = credentials::find(&parts, enabled.cookie, enabled.query);
    let found = found.map(|shown| {
        shown.map(|shown| {
            let shown = shown.credential();
            (place(shown.source), shown.value.to_owned())
        })
    });
    assert_eq!(
        found,
        expected.map_err(|credentials::Unreadable| AuthError::Invalid),
        "{parts:?}"
    );
}

/// One character for each byte.
fn text(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

fn place(source: Source) -> Place {
    match source {
        Source::Bearer => Place::Bearer,
        Source::Cookie => Place::Cookie,
        Source::Ticket => Place::Ticket,
        Source::Query => Place::Query,
        Source::Certificate => panic!("no certificate stands in a request"),
    }
}
