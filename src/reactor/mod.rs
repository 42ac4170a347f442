//! The shell around the engine: one thread, one poll, sockets. It decides nothing about policy.
//!
//! A turn reads top to bottom in `Server::turn`: wait, let the engine do what is due, read from those who have signed in and
//! carry out what came of it, so that everything said to a peer meanwhile leaves in one write; then the same for everybody else.

mod clock;
pub mod descriptors;
mod error;
mod hook;
mod inherited;
mod lifecycle;
mod listener;
mod listeners;
mod log_file;
pub mod log_queue;
mod process;
mod read;
mod reload;
#[cfg(target_os = "linux")]
pub mod sandbox;
mod secure;
mod security_log;
mod service;
mod setup;
mod shares;
mod signals;
mod socket;
mod stop;
mod tls;
mod workers;
mod write;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::{Events, Poll, Token};

use crate::config::Turn;
use crate::engine::{Engine, Share};
use crate::id::ConnectionId;
use crate::store::Store;
use crate::telemetry::{ProcessFacts, TurnFacts};
use crate::time::{Instant, Now};

pub use error::{RunError, StartError};
pub use hook::HookError;
pub use inherited::Inherited;
pub use log_file::StandardError;
pub use log_queue::LogQueue;
pub use reload::{Fresh, Reloader};
pub use service::ServiceManager;
pub use stop::StopHandle;
#[cfg(feature = "simulation")]
pub use tls::fuzz;
pub use tls::{IdentitySummary, TlsAcceptor, TlsError, TlsHandle};

use clock::Clock;
use hook::{Asker, HookWorkers};
use listeners::Listeners;
use process::Process;
use reload::Reload;
use security_log::SecurityLog;
use signals::Signals;
use socket::Sockets;
use stop::Stop;
use workers::Workers;

/// Readiness events taken from the kernel at a time; what does not fit comes in the next turn.
const EVENTS_MAX: usize = 1024;
/// Pieces handed to one `writev`; Linux takes at most 1024.
const SLICES_MAX: usize = 16;

const SIGNALS: Token = Token(usize::MAX);
/// Another thread has something: a wish to stop, or a configuration that was read.
const WAKE: Token = Token(usize::MAX - 1);

/// The server, bound to its address.
///
/// **Everything runs on the thread that calls [`Server::run`].**
pub struct Server {
    poll: Poll,
    clock: Clock,
    /// When the present turn began.
    now: Now,
    listeners: Listeners,
    address: SocketAddr,
    private_address: Option<SocketAddr>,
    signals: Option<Signals>,
    stop: Stop,
    /// Asked to stop once more: nobody is waited for.
    is_cut_short: bool,
    reload: Option<Reload>,
    /// Woken in this turn.
    is_woken: bool,
    service: ServiceManager,
    drain_time_max: Duration,
    sockets: Sockets,
    engine: Engine,
    /// Where what must last is kept, until the threads start.
    store: Option<Box<dyn Store>>,
    /// Between [`Server::run`]'s beginning and its end.
    workers: Option<Workers>,
    /// Checked, and not yet at work.
    asker: Option<Asker>,
    /// `None` when there is nobody to ask.
    hook: Option<HookWorkers>,
    budget: Turn,
    /// One for all connections: what was read is handled before the next read.
    read_buffer: Box<[u8]>,
    /// Connections whose socket may have bytes: edge-triggered readiness is told once, so it is kept here.
    readable: VecDeque<ConnectionId>,
    /// The same of those that were read from a moment ago.
    busy: VecDeque<ConnectionId>,
    /// The same of those who have not signed in.
    strangers: VecDeque<ConnectionId>,
    /// Connections that have bytes of a TLS handshake, in the order in which they came.
    handshakes: VecDeque<ConnectionId>,
    /// What new connections to the public listener are met with; `None`: they are plain.
    acceptor: Option<TlsAcceptor>,
    tls: TlsHandle,
    /// Room to work in, for all connections: what was opened, gathered to be sealed, and sealed.
    opened: Vec<u8>,
    gathered: Vec<u8>,
    sealed: Vec<u8>,
    /// Connections whose socket takes bytes, but whose share of the turn was used up.
    writable: VecDeque<ConnectionId>,
    process: Process,
    security_log: SecurityLog,
}

impl Server {
    /// One turn of the loop; `until` bounds the wait.
    fn turn(&mut self, events: &mut Events, until: Option<Instant>) -> Result<(), RunError> {
        // What the last turn told, and what was told between the two.
        self.write_security_log();
        let timeout = self.time_to_wait(until);
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                return Err(RunError::Poll(error));
            }
            _ => {}
        }
        let now = self.clock.now();
        self.now = now;
        self.look_at_process();
        self.take_reports(now);
        self.take_answers(now);
        self.engine.turn(now);
        let mut brought = 0;
        for event in events.iter() {
            brought += 1;
            match event.token() {
                SIGNALS => self.handle_signals(),
                WAKE => self.is_woken = true,
                token if self.listeners.is_ready(token) => {}
                token => self.note_readiness(ConnectionId::from_u64(token.0 as u64), event),
            }
        }
        self.serve_people(now);
        self.finish_share(Share::People, self.end_of_peoples_share(now), now);
        let until = self.end_of_strangers_share();
        if self.serve_strangers(until, now) || self.engine.has_effects(Share::Strangers) {
            self.finish_share(Share::Strangers, until, now);
        }
        if self.engine.has_fallen(now) {
            self.give_memory_back(now);
        }
        self.service.is_alive(now.instant);
        self.engine.observe_turn(TurnFacts {
            time: self.clock.instant().since(now.instant),
            events: brought,
            readable: self.readable.len() + self.busy.len() + self.strangers.len(),
            writable: self.writable.len(),
        });
        Ok(())
    }

    /// Carries out what came of a share of the turn, as far as there is time for it.
    fn finish_share(&mut self, of: Share, until: Instant, now: Now) {
        self.engine.end_turn(now);
        self.hand_out_work(now);
        self.put_questions(now);
        self.carry_out(of, until, now);
    }

    fn give_memory_back(&mut self, now: Now) {
        self.engine.shrink(now);
        self.sockets.shrink();
        wardroom_trim::trim();
        // Only now: room that lay on pages which others have left would keep them.
        self.engine.regrow();
        self.sockets.regrow(self.engine.connections_max());
    }

    fn look_at_process(&mut self) {
        if let Some(facts) = self.process.look(self.now.instant) {
            self.engine.observe_process(ProcessFacts {
                log_lines_dropped: self.security_log.dropped(),
                ..facts
            });
        }
    }

    fn write_security_log(&mut self) {
        while let Some(line) = self.engine.next_security_line() {
            self.security_log.write(&line);
        }
    }

    fn time_to_wait(&self, until: Option<Instant>) -> Option<Duration> {
        let has_work = self.engine.has_unfinished()
            || !self.readable.is_empty()
            || !self.busy.is_empty()
            || !self.strangers.is_empty()
            || !self.handshakes.is_empty()
            || !self.writable.is_empty();
        if has_work || self.listeners.has_work(self.now.instant) {
            return Some(Duration::ZERO);
        }
        let next = [
            self.engine.next_deadline(),
            self.listeners.resting_until(),
            self.service.next_sign(),
            until,
        ];
        let next = next.into_iter().flatten().min()?;
        // What this turn took is not slept off: it is microseconds, and a deadline is no promise to the microsecond.
        Some(next.since(self.now.instant))
    }

    fn note_readiness(&mut self, id: ConnectionId, event: &mio::event::Event) {
        let Some(socket) = self.sockets.get_mut(id) else {
            return;
        };
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            socket.read_closed |= event.is_read_closed() || event.is_error();
            socket.has_bytes = true;
            self.queue_read(id);
        }
        if event.is_writable() {
            self.queue_write(id);
        }
    }

    /// Takes the next connection that waits at a door; `false`: there is none.
    fn accept_one(&mut self, now: Now) -> bool {
        let Some((door, mut stream, peer)) = self.listeners.accept(now.instant) else {
            if self.listeners.take_shortage() {
                self.engine.lack_descriptors(now);
            }
            return false;
        };
        match self.engine.accept(door, peer, now) {
            Ok(id) => {
                if let Err(error) = self.sockets.insert(id, stream, self.poll.registry()) {
                    log::warn!("a connection can not be watched: {error}");
                    self.engine.broken(id, now);
                }
            }
            Err(refusal) => {
                secure::refuse(&mut stream, door, self.acceptor.is_some(), refusal);
            }
        }
        true
    }
}
