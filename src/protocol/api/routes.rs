//! The table of routes: methods and paths to operations.

use std::borrow::Cow;

use super::query::decode;
use crate::protocol::head::Method;
use crate::protocol::problem::Problem;

/// What can be asked of the private listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Health,
    Readiness,
    Metrics,
    ListConnections,
    ExplainConnection,
    Disconnect,
    ListRooms,
    NewRoom,
    ShowRoom,
    ListPeople,
    ChangeRoom,
    Publish,
    ShowHistory,
    ShowLog,
    ShowLimits,
    Pardon,
    MintTicket,
    ListSessions,
    NewSession,
    Revoke,
}

impl Operation {
    /// Whether the store may be asked, so that the answer comes in a later turn.
    pub const fn asks_store(self) -> bool {
        matches!(
            self,
            Operation::NewRoom
                | Operation::ChangeRoom
                | Operation::Publish
                | Operation::ShowHistory
                | Operation::ShowLog
                | Operation::ListSessions
                | Operation::NewSession
                | Operation::Revoke
        )
    }
}

/// One route.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub operation: Operation,
    /// GET (and with it HEAD) or POST.
    pub method: Method,
    /// As it stands in docs/openapi.json; a segment in braces is any one segment.
    pub path: &'static str,
    /// Whether the key must be shown.
    pub needs_key: bool,
}

/// Every route there is.
pub const ROUTES: [Row; 20] = [
    open(Operation::Health, "/healthz"),
    open(Operation::Readiness, "/readyz"),
    open(Operation::Metrics, "/metrics"),
    get(Operation::ListConnections, "/api/v1/connections"),
    get(
        Operation::ExplainConnection,
        "/api/v1/connections/{connection}",
    ),
    post(Operation::Disconnect, "/api/v1/disconnect"),
    get(Operation::ListRooms, "/api/v1/rooms"),
    post(Operation::NewRoom, "/api/v1/rooms"),
    get(Operation::ShowRoom, "/api/v1/rooms/{room}"),
    get(Operation::ListPeople, "/api/v1/rooms/{room}/people"),
    post(Operation::ChangeRoom, "/api/v1/rooms/{room}/changes"),
    get(Operation::ShowHistory, "/api/v1/rooms/{room}/messages"),
    post(Operation::Publish, "/api/v1/rooms/{room}/messages"),
    get(Operation::ShowLog, "/api/v1/rooms/{room}/log"),
    get(Operation::ShowLimits, "/api/v1/limits"),
    post(Operation::Pardon, "/api/v1/pardons"),
    post(Operation::MintTicket, "/api/v1/tickets"),
    get(Operation::ListSessions, "/api/v1/sessions"),
    post(Operation::NewSession, "/api/v1/sessions"),
    post(Operation::Revoke, "/api/v1/revocations"),
];

const fn open(operation: Operation, path: &'static str) -> Row {
    Row {
        operation,
        method: Method::Get,
        path,
        needs_key: false,
    }
}

const fn get(operation: Operation, path: &'static str) -> Row {
    Row {
        operation,
        method: Method::Get,
        path,
        needs_key: true,
    }
}

const fn post(operation: Operation, path: &'static str) -> Row {
    Row {
        operation,
        method: Method::Post,
        path,
        needs_key: true,
    }
}

/// A route that was found, and what stood in place of its segment in braces.
#[derive(Debug, Clone)]
pub struct Found<'a> {
    pub operation: Operation,
    /// Decoded; empty for a route without such a segment.
    pub segment: Cow<'a, str>,
}

/// Whether the path can be asked for without the key, by whatever method.
pub fn is_open(path: &str) -> bool {
    ROUTES.iter().any(|row| !row.needs_key && row.path == path)
}

/// The operation behind a method and a path.
///
/// # Errors
/// [`Problem::NoSuchRoute`], [`Problem::MethodNotAllowed`].
pub fn find<'a>(method: Method, path: &'a str) -> Result<Found<'a>, Problem> {
    let wanted = match method {
        Method::Head => Method::Get,
        method => method,
    };
    let mut allowed = (false, false);
    for row in &ROUTES {
        let Some(segment) = matched(row.path, path) else {
            continue;
        };
        if row.method == wanted {
            let segment = decode(segment, false).ok_or(Problem::NoSuchRoute)?;
            return Ok(Found {
                operation: row.operation,
                segment,
            });
        }
        allowed.0 |= row.method == Method::Get;
        allowed.1 |= row.method == Method::Post;
    }
    let allow = match allowed {
        (false, false) => return Err(Problem::NoSuchRoute),
        (true, false) => "GET, HEAD",
        (false, true) => "POST",
        (true, true) => "GET, HEAD, POST",
    };
    Err(Problem::MethodNotAllowed { allow })
}

/// What stands in `path` where `pattern` has braces; `None` when they differ elsewhere.
fn matched<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    let mut found = "";
    let mut segments = path.split('/');
    for expected in pattern.split('/') {
        let segment = segments.next()?;
        if expected.starts_with('{') && !segment.is_empty() {
            found = segment;
        } else if expected != segment {
            return None;
        }
    }
    segments.next().is_none().then_some(found)
}
