//! tungstenite over memory: bytes of one frame in, a message or a close reason out, answers into the outbox.
//!
//! It knows no socket and no policy. The only file that names tungstenite.

use std::io::{self, Read, Write};

use bytes::Bytes;
use tungstenite::error::{CapacityError, Error};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Message, Utf8Bytes};

use super::close::CloseReason;
use super::frame::{FrameHeader, FrameMeter, Measured, Opcode, write_header};
use super::outbox::Outbox;
use super::utf8::{NotUtf8, Utf8Prefix};

/// Bytes handed to the parser at a time: it takes all it is given before it answers.
pub const SLICE_BYTES_MAX: usize = 8 * 1024;
/// What the parser keeps per idle connection. Messages that do not fit get a buffer of their own size, once.
const READ_BUFFER_BYTES: usize = 512;
/// Pongs and close frames are handed to the outbox whole; more than one is never waiting.
const WRITE_BUFFER_BYTES_MAX: usize = 4 * 1024;

/// What a client said.
#[derive(Debug)]
pub enum Incoming {
    /// A whole text message, valid UTF-8.
    Text(Text),
    /// A whole binary message.
    Binary(Bytes),
    /// A ping; its pong is in the outbox.
    Ping,
    Pong,
    /// The peer's close frame; [`WebSocket::acknowledge_close`] answers it.
    Close,
}

/// A text message's payload.
#[derive(Debug)]
pub struct Text(Utf8Bytes);

impl Text {
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The same bytes, unchecked as text.
    pub fn into_bytes(self) -> Bytes {
        self.0.into()
    }
}

/// The WebSocket state of one connection, after the upgrade.
///
/// **Feed it in two steps: [`WebSocket::measure`] says which bytes come next and of what frame, then, once
/// they are paid for, [`WebSocket::read`] takes exactly those.** After an error nothing may be read.
#[derive(Debug)]
pub struct WebSocket {
    context: WebSocketContext,
    meter: FrameMeter,
    message_bytes_max: usize,
    /// Watches text that arrives in pieces; tungstenite looks at it only when a frame is complete.
    text: Option<TextInPieces>,
}

/// A text message whose end is not in sight.
#[derive(Debug)]
struct TextInPieces {
    prefix: Utf8Prefix,
    /// The frame whose payload comes now, and how much of it has come.
    frame: FrameHeader,
    come: u64,
}

impl WebSocket {
    /// A connection whose messages have at most `message_bytes_max` bytes.
    pub fn new(message_bytes_max: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(WRITE_BUFFER_BYTES_MAX)
            .max_message_size(Some(message_bytes_max))
            .max_frame_size(Some(message_bytes_max))
            .accept_unmasked_frames(false);
        WebSocket {
            context: WebSocketContext::new(Role::Server, Some(config)),
            meter: FrameMeter::default(),
            message_bytes_max,
            text: None,
        }
    }

    /// Which of `bytes` to read next: at most one frame's, at most [`SLICE_BYTES_MAX`].
    ///
    /// # Errors
    /// The reason to close with, when the header alone is a violation or declares too much.
    pub fn measure(&mut self, bytes: &[u8]) -> Result<Measured, CloseReason> {
        let slice = bytes.get(..SLICE_BYTES_MAX).unwrap_or(bytes);
        let measured = self.meter.measure(slice, self.message_bytes_max)?;
        if let Some(header) = measured.header {
            let here = bytes.len() - (measured.taken - measured.payload_bytes);
            self.begin_frame(header, header.payload_bytes <= here as u64);
        }
        self.watch_text(slice, measured)?;
        Ok(measured)
    }

    /// Starts to watch a text message, unless all of it is here and will be looked at at once.
    fn begin_frame(&mut self, frame: FrameHeader, is_here: bool) {
        match frame.opcode {
            Opcode::Text if !(frame.fin && is_here) => {
                self.text = Some(TextInPieces {
                    prefix: Utf8Prefix::default(),
                    frame,
                    come: 0,
                });
            }
            Opcode::Text | Opcode::Binary => self.text = None,
            Opcode::Continuation => {
                if let Some(text) = &mut self.text {
                    text.frame = frame;
                    text.come = 0;
                }
            }
            Opcode::Close | Opcode::Ping | Opcode::Pong => {}
        }
    }

    /// RFC 6455 §8.1: fails on a wrong byte without waiting for the rest of its message.
    fn watch_text(&mut self, slice: &[u8], measured: Measured) -> Result<(), CloseReason> {
        let Some(text) = &mut self.text else {
            return Ok(());
        };
        if self.meter.in_control_frame() {
            return Ok(());
        }
        let begins = measured.taken - measured.payload_bytes;
        let payload = slice.get(begins..measured.taken).unwrap_or_default();
        let watched = text.prefix.push_masked(payload, text.frame.mask, text.come);
        text.come += payload.len() as u64;
        watched.map_err(|NotUtf8| CloseReason::InvalidUtf8)
    }

    /// Reads bytes that were measured.
    ///
    /// # Errors
    /// The reason to close with. tungstenite sends no close frame of its own then: call [`WebSocket::close`].
    pub fn read(
        &mut self,
        bytes: &[u8],
        outbox: &mut Outbox,
    ) -> Result<Option<Incoming>, CloseReason> {
        let mut wire = Wire {
            input: bytes,
            outbox,
        };
        match self.context.read(&mut wire) {
            Ok(message) => {
                debug_assert!(wire.input.is_empty(), "a frame was read in part");
                if !matches!(message, Message::Close(_)) {
                    self.answer(&mut wire);
                }
                Ok(incoming(message))
            }
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(close_reason(&error)),
        }
    }

    /// Queues a close frame, unless one has been sent.
    /// `words` are at most 123 bytes (RFC 6455 §5.5).
    pub fn close(&mut self, reason: CloseReason, words: &str, outbox: &mut Outbox) {
        let mut wire = Wire { input: &[], outbox };
        let frame = CloseFrame {
            code: CloseCode::from(reason.code()),
            reason: words.into(),
        };
        // The wire never fails: an error says that a close frame had already gone.
        let _ = self.context.close(&mut wire, Some(frame));
    }

    /// Queues the answer to the peer's close frame, unless it was itself an answer. Nothing may follow it.
    pub fn acknowledge_close(&mut self, outbox: &mut Outbox) {
        self.answer(&mut Wire { input: &[], outbox });
    }

    /// Lets tungstenite write the pong or close that a frame called for.
    fn answer(&mut self, wire: &mut Wire<'_>) {
        // The wire never fails: an error says that the close handshake is complete.
        let _ = self.context.flush(wire);
    }
}

fn incoming(message: Message) -> Option<Incoming> {
    match message {
        Message::Text(text) => Some(Incoming::Text(Text(text))),
        Message::Binary(bytes) => Some(Incoming::Binary(bytes)),
        Message::Ping(_) => Some(Incoming::Ping),
        Message::Pong(_) => Some(Incoming::Pong),
        Message::Close(_) => Some(Incoming::Close),
        Message::Frame(_) => None,
    }
}

fn close_reason(error: &Error) -> CloseReason {
    match error {
        Error::Utf8(_) => CloseReason::InvalidUtf8,
        Error::Capacity(CapacityError::MessageTooLong { .. }) => CloseReason::MessageTooBig,
        _ => CloseReason::ProtocolError,
    }
}

/// A whole text frame, to be shared by all who get it. `write` appends the payload.
pub fn text_frame(write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    const HEADER_ROOM: usize = 4;
    let mut payload = Vec::with_capacity(256);
    payload.extend_from_slice(&[0; HEADER_ROOM]);
    write(&mut payload);
    let length = payload.len() - HEADER_ROOM;
    let mut header = Vec::with_capacity(HEADER_ROOM);
    write_header(&mut header, Opcode::Text, length);
    if header.len() > HEADER_ROOM {
        payload.splice(..HEADER_ROOM, header);
        return Bytes::from(payload);
    }
    let start = HEADER_ROOM - header.len();
    for (place, byte) in payload.iter_mut().skip(start).zip(header) {
        *place = byte;
    }
    Bytes::from(payload).slice(start..)
}

/// Queues an unfragmented message with this payload.
pub fn push_message(outbox: &mut Outbox, opcode: Opcode, payload: Bytes) {
    outbox.append(|run| write_header(run, opcode, payload.len()));
    outbox.push_payload(payload);
}

/// Queues a ping without payload (RFC 6455 §5.5.2).
pub fn push_ping(outbox: &mut Outbox) {
    outbox.append(|run| write_header(run, Opcode::Ping, 0));
}

/// Queues a close frame behind whatever the connection's own machine has queued. `words` are at most 123 bytes (RFC 6455 §5.5).
pub fn push_close(outbox: &mut Outbox, reason: CloseReason, words: &str) {
    outbox.append(|run| {
        write_header(run, Opcode::Close, 2 + words.len());
        run.extend_from_slice(&reason.code().to_be_bytes());
        run.extend_from_slice(words.as_bytes());
    });
}

/// A short-lived stream over what was just read and what waits to be written.
struct Wire<'a> {
    input: &'a [u8],
    outbox: &'a mut Outbox,
}

impl Read for Wire<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.input.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.input.read(buffer)
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outbox.append(|run| run.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
