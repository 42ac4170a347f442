//! WebSocket frames (RFC 6455 §5.2), just enough of them to make and to check a benchmark's traffic.

use super::failure::Failure;

pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
const CLOSE: u8 = 8;

const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;
/// Any key does; one without equal or zero bytes gives no implementation a short cut.
const MASKING_KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
/// No row has a longer message: anything above is a server gone astray.
const PAYLOAD_BYTES_MAX: usize = 1 << 20;

/// A server's close frame with status 1000.
pub const CLOSE_REPLY: &[u8] = &[FIN | CLOSE, 2, 0x03, 0xe8];

/// A client's close frame with status 1000.
pub fn close() -> Vec<u8> {
    masked(CLOSE, &[0x03, 0xe8])
}

/// A whole message as a client sends it.
pub fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(opcode, payload.len(), MASKED);
    frame.extend_from_slice(&MASKING_KEY);
    frame.extend(
        payload
            .iter()
            .zip(MASKING_KEY.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    frame
}

/// A whole message as a server sends it.
pub fn unmasked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(opcode, payload.len(), 0);
    frame.extend_from_slice(payload);
    frame
}

fn head(opcode: u8, length: usize, mask_bit: u8) -> Vec<u8> {
    let mut head = vec![FIN | opcode];
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..=125), _) => head.push(mask_bit | short),
        (_, Ok(medium)) => {
            head.push(mask_bit | 126);
            head.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            head.push(mask_bit | 127);
            head.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    head
}

/// One frame as it was received.
pub struct Frame<'a> {
    pub opcode: u8,
    /// Still masked, if it came so: only the raw reference sends such frames back.
    pub payload: &'a [u8],
}

impl Frame<'_> {
    pub fn is_close(&self) -> bool {
        self.opcode == CLOSE
    }
}

/// Cuts one connection's bytes into frames.
#[derive(Default)]
pub struct Splitter {
    /// The beginning of a frame whose end has not come yet.
    partial: Vec<u8>,
}

impl Splitter {
    /// Calls `each` for every frame that `bytes` complete.
    ///
    /// # Errors
    /// For fragments and frames no row asks for, and what `each` finds wrong.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(Frame<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if self.partial.is_empty() {
            let rest = split(bytes, &mut each)?;
            self.partial.extend_from_slice(rest);
            return Ok(());
        }
        self.partial.extend_from_slice(bytes);
        let rest = split(&self.partial, &mut each)?.len();
        self.partial.drain(..self.partial.len() - rest);
        Ok(())
    }
}

/// What is left after the last whole frame.
fn split<'a>(
    mut bytes: &'a [u8],
    each: &mut impl FnMut(Frame<'_>) -> Result<(), Failure>,
) -> Result<&'a [u8], Failure> {
    while let Some((frame, rest)) = first(bytes)? {
        each(frame)?;
        bytes = rest;
    }
    Ok(bytes)
}

fn first(bytes: &[u8]) -> Result<Option<(Frame<'_>, &[u8])>, Failure> {
    let Some(([opcode, length], rest)) = bytes.split_first_chunk() else {
        return Ok(None);
    };
    if opcode & FIN == 0 {
        return Err(Failure::Wrong("the server sent a fragment".to_owned()));
    }
    let Some((payload_bytes, rest)) = payload_length(length & !MASKED, rest) else {
        return Ok(None);
    };
    if payload_bytes > PAYLOAD_BYTES_MAX {
        return Err(Failure::Wrong(format!(
            "the server sent a frame of {payload_bytes} bytes"
        )));
    }
    let key_bytes = if length & MASKED == 0 {
        0
    } else {
        MASKING_KEY.len()
    };
    let Some((_, rest)) = rest.split_at_checked(key_bytes) else {
        return Ok(None);
    };
    let Some((payload, rest)) = rest.split_at_checked(payload_bytes) else {
        return Ok(None);
    };
    Ok(Some((
        Frame {
            opcode: opcode & 0x0f,
            payload,
        },
        rest,
    )))
}

fn payload_length(short: u8, rest: &[u8]) -> Option<(usize, &[u8])> {
    match short {
        126 => rest
            .split_first_chunk()
            .map(|(medium, rest)| (usize::from(u16::from_be_bytes(*medium)), rest)),
        127 => {
            let (long, rest) = rest.split_first_chunk()?;
            Some((
                usize::try_from(u64::from_be_bytes(*long)).unwrap_or(usize::MAX),
                rest,
            ))
        }
        _ => Some((usize::from(short), rest)),
    }
}
