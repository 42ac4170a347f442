//! The attackers: one thread, one poll, as many sockets as the attack says, all bounded by `bounds`.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mio::{Events, Poll, Token};

use super::attack::{Aim, Attack, End, Entry, Outcome, Pace};
use super::bounds::{
    CONNECTS_PER_SECOND_MAX, ERROR_WORDS_MAX, QUEUE_BYTES, SHOTS_BEFORE_OTHERS, USERS_MAX,
};
use super::clock::Clock;
use super::inbox::{Inbox, Seen};
use super::peer::{Flow, Peer};
use super::{Ground, machine};
use crate::protocol::client::{masked, upgrade_request};
use crate::time::Instant;

const TICK: Duration = Duration::from_millis(2);
/// Sockets looked at in one round.
const EVENTS_MAX: usize = 1024;
/// An answer that is not there after this time is none.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(1);
/// How late the end of a deadline may be noticed.
const DEADLINE_SLACK: Duration = Duration::from_secs(2);
/// Connections begun in one tick.
const CONNECTS_PER_TICK_MAX: u32 = 64;

/// What one attack did, and what came back.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) connections: u64,
    pub(super) shots: u64,
    /// Of all shots.
    pub(super) bytes: u64,
    pub(super) outcomes: BTreeMap<Outcome, u64>,
    /// Errors that the server told, by code.
    pub(super) errors: BTreeMap<String, u64>,
}

/// One connection.
struct Bot {
    assault: usize,
    number: u64,
    peer: Peer,
    inbox: Inbox,
    is_in: bool,
    /// The server has answered something.
    is_answered: bool,
    /// It has taken the upgrade.
    is_upgraded: bool,
    /// When it was found to be connected, and before that when it began to be.
    began: Instant,
    is_connected: bool,
    shots: u64,
    next: Instant,
    has_ended: bool,
    last_word: Option<Outcome>,
}

/// One attack under way.
struct Assault<'a> {
    attack: &'a Attack,
    open: usize,
    allowance: f64,
    tally: Tally,
    /// A good and an expired token of each user, as they were needed.
    tokens: BTreeMap<u32, (String, String)>,
    ticket: String,
}

pub(super) struct Swarm<'a> {
    ground: &'a Ground<'a>,
    poll: Poll,
    bots: Vec<Option<Bot>>,
    free: Vec<usize>,
    assaults: Vec<Assault<'a>>,
    buffer: Vec<u8>,
}

/// Lets `attacks` run until `stop`, and says what came of each.
pub(super) fn run<'a>(
    ground: &'a Ground<'a>,
    clock: Clock,
    attacks: &'a [Attack],
    stop: &AtomicBool,
) -> io::Result<Vec<Tally>> {
    machine::stand_back();
    let mut swarm = Swarm {
        ground,
        poll: Poll::new()?,
        bots: Vec::new(),
        free: Vec::new(),
        assaults: attacks
            .iter()
            .map(|attack| Assault::new(attack, ground))
            .collect(),
        buffer: vec![0; 64 * 1024],
    };
    let mut events = Events::with_capacity(EVENTS_MAX);
    let mut before = clock.now();
    // When all was looked at that had come. On a busy machine attackers wait too, and what they have not looked at is not missing.
    let mut seen = before;
    while !stop.load(Ordering::Relaxed) {
        let now = clock.now();
        swarm.connect_more(now, now.since(before));
        before = now;
        let is_busy = swarm.shoot(now);
        let wait = if is_busy { Duration::ZERO } else { TICK };
        match swarm.poll.poll(&mut events, Some(wait)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        let looked = clock.now();
        for event in &events {
            swarm.look(event.token().0, event.is_writable(), looked);
            machine::give_way();
        }
        if events.iter().count() < EVENTS_MAX {
            seen = looked;
        }
    }
    Ok(swarm.end(seen))
}

impl<'a> Assault<'a> {
    fn new(attack: &'a Attack, ground: &Ground<'_>) -> Self {
        Assault {
            attack,
            open: 0,
            allowance: 1.0,
            tally: Tally::default(),
            tokens: BTreeMap::new(),
            ticket: if attack.has_ticket {
                ground.ticket()
            } else {
                String::new()
            },
        }
    }

    fn user(&self, connection: u64) -> u32 {
        let users = match self.attack.entry {
            Entry::SignedIn(users) => users,
            Entry::Raw => 1,
        };
        (connection % u64::from(users.clamp(1, USERS_MAX))) as u32
    }

    fn end_of(&mut self, bot: &Bot, otherwise: Outcome) {
        self.open -= 1;
        let outcome = bot.last_word.unwrap_or(otherwise);
        *self.tally.outcomes.entry(outcome).or_insert(0) += 1;
    }

    fn note_error(&mut self, text: &[u8]) {
        let Some(code) = error_code(text) else { return };
        let errors = &mut self.tally.errors;
        if errors.len() < ERROR_WORDS_MAX || errors.contains_key(code) {
            *errors.entry(code.to_owned()).or_insert(0) += 1;
        }
    }
}

/// The `code` of an error of either protocol, and what else limits do to an answer.
fn error_code(text: &[u8]) -> Option<&str> {
    const MARK: &str = "\"code\":\"";
    let text = str::from_utf8(text).ok()?;
    if text.ends_with("\"truncated\":true}") {
        return Some("truncated");
    }
    if !text.starts_with("{\"type\":\"error\"") && !text.starts_with("{\"error\"") {
        return None;
    }
    let (_, rest) = text.split_once(MARK)?;
    let code = rest.split('"').next()?;
    let is_word = code.len() <= 40 && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    is_word.then_some(code)
}

impl Swarm<'_> {
    /// Opens what is missing, at the attack's rate.
    fn connect_more(&mut self, now: Instant, passed: Duration) {
        for at in 0..self.assaults.len() {
            let Some(assault) = self.assaults.get_mut(at) else {
                continue;
            };
            let rate = assault
                .attack
                .connects_per_second
                .min(CONNECTS_PER_SECOND_MAX);
            let allowed = assault.allowance + passed.as_secs_f64() * f64::from(rate);
            assault.allowance = allowed.min(f64::from(CONNECTS_PER_TICK_MAX));
            while self.wants_another(at) {
                if self.connect(at, now).is_err() {
                    // No descriptor or no port: the next tick tries again.
                    break;
                }
                machine::give_way();
            }
        }
    }

    fn wants_another(&mut self, at: usize) -> bool {
        let sockets_max = self.ground.sockets_max;
        let all = self.bots.len() - self.free.len();
        let Some(assault) = self.assaults.get_mut(at) else {
            return false;
        };
        let attack = assault.attack;
        let is_first = assault.tally.connections < attack.sockets as u64;
        if assault.open >= attack.sockets
            || all >= sockets_max
            || assault.allowance < 1.0
            || !(attack.again || is_first)
        {
            return false;
        }
        assault.allowance -= 1.0;
        true
    }

    fn connect(&mut self, at: usize, now: Instant) -> io::Result<()> {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.bots.push(None);
            self.bots.len() - 1
        });
        let Some(assault) = self.assaults.get_mut(at) else {
            return Ok(());
        };
        let attack = assault.attack;
        let number = assault.tally.connections;
        let source = attack.from.source(self.ground.network, number);
        let registry = self.poll.registry();
        let way = if attack.wire.is_bare() {
            self.ground.bare_way()
        } else {
            self.ground.way()
        };
        let peer = Peer::connect(way, Some(source), !attack.reads, registry, Token(slot));
        let mut peer = match peer {
            Ok(peer) => peer,
            Err(error) => {
                self.free.push(slot);
                return Err(error);
            }
        };
        assault.open += 1;
        assault.tally.connections += 1;
        if attack.entry != Entry::Raw {
            let user = assault.user(number);
            let (token, _) = assault
                .tokens
                .entry(user)
                .or_insert_with(|| self.ground.tokens(attack.name, user));
            let fields =
                format!("Authorization: Bearer {token}\r\nSec-WebSocket-Protocol: wardroom.v1\r\n");
            peer.queue()
                .extend_from_slice(upgrade_request("/ws/chat", &fields).as_bytes());
        }
        let bot = Bot {
            assault: at,
            number,
            peer,
            inbox: Inbox::default(),
            is_in: attack.entry == Entry::Raw,
            began: now,
            is_connected: false,
            is_answered: false,
            is_upgraded: false,
            shots: 0,
            next: now,
            has_ended: false,
            last_word: None,
        };
        if let Some(place) = self.bots.get_mut(slot) {
            *place = Some(bot);
        }
        Ok(())
    }

    /// Lets everybody send what is due. Whether somebody could go on at once.
    fn shoot(&mut self, now: Instant) -> bool {
        let mut is_busy = false;
        for slot in 0..self.bots.len() {
            if slot % SHOTS_BEFORE_OTHERS == 0 {
                machine::give_way();
            }
            let Some(bot) = self.bots.get_mut(slot).and_then(Option::as_mut) else {
                continue;
            };
            let Some(assault) = self.assaults.get_mut(bot.assault) else {
                continue;
            };
            bot.aim(assault, self.ground, now);
            let flow = bot.peer.flush();
            let goes_on = bot.has_more(assault.attack) && assault.attack.pace == Pace::FlatOut;
            is_busy |= bot.peer.is_writable() && goes_on;
            if flow == Flow::Broken {
                self.remove(slot, Outcome::Reset);
            } else if bot.is_to_go(assault.attack) {
                if assault.attack.end == End::Reset {
                    bot.peer.reset_at_end();
                }
                self.remove(slot, Outcome::Left);
            }
        }
        is_busy
    }

    /// Reads what a socket has, and sends what waits for it.
    fn look(&mut self, slot: usize, is_writable: bool, now: Instant) {
        let Some(bot) = self.bots.get_mut(slot).and_then(Option::as_mut) else {
            return;
        };
        let Some(assault) = self.assaults.get_mut(bot.assault) else {
            return;
        };
        if is_writable {
            if !std::mem::replace(&mut bot.is_connected, true) {
                bot.began = now;
            }
            bot.peer.can_write();
        }
        let mut flow = Flow::Open;
        // Who does not read looks as far as it takes to get in.
        if assault.attack.reads || !bot.is_in {
            flow = bot.read(assault, &mut self.buffer);
        }
        // Somebody who comes again does not wait for the server to hang up.
        let is_told = bot.last_word.is_some() && assault.attack.again;
        match flow {
            Flow::Open if is_told => self.remove(slot, Outcome::Ended),
            Flow::Open => {}
            _ if !bot.peer.is_through() => self.remove(slot, Outcome::Alert),
            Flow::Ended => self.remove(slot, Outcome::Ended),
            Flow::Broken => self.remove(slot, Outcome::Reset),
        }
    }

    fn remove(&mut self, slot: usize, outcome: Outcome) {
        let Some(bot) = self.bots.get_mut(slot).and_then(Option::take) else {
            return;
        };
        if let Some(assault) = self.assaults.get_mut(bot.assault) {
            assault.end_of(&bot, outcome);
        }
        self.free.push(slot);
    }

    /// Everybody goes at once.
    fn end(mut self, now: Instant) -> Vec<Tally> {
        for slot in 0..self.bots.len() {
            let Some(Some(bot)) = self.bots.get(slot) else {
                continue;
            };
            bot.peer.reset_at_end();
            let age = now.since(bot.began);
            let is_past = |deadline| age > deadline + DEADLINE_SLACK;
            let is_late_head = !bot.is_answered && is_past(self.ground.times.head);
            let is_late_session = !bot.is_upgraded && is_past(self.ground.times.sign_in);
            let outcome = if age < ANSWER_TIME_MAX {
                Outcome::UnderWay
            } else if is_late_head || is_late_session {
                Outcome::Overdue
            } else {
                Outcome::Held
            };
            self.remove(slot, outcome);
        }
        self.assaults
            .into_iter()
            .map(|assault| assault.tally)
            .collect()
    }
}

impl Bot {
    /// Queues what is due.
    fn aim(&mut self, assault: &mut Assault<'_>, ground: &Ground<'_>, now: Instant) {
        let attack = assault.attack;
        let is_due = self.has_more(attack) && self.next <= now;
        if is_due && self.peer.waiting_bytes() < QUEUE_BYTES {
            self.fire(assault, ground, now);
        }
        let is_done = self.is_in && self.shots >= attack.shots && self.peer.waiting_bytes() == 0;
        if is_done && attack.end == End::HalfClose && !self.has_ended && self.peer.is_writable() {
            self.has_ended = true;
            self.peer.shut();
        }
    }

    fn fire(&mut self, assault: &mut Assault<'_>, ground: &Ground<'_>, now: Instant) {
        let attack = assault.attack;
        let user = assault.user(self.number);
        let (token, expired) = assault
            .tokens
            .entry(user)
            .or_insert_with(|| ground.tokens(attack.name, user));
        let mut aim = Aim {
            shot: 0,
            connection: self.number,
            token,
            expired,
            ticket: &assault.ticket,
            lobby: ground.lobby,
            room: ground.room,
        };
        if let (0, Some(prelude)) = (self.shots, attack.prelude) {
            prelude(&aim, self.peer.queue());
        }
        while self.has_more(attack) && self.next <= now && self.peer.waiting_bytes() < QUEUE_BYTES {
            aim.shot = self.shots;
            let before = self.peer.queue().len();
            (attack.shot)(&aim, self.peer.queue());
            assault.tally.bytes += (self.peer.queue().len() - before) as u64;
            self.shots += 1;
            assault.tally.shots += 1;
            if let Pace::Every(pause) = attack.pace {
                self.next = now + pause;
            }
        }
    }

    fn has_more(&self, attack: &Attack) -> bool {
        let may = self.is_in && !self.has_ended && self.last_word.is_none();
        may && self.shots < attack.shots && self.peer.is_through()
    }

    /// Everything is sent, and nothing is waited for.
    fn is_to_go(&self, attack: &Attack) -> bool {
        self.is_in
            && self.peer.is_through()
            && self.shots >= attack.shots
            && self.peer.waiting_bytes() == 0
            && self.peer.is_writable()
            && matches!(attack.end, End::Leave | End::Reset)
    }

    fn read(&mut self, assault: &mut Assault<'_>, buffer: &mut [u8]) -> Flow {
        let Bot {
            peer,
            inbox,
            is_in,
            last_word,
            is_answered,
            is_upgraded,
            ..
        } = self;
        let mut pongs: Vec<u8> = Vec::new();
        let flow = peer.read(buffer, &mut |bytes, _| {
            *is_answered = true;
            inbox.receive(bytes, &mut |seen| match seen {
                Seen::Upgraded => (*is_in, *is_upgraded) = (true, true),
                // What it asked for, and it may ask for more.
                Seen::Status(200) => {}
                Seen::Status(status) => *last_word = Some(Outcome::Status(status)),
                Seen::Close(code) => *last_word = Some(Outcome::Close(code)),
                Seen::Nonsense => *last_word = Some(Outcome::Nonsense),
                Seen::Ping(payload) if assault.attack.pongs => pongs.extend(masked(0x8A, payload)),
                Seen::Ping(_) | Seen::Pong => {}
                Seen::Text(text) => assault.note_error(text),
            });
        });
        peer.queue().append(&mut pongs);
        flow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_are_counted_and_only_by_words() {
        let cases: [(&[u8], Option<&str>); 6] = [
            (
                br#"{"type":"error","id":1,"code":"rate_limited","error":"x"}"#,
                Some("rate_limited"),
            ),
            (
                br#"{"error":"Invalid JSON format","code":"invalid_json"}"#,
                Some("invalid_json"),
            ),
            (br#"{"type":"message","message":"{\"code\":\"x\"}"}"#, None),
            (
                br#"{"type":"ok","count":9,"truncated":true}"#,
                Some("truncated"),
            ),
            (br#"{"type":"error","code":"Not a word"}"#, None),
            (b"\xff", None),
        ];
        for (text, code) in cases {
            assert_eq!(error_code(text), code);
        }
    }
}
