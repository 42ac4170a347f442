//! Sessions and revocations: what is asked of the store, and what its answers mean to the caller.

use rand_chacha::rand_core::Rng;
use serde::Serialize;

use super::super::Engine;
use super::super::connection::Body;
use super::super::verify::BUSY_RETRY;
use super::super::work::{Come, Outcome, PENDING_ANSWERS, Work};
use super::list::List;
use super::{Answer, identity};
use crate::access::record::{self, NewRevocation, NewSession, Question, SessionsFull};
use crate::access::revocation::{Revocation, Subject};
use crate::access::session::{SessionId, SessionRecord, SessionValue};
use crate::id::ConnectionId;
use crate::protocol::api::{Operation, Revoke, SessionQuery, SessionRequest};
use crate::protocol::problem::Problem;
use crate::time::{Now, Wall};

/// One session, as its owner may know it. Its value is told once, when it is made.
#[derive(Serialize)]
struct Entry<'a> {
    session: String,
    user: &'a str,
    name: &'a str,
    label: &'a str,
    /// In seconds since 1970, as every date here.
    created: f64,
    expires: f64,
    last_used: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
}

#[derive(Serialize)]
struct Total {
    /// Sessions that are good, listed or not.
    total: usize,
}

#[derive(Serialize)]
struct Revoked {
    revoked: &'static str,
    subject: String,
    at: f64,
    /// Sessions that the store has forgotten for it.
    sessions_ended: usize,
}

impl Engine {
    /// Asks the store, and when it has answered tells the caller; `None` while it has not.
    pub(super) fn carry_out_stored(
        &mut self,
        id: ConnectionId,
        call: &Body,
        now: Now,
    ) -> Result<Option<Answer>, Problem> {
        match self.take_answer(id) {
            None => {
                let question = self.question(call, now)?;
                if self.ask(id, Work::Record(question), now) {
                    return Ok(None);
                }
                self.counters.limited.count_pair(PENDING_ANSWERS);
                Err(unavailable("too many questions wait for the store"))
            }
            Some(Come::Outcome(Outcome::Record(answer))) => told(answer).map(Some),
            Some(Come::Outcome(Outcome::Failed(fault))) => Err(unavailable(fault.to_string())),
            Some(_) => Err(unavailable("too many questions wait for the store")),
        }
    }

    fn question(&mut self, call: &Body, now: Now) -> Result<Question, Problem> {
        match call.operation {
            Operation::NewSession => {
                let request = SessionRequest::parse(&call.bytes)?;
                let session = self.new_session(&request, now)?;
                Ok(Question::InsertSession(Box::new(session)))
            }
            Operation::Revoke => {
                let subject = subject(Revoke::parse(&call.bytes)?)?;
                Ok(Question::Revoke(Box::new(NewRevocation {
                    revocation: Revocation::new(subject, &self.config.auth, now.wall),
                    revocations_max: self.config.auth.revocations_max,
                })))
            }
            _ => {
                let query = SessionQuery::parse(call.query.as_deref())?;
                Ok(Question::ListSessions {
                    user: query.user.map(Into::into),
                    listed_max: query.entries_max,
                    now: now.wall,
                })
            }
        }
    }

    fn new_session(&mut self, request: &SessionRequest, now: Now) -> Result<NewSession, Problem> {
        let settings = &self.config.auth.session;
        let lifetime = request.lifetime.unwrap_or(settings.lifetime);
        if lifetime.is_zero() || lifetime > settings.lifetime {
            let allowed = format!(
                "1 to auth.session.lifetime = {} milliseconds",
                settings.lifetime.as_millis()
            );
            return Err(Problem::field("lifetime_ms", allowed));
        }
        let identity = identity(&request.author)?;
        let mut random = [0; 32];
        self.random.fill_bytes(&mut random);
        let value = SessionValue::new(random);
        Ok(NewSession {
            record: SessionRecord {
                digest: value.digest(),
                user: identity.user,
                name: identity.name,
                label: request.label.as_deref().unwrap_or_default().into(),
                created: now.wall,
                expires: now.wall.after(lifetime),
                last_used: None,
            },
            value,
            sessions_max: settings.sessions_max,
            sessions_per_user_max: settings.sessions_per_user_max,
        })
    }
}

fn subject(revoke: Revoke) -> Result<Subject, Problem> {
    match revoke {
        Revoke::User(user) => Ok(Subject::User(user.into())),
        Revoke::Token(token) => Ok(Subject::Token(token.into())),
        Revoke::Session(text) => SessionId::parse(&text)
            .map(Subject::Session)
            .ok_or_else(|| Problem::field("session", "the 32 hexadecimal digits that name it")),
    }
}

fn told(answer: record::Answer) -> Result<Answer, Problem> {
    use record::Answer as Stored;
    match answer {
        Stored::Inserted(session) => {
            let NewSession { value, record, .. } = *session;
            let id = record.digest.id();
            log::info!("private: made session {id} for {:?}", record.user);
            Ok(Answer::of(&Entry {
                value: Some(value.reveal()),
                ..entry(&record)
            }))
        }
        Stored::Listed { sessions, total } => {
            let mut list = List::begin(&Total { total }, "sessions", sessions.len());
            for record in &sessions {
                if !list.has_room() {
                    break;
                }
                list.push(&entry(record));
            }
            Ok(list.end_here())
        }
        // Whom it concerns was told already, and the log too.
        Stored::Revoked {
            revocation,
            sessions,
        } => {
            let (revoked, subject) = revocation.subject.words();
            Ok(Answer::of(&Revoked {
                revoked,
                subject,
                at: seconds(revocation.at),
                sessions_ended: sessions,
            }))
        }
        Stored::Full(SessionsFull::All(_)) => Err(Problem::BoundReached {
            limit: "auth.session.sessions_max",
        }),
        Stored::Full(SessionsFull::User(_)) => Err(Problem::BoundReached {
            limit: "auth.session.sessions_per_user_max",
        }),
        Stored::RevocationsFull(_) => Err(Problem::BoundReached {
            limit: "auth.revocations_max",
        }),
        Stored::Found(_) => Err(unavailable("the store answered something else")),
    }
}

pub(super) fn unavailable(detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::StoreUnavailable {
        detail: detail.into(),
        retry_after: BUSY_RETRY,
    }
}

fn entry(record: &SessionRecord) -> Entry<'_> {
    Entry {
        session: record.digest.id().to_string(),
        user: &record.user,
        name: &record.name,
        label: &record.label,
        created: seconds(record.created),
        expires: seconds(record.expires),
        last_used: record.last_used.map(seconds),
        value: None,
    }
}

pub(super) fn seconds(date: Wall) -> f64 {
    date.as_millis() as f64 / 1000.0
}
