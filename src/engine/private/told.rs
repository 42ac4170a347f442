//! What is told of the private listener: what was changed and who tried without the key, in the security log; and by which limit a call was
//! refused, in the metrics.

use super::super::Engine;
use crate::id::ConnectionId;
use crate::protocol::api::Operation;
use crate::protocol::problem::Problem;
use crate::telemetry::Event;
use crate::time::Now;

/// Limits that say no to a call, by the names that problems tell, and the rows in which they are counted. What rooms refuse is counted where
/// that is decided, and whoever asks whether the server is full is refused nothing.
const LIMITS: [(&str, [&str; 2]); 10] = [
    ("deadlines.head", ["deadlines.head", "connection"]),
    ("head_bytes_max", ["head_bytes_max", "connection"]),
    ("head_fields_max", ["head_fields_max", "connection"]),
    ("private.requests", ["private.requests", "server"]),
    (
        "private.body_bytes_max",
        ["private.body_bytes_max", "connection"],
    ),
    ("auth.ticket.tickets_max", ["tickets_max", "server"]),
    (
        "auth.ticket.tickets_per_user_max",
        ["tickets_per_user_max", "user"],
    ),
    ("auth.session.sessions_max", ["sessions_max", "server"]),
    (
        "auth.session.sessions_per_user_max",
        ["sessions_per_user_max", "user"],
    ),
    ("auth.revocations_max", ["revocations_max", "server"]),
];

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

    /// A call was refused.
    pub(super) fn tell_of_problem(&mut self, id: ConnectionId, problem: &Problem, now: Now) {
        let reached = problem.limit();
        if let Some((_, row)) = LIMITS.iter().find(|(limit, _)| reached == Some(*limit)) {
            self.counters.limited.count_pair(*row);
        }
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
