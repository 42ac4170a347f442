//! Honest people beside an attack: a group that keeps talking, and newcomers who keep arriving. Counts every word and every
//! arrival; judges nothing.

use std::io;
use std::net::Ipv4Addr;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::{Events, Poll, Token};
use wardroom::protocol::client::{masked, text};

use crate::attacks::{newcomers_source, talkers_source};
use crate::bounds::{
    ASSEMBLY_TIME_MAX, GOODBYE_TIME_MAX, NEIGHBOUR_EVERY, NEWCOMER_EVERY, NEWCOMERS_MAX, PATIENCE,
    TALK_EVERY, TALKERS,
};
use crate::felt::{Came, Said, Story};
use crate::ground::Ground;
use crate::language::Words;
use crate::shared::failure::{Doing, Failure};
use crate::socket::{Client, Flow, Heard};

const TICK: Duration = Duration::from_millis(5);

/// Somebody honest.
struct Person {
    client: Client,
    came: Instant,
    is_in: bool,
    role: Role,
}

enum Role {
    Talker,
    Newcomer {
        number: usize,
        is_neighbour: bool,
        has_spoken: bool,
        arrived: Option<Instant>,
        has_said_goodbye: bool,
    },
}

pub struct People<'a> {
    ground: &'a Ground<'a>,
    poll: Poll,
    /// Talkers have the first places, and a place is theirs for good.
    people: Vec<Option<Person>>,
    free: Vec<usize>,
    buffer: Vec<u8>,
    newcomers: u64,
    story: Story,
}

impl<'a> People<'a> {
    /// Lets the group come together, one after another. All are in when this returns.
    ///
    /// # Errors
    /// When one of them is not let in, or not in time.
    pub fn gather(ground: &'a Ground<'a>) -> Result<Self, Failure> {
        let mut people = People {
            ground,
            poll: Poll::new().doing("making a poll")?,
            people: Vec::new(),
            free: Vec::new(),
            buffer: vec![0; 256 * 1024],
            newcomers: 0,
            story: Story::default(),
        };
        let began = Instant::now();
        let mut events = Events::with_capacity(256);
        for number in 0..TALKERS {
            people.come(
                &format!("honest{number}"),
                talkers_source(number),
                Role::Talker,
            )?;
            while people.talkers() <= number {
                people.wait(&mut events)?;
                if began.elapsed() > ASSEMBLY_TIME_MAX || !people.story.put_out.is_empty() {
                    let told = format!("of {TALKERS} honest people {} got in", people.talkers());
                    return Err(Failure::Wrong(told));
                }
            }
        }
        Ok(people)
    }

    /// Talks and lets newcomers arrive until `stop` is gone, then waits for what is still on its way.
    ///
    /// # Errors
    /// When the system has no more to give.
    pub fn talk(mut self, stop: &Receiver<()>) -> Result<Story, Failure> {
        let mut events = Events::with_capacity(1024);
        let mut next_word = Instant::now();
        let mut next_newcomer = next_word;
        while stop.try_recv() == Err(TryRecvError::Empty) {
            let now = Instant::now();
            if next_word <= now {
                self.say();
                next_word = later(next_word, TALK_EVERY / TALKERS as u32, now);
            }
            if next_newcomer <= now {
                self.newcomer()?;
                next_newcomer = later(next_newcomer, NEWCOMER_EVERY, now);
            }
            self.wait(&mut events)?;
            self.see_off(now);
        }
        let until = Instant::now() + PATIENCE;
        while self.is_waited_for() && Instant::now() < until {
            self.wait(&mut events)?;
            self.see_off(Instant::now());
        }
        for slot in 0..self.people.len() {
            self.went(slot, false);
        }
        Ok(self.story)
    }

    fn talkers(&self) -> usize {
        let group = self.people.iter().take(TALKERS).flatten();
        group.filter(|person| person.is_in).count()
    }

    fn is_waited_for(&self) -> bool {
        let is_arriving =
            |person: &Person| matches!(person.role, Role::Newcomer { arrived: None, .. });
        self.story.said.iter().any(|said| said.missing > 0)
            || self.people.iter().flatten().any(is_arriving)
    }

    fn come(&mut self, user: &str, source: Ipv4Addr, role: Role) -> Result<(), Failure> {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.people.push(None);
            self.people.len() - 1
        });
        let came = Instant::now();
        let registry = self.poll.registry();
        let mut client = Client::connect(self.ground.address, source, false, registry, Token(slot))
            .doing("connecting somebody honest")?;
        client.note_arrivals();
        let request = self
            .ground
            .language
            .upgrade(user, &self.ground.token(user)?);
        client.queue().extend_from_slice(request.as_bytes());
        if let Some(place) = self.people.get_mut(slot) {
            *place = Some(Person {
                client,
                came,
                is_in: false,
                role,
            });
        }
        Ok(())
    }

    fn newcomer(&mut self) -> Result<(), Failure> {
        if self.people.len() - self.free.len() >= TALKERS + NEWCOMERS_MAX {
            return Ok(());
        }
        let number = self.newcomers;
        self.newcomers += 1;
        let is_neighbour = number % NEIGHBOUR_EVERY == NEIGHBOUR_EVERY - 1;
        let role = Role::Newcomer {
            number: number as usize,
            is_neighbour,
            has_spoken: false,
            arrived: None,
            has_said_goodbye: false,
        };
        let source = newcomers_source(number, is_neighbour);
        self.come(&format!("newcomer{number}"), source, role)
    }

    /// The next of the talkers, in turn, says something to all; it fails when they were put out.
    fn say(&mut self) {
        let number = self.story.said.len();
        let speaker = number % TALKERS;
        let hearers = self.talkers();
        let said = self.ground.language.say(&Words::Talker(number).text());
        let person = self.people.get_mut(speaker).and_then(Option::as_mut);
        let is_said = person.is_some();
        let mut at = Instant::now();
        let mut flow = Flow::Open;
        if let Some(person) = person {
            person.client.queue().extend(text(&said));
            at = Instant::now();
            flow = person.client.flush();
        }
        let due = if is_said { hearers } else { 0 };
        self.story.said.push(Said {
            at,
            back: None,
            due,
            missing: due,
        });
        if flow == Flow::Broken {
            self.went(speaker, true);
        }
    }

    fn wait(&mut self, events: &mut Events) -> Result<(), Failure> {
        match self.poll.poll(events, Some(TICK)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                return Err(error).doing("waiting for the honest");
            }
            _ => {}
        }
        for event in &*events {
            self.look(event);
        }
        Ok(())
    }

    fn look(&mut self, event: &Event) {
        let slot = event.token().0;
        let (buffer, said) = (&mut self.buffer, &mut self.story.said);
        let Some(person) = self.people.get_mut(slot).and_then(Option::as_mut) else {
            return;
        };
        if event.is_writable() {
            person.client.can_write();
        }
        let Person {
            client,
            is_in,
            role,
            ..
        } = person;
        let is_last = event.is_read_closed();
        let mut is_over = false;
        let mut answer = Vec::new();
        let flow = client.read(buffer, is_last, &mut |heard, age| match heard {
            Heard::Upgraded => *is_in = true,
            Heard::Ping(payload) => answer.extend(masked(0x8A, payload)),
            Heard::Text(text) => listen(text, age, slot, role, said),
            Heard::Refused(_) | Heard::Closed(_) => is_over = true,
        });
        if let Role::Newcomer {
            number,
            has_spoken: has_spoken @ false,
            ..
        } = role
            && *is_in
        {
            *has_spoken = true;
            let words = Words::Newcomer(*number).text();
            answer.extend(text(&self.ground.language.say(&words)));
        }
        client.queue().append(&mut answer);
        let flushed = client.flush();
        if is_over || flow != Flow::Open || flushed == Flow::Broken {
            self.went(slot, true);
        }
    }

    /// Somebody's connection is over.
    fn went(&mut self, slot: usize, is_put_out: bool) {
        let Some(person) = self.people.get_mut(slot).and_then(Option::take) else {
            return;
        };
        match person.role {
            Role::Talker if is_put_out => self.story.put_out.push(Instant::now()),
            Role::Talker => {}
            Role::Newcomer {
                is_neighbour,
                arrived,
                ..
            } => {
                self.free.push(slot);
                self.story.came.push(Came {
                    at: person.came,
                    took: arrived.map(|arrived| arrived - person.came),
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
            let Role::Newcomer {
                arrived,
                has_said_goodbye,
                ..
            } = &mut person.role
            else {
                continue;
            };
            match arrived {
                None if now.saturating_duration_since(person.came) > PATIENCE => gone.push(slot),
                None => {}
                Some(arrived) if now.saturating_duration_since(*arrived) > GOODBYE_TIME_MAX => {
                    gone.push(slot);
                }
                Some(_) if !*has_said_goodbye => {
                    *has_said_goodbye = true;
                    // RFC 6455 §7.4.1: 1000, a normal closure.
                    person.client.queue().extend(masked(0x88, &[0x03, 0xE8]));
                    if person.client.flush() == Flow::Broken {
                        gone.push(slot);
                    }
                }
                Some(_) => {}
            }
        }
        gone.into_iter().for_each(|slot| self.went(slot, true));
    }
}

/// The next time of something regular; what was missed is not made up for.
fn later(time: Instant, pause: Duration, now: Instant) -> Instant {
    (time + pause).max(now)
}

/// What a talker or a newcomer learns from a text that came so long ago.
fn listen(text: &[u8], age: Duration, slot: usize, role: &mut Role, said: &mut [Said]) {
    match (role, Words::find(text)) {
        (Role::Talker, Some(Words::Talker(number))) => {
            let Some(message) = said.get_mut(number) else {
                return;
            };
            message.missing = message.missing.saturating_sub(1);
            if number % TALKERS == slot && message.back.is_none() {
                message.back = Some(message.at.elapsed().saturating_sub(age));
            }
        }
        (
            Role::Newcomer {
                number, arrived, ..
            },
            Some(Words::Newcomer(found)),
        ) if found == *number && arrived.is_none() => *arrived = Instant::now().checked_sub(age),
        _ => {}
    }
}
