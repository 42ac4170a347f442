//! What is asked of the store about rooms, and what it answers. Plain values: who asks and who answers stand elsewhere.

use std::sync::Arc;

use super::audit::{Digest, Entry};
use super::settings::Settings;
use super::standing::Standing;
use crate::time::Wall;

/// A room as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomRecord {
    pub id: Arc<str>,
    pub settings: Settings,
    /// Who made it; empty: the operator.
    pub created_by: Arc<str>,
    pub created: Wall,
    /// The number of the latest message, kept or not; 0: none yet.
    pub last_seq: u64,
    /// The number of the oldest message kept; `last_seq + 1`: none is.
    pub first_seq: u64,
    /// The number and hash of the latest entry of its moderation log.
    pub audit: Head,
    pub standings: Vec<(Arc<str>, Standing)>,
}

/// The end of a moderation log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// 0: the log is empty.
    pub number: u64,
    pub digest: Digest,
}

/// A message of a durable room as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRecord {
    pub seq: u64,
    pub sender: Arc<str>,
    /// The sender's name when it was said.
    pub name: Arc<str>,
    /// Empty once it is deleted. In a private room what the client enciphered.
    pub text: Box<str>,
    pub at: Wall,
    pub edited: Option<Wall>,
    pub deleted: Option<Wall>,
}

/// Where a page of a log of numbered things begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// The first ones above this number, upwards.
    After(u64),
    /// The last ones below this number, told in ascending order too.
    Before(u64),
}

/// Where what retention leaves of a room begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Floor {
    /// Messages with a lower number are too many.
    pub first_seq: u64,
    /// Those said before are too old.
    pub since: Option<Wall>,
}

impl Floor {
    /// Whether a message of this number and date is above it.
    pub fn holds(&self, seq: u64, at: Wall) -> bool {
        seq >= self.first_seq && self.since.is_none_or(|since| at >= since)
    }
}

/// A message to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    pub room: Arc<str>,
    pub sender: Arc<str>,
    pub name: Arc<str>,
    pub text: Box<str>,
    pub at: Wall,
    /// The client's own: the same of the same sender in the same room is the same message.
    pub key: Option<Box<str>>,
}

/// A change of what is kept of a message. Stands in [`Change`], so that what a moderator does has an entry in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageChange {
    /// Another text for the author's own message.
    Edit {
        seq: u64,
        author: Arc<str>,
        text: Box<str>,
    },
    /// The text is forgotten, its number stays.
    Delete { seq: u64, by: Deleter },
    /// The same for everything that this user said here, at most `messages_max` at a time, latest first. `is_rest`: for what is left of
    /// one that has begun; nothing, when nothing is.
    DeleteAllOf {
        user: Arc<str>,
        messages_max: usize,
        is_rest: bool,
    },
}

/// Who deletes a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deleter {
    /// Its author; another's is [`RoomAnswer::Foreign`].
    Author(Arc<str>),
    /// Somebody who moderates; what one of these said is [`RoomAnswer::Spared`].
    Moderator { spared: Vec<Arc<str>> },
}

impl Deleter {
    /// The author, when it is they.
    pub fn author(&self) -> Option<&Arc<str>> {
        match self {
            Deleter::Author(author) => Some(author),
            Deleter::Moderator { .. } => None,
        }
    }
}

/// Something that moderators or owners do, with all that it changes. **All of it or nothing is done**, in the order of the
/// fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub room: Arc<str>,
    /// When it is done: the date of an edit or a deletion.
    pub at: Wall,
    /// What the room is from now on; `None`: as it was.
    pub settings: Option<Box<Settings>>,
    /// How these users stand to it from now on; a blank one is forgotten.
    pub standings: Vec<(Arc<str>, Standing)>,
    pub messages: Option<MessageChange>,
    /// The room and everything of it but its log is forgotten.
    pub is_deletion: bool,
    /// One message below it is not edited or deleted, as if it were forgotten.
    pub floor: Floor,
    /// To be written into the log, which numbers and chains it; `None`: what an author did to their own message.
    pub entry: Option<Entry>,
}

/// A question to the store about rooms.
#[derive(Debug, Clone)]
pub enum RoomQuestion {
    /// Make this room, with its first standings; its log begins with this entry.
    Create(Box<RoomRecord>, Box<Entry>),
    Change(Box<Change>),
    Append(Arc<NewMessage>),
    /// Whether a message of this sender's with this key is kept already; this one is not.
    Known(Arc<NewMessage>),
    /// Messages of this room. At most `messages_max`, and no more than `bytes_max` bytes of texts but always one.
    Page {
        room: Arc<str>,
        from: From,
        /// What is below it is told to nobody.
        floor: Floor,
        messages_max: usize,
        bytes_max: usize,
    },
    /// Entries of its moderation log, at most `entries_max`.
    Log {
        room: Arc<str>,
        from: From,
        entries_max: usize,
    },
    /// This user has read so far.
    Read {
        room: Arc<str>,
        user: Arc<str>,
        seq: u64,
    },
    /// Forget the oldest messages below the floor, at most `messages_max` of them.
    Trim {
        room: Arc<str>,
        floor: Floor,
        messages_max: usize,
    },
}

impl RoomQuestion {
    /// Whether somebody is to read the answer and nothing is kept for it: it waits for what is.
    pub fn is_page(&self) -> bool {
        match self {
            RoomQuestion::Page { .. } | RoomQuestion::Log { .. } => true,
            RoomQuestion::Create(..)
            | RoomQuestion::Change(_)
            | RoomQuestion::Append(_)
            | RoomQuestion::Known(_)
            | RoomQuestion::Read { .. }
            | RoomQuestion::Trim { .. } => false,
        }
    }
}

/// What the store says about rooms.
#[derive(Debug, Clone)]
pub enum RoomAnswer {
    /// To [`RoomQuestion::Create`]: `None`: a room of this id exists already, or did: only the operator makes that one anew, whose log goes
    /// on.
    Created(Option<Box<RoomRecord>>),
    /// To [`RoomQuestion::Change`]: it is kept, and this is the log's end now.
    Changed(Box<Changed>),
    /// To [`RoomQuestion::Append`], and to [`RoomQuestion::Known`] when it is: the number and date that the message has.
    Appended {
        seq: u64,
        at: Wall,
        is_repeated: bool,
    },
    /// To [`RoomQuestion::Page`], in ascending order.
    Page {
        messages: Vec<MessageRecord>,
        /// The oldest that may be read, and the latest there is.
        first_seq: u64,
        last_seq: u64,
    },
    /// To [`RoomQuestion::Log`], in ascending order, each with its number and hash.
    Log {
        entries: Vec<(Head, Entry)>,
        head: Head,
    },
    /// To [`RoomQuestion::Read`].
    Read,
    /// To [`RoomQuestion::Trim`].
    Trimmed {
        /// The oldest that is not below the floor, and when it was said, if there is one.
        first_seq: u64,
        oldest: Option<Wall>,
        /// Whether messages below the floor are left.
        is_more: bool,
    },
    /// To [`RoomQuestion::Change`]: the message is by somebody whom whoever asked may not act on.
    Spared,
    /// To [`RoomQuestion::Change`]: the message is somebody else's, and only its author may do that.
    Foreign,
    /// To any of them: no such room, or no such message.
    Missing,
}

/// What a [`Change`] has changed.
#[derive(Debug, Clone)]
pub struct Changed {
    pub change: Change,
    pub head: Head,
    /// Numbers of the messages that were edited or deleted, ascending.
    pub messages: Vec<u64>,
    /// Whether [`MessageChange::DeleteAllOf`] left some.
    pub is_more: bool,
}
