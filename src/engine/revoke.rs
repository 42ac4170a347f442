//! Taking back what let people in: whoever is inside by it goes at once, and nothing queued for them leaves any more.

use super::Engine;
use super::connection::Phase;
use crate::access::revocation::{Revocation, Subject};
use crate::id::ConnectionId;
use crate::protocol::close::CloseReason;
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
        self.quiet_ended_everywhere(now);
        self.close_doomed(now);
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
