//! Whether the server lives, and whether it takes people.

use bytes::Bytes;

use super::super::http::FULL_RETRY;
use super::super::{Engine, Unready};
use super::Answer;
use crate::protocol::problem::Problem;
use crate::time::Now;

impl Engine {
    /// Who gets this answer has found the loop turning. A second line says what is wrong with the store: the server lives on
    /// without it, but nothing that must last is taken.
    pub(super) fn health(&self, now: Now) -> Answer {
        let text = match self.store_fault(now) {
            None => "ok\nstore: ok\n".to_owned(),
            Some(fault) => format!("ok\nstore: {fault}\n"),
        };
        Answer {
            content_type: "text/plain",
            body: text.into(),
        }
    }

    /// Not when the server is about to go, or full: then people are to be sent elsewhere.
    pub(super) fn readiness(&self) -> Result<Answer, Problem> {
        match self.unready().first() {
            Some(Unready::Stopping) => Err(Problem::Stopping),
            Some(Unready::Full) => Err(Problem::ServerFull {
                limit: "connections_max",
                retry_after: FULL_RETRY,
            }),
            None => Ok(Answer {
                content_type: "text/plain",
                body: Bytes::from_static(b"ready\n"),
            }),
        }
    }
}
