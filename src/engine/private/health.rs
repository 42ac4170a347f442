//! Whether the server lives, and whether it takes people.

use bytes::Bytes;

use super::super::Engine;
use super::Answer;
use crate::protocol::problem::Problem;

/// Who gets this answer has found the loop turning.
pub(super) fn alive() -> Answer {
    Answer {
        content_type: "text/plain",
        body: Bytes::from_static(b"ok\n"),
    }
}

impl Engine {
    /// Not when the server is about to go: then people are to be sent elsewhere.
    pub(super) fn readiness(&self) -> Result<Answer, Problem> {
        if self.stopping {
            return Err(Problem::Stopping);
        }
        Ok(Answer {
            content_type: "text/plain",
            body: Bytes::from_static(b"ready\n"),
        })
    }
}
