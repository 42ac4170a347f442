//! What a virtual client has seen: the bytes the server sent it, as responses, frames and an end.

use std::net::SocketAddr;

use serde_json::Value;

use super::recording::Recording;

/// How a connection looks from the client's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Both directions are open.
    Open,
    /// The server has shut its writing side.
    HalfClosed,
    /// The server's socket is closed.
    Closed,
}

/// One frame from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub opcode: u8,
    pub payload: Vec<u8>,
}

/// One HTTP response from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    /// Status line and field lines.
    pub head: String,
    pub body: String,
}

impl Response {
    /// The value of the first field of this name.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The body, parsed; null when it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

/// A virtual client: a socket without a network.
#[derive(Debug)]
pub struct Client {
    pub(super) peer: SocketAddr,
    /// Bytes sent that the server has not read yet.
    pub(super) in_flight: Vec<u8>,
    pub(super) hung_up: bool,
    /// Bytes the client's socket takes before it is full; a slow reader has few.
    pub(super) window: usize,
    /// The server has more to write than the window took.
    pub(super) blocked: bool,
    recording: Recording,
    received: Vec<u8>,
    taken: usize,
    pub(super) ending: Ending,
}

impl Client {
    pub(super) fn new(peer: SocketAddr) -> Self {
        Client {
            peer,
            in_flight: Vec::new(),
            hung_up: false,
            window: usize::MAX,
            blocked: false,
            recording: Recording::default(),
            received: Vec::new(),
            taken: 0,
            ending: Ending::Open,
        }
    }

    /// Sends bytes that the server reads when it comes to it.
    pub(super) fn queue(&mut self, bytes: &[u8]) {
        self.recording.note(bytes);
        self.in_flight.extend_from_slice(bytes);
    }

    /// The address it connects from.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Whether and how the server has ended the connection.
    pub fn ending(&self) -> Ending {
        self.ending
    }

    /// Bytes the server has sent, taken or not.
    pub fn received_bytes(&self) -> usize {
        self.received.len()
    }

    /// Every byte the server has sent, taken or not.
    pub fn received(&self) -> &[u8] {
        &self.received
    }

    /// The bytes the server has sent that nobody took.
    pub fn untaken(&self) -> &[u8] {
        self.received.get(self.taken..).unwrap_or_default()
    }

    /// Takes one HTTP response: its status and its body; `None` while none is complete.
    pub fn take_response(&mut self) -> Option<(u16, String)> {
        let response = self.take_whole_response()?;
        Some((response.status, response.body))
    }

    /// Takes one HTTP response; `None` while none is complete.
    pub fn take_whole_response(&mut self) -> Option<Response> {
        let mut response = self.peek_head()?;
        let body_bytes = response
            .field("Content-Length")
            .map_or(Some(0), |length| length.parse::<usize>().ok())?;
        let begin = self.taken + response.head.len();
        let body = self.received.get(begin..begin + body_bytes)?;
        response.body = String::from_utf8_lossy(body).into_owned();
        self.taken = begin + body_bytes;
        Some(response)
    }

    /// Takes the response to a request by HEAD, which has no body whatever its fields say.
    pub fn take_head(&mut self) -> Option<Response> {
        let response = self.peek_head()?;
        self.taken += response.head.len();
        Some(response)
    }

    fn peek_head(&self) -> Option<Response> {
        let rest = self.received.get(self.taken..)?;
        let head_bytes = rest.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = String::from_utf8_lossy(rest.get(..head_bytes)?).into_owned();
        let status = head.get(9..12)?.parse().ok()?;
        Some(Response {
            status,
            head,
            body: String::new(),
        })
    }

    /// Takes one frame; `None` while none is complete.
    pub fn take_frame(&mut self) -> Option<Frame> {
        let rest = self.received.get(self.taken..)?;
        let [first, second, ..] = *rest else {
            return None;
        };
        assert_eq!(
            first & 0xF0,
            0x80,
            "the server fragments nothing and sets no reserved bit"
        );
        assert_eq!(second & 0x80, 0, "a server never masks (RFC 6455 §5.1)");
        let (header_bytes, payload_bytes) = match second {
            126 => (
                4,
                usize::from(u16::from_be_bytes(*rest.get(2..)?.first_chunk()?)),
            ),
            127 => (
                10,
                u64::from_be_bytes(*rest.get(2..)?.first_chunk()?) as usize,
            ),
            short => (2, usize::from(short)),
        };
        let payload = rest
            .get(header_bytes..header_bytes + payload_bytes)?
            .to_vec();
        self.taken += header_bytes + payload_bytes;
        Some(Frame {
            opcode: first & 0x0F,
            payload,
        })
    }

    /// Takes every complete frame.
    pub fn take_frames(&mut self) -> Vec<Frame> {
        std::iter::from_fn(|| self.take_frame()).collect()
    }

    /// Takes every complete frame and gives the text messages among them, parsed.
    pub fn take_notices(&mut self) -> Vec<Value> {
        self.take_frames()
            .into_iter()
            .filter(|frame| frame.opcode == 1)
            .map(|frame| serde_json::from_slice(&frame.payload).expect("the server speaks JSON"))
            .collect()
    }

    /// Ends its own side, which the server learns in the next turn.
    pub fn end_input(&mut self) {
        self.hung_up = true;
    }

    /// Takes every complete frame and gives code and reason of the close frame among them.
    pub fn take_close(&mut self) -> Option<(u16, String)> {
        let frames = self.take_frames();
        let close = frames.into_iter().find(|frame| frame.opcode == 8)?;
        let (code, reason) = close.payload.split_first_chunk::<2>()?;
        Some((
            u16::from_be_bytes(*code),
            String::from_utf8_lossy(reason).into_owned(),
        ))
    }

    /// Throws away what has been received, taken or not.
    pub fn forget_received(&mut self) {
        self.received.clear();
        self.taken = 0;
    }

    /// Lets at most `bytes` more through before the client's socket is full.
    pub fn set_window(&mut self, bytes: usize) {
        self.window = bytes;
    }

    pub(super) fn deliver(&mut self, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
        self.window = self.window.saturating_sub(bytes.len());
    }
}
