//! What the security log is told of the private listener: what was changed, and who tried without the key.

use super::super::Engine;
use crate::id::ConnectionId;
use crate::protocol::api::Operation;
use crate::protocol::problem::Problem;
use crate::telemetry::Event;
use crate::time::Now;

impl Engine {
    /// A call was carried out, or could not be. Those that only read are nobody's concern.
    pub(in crate::engine) fn tell_of_call(
        &mut self,
        id: ConnectionId,
        operation: Operation,
        is_done: bool,
        now: Now,
    ) {
        let action = match operation {
            Operation::Disconnect => "disconnect",
            Operation::Pardon => "pardon",
            Operation::NewRoom => "new_room",
            Operation::ChangeRoom => "change_room",
            Operation::Publish => "publish",
            Operation::MintTicket => "mint_ticket",
            Operation::NewSession => "new_session",
            Operation::Revoke => "revoke",
            Operation::Health
            | Operation::Readiness
            | Operation::Metrics
            | Operation::ListConnections
            | Operation::ExplainConnection
            | Operation::ListRooms
            | Operation::ListSessions
            | Operation::ShowRoom
            | Operation::ListPeople
            | Operation::ShowHistory
            | Operation::ShowLog
            | Operation::ShowLimits => return,
        };
        self.report_about(id, &Event::Admin { action, is_done }, None, now);
    }

    /// A call was refused before it was looked at.
    pub(super) fn tell_of_problem(&mut self, id: ConnectionId, problem: &Problem, now: Now) {
        if let Problem::KeyRequired
        | Problem::KeyInvalid
        | Problem::HostNotAllowed
        | Problem::BrowserRefused = problem
        {
            let (action, ..) = problem.kind();
            let event = Event::Admin {
                action,
                is_done: false,
            };
            self.report_about(id, &event, None, now);
        }
    }
}
