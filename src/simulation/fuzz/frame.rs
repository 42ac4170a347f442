//! Frames, held against a decoder of RFC 6455 that looks at one after the other.

use std::io::IoSlice;

use super::Input;
use crate::protocol::close::CloseReason;
use crate::protocol::outbox::Outbox;
use crate::protocol::websocket::{Incoming, WebSocket};
use crate::simulation::reference::frames::{Decoded, Event, decode};

/// The largest messages that frames are read with: the smallest allowed, one that fits tungstenite's buffer, one
/// that does not fit a slice.
const MESSAGE_BYTES_MAX: [usize; 4] = [125, 500, 2000, 9000];

/// A client's frames mean what RFC 6455 says, however they are cut.
///
/// # Panics
/// When they do not.
pub fn frame(input: &[u8]) {
    let Some(input) = Input::new(input) else {
        return;
    };
    let bytes_max = MESSAGE_BYTES_MAX[input.choice % MESSAGE_BYTES_MAX.len()];
    let mut websocket = WebSocket::new(bytes_max);
    let mut outbox = Outbox::default();
    let mut events = Vec::new();
    let failure = feed(&mut websocket, &mut outbox, &input, &mut events).err();
    let mut expected = decode(input.bytes, bytes_max);
    if let Some(reason) = failure {
        websocket.close(reason, reason.text(), &mut outbox);
    }
    if let Some(reason) = expected.failure {
        let text = reason.text().as_bytes();
        expected.replies.extend([0x88, text.len() as u8 + 2]);
        expected.replies.extend(reason.code().to_be_bytes());
        expected.replies.extend(text);
    }
    let found = Decoded {
        events,
        replies: written(&outbox),
        failure,
    };
    assert_eq!(found, expected);
}

/// Feeds a connection as the engine does; until its end or `Err`, its failure.
fn feed(
    websocket: &mut WebSocket,
    outbox: &mut Outbox,
    input: &Input<'_>,
    events: &mut Vec<Event>,
) -> Result<(), CloseReason> {
    for mut piece in input.pieces() {
        while !piece.is_empty() {
            let measured = websocket.measure(piece)?;
            let (now, later) = piece.split_at(measured.taken);
            if let Some(incoming) = websocket.read(now, outbox)? {
                events.push(event(incoming));
                if events.last() == Some(&Event::Close) {
                    websocket.acknowledge_close(outbox);
                    return Ok(());
                }
            }
            piece = later;
        }
    }
    Ok(())
}

fn event(incoming: Incoming) -> Event {
    match incoming {
        Incoming::Text(text) => Event::Text(text.into_bytes().to_vec()),
        Incoming::Binary(bytes) => Event::Binary(bytes.to_vec()),
        Incoming::Ping => Event::Ping,
        Incoming::Pong => Event::Pong,
        Incoming::Close => Event::Close,
    }
}

fn written(outbox: &Outbox) -> Vec<u8> {
    let mut slices = vec![IoSlice::new(&[]); outbox.bytes() + 1];
    let filled = outbox.fill(&mut slices);
    slices[..filled]
        .iter()
        .flat_map(|slice| slice.to_vec())
        .collect()
}

/// Crashes as soon as two messages are understood: a rig that does not find this finds nothing.
///
/// # Panics
/// As planted.
pub fn canary(input: &[u8]) {
    if let Some(input) = Input::new(input) {
        let messages = decode(input.bytes, 125).events;
        assert!(messages.len() < 2, "the canary: {messages:?}");
    }
}
