//! Strangers who send whatever bytes a script says, in odd pieces: before there is a session, or within one of their own.

use super::coming::stranger_request;
use super::oracle::Violation;
use super::run::Run;
use super::script::{Opening, Way};
use crate::id::ConnectionId;
use crate::protocol::client::masked;
use crate::simulation::client::{Ending, Frame};

/// So many of them at a time.
const STRANGERS: u8 = 4;
/// How the answer to a request for the chat begins that was granted.
const GRANTED: &[u8] = b"HTTP/1.1 101";

/// One of them.
#[derive(Debug)]
pub(super) struct Raw {
    id: ConnectionId,
    opening: Opening,
    /// Bytes that the server had not read when it was last looked at.
    unread: usize,
    /// Bytes that it had been told by then.
    told: usize,
    is_upgraded: bool,
    /// Whether it was told that it is over.
    is_over: bool,
}

impl Run<'_> {
    /// Sends so many bytes of the script from there on, as they are or as a frame that is masked.
    pub(super) fn send_raw(
        &mut self,
        stranger: u8,
        opening: Opening,
        (from, length, is_framed): (u16, u16, bool),
        way: Way,
    ) -> Result<(), Violation> {
        let Some(id) = self.raw(stranger % STRANGERS, opening) else {
            return Ok(());
        };
        let bytes = self.script.bytes.get(usize::from(from)..);
        let bytes = bytes.unwrap_or_default();
        let bytes = &bytes[..usize::from(length).min(bytes.len())];
        let bytes = match is_framed {
            true => masked(0x81, bytes),
            false => bytes.to_vec(),
        };
        let now = self.now();
        self.trace
            .line(now, || format!("  stranger -> {}", bytes.escape_ascii()));
        let pieces = usize::from(way.cuts) + 1;
        for (at, piece) in bytes
            .chunks(bytes.len().div_ceil(pieces).max(1))
            .enumerate()
        {
            if at > 0 {
                self.turn()?;
            }
            if self.raws.values().any(|raw| raw.id == id) {
                self.world.queue(id, piece);
            }
        }
        Ok(())
    }

    /// The connection of one of them, who comes if need be.
    fn raw(&mut self, stranger: u8, opening: Opening) -> Option<ConnectionId> {
        if let Some(raw) = self.raws.get(&stranger) {
            return Some(raw.id);
        }
        let number = self.next_number;
        self.next_number += 1;
        let id = self.world.connect("10.68.0.1").ok()?;
        self.watch_stray(id, opening != Opening::Nothing);
        if let Some(stray) = self.strays.last_mut() {
            stray.is_raw = true;
        }
        if opening != Opening::Nothing {
            let request = stranger_request(number, opening == Opening::Tutorial);
            self.world.queue(id, request.as_bytes());
        }
        let raw = Raw {
            id,
            opening,
            unread: 0,
            told: 0,
            is_upgraded: false,
            is_over: false,
        };
        self.raws.insert(stranger, raw);
        Some(id)
    }

    /// Looks at what strangers were told, and forgets those whose connections are over.
    pub(super) fn look_at_raw(&mut self) -> Result<(), Violation> {
        let now = self.now();
        let Run {
            world,
            raws,
            strays,
            trace,
            ..
        } = self;
        let mut has_impostor = false;
        for (stranger, raw) in &mut *raws {
            let client = world.client(raw.id);
            let unread = client.in_flight.len();
            let stray = strays.iter_mut().find(|stray| stray.id == raw.id);
            if let Some(stray) = stray.filter(|_| unread < raw.unread) {
                stray.last_taken = now.instant;
            }
            raw.unread = unread;
            let told = &client.received()[raw.told..];
            if told.is_empty() {
                continue;
            }
            trace.bytes(usize::from(*stranger), told, now);
            trace.line(now, || format!("  stranger <- {}", told.escape_ascii()));
            raw.told = client.received_bytes();
            if raw.opening == Opening::Nothing {
                let mut windows = client.received().windows(GRANTED.len());
                has_impostor |= windows.any(|window| window == GRANTED);
                continue;
            }
            if !raw.is_upgraded {
                let response = client.take_whole_response();
                raw.is_upgraded = response.is_some_and(|response| response.status == 101);
            }
            while let Some(frame) = raw.is_upgraded.then(|| client.take_frame()).flatten() {
                raw.judge(&frame)?;
            }
        }
        raws.retain(|_, raw| world.client(raw.id).ending() != Ending::Closed);
        if has_impostor {
            self.has_impostor = true;
            for link in &mut self.links {
                link.is_exact = false;
            }
        }
        Ok(())
    }
}

impl Raw {
    /// What a stranger is told is made of frames that a server may send, whatever they have sent, and ends with a close frame.
    fn judge(&mut self, frame: &Frame) -> Result<(), Violation> {
        let is_good = match frame.opcode {
            1 => serde_json::from_slice::<serde_json::Value>(&frame.payload).is_ok(),
            opcode => (8..=10).contains(&opcode),
        };
        if self.is_over || !is_good {
            let rule = if self.is_over {
                "nothing after the end"
            } else {
                "frames"
            };
            return Err(Violation::new(
                rule,
                format!("a stranger is told {frame:?}"),
            ));
        }
        self.is_over = frame.opcode == 8;
        Ok(())
    }
}
