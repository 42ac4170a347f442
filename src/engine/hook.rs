//! The authentication hook and the connections that wait for it: which credentials are shown to it, and who is told what
//! it said. Puts no question itself.

use super::Engine;
use super::connection::{Connection, Phase};
use super::questions::{Found, Told, Verdict};
use super::verify::{Place, Unverified};
use super::work::{Awaited, Come};
use crate::access::hook::{Answer, Question};
use crate::access::{AuthError, Credential, Identity};
use crate::config::HookSettings;
use crate::id::{ConnectionId, QuestionId};
use crate::limit::Prefix;
use crate::telemetry::Worker;
use crate::time::Now;

impl Engine {
    /// The next question to put to the authentication hook. **To be drained at the end of every turn**; each is answered
    /// once, by [`Engine::hook_answered`].
    pub fn next_question(&mut self, now: Now) -> Option<(QuestionId, Question)> {
        let connections = &self.connections;
        let waits = |asker| connections.get(asker).is_some_and(waits_for_hook);
        self.questions.next(waits, now.instant)
    }

    /// Brings the hook's answer, between two turns or before [`Engine::turn`]. Those who wait for it are looked at again in
    /// the next turn.
    pub fn hook_answered(&mut self, id: QuestionId, answer: Answer, now: Now) {
        if let Some(waited) = self.questions.age(id, now.instant) {
            self.counters.worked(Worker::Hook, answer.word(), waited);
        }
        let told = self.questions.answered(id, answer, now);
        self.bring_verdicts(told);
    }

    /// Goes on with other settings of the hook. **What was under way is asked anew**: answers to what
    /// [`Engine::next_question`] gave before are nobody's.
    pub fn reconfigure_hook(&mut self, settings: HookSettings) {
        self.config.auth.hook = settings.clone();
        let told = self.questions.reconfigure(settings);
        self.bring_verdicts(told);
    }

    /// Tells those whose question has waited for too long.
    pub(super) fn expire_questions(&mut self, now: Now) {
        let told = self.questions.expire(now.instant);
        self.bring_verdicts(told);
    }

    /// Whether `credential` is shown to the hook rather than judged here, or was: the hook may have gone meanwhile.
    pub(super) fn is_for_hook(&self, credential: Credential<'_>, come: Option<&Come>) -> bool {
        matches!(come, Some(Come::Verdict(_)))
            || self.questions.is_configured() && !self.authenticator.recognizes(credential)
    }

    /// Who the hook says shows `credential`; when it must be asked first, the request is to be put back.
    pub(super) fn ask_hook(
        &mut self,
        id: ConnectionId,
        credential: Credential<'_>,
        place: Place<'_>,
        come: Option<Come>,
        now: Now,
    ) -> Result<Identity, Unverified> {
        let verdict = match come {
            Some(Come::Verdict(verdict)) => verdict,
            Some(Come::Outcome(_) | Come::Kept(_) | Come::Said(..) | Come::Page(_)) => {
                Verdict::Unavailable
            }
            None => match self.find_verdict(id, credential, place, now) {
                Found::Verdict(verdict) => verdict,
                Found::Full(limit) => {
                    self.counters.limited.count_pair(limit);
                    Verdict::Unavailable
                }
                Found::Asked => return Err(Unverified::Waiting),
            },
        };
        match verdict {
            Verdict::Known(identity) if identity.expires.is_some_and(|at| at <= now.wall) => {
                Err(AuthError::Expired.into())
            }
            Verdict::Known(identity) => Ok(identity),
            Verdict::Refused => Err(AuthError::Invalid.into()),
            Verdict::Unavailable => Err(Unverified::HookUnavailable),
        }
    }

    fn find_verdict(
        &mut self,
        id: ConnectionId,
        credential: Credential<'_>,
        place: Place<'_>,
        now: Now,
    ) -> Found {
        let Some(connection) = self.connections.get_mut(id) else {
            return Found::Verdict(Verdict::Unavailable);
        };
        let address = connection.peer.ip().to_canonical();
        let is_limited = connection.prefix.is_limited();
        let prefix = is_limited.then(|| Prefix::of(address));
        let question = Question {
            source: credential.source,
            credential: credential.value.into(),
            origin: place.origin.map(Box::from),
            address,
            path: place.path.into(),
        };
        let found = self.questions.find(question, id, prefix, now);
        if found == Found::Asked {
            connection.awaited = Awaited::AskedHook;
        }
        found
    }

    fn bring_verdicts(&mut self, told: Told) {
        for (id, verdict) in told {
            if self.connections.get(id).is_some_and(waits_for_hook) {
                self.bring(id, Come::Verdict(verdict));
            }
        }
    }
}

/// Whether anybody is still there to hear what the hook says.
fn waits_for_hook(connection: &Connection) -> bool {
    matches!(connection.awaited, Awaited::AskedHook)
        && matches!(connection.phase, Phase::Head(_) | Phase::Open(_))
}
