//! People who keep a server busy until it is killed, and write down what they were told.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use super::dice::Dice;
use super::staff::TROLL;
use crate::line::{Caller, token};
use crate::rooms::{join, leave, with};

/// The room that everybody is in.
pub const DEN: &str = "den";

/// Messages sent before the reply to the first is waited for.
const BURST_MAX: u64 = 8;
/// Messages that somebody remembers to pick from.
const RECENT_MAX: usize = 200;

/// Something that somebody was told, which must be so ever after.
#[derive(Debug, Clone)]
pub enum Seen {
    /// To whom said it. What was heard by others is one of these too.
    Said {
        seq: u64,
        sender: String,
        text: String,
        is_acknowledged: bool,
    },
    Deleted {
        seq: u64,
    },
    Moderated {
        number: u64,
        action: String,
    },
    /// The visitor was told that this is noted.
    Read {
        seq: u64,
    },
    /// The visitor came in and was told what they missed.
    Joined,
}

/// Listens to the room: its messages come one after the other, none missing and none twice.
#[derive(Default)]
pub struct Ear {
    pub seen: Vec<Seen>,
    /// Whether something may be said where it is not heard: in another process.
    pub misses_some: bool,
    /// The latest message; `None`: nothing was heard since coming in.
    pub last: Option<u64>,
    pub recent: VecDeque<u64>,
}

impl Ear {
    pub fn hear(&mut self, notice: &Value) {
        let kind = notice["type"].as_str().unwrap_or_default();
        if notice["room"] != DEN {
            return;
        }
        match kind {
            "message" => self.hear_message(notice),
            "changed" if notice["deleted"].is_number() => {
                let several = notice["seqs"].as_array().map(Vec::as_slice);
                for seq in several.unwrap_or(std::slice::from_ref(&notice["seq"])) {
                    let seq = seq.as_u64().expect("a number");
                    self.seen.push(Seen::Deleted { seq });
                }
            }
            "moderation" => self.seen.push(Seen::Moderated {
                number: notice["number"].as_u64().expect("a number"),
                action: notice["action"].as_str().expect("a word").to_owned(),
            }),
            "removed" => self.last = None,
            _ => {}
        }
    }

    fn hear_message(&mut self, notice: &Value) {
        let seq = notice["seq"].as_u64().expect("a number");
        if let Some(last) = self.last {
            let is_next = seq == last + 1 || (self.misses_some && seq > last);
            assert!(is_next, "{seq} after {last}");
        }
        self.last = Some(seq);
        match notice["message"].as_str() {
            None => self.seen.push(Seen::Deleted { seq }),
            Some(text) => {
                let sender = notice["sender"].as_str().expect("somebody");
                self.remember(seq, sender);
                self.seen.push(Seen::Said {
                    seq,
                    sender: sender.to_owned(),
                    text: text.to_owned(),
                    is_acknowledged: false,
                });
            }
        }
    }

    /// Remembers it among those to pick from, unless it goes away by itself.
    fn remember(&mut self, seq: u64, sender: &str) {
        if sender != TROLL {
            self.recent.push_back(seq);
        }
        if self.recent.len() > RECENT_MAX {
            self.recent.pop_front();
        }
    }

    /// Hears what came beside a reply.
    pub fn hear_aside(&mut self, caller: &mut Caller) {
        for notice in caller.told.drain(..) {
            self.hear(&notice);
        }
    }
}

/// Comes in, however busy the server is with who they were before; `None` when the connection ends first.
pub fn come_in(caller: &mut Caller, ear: &mut Ear, request: &Value) -> Option<Value> {
    loop {
        let reply = caller.ask(request.clone());
        if reply.as_ref().is_none_or(|reply| reply["code"] != "busy") {
            return reply;
        }
        ear.hear_aside(caller);
    }
}

/// Says one thing after the other, each under a key of its own.
pub struct Writer {
    name: String,
    dice: Dice,
    said: u64,
    /// Said without a reply, with the keys, to be said again.
    pub unanswered: Vec<(String, String)>,
    /// As [`Ear::misses_some`].
    pub misses_some: bool,
}

impl Writer {
    pub fn new(name: &str, dice: Dice) -> Writer {
        Writer {
            name: name.to_owned(),
            dice,
            said: 0,
            unanswered: Vec::new(),
            misses_some: false,
        }
    }

    /// Talks until the connection ends.
    pub fn talk(&mut self, address: SocketAddr) -> Vec<Seen> {
        let mut ear = Ear {
            misses_some: self.misses_some,
            ..Ear::default()
        };
        if let Some(mut caller) = Caller::enter(address, &token(&self.name)) {
            let ended = self.talk_on(&mut caller, &mut ear);
            assert_eq!(ended, None);
            ear.hear_aside(&mut caller);
        }
        ear.seen
    }

    fn talk_on(&mut self, caller: &mut Caller, ear: &mut Ear) -> Option<()> {
        let reply = come_in(caller, ear, &join(DEN))?;
        assert_eq!(reply["type"], "ok", "{reply}");
        loop {
            for _ in 0..=self.dice.below(BURST_MAX) {
                self.said += 1;
                let key = format!("{}-{}", self.name, self.said);
                let padding = "~".repeat(self.dice.below(120) as usize);
                self.unanswered.push((format!("{key}{padding}"), key));
            }
            let mut waiting = BTreeMap::new();
            for (text, key) in &self.unanswered {
                let said = json!({"type": "send", "room": DEN, "message": text, "key": key});
                // When this fails what was told before is still to be read.
                if let Some(id) = caller.request(said) {
                    waiting.insert(id, text.clone());
                }
            }
            while !waiting.is_empty() {
                let notice = caller.notice()?;
                let id = notice["id"].as_u64();
                match id.and_then(|id| waiting.remove(&id)) {
                    Some(text) => self.acknowledge(&text, &notice, ear),
                    None => ear.hear(&notice),
                }
            }
            std::thread::sleep(Duration::from_micros(self.dice.below(3000)));
        }
    }

    fn acknowledge(&mut self, text: &str, reply: &Value, ear: &mut Ear) {
        if reply["code"] == "busy" {
            return;
        }
        assert_eq!(reply["type"], "ok", "{text}: {reply}");
        self.unanswered.retain(|(said, _)| said != text);
        ear.seen.push(Seen::Said {
            seq: reply["seq"].as_u64().expect("a number"),
            sender: self.name.clone(),
            text: text.to_owned(),
            is_acknowledged: true,
        });
    }
}

/// Comes and goes, and wants to be told what they missed.
pub struct Visitor {
    dice: Dice,
    /// The latest message that they have.
    last: u64,
}

pub const VISITOR: &str = "visitor";

impl Visitor {
    pub fn new(dice: Dice) -> Visitor {
        Visitor { dice, last: 0 }
    }

    pub fn visit(&mut self, address: SocketAddr) -> Vec<Seen> {
        let mut ear = Ear::default();
        while let Some(mut caller) = Caller::enter(address, &token(VISITOR)) {
            let stayed = self.stay(&mut caller, &mut ear);
            ear.hear_aside(&mut caller);
            self.last = self.last.max(ear.last.unwrap_or(0));
            if stayed.is_none() {
                break;
            }
        }
        ear.seen
    }

    /// One visit; `None` when it was cut short.
    fn stay(&mut self, caller: &mut Caller, ear: &mut Ear) -> Option<()> {
        let since = self.last.saturating_sub(self.dice.below(30));
        let reply = come_in(caller, ear, &with(join(DEN), json!({"since": since})))?;
        if reply["code"] == "not_in_room" {
            // Put out before the reply was read, which was taken back with all else of the room.
            return None;
        }
        assert_eq!(reply["type"], "ok", "{reply}");
        // The first message to come is the next one, but for what is said to be a gap.
        let gap = reply["gap"]["to"].as_u64();
        ear.last = Some(gap.unwrap_or(since));
        let present = reply["last_seq"].as_u64().expect("a number");
        assert!(present >= since, "{reply} after {since}");
        let wanted = present + self.dice.below(20);
        while ear.last.is_some_and(|last| last < wanted) {
            let notice = caller.notice()?;
            ear.hear(&notice);
        }
        ear.seen.push(Seen::Joined);
        if let Some(seq) = ear.last.filter(|seq| *seq > 0) {
            let reply = caller.ask(json!({"type": "seen", "room": DEN, "seq": seq}))?;
            match reply["type"] == "ok" {
                true => ear.seen.push(Seen::Read { seq }),
                false => assert_eq!(reply["code"], "busy", "{reply}"),
            }
            let reply = caller.ask(leave(DEN))?;
            // Whoever was kicked meanwhile is not there to leave.
            assert!(
                reply["type"] == "ok" || reply["code"] == "not_in_room",
                "{reply}"
            );
        }
        Some(())
    }
}
