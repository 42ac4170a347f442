//! Honest people beside an attack: a group that keeps talking in the lobby, and newcomers who keep arriving. Counts every
//! word and every arrival; judges nothing.

use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use mio::{Events, Poll, Token};

use super::Ground;
use super::attack::{Outcome, newcomer_source, talker_source};
use super::bounds::{
    ARRIVAL_TIME_MAX, DELIVERY_TIME_MAX, NEIGHBOUR_EVERY, NEWCOMER_EVERY, NEWCOMERS_MAX, TALKERS,
};
use super::clock::Clock;
use super::felt::{Arrival, Heard, Story};
use super::inbox::{Inbox, Seen};
use super::manners::Manners;
use super::peer::{Flow, Peer};
use crate::protocol::client::{masked, text, upgrade_request};
use crate::time::Instant;

const TICK: Duration = Duration::from_millis(5);
/// After they have arrived and said goodbye, newcomers are gone at the latest after this.
const GOODBYE_TIME_MAX: Duration = Duration::from_secs(1);
/// Everybody of the group is in within this time, or there is no siege.
const ASSEMBLY_TIME_MAX: Duration = Duration::from_secs(15);

/// What the first notice begins with, and what stands before the numbers of ours.
const HELLO: &[u8] = b"{\"type\":\"hello\"";
const SAID: &[u8] = b"\"message\":\"honest ";
const ANSWERED: &[u8] = b"\"id\":\"honest ";
const OWN_WORD: &[u8] = b"\"message\":\"newcomer ";

/// Somebody honest.
struct Person {
    peer: Peer,
    inbox: Inbox,
    began: Instant,
    is_in: bool,
    role: Role,
}

enum Role {
    Talker,
    Newcomer {
        number: u64,
        is_neighbour: bool,
        /// The first message is sent.
        has_spoken: bool,
        arrived: Option<Instant>,
    },
}

struct Message {
    sent: Instant,
    /// The place of who said it.
    speaker: usize,
    /// Who has yet to hear it.
    missing: usize,
}

pub(super) struct People<'a> {
    ground: &'a Ground<'a>,
    clock: Clock,
    poll: Poll,
    people: Vec<Option<Person>>,
    free: Vec<usize>,
    buffer: Vec<u8>,
    messages: Vec<Message>,
    /// Questions for the time: answered to whoever asked, and to nobody else.
    questions: Vec<Message>,
    newcomers: u64,
    /// What the last was told whom the server did not want.
    last_word: Option<Outcome>,
    story: Story,
}

impl<'a> People<'a> {
    /// Lets the group come together. It is in, and has heard nothing yet, when this returns.
    pub(super) fn gather(ground: &'a Ground<'a>, clock: Clock) -> io::Result<Self> {
        let mut people = People {
            ground,
            clock,
            poll: Poll::new()?,
            people: Vec::new(),
            free: Vec::new(),
            buffer: vec![0; 64 * 1024],
            messages: Vec::new(),
            questions: Vec::new(),
            newcomers: 0,
            last_word: None,
            story: Story::default(),
        };
        let began = clock.now();
        for number in 0..TALKERS {
            // Other people in each attack: what those of the last one have said is still counted.
            people.come(
                &format!("honest-{}-{number}", ground.network),
                talker_source(number),
                Role::Talker,
            )?;
        }
        let mut events = Events::with_capacity(256);
        while people.talkers() < TALKERS {
            people.wait(&mut events)?;
            if clock.now().since(began) > ASSEMBLY_TIME_MAX
                || people.is_interrupted()
                || people.people.iter().flatten().count() < TALKERS
            {
                let in_time = people.talkers();
                let told = match people.last_word {
                    Some(word) => format!("one of the others was told {word}"),
                    None => "the others were told nothing".to_owned(),
                };
                return Err(io::Error::other(format!(
                    "of {TALKERS} honest people who want to talk {in_time} got in; {told}"
                )));
            }
        }
        Ok(people)
    }

    /// Talks and lets newcomers arrive until `stop` says so or is gone, then waits for what is still on its way.
    pub(super) fn talk(mut self, stop: &Receiver<()>) -> io::Result<Story> {
        let mut events = Events::with_capacity(1024);
        let Manners {
            talk_every,
            ask_every,
        } = self.ground.manners;
        let mut next_word = self.clock.now();
        let mut next_newcomer = next_word;
        let mut next_question = next_word;
        while stop.try_recv() == Err(TryRecvError::Empty) {
            let now = self.clock.now();
            if next_word <= now {
                self.say();
                next_word = later(next_word, talk_every / TALKERS as u32, now);
            }
            if next_question <= now {
                self.ask();
                next_question = later(next_question, ask_every / TALKERS as u32, now);
            }
            if next_newcomer <= now {
                self.newcomer()?;
                next_newcomer = later(next_newcomer, NEWCOMER_EVERY, now);
            }
            self.wait(&mut events)?;
            self.see_off(now);
        }
        let until = self.clock.now() + DELIVERY_TIME_MAX;
        while self.is_waited_for() && self.clock.now() < until && !self.is_interrupted() {
            self.wait(&mut events)?;
            self.see_off(self.clock.now());
        }
        let all = self.messages.iter().chain(&self.questions);
        self.story.lost = all.map(|message| message.missing as u64).sum();
        Ok(self.story)
    }

    fn is_interrupted(&self) -> bool {
        self.ground.interrupted.load(Ordering::SeqCst)
    }

    fn talkers(&self) -> usize {
        let people = self.people.iter().flatten();
        people
            .filter(|person| person.is_in && matches!(person.role, Role::Talker))
            .count()
    }

    fn is_waited_for(&self) -> bool {
        let is_arriving =
            |person: &Person| matches!(person.role, Role::Newcomer { arrived: None, .. });
        let mut all = self.messages.iter().chain(&self.questions);
        all.any(|message| message.missing > 0) || self.people.iter().flatten().any(is_arriving)
    }

    fn come(&mut self, user: &str, source: Ipv4Addr, role: Role) -> io::Result<()> {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.people.push(None);
            self.people.len() - 1
        });
        let registry = self.poll.registry();
        let way = self.ground.way();
        let mut peer = Peer::connect(way, Some(source), false, registry, Token(slot))?;
        peer.note_arrivals();
        let token = self.ground.token(user);
        let fields =
            format!("Authorization: Bearer {token}\r\nSec-WebSocket-Protocol: wardroom.v1\r\n");
        peer.queue()
            .extend_from_slice(upgrade_request("/ws/chat", &fields).as_bytes());
        let person = Person {
            peer,
            inbox: Inbox::default(),
            began: self.clock.now(),
            is_in: false,
            role,
        };
        if let Some(place) = self.people.get_mut(slot) {
            *place = Some(person);
        }
        Ok(())
    }

    fn newcomer(&mut self) -> io::Result<()> {
        if self.people.len() - self.free.len() >= TALKERS + NEWCOMERS_MAX {
            return Ok(());
        }
        let number = self.newcomers;
        self.newcomers += 1;
        let is_neighbour = number % NEIGHBOUR_EVERY == NEIGHBOUR_EVERY - 1;
        let role = Role::Newcomer {
            number,
            is_neighbour,
            has_spoken: false,
            arrived: None,
        };
        self.come(
            &format!("newcomer-{}-{number}", self.ground.network),
            newcomer_source(self.ground.network, number, is_neighbour),
            role,
        )
    }

    /// The next of the talkers, in turn, says something to all.
    fn say(&mut self) {
        let number = self.messages.len();
        let missing = self.talkers();
        let lobby = self.ground.lobby;
        let said =
            format!("{{\"type\":\"send\",\"room\":\"{lobby}\",\"message\":\"honest {number}.\"}}");
        let speaker = number % TALKERS;
        let message = self.send(speaker, &said, missing);
        self.messages.push(message);
    }

    /// The next of the talkers, in turn, asks for the time.
    fn ask(&mut self) {
        let number = self.questions.len();
        let speaker = number % TALKERS;
        let asked = format!("{{\"type\":\"ping\",\"id\":\"honest {number}.\"}}");
        let question = self.send(speaker, &asked, 1);
        self.questions.push(question);
    }

    /// So many are to hear it, or nobody, since somebody who was put out says nothing any more.
    fn send(&mut self, speaker: usize, said: &str, hearers: usize) -> Message {
        let mut message = Message {
            sent: self.clock.now(),
            speaker,
            missing: 0,
        };
        // Talkers have the first places.
        let Some(Some(person)) = self.people.get_mut(speaker) else {
            return message;
        };
        person.peer.queue().extend_from_slice(&text(said));
        self.story.said += hearers as u64;
        message.missing = hearers;
        message.sent = self.clock.now();
        if person.peer.flush() == Flow::Broken {
            self.went(speaker);
        }
        message
    }

    fn wait(&mut self, events: &mut Events) -> io::Result<()> {
        match self.poll.poll(events, Some(TICK)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for event in &*events {
            self.look(event.token().0, event.is_writable());
        }
        Ok(())
    }

    fn look(&mut self, slot: usize, is_writable: bool) {
        let People {
            ground,
            clock,
            people,
            buffer,
            messages,
            questions,
            story,
            last_word,
            ..
        } = self;
        let Some(person) = people.get_mut(slot).and_then(Option::as_mut) else {
            return;
        };
        if is_writable {
            person.peer.can_write();
        }
        let mut over = None;
        let mut answer = Vec::new();
        let Person {
            peer,
            inbox,
            is_in,
            role,
            ..
        } = person;
        let flow = peer.read(buffer, &mut |bytes, age| {
            let now = clock.now().before(age);
            inbox.receive(bytes, &mut |seen| match seen {
                Seen::Upgraded | Seen::Pong => {}
                Seen::Ping(payload) => answer.extend(masked(0x8A, payload)),
                Seen::Text(text) if text.starts_with(HELLO) => *is_in = true,
                Seen::Text(text) => {
                    let all = [&mut messages[..], &mut questions[..]];
                    listen(text, slot, now, role, all, story);
                }
                Seen::Status(status) => over = Some(Outcome::Status(status)),
                Seen::Close(code) => over = Some(Outcome::Close(code)),
                Seen::Nonsense => over = Some(Outcome::Nonsense),
            });
        });
        answer.extend(first_words(role, *is_in, ground.lobby));
        peer.queue().append(&mut answer);
        let flushed = peer.flush();
        *last_word = over.or(*last_word);
        if over.is_some() || flow != Flow::Open || flushed == Flow::Broken {
            self.went(slot);
        }
    }

    /// Somebody's connection is over.
    fn went(&mut self, slot: usize) {
        let Some(person) = self.people.get_mut(slot).and_then(Option::take) else {
            return;
        };
        match person.role {
            // Their place is not given to anybody else.
            Role::Talker => self.story.put_out.push(self.clock.now()),
            Role::Newcomer {
                is_neighbour,
                arrived,
                ..
            } => {
                self.free.push(slot);
                let took = arrived.map(|arrived| arrived.since(person.began));
                self.story.arrivals.push(Arrival {
                    began: person.began,
                    ended: arrived.unwrap_or(self.clock.now()),
                    took,
                    is_neighbour,
                });
            }
        }
    }

    /// Newcomers who have arrived say goodbye and go; those who take too long give up.
    fn see_off(&mut self, now: Instant) {
        let mut gone = Vec::new();
        for (slot, person) in self.people.iter_mut().enumerate().skip(TALKERS) {
            let Some(person) = person else { continue };
            let Role::Newcomer { arrived, .. } = person.role else {
                continue;
            };
            match arrived {
                None if now.since(person.began) > ARRIVAL_TIME_MAX => gone.push(slot),
                Some(arrived) if now.since(arrived) > GOODBYE_TIME_MAX => gone.push(slot),
                Some(_) if person.is_in => {
                    person.is_in = false;
                    // RFC 6455 §7.4.1: 1000, a normal closure.
                    person.peer.queue().extend(masked(0x88, &[0x03, 0xE8]));
                    if person.peer.flush() == Flow::Broken {
                        gone.push(slot);
                    }
                }
                _ => {}
            }
        }
        gone.into_iter().for_each(|slot| self.went(slot));
    }
}

/// The next time of something regular; what was missed is not made up for.
fn later(time: Instant, pause: Duration, now: Instant) -> Instant {
    (time + pause).max(now)
}

/// What a newcomer who has just got in says; nobody else says anything unasked.
fn first_words(role: &mut Role, is_in: bool, lobby: &str) -> Vec<u8> {
    match role {
        Role::Newcomer {
            number,
            has_spoken: has_spoken @ false,
            ..
        } if is_in => {
            *has_spoken = true;
            text(&format!(
                "{{\"type\":\"send\",\"room\":\"{lobby}\",\"message\":\"newcomer {number}.\"}}"
            ))
        }
        _ => Vec::new(),
    }
}

/// What a talker or a newcomer learns from a text.
fn listen(
    text: &[u8],
    slot: usize,
    now: Instant,
    role: &mut Role,
    [messages, questions]: [&mut [Message]; 2],
    story: &mut Story,
) {
    match role {
        Role::Talker => {
            hear(text, SAID, slot, now, messages, story);
            hear(text, ANSWERED, slot, now, questions, story);
        }
        Role::Newcomer {
            number, arrived, ..
        } => {
            let own = number_after(text, OWN_WORD);
            if arrived.is_none() && own == Some(*number as usize) {
                *arrived = Some(now);
            }
        }
    }
}

/// Notes that whoever has the place `slot` heard a message, and how long the way was to who said it and back.
fn hear(
    text: &[u8],
    mark: &[u8],
    slot: usize,
    now: Instant,
    messages: &mut [Message],
    story: &mut Story,
) {
    let message = number_after(text, mark).and_then(|number| messages.get_mut(number));
    let Some(message) = message else { return };
    message.missing = message.missing.saturating_sub(1);
    if message.speaker == slot {
        story.heard.push(Heard {
            sent: message.sent,
            took: now.since(message.sent),
        });
    }
}

/// The number behind `mark`, up to a full stop.
fn number_after(text: &[u8], mark: &[u8]) -> Option<usize> {
    let at = text.windows(mark.len()).position(|window| window == mark)? + mark.len();
    let rest = str::from_utf8(text.get(at..)?).ok()?;
    rest.split('.').next()?.parse().ok()
}
