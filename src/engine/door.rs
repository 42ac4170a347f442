//! Through which listener somebody came.

/// A listener's kind: what may be asked of connections that it accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Door {
    /// The page, the WebSocket and their plain routes, for strangers.
    Public,
    /// Answers everything with the way to the public door, over https.
    Redirect,
}
