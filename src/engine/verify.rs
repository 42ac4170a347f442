//! From a credential to an identity: at once where memory is enough, by asking another thread where it is not.

use std::time::Duration;

use super::Engine;
use super::work::{Come, Outcome, Work};
use crate::access::certificate::ClientCertificate;
use crate::access::record::{Answer, Question};
use crate::access::session::{SESSION_PREFIX, SessionDigest};
use crate::access::{AuthError, Authenticator, Credential, Identity, Source};
use crate::id::ConnectionId;
use crate::telemetry::Rfc3339;
use crate::time::Now;

/// When to come back to a store that can not answer now.
pub(super) const BUSY_RETRY: Duration = Duration::from_secs(1);

/// Where a credential is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// The Origin field, which the allow-list has let in.
    pub(super) origin: Option<&'a str>,
    /// Without its query.
    pub(super) path: &'a str,
}

/// Why a credential makes nobody known, for now or for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unverified {
    Refused(AuthError),
    /// Asked for outside: put the request back.
    Waiting,
    /// The store can not answer: try again later. Nobody is let in on a guess.
    Unavailable,
    /// The same of the authentication hook.
    HookUnavailable,
}

impl From<AuthError> for Unverified {
    fn from(error: AuthError) -> Self {
        Unverified::Refused(error)
    }
}

impl Engine {
    /// Who shows `credential`, on a request at this place. `answer` is what was asked for when it was first looked at.
    pub(super) fn verify(
        &mut self,
        id: ConnectionId,
        credential: Credential<'_>,
        place: Place<'_>,
        answer: Option<Come>,
        now: Now,
    ) -> Result<Identity, Unverified> {
        let identity = match credential.source {
            Source::Ticket => self.tickets.redeem(credential.value, place.origin, now)?,
            Source::Certificate => self.authenticator.authenticate(credential, now)?,
            Source::Bearer | Source::Cookie | Source::Query => match credential.value {
                value if value.starts_with(SESSION_PREFIX) => {
                    self.find_session(id, value, answer, now)?
                }
                _ if self.is_for_hook(credential, answer.as_ref()) => {
                    self.ask_hook(id, credential, place, answer, now)?
                }
                _ => self.authenticator.authenticate(credential, now)?,
            },
        };
        self.admit_unrevoked(identity)
    }

    /// Who shows this certificate.
    pub(super) fn verify_certificate(
        &self,
        certificate: &ClientCertificate,
        now: Now,
    ) -> Result<Identity, Unverified> {
        let identity = certificate.authenticate(&*self.authenticator, now)?;
        self.admit_unrevoked(identity)
    }

    fn admit_unrevoked(&self, identity: Identity) -> Result<Identity, Unverified> {
        if self.revocations.concern(&identity) {
            return Err(AuthError::Revoked.into());
        }
        Ok(identity)
    }

    /// Puts `next` in the place of the present authenticator, whose keys are good for `auth.key_overlap` yet.
    pub fn replace_authenticator(&mut self, mut next: Box<dyn Authenticator>, now: Now) {
        let until = now.instant + self.config.auth.key_overlap;
        if let Some(retired) = self.authenticator.retire() {
            next.succeed(retired, until);
        }
        if let Some(until) = next.retired_until().filter(|until| now.instant < *until) {
            let date = now.wall.after(until.since(now.instant));
            log::info!(
                "tokens of the keys before are taken until {}",
                Rfc3339(date)
            );
        }
        self.authenticator = next;
    }

    fn find_session(
        &mut self,
        id: ConnectionId,
        value: &str,
        answer: Option<Come>,
        now: Now,
    ) -> Result<Identity, Unverified> {
        let digest = SessionDigest::of(value).ok_or(AuthError::Invalid)?;
        match answer {
            None => {
                let question = Question::FindSession {
                    digest,
                    now: now.wall,
                };
                if self.ask(id, Work::Record(question), now) {
                    Err(Unverified::Waiting)
                } else {
                    Err(Unverified::Unavailable)
                }
            }
            Some(Come::Outcome(Outcome::Record(Answer::Found(Some(record)))))
                if record.digest == digest =>
            {
                Ok(record.identity(now.wall)?)
            }
            Some(Come::Outcome(Outcome::Record(Answer::Found(_)))) => {
                Err(AuthError::Invalid.into())
            }
            Some(_) => Err(Unverified::Unavailable),
        }
    }
}
