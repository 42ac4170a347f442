//! Through which listener somebody came.

use crate::protocol::head::Method;
use crate::protocol::problem::Problem;
use crate::protocol::response::Refusal;

/// A listener's kind: what may be asked of connections that it accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Door {
    /// The page, the WebSocket and their plain routes, for strangers.
    Public,
    /// Answers everything with the way to the public door, over https.
    Redirect,
    /// Metrics, health and the server API, for the operator's own programs.
    Private,
}

impl Door {
    /// The setting that says where its listener is bound.
    pub fn setting(self) -> &'static str {
        match self {
            Door::Public => "listen.address",
            Door::Redirect => "tls.redirect_address",
            Door::Private => "private.address",
        }
    }

    /// What a service manager calls the socket for its listener (`FileDescriptorName=`).
    pub fn socket_name(self) -> &'static str {
        match self {
            Door::Public => "public",
            Door::Redirect => "redirect",
            Door::Private => "private",
        }
    }

    /// The whole answer to a connection that was not admitted here.
    pub fn write_refusal(self, refusal: Refusal, out: &mut Vec<u8>) {
        match self {
            Door::Public | Door::Redirect => refusal.write(Method::Other, out),
            Door::Private => Problem::from(refusal).write(Method::Other, out),
        }
    }
}
