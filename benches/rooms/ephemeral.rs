//! Two people in a room whose messages are not kept: alone on the server, and beside many whose messages are.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::senders::{SENDERS, Senders, rooms};
use crate::server::Site;
use crate::shared::failure::{Doing, Failure};
use crate::shared::frames::{self, Splitter};
use crate::table::{Row, Size, median};
use crate::visitors::{join, open, send};

const ROUNDS: usize = 5;
const SPELL: Duration = Duration::from_millis(1500);
/// Of the configuration; what is said there is delivered and forgotten.
const ROOM: &str = "general";

/// One end of a conversation that waits for what it is told.
struct End {
    stream: TcpStream,
    splitter: Splitter,
    messages: u64,
    replies: u64,
}

struct Pair {
    speaker: End,
    listener: End,
}

pub fn measure() -> Result<Vec<Row>, Failure> {
    let site = Site::with(rooms())?;
    let running = site.start()?;
    let mut pair = Pair {
        speaker: End::connect(running.address, &site.token(SENDERS)?)?,
        listener: End::connect(running.address, &site.token(SENDERS + 1)?)?,
    };
    let mut senders = Senders::connect(&site, running.address)?;
    let mut typical = Row::new("until the other has a message, half of them", "µs");
    let mut slow = Row::new("until the other has a message, 99 of 100", "µs");
    let mut cost = Row::new("processor time of a message, beside: the rest of all", "µs");
    for _ in 0..ROUNDS {
        let before = running.process.cpu()?;
        let calm = pair.talk(SPELL)?;
        let between = running.process.cpu()?;
        let alone = senders.speak(SENDERS, SPELL)?;
        let then = running.process.cpu()?;
        let (beside, said) = thread::scope(|scope| {
            let talk = scope.spawn(|| pair.talk(SPELL));
            let said = senders.speak(SENDERS, SPELL);
            let talk = talk
                .join()
                .map_err(|_| Failure::Wrong("the pair's thread ended early".to_owned()));
            Ok::<_, Failure>((talk??, said?))
        })?;
        let after = running.process.cpu()?;
        let of_calm = between.saturating_sub(before).as_secs_f64();
        let of_kept = then.saturating_sub(between).as_secs_f64() / alone.acknowledged as f64;
        let rest = after.saturating_sub(then).as_secs_f64() - of_kept * said.acknowledged as f64;
        cost.add(Size::Small, of_calm * 1e6 / calm.len() as f64);
        cost.add(Size::Large, rest * 1e6 / beside.len() as f64);
        for (size, times) in [(Size::Small, &calm), (Size::Large, &beside)] {
            typical.add(size, median(times).unwrap_or_default());
            slow.add(size, slowest_of_a_hundred(times));
        }
    }
    Ok(vec![typical, slow, cost])
}

fn slowest_of_a_hundred(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
        .get(sorted.len() * 99 / 100)
        .copied()
        .unwrap_or_default()
}

impl Pair {
    /// One message after the other for so long; microseconds until each was heard.
    fn talk(&mut self, duration: Duration) -> Result<Vec<f64>, Failure> {
        let mut times = Vec::new();
        let began = Instant::now();
        while began.elapsed() < duration {
            let asked = Instant::now();
            self.speaker.ask(&send(ROOM))?;
            self.listener.hear(1, 0)?;
            times.push(asked.elapsed().as_secs_f64() * 1e6);
            self.speaker.hear(1, 1)?;
        }
        Ok(times)
    }
}

impl End {
    fn connect(address: SocketAddr, token: &str) -> Result<Self, Failure> {
        let (stream, early) = open(address, token)?;
        let mut end = End {
            stream,
            splitter: Splitter::default(),
            messages: 0,
            replies: 0,
        };
        end.take(&early)?;
        end.ask(&join(ROOM))?;
        end.hear(0, 1)?;
        Ok(end)
    }

    fn ask(&mut self, request: &str) -> Result<(), Failure> {
        let frame = frames::masked(frames::TEXT, request.as_bytes());
        self.stream.write_all(&frame).doing("asking")
    }

    /// Waits for so many more messages and replies.
    fn hear(&mut self, messages: u64, replies: u64) -> Result<(), Failure> {
        let mut buffer = [0; 4096];
        while self.messages < messages || self.replies < replies {
            let count = self.stream.read(&mut buffer).doing("listening")?;
            if count == 0 {
                return Err(Failure::Wrong("the server closed a connection".to_owned()));
            }
            self.take(buffer.get(..count).unwrap_or_default())?;
        }
        self.messages -= messages;
        self.replies -= replies;
        Ok(())
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let (messages, replies) = (&mut self.messages, &mut self.replies);
        self.splitter.feed(bytes, |frame| {
            let begins = |with: &str| frame.payload.starts_with(with.as_bytes());
            *messages += u64::from(begins(r#"{"type":"message""#));
            *replies += u64::from(begins(r#"{"type":"ok""#));
            Ok(())
        })
    }
}
