//! One room: every message goes to every member, its sender too, and each delivery is looked at and counted.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use mio::net::TcpStream;

use super::handshake::Handshake;
use super::{Work, Workloads};
use crate::options::{ClientOptions, Language};
use crate::shared::failure::Failure;
use crate::shared::frames::{self, Frame, Splitter};
use crate::shared::readiness::{Readiness, read_all, write_some};

/// How many may join before those who are there have to be heard: each newcomer is announced to all of them.
const JOINS_PER_LOOK: usize = 8;
/// Silence for this long after the last join: the announcements are over.
const QUIET: Duration = Duration::from_millis(300);
/// What a chat notice carries besides the text of the message, about.
const NOTICE_BYTES: usize = 115;

pub struct FanOut {
    readiness: Readiness,
    members: Vec<Member>,
    message: Message,
    in_flight: usize,
    window: Window,
    /// The member that speaks next: they take turns.
    speaker: usize,
}

struct Member {
    stream: TcpStream,
    splitter: Splitter,
    received: u64,
}

struct Message {
    /// As often as may be outstanding, so that one write takes them all.
    requests: Vec<u8>,
    request_bytes: usize,
    /// What a delivery is, or holds.
    expected: Vec<u8>,
    language: Language,
}

/// Which messages have reached whom, without looking at members that have nothing new.
#[derive(Default)]
struct Window {
    sent: u64,
    /// Messages that all members have.
    complete: u64,
    /// For each message after those: how many have it.
    reached: VecDeque<usize>,
}

impl FanOut {
    pub fn connect(options: &ClientOptions) -> Result<Self, Failure> {
        let (readiness, message) = (Readiness::new()?, Message::new(options));
        let members = Vec::with_capacity(options.connections);
        let window = Window::default();
        let mut room = FanOut {
            readiness,
            members,
            message,
            in_flight: options.in_flight,
            window,
            speaker: 0,
        };
        let handshake = Handshake::new(options)?;
        for index in 0..options.connections {
            let (mut stream, early) = handshake.connect(index)?;
            let mut splitter = Splitter::default();
            splitter.feed(&early, |_| Ok(()))?;
            room.readiness.add(&mut stream, index)?;
            room.members.push(Member {
                stream,
                splitter,
                received: 0,
            });
            if index % JOINS_PER_LOOK == 0 {
                room.hear(Duration::ZERO)?;
            }
        }
        while room.hear(QUIET)? {}
        Ok(room)
    }

    /// Reads what there is, or comes within `patience`; whether there was anything.
    fn hear(&mut self, patience: Duration) -> Result<bool, Failure> {
        let mut ready = Vec::new();
        self.readiness.look(&mut ready, patience)?;
        self.receive(&ready)?;
        Ok(!ready.is_empty())
    }

    /// How many bytes came for `ready`.
    fn receive(&mut self, ready: &[usize]) -> Result<u64, Failure> {
        let (message, window, everybody) = (&self.message, &mut self.window, self.members.len());
        let mut count = 0;
        for index in ready {
            let Some(Member {
                stream,
                splitter,
                received,
            }) = self.members.get_mut(*index)
            else {
                continue;
            };
            read_all(stream, &mut self.readiness.buffer, |bytes| {
                count += bytes.len() as u64;
                splitter.feed(bytes, |frame| {
                    if message.is_delivered_by(&frame)? {
                        window.reach(*received, everybody)?;
                        *received += 1;
                    }
                    Ok(())
                })
            })?;
        }
        Ok(count)
    }

    fn speak(&mut self, count: u64) -> Result<(), Failure> {
        let bytes = usize::try_from(count)
            .unwrap_or(usize::MAX)
            .saturating_mul(self.message.request_bytes);
        let Some(member) = self.members.get_mut(self.speaker) else {
            return Ok(());
        };
        let requests = self.message.requests.get(..bytes).unwrap_or_default();
        // A window of small messages always fits into an idle socket.
        if write_some(&mut member.stream, requests)? != bytes {
            return Err(Failure::Wrong(
                "the server does not read what it is told".to_owned(),
            ));
        }
        self.window.sent += count;
        self.speaker = (self.speaker + 1) % self.members.len();
        Ok(())
    }
}

impl Workloads for FanOut {
    fn run(&mut self, duration: Duration) -> Result<Work, Failure> {
        let until = Instant::now() + duration;
        let (before, in_flight) = (self.window.complete, self.in_flight as u64);
        let mut bytes = 0;
        let mut ready = Vec::new();
        self.speak(in_flight)?;
        while self.window.outstanding() > 0 {
            self.readiness.wait(&mut ready)?;
            bytes += self.receive(&ready)?;
            let free = in_flight - self.window.outstanding();
            if free > 0 && Instant::now() < until {
                self.speak(free)?;
            }
        }
        let units = (self.window.complete - before) * self.members.len() as u64;
        Ok(Work { units, bytes })
    }
}

impl Window {
    fn outstanding(&self) -> u64 {
        self.sent - self.complete
    }

    /// A member that had `received` messages has one more.
    fn reach(&mut self, received: u64, everybody: usize) -> Result<(), Failure> {
        if received >= self.sent {
            return Err(Failure::Wrong("more deliveries than messages".to_owned()));
        }
        let at = usize::try_from(received - self.complete).unwrap_or(usize::MAX);
        if self.reached.len() <= at {
            self.reached.resize(at + 1, 0);
        }
        if let Some(reached) = self.reached.get_mut(at) {
            *reached += 1;
        }
        while self.reached.front() == Some(&everybody) {
            self.reached.pop_front();
            self.complete += 1;
        }
        Ok(())
    }
}

impl Message {
    fn new(options: &ClientOptions) -> Self {
        let text: String = "ahoy, all hands on deck! "
            .chars()
            .cycle()
            .take(options.bytes)
            .collect();
        let (request, expected) = match options.language {
            Language::WebSocket => (
                frames::masked(frames::TEXT, text.as_bytes()),
                text.into_bytes(),
            ),
            Language::Bytes => {
                let frame = frames::masked(frames::TEXT, text.as_bytes());
                let payload = frame
                    .get(frame.len() - text.len()..)
                    .unwrap_or_default()
                    .to_vec();
                (frame, payload)
            }
            Language::Chat => {
                let text = text
                    .get(..options.bytes.saturating_sub(NOTICE_BYTES))
                    .unwrap_or_default()
                    .trim();
                let command = format!(r#"{{"type":"send","room":"lobby","message":"{text}"}}"#);
                (
                    frames::masked(frames::TEXT, command.as_bytes()),
                    format!(r#""message":"{text}""#).into_bytes(),
                )
            }
        };
        let requests = request.repeat(options.in_flight);
        Message {
            requests,
            request_bytes: request.len(),
            expected,
            language: options.language,
        }
    }

    /// Whether `frame` brings the message, rather than something else that a chat says.
    fn is_delivered_by(&self, frame: &Frame<'_>) -> Result<bool, Failure> {
        let holds = |part: &[u8]| {
            frame
                .payload
                .windows(part.len())
                .any(|window| window == part)
        };
        if self.language != Language::Chat {
            return if frame.payload == self.expected {
                Ok(true)
            } else {
                Err(wrong(frame))
            };
        }
        match () {
            () if frame.opcode != frames::TEXT || holds(br#""type":"error""#) => Err(wrong(frame)),
            () if !holds(br#""type":"message""#) => Ok(false),
            () if holds(&self.expected) => Ok(true),
            () => Err(wrong(frame)),
        }
    }
}

fn wrong(frame: &Frame<'_>) -> Failure {
    let payload = String::from_utf8_lossy(
        frame
            .payload
            .get(..frame.payload.len().min(120))
            .unwrap_or_default(),
    );
    Failure::Wrong(format!(
        "a delivery is wrong: opcode {}, {payload:?}",
        frame.opcode
    ))
}
