//! Frame headers of RFC 6455 §5.2: those that arrive are read ahead of the parser, so that a frame is
//! charged and an illegal one refused before its payload comes; those that leave are written.
//!
//! Payloads are none of its business.

use super::close::CloseReason;

/// Longest header: 2 bytes, 8 of extended length, 4 of mask.
pub const HEADER_BYTES_MAX: usize = 14;
/// RFC 6455 §5.5: control frames carry at most this.
pub const CONTROL_PAYLOAD_BYTES_MAX: u64 = 125;

/// RFC 6455 §5.2, "Opcode".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Opcode::Continuation,
            0x1 => Opcode::Text,
            0x2 => Opcode::Binary,
            0x8 => Opcode::Close,
            0x9 => Opcode::Ping,
            0xA => Opcode::Pong,
            _ => return None,
        })
    }

    fn bits(self) -> u8 {
        match self {
            Opcode::Continuation => 0x0,
            Opcode::Text => 0x1,
            Opcode::Binary => 0x2,
            Opcode::Close => 0x8,
            Opcode::Ping => 0x9,
            Opcode::Pong => 0xA,
        }
    }

    /// Whether frames of this kind may stand between the fragments of a message (RFC 6455 §5.5).
    pub fn is_control(self) -> bool {
        matches!(self, Opcode::Close | Opcode::Ping | Opcode::Pong)
    }
}

/// A client's frame header, found legal by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    pub fin: bool,
    pub opcode: Opcode,
    pub payload_bytes: u64,
    /// RFC 6455 §5.3
    pub mask: [u8; 4],
}

impl FrameHeader {
    /// Reads a header from the front of `bytes`: the header and its length, or `None` while bytes are missing.
    ///
    /// # Errors
    /// [`CloseReason::ProtocolError`] for what RFC 6455 §5.1, §5.2 and §5.5 forbid a client,
    /// [`CloseReason::MessageTooBig`] as soon as more than `payload_bytes_max` are declared.
    fn parse(
        bytes: &[u8],
        payload_bytes_max: usize,
    ) -> Result<Option<(FrameHeader, usize)>, CloseReason> {
        let [first, rest @ ..] = bytes else {
            return Ok(None);
        };
        let opcode = Opcode::from_bits(first & 0x0F).ok_or(CloseReason::ProtocolError)?;
        let fin = first & 0x80 != 0;
        if first & 0x70 != 0 || (opcode.is_control() && !fin) {
            return Err(CloseReason::ProtocolError);
        }
        let [second, rest @ ..] = rest else {
            return Ok(None);
        };
        if second & 0x80 == 0 {
            return Err(CloseReason::ProtocolError);
        }
        let Some((payload_bytes, extended)) = payload_length(second & 0x7F, rest)? else {
            return Ok(None);
        };
        if opcode.is_control() && payload_bytes > CONTROL_PAYLOAD_BYTES_MAX {
            return Err(CloseReason::ProtocolError);
        }
        if payload_bytes > payload_bytes_max as u64 {
            return Err(CloseReason::MessageTooBig);
        }
        let Some(mask) = rest.get(extended..).and_then(|rest| rest.first_chunk()) else {
            return Ok(None);
        };
        let header = FrameHeader {
            fin,
            opcode,
            payload_bytes,
            mask: *mask,
        };
        Ok(Some((header, 2 + extended + mask.len())))
    }
}

/// The payload's length and how many bytes of extended length said it; the shortest form is required (§5.2).
fn payload_length(short: u8, rest: &[u8]) -> Result<Option<(u64, usize)>, CloseReason> {
    match short {
        126 => {
            let Some(bytes) = rest.first_chunk::<2>() else {
                return Ok(None);
            };
            let length = u64::from(u16::from_be_bytes(*bytes));
            if length < 126 {
                return Err(CloseReason::ProtocolError);
            }
            Ok(Some((length, 2)))
        }
        127 => {
            let Some(bytes) = rest.first_chunk::<8>() else {
                return Ok(None);
            };
            let length = u64::from_be_bytes(*bytes);
            if length <= u64::from(u16::MAX) || length >> 63 != 0 {
                return Err(CloseReason::ProtocolError);
            }
            Ok(Some((length, 8)))
        }
        short => Ok(Some((u64::from(short), 0))),
    }
}

/// What [`FrameMeter::measure`] found at the front of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// How many bytes of the input belong to the current frame; at least 1 when the input was not empty.
    pub taken: usize,
    /// The frame's header, when it became complete within these bytes.
    pub header: Option<FrameHeader>,
    /// How many of these bytes, at their end, are payload.
    pub payload_bytes: usize,
}

/// Follows the frame boundaries of one connection's inbound bytes, however they are cut.
#[derive(Debug, Default)]
pub struct FrameMeter {
    header: [u8; HEADER_BYTES_MAX],
    header_bytes: u8,
    payload_left: u64,
    in_message: bool,
    in_control_frame: bool,
}

impl FrameMeter {
    /// Measures the next piece of `bytes`: up to the end of a frame, or all of them. No frame may carry more than
    /// `payload_bytes_max`.
    ///
    /// # Errors
    /// [`CloseReason::ProtocolError`] when the header is one that no client may send here,
    /// [`CloseReason::MessageTooBig`] when it declares too much. Nothing may be measured after that.
    pub fn measure(
        &mut self,
        bytes: &[u8],
        payload_bytes_max: usize,
    ) -> Result<Measured, CloseReason> {
        if self.payload_left > 0 {
            let taken = self.take_payload(bytes.len());
            return Ok(Measured {
                taken,
                header: None,
                payload_bytes: taken,
            });
        }
        let before = usize::from(self.header_bytes);
        let parsed = if before == 0 {
            FrameHeader::parse(bytes, payload_bytes_max)?
        } else {
            self.parse_split_header(bytes, payload_bytes_max)?
        };
        let Some((header, header_bytes)) = parsed else {
            if before == 0 {
                self.keep_header_bytes(bytes);
            }
            return Ok(Measured {
                taken: bytes.len(),
                header: None,
                payload_bytes: 0,
            });
        };
        self.header_bytes = 0;
        self.in_control_frame = header.opcode.is_control();
        self.follow_message(header)?;
        self.payload_left = header.payload_bytes;
        let from_input = header_bytes - before;
        let payload_bytes = self.take_payload(bytes.len() - from_input);
        Ok(Measured {
            taken: from_input + payload_bytes,
            header: Some(header),
            payload_bytes,
        })
    }

    /// Whether the payload measured last belongs to a control frame.
    pub fn in_control_frame(&self) -> bool {
        self.in_control_frame
    }

    fn parse_split_header(
        &mut self,
        bytes: &[u8],
        payload_bytes_max: usize,
    ) -> Result<Option<(FrameHeader, usize)>, CloseReason> {
        self.keep_header_bytes(bytes);
        let kept = self
            .header
            .get(..usize::from(self.header_bytes))
            .unwrap_or_default();
        FrameHeader::parse(kept, payload_bytes_max)
    }

    fn keep_header_bytes(&mut self, bytes: &[u8]) {
        let free = self
            .header
            .get_mut(usize::from(self.header_bytes)..)
            .unwrap_or_default();
        for (place, byte) in free.iter_mut().zip(bytes) {
            *place = *byte;
            self.header_bytes += 1;
        }
    }

    fn take_payload(&mut self, available: usize) -> usize {
        let taken =
            usize::try_from(self.payload_left).map_or(available, |left| left.min(available));
        self.payload_left -= taken as u64;
        taken
    }

    /// RFC 6455 §5.4: a continuation needs a message to continue, anything else needs none begun.
    fn follow_message(&mut self, header: FrameHeader) -> Result<(), CloseReason> {
        if header.opcode.is_control() {
            return Ok(());
        }
        if (header.opcode == Opcode::Continuation) != self.in_message {
            return Err(CloseReason::ProtocolError);
        }
        self.in_message = !header.fin;
        Ok(())
    }
}

/// Where the frame that `written` bytes of `frames` lie in ends: at `written` when none is begun, at the end of all
/// when these are no whole frames of a server.
pub(super) fn end_of_frame(frames: &[u8], written: usize) -> usize {
    let mut end = 0;
    while end < written {
        let length = frames.get(end..).and_then(server_frame_bytes);
        match length.and_then(|length| end.checked_add(length)) {
            Some(next) if next <= frames.len() => end = next,
            _ => return frames.len(),
        }
    }
    end
}

/// Header and payload of the unmasked frame at the front of `bytes`.
fn server_frame_bytes(bytes: &[u8]) -> Option<usize> {
    let [first, second, rest @ ..] = bytes else {
        return None;
    };
    Opcode::from_bits(first & 0x0F)?;
    let (payload_bytes, extended) = payload_length(*second, rest).ok()??;
    usize::try_from(payload_bytes)
        .ok()?
        .checked_add(2 + extended)
}

/// Appends the header of an unfragmented, unmasked frame (§5.1: a server never masks).
pub fn write_header(out: &mut Vec<u8>, opcode: Opcode, payload_bytes: usize) {
    out.push(0x80 | opcode.bits());
    match payload_bytes {
        0..=125 => out.push(payload_bytes as u8),
        126..=0xFFFF => {
            out.push(126);
            out.extend_from_slice(&(payload_bytes as u16).to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(payload_bytes as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests;
