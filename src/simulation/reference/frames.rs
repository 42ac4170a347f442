//! RFC 6455 §5 as a server reads it, from the first byte again every time.

use crate::protocol::close::CloseReason;

/// What a stream of bytes means.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decoded {
    pub events: Vec<Event>,
    /// Pongs, and the answer to a close frame, as they go out.
    pub replies: Vec<u8>,
    /// Why the connection must be failed; nothing after that counts.
    pub failure: Option<CloseReason>,
}

/// One thing that the client said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping,
    Pong,
    Close,
}

/// Why no frame follows.
enum Stop {
    /// The bytes end inside it.
    Incomplete,
    Failure(CloseReason),
}
use CloseReason::{InvalidUtf8, MessageTooBig, ProtocolError};

struct Header {
    fin: bool,
    opcode: u8,
    mask: [u8; 4],
    payload_bytes: usize,
}

/// Reads all of `bytes` as the client's side of a connection whose messages have at most `bytes_max` bytes.
pub fn decode(bytes: &[u8], bytes_max: usize) -> Decoded {
    let mut decoded = Decoded::default();
    let mut rest = bytes.iter().copied();
    let mut message = None;
    while decoded.events.last() != Some(&Event::Close) {
        match take_frame(&mut rest, bytes_max, &mut message, &mut decoded) {
            Ok(()) => {}
            Err(Stop::Incomplete) => break,
            Err(Stop::Failure(reason)) => {
                decoded.failure = Some(reason);
                break;
            }
        }
    }
    decoded
}

/// The message that is arriving: whether it is text, and its bytes.
type Message = Option<(bool, Vec<u8>)>;

fn take_frame(
    rest: &mut impl Iterator<Item = u8>,
    bytes_max: usize,
    message: &mut Message,
    decoded: &mut Decoded,
) -> Result<(), Stop> {
    let header = take_header(rest, bytes_max)?;
    match (header.opcode, &message) {
        (0, None) | (1 | 2, Some(_)) => return Err(Stop::Failure(ProtocolError)),
        (1 | 2, None) => *message = Some((header.opcode == 1, Vec::new())),
        _ => {}
    }
    if header.opcode >= 8 {
        let payload = take_payload(rest, &header, |_| Ok(()))?;
        return take_control_frame(header.opcode, &payload, decoded);
    }
    let (is_text, so_far) = message.as_ref().expect("it is begun or goes on");
    let payload = take_payload(rest, &header, |payload| {
        let text = [so_far, payload].concat();
        match std::str::from_utf8(&text) {
            Err(error) if *is_text && error.error_len().is_some() => Err(InvalidUtf8),
            _ => Ok(()),
        }
    })?;
    let whole = [so_far, &payload[..]].concat();
    if whole.len() > bytes_max {
        return Err(Stop::Failure(MessageTooBig));
    }
    let is_text = *is_text;
    *message = Some((is_text, whole));
    if !header.fin {
        return Ok(());
    }
    let (_, whole) = message.take().expect("it was just put there");
    if is_text && std::str::from_utf8(&whole).is_err() {
        return Err(Stop::Failure(InvalidUtf8));
    }
    let kind = if is_text { Event::Text } else { Event::Binary };
    decoded.events.push(kind(whole));
    Ok(())
}

/// RFC 6455 §5.2 and §5.5, each rule as soon as its bytes are there.
fn take_header(rest: &mut impl Iterator<Item = u8>, bytes_max: usize) -> Result<Header, Stop> {
    let mut next = || rest.next().ok_or(Stop::Incomplete);
    let first = next()?;
    let opcode = first % 16;
    let fin = first >= 128;
    let is_reserved = first / 16 % 8 != 0 || !matches!(opcode, 0..=2 | 8..=10);
    if is_reserved || (opcode >= 8 && !fin) {
        return Err(Stop::Failure(ProtocolError));
    }
    let second = next()?;
    if second < 128 {
        return Err(Stop::Failure(ProtocolError));
    }
    let (extended, least) = match second % 128 {
        126 => (2, 126),
        127 => (8, 65_536),
        _ => (0, 0),
    };
    let mut length = u64::from(second % 128);
    if extended > 0 {
        length = 0;
        for _ in 0..extended {
            length = length << 8 | u64::from(next()?);
        }
    }
    if length < least || length > i64::MAX as u64 || (opcode >= 8 && length > 125) {
        return Err(Stop::Failure(ProtocolError));
    }
    if length > bytes_max as u64 {
        return Err(Stop::Failure(MessageTooBig));
    }
    Ok(Header {
        fin,
        opcode,
        mask: [next()?, next()?, next()?, next()?],
        payload_bytes: length as usize,
    })
}

/// Takes the payload byte by byte, looking at it after each one.
fn take_payload(
    rest: &mut impl Iterator<Item = u8>,
    header: &Header,
    look: impl Fn(&[u8]) -> Result<(), CloseReason>,
) -> Result<Vec<u8>, Stop> {
    let mut payload = Vec::new();
    while payload.len() < header.payload_bytes {
        let byte = rest.next().ok_or(Stop::Incomplete)?;
        payload.push(byte ^ header.mask[payload.len() % 4]);
        look(&payload).map_err(Stop::Failure)?;
    }
    Ok(payload)
}

fn take_control_frame(opcode: u8, payload: &[u8], decoded: &mut Decoded) -> Result<(), Stop> {
    match opcode {
        9 => {
            decoded.events.push(Event::Ping);
            reply(decoded, 0x8A, payload);
        }
        10 => decoded.events.push(Event::Pong),
        _ => {
            let answer = answer_to_close(payload).map_err(Stop::Failure)?;
            decoded.events.push(Event::Close);
            reply(decoded, 0x88, &answer);
        }
    }
    Ok(())
}

/// RFC 6455 §5.5.1 and §7.4: a good code is sent back, one that may not stand in a frame is a protocol error.
fn answer_to_close(payload: &[u8]) -> Result<Vec<u8>, CloseReason> {
    let (high, low, reason) = match payload {
        [] => return Ok(Vec::new()),
        [_] => return Err(ProtocolError),
        [high, low, reason @ ..] => (*high, *low, reason),
    };
    if std::str::from_utf8(reason).is_err() {
        return Err(InvalidUtf8);
    }
    match u16::from(high) * 256 + u16::from(low) {
        1000..=1003 | 1007..=1013 | 3000..=4999 => Ok(payload.to_vec()),
        _ => Ok([&1002_u16.to_be_bytes()[..], b"Protocol violation"].concat()),
    }
}

fn reply(decoded: &mut Decoded, first: u8, payload: &[u8]) {
    decoded.replies.extend([first, payload.len() as u8]);
    decoded.replies.extend(payload);
}
