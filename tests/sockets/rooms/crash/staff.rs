//! The owner, who moderates without pause, and one who makes rooms, lets somebody in and puts them out again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use super::crew::{DEN, Ear, Seen, VISITOR, come_in};
use super::dice::Dice;
use crate::line::{Caller, token};
use crate::rooms::{act, join, with};

pub const OWNER: &str = "owner";
/// Whose messages are deleted all at once, now and then.
pub const TROLL: &str = "troll";
pub const BANNED: [&str; 4] = ["banned-0", "banned-1", "banned-2", "banned-3"];
pub const MUTED: [&str; 4] = ["muted-0", "muted-1", "muted-2", "muted-3"];

/// Something that the owner asked for, which has an entry in the log when it was done.
#[derive(Debug)]
pub struct Operation {
    /// What the entry says in the owner's words: no two are alike.
    pub reason: String,
    pub action: &'static str,
    pub effect: Effect,
    pub is_done: bool,
}

#[derive(Debug, Clone)]
pub enum Effect {
    /// A ban or a mute of this user, or its end.
    Sanction(&'static str, bool),
    Delete(u64),
    /// Of the troll's messages; what they said up to this number was known when it was asked for.
    Purge(u64),
    Kick,
}

pub struct Moderator {
    dice: Dice,
    asked: u64,
    /// Who is banned or muted, as far as that is known.
    pub is_sanctioned: BTreeMap<&'static str, bool>,
    /// Since this was emptied last.
    pub operations: Vec<Operation>,
}

impl Moderator {
    pub fn new(dice: Dice) -> Moderator {
        let everybody = BANNED.into_iter().chain(MUTED);
        Moderator {
            dice,
            asked: 0,
            is_sanctioned: everybody.map(|user| (user, false)).collect(),
            operations: Vec::new(),
        }
    }

    /// Moderates until the connection ends.
    pub fn moderate(&mut self, address: SocketAddr) -> Vec<Seen> {
        let mut ear = Ear::default();
        if let Some(mut caller) = Caller::enter(address, &token(OWNER)) {
            let ended = self.moderate_on(&mut caller, &mut ear);
            assert_eq!(ended, None);
            ear.hear_aside(&mut caller);
        }
        ear.seen
    }

    fn moderate_on(&mut self, caller: &mut Caller, ear: &mut Ear) -> Option<()> {
        let reply = come_in(caller, ear, &join(DEN))?;
        assert_eq!(reply["type"], "ok", "{reply}");
        loop {
            self.asked += 1;
            let reason = format!("reason-{}", self.asked);
            let (action, request, effect) = self.choose(ear);
            // These two say nothing of why.
            let request = match action {
                "unban" | "unmute" => request,
                _ => with(request, json!({"reason": reason})),
            };
            self.operations.push(Operation {
                reason,
                action,
                effect: effect.clone(),
                is_done: false,
            });
            let reply = caller.ask(request)?;
            if reply["code"] == "busy" {
                self.operations.pop();
            } else {
                assert_eq!(reply["type"], "ok", "{action} {effect:?}: {reply}");
                self.note_done(&effect, ear);
            }
            ear.hear_aside(caller);
            std::thread::sleep(Duration::from_micros(self.dice.below(2000)));
        }
    }

    fn note_done(&mut self, effect: &Effect, ear: &mut Ear) {
        if let Some(operation) = self.operations.last_mut() {
            operation.is_done = true;
        }
        match effect {
            Effect::Sanction(user, is_on) => {
                self.is_sanctioned.insert(user, *is_on);
            }
            Effect::Delete(seq) => ear.seen.push(Seen::Deleted { seq: *seq }),
            Effect::Purge(_) | Effect::Kick => {}
        }
    }

    fn choose(&mut self, ear: &mut Ear) -> (&'static str, Value, Effect) {
        let victims = match self.dice.below(10) {
            0..=2 => &BANNED,
            3..=5 => &MUTED,
            6..=7 if !ear.recent.is_empty() => return self.choose_message(ear),
            8 if self.dice.below(4) == 0 => {
                let known = ear.last.unwrap_or(0);
                return ("purge", act("purge", DEN, TROLL), Effect::Purge(known));
            }
            _ => return ("kick", act("kick", DEN, VISITOR), Effect::Kick),
        };
        let user = victims[self.dice.below(victims.len() as u64) as usize];
        let is_on = !self.is_sanctioned[user];
        let action = match (victims == &BANNED, is_on) {
            (true, true) => "ban",
            (true, false) => "unban",
            (false, true) => "mute",
            (false, false) => "unmute",
        };
        let mut request = act(action, DEN, user);
        if is_on && self.dice.below(2) == 0 {
            request["for_ms"] = 3_600_000.into();
        }
        (action, request, Effect::Sanction(user, is_on))
    }

    fn choose_message(&mut self, ear: &mut Ear) -> (&'static str, Value, Effect) {
        let place = self.dice.below(ear.recent.len() as u64) as usize;
        let seq = ear.recent.remove(place).expect("it is there");
        let request = json!({"type": "delete_message", "room": DEN, "seq": seq});
        ("delete_message", request, Effect::Delete(seq))
    }
}

pub const HOST: &str = "host";
pub const NEWCOMER: &str = "newcomer";
pub const CLUB: &str = "club";

/// How somebody stands to the club.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Stranger,
    Invited,
    Member,
    Moderator,
}

impl Standing {
    fn next(self) -> Standing {
        match self {
            Standing::Stranger => Standing::Invited,
            Standing::Invited => Standing::Member,
            Standing::Member => Standing::Moderator,
            Standing::Moderator => Standing::Stranger,
        }
    }
}

/// Something whose state is known, but for what was asked for and not answered.
#[derive(Debug, Clone, Copy)]
pub struct Either<T> {
    pub is: T,
    pub or: Option<T>,
}

impl<T: PartialEq + Copy> Either<T> {
    pub fn allows(&self, found: T) -> bool {
        self.is == found || self.or == Some(found)
    }

    pub fn settle(&mut self, found: T) {
        self.is = found;
        self.or = None;
    }
}

/// Whoever has the club.
pub struct Host {
    dice: Dice,
    pub newcomer: Either<Standing>,
    /// The room that is made and deleted again, and whether it exists.
    pub number: u64,
    pub exists: Either<bool>,
    pub changes: u64,
    pub rooms: u64,
}

impl Host {
    pub fn new(dice: Dice) -> Host {
        Host {
            dice,
            newcomer: Either {
                is: Standing::Stranger,
                or: None,
            },
            number: 0,
            exists: Either {
                is: false,
                or: None,
            },
            changes: 0,
            rooms: 0,
        }
    }

    /// The room that is made and deleted again.
    pub fn room(&self) -> String {
        format!("room-{}", self.number)
    }

    /// Does this and that until the connection ends.
    pub fn receive(&mut self, address: SocketAddr) {
        let callers = [HOST, NEWCOMER].map(|user| Caller::enter(address, &token(user)));
        if let [Some(mut host), Some(mut newcomer)] = callers {
            while self.step(&mut host, &mut newcomer).is_some() {
                std::thread::sleep(Duration::from_micros(self.dice.below(2000)));
            }
        }
    }

    fn step(&mut self, host: &mut Caller, newcomer: &mut Caller) -> Option<()> {
        if self.dice.below(2) == 0 {
            self.change_standing(host, newcomer)?;
        } else {
            self.change_rooms(host)?;
        }
        host.told.clear();
        newcomer.told.clear();
        Some(())
    }

    fn change_standing(&mut self, host: &mut Caller, newcomer: &mut Caller) -> Option<()> {
        let next = self.newcomer.is.next();
        self.newcomer.or = Some(next);
        let affiliate = |affiliation: &str| {
            with(
                act("affiliate", CLUB, NEWCOMER),
                json!({"affiliation": affiliation}),
            )
        };
        let reply = match next {
            Standing::Invited => host.ask(act("invite", CLUB, NEWCOMER)),
            Standing::Member => newcomer.ask(join(CLUB)),
            Standing::Moderator => host.ask(affiliate("moderator")),
            Standing::Stranger => host.ask(affiliate("none")),
        }?;
        if reply["code"] == "busy" {
            self.newcomer.or = None;
            return Some(());
        }
        assert_eq!(reply["type"], "ok", "{next:?}: {reply}");
        self.newcomer.settle(next);
        self.changes += 1;
        Some(())
    }

    fn change_rooms(&mut self, host: &mut Caller) -> Option<()> {
        let next = !self.exists.is;
        if next {
            self.number += 1;
        }
        self.exists.or = Some(next);
        let kind = if next { "create" } else { "delete" };
        let reply = host.ask(json!({"type": kind, "room": self.room()}))?;
        if reply["code"] == "busy" {
            self.exists.or = None;
            return Some(());
        }
        assert_eq!(reply["type"], "ok", "{kind}: {reply}");
        self.exists.settle(next);
        self.rooms += u64::from(next);
        Some(())
    }
}
