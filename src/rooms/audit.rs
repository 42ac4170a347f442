//! The moderation log of a room: entries that are only ever added, each bound to all before it by a hash.

use std::sync::Arc;

use aws_lc_rs::digest;

use super::moderation::Action;
use super::record::Head;
use super::standing::Authority;
use crate::time::Wall;

/// SHA-256 of an entry and of the hash before it.
pub type Digest = [u8; 32];

/// What somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub at: Wall,
    /// The user who did it; empty: the operator.
    pub actor: Arc<str>,
    pub authority: Authority,
    /// The word of the action, [`super::moderation::Action::word`].
    pub action: Box<str>,
    /// To whom; empty: to the room.
    pub target: Arc<str>,
    /// The message it was about.
    pub seq: Option<u64>,
    pub until: Option<Wall>,
    /// In the actor's words.
    pub reason: Box<str>,
    /// What was set, as `name=value` lines; empty for most.
    pub details: Box<str>,
}

impl Entry {
    /// Something that the server itself did to a room.
    pub fn of_server(action: Action, at: Wall) -> Entry {
        Entry {
            at,
            actor: "".into(),
            authority: Authority::Operator,
            action: action.word().into(),
            target: "".into(),
            seq: None,
            until: None,
            reason: "".into(),
            details: "".into(),
        }
    }

    /// The hash of this entry behind one whose hash is `previous` (all zero for the first), as entry `number` of `room`.
    ///
    /// SHA-256 over the previous hash and then every field as a length in eight bytes, big-endian, and its bytes; numbers and
    /// dates as eight bytes, big-endian, and what is absent as a field of no bytes.
    pub fn digest(&self, room: &str, number: u64, previous: &Digest) -> Digest {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(previous);
        let mut field = |bytes: &[u8]| {
            context.update(&(bytes.len() as u64).to_be_bytes());
            context.update(bytes);
        };
        field(room.as_bytes());
        field(&number.to_be_bytes());
        field(&self.at.as_millis().to_be_bytes());
        field(self.actor.as_bytes());
        field(self.authority.word().as_bytes());
        field(self.action.as_bytes());
        field(self.target.as_bytes());
        match self.seq {
            Some(seq) => field(&seq.to_be_bytes()),
            None => field(&[]),
        }
        match self.until {
            Some(until) => field(&until.as_millis().to_be_bytes()),
            None => field(&[]),
        }
        field(self.reason.as_bytes());
        field(self.details.as_bytes());
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        hash
    }
}

/// A log that is walked from its first entry on.
#[derive(Debug, Clone)]
pub struct Chain {
    room: Arc<str>,
    end: Head,
}

/// Why an entry does not follow the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    #[error("entry {expected} is missing; {found} stands in its place")]
    Number { expected: u64, found: u64 },
    #[error("the hash of entry {0} does not fit to it and to what stands before")]
    Digest(u64),
}

impl Chain {
    /// Before the first entry of this room's log.
    pub fn of(room: Arc<str>) -> Self {
        Chain {
            room,
            end: Head::default(),
        }
    }

    /// Goes on to the next entry, which was found with this number and hash.
    ///
    /// # Errors
    /// [`Break`] when it is not the next, or not what it was.
    pub fn follow(&mut self, found: Head, entry: &Entry) -> Result<(), Break> {
        let number = self.end.number + 1;
        if found.number != number {
            return Err(Break::Number {
                expected: number,
                found: found.number,
            });
        }
        if entry.digest(&self.room, number, &self.end.digest) != found.digest {
            return Err(Break::Digest(number));
        }
        self.end = found;
        Ok(())
    }

    /// The last entry that was gone over.
    pub fn end(&self) -> Head {
        self.end
    }
}
