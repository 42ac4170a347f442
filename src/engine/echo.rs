//! `/ws/echo`: sends every message back untouched, under the same admission and limits as chat.

use super::Engine;
use super::reply::Complaint;
use crate::id::ConnectionId;
use crate::protocol::frame::Opcode;
use crate::protocol::websocket::{Incoming, push_message};
use crate::time::Now;

pub(super) fn answer(engine: &mut Engine, id: ConnectionId, incoming: Incoming, now: Now) {
    if let Err(limited) = engine.charge_message(id, now) {
        if engine.may_complain(id, now) {
            engine.complain(id, &Complaint::limited(None, limited));
        }
        return;
    }
    let (opcode, payload) = match incoming {
        Incoming::Text(text) => (Opcode::Text, text.into_bytes()),
        Incoming::Binary(bytes) => (Opcode::Binary, bytes),
        Incoming::Ping | Incoming::Pong | Incoming::Close => return,
    };
    if let Some(connection) = engine.connections.get_mut(id)
        && connection.can_tell()
    {
        engine
            .outbound
            .write(connection, |outbox| push_message(outbox, opcode, payload));
    }
}
