//! The server API: request lines, parameters and bodies to typed calls (docs/openapi.json).
//!
//! Looks at shape and bounds only: who may call, and what a call does, is decided elsewhere.

mod body;
mod query;
mod rooms;
mod routes;

#[cfg(test)]
mod tests;

pub use body::{Author, Disconnect, Pardon, Publish, Revoke, SessionRequest, TicketRequest};
pub use query::{
    ConnectionQuery, LimitsQuery, Page, PeopleQuery, PlaceQuery, SessionQuery, expect_none,
};
pub use rooms::{ACTIONS, NewRoom, RoomChange};
pub use routes::{Found, Operation, ROUTES, Row, find, is_open};

/// Entries of one page at most, and how many there are when the request does not say.
pub const PAGE_ENTRIES_MAX: usize = 1000;
pub const PAGE_ENTRIES: usize = 100;
