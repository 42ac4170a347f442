//! The attackers: one thread, one poll, as many sockets as the attack says, all bounded by `bounds`.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Events, Poll, Token};
use serde::Serialize;
use wardroom::protocol::client::masked;

use crate::attacks::{Aim, Attack, End, Entry, Pace, attackers_source};
use crate::bounds::{ATTACKERS_NICE, CONNECTS_PER_TICK_MAX, QUEUE_BYTES};
use crate::ground::Ground;
use crate::shared::failure::{Doing, Failure};
use crate::socket::{Client, Flow, Heard};

const TICK: Duration = Duration::from_millis(2);

/// What one attack did, and what came back.
#[derive(Debug, Default, Serialize)]
pub struct Tally {
    pub connections: u64,
    pub shots: u64,
    /// How connections ended as their clients saw it: by a status or a close code, `left`, `ended`, `broken`, or `open` when the attack was over.
    pub ends: BTreeMap<String, u64>,
}

/// One connection.
struct Bot {
    assault: usize,
    user: usize,
    client: Client,
    is_in: bool,
    shots: u64,
    next: Instant,
    last_word: Option<String>,
}

/// One attack under way.
struct Assault<'a> {
    attack: &'a Attack,
    open: usize,
    allowance: f64,
    tally: Tally,
    /// Each user and their token. As many as sockets: whoever comes again is somebody who was there.
    users: Vec<(String, String)>,
}

struct Swarm<'a> {
    ground: &'a Ground<'a>,
    poll: Poll,
    bots: Vec<Option<Bot>>,
    free: Vec<usize>,
    assaults: Vec<Assault<'a>>,
    buffer: Vec<u8>,
}

/// Lets `attacks` run until `stop`, and says what came of each.
///
/// # Errors
/// When the system has no more to give.
pub fn run(
    ground: &Ground<'_>,
    attacks: &[Attack],
    stop: &AtomicBool,
) -> Result<Vec<Tally>, Failure> {
    // What can not be had costs accuracy, no more.
    let _ = rustix::process::nice(ATTACKERS_NICE);
    let assaults = attacks.iter().map(|attack| Assault::new(attack, ground));
    let mut swarm = Swarm {
        ground,
        poll: Poll::new().doing("making a poll")?,
        bots: Vec::new(),
        free: Vec::new(),
        assaults: assaults.collect::<Result<_, _>>()?,
        buffer: vec![0; 256 * 1024],
    };
    let mut events = Events::with_capacity(1024);
    let mut before = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let now = Instant::now();
        swarm.connect_more(now, now - before);
        before = now;
        let is_busy = swarm.shoot(now);
        let wait = if is_busy { Duration::ZERO } else { TICK };
        match swarm.poll.poll(&mut events, Some(wait)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                return Err(error).doing("waiting for attackers");
            }
            _ => {}
        }
        for event in &events {
            swarm.look(event);
        }
    }
    Ok(swarm.end())
}

impl<'a> Assault<'a> {
    fn new(attack: &'a Attack, ground: &Ground<'_>) -> Result<Self, Failure> {
        let needs_tokens = attack.entry == Entry::SignedIn || attack.is_about_tokens;
        let users = if needs_tokens { attack.sockets } else { 1 };
        let users = (0..users).map(|number| {
            let user = format!("{}{number}", attack.name.replace('-', ""));
            let token = ground.token(&user)?;
            Ok((user, token))
        });
        Ok(Assault {
            attack,
            open: 0,
            allowance: 1.0,
            tally: Tally::default(),
            users: users.collect::<Result<_, Failure>>()?,
        })
    }

    fn note(&mut self, end: String) {
        self.open -= 1;
        *self.tally.ends.entry(end).or_insert(0) += 1;
    }
}

impl Swarm<'_> {
    /// Opens what is missing, at the attack's rate.
    fn connect_more(&mut self, now: Instant, passed: Duration) {
        for at in 0..self.assaults.len() {
            if let Some(assault) = self.assaults.get_mut(at) {
                let rate = f64::from(assault.attack.connects_per_second);
                let allowed = assault.allowance + passed.as_secs_f64() * rate;
                assault.allowance = allowed.min(CONNECTS_PER_TICK_MAX);
            }
            while self.wants_another(at) {
                if self.connect(at, now).is_err() {
                    // No descriptor or no port: the next tick tries again.
                    break;
                }
            }
        }
    }

    fn wants_another(&mut self, at: usize) -> bool {
        let all = self.bots.len() - self.free.len();
        let sockets_max = self.ground.sockets_max;
        let Some(assault) = self.assaults.get_mut(at) else {
            return false;
        };
        let is_room = assault.open < assault.attack.sockets && all < sockets_max;
        if !is_room || assault.allowance < 1.0 {
            return false;
        }
        assault.allowance -= 1.0;
        true
    }

    fn connect(&mut self, at: usize, now: Instant) -> io::Result<()> {
        let Some(assault) = self.assaults.get_mut(at) else {
            return Ok(());
        };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.bots.push(None);
            self.bots.len() - 1
        });
        let number = assault.tally.connections;
        let narrow = !assault.attack.reads;
        let (registry, source) = (self.poll.registry(), attackers_source(number));
        let client = Client::connect(self.ground.address, source, narrow, registry, Token(slot));
        let mut client = match client {
            Ok(client) => client,
            Err(error) => {
                self.free.push(slot);
                return Err(error);
            }
        };
        assault.open += 1;
        assault.tally.connections += 1;
        let user = number as usize % assault.users.len().max(1);
        let is_stranger = assault.attack.entry == Entry::Raw;
        if let (false, Some((user, token))) = (is_stranger, assault.users.get(user)) {
            let request = self.ground.language.upgrade(user, token);
            client.queue().extend_from_slice(request.as_bytes());
        }
        if let Some(place) = self.bots.get_mut(slot) {
            *place = Some(Bot {
                assault: at,
                user,
                client,
                is_in: is_stranger,
                shots: 0,
                next: now,
                last_word: None,
            });
        }
        Ok(())
    }

    /// Lets everybody send what is due. Whether somebody could go on at once.
    fn shoot(&mut self, now: Instant) -> bool {
        let mut is_busy = false;
        for slot in 0..self.bots.len() {
            let Some(bot) = self.bots.get_mut(slot).and_then(Option::as_mut) else {
                continue;
            };
            let Some(assault) = self.assaults.get_mut(bot.assault) else {
                continue;
            };
            bot.fire(assault, self.ground, now);
            let flow = bot.client.flush();
            let goes_on = bot.has_more(assault.attack) && assault.attack.pace == Pace::FlatOut;
            is_busy |= bot.client.is_writable() && goes_on;
            if flow == Flow::Broken {
                self.remove(slot, "broken");
            } else if bot.is_to_go(assault.attack) {
                if assault.attack.end == End::Resets {
                    bot.client.reset_at_end();
                }
                self.remove(slot, "left");
            }
        }
        is_busy
    }

    /// Reads what a socket has.
    fn look(&mut self, event: &Event) {
        let slot = event.token().0;
        let Some(bot) = self.bots.get_mut(slot).and_then(Option::as_mut) else {
            return;
        };
        let Some(assault) = self.assaults.get(bot.assault) else {
            return;
        };
        if event.is_writable() {
            bot.client.can_write();
        }
        let mut flow = Flow::Open;
        // Who does not read looks as far as it takes to get in.
        if assault.attack.reads || !bot.is_in {
            flow = bot.read(&mut self.buffer, event.is_read_closed());
        }
        match flow {
            // Whoever was told to go does not wait for the server to hang up: another takes their place.
            Flow::Open if bot.last_word.is_none() => {}
            Flow::Open | Flow::Ended => self.remove(slot, "ended"),
            Flow::Broken => self.remove(slot, "broken"),
        }
    }

    fn remove(&mut self, slot: usize, otherwise: &str) {
        let Some(bot) = self.bots.get_mut(slot).and_then(Option::take) else {
            return;
        };
        if let Some(assault) = self.assaults.get_mut(bot.assault) {
            assault.note(bot.last_word.unwrap_or_else(|| otherwise.to_owned()));
        }
        self.free.push(slot);
    }

    /// Everybody goes at once.
    fn end(mut self) -> Vec<Tally> {
        for slot in 0..self.bots.len() {
            if let Some(Some(bot)) = self.bots.get(slot) {
                bot.client.reset_at_end();
            }
            self.remove(slot, "open");
        }
        self.assaults
            .into_iter()
            .map(|assault| assault.tally)
            .collect()
    }
}

impl Bot {
    /// Queues what is due.
    fn fire(&mut self, assault: &mut Assault<'_>, ground: &Ground<'_>, now: Instant) {
        let attack = assault.attack;
        let Some((user, token)) = assault.users.get(self.user) else {
            return;
        };
        while self.has_more(attack) && self.next <= now && self.client.waiting_bytes() < QUEUE_BYTES
        {
            let aim = Aim {
                shot: self.shots,
                language: ground.language,
                user,
                token,
            };
            (attack.shot)(&aim, self.client.queue());
            self.shots += 1;
            assault.tally.shots += 1;
            if let Pace::Every(pause) = attack.pace {
                self.next = now + pause;
            }
        }
    }

    fn has_more(&self, attack: &Attack) -> bool {
        self.is_in && self.last_word.is_none() && self.shots < attack.shots
    }

    /// Everything is sent, and nothing is waited for.
    fn is_to_go(&self, attack: &Attack) -> bool {
        attack.end != End::Waits
            && self.is_in
            && self.shots >= attack.shots
            && self.client.waiting_bytes() == 0
            && self.client.is_writable()
    }

    fn read(&mut self, buffer: &mut [u8], is_last: bool) -> Flow {
        let Bot {
            client,
            is_in,
            last_word,
            ..
        } = self;
        let mut pongs: Vec<u8> = Vec::new();
        let flow = client.read(buffer, is_last, &mut |heard, _| match heard {
            Heard::Upgraded => *is_in = true,
            Heard::Refused(status) => *last_word = Some(format!("status {status}")),
            Heard::Closed(code) => *last_word = Some(format!("close {code}")),
            Heard::Ping(payload) => pongs.extend(masked(0x8A, payload)),
            Heard::Text(_) => {}
        });
        client.queue().append(&mut pongs);
        flow
    }
}
