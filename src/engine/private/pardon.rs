//! Letting an address back in before its penalty is over.

use super::super::Engine;
use super::Answer;
use crate::limit::{Penalty, TokenBucket};
use crate::protocol::api::Pardon;
use crate::protocol::problem::Problem;
use crate::time::Now;

impl Engine {
    /// Lifts the penalty of the prefix that an address is counted with, and forgets what led to it; that there is none is no error.
    pub(super) fn pardon(&mut self, body: &[u8], now: Now) -> Result<Answer, Problem> {
        let Pardon { address } = Pardon::parse(body)?;
        let key = self.prefix_of_address(address, now);
        let entry = self.prefixes.entry(key);
        let was_out = !entry.penalty.left(now.instant).is_zero();
        entry.penalty = Penalty::default();
        entry.offences = TokenBucket::default();
        entry.failed_authentications = TokenBucket::default();
        let prefix = entry.prefix().to_string();
        log::info!("private: pardoned {prefix}");
        let answer = serde_json::json!({ "address": prefix, "was_kept_out": was_out });
        Ok(Answer::of(&answer))
    }
}
