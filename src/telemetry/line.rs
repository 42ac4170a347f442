//! An event as one line. **No value can forge a field or a line**: what comes from outside stands quoted, last, and
//! with every character escaped that is not plainly visible; words of the program stand before it, unquoted.

use std::fmt::{self, Write as _};

use super::date::Rfc3339;
use super::event::{Event, Kind, Party};
use crate::config::LogFormat;
use crate::time::Wall;

/// Bytes of one value from outside that are written: an identifier has at most 128.
const VALUE_BYTES_MAX: usize = 256;
/// Bytes of a path that are written.
const PATH_BYTES_MAX: usize = 64;

/// Appends an event's line, its end included.
///
/// Of a path only the beginning is written that consists of letters, digits and `/._~-`: no query, no escape, and no
/// credential that somebody put in the wrong place.
pub fn write_event(
    line: &mut String,
    format: LogFormat,
    event: &Event<'_>,
    party: Party<'_>,
    at: Wall,
) {
    let mut fields = Fields::begin(line, format, at, event.kind().word());
    if let Some(address) = party.address {
        fields.word("address", &address.to_canonical());
    }
    // Writing to a String cannot fail, so no result is looked at here or below.
    match *event {
        Event::Started { version, listen } => {
            fields.word("version", &version);
            fields.word("listen", &listen);
        }
        Event::Stopped { connections } => fields.number("connections", connections as u64),
        Event::Reloaded { fault } => {
            fields.word("outcome", &if fault.is_none() { "done" } else { "refused" });
            fault.inspect(|fault| fields.text("reason", fault));
        }
        Event::SignedIn => {}
        Event::SignInFailed { reason }
        | Event::ProtocolViolation { reason }
        | Event::Revoked { reason }
        | Event::Flood { reason } => fields.word("reason", &reason.label()),
        Event::Limited { limit, scope } | Event::Shadowed { limit, scope } => {
            fields.word("limit", &limit);
            fields.word("scope", &scope);
        }
        Event::RequestRefused {
            code,
            limit,
            reason,
        } => {
            fields.word("code", &code);
            limit.inspect(|limit| fields.word("limit", limit));
            fields.text("reason", reason);
        }
        Event::Admin { action, is_done } => {
            fields.word("outcome", &if is_done { "done" } else { "refused" });
            fields.word("action", &action);
        }
        Event::OriginRefused { reason } | Event::ForgedAddress { reason } => {
            fields.text("reason", reason)
        }
        Event::Certificate { problem } => fields.text("reason", problem),
        Event::TlsFailed { reason } => fields.text("reason", reason),
    }
    if let Some(path) = party.path {
        fields.text("path", beginning(path));
    }
    if let Some(user) = party.user {
        fields.text("user", user);
    }
    fields.end();
}

/// Appends the line that says how many of a kind were left out.
pub fn write_left_out(line: &mut String, format: LogFormat, kind: Kind, count: u64, at: Wall) {
    let mut fields = Fields::begin(line, format, at, "left_out");
    fields.word("kind", &kind.word());
    fields.number("count", count);
    fields.end();
}

/// The part of a path that holds no query, no escape and no odd character.
fn beginning(path: &str) -> &str {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._~-".contains(&byte);
    let end = path.bytes().position(|byte| !is_plain(byte));
    let end = end.unwrap_or(path.len()).min(PATH_BYTES_MAX);
    path.get(..end).unwrap_or_default()
}

/// A line that is being written.
struct Fields<'a> {
    line: &'a mut String,
    format: LogFormat,
}

impl<'a> Fields<'a> {
    fn begin(line: &'a mut String, format: LogFormat, at: Wall, event: &str) -> Self {
        let at = Rfc3339(at);
        let _ = match format {
            LogFormat::Text => write!(line, "{at} wardroom security: event={event}"),
            LogFormat::Json => write!(line, "{{\"time\":\"{at}\",\"event\":\"{event}\""),
        };
        Fields { line, format }
    }

    /// A word of the program, or what shows itself as one: an address.
    fn word(&mut self, name: &str, word: &dyn fmt::Display) {
        let _ = match self.format {
            LogFormat::Text => write!(self.line, " {name}={word}"),
            LogFormat::Json => write!(self.line, ",\"{name}\":\"{word}\""),
        };
    }

    fn number(&mut self, name: &str, number: u64) {
        let _ = match self.format {
            LogFormat::Text => write!(self.line, " {name}={number}"),
            LogFormat::Json => write!(self.line, ",\"{name}\":{number}"),
        };
    }

    /// A value that may be anything.
    fn text(&mut self, name: &str, value: &str) {
        let (before, after) = match self.format {
            LogFormat::Text => (" ", "="),
            LogFormat::Json => (",\"", "\":"),
        };
        let _ = write!(self.line, "{before}{name}{after}");
        quote(self.line, value);
    }

    fn end(self) {
        self.line.push_str(match self.format {
            LogFormat::Text => "\n",
            LogFormat::Json => "}\n",
        });
    }
}

/// Writes `value` as a JSON string (RFC 8259 §7) that is one visible line everywhere: what is neither printable nor
/// ASCII's own is escaped, and what is too long ends in an ellipsis.
fn quote(line: &mut String, value: &str) {
    let mut end = value.len().min(VALUE_BYTES_MAX);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    line.push('"');
    for character in value.get(..end).unwrap_or_default().chars() {
        match character {
            '"' | '\\' => {
                line.push('\\');
                line.push(character);
            }
            _ if character.escape_debug().count() == 1 => line.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(line, "\\u{unit:04x}");
                }
            }
        }
    }
    if end < value.len() {
        line.push('…');
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use proptest::prelude::*;

    use super::*;
    use crate::protocol::close::CloseReason;

    /// Line ends and marks that turn text around, which are no control characters.
    const HIDDEN: [char; 5] = ['\u{2028}', '\u{2029}', '\u{202e}', '\u{2066}', '\u{feff}'];
    const AT: Wall = Wall::from_millis(1_764_000_000_123);
    const ALICE: Party<'static> = Party {
        address: Some(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7))),
        user: Some("alice"),
        path: Some("/ws/chat?token=secret"),
    };

    fn line(format: LogFormat, event: &Event<'_>, party: Party<'_>) -> String {
        let mut line = String::new();
        write_event(&mut line, format, event, party, AT);
        line
    }

    #[test]
    fn lines_are_as_the_documentation_shows_them() {
        let failed = Event::SignInFailed {
            reason: CloseReason::InvalidCredentials,
        };
        let limited = Event::Limited {
            limit: "handshakes_per_address",
            scope: "address",
        };
        for (event, text, json) in [
            (
                &failed,
                "event=sign_in_failed address=203.0.113.7 reason=invalid_credentials path=\"/ws/chat\" user=\"alice\"",
                r#""event":"sign_in_failed","address":"203.0.113.7","reason":"invalid_credentials","path":"/ws/chat","user":"alice""#,
            ),
            (
                &limited,
                "event=limited address=203.0.113.7 limit=handshakes_per_address scope=address path=\"/ws/chat\" user=\"alice\"",
                r#""event":"limited","address":"203.0.113.7","limit":"handshakes_per_address","scope":"address","path":"/ws/chat","user":"alice""#,
            ),
        ] {
            assert_eq!(
                line(LogFormat::Text, event, ALICE),
                format!("2025-11-24T16:00:00.123Z wardroom security: {text}\n")
            );
            assert_eq!(
                line(LogFormat::Json, event, ALICE),
                format!("{{\"time\":\"2025-11-24T16:00:00.123Z\",{json}}}\n")
            );
        }
    }

    #[test]
    fn what_was_left_out_is_counted_in_a_line_of_its_own() {
        let mut text = String::new();
        write_left_out(&mut text, LogFormat::Text, Kind::Flood, 12, AT);
        write_left_out(&mut text, LogFormat::Json, Kind::Flood, 12, AT);
        assert_eq!(
            text,
            "2025-11-24T16:00:00.123Z wardroom security: event=left_out kind=flood count=12\n\
             {\"time\":\"2025-11-24T16:00:00.123Z\",\"event\":\"left_out\",\"kind\":\"flood\",\"count\":12}\n"
        );
    }

    #[test]
    fn a_path_is_written_up_to_its_first_odd_character() {
        for (path, written) in [
            ("/ws/chat", "/ws/chat"),
            ("/ws/chat?token=x", "/ws/chat"),
            ("/ws/chat%3Ftoken=x", "/ws/chat"),
            ("/ws/chat;token=x", "/ws/chat"),
            ("/a\" event=flood", "/a"),
            ("/ \u{202e}", "/"),
            ("", ""),
        ] {
            assert_eq!(beginning(path), written);
        }
        assert_eq!(beginning(&"/a".repeat(500)).len(), PATH_BYTES_MAX);
    }

    #[test]
    fn an_address_that_carries_another_is_written_as_that() {
        let party = Party {
            address: Some("::ffff:203.0.113.7".parse().unwrap()),
            ..Party::default()
        };
        assert!(line(LogFormat::Text, &Event::SignedIn, party).contains("address=203.0.113.7\n"));
    }

    #[test]
    fn a_value_is_cut_at_its_bound_between_two_characters() {
        let user = "ü".repeat(VALUE_BYTES_MAX);
        let party = Party {
            user: Some(&user),
            ..Party::default()
        };
        let text = line(LogFormat::Text, &Event::SignedIn, party);
        assert!(text.ends_with("ü…\"\n"), "{text}");
        assert!(text.len() < VALUE_BYTES_MAX + 100);
    }

    proptest! {
        #[test]
        fn no_value_forges_a_line_or_a_field(user in "\\PC*|[\\x00-\\x7f]*|.*", problem in ".*") {
            let party = Party { user: Some(&user), ..ALICE };
            let event = Event::Certificate { problem: &problem };
            let json = line(LogFormat::Json, &event, party);
            let text = line(LogFormat::Text, &event, party);
            for line in [&json, &text] {
                prop_assert_eq!(line.chars().filter(|c| c.is_control()).collect::<String>(), "\n");
                let hidden = line.contains(HIDDEN);
                prop_assert!(!hidden, "{:?}", line);
            }
            let read: serde_json::Value = serde_json::from_str(&json).unwrap();
            let fields = ["time", "event", "address", "reason", "path", "user"];
            prop_assert!(read.as_object().unwrap().keys().all(|key| fields.contains(&key.as_str())));
            let whole = |value: &str| value.len() <= VALUE_BYTES_MAX;
            prop_assert!(!whole(&user) || read["user"] == user.as_str());
            prop_assert!(!whole(&problem) || read["reason"] == problem.as_str());
            // Outside of quotes there are the program's words and nothing else.
            let bare: String = text.replace("\\\\", "").replace("\\\"", "").split('"').step_by(2).collect();
            prop_assert_eq!(bare.trim_end(), "2025-11-24T16:00:00.123Z wardroom security: event=certificate \
                address=203.0.113.7 reason= path= user=");
        }
    }
}
