//! What is asked of the store about who may, and what it answers. Plain values: who asks and who answers stand elsewhere.

use std::sync::Arc;

use super::revocation::Revocation;
use super::session::{SessionDigest, SessionRecord, SessionValue};
use crate::time::Wall;

/// A question to the store.
#[derive(Debug, Clone)]
pub enum Question {
    /// The session with this digest, which somebody shows at `now`.
    FindSession { digest: SessionDigest, now: Wall },
    /// Keep this session.
    InsertSession(Box<NewSession>),
    /// The sessions that are good at `now`, newest first, at most `listed_max`; of one user or of all.
    ListSessions {
        user: Option<Arc<str>>,
        listed_max: usize,
        now: Wall,
    },
    /// Keep this revocation, and forget the sessions that it takes back.
    Revoke(Box<NewRevocation>),
}

/// A session to be made.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Comes back with the answer; never stored.
    pub value: SessionValue,
    pub record: SessionRecord,
    /// Sessions in all; expired ones do not count.
    pub sessions_max: usize,
    /// Sessions of this user.
    pub sessions_per_user_max: usize,
}

/// Something to be taken back.
#[derive(Debug, Clone)]
pub struct NewRevocation {
    pub revocation: Revocation,
    /// Revocations in force, in all. A further one about the same subject always fits.
    pub revocations_max: usize,
}

/// What the store says.
#[derive(Debug, Clone)]
pub enum Answer {
    /// To [`Question::FindSession`]. One that has expired may be found still.
    Found(Option<Box<SessionRecord>>),
    /// To [`Question::InsertSession`]: it is kept.
    Inserted(Box<NewSession>),
    /// To [`Question::InsertSession`]: this bound is reached.
    Full(SessionsFull),
    /// To [`Question::ListSessions`].
    Listed {
        sessions: Vec<SessionRecord>,
        /// How many there are, listed or not.
        total: usize,
    },
    /// To [`Question::Revoke`]: it is kept, and so many sessions are gone.
    Revoked {
        revocation: Revocation,
        sessions: usize,
    },
    /// To [`Question::Revoke`]: so many are in force, and this one is not. None is forgotten to make room, since that would
    /// let somebody in again.
    RevocationsFull(usize),
}

/// A bound on sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionsFull {
    #[error("auth.session.sessions_max: {0} sessions are kept")]
    All(usize),
    #[error("auth.session.sessions_per_user_max: this user has {0} sessions")]
    User(usize),
}
