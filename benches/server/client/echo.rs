//! Each connection keeps a number of messages outstanding, and every byte that comes back is compared.

use std::time::{Duration, Instant};

use mio::net::TcpStream;

use super::handshake::Handshake;
use super::{Work, Workloads};
use crate::options::{ClientOptions, Language};
use crate::shared::failure::Failure;
use crate::shared::frames;
use crate::shared::readiness::{Readiness, read_all, write_some};

pub struct Echo {
    readiness: Readiness,
    lines: Vec<Line>,
    in_flight: usize,
}

/// One connection. It always says the same, so what it sends and must receive are two cycles of bytes.
struct Line {
    stream: TcpStream,
    /// The request as often as may be outstanding, so that one write takes them all.
    requests: Vec<u8>,
    request_bytes: usize,
    /// Where in the cycle the next byte to send stands, and how many are due.
    sent: usize,
    unsent: usize,
    reply: Vec<u8>,
    /// How much of the current reply has come.
    matched: usize,
    outstanding: usize,
}

impl Echo {
    pub fn connect(options: &ClientOptions) -> Result<Self, Failure> {
        let readiness = Readiness::new()?;
        let handshake = Handshake::new(options)?;
        let mut lines = Vec::with_capacity(options.connections);
        for index in 0..options.connections {
            let (mut stream, early) = handshake.connect(index)?;
            if !early.is_empty() {
                return Err(Failure::Wrong(
                    "the server spoke before it was spoken to".to_owned(),
                ));
            }
            readiness.add(&mut stream, index)?;
            lines.push(Line::new(stream, index, options));
        }
        Ok(Echo {
            readiness,
            lines,
            in_flight: options.in_flight,
        })
    }
}

impl Workloads for Echo {
    fn run(&mut self, duration: Duration) -> Result<Work, Failure> {
        let until = Instant::now() + duration;
        let mut work = Work { units: 0, bytes: 0 };
        let mut ready = Vec::new();
        for line in &mut self.lines {
            line.ask(self.in_flight)?;
        }
        let mut outstanding = self.lines.len() * self.in_flight;
        while outstanding > 0 {
            self.readiness.wait(&mut ready)?;
            let goes_on = Instant::now() < until;
            for index in &ready {
                let Some(line) = self.lines.get_mut(*index) else {
                    continue;
                };
                let replies = line.receive(&mut self.readiness.buffer)?;
                work.units += replies as u64;
                work.bytes += (replies * line.reply.len()) as u64;
                let next = if goes_on { replies } else { 0 };
                outstanding -= replies - next;
                line.ask(next)?;
            }
        }
        Ok(work)
    }
}

impl Line {
    fn new(stream: TcpStream, index: usize, options: &ClientOptions) -> Self {
        let payload = payload(index, options.bytes);
        let request = frames::masked(frames::BINARY, &payload);
        let reply = match options.language {
            Language::Bytes => request.clone(),
            Language::WebSocket | Language::Chat => frames::unmasked(frames::BINARY, &payload),
        };
        let requests = request.repeat(options.in_flight);
        let request_bytes = request.len();
        Line {
            stream,
            requests,
            request_bytes,
            sent: 0,
            unsent: 0,
            reply,
            matched: 0,
            outstanding: 0,
        }
    }

    /// Sends `count` more messages, and what was still due.
    fn ask(&mut self, count: usize) -> Result<(), Failure> {
        self.outstanding += count;
        self.unsent += count * self.request_bytes;
        while self.unsent > 0 {
            let end = self.requests.len().min(self.sent + self.unsent);
            let written = write_some(
                &mut self.stream,
                self.requests.get(self.sent..end).unwrap_or_default(),
            )?;
            self.unsent -= written;
            self.sent = (self.sent + written) % self.request_bytes;
            if written == 0 {
                break;
            }
        }
        Ok(())
    }

    /// How many replies have become complete.
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let (reply, matched) = (&self.reply, &mut self.matched);
        let mut replies = 0;
        read_all(&mut self.stream, buffer, |mut bytes| {
            while !bytes.is_empty() {
                let expected = reply.get(*matched..).unwrap_or_default();
                let (now, later) = bytes.split_at(expected.len().min(bytes.len()));
                if !expected.starts_with(now) {
                    return Err(Failure::Wrong(
                        "an echo differs from what was said".to_owned(),
                    ));
                }
                *matched += now.len();
                if *matched == reply.len() {
                    *matched = 0;
                    replies += 1;
                }
                bytes = later;
            }
            Ok(())
        })?;
        if replies > self.outstanding {
            return Err(Failure::Wrong("more echoes than messages".to_owned()));
        }
        self.outstanding -= replies;
        Ok(replies)
    }
}

/// Different on every connection.
fn payload(index: usize, bytes: usize) -> Vec<u8> {
    format!("connection {index} says what it always says; ")
        .into_bytes()
        .into_iter()
        .cycle()
        .take(bytes)
        .collect()
}
