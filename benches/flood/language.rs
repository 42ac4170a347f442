//! What a server is told and how it is understood, as bytes. Opens nothing and knows no server but by its language.

use wardroom::protocol::client::{masked, text, upgrade_request};

/// The longest ping there may be (RFC 6455 §5.5), so that as much has to be answered.
const PING: [u8; 125] = [b'z'; 125];

/// How a server wants to be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Subprotocol `wardroom.v1`, the token in a header.
    Wardroom,
    /// The tutorial's: the client's id in the path, the token in the query.
    Tutorial,
    /// Texts that go to everybody as they are, the token in the query.
    Plain,
}

impl Language {
    /// Where `user` asks for the chat with `token`, and what else they show.
    fn request(self, user: &str, token: &str) -> (String, String) {
        match self {
            Language::Wardroom => {
                let credential = format!("Authorization: Bearer {token}\r\n");
                let fields = format!("{credential}Sec-WebSocket-Protocol: wardroom.v1\r\n");
                ("/ws/chat".to_owned(), fields)
            }
            Language::Tutorial => (format!("/ws/chat/{user}?token={token}"), String::new()),
            Language::Plain => (format!("/ws/chat?token={token}"), String::new()),
        }
    }

    /// The whole upgrade.
    pub fn upgrade(self, user: &str, token: &str) -> String {
        let (target, fields) = self.request(user, token);
        upgrade_request(&target, &fields)
    }

    /// A request whose head never ends, as far as it goes without padding.
    pub fn endless_head(self) -> String {
        let (target, _) = self.request("slow", "none");
        format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nX-Padding: ")
    }

    /// The text that says `message` to everybody.
    pub fn say(self, message: &str) -> String {
        match self {
            Language::Wardroom => {
                format!("{{\"type\":\"send\",\"room\":\"lobby\",\"message\":\"{message}\"}}")
            }
            Language::Tutorial | Language::Plain => format!("{{\"message\":\"{message}\"}}"),
        }
    }

    /// A text whose long or quick answer goes to whoever asks and to nobody else, where there is one.
    pub fn question(self) -> Option<&'static str> {
        match self {
            Language::Wardroom => Some("{\"type\":\"members\",\"room\":\"lobby\"}"),
            // It is told that a message can not be empty.
            Language::Tutorial => Some("{\"message\":\"\"}"),
            Language::Plain => None,
        }
    }

    /// The frame that asks something; a ping where nothing else is answered.
    pub fn ask(self) -> Vec<u8> {
        self.question().map_or_else(|| masked(0x89, &PING), text)
    }
}

/// Words that are found again in whatever a server wraps them in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// Somebody of the group, the message of this number.
    Talker(usize),
    /// The newcomer of this number.
    Newcomer(usize),
}

const TALKER: &str = "honest ";
const NEWCOMER: &str = "newcomer ";

impl Words {
    pub fn text(self) -> String {
        match self {
            Words::Talker(number) => format!("{TALKER}{number}."),
            Words::Newcomer(number) => format!("{NEWCOMER}{number}."),
        }
    }

    /// What of it `heard` brings; `None` for whatever else is said in a room.
    pub fn find(heard: &[u8]) -> Option<Self> {
        number_after(heard, TALKER)
            .map(Words::Talker)
            .or_else(|| number_after(heard, NEWCOMER).map(Words::Newcomer))
    }
}

/// The number behind `mark`, up to a full stop.
fn number_after(text: &[u8], mark: &str) -> Option<usize> {
    let mark = mark.as_bytes();
    let at = text.windows(mark.len()).position(|part| part == mark)? + mark.len();
    let rest = text.get(at..)?;
    let end = rest.iter().position(|byte| *byte == b'.')?;
    str::from_utf8(rest.get(..end)?).ok()?.parse().ok()
}

/// The same token with a signature of the same length that is wrong.
pub fn spoilt(token: &str) -> String {
    let (rest, signature) = token.rsplit_once('.').unwrap_or((token, ""));
    let signature: String = signature.chars().rev().collect();
    format!("{rest}.{signature}")
}
