//! `wardroom lint-message`: what the server would say to a message, to frames or to a request head, without a server.

use std::ffi::OsString;
use std::fmt;
use std::io::{Read, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::arguments::Settings;
use super::{Failure, load_or_default};
use crate::config::Limits;
use crate::protocol::close::CloseReason;
use crate::protocol::command::{Bounds, CommandError, tutorial, v1};
use crate::protocol::frame::{Measured, Opcode};
use crate::protocol::head::{Head, HeadScanner};
use crate::protocol::outbox::Outbox;
use crate::protocol::response::Refusal;
use crate::protocol::upgrade::Upgrade;
use crate::protocol::websocket::{Incoming, WebSocket};

/// Bytes read from standard input at most: far more than any limit lets through.
const INPUT_BYTES_MAX: u64 = 16 * 1024 * 1024;

#[derive(Debug, Args)]
pub(super) struct LintMessage {
    /// The input is what a client sends after the upgrade: WebSocket frames, masked.
    #[arg(long, conflicts_with = "upgrade")]
    frames: bool,
    /// The input is the head of a request for a WebSocket.
    #[arg(long)]
    upgrade: bool,
    /// What the messages are in.
    #[arg(long, value_enum, default_value_t = Protocol::V1)]
    protocol: Protocol,
    /// With the limits of this file instead of the defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Protocol {
    #[value(name = "wardroom.v1")]
    V1,
    Tutorial,
}

/// What the server says to it.
enum Verdict {
    Accepted,
    /// More would have to come.
    Incomplete,
    Command(CommandError),
    Closed(CloseReason),
    Refused(Refusal),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Accepted => f.write_str("accepted"),
            Verdict::Incomplete => f.write_str("incomplete"),
            Verdict::Command(error) => {
                write!(f, "refused code={}", error.code())?;
                if let Some(field) = error.field() {
                    write!(f, " field={field}")?;
                }
                write!(f, " rule={:?}", error.text())
            }
            Verdict::Closed(reason) => {
                write!(f, "refused code={} rule={:?}", reason.code(), reason.text())
            }
            Verdict::Refused(refusal) => {
                write!(
                    f,
                    "refused code={} status={}",
                    refusal.code(),
                    refusal.status()
                )?;
                write!(f, " rule={:?}", refusal.to_string())
            }
        }
    }
}

impl LintMessage {
    /// One line for each message of frames, and the verdict on the whole last.
    ///
    /// # Errors
    /// [`Failure::Operation`] when something is refused, or the input can not be read; [`Failure::Config`].
    pub(super) fn run(
        &self,
        environment: Vec<(OsString, OsString)>,
        input: &mut dyn Read,
        output: &mut dyn Write,
    ) -> Result<(), Failure> {
        let config = load_or_default(self.config.as_deref(), &self.settings.flags, environment)?;
        let limits = &config.limits;
        let bytes = read(input)?;
        let verdict = if self.upgrade {
            upgrade(&bytes, limits)
        } else if self.frames {
            self.frames(&bytes, limits, output)?
        } else {
            self.message(&bytes, limits)
        };
        writeln!(output, "{verdict}")?;
        match verdict {
            Verdict::Accepted => Ok(()),
            _ => Err(Failure::Operation("the input is not accepted".to_owned())),
        }
    }

    fn message(&self, bytes: &[u8], limits: &Limits) -> Verdict {
        if bytes.len() > limits.message_bytes_max {
            return Verdict::Closed(CloseReason::MessageTooBig);
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            return Verdict::Closed(CloseReason::InvalidUtf8);
        };
        let bounds = Bounds {
            message_characters_max: limits.message_characters_max,
            body_bytes_max: limits.message_bytes_max,
        };
        let error = match self.protocol {
            Protocol::V1 => v1::parse(text, &bounds).err().map(|refused| refused.error),
            Protocol::Tutorial => tutorial::parse(text, &bounds).err(),
        };
        error.map_or(Verdict::Accepted, Verdict::Command)
    }

    fn frames(
        &self,
        bytes: &[u8],
        limits: &Limits,
        output: &mut dyn Write,
    ) -> Result<Verdict, Failure> {
        let mut websocket = WebSocket::new(limits.message_bytes_max);
        let mut outbox = Outbox::default();
        let mut rest = bytes;
        let mut fragments = 0;
        let mut worst = Verdict::Accepted;
        while !rest.is_empty() {
            let read = websocket.measure(rest).and_then(|measured| {
                fragments = fragments_with(fragments, measured, limits)?;
                let (now, later) = rest.split_at(measured.taken);
                rest = later;
                websocket.read(now, &mut outbox)
            });
            // Pongs are of no interest here, and would be kept.
            outbox = Outbox::default();
            let (word, verdict) = match read {
                Ok(None) => continue,
                Err(reason) => return Ok(Verdict::Closed(reason)),
                Ok(Some(Incoming::Close)) => {
                    writeln!(output, "close: accepted")?;
                    break;
                }
                Ok(Some(Incoming::Text(text))) => {
                    ("text", self.message(&text.into_bytes(), limits))
                }
                Ok(Some(Incoming::Binary(_))) => {
                    return Ok(Verdict::Closed(CloseReason::BinaryNotAccepted));
                }
                Ok(Some(Incoming::Ping)) => ("ping", Verdict::Accepted),
                Ok(Some(Incoming::Pong)) => ("pong", Verdict::Accepted),
            };
            writeln!(output, "{word}: {verdict}")?;
            if !matches!(verdict, Verdict::Accepted) {
                worst = verdict;
            }
        }
        Ok(worst)
    }
}

/// Fragments of the message that is arriving, as a session counts them.
fn fragments_with(before: u32, measured: Measured, limits: &Limits) -> Result<u32, CloseReason> {
    let fragments = match measured.header.map(|header| header.opcode) {
        Some(Opcode::Continuation) => before + 1,
        Some(Opcode::Text | Opcode::Binary) => 1,
        Some(Opcode::Close | Opcode::Ping | Opcode::Pong) | None => before,
    };
    if fragments > limits.fragments_per_message_max {
        return Err(CloseReason::TooManyFragments);
    }
    Ok(fragments)
}

fn upgrade(bytes: &[u8], limits: &Limits) -> Verdict {
    let end = match HeadScanner::new(limits.head_bytes_max).find_end(bytes) {
        Ok(Some(end)) => end,
        Ok(None) => return Verdict::Incomplete,
        Err(refusal) => return Verdict::Refused(refusal),
    };
    let head = bytes.get(..end).unwrap_or(bytes);
    let parsed = Head::parse(head, limits.head_fields_max);
    match parsed.and_then(|head| Upgrade::from_head(&head).map(drop)) {
        Ok(()) => Verdict::Accepted,
        Err(refusal) => Verdict::Refused(refusal),
    }
}

fn read(input: &mut dyn Read) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = input.take(INPUT_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::Operation(format!("standard input: {error}")))?;
    if bytes.len() as u64 > INPUT_BYTES_MAX {
        let text = format!("standard input: more than {INPUT_BYTES_MAX} bytes");
        return Err(Failure::Operation(text));
    }
    Ok(bytes)
}
