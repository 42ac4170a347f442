//! Judges a server by what its clients sent and were told, by what its store has durably done, and by its configuration. Written apart from the
//! engine, and in the simplest way: it knows nothing of how the server comes to do what it does.

pub mod books;
mod ends;
mod hearing;
mod metering;
mod rates;
mod replies;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::client::{Link, Seat};
use super::disk::Done;
use crate::config::Config;
use crate::rooms::record::RoomQuestion;
use crate::time::{Now, Wall};
use books::{Books, Deed, height};
pub use hearing::date;
use metering::Metering;
use rates::Rates;

/// Something that must never be so, and is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule that is broken.
    pub rule: &'static str,
    pub words: String,
}

impl Violation {
    pub(super) fn new(rule: &'static str, words: String) -> Self {
        Violation { rule, words }
    }
}

pub(super) type Judged = Result<(), Violation>;

/// Who judges.
#[derive(Debug)]
pub struct Oracle {
    config: Config,
    books: Books,
    /// What was said in rooms that keep nothing since the server was started: by whom and what, by room and number.
    said: BTreeMap<(String, u64), (String, String)>,
    /// What was acknowledged of each kind of deed in each room.
    acknowledged: BTreeMap<(String, Deed), u64>,
    rates: Rates,
    metering: Metering,
    /// Whether the store was stalled, failing or just back at any time in the present step.
    pub is_troubled: bool,
    /// Whether the server was told to stop: whoever comes is told so, and nothing else is looked at.
    pub is_stopping: bool,
}

impl Oracle {
    /// One that knows the configuration.
    pub fn new(config: Config, now: Now) -> Self {
        Oracle {
            rates: Rates::new(&config, now),
            metering: Metering::default(),
            config,
            books: Books::default(),
            said: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            is_troubled: false,
            is_stopping: false,
        }
    }

    /// What the store has.
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// The server was started anew: what it kept in memory alone is gone.
    pub fn restarted(&mut self, now: Now) -> Judged {
        self.said.clear();
        self.books.restarted();
        self.metering = Metering::default();
        self.is_stopping = false;
        self.rates.begin_anew(now)
    }

    /// This text, which nobody has said before, is about to be said.
    pub fn will_say(&mut self, text: &str, link: &Link) {
        self.rates.will_say(text, link);
    }

    /// The date was set.
    pub fn date_set(&mut self, now: Now) {
        self.books.was_set = true;
        self.rates.date_set(now);
    }

    /// Something is durable. From now on nobody hears of a room who may not.
    pub fn committed(
        &mut self,
        done: Done,
        links: &mut [Link],
        active: &[usize],
        now: Now,
    ) -> Judged {
        self.books.date_is(now.wall);
        let said = match &done.asked {
            RoomQuestion::Append(message) => self.rates.instant_of(message.at, now),
            _ => None,
        };
        let consequence = self.books.note(done, said, now.instant)?;
        if let Some(said) = consequence.said {
            let whose = (&*said.sender, &*said.text);
            self.rates.accepted(whose, (&said.room, None), said.at, now);
        }
        let Some(room) = consequence.room else {
            return Ok(());
        };
        for number in active {
            let Some(link) = links.get_mut(*number) else {
                continue;
            };
            let is_put_out = consequence.put_out.as_deref() == Some(&*link.user);
            // Who speaks the tutorial's protocol may be back in the same turn by speaking, and is told when they are put out.
            let is_put_out = is_put_out && !link.is_tutorial;
            if is_put_out || !self.may_hear(&room, &link.user, now.wall) {
                let from = link.received;
                link.seats.insert(room.clone(), Seat::Out { from });
            }
        }
        Ok(())
    }

    fn may_hear(&self, room: &str, user: &str, now: Wall) -> bool {
        self.books
            .room(room)
            .is_some_and(|room| room.may_hear(user, self.books.latest(now)))
    }

    /// Whether a room keeps what is said in it.
    fn is_durable(&self, room: &str) -> bool {
        // Also one that is gone: what was kept of it before is acknowledged still.
        match self.books.rooms.get(room) {
            Some(room) => room.settings.is_durable,
            None => self.config.rooms.is_durable(room),
        }
    }

    /// A client of the full protocol was told something, in a frame that begins at this byte.
    pub fn told(&mut self, link: &mut Link, notice: &Value, start: usize, now: Now) -> Judged {
        self.books.date_is(now.wall);
        let kind = notice["type"].as_str().unwrap_or_default();
        if link.revoked_from.is_some_and(|from| start >= from) && kind != "bye" {
            let words = format!("{} was revoked, and is told {notice}", link.user);
            return Err(Violation::new("revoked", words));
        }
        match kind {
            "hello" => {
                link.is_open = true;
                let lobby = Seat::In {
                    next: None,
                    gap: None,
                };
                link.seats.insert(self.config.rooms.lobby.clone(), lobby);
                Ok(())
            }
            "ok" => self.answered(link, notice, start, now),
            "error" => self.refused(link, notice, now),
            "message" => self.heard(link, notice, start, now),
            "joined" | "left" | "presence" | "typing" | "changed" => {
                let room = notice["room"].as_str().unwrap_or_default();
                self.expect_there(link, room, (start, notice), now)
            }
            "removed" => {
                let room = notice["room"].as_str().unwrap_or_default().to_owned();
                link.seats.insert(room, Seat::Out { from: start });
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Everything that happened is over: what was counted in the last lifetime of the server was within its bounds.
    pub fn end(&mut self, now: Now) -> Judged {
        self.rates.begin_anew(now)
    }

    /// Rooms and their people, as the store tells them, are what was durably done.
    pub fn compare(&self, found: &[crate::rooms::record::RoomRecord], now: Now) -> Judged {
        let open = self.books.rooms.iter().filter(|(_, room)| !room.is_gone);
        let known: Vec<&String> = open.map(|(id, _)| id).collect();
        let told: Vec<String> = found.iter().map(|room| room.id.to_string()).collect();
        if known
            .iter()
            .map(|id| id.as_str())
            .ne(told.iter().map(String::as_str))
        {
            let words = format!("the store has {told:?}, and was asked for {known:?}");
            return Err(Violation::new("store", words));
        }
        for record in found {
            let Some(room) = self.books.room(&record.id) else {
                continue;
            };
            if record.last_seq != room.last_seq {
                let words = format!(
                    "{} ends with {}, not {}",
                    record.id, record.last_seq, room.last_seq
                );
                return Err(Violation::new("store", words));
            }
            for (user, standing) in &record.standings {
                let is_same = room.height(user) == height(standing)
                    && room.is_banned(user, now.wall)
                        == standing
                            .ban
                            .as_ref()
                            .is_some_and(|ban| ban.is_in_force(now.wall));
                if !is_same {
                    let words = format!("{user} stands otherwise to {}: {standing:?}", record.id);
                    return Err(Violation::new("store", words));
                }
            }
        }
        Ok(())
    }
}

/// What a deed is called when somebody does it.
fn deed(actor: &str, action: &str, target: &str) -> Deed {
    Deed {
        actor: actor.to_owned(),
        action: action.to_owned(),
        target: target.to_owned(),
    }
}

/// Whose message this is, as users are named.
fn text_of(notice: &Value) -> Option<Arc<str>> {
    let text = notice["message"].as_str().or(notice["body"].as_str());
    text.map(Into::into)
}
