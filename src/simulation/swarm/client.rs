//! A virtual client: what it has asked and not heard of, what it believes, and how it behaves.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::pace::Pace;
use super::script::{HONEST, Manner, Tab};
use crate::config::{Limits, Rate};
use crate::id::ConnectionId;
use crate::time::{Instant, Wall};

/// Errors after which somebody honest waits: fewer than the server tells of.
const ERRORS: Rate = Rate::new(6, Duration::from_secs(10));

/// How much longer than it stood still the server waits for what was to come by then.
pub const LISTENED: Duration = Duration::from_secs(1);

/// A request without a reply.
#[derive(Debug, Clone)]
pub struct Request {
    pub kind: &'static str,
    pub room: String,
    /// The text of a `send`, the user of an act, the affiliation given.
    pub text: String,
    pub key: Option<String>,
    pub since: Option<u64>,
    pub asked: Instant,
}

/// Where a client believes itself to be with a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seat {
    /// What begins at this byte of all that was received or later must not be of the room.
    Out { from: usize },
    /// `next`: the number that must come next, if it is known.
    In {
        next: Option<u64>,
        /// Numbers that were said to be missing, and are left out where they would come.
        gap: Option<(u64, u64)>,
    },
}

/// What the server lets through of one connection, as the oracle counts it: never too little.
#[derive(Debug)]
pub struct Metered {
    pub bytes: Pace,
    pub pongs: Pace,
    /// What was read at this moment.
    pub read_now: Vec<u64>,
    /// Until then it owes for what was read, and nothing more is.
    pub owes_until: Instant,
}

impl Metered {
    fn new(limits: &Limits) -> Self {
        Metered {
            bytes: Pace::generous(limits.bytes_per_connection),
            pongs: Pace::generous(limits.control_frames_per_connection),
            read_now: Vec::new(),
            owes_until: Instant::ZERO,
        }
    }
}

/// One connection of one person.
#[derive(Debug)]
pub struct Link {
    pub number: usize,
    pub id: ConnectionId,
    pub tab: Tab,
    pub user: String,
    pub address: String,
    pub is_tutorial: bool,
    pub manner: Manner,
    /// Whether its socket takes whatever comes, and has taken whatever came; whether it is about to.
    pub is_free: bool,
    pub is_freed: bool,
    /// Whether it is honest, and the network has done nothing to it that would make it look otherwise.
    pub is_exact: bool,
    /// Whether it has sent something without an id, or that is no request.
    pub has_lied: bool,
    pub is_upgraded: bool,
    pub is_open: bool,
    /// The status of an answer other than the upgrade.
    pub refused: Option<u16>,
    /// Code and reason of the server's close frame.
    pub told_close: Option<(u16, String)>,
    /// Whether it has ended the connection itself.
    pub has_gone: bool,
    pub opened: Instant,
    /// Since when it is expected to do something: when it was opened, or took again what it is sent, and later if the server's process stood still.
    pub watched: Instant,
    /// How long its credential is good from the moment at which it is looked at; zero: without end.
    pub life: Duration,
    pub expires: Option<Wall>,
    /// Errors that it may still be told of before it falls silent for a while, as somebody honest would.
    pub errors: Pace,
    /// What it has left, if it is honest, of what one connection may do: messages, bytes, control frames.
    pub messages: Pace,
    pub bytes: Pace,
    pub control: Pace,
    /// What the oracle counts of it.
    pub metered: Metered,
    /// When it sent a ping that has no pong, and whether nothing was on its way before that: a frame is counted when its first bytes come.
    pub pinged: Option<(Instant, bool)>,
    /// How often the date had been set when it was opened.
    pub jumps: u64,
    /// When the server last took a byte of it.
    pub last_taken: Instant,
    /// Since when it has read nothing of what waits, and what comes first of that.
    pub stuck: Option<(Instant, Vec<u8>)>,
    pub ended_since: Option<Instant>,
    pub pending: BTreeMap<u64, Request>,
    /// What it has said in each room in the tutorial's protocol, and not heard itself: by saying something there it comes to be there.
    pub spoken: BTreeMap<String, BTreeSet<String>>,
    /// When something was last said in the tutorial's protocol, which has no replies.
    pub last_said: Instant,
    pub seats: BTreeMap<String, Seat>,
    /// Nothing but the end is told in what begins at this byte or later: the credential was taken back.
    pub revoked_from: Option<usize>,
    /// Bytes received up to the end of the turn before, and of those the ones that the world has forgotten.
    pub received: usize,
    pub forgotten: usize,
    /// Bytes handed to the server's socket, and those of them that it has read.
    pub sent: u64,
    pub read: u64,
    /// The network breaks it when so many bytes were sent; with an end instead of a reset if that is so.
    pub severed_at: Option<(u64, bool)>,
    /// Until then nothing passes.
    pub parted_until: Option<Instant>,
}

impl Link {
    /// One that is about to ask for the chat.
    pub fn new(
        number: usize,
        id: ConnectionId,
        (tab, user, address): (Tab, &str, String),
        limits: &Limits,
        now: Instant,
    ) -> Self {
        Link {
            number,
            id,
            tab,
            user: user.to_owned(),
            address,
            is_tutorial: false,
            manner: Manner::Good,
            is_free: true,
            is_freed: false,
            is_exact: false,
            has_lied: false,
            is_upgraded: false,
            is_open: false,
            refused: None,
            told_close: None,
            has_gone: false,
            opened: now,
            watched: now,
            life: Duration::ZERO,
            expires: None,
            errors: Pace::new(ERRORS),
            messages: Pace::new(limits.messages_per_connection),
            bytes: Pace::new(limits.bytes_per_connection),
            control: Pace::new(limits.control_frames_per_connection),
            metered: Metered::new(limits),
            pinged: None,
            jumps: 0,
            last_taken: now,
            stuck: None,
            ended_since: None,
            pending: BTreeMap::new(),
            spoken: BTreeMap::new(),
            last_said: now,
            seats: BTreeMap::new(),
            revoked_from: None,
            received: 0,
            forgotten: 0,
            sent: 0,
            read: 0,
            severed_at: None,
            parted_until: None,
        }
    }

    /// Whether it may be used to say something.
    pub fn is_usable(&self) -> bool {
        self.is_open && self.told_close.is_none() && !self.has_gone
    }

    /// The server's process stood still for so long: what it had to do in that time may be as late, and it listens a moment more.
    pub fn forgive(&mut self, time: Duration) {
        let later = |at: &mut Instant| *at = *at + time + LISTENED;
        later(&mut self.watched);
        later(&mut self.last_taken);
        self.stuck.as_mut().map(|(since, _)| since).map(later);
        self.ended_since.as_mut().map(later);
    }

    /// What was sent before may reach the server only now, which counts it now: nothing is left.
    pub fn spend_all(&mut self, now: Instant) {
        for pace in [&mut self.messages, &mut self.bytes, &mut self.control] {
            pace.spend_all(now);
        }
    }

    /// Whether a join of this room was asked and not answered, or something said there that may come to it still.
    pub fn is_coming(&self, room: &str) -> bool {
        let has_spoken = self.spoken.get(room).is_some_and(|said| !said.is_empty());
        let mut pending = self.pending.values();
        has_spoken || pending.any(|asked| asked.kind == "join" && asked.room == room)
    }

    /// Whether whose it is heeds every rate.
    pub fn heeds_rates(&self) -> bool {
        usize::from(self.tab.who) < HONEST
    }
}
