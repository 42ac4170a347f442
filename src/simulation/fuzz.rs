//! What the fuzz targets and the replay of their corpora run: each reads made-up bytes twice, quickly and slowly,
//! and panics when the two disagree.

use std::io::IoSlice;

use super::reference::commands::{Asked, Code};
use super::reference::frames::{Decoded, Event, decode};
use super::reference::{bodies, commands, heads};
use crate::protocol::api::{NewRoom, RoomChange};
use crate::protocol::close::CloseReason;
use crate::protocol::command::v1;
use crate::protocol::command::{Bounds, tutorial};
use crate::protocol::head::{FIELDS_MAX, Head, HeadScanner};
use crate::protocol::outbox::Outbox;
use crate::protocol::problem::Problem;
use crate::protocol::websocket::{Incoming, WebSocket};

mod asked;
mod config;
mod scratch;
mod session;
mod store;

pub use config::config;
pub use session::session;
pub use store::store;

/// The largest messages that frames are read with: the smallest allowed, one that fits tungstenite's buffer, one
/// that does not fit a slice.
const MESSAGE_BYTES_MAX: [usize; 4] = [125, 500, 2000, 9000];
const HEAD_BYTES_MAX: [usize; 4] = [16, 100, 1000, 8192];

/// A choice, how to cut, and the bytes proper.
struct Input<'a> {
    choice: usize,
    lengths: &'a [u8],
    bytes: &'a [u8],
}

impl<'a> Input<'a> {
    /// The first byte chooses, the second says how many lengths follow.
    fn new(input: &'a [u8]) -> Option<Self> {
        let [choice, cuts, rest @ ..] = input else {
            return None;
        };
        let (lengths, bytes) = rest.split_at_checked(usize::from(*cuts))?;
        Some(Input {
            choice: usize::from(*choice),
            lengths,
            bytes,
        })
    }

    /// The bytes in pieces of these lengths, over and over; whole when there are none.
    fn pieces(&self) -> Vec<&'a [u8]> {
        let mut lengths = self.lengths.iter().cycle();
        let mut rest = self.bytes;
        let mut pieces = Vec::new();
        while !rest.is_empty() {
            let length = lengths.next().map_or(rest.len(), |length| {
                usize::from(*length).clamp(1, rest.len())
            });
            let (piece, after) = rest.split_at(length);
            pieces.push(piece);
            rest = after;
        }
        pieces
    }
}

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

/// A text is the same command, or refused with the same code, in both protocols.
///
/// # Panics
/// When it is not.
pub fn json(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    assert_eq!(asked_v1(text), commands::v1(text), "v1: {text:?}");
    assert_eq!(
        asked_tutorial(text),
        commands::tutorial(text),
        "tutorial: {text:?}"
    );
    assert_eq!(asked_change(text), bodies::change(text), "{text:?}");
    assert_eq!(asked_new_room(text), bodies::new_room(text), "{text:?}");
}

fn asked_v1(text: &str) -> Result<Asked, Code> {
    let request = v1::parse(text, &Bounds::default()).map_err(|refused| refused.error.code())?;
    Ok(asked::v1(request))
}

fn asked_tutorial(text: &str) -> Result<Asked, Code> {
    let said = tutorial::parse(text, &Bounds::default()).map_err(|error| error.code())?;
    Ok(asked::tutorial(said))
}

fn asked_change(text: &str) -> Result<Asked, Code> {
    let change = RoomChange::parse(text.as_bytes(), &Bounds::default());
    change.map(asked::change).map_err(|problem| fault(&problem))
}

fn asked_new_room(text: &str) -> Result<Asked, Code> {
    let room = NewRoom::parse(text.as_bytes(), &Bounds::default());
    room.map(asked::new_room).map_err(|problem| fault(&problem))
}

fn fault(problem: &Problem) -> Code {
    match problem {
        Problem::InvalidJson(_) => "json",
        Problem::InvalidField { .. } => "field",
        other => panic!("a body is refused as {other:?}"),
    }
}

/// A head ends where RFC 9112 says, however it is cut, and one that is accepted has the fields that stand in it.
///
/// # Panics
/// When it does not.
pub fn head(input: &[u8]) {
    let Some(input) = Input::new(input) else {
        return;
    };
    let bytes_max = HEAD_BYTES_MAX[input.choice % HEAD_BYTES_MAX.len()];
    let expected = heads::end(input.bytes, bytes_max);
    let mut scanner = HeadScanner::new(bytes_max);
    let mut come = 0;
    let mut found = Ok(None);
    for piece in input.pieces() {
        come += piece.len();
        found = scanner.find_end(&input.bytes[..come]);
        if found != Ok(None) {
            break;
        }
    }
    assert_eq!(found.map_err(|refusal| refusal.status()), expected);
    let end = expected.ok().flatten().unwrap_or(input.bytes.len());
    accept(&input.bytes[..end], expected.is_ok_and(|end| end.is_some()));
}

fn accept(bytes: &[u8], is_whole: bool) {
    let Ok(head) = Head::parse(bytes, FIELDS_MAX) else {
        return;
    };
    assert!(is_whole || heads::end(bytes, usize::MAX) == Ok(Some(bytes.len())));
    assert!(head.path().starts_with('/') && !head.host().is_empty());
    let fields = heads::fields(bytes);
    assert!(fields.len() <= FIELDS_MAX);
    for (name, value) in &fields {
        assert!(!name.is_empty() && name.bytes().all(heads::is_token));
        assert!(head.fields(name).any(|known| known == value), "{name}");
        let count = |(other, _): &&(String, Vec<u8>)| other.eq_ignore_ascii_case(name);
        let expected = fields.iter().filter(count).count();
        assert_eq!(head.fields(name).count(), expected, "{name}");
    }
    let hosts = fields
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("host"));
    assert_eq!(hosts.count(), 1);
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
