//! Names for things that live in tables.

use std::fmt;

/// A connection: its slot in the table and which use of that slot it is.
///
/// A late answer that carries the id of a connection which has gone can therefore never reach the
/// one that came after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl ConnectionId {
    /// Of all ids, in their order.
    pub(crate) const FIRST: ConnectionId = ConnectionId {
        slot: 0,
        generation: 0,
    };
    pub(crate) const LAST: ConnectionId = ConnectionId {
        slot: u32::MAX,
        generation: u32::MAX,
    };

    /// The slot, for tables that run beside the engine's own.
    pub fn slot(self) -> usize {
        self.slot as usize
    }

    /// The inverse of its text; no other text is one.
    pub fn parse(text: &str) -> Option<Self> {
        let (slot, generation) = text.split_once('-')?;
        let id = ConnectionId {
            slot: slot.parse().ok()?,
            generation: generation.parse().ok()?,
        };
        (id.to_string() == text).then_some(id)
    }

    /// Both parts in one number, for the poll's token.
    pub fn as_u64(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.slot)
    }

    /// The inverse of [`ConnectionId::as_u64`].
    pub fn from_u64(bits: u64) -> Self {
        ConnectionId {
            slot: (bits & u64::from(u32::MAX)) as u32,
            generation: (bits >> 32) as u32,
        }
    }
}

/// For people and for the server API.
impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.slot, self.generation)
    }
}

/// A user who is, or lately was, connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserKey(pub(crate) u32);

/// A room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomKey(pub(crate) u32);

/// A question to the operator's own program; never used again for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuestionId(pub(crate) u64);
