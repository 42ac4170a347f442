//! What the store has durably done, read in the simplest way: who stands how to which room, and what was said there. Knows no engine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Violation;
use crate::protocol::vocabulary::{Affiliation, RoomKind};
use crate::rooms::audit::Entry;
use crate::rooms::record::{Changed, MessageChange, NewMessage, RoomAnswer, RoomQuestion};
use crate::rooms::settings::Settings;
use crate::rooms::standing::{Sanction, Standing};
use crate::simulation::swarm::disk::Done;
use crate::time::{Instant, Wall};

/// A message that is kept.
#[derive(Debug)]
pub struct Kept {
    pub sender: Arc<str>,
    /// Every text that it has ever had.
    pub texts: Vec<Box<str>>,
    pub key: Option<Box<str>>,
}

/// Something that stands in a room's log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deed {
    pub actor: String,
    pub action: String,
    pub target: String,
}

/// A room as the store has it.
#[derive(Debug)]
pub struct Room {
    pub settings: Settings,
    pub standings: BTreeMap<Arc<str>, Standing>,
    pub messages: BTreeMap<u64, Kept>,
    pub last_seq: u64,
    pub deeds: BTreeMap<Deed, u64>,
    pub is_gone: bool,
    /// Whether a bound of the room's own was ever set.
    pub was_limited: bool,
    /// When each person last spoke, as far as this lifetime of the server and these settings go.
    spoke: BTreeMap<Arc<str>, Instant>,
    /// Since when the settings are in force.
    set: Instant,
}

impl Room {
    fn new(settings: Settings) -> Self {
        Room {
            was_limited: is_limited(&settings),
            settings,
            standings: BTreeMap::new(),
            messages: BTreeMap::new(),
            last_seq: 0,
            deeds: BTreeMap::new(),
            is_gone: false,
            spoke: BTreeMap::new(),
            set: Instant::ZERO,
        }
    }

    fn standing(&self, user: &str) -> Option<&Standing> {
        self.standings.get(user)
    }

    /// Whether a ban is in force on somebody.
    pub fn is_banned(&self, user: &str, now: Wall) -> bool {
        in_force(self.standing(user).and_then(|s| s.ban.as_ref()), now)
    }

    /// Whether a mute is.
    pub fn is_muted(&self, user: &str, now: Wall) -> bool {
        in_force(self.standing(user).and_then(|s| s.mute.as_ref()), now)
    }

    /// 0: nothing, 1: a member, 2: a moderator, 3: an owner.
    pub fn height(&self, user: &str) -> u8 {
        self.standing(user).map_or(0, height)
    }

    fn is_invited(&self, user: &str) -> bool {
        self.standing(user)
            .is_some_and(|standing| standing.is_invited)
    }

    /// Whether somebody who is there may hear what is said.
    pub fn may_hear(&self, user: &str, now: Wall) -> bool {
        if self.is_gone || self.is_banned(user, now) {
            return false;
        }
        let is_at_home = self.height(user) > 0 || self.is_invited(user);
        is_at_home || (self.settings.kind == RoomKind::Public && !self.settings.is_archived)
    }

    /// Whether a room says no to nobody who is signed in.
    pub fn is_open_to(&self, user: &str, now: Wall) -> bool {
        let settings = &self.settings;
        settings.kind == RoomKind::Public && self.may_hear(user, now) && !settings.is_archived
    }

    /// Whether this was said there, under any of its texts.
    pub fn has_said(&self, seq: u64, sender: &str, text: &str) -> bool {
        self.messages.get(&seq).is_some_and(|kept| {
            &*kept.sender == sender && kept.texts.iter().any(|known| &**known == text)
        })
    }
}

/// How high an affiliation is, whatever sanction is in force.
pub(super) fn height(standing: &Standing) -> u8 {
    match standing.held {
        Affiliation::Owner => 3,
        Affiliation::Moderator => 2,
        Affiliation::Member => 1,
        _ => 0,
    }
}

fn in_force(sanction: Option<&Sanction>, now: Wall) -> bool {
    match sanction.map(|sanction| sanction.until) {
        None => false,
        Some(None) => true,
        Some(Some(until)) => now.as_millis() < until.as_millis(),
    }
}

fn is_limited(settings: &Settings) -> bool {
    !settings.slow_mode.is_zero()
        || !settings.cooldown.is_zero()
        || settings.messages_per_minute > 0
        || settings.messages_per_minute_per_member > 0
        || settings.bytes_per_second > 0
        || settings.joins_per_minute > 0
}

/// All rooms, by their ids.
#[derive(Debug, Default)]
pub struct Books {
    pub rooms: BTreeMap<String, Room>,
    latest: Wall,
    /// Whether the date was ever set.
    pub was_set: bool,
}

/// What a change of the books means for people who are there.
#[derive(Debug, Default)]
pub struct Consequence {
    /// The room, if who may hear it may be others now.
    pub room: Option<String>,
    /// Who was put out whatever they may.
    pub put_out: Option<Arc<str>>,
    /// A message that was said just now.
    pub said: Option<Said>,
}

/// A message that is kept now.
#[derive(Debug)]
pub struct Said {
    pub room: String,
    pub sender: Arc<str>,
    pub text: Box<str>,
    pub at: Wall,
}

impl Books {
    /// Books of a store that is about to hear of these rooms of the configuration.
    pub fn room(&self, room: &str) -> Option<&Room> {
        self.rooms.get(room).filter(|room| !room.is_gone)
    }

    /// The server has lost what it kept in memory.
    pub fn restarted(&mut self) {
        for room in self.rooms.values_mut() {
            room.spoke.clear();
        }
    }

    /// Takes note of the date.
    pub fn date_is(&mut self, now: Wall) {
        self.latest = self.latest.max(now);
    }

    /// The latest date there was: a ban or mute that was over once need not be in force again when the date is set back.
    pub fn latest(&self, now: Wall) -> Wall {
        self.latest.max(now)
    }

    /// Takes note of something that is durable now. `said`: when it was said, if it is a message and that is known.
    pub fn note(
        &mut self,
        done: Done,
        said: Option<Instant>,
        now: Instant,
    ) -> Result<Consequence, Violation> {
        match (done.asked, done.answer) {
            (RoomQuestion::Create(_, entry), RoomAnswer::Created(Some(made))) => {
                let mut room = Room::new(made.settings.clone());
                room.standings = made.standings.iter().cloned().collect();
                note_deed(&mut room, &entry);
                self.rooms.insert(made.id.to_string(), room);
                Ok(Consequence::default())
            }
            (_, RoomAnswer::Changed(changed)) => self.change(&changed, now),
            (
                RoomQuestion::Append(message),
                RoomAnswer::Appended {
                    seq,
                    is_repeated: false,
                    ..
                },
            ) => self.append(&message, seq, said),
            _ => Ok(Consequence::default()),
        }
    }

    fn append(
        &mut self,
        message: &NewMessage,
        seq: u64,
        said: Option<Instant>,
    ) -> Result<Consequence, Violation> {
        let id = message.room.to_string();
        let at = message.at;
        let Some(room) = self.rooms.get_mut(&id) else {
            return Err(Violation::new("store", format!("{id} was never made")));
        };
        if seq != room.last_seq + 1 {
            let words = format!("{id} got {seq} after {}", room.last_seq);
            return Err(Violation::new("numbers", words));
        }
        // It was judged when it was asked for. Where the date was set meanwhile nobody knows what was in force then.
        let why = if self.was_set && at < self.latest {
            None
        } else if room.is_banned(&message.sender, at) {
            Some("banned")
        } else if room.is_muted(&message.sender, at) {
            Some("muted")
        } else {
            None
        };
        if let Some(why) = why {
            let words = format!("{id} keeps {seq} of {}, who is {why}", message.sender);
            return Err(Violation::new("said after a sanction", words));
        }
        pace(room, &id, message, said)?;
        room.last_seq = seq;
        let kept = Kept {
            sender: Arc::clone(&message.sender),
            texts: vec![message.text.clone()],
            key: message.key.clone(),
        };
        room.messages.insert(seq, kept);
        Ok(Consequence {
            said: Some(Said {
                room: id,
                sender: Arc::clone(&message.sender),
                text: message.text.clone(),
                at: message.at,
            }),
            ..Consequence::default()
        })
    }

    fn change(&mut self, changed: &Changed, now: Instant) -> Result<Consequence, Violation> {
        let change = &changed.change;
        let id = change.room.to_string();
        let Some(room) = self.rooms.get_mut(&id) else {
            return Err(Violation::new("store", format!("{id} was never made")));
        };
        if let Some(entry) = &change.entry {
            judge(room, &id, entry, changed)?;
            note_deed(room, entry);
        }
        let had_owner = has_owner(room);
        if let Some(settings) = &change.settings {
            room.settings = (**settings).clone();
            room.was_limited |= is_limited(settings);
            room.spoke.clear();
            room.set = now;
        }
        for (user, standing) in &change.standings {
            room.standings.insert(Arc::clone(user), standing.clone());
        }
        if let Some(MessageChange::Edit { seq, text, .. }) = &change.messages
            && let Some(kept) = room.messages.get_mut(seq)
        {
            kept.texts.push(text.clone());
        }
        room.is_gone = change.is_deletion;
        if had_owner && !room.is_gone && !has_owner(room) {
            return Err(Violation::new("last owner", format!("{id} has no owner")));
        }
        let action = change.entry.as_ref().map(|entry| &*entry.action);
        let put_out = matches!(action, Some("kick" | "ban"))
            .then(|| change.entry.as_ref().map(|entry| Arc::clone(&entry.target)));
        Ok(Consequence {
            room: Some(id),
            put_out: put_out.flatten(),
            said: None,
        })
    }
}

/// In slow mode nobody who does not moderate speaks twice in so short a time. Where the date was set, the dates of two messages may not say how
/// much time that was.
fn pace(
    room: &mut Room,
    id: &str,
    message: &NewMessage,
    said: Option<Instant>,
) -> Result<(), Violation> {
    let sender = Arc::clone(&message.sender);
    let before = match said {
        Some(said) => room.spoke.insert(sender, said).map(|before| (before, said)),
        None => {
            room.spoke.remove(&sender);
            None
        }
    };
    let slow = room.settings.slow_mode;
    let is_bound = !slow.is_zero() && room.height(&message.sender) < 2;
    let Some((before, said)) = before.filter(|_| is_bound) else {
        return Ok(());
    };
    // Each was judged when it was said: what was on its way to the store behind other settings knew nothing of them, and without slow mode nobody
    // remembers when somebody spoke.
    let is_known = before > room.set;
    let passed = said.since(before);
    // Dates are in whole milliseconds.
    if !is_known || passed + Duration::from_millis(1) >= slow {
        return Ok(());
    }
    let words = format!(
        "{} spoke in {id} again after {passed:?}, in slow mode",
        message.sender
    );
    Err(Violation::new("never over", words))
}

fn has_owner(room: &Room) -> bool {
    room.standings
        .values()
        .any(|standing| standing.held == Affiliation::Owner)
}

fn note_deed(room: &mut Room, entry: &Entry) {
    let deed = Deed {
        actor: entry.actor.to_string(),
        action: entry.action.to_string(),
        target: entry.target.to_string(),
    };
    *room.deeds.entry(deed).or_default() += 1;
}

/// Nobody acts on somebody as high or higher, and nobody without the right.
fn judge(room: &Room, id: &str, entry: &Entry, changed: &Changed) -> Result<(), Violation> {
    if entry.actor.is_empty() {
        return Ok(());
    }
    let (actor, target) = (room.height(&entry.actor), room.height(&entry.target));
    let becomes = changed.change.standings.iter();
    let becomes = becomes
        .filter(|(user, _)| *user == entry.target)
        .map(|(_, standing)| height(standing))
        .max()
        .unwrap_or(target);
    let is_allowed = match &*entry.action {
        "kick" | "ban" | "unban" | "mute" | "unmute" => actor >= 2 && target < actor,
        // Whoever was invited and comes belongs to the room from then on.
        "affiliate" if entry.actor == entry.target => {
            becomes < target || room.is_invited(&entry.actor)
        }
        "affiliate" => actor >= 2 && target < actor && (becomes < actor || actor == 3),
        "transfer" => actor == 3,
        "update" | "raid" | "approve" | "invite" => actor >= 2,
        "archive" | "unarchive" | "delete" => actor == 3,
        _ => true,
    };
    if is_allowed {
        return Ok(());
    }
    let words = format!(
        "{} ({actor}) did {} to {:?} ({target}) in {id}",
        entry.actor, entry.action, entry.target
    );
    Err(Violation::new("rank", words))
}
