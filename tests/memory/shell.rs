//! The smallest shell around an engine: no sockets, and nothing of its own that grows.

use std::io::IoSlice;
use std::time::Duration;

use wardroom::access::origin::OriginList;
use wardroom::config::{Config, Limits, Rate};
use wardroom::engine::{Door, Effect, Engine, Outcome, Reconfiguration, Share};
use wardroom::hash::Keyed;
use wardroom::id::ConnectionId;
use wardroom::limit::memory::Class;
use wardroom::limit::{Kept, PrefixTable};
use wardroom::simulation::{Names, text, upgrade_request};
use wardroom::telemetry::Exposition;
use wardroom::time::{Instant, Now, Wall};

pub struct Shell {
    engine: Engine,
    now: Now,
    /// Whether sockets take what is queued.
    is_written: bool,
}

/// Limits out of the way, and no tables to speak of.
pub fn config() -> Config {
    let plenty = Rate::new(1_000_000_000, Duration::from_secs(1));
    let mut config = Config {
        memory: 1 << 30,
        ..Config::default()
    };
    let limits = &mut config.limits;
    limits.prefixes_max = 64;
    limits.connections_per_address = 100_000;
    limits.plain_per_address = 100_000;
    limits.unauthenticated_max = 100_000;
    limits.connections_max = 100_000;
    limits.handshakes_per_address = plenty;
    limits.bytes_per_address = plenty;
    limits.commands_per_user = plenty;
    config
}

/// Each in a network of its own: whoever floods has no better way to fill the tables of who waits.
fn address(number: usize) -> String {
    format!("10.{}.{}.1:40000", number / 256, number % 256)
}

impl Shell {
    pub fn new(config: Config) -> Self {
        let now = Now {
            instant: Instant::ZERO + Duration::from_secs(1000),
            wall: Wall::from_millis(1_764_000_000_000),
        };
        // A table of connections that begins small and grows by doubling, so that what it grows by can be measured.
        let small = Config {
            memory: 1,
            ..config.clone()
        };
        let mut engine = Engine::new(small, Box::new(Names), [7; 32]).expect("origins are origins");
        let origins = OriginList::new(&[], config.listen.address, false).expect("no origins");
        engine.remember_rooms([], now);
        let new = Reconfiguration {
            config,
            authenticator: Box::new(Names),
            origins,
        };
        engine.reconfigure(new, now);
        let mut shell = Shell {
            engine,
            now,
            is_written: true,
        };
        shell.turn();
        shell
    }

    fn turn(&mut self) {
        self.engine.turn(self.now);
        self.engine.end_turn(self.now);
        while let Some((id, _)) = self.engine.next_work() {
            self.engine.outcome(id, Outcome::Busy, self.now);
        }
        while let Some(effect) = self.engine.next_effect(Share::Strangers) {
            if let Effect::Write(id) = effect
                && self.is_written
            {
                self.write(id);
            }
        }
        while self.engine.next_security_line().is_some() {}
    }

    fn write(&mut self, id: ConnectionId) {
        loop {
            let mut slices = [IoSlice::new(&[]); 16];
            let filled = self.engine.outgoing(id, &mut slices);
            let bytes = slices[..filled].iter().map(|slice| slice.len()).sum();
            if bytes == 0 || !self.engine.written(id, bytes, self.now) {
                return;
            }
        }
    }

    fn connect(&mut self, number: usize) -> ConnectionId {
        let peer = address(number).parse().expect("an address");
        self.engine
            .accept(Door::Public, peer, self.now)
            .expect("room")
    }

    /// So many who say nothing.
    pub fn strangers(&mut self, count: usize) -> Vec<ConnectionId> {
        let mut ids = Vec::new();
        for n in 0..count {
            ids.push(self.connect(n));
            self.turn();
        }
        ids
    }

    /// Each sends so many bytes of a head that does not end.
    pub fn half_heads(&mut self, ids: &[ConnectionId], bytes: usize) {
        let head = "GET / HTTP/1.1\r\nX: ".to_owned() + &"y".repeat(bytes);
        for id in ids {
            self.engine
                .receive(*id, &head.as_bytes()[..bytes], self.now);
            self.turn();
        }
    }

    /// So many who are in the lobby, in the full protocol, each somebody else.
    pub fn sessions(&mut self, count: usize) -> Vec<ConnectionId> {
        let mut ids = Vec::new();
        for n in 0..count {
            let id = self.connect(n);
            let fields = format!(
                "Authorization: Bearer somebody-{n}\r\nSec-WebSocket-Protocol: wardroom.v1\r\n"
            );
            let head = upgrade_request("/ws/chat", &fields);
            self.engine.receive(id, head.as_bytes(), self.now);
            self.turn();
            ids.push(id);
        }
        self.now.instant = self.now.instant + Duration::from_secs(10);
        self.turn();
        ids
    }

    fn say(&mut self, id: ConnectionId, request: &str) {
        self.engine.receive(id, &text(request), self.now);
        self.turn();
    }

    /// Each joins these rooms.
    pub fn join(&mut self, ids: &[ConnectionId], rooms: &[&str]) {
        for id in ids {
            for room in rooms {
                self.say(*id, &format!(r#"{{"type":"join","room":"{room}"}}"#));
            }
        }
        self.now.instant = self.now.instant + Duration::from_secs(10);
        self.turn();
    }

    /// Each asks what it may ask, and reads none of it.
    pub fn unread(&mut self, ids: &[ConnectionId]) {
        self.is_written = false;
        for id in ids {
            for _ in 0..40 {
                self.say(*id, r#"{"type":"rooms"}"#);
            }
        }
    }

    /// What is drawn of a class.
    pub fn drawn(&self, class: Class) -> usize {
        let metrics = self.engine.metrics_text(Exposition::Text);
        let metrics = String::from_utf8_lossy(&metrics);
        let line = format!("wardroom_memory_bytes{{class=\"{}\"}} ", class.label());
        let found = metrics.lines().find_map(|found| found.strip_prefix(&line));
        found
            .and_then(|number| number.parse().ok())
            .expect("a class")
    }
}

/// A table of address prefixes in which there is no room left.
pub fn full_table(prefixes_max: usize) -> PrefixTable {
    let kept = Kept::of(&Limits::default());
    let mut table = PrefixTable::new(prefixes_max, kept, Keyed::new(1, 2));
    for n in 0..=u16::MAX {
        let [high, low] = n.to_be_bytes();
        table.find([10, high, low, 1].into(), Instant::ZERO);
    }
    table
}
