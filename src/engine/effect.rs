//! What the engine asks of the world.

use crate::id::ConnectionId;

/// Something for the reactor to do, each share of a turn in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Bytes wait in this connection's outbox: write them.
    Write(ConnectionId),
    /// Reading was paused and may go on: bytes may have come meanwhile that no readiness will tell of.
    Read(ConnectionId),
    /// Everything has been said: shut the writing side, go on reading.
    ShutdownWrite(ConnectionId),
    /// The connection is forgotten: close its socket.
    Close(ConnectionId),
    /// The same with a reset (RFC 9293 §3.10.5): the peer has not taken all that it was told. Waiting for that is left to nobody, the kernel either.
    Reset(ConnectionId),
}
