//! One connection, from accept to close: its phase and its queues. What happens to it stands elsewhere.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::Door;
use super::behind::{Lag, Missed};
use super::closing::{DISCARDED_BYTES_MAX, Was};
use super::making::Making;
use super::outbound::WriteAsked;
use super::proxied::Via;
use super::refresh::Refreshing;
use super::secure::Handshake;
use super::standstill::Standstill;
use super::stock::Drawn;
use super::work::Awaited;
use crate::access::Grant;
use crate::access::certificate::ClientCertificate;
use crate::config::Deadlines;
use crate::id::{ConnectionId, UserKey};
use crate::limit::waiting_room::Place;
use crate::limit::{Deficit, PrefixKey, TokenBucket};
use crate::protocol::api::Operation;
use crate::protocol::close::CloseReason;
use crate::protocol::head::{HeadScanner, Method};
use crate::protocol::outbox::Outbox;
use crate::protocol::proxy::HeaderReader;
use crate::protocol::vocabulary::RoomClaims;
use crate::protocol::websocket::WebSocket;
use crate::rooms::Seat;
use crate::time::{Instant, Now, Wall};

/// What whoever is no session yet is held to in all.
pub(super) const SIGN_IN: &str = "deadlines.sign_in";

/// A connection of whatever phase.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: ConnectionId,
    pub(super) door: Door,
    /// The client: the peer of the socket, or whom a trusted proxy names.
    pub(super) peer: SocketAddr,
    pub(super) via: Via,
    pub(super) prefix: PrefixKey,
    /// Where it waits while it is no session; `None`: it is one, or nobody's, or the operator's.
    pub(super) place: Option<Place>,
    pub(super) phase: Phase,
    /// What its session speaks; here, beside the outbox, so that a fan-out does not have to look into the session.
    pub(super) wire: Wire,
    pub(super) outbox: Outbox,
    /// How long what waits for it has waited.
    pub(super) lag: Lag,
    /// The memory that is drawn for it.
    pub(super) drawn: Drawn,
    /// Bytes that were read and wait for budget or for the end of a pause; no more is read meanwhile.
    pub(super) held: Vec<u8>,
    /// When it was accepted; of a proxy's own, when its last client was answered.
    pub(super) accepted: Instant,
    /// When the present phase began.
    pub(super) since: Instant,
    /// Its entry in the table of deadlines.
    pub(super) armed: Option<Instant>,
    /// On the list of unfinished connections.
    pub(super) unfinished: bool,
    /// What was queued since it was last written to, and how that is to be written.
    pub(super) write_asked: WriteAsked,
    /// Its session went without something that its rooms were told.
    pub(super) has_missed: bool,
    /// Something may wait for it of a room in which it does not sit.
    pub(super) is_outsider: bool,
    /// Why it is to be closed, being too far behind with reading. Until then it is told nothing of its rooms, and not listened to.
    pub(super) doomed: Option<CloseReason>,
    /// The peer has closed its writing side.
    pub(super) input_ended: bool,
    /// Its bytes travel over TLS.
    pub(super) is_secure: bool,
    /// Bytes that were sealed for the peer, whose socket has not taken them yet.
    pub(super) sealed: usize,
    /// What the peer showed in the TLS handshake.
    pub(super) certificate: Option<Box<ClientCertificate>>,
    /// What its request waits for from outside.
    pub(super) awaited: Awaited,
}

/// What a connection is doing.
#[derive(Debug)]
pub(super) enum Phase {
    /// Waiting for a PROXY header, ahead of TLS and of the first request.
    Preamble(HeaderReader),
    /// TLS is being agreed on; no request can come yet.
    Handshake(Handshake),
    /// Waiting for a request head, the first or a later one.
    Head(Head),
    /// A request head was read; its body is arriving.
    Body(Box<Body>),
    /// A WebSocket connection of a user.
    Open(Box<Session>),
    /// Our close frame is on its way; the peer's is awaited.
    Closing {
        websocket: Box<WebSocket>,
        discarded: usize,
        was: Option<Box<Was>>,
    },
    /// Everything is said: when it is written the writing side is shut, and what still comes is thrown away.
    Ending {
        shut: bool,
        discarded: usize,
        was: Option<Box<Was>>,
    },
}

/// The body of a request on the private door that is arriving.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) operation: Operation,
    pub(super) method: Method,
    pub(super) query: Option<Box<str>>,
    /// What stood in the path where the route has braces.
    pub(super) segment: Box<str>,
    pub(super) keep_alive: bool,
    /// Requests answered before this one.
    pub(super) requests: u32,
    /// Bytes that belong to it, at most `private.body_bytes_max`.
    pub(super) wanted: usize,
    pub(super) bytes: Vec<u8>,
}

/// A request head that is arriving.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) scanner: HeadScanner,
    pub(super) bytes: Vec<u8>,
    /// Requests answered before this one.
    pub(super) requests: u32,
    /// Bytes of this one have come, though not all.
    pub(super) has_begun: bool,
}

impl Head {
    /// Kept alive, and nothing has come since the last answer.
    pub(super) fn is_idle(&self) -> bool {
        self.requests > 0 && !self.has_begun
    }

    /// Some of a request has come, and not all of it: one that is whole and waits is held. Empty lines before one are none of it (RFC 9112 §2.2).
    pub(super) fn is_half(&self) -> bool {
        self.bytes.iter().any(|byte| !b"\r\n".contains(byte))
    }
}

impl Head {
    pub(super) fn new(bytes_max: usize) -> Self {
        Head {
            scanner: HeadScanner::new(bytes_max),
            bytes: Vec::new(),
            requests: 0,
            has_begun: false,
        }
    }
}

/// Which wire protocol a session speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    /// No subprotocol: the tutorial's messages.
    Tutorial,
    /// `wardroom.v1`
    V1,
}

/// Where a session was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Chat,
    Echo,
}

/// An open WebSocket connection of a known user.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) websocket: WebSocket,
    pub(super) user: UserKey,
    pub(super) endpoint: Endpoint,
    pub(super) seats: Vec<Seat>,
    pub(super) expires: Option<Wall>,
    pub(super) grant: Grant,
    /// What the credential says of rooms.
    pub(super) claims: Option<Arc<RoomClaims>>,

    pub(super) bytes: TokenBucket,
    pub(super) frames: TokenBucket,
    pub(super) control_frames: TokenBucket,
    pub(super) glitches: TokenBucket,
    pub(super) messages: TokenBucket,
    pub(super) error_replies: TokenBucket,
    pub(super) refreshes: TokenBucket,
    /// A newer credential that another thread is asked about.
    pub(super) refreshing: Option<Box<Refreshing>>,
    /// Rooms that it has asked for; `None`: none that is not made.
    pub(super) making: Option<Box<Making>>,
    /// What it went without, being behind with reading.
    pub(super) missed: Option<Box<Missed>>,

    /// Of a list of rooms that goes on: what it was told to go on after, and how far it has come without meeting one that may be told.
    pub(super) listed: Option<Box<(Arc<str>, Arc<str>)>>,

    /// What is left of its share of the turn.
    pub(super) deficit: Deficit,
    /// The last frame was a ping.
    pub(super) has_pinged: bool,
    /// Pings of ours that have no pong yet. Whoever did not read for a while answers several at once.
    pub(super) pongs_owed: u8,
    /// Fragments of the message that is arriving.
    pub(super) fragments: u32,
    /// Bytes of it that have come.
    pub(super) arriving: u32,
    pub(super) last_received: Instant,
    /// The last message, or the opening while none has come.
    pub(super) last_message: Instant,
    pub(super) has_spoken: bool,
    pub(super) ping_sent: Option<Instant>,
    pub(super) paused_until: Option<Instant>,
    /// Pauses in a row for too many errors or glitches, and when the last began.
    pub(super) pauses: u32,
    pub(super) last_pause: Instant,
    /// When it has stayed long enough to earn its address a place; `None`: it does, or is not asked to.
    pub(super) stays_at: Option<Instant>,
}

impl Session {
    pub(super) fn new(websocket: WebSocket, user: UserKey, endpoint: Endpoint) -> Self {
        Session {
            websocket,
            user,
            endpoint,
            seats: Vec::new(),
            expires: None,
            grant: Grant::default(),
            claims: None,
            bytes: TokenBucket::default(),
            frames: TokenBucket::default(),
            control_frames: TokenBucket::default(),
            glitches: TokenBucket::default(),
            messages: TokenBucket::default(),
            error_replies: TokenBucket::default(),
            refreshes: TokenBucket::default(),
            refreshing: None,
            making: None,
            listed: None,
            missed: None,
            deficit: Deficit::default(),
            has_pinged: false,
            pongs_owed: 0,
            fragments: 0,
            arriving: 0,
            stays_at: None,
            last_received: Instant::ZERO,
            last_message: Instant::ZERO,
            has_spoken: false,
            ping_sent: None,
            paused_until: None,
            pauses: 0,
            last_pause: Instant::ZERO,
        }
    }

    /// Whether nothing is read of it for a while.
    pub(super) fn is_deaf(&self) -> bool {
        let making = self.making.as_deref();
        self.paused_until.is_some() || making.is_some_and(Making::is_waiting)
    }

    /// When it is closed if it has not said anything by then.
    pub(super) fn first_message_due(
        &self,
        deadlines: &Deadlines,
        standstill: Standstill,
    ) -> Option<Instant> {
        let is_awaited = !self.has_spoken && !deadlines.first_message.is_zero();
        is_awaited.then(|| standstill.put_off(self.last_message + deadlines.first_message))
    }

    /// When it is closed if it says nothing more.
    pub(super) fn idle_too_long(
        &self,
        deadlines: &Deadlines,
        standstill: Standstill,
    ) -> Option<Instant> {
        let is_held = !deadlines.idle.is_zero();
        is_held.then(|| standstill.put_off(self.last_message + deadlines.idle))
    }

    /// What this session is held to, and when it must be looked at again for it.
    fn held_to(
        &self,
        deadlines: &Deadlines,
        standstill: Standstill,
        now: Now,
    ) -> [(&'static str, Option<Instant>); 5] {
        let liveness = match (self.paused_until, self.ping_sent) {
            // While nothing is read, silence proves nothing.
            (Some(until), _) => ("pause", until),
            (None, Some(sent)) => ("deadlines.pong", standstill.put_off(sent + deadlines.pong)),
            (None, None) => ("deadlines.ping", self.last_received + deadlines.ping),
        };
        let expires = self
            .expires
            .map(|expires| now.instant + until(expires, now.wall));
        [
            (liveness.0, Some(liveness.1)),
            (
                "deadlines.first_message",
                self.first_message_due(deadlines, standstill),
            ),
            ("deadlines.idle", self.idle_too_long(deadlines, standstill)),
            ("credential", expires),
            ("limits.earned_after", self.stays_at),
        ]
    }
}

impl Connection {
    /// Whether it came through the private door.
    pub(super) fn is_private(&self) -> bool {
        self.door == Door::Private
    }

    /// Whether its session has had its share of the turn.
    pub(super) fn has_spent_share(&self) -> bool {
        matches!(&self.phase, Phase::Open(session) if session.deficit.is_spent())
    }

    /// When this connection must be looked at again.
    pub(super) fn next_deadline(
        &self,
        deadlines: &Deadlines,
        standstill: Standstill,
        now: Now,
    ) -> Instant {
        match &self.phase {
            Phase::Open(session) => {
                let late = self.too_late(deadlines, standstill);
                let held_to = session.held_to(deadlines, standstill, now);
                let all = held_to.into_iter().map(|(_, at)| at);
                let first = all.chain([late]).flatten().min();
                // A session is always held to something.
                first.unwrap_or(now.instant)
            }
            _ => standstill.put_off(self.out_of_time(deadlines).1),
        }
    }

    /// Of one that is no session: what it is held to first, and when that is over.
    pub(super) fn out_of_time(&self, deadlines: &Deadlines) -> (&'static str, Instant) {
        let phase = self.phase_due(deadlines);
        let sign_in = self.sign_in_due(deadlines);
        sign_in.filter(|due| due.1 < phase.1).unwrap_or(phase)
    }

    /// Everything that it is held to, for whoever asks.
    pub(super) fn held_to(
        &self,
        deadlines: &Deadlines,
        standstill: Standstill,
        now: Now,
    ) -> Vec<(&'static str, Instant)> {
        let Phase::Open(session) = &self.phase else {
            let all = [Some(self.phase_due(deadlines)), self.sign_in_due(deadlines)];
            let put_off = |(name, at)| (name, standstill.put_off(at));
            return all.into_iter().flatten().map(put_off).collect();
        };
        let late = ("deadlines.unread", self.too_late(deadlines, standstill));
        let held_to = session.held_to(deadlines, standstill, now);
        let all = held_to.into_iter().chain([late]);
        all.filter_map(|(name, at)| Some((name, at?))).collect()
    }

    /// When the present phase has had its time. A session has no such end.
    fn phase_due(&self, deadlines: &Deadlines) -> (&'static str, Instant) {
        let (name, time) = match &self.phase {
            Phase::Handshake(_) if deadlines.handshake <= deadlines.head => {
                ("deadlines.handshake", deadlines.handshake)
            }
            Phase::Head(head) if head.is_idle() => ("deadlines.keep_alive", deadlines.keep_alive),
            Phase::Preamble(_) | Phase::Handshake(_) | Phase::Head(_) | Phase::Body(_) => {
                ("deadlines.head", deadlines.head)
            }
            Phase::Closing { .. } | Phase::Ending { shut: false, .. } | Phase::Open(_) => {
                ("deadlines.close", deadlines.close)
            }
            Phase::Ending { shut: true, .. } => ("deadlines.linger", deadlines.linger),
        };
        (name, self.since + time)
    }

    /// When it must be a session, if it can still become one.
    fn sign_in_due(&self, deadlines: &Deadlines) -> Option<(&'static str, Instant)> {
        let may_become_one = match &self.phase {
            Phase::Preamble(_) | Phase::Handshake(_) | Phase::Head(_) | Phase::Body(_) => true,
            Phase::Open(_) | Phase::Closing { .. } | Phase::Ending { .. } => false,
        };
        // What asks for things at the private door never becomes a session.
        let is_due = may_become_one && !self.is_private();
        is_due.then(|| (SIGN_IN, self.accepted + deadlines.sign_in))
    }

    /// Whether the reactor may read from the socket.
    pub(super) fn wants_bytes(&self) -> bool {
        let deaf = match &self.phase {
            Phase::Open(session) => session.is_deaf(),
            Phase::Ending { discarded, .. } => *discarded > DISCARDED_BYTES_MAX,
            Phase::Preamble(_)
            | Phase::Handshake(_)
            | Phase::Head(_)
            | Phase::Body(_)
            | Phase::Closing { .. } => false,
        };
        self.held.is_empty() && !deaf && !self.unfinished && !self.input_ended
    }
}

/// From one date to another; zero when it has passed.
pub(super) fn until(date: Wall, now: Wall) -> Duration {
    Duration::from_millis(date.as_millis().saturating_sub(now.as_millis()))
}
