//! Credentials taken back before their time: which, since when, and whether somebody's is among them. No store, no sockets.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::session::SessionId;
use super::{Grant, Identity};
use crate::config::Auth;
use crate::hash::Keyed;
use crate::time::Wall;

#[cfg(test)]
mod tests;

/// Entries past their time that one call removes, so that no call pays for a crowd.
const FORGOTTEN_PER_CALL_MAX: usize = 16;

/// Longest token id that can be named, in bytes.
pub const TOKEN_ID_BYTES_MAX: usize = 256;

/// What is taken back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// Everything that this user was given up to the revocation.
    User(Arc<str>),
    /// Every token with this `jti`.
    Token(Arc<str>),
    Session(SessionId),
}

impl Subject {
    /// The two words of it: what kind of thing, and which.
    pub fn words(&self) -> (&'static str, String) {
        match self {
            Subject::User(user) => ("user", user.to_string()),
            Subject::Token(id) => ("token", id.to_string()),
            Subject::Session(id) => ("session", id.to_string()),
        }
    }

    /// The inverse of [`Subject::words`].
    pub fn from_words(kind: &str, which: &str) -> Option<Subject> {
        match kind {
            "user" => Some(Subject::User(which.into())),
            "token" => Some(Subject::Token(which.into())),
            "session" => SessionId::parse(which).map(Subject::Session),
            _ => None,
        }
    }
}

/// One thing taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    pub subject: Subject,
    /// When it was asked for.
    pub at: Wall,
    /// From then on no credential can be good that this one concerns: the entry is forgotten.
    pub until: Wall,
}

impl Revocation {
    /// Takes `subject` back as of `now`. It is remembered as long as a token could be good that was issued before: its
    /// `auth.jwt.lifetime_max`, and the clock difference that is forgiven at both of its ends.
    pub fn new(subject: Subject, auth: &Auth, now: Wall) -> Self {
        Revocation {
            subject,
            at: now,
            until: now.after(auth.jwt.lifetime_max).after(2 * auth.jwt.leeway),
        }
    }

    /// Whether `identity` was let in by what is taken back.
    ///
    /// **What is not dated counts as older than every revocation**: a token without `iat` of a revoked user is refused.
    pub fn concerns(&self, identity: &Identity) -> bool {
        self.concerns_grant(&identity.user, &identity.grant)
    }

    /// The same of an open connection.
    pub fn concerns_grant(&self, user: &str, grant: &Grant) -> bool {
        match &self.subject {
            Subject::User(revoked) => {
                **revoked == *user && grant.issued.is_none_or(|issued| issued <= self.at)
            }
            Subject::Token(revoked) => grant.token_id.as_ref() == Some(revoked),
            Subject::Session(revoked) => grant.session.as_ref() == Some(revoked),
        }
    }
}

/// Everything taken back that somebody could still show.
#[derive(Debug)]
pub struct Revocations {
    by_subject: HashMap<Subject, Revocation, Keyed>,
    /// The same in the order in which they are forgotten.
    by_end: BTreeSet<(Wall, Subject)>,
}

impl Revocations {
    /// An empty table.
    pub fn new(keyed: Keyed) -> Self {
        Revocations {
            by_subject: HashMap::with_hasher(keyed),
            by_end: BTreeSet::new(),
        }
    }

    /// Takes note. Of two about the same subject the later stays. How many there may be is checked where they are stored.
    pub fn insert(&mut self, revocation: Revocation, now: Wall) {
        self.forget(now);
        if let Some(known) = self.by_subject.get_mut(&revocation.subject) {
            self.by_end.remove(&(known.until, known.subject.clone()));
            known.at = known.at.max(revocation.at);
            known.until = known.until.max(revocation.until);
            self.by_end.insert((known.until, known.subject.clone()));
            return;
        }
        self.by_end
            .insert((revocation.until, revocation.subject.clone()));
        self.by_subject
            .insert(revocation.subject.clone(), revocation);
    }

    /// Whether what let `identity` in was taken back.
    pub fn concern(&self, identity: &Identity) -> bool {
        let subjects = [
            Some(Subject::User(identity.user.clone())),
            identity.grant.token_id.clone().map(Subject::Token),
            identity.grant.session.map(Subject::Session),
        ];
        !self.by_subject.is_empty()
            && subjects
                .iter()
                .flatten()
                .filter_map(|subject| self.by_subject.get(subject))
                .any(|revocation| revocation.concerns(identity))
    }

    /// Entries in force, and some that are past their time.
    pub fn len(&self) -> usize {
        self.by_subject.len()
    }

    /// Whether nothing is taken back.
    pub fn is_empty(&self) -> bool {
        self.by_subject.is_empty()
    }

    fn forget(&mut self, now: Wall) {
        for _ in 0..FORGOTTEN_PER_CALL_MAX {
            match self.by_end.first() {
                Some((until, _)) if *until <= now => {}
                _ => return,
            }
            if let Some((_, subject)) = self.by_end.pop_first() {
                self.by_subject.remove(&subject);
            }
        }
    }
}
