//! Sessions and revocations in memory.

use std::collections::BTreeMap;

use crate::access::record::{Answer, NewRevocation, NewSession, Question, SessionsFull};
use crate::access::revocation::{Revocation, Subject};
use crate::access::session::{LAST_USED_STEP_MS, SessionDigest, SessionRecord};
use crate::time::Wall;

/// Sessions by digest, revocations by subject.
#[derive(Debug, Clone, Default)]
pub(super) struct Sessions {
    sessions: BTreeMap<SessionDigest, SessionRecord>,
    revocations: BTreeMap<Subject, Revocation>,
}

impl Sessions {
    pub(super) fn answer(&mut self, question: Question) -> Answer {
        match question {
            Question::FindSession { digest, now } => Answer::Found(self.find(digest, now)),
            Question::InsertSession(session) => self.insert(session),
            Question::ListSessions {
                user,
                listed_max,
                now,
            } => {
                let is_meant = |record: &&SessionRecord| {
                    record.expires > now && user.as_ref().is_none_or(|user| *user == record.user)
                };
                let mut sessions: Vec<SessionRecord> =
                    self.sessions.values().filter(is_meant).cloned().collect();
                let total = sessions.len();
                sessions.sort_by_key(|record| (std::cmp::Reverse(record.created), record.digest));
                sessions.truncate(listed_max);
                Answer::Listed { sessions, total }
            }
            Question::Revoke(new) => self.revoke(*new),
        }
    }

    fn find(&mut self, digest: SessionDigest, now: Wall) -> Option<Box<SessionRecord>> {
        let record = self.sessions.get_mut(&digest)?;
        let step = |last: Wall| last.as_millis() + LAST_USED_STEP_MS <= now.as_millis();
        if record.last_used.is_none_or(step) {
            record.last_used = Some(now);
        }
        Some(Box::new(record.clone()))
    }

    fn insert(&mut self, session: Box<NewSession>) -> Answer {
        let now = session.record.created;
        self.sessions.retain(|_, record| record.expires > now);
        let of_user = |record: &&SessionRecord| record.user == session.record.user;
        if self.sessions.len() >= session.sessions_max {
            return Answer::Full(SessionsFull::All(session.sessions_max));
        }
        if self.sessions.values().filter(of_user).count() >= session.sessions_per_user_max {
            return Answer::Full(SessionsFull::User(session.sessions_per_user_max));
        }
        let record = session.record.clone();
        self.sessions.insert(record.digest, record);
        Answer::Inserted(session)
    }

    fn revoke(&mut self, new: NewRevocation) -> Answer {
        let NewRevocation {
            mut revocation,
            revocations_max,
        } = new;
        let now = revocation.at;
        self.revocations.retain(|_, known| known.until > now);
        match self.revocations.get(&revocation.subject) {
            // The date may have been set back since.
            Some(known) => {
                revocation.at = revocation.at.max(known.at);
                revocation.until = revocation.until.max(known.until);
            }
            None if self.revocations.len() >= revocations_max => {
                return Answer::RevocationsFull(revocations_max);
            }
            None => {}
        }
        let at = revocation.at;
        self.revocations
            .insert(revocation.subject.clone(), revocation.clone());
        let before = self.sessions.len();
        self.sessions
            .retain(|digest, record| match &revocation.subject {
                Subject::User(user) => record.user != *user || record.created > at,
                Subject::Session(id) => digest.id() != *id,
                Subject::Token(_) => true,
            });
        let sessions = before - self.sessions.len();
        Answer::Revoked {
            revocation,
            sessions,
        }
    }
}
