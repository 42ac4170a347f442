//! A newer credential on an open connection: the same person goes on, and nobody else.

use super::Engine;
use super::connection::Endpoint;
use super::open::FAILED_AUTHENTICATIONS;
use super::reply::{self, Complaint};
use super::verify::{BUSY_RETRY, Place, Unverified};
use super::work::{Come, PENDING_ANSWERS};
use crate::access::{AuthError, Credential, Identity, Source};
use crate::id::ConnectionId;
use crate::limit::{Limited, Scope};
use crate::protocol::command::v1::RequestId;
use crate::time::{Now, Wall};

/// A credential that could not be judged at once.
pub(super) struct Refreshing {
    token: Box<str>,
    request: Option<RequestId<'static>>,
}

impl std::fmt::Debug for Refreshing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Refreshing(***)")
    }
}

/// Why a credential does not renew the connection's. The connection goes on as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefreshError {
    Credential(AuthError),
    /// A good one, but of somebody else.
    OtherUser,
    /// Nothing was found out: try again.
    Busy,
}

impl RefreshError {
    /// The stable code that programs act on.
    pub(super) fn code(self) -> &'static str {
        match self {
            RefreshError::Credential(AuthError::Missing | AuthError::Invalid) => {
                "invalid_credentials"
            }
            RefreshError::Credential(AuthError::Expired) => "token_expired",
            RefreshError::Credential(AuthError::Revoked) => "revoked",
            RefreshError::OtherUser => "other_user",
            RefreshError::Busy => "busy",
        }
    }

    pub(super) fn field(self) -> Option<&'static str> {
        (self != RefreshError::Busy).then_some("token")
    }

    pub(super) fn retry_after_ms(self) -> Option<u64> {
        (self == RefreshError::Busy).then_some(BUSY_RETRY.as_millis() as u64)
    }

    pub(super) fn text(self) -> &'static str {
        match self {
            RefreshError::Credential(AuthError::Missing | AuthError::Invalid) => {
                "The token is not to be trusted."
            }
            RefreshError::Credential(AuthError::Expired) => "The token has expired.",
            RefreshError::Credential(AuthError::Revoked) => "The token was revoked.",
            RefreshError::OtherUser => "The token is somebody else's.",
            RefreshError::Busy => "The token can not be judged now: try again later.",
        }
    }
}

/// Which of two ends is later; none is the latest.
fn ends_later(new: Option<Wall>, old: Option<Wall>) -> bool {
    match (new, old) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(new), Some(old)) => new > old,
    }
}

impl Engine {
    /// Judges `token`, now or when another thread has answered.
    pub(super) fn refresh(
        &mut self,
        id: ConnectionId,
        token: &str,
        request: Option<RequestId<'_>>,
        now: Now,
    ) {
        if let Err(limited) = self.charge_refresh(id, now) {
            self.counters.limited.count_pair(limited.words());
            return self.object(id, &Complaint::limited(request, limited), now);
        }
        let is_free = self
            .session_mut(id)
            .is_some_and(|session| session.refreshing.is_none());
        let may_check = is_free && self.take_signature_check().is_some();
        if !may_check {
            if is_free {
                let limit = ["turn.signature_checks_max", "server"];
                self.counters.limited.count_pair(limit);
            }
            let complaint = Complaint::not_refreshed(request, RefreshError::Busy);
            return self.object(id, &complaint, now);
        }
        let refreshing = Refreshing {
            token: token.into(),
            request: request.map(RequestId::into_owned),
        };
        self.judge_refresh(id, refreshing, None, now);
    }

    /// Goes on with a credential that another thread was asked about.
    pub(super) fn finish_refresh(&mut self, id: ConnectionId, now: Now) {
        let refreshing = self
            .session_mut(id)
            .and_then(|session| session.refreshing.take());
        let Some(refreshing) = refreshing else {
            return;
        };
        match self.take_answer(id) {
            Some(answer) => self.judge_refresh(id, *refreshing, Some(answer), now),
            None => {
                if let Some(session) = self.session_mut(id) {
                    session.refreshing = Some(refreshing);
                }
            }
        }
    }

    fn judge_refresh(
        &mut self,
        id: ConnectionId,
        refreshing: Refreshing,
        answer: Option<Come>,
        now: Now,
    ) {
        let credential = Credential {
            source: Source::Bearer,
            value: &refreshing.token,
        };
        // A session has no page and no path of its own any more: its connection was let in with them.
        let place = Place {
            origin: None,
            path: Endpoint::Chat.path(),
        };
        let verified = self.verify(id, credential, place, answer, now);
        let error = match verified {
            Ok(identity) => match self.prolong(id, identity) {
                Ok(expires) => {
                    self.put_out_where_forbidden(id, now);
                    let request = refreshing.request.as_ref();
                    return self.reply(id, &reply::refreshed(request, expires, now));
                }
                Err(error) => error,
            },
            Err(Unverified::Waiting) => {
                if let Some(session) = self.session_mut(id) {
                    session.refreshing = Some(Box::new(refreshing));
                }
                return;
            }
            Err(Unverified::Unavailable) => {
                self.counters.limited.count_pair(PENDING_ANSWERS);
                RefreshError::Busy
            }
            Err(Unverified::HookUnavailable) => RefreshError::Busy,
            Err(Unverified::Refused(error)) => RefreshError::Credential(error),
        };
        if error == RefreshError::Credential(AuthError::Invalid) {
            self.charge_failed_authentication(id, now);
        }
        let complaint = Complaint::not_refreshed(refreshing.request, error);
        self.object(id, &complaint, now);
    }

    /// **A connection lives by that of its credentials which ends last**: one that ends earlier changes nothing. Gives when it
    /// ends now.
    fn prolong(
        &mut self,
        id: ConnectionId,
        identity: Identity,
    ) -> Result<Option<Wall>, RefreshError> {
        let key = self.session_mut(id).map(|session| session.user);
        let user = key.and_then(|key| self.users.get(key));
        if user.is_none_or(|user| user.id != identity.user) {
            return Err(RefreshError::OtherUser);
        }
        let Some(session) = self.session_mut(id) else {
            return Err(RefreshError::OtherUser);
        };
        if ends_later(identity.expires, session.expires) {
            session.expires = identity.expires;
            session.grant = identity.grant;
            session.claims = identity.rooms;
        }
        Ok(session.expires)
    }

    fn charge_refresh(&mut self, id: ConnectionId, now: Now) -> Result<(), Limited> {
        let limits = &self.config.limits;
        let rate = limits.refreshes_per_connection;
        let failures = limits.failed_authentications_per_address;
        if let Some(connection) = self.connections.get(id) {
            let prefix = connection.prefix;
            let failures = self.rate_of(prefix, failures);
            let entry = self.prefixes.entry(prefix);
            let checked = entry.failed_authentications.check(1, failures, now.instant);
            if let Err(retry_after) = checked
                && !self.overlooks(id, FAILED_AUTHENTICATIONS, Scope::Address, now)
            {
                return Err(Limited {
                    limit: FAILED_AUTHENTICATIONS,
                    scope: Scope::Address,
                    retry_after,
                });
            }
        }
        let Some(session) = self.session_mut(id) else {
            return Ok(());
        };
        let Err(retry_after) = session.refreshes.take(1, rate, now.instant) else {
            return Ok(());
        };
        let limited = Limited {
            limit: "refreshes_per_connection",
            scope: Scope::Connection,
            retry_after,
        };
        if self.overlooks(id, limited.limit, limited.scope, now) {
            return Ok(());
        }
        Err(limited)
    }
}
