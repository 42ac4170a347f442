//! Behind proxies: whose address limits act on, when it is known, and who may say so.

mod books;
mod field;
mod logged;
mod protocol;
mod unnamed;

use wardroom::config::Config;
use wardroom::engine::Census;
use wardroom::id::ConnectionId;
use wardroom::simulation::{Ending, World};

use crate::{chat_request, knock, millis, outcome, seconds, world_with};

const PROXY: &str = "10.0.0.1";
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// A world with a trusted proxy at [`PROXY`] that sets `X-Forwarded-For`.
fn behind(change: impl FnOnce(&mut Config)) -> World {
    world_with(|config| {
        config.proxy.trusted = vec!["10.0.0.0/24".parse().expect("a network")];
        change(config);
    })
}

/// The same, with PROXY headers.
fn behind_protocol(change: impl FnOnce(&mut Config)) -> World {
    behind(|config| {
        config.proxy.protocol = true;
        change(config);
    })
}

/// Asks for a chat through the proxy, which adds `client` to whatever `said` is.
fn through(world: &mut World, user: &str, said: &str, client: &str) -> String {
    let field = format!("X-Forwarded-For: {said}{client}\r\n");
    knock(world, PROXY, &format!("?token={user}"), &field)
}

fn v1(client: &str) -> Vec<u8> {
    format!("PROXY TCP4 {client} 10.0.0.1 5000 443\r\n").into_bytes()
}

fn v2(client: [u8; 4]) -> Vec<u8> {
    let fixed = [0x21, 0x11, 0, 12];
    [
        SIGNATURE,
        &fixed,
        &client,
        &[10, 0, 0, 1, 0x13, 0x88, 1, 0xBB],
    ]
    .concat()
}

fn local() -> Vec<u8> {
    [SIGNATURE, &[0x20, 0, 0, 0]].concat()
}

/// Sends a PROXY header and a request for a chat in one piece.
fn announced(world: &mut World, header: &[u8], user: &str, fields: &str) -> String {
    let id = world.connect(PROXY).expect("room for a connection");
    let request = chat_request(&format!("?token={user}"), fields);
    world.send(id, &[header, request.as_bytes()].concat());
    outcome(world, id)
}

fn status(world: &mut World, id: ConnectionId) -> Option<(u16, String)> {
    let response = world.client(id).take_whole_response()?;
    let limit = response.json()["limit"].as_str().map(str::to_owned);
    Some((response.status, limit.unwrap_or_default()))
}

fn page(client: &str) -> String {
    format!("GET /healthz HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: {client}\r\n\r\n")
}

/// Everybody goes, and the engine holds nothing any more.
fn expect_nothing_left(world: &mut World, ids: impl IntoIterator<Item = ConnectionId>) {
    for id in ids {
        if world.client(id).ending() != Ending::Closed {
            world.hang_up(id);
        }
    }
    world.advance(seconds(60));
    assert_eq!(world.census(), Census::default());
}

/// What of the books must agree at any time: each connection is counted in one prefix.
fn expect_books_to_agree(world: &World) {
    let census = world.census();
    let (plain, open) = census.prefix_connections;
    assert_eq!(plain, census.plain_connections as u64, "{census:?}");
    assert_eq!(open, census.user_connections as u64, "{census:?}");
}

const FULL: &str = "1008 too many connections from this address";

/// Lines of the security log about this event.
fn reported(world: &mut World, event: &str) -> Vec<String> {
    let lines = world.security_log().into_iter();
    lines
        .filter(|line| line.contains(&format!("event={event} ")))
        .collect()
}
