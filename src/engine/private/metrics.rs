//! The numbers that the engine has at hand, for Prometheus.

use super::super::Engine;
use super::Answer;
use crate::protocol::head::Head;
use crate::telemetry::Exposition;

impl Engine {
    /// What `/metrics` answers, in the format that the request asks for.
    pub(super) fn metrics(&self, head: &Head<'_>) -> Answer {
        let accept = head.field("accept").unwrap_or_default();
        let exposition = Exposition::of_accept(&String::from_utf8_lossy(accept));
        Answer {
            content_type: exposition.content_type(),
            body: self.metrics_text(exposition),
        }
    }
}
