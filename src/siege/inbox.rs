//! What a server has said on one connection: a response, then frames. Reads what this server sends, which is strict
//! enough to be read simply; whatever else comes is [`Seen::Nonsense`].

use super::bounds::INBOX_BYTES_MAX;

/// One thing that was said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen<'a> {
    /// The answer to an upgrade: frames follow.
    Upgraded,
    /// Any other answer.
    Status(u16),
    Text(&'a [u8]),
    Ping(&'a [u8]),
    Pong,
    Close(u16),
    Nonsense,
}

/// Bytes that have come and are not a whole thing yet.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    bytes: Vec<u8>,
    is_upgraded: bool,
    is_over: bool,
}

impl Inbox {
    /// Takes `bytes` in, and tells of everything that is whole now.
    pub(super) fn receive(&mut self, bytes: &[u8], tell: &mut dyn FnMut(Seen<'_>)) {
        if self.is_over {
            return;
        }
        self.bytes.extend_from_slice(bytes);
        let mut taken = 0;
        while let Some(rest) = self.bytes.get(taken..).filter(|rest| !rest.is_empty()) {
            let step = if self.is_upgraded {
                frame(rest)
            } else {
                head(rest)
            };
            let Some((seen, bytes)) = step else { break };
            taken += bytes;
            self.is_upgraded |= seen == Seen::Upgraded;
            self.is_over = matches!(seen, Seen::Nonsense | Seen::Close(_));
            tell(seen);
            if self.is_over {
                break;
            }
        }
        self.bytes.drain(..taken.min(self.bytes.len()));
        if self.bytes.len() > INBOX_BYTES_MAX {
            self.is_over = true;
            tell(Seen::Nonsense);
        }
        if self.is_over {
            self.bytes = Vec::new();
        }
    }
}

/// The head at the front, and its bytes with those of the body that it announces.
fn head(bytes: &[u8]) -> Option<(Seen<'static>, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let Some(text) = bytes.get(..end).and_then(|head| str::from_utf8(head).ok()) else {
        return Some((Seen::Nonsense, end));
    };
    let status = text
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3));
    let Some(status) = status.and_then(|status| status.parse().ok()) else {
        return Some((Seen::Nonsense, end));
    };
    if status == 101 {
        return Some((Seen::Upgraded, end));
    }
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.parse::<usize>().ok()).flatten()
    });
    let whole = end + length.unwrap_or(0);
    (bytes.len() >= whole).then_some((Seen::Status(status), whole))
}

/// The frame at the front, and its bytes.
fn frame(bytes: &[u8]) -> Option<(Seen<'_>, usize)> {
    let [first, second, rest @ ..] = bytes else {
        return None;
    };
    let (length, header) = match *second {
        126 => (usize::from(u16::from_be_bytes(*rest.first_chunk()?)), 4),
        127 => {
            let length = u64::from_be_bytes(*rest.first_chunk()?);
            (usize::try_from(length).unwrap_or(usize::MAX), 10)
        }
        short => (usize::from(short), 2),
    };
    if length > INBOX_BYTES_MAX {
        return Some((Seen::Nonsense, bytes.len()));
    }
    let payload = bytes.get(header..header + length)?;
    let seen = match *first {
        0x81 => Seen::Text(payload),
        0x89 => Seen::Ping(payload),
        0x8A => Seen::Pong,
        // RFC 6455 §7.1.5: without a code it counts as 1005.
        0x88 => Seen::Close(
            payload
                .first_chunk()
                .map_or(1005, |code| u16::from_be_bytes(*code)),
        ),
        _ => Seen::Nonsense,
    };
    Some((seen, header + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pieces: &[&[u8]]) -> Vec<String> {
        let mut inbox = Inbox::default();
        let mut told = Vec::new();
        for piece in pieces {
            inbox.receive(piece, &mut |seen| told.push(format!("{seen:?}")));
        }
        told
    }

    #[test]
    fn what_is_said_is_understood_however_it_is_cut() {
        let mut said = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n".to_vec();
        said.extend(b"\x81\x02hi\x89\x01p\x81\x7e\x00\x80");
        said.extend([b'a'; 128]);
        said.extend(b"\x88\x02\x03\xf0");
        let whole = told(&[&said]);
        assert_eq!(whole.len(), 5);
        assert_eq!(whole.first().map(String::as_str), Some("Upgraded"));
        assert_eq!(whole.last().map(String::as_str), Some("Close(1008)"));
        for cut in 0..said.len() {
            assert_eq!(told(&[&said[..cut], &said[cut..]]), whole, "{cut}");
        }
    }

    #[test]
    fn a_refusal_is_told_with_its_status_once_its_body_is_there() {
        let refusal = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(told(&[refusal]), ["Status(503)"]);
        assert!(told(&[&refusal[..refusal.len() - 1]]).is_empty());
        assert_eq!(told(&[b"SSH-2.0-x\r\n\r\n"]), ["Nonsense"]);
    }
}
