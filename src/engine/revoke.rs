//! Taking back what let people in: whoever is inside by it goes at once, and nothing queued for them leaves any more.

use super::Engine;
use super::closing::Was;
use super::connection::Phase;
use crate::access::revocation::{Revocation, Subject};
use crate::id::ConnectionId;
use crate::protocol::close::CloseReason;
use crate::protocol::websocket;
use crate::time::Now;

impl Engine {
    /// Takes note of revocations that were stored before this process began.
    pub fn remember_revocations(
        &mut self,
        revocations: impl IntoIterator<Item = Revocation>,
        now: Now,
    ) {
        for revocation in revocations {
            self.revocations.insert(revocation, now.wall);
        }
    }

    /// Takes note of a revocation that is stored, and closes the sockets that it concerns, now.
    pub fn apply_revocation(&mut self, revocation: Revocation, now: Now) {
        let concerned = self.concerned(&revocation);
        let ended = self.ended_by(&revocation);
        let (kind, which) = revocation.subject.words();
        log::info!(
            "revoked: {kind} {which:?}; {} connections end",
            concerned.len()
        );
        if let Subject::User(user) = &revocation.subject {
            self.questions.forget_user(user);
        }
        self.revocations.insert(revocation, now.wall);
        for id in concerned {
            self.close(id, CloseReason::Revoked, now);
        }
        for id in ended {
            self.say_revoked_instead(id);
        }
        self.close_doomed(now);
    }

    /// Connections whose session is over that were let in by what is taken back, and to which something is left to say.
    fn ended_by(&self, revocation: &Revocation) -> Vec<ConnectionId> {
        let is_concerned = |was: &Was| revocation.concerns_grant(&was.user, &was.grant);
        let ended = self
            .connections
            .iter()
            .filter(|found| found.waiting() > 0 && found.phase.was().is_some_and(is_concerned));
        ended.map(|found| found.id).collect()
    }

    /// Takes back whatever waits, and says why in its place. A close frame is the last that waits: if nothing does but what has begun, it has gone.
    fn say_revoked_instead(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(id) else {
            return;
        };
        let dropped = connection.outbox.purge_frames();
        self.outbound.shrunk(connection, dropped);
        if dropped > 0 {
            let reason = CloseReason::Revoked;
            self.outbound.write(connection, |outbox| {
                websocket::push_close(outbox, reason, reason.text());
            });
        }
    }

    /// Open connections that were let in by what is taken back. Looks at all of them: nobody revokes often.
    fn concerned(&self, revocation: &Revocation) -> Vec<ConnectionId> {
        let is_concerned = |id: &ConnectionId| {
            let Some(Phase::Open(session)) = self.connections.get(*id).map(|found| &found.phase)
            else {
                return false;
            };
            let user = self.users.get(session.user).map_or("", |user| &user.id);
            revocation.concerns_grant(user, &session.grant)
        };
        let mut ids = self.connections.ids();
        ids.retain(is_concerned);
        ids
    }
}
