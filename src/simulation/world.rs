//! The reactor's place taken by a virtual one: no sockets, no waiting, time goes as it is told.

mod after;
mod faults;
mod works;

use std::collections::{BTreeMap, VecDeque};
use std::io::IoSlice;
use std::net::SocketAddr;
use std::time::Duration;

use super::client::{Client, Ending};
use crate::access::hook::{Answer, Question};
use crate::access::origin::OriginList;
use crate::access::revocation::{Revocation, Subject};
use crate::access::{AuthError, Authenticator, Credential, Grant, Identity};
use crate::config::{Config, HookSettings};
use crate::engine::{
    Census, Door, Effect, Engine, Reconfiguration, Share, Unready, Work, WorkId, WorkTimes,
};
use crate::id::{ConnectionId, QuestionId};
use crate::protocol::client as client_bytes;
use crate::protocol::response::Refusal;
use crate::store::{Memory, Store};
use crate::telemetry::Exposition;
use crate::time::{Instant, Now, Wall};

/// Pieces of one virtual `writev`.
const SLICES_MAX: usize = 16;
/// Turns without progress to show that the world has come to rest.
const QUIET_TURNS: usize = 2;

/// Takes the credential's own text as the user's id and name: for worlds in which tokens are not the question.
#[derive(Debug, Clone, Copy)]
pub struct Names;

impl Authenticator for Names {
    fn authenticate(&self, credential: Credential<'_>, now: Now) -> Result<Identity, AuthError> {
        let (name, lifetime) = match credential.value.split_once('@') {
            Some((name, seconds)) => (name, seconds.parse::<u64>().ok()),
            None => (credential.value, None),
        };
        match name {
            "" | "bad" => Err(AuthError::Invalid),
            "expired" => Err(AuthError::Expired),
            name => Ok(Identity {
                user: name.into(),
                name: name.into(),
                expires: lifetime
                    .map(|seconds| Wall::from_millis(now.wall.as_millis() + seconds * 1000)),
                grant: Grant::default(),
                rooms: None,
            }),
        }
    }
}

/// An engine, its clients, and their time.
pub struct World {
    engine: Engine,
    now: Now,
    /// Both clocks when they were last set against each other.
    clocks_set: Now,
    clients: BTreeMap<ConnectionId, Client>,
    /// Bytes handed to the engine in one call at most; small values cut frames everywhere.
    pub read_bytes_max: usize,
    /// `turn.writes_max` of the first configuration.
    pub writes_max: usize,
    /// Works handed out and not answered.
    works: VecDeque<(WorkId, Work)>,
    store: Box<dyn Store>,
    /// Works that the store's queue has place for.
    pub works_max: usize,
    /// Questions that the store answers at once.
    pub answered_together_max: usize,
    /// Whether pages wait until nothing else does, as they do with the store's thread.
    pub pages_wait: bool,
    /// Whether answers are kept back until [`World::answer_one`].
    pub answers_held: bool,
    /// Questions put to the authentication hook and not answered.
    questions: VecDeque<(QuestionId, Question)>,
    /// How often tables were made smaller.
    shrunk: u64,
}

impl World {
    /// A world at a fixed date whose engine authenticates by [`Names`].
    pub fn new(config: Config) -> Self {
        World::with_authenticator(config, Box::new(Names), [7; 32])
    }

    /// A world whose engine uses `authenticator` and `seed`.
    ///
    /// # Panics
    /// When `origins.allow` holds something that is no origin.
    pub fn with_authenticator(
        config: Config,
        authenticator: Box<dyn Authenticator>,
        seed: [u8; 32],
    ) -> Self {
        World::over(config, authenticator, seed, Box::new(Memory::default()))
    }

    /// The same over a store that is there already.
    ///
    /// # Panics
    /// When `origins.allow` holds something that is no origin, or the store can not be read.
    pub fn over(
        config: Config,
        authenticator: Box<dyn Authenticator>,
        seed: [u8; 32],
        store: Box<dyn Store>,
    ) -> Self {
        let now = Now {
            instant: Instant::ZERO + Duration::from_secs(1000),
            wall: Wall::from_millis(1_764_000_000_000),
        };
        let mut world = World {
            writes_max: config.turn.writes_max,
            engine: Engine::new(config, authenticator, seed).expect("origins are origins"),
            now,
            clocks_set: now,
            clients: BTreeMap::new(),
            read_bytes_max: 64 * 1024,
            works: VecDeque::new(),
            store,
            works_max: 1024,
            answered_together_max: 1,
            pages_wait: false,
            answers_held: false,
            questions: VecDeque::new(),
            shrunk: 0,
        };
        world.begin();
        world
    }

    /// The present time.
    pub fn now(&self) -> Now {
        self.now
    }

    /// What the engine holds.
    pub fn census(&self) -> Census {
        self.engine.census()
    }

    /// What a scrape would give.
    pub fn metrics(&self) -> String {
        let text = self.engine.metrics_text(Exposition::Text);
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Whether the bytes of this connection are taken as those of a TLS handshake.
    pub fn is_handshaking(&self, id: ConnectionId) -> bool {
        self.engine.is_handshaking(id)
    }

    /// Lines of the security log since they were last taken.
    pub fn security_log(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.engine.next_security_line()).collect()
    }

    /// Why new clients should go elsewhere.
    pub fn unready(&self) -> Vec<Unready> {
        self.engine.unready()
    }

    /// Says that the listeners are bound, as a shell does.
    pub fn start(&mut self) {
        self.engine.start(self.now);
    }

    /// A new connection from this address.
    ///
    /// # Errors
    /// The engine's refusal.
    pub fn connect(&mut self, peer: &str) -> Result<ConnectionId, Refusal> {
        self.connect_at(Door::Public, peer)
    }

    /// The same through any door.
    ///
    /// # Errors
    /// The engine's refusal.
    pub fn connect_at(&mut self, door: Door, peer: &str) -> Result<ConnectionId, Refusal> {
        let peer: SocketAddr = format!("{peer}:40000").parse().expect("an address");
        let id = self.engine.accept(door, peer, self.now)?;
        self.clients.insert(id, Client::new(peer));
        Ok(id)
    }

    /// A client that has opened the chat as `user`, from an address of its own, and read all it was told.
    pub fn join(&mut self, user: &str, peer: &str) -> ConnectionId {
        self.open("/ws/chat", user, peer, "")
    }

    /// The same in the full protocol.
    pub fn join_v1(&mut self, user: &str, peer: &str) -> ConnectionId {
        self.open(
            "/ws/chat",
            user,
            peer,
            "Sec-WebSocket-Protocol: wardroom.v1\r\n",
        )
    }

    /// A client that has been upgraded on `path`.
    pub fn open(&mut self, path: &str, user: &str, peer: &str, fields: &str) -> ConnectionId {
        let id = self.connect(peer).expect("room for a connection");
        let fields = format!("Authorization: Bearer {user}\r\n{fields}");
        self.send(id, client_bytes::upgrade_request(path, &fields).as_bytes());
        let response = self.client(id).take_response();
        assert_eq!(response.map(|(status, _)| status), Some(101));
        id
    }

    /// A client's view of its connection.
    pub fn client(&mut self, id: ConnectionId) -> &mut Client {
        self.clients.get_mut(&id).expect("a client of this world")
    }

    /// Sends bytes and lets the world come to rest.
    pub fn send(&mut self, id: ConnectionId, bytes: &[u8]) {
        self.queue(id, bytes);
        self.settle();
    }

    /// Sends bytes that the server reads when it has its next turns.
    pub fn queue(&mut self, id: ConnectionId, bytes: &[u8]) {
        self.client(id).queue(bytes);
    }

    /// What comes first of that which waits for a client.
    pub fn comes_first(&self, id: ConnectionId) -> Option<Vec<u8>> {
        let mut first = [IoSlice::new(&[])];
        (self.engine.outgoing(id, &mut first) > 0).then(|| first[0].to_vec())
    }

    /// Bytes sent that the server has not read.
    pub fn unread_bytes(&mut self, id: ConnectionId) -> usize {
        self.client(id).in_flight.len()
    }

    /// Sends a text message and lets the world come to rest.
    pub fn say(&mut self, id: ConnectionId, message: &str) {
        self.send(id, &client_bytes::text(message));
    }

    /// Closes the client's writing side once everything sent was read.
    pub fn hang_up(&mut self, id: ConnectionId) {
        self.client(id).hung_up = true;
        self.settle();
    }

    /// Breaks the connection.
    pub fn reset(&mut self, id: ConnectionId) {
        self.client(id).ending = Ending::Closed;
        self.engine.broken(id, self.now);
        self.settle();
    }

    /// Gives the engine another configuration, as the reactor does after a reload.
    ///
    /// # Panics
    /// When `origins.allow` holds something that is no origin.
    pub fn reconfigure(&mut self, config: Config) {
        let origins = OriginList::new(
            &config.origins.allow,
            config.listen.address,
            config.tls.is_on(),
        );
        let new = Reconfiguration {
            config,
            authenticator: Box::new(Names),
            origins: origins.expect("origins are origins"),
        };
        self.engine.reconfigure(new, self.now);
        self.settle();
    }

    /// Lets time pass, stopping at every deadline on the way.
    pub fn advance(&mut self, duration: Duration) {
        let until = self.now.instant + duration;
        self.settle();
        while let Some(next) = self.engine.next_deadline().filter(|next| *next <= until) {
            self.set_time(next.max(self.now.instant));
            self.settle();
        }
        self.set_time(until);
        self.settle();
    }

    /// Runs turns until nothing moves any more.
    pub fn settle(&mut self) {
        let mut quiet = 0;
        while quiet < QUIET_TURNS {
            let moved = self.turn();
            quiet = if moved { 0 } else { quiet + 1 };
        }
    }

    /// One turn as the reactor does it, without its clock: whoever is in first, then whoever wants to come in. Whether anything moved.
    pub fn turn(&mut self) -> bool {
        let mut moved = false;
        while !self.answers_held && !self.works.is_empty() {
            self.answer(self.answered_together_max);
            moved = true;
        }
        self.engine.turn(self.now);
        for share in [Share::People, Share::Strangers] {
            for _ in 0..self.engine.unfinished(share) {
                self.engine.go_on(share, self.now);
            }
            moved |= self.deliver_inbound(share);
            self.engine.end_turn(self.now);
            self.hand_out_work();
            for id in self.unblocked() {
                moved |= self.write(id);
            }
            for _ in 0..self.writes_max {
                let Some(effect) = self.engine.next_effect(share) else {
                    break;
                };
                moved |= self.carry_out(effect);
            }
        }
        self.give_memory_back();
        moved || self.engine.has_unfinished()
    }

    /// Tells the engine of a revocation that is stored.
    pub fn apply_revocation(&mut self, revocation: Revocation) {
        self.engine.apply_revocation(revocation, self.now);
    }

    /// Replaces the authenticator, as a reload does.
    pub fn replace_authenticator(&mut self, next: Box<dyn Authenticator>) {
        self.engine.replace_authenticator(next, self.now);
    }

    /// The credential that the authentication hook was asked about first of those without an answer.
    pub fn asked_of_hook(&self) -> Option<&str> {
        let (_, question) = self.questions.front()?;
        Some(&question.credential)
    }

    /// Questions put to the authentication hook and not answered.
    pub fn questions(&self) -> usize {
        self.questions.len()
    }

    /// Lets the hook answer the oldest of them.
    ///
    /// # Panics
    /// When there is none.
    pub fn answer_question(&mut self, answer: Answer) {
        let (id, _) = self.questions.pop_front().expect("a question was put");
        self.engine.hook_answered(id, answer, self.now);
    }

    /// Gives the engine other settings of the hook, whose questions are then put anew.
    pub fn reconfigure_hook(&mut self, settings: HookSettings) {
        self.questions.clear();
        self.engine.reconfigure_hook(settings);
    }

    /// Takes a user's access back, as it was stored.
    pub fn revoke_user(&mut self, user: &str) {
        let revocation = Revocation {
            subject: Subject::User(user.into()),
            at: self.now.wall,
            until: Wall::from_millis(u64::MAX),
        };
        self.engine.apply_revocation(revocation, self.now);
    }

    /// How long answers took.
    pub fn work_times(&self) -> WorkTimes {
        self.engine.work_times()
    }

    /// The store behind this world's engine.
    pub fn store(&mut self) -> &mut dyn Store {
        &mut *self.store
    }

    fn set_time(&mut self, instant: Instant) {
        let passed = instant.since(self.clocks_set.instant).as_millis() as u64;
        self.now.instant = instant;
        self.now.wall = Wall::from_millis(self.clocks_set.wall.as_millis() + passed);
    }

    fn deliver_inbound(&mut self, share: Share) -> bool {
        let mut moved = false;
        for (id, client) in &mut self.clients {
            let is_of_share = self.engine.share_of(*id) == share;
            if !is_of_share || !self.engine.wants_bytes(*id) || client.ending == Ending::Closed {
                continue;
            }
            if !client.in_flight.is_empty() {
                let most = self.read_bytes_max.min(self.engine.read_bytes_max());
                let count = client.in_flight.len().min(most);
                let bytes: Vec<u8> = client.in_flight.drain(..count).collect();
                let taken = self.engine.preamble(*id, &bytes, self.now);
                if let Some(bytes) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
                    self.engine.receive(*id, bytes, self.now);
                }
                moved = true;
            } else if client.hung_up {
                client.hung_up = false;
                self.engine.end_of_input(*id, self.now);
                moved = true;
            }
        }
        moved
    }

    /// Clients whose socket was full and takes bytes again.
    fn unblocked(&mut self) -> Vec<ConnectionId> {
        self.clients
            .iter()
            .filter(|(_, client)| client.blocked && client.window > 0)
            .map(|(id, _)| *id)
            .collect()
    }

    fn carry_out(&mut self, effect: Effect) -> bool {
        match effect {
            Effect::Write(id) => return self.write(id),
            Effect::Read(_) => {}
            Effect::ShutdownWrite(id) => self.end(id, Ending::HalfClosed),
            Effect::Close(id) | Effect::Reset(id) => self.end(id, Ending::Closed),
        }
        true
    }

    fn write(&mut self, id: ConnectionId) -> bool {
        let Some(client) = self.clients.get_mut(&id) else {
            return false;
        };
        let mut moved = false;
        loop {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let filled = self.engine.outgoing(id, &mut slices);
            client.blocked = filled > 0 && client.window == 0;
            let mut written = 0;
            for slice in slices.iter().take(filled) {
                let taken = slice.get(..client.window).unwrap_or(slice);
                client.deliver(taken);
                written += taken.len();
            }
            if written == 0 {
                break;
            }
            self.engine.written(id, written, self.now);
            moved = true;
        }
        moved
    }

    fn end(&mut self, id: ConnectionId, ending: Ending) {
        if let Some(client) = self.clients.get_mut(&id) {
            client.ending = ending;
        }
    }
}
