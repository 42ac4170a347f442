//! Two people in a room whose messages are not kept: alone on the server, and beside many whose messages are.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::nice;

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

/// As of nice(1).
const GIVING_WAY: i32 = 5;

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
    let mut waiting = Row::new("of a second, the server waits for its core", "ms");
    let mut cost = Row::new("processor time of a message, nothing else being said", "µs");
    for _ in 0..ROUNDS {
        let [before, waited_before] = [running.process.cpu()?, running.process.waited()?];
        let calm = pair.talk(SPELL)?;
        let [between, waited_between] = [running.process.cpu()?, running.process.waited()?];
        let beside = talk_beside(&mut senders, &mut pair)?;
        let waited_after = running.process.waited()?;
        let of_calm = between.saturating_sub(before).as_secs_f64();
        cost.add(Size::Small, of_calm * 1e6 / calm.len() as f64);
        let waits = [
            (Size::Small, waited_between.saturating_sub(waited_before)),
            (Size::Large, waited_after.saturating_sub(waited_between)),
        ];
        for (size, wait) in waits {
            waiting.add(size, wait.as_secs_f64() * 1e3 / SPELL.as_secs_f64());
        }
        for (size, times) in [(Size::Small, &calm), (Size::Large, &beside)] {
            typical.add(size, median(times).unwrap_or_default());
            slow.add(size, slowest_of_a_hundred(times));
        }
    }
    Ok(vec![typical, slow, waiting, cost])
}

/// The pair talks while everybody else sends, on a thread that gives way: what is measured is the server, and not the clients' core.
fn talk_beside(senders: &mut Senders, pair: &mut Pair) -> Result<Vec<f64>, Failure> {
    thread::scope(|scope| {
        let said = scope.spawn(|| {
            nice(GIVING_WAY).doing("giving way")?;
            senders.speak(SENDERS, SPELL)
        });
        let times = pair.talk(SPELL);
        let said = said.join();
        said.map_err(|_| Failure::Wrong("the senders ended early".to_owned()))??;
        times
    })
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
