//! A virtual client: what it has asked and not heard of, what it believes, and how it behaves.

use std::collections::{BTreeMap, BTreeSet};

use super::script::{HONEST, Manner, Tab};
use std::time::Duration;

use crate::config::Rate;
use crate::id::ConnectionId;
use crate::time::{Instant, Wall};

/// Errors after which somebody honest waits: fewer than the server tells of.
const ERRORS: Rate = Rate::new(6, Duration::from_secs(10));

/// A request without a reply.
#[derive(Debug, Clone)]
pub struct Request {
    pub kind: &'static str,
    pub room: String,
    /// The text of a `send`, the user of an act, the affiliation given.
    pub text: String,
    pub key: Option<String>,
    pub since: Option<u64>,
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

/// One connection of one person.
#[derive(Debug)]
pub struct Link {
    pub number: usize,
    pub id: ConnectionId,
    pub tab: Tab,
    pub user: String,
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
    /// Since when it is expected to do something: when it was opened, and later if the server's process stood still.
    pub watched: Instant,
    /// How long its credential is good from the moment at which it is looked at; zero: without end.
    pub life: Duration,
    pub expires: Option<Wall>,
    /// Errors that it may still be told of before it falls silent for a while, as somebody honest would.
    pub errors: Pace,
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
    pub fn new(number: usize, id: ConnectionId, tab: Tab, user: &str, now: Instant) -> Self {
        Link {
            number,
            id,
            tab,
            user: user.to_owned(),
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
            jumps: 0,
            last_taken: now,
            stuck: None,
            ended_since: None,
            pending: BTreeMap::new(),
            spoken: BTreeMap::new(),
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

    /// The server's process stood still for so long: what it had to do in that time may be as late.
    pub fn forgive(&mut self, time: Duration) {
        let later = |at: &mut Instant| *at = *at + time;
        later(&mut self.watched);
        later(&mut self.last_taken);
        self.stuck.as_mut().map(|(since, _)| since).map(later);
        self.ended_since.as_mut().map(later);
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

/// What somebody who heeds a rate has left of it, counted as the documents say.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    rate: Rate,
    /// In parts of a token, of which there are as many as nanoseconds in which the bucket fills.
    level: u128,
    last: Instant,
}

impl Pace {
    /// A full one.
    pub fn new(rate: Rate) -> Self {
        Pace {
            rate,
            level: rate.per.as_nanos() * u128::from(rate.burst),
            last: Instant::ZERO,
        }
    }

    /// Has nothing left at this moment: what was taken before may reach the server only now, which counts it now.
    pub fn spend_all(&mut self, now: Instant) {
        self.level = 0;
        self.last = now;
    }

    /// Gives a token back that was not used after all.
    pub fn give_back(&mut self) {
        let token = self.rate.per.as_nanos();
        let full = token * u128::from(self.rate.burst);
        self.level = (self.level + token).min(full);
    }

    /// Whether there are so many tokens.
    pub fn has(&self, tokens: u64, now: Instant) -> bool {
        let mut pace = *self;
        (0..tokens).all(|_| pace.take(now).is_ok())
    }

    /// Takes a token if there is one; when there will be one otherwise.
    pub fn take(&mut self, now: Instant) -> Result<(), Instant> {
        let token = self.rate.per.as_nanos();
        let burst = u128::from(self.rate.burst);
        let passed = now.since(self.last).as_nanos();
        self.last = now;
        self.level = (self.level + passed * burst).min(token * burst);
        // Where tokens do not divide the time, the server rounds in its own favour.
        let rounding = if token.is_multiple_of(burst) {
            0
        } else {
            burst * 1000
        };
        match self.level.checked_sub(token) {
            Some(left) if left >= rounding => {
                self.level = left;
                Ok(())
            }
            _ => {
                let missing = (token + rounding - self.level).div_ceil(burst);
                Err(now + Duration::from_nanos(missing as u64))
            }
        }
    }
}
