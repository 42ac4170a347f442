//! Ending every connection of a user, in the turn in which it is asked.

use super::super::Engine;
use super::Answer;
use crate::id::ConnectionId;
use crate::protocol::api::Disconnect;
use crate::protocol::close::CloseReason;
use crate::protocol::problem::Problem;
use crate::time::Now;

impl Engine {
    /// Closes them with 1008. What waited for them is dropped; that nobody is connected is no error.
    pub(super) fn disconnect(&mut self, body: &[u8], now: Now) -> Result<Answer, Problem> {
        let Disconnect { user, reason } = Disconnect::parse(body)?;
        let ids = self.connections_of(&user);
        let words = reason.as_deref();
        let words = words.unwrap_or_else(|| CloseReason::Disconnected.text());
        for id in &ids {
            self.close_saying(*id, CloseReason::Disconnected, words, now);
        }
        log::info!(
            "private: disconnected {} connections of {user:?}",
            ids.len()
        );
        let answer = format!("{{\"disconnected\":{}}}\n", ids.len());
        Ok(Answer::json(answer.into_bytes()))
    }

    /// The open connections of a user.
    pub(in crate::engine) fn connections_of(&self, user: &str) -> Vec<ConnectionId> {
        let key = self.users.find(user);
        let sessions = key.into_iter().flat_map(|key| self.users.sessions_of(key));
        sessions.collect()
    }
}
