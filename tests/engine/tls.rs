//! TLS from the engine's side, which opens and seals nothing: charges, deadlines, bytes that were sealed, certificates.

use std::io::IoSlice;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use wardroom::access::certificate::WithCertificates;
use wardroom::config::{Config, Rate};
use wardroom::engine::{Door, Effect, Engine, Share, TlsFacts, TlsVersion};
use wardroom::id::ConnectionId;
use wardroom::simulation::{Names, text, upgrade_request};
use wardroom::telemetry::Exposition;
use wardroom::time::{Instant, Now, Wall};

const FACTS: TlsFacts = TlsFacts {
    version: TlsVersion::Tls13,
    group: Some("X25519MLKEM768"),
    is_resumed: false,
};
/// 2027-01-15, when the certificates of this file end.
const NOT_AFTER: u64 = 1_799_971_200_000;

fn config() -> Config {
    let mut config = crate::default_config();
    config.tls.certificate = vec![PathBuf::from("chain.pem")];
    config
}

/// An engine that only this file's functions feed.
struct Sealed {
    engine: Engine,
    now: Now,
}

impl Sealed {
    fn new(config: Config) -> Sealed {
        let authenticator = Box::new(WithCertificates(Names));
        Sealed {
            engine: Engine::new(config, authenticator, [7; 32]).expect("no origins"),
            now: Now {
                instant: Instant::ZERO + Duration::from_secs(1000),
                wall: Wall::from_millis(NOT_AFTER - 60_000),
            },
        }
    }

    fn connect(&mut self) -> ConnectionId {
        self.connect_from([192, 0, 2, 1])
    }

    fn connect_from(&mut self, address: [u8; 4]) -> ConnectionId {
        let peer = SocketAddr::from((address, 40_000));
        let id = self
            .engine
            .accept(Door::Public, peer, self.now)
            .expect("room");
        assert!(self.engine.is_handshaking(id));
        id
    }

    /// Connected, secured, and in the chat by `fields`.
    fn open(&mut self, fields: &str, certificate: Option<&[u8]>) -> ConnectionId {
        self.open_at("/ws/chat", fields, certificate)
    }

    fn open_at(&mut self, path: &str, fields: &str, certificate: Option<&[u8]>) -> ConnectionId {
        let id = self.connect();
        assert!(self.engine.arrived(id, 1500, self.now));
        self.engine.secured(id, FACTS, certificate, self.now);
        let request = upgrade_request(path, fields);
        assert!(self.engine.arrived(id, request.len() + 22, self.now));
        self.engine.receive_opened(id, request.as_bytes(), self.now);
        self.turn();
        assert!(self.take(id).starts_with(b"HTTP/1.1 101 "));
        id
    }

    fn turn(&mut self) -> Vec<Effect> {
        self.engine.turn(self.now);
        self.engine.end_turn(self.now);
        std::iter::from_fn(|| self.engine.next_effect(Share::Strangers)).collect()
    }

    fn pass(&mut self, time: Duration) -> Vec<Effect> {
        self.set_time(time);
        self.turn()
    }

    /// So much time passes, and nobody looks.
    fn set_time(&mut self, time: Duration) {
        self.now.instant = self.now.instant + time;
        let millis = self.now.wall.as_millis() + time.as_millis() as u64;
        self.now.wall = Wall::from_millis(millis);
    }

    /// Everything that waits in the outbox, left there.
    fn outgoing(&self, id: ConnectionId) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); 16];
        let filled = self.engine.outgoing(id, &mut slices);
        slices[..filled]
            .iter()
            .flat_map(|slice| slice.to_vec())
            .collect()
    }

    /// What was counted of limits, as `limit count`.
    fn limited(&self) -> Vec<String> {
        let bytes = self.engine.metrics_text(Exposition::Text);
        let metrics = String::from_utf8_lossy(&bytes).into_owned();
        let rows = metrics.lines().filter_map(|line| {
            let row = line.strip_prefix("wardroom_limited_total{limit=\"")?;
            let (limit, rest) = row.split_once('"')?;
            let count = rest.rsplit(' ').next().filter(|count| *count != "0")?;
            Some(format!("{limit} {count}"))
        });
        rows.collect()
    }

    /// Seals everything and lets it leave.
    fn take(&mut self, id: ConnectionId) -> Vec<u8> {
        let bytes = self.outgoing(id);
        self.engine.sealed(id, bytes.len(), 0, self.now);
        bytes
    }
}

fn is_gone(effects: &[Effect], id: ConnectionId) -> bool {
    effects.contains(&Effect::Close(id))
}

#[test]
fn the_time_for_a_handshake_runs_from_the_accept_and_is_part_of_the_time_for_the_head() {
    let mut world = Sealed::new(config());
    let slow = world.connect();
    let secured = world.connect();
    world.pass(Duration::from_millis(4999));
    assert!(
        world.engine.arrived(slow, 1, world.now),
        "bytes win no time"
    );
    world.engine.secured(secured, FACTS, None, world.now);
    let effects = world.pass(Duration::from_millis(1));
    assert!(is_gone(&effects, slow) && !is_gone(&effects, secured));
    world.pass(Duration::from_millis(4999));
    assert_eq!(world.outgoing(secured), b"");
    world.pass(Duration::from_millis(1));
    assert!(world.take(secured).starts_with(b"HTTP/1.1 408 "));
    world.pass(Duration::from_secs(1));
    assert_eq!(world.engine.census().connections, 0);
}

#[test]
fn however_many_finish_their_handshake_and_are_silent_whoever_is_in_theirs_keeps_a_place() {
    let mut config = config();
    config.limits.unauthenticated_max = 10;
    let mut world = Sealed::new(config);
    let silent = |world: &mut Sealed, network: u8| {
        let id = world.connect_from([10, 0, network, 1]);
        world.engine.secured(id, FACTS, None, world.now);
        world.pass(Duration::from_millis(100));
        id
    };
    let first: Vec<_> = (0..9).map(|network| silent(&mut world, network)).collect();
    let honest = world.connect_from([10, 1, 0, 1]);
    for network in 9..18 {
        silent(&mut world, network);
    }
    assert!(world.engine.is_handshaking(honest));
    let gone = first
        .iter()
        .filter(|id| !world.engine.arrived(**id, 1, world.now));
    assert_eq!(gone.count(), 9, "who was silent before");
}

#[test]
fn a_handshake_has_a_bound_in_bytes() {
    let mut world = Sealed::new(config());
    let id = world.connect();
    assert_eq!(world.engine.handshake_bytes_left(id), Some(16_384));
    assert!(world.engine.arrived(id, 16_383, world.now));
    assert_eq!(world.engine.handshake_bytes_left(id), Some(1));
    assert!(!world.engine.arrived(id, 1, world.now));
    assert!(world.turn().contains(&Effect::ShutdownWrite(id)));
    world.pass(Duration::from_secs(1));
    assert_eq!(world.engine.census(), Default::default());
    assert_eq!(world.limited(), ["tls_handshake_bytes_max 1"]);
}

#[test]
fn a_handshake_that_is_not_done_in_time_is_counted_by_the_deadline_that_was_over() {
    for (handshake, sign_in, limit) in [
        (3, 60, "deadlines.handshake"),
        (60, 60, "deadlines.head"),
        (60, 2, "deadlines.sign_in"),
    ] {
        let mut config = config();
        config.deadlines.handshake = Duration::from_secs(handshake);
        config.deadlines.sign_in = Duration::from_secs(sign_in);
        let mut world = Sealed::new(config);
        let (slow, silent) = (world.connect(), world.connect());
        assert!(world.engine.arrived(slow, 1, world.now));
        for _ in 0..11 {
            world.pass(Duration::from_secs(1));
        }
        assert!(!world.engine.is_handshaking(slow) && !world.engine.is_handshaking(silent));
        assert_eq!(world.limited(), [format!("{limit} 2")]);
    }
}

#[test]
fn handshakes_that_are_left_half_done_keep_their_address_out_and_silent_connections_do_not() {
    for (bytes, is_kept_out) in [(200, true), (0, false)] {
        for is_reset in [true, false] {
            let mut config = config();
            config.limits.offences_per_address = Rate::new(5, Duration::from_secs(600));
            let mut world = Sealed::new(config);
            for _ in 0..6 {
                let id = world.connect();
                assert!(world.engine.arrived(id, bytes, world.now));
                match is_reset {
                    true => world.engine.broken(id, world.now),
                    false => world.engine.end_of_input(id, world.now),
                }
                world.turn();
            }
            let peer = SocketAddr::from(([192, 0, 2, 1], 40_000));
            let again = world.engine.accept(Door::Public, peer, world.now);
            assert_eq!(again.is_err(), is_kept_out, "{bytes} bytes, {is_reset}");
            let bytes = world.engine.metrics_text(Exposition::Text);
            let counted = format!(
                "wardroom_tls_failures_total{{reason=\"abandoned\"}} {}\n",
                if is_kept_out { 6 } else { 0 }
            );
            assert!(
                String::from_utf8_lossy(&bytes).contains(&counted),
                "{counted}"
            );
        }
    }
}

#[test]
fn bytes_of_a_handshake_are_charged_to_the_address_before_anybody_opens_them() {
    let mut config = config();
    config.limits.bytes_per_address = Rate::new(20_000, Duration::from_secs(10));
    let mut world = Sealed::new(config);
    let (first, second) = (world.connect(), world.connect());
    assert!(world.engine.arrived(first, 15_000, world.now));
    world.engine.arrived(second, 10_000, world.now);
    assert!(!world.engine.is_handshaking(second), "it is in debt");
    assert_eq!(world.limited(), ["bytes_per_address 1"]);
    assert!(world.engine.is_handshaking(first));
    // Nobody is listened to for so long: whoever was to do something meanwhile has a second more.
    world.pass(Duration::from_secs(20));
    world.pass(Duration::from_secs(1));
    world.pass(Duration::from_secs(1));
    assert_eq!(world.engine.census(), Default::default());
}

#[test]
fn sealed_bytes_are_charged_whatever_is_in_them() {
    let mut config = config();
    config.limits.bytes_per_connection = Rate::new(20_000, Duration::from_secs(10));
    let mut world = Sealed::new(config);
    let id = world.open("Authorization: Bearer alice\r\n", None);
    assert!(world.engine.wants_bytes(id));
    world.engine.arrived(id, 30_000, world.now);
    assert!(
        !world.engine.wants_bytes(id),
        "records of nothing cost as much"
    );
    world.pass(Duration::from_secs(10));
    assert!(world.engine.wants_bytes(id));
}

#[test]
fn sealed_bytes_that_do_not_leave_count_as_bytes_that_wait() {
    let mut config = config();
    config.limits.outbound_bytes_per_connection_max = 20_000;
    config.limits.messages_per_user = Rate::new(1000, Duration::from_secs(1));
    config.limits.commands_per_user = Rate::new(1000, Duration::from_secs(1));
    config.limits.messages_per_connection = Rate::new(1000, Duration::from_secs(1));
    config.limits.messages_per_address = Rate::new(1000, Duration::from_secs(1));
    let mut world = Sealed::new(config);
    let stuck = world.open("Authorization: Bearer alice\r\n", None);
    let speaker = world.open("Authorization: Bearer bob\r\n", None);
    world.take(stuck);
    assert_eq!(world.engine.census().outbound_bytes, 0);
    let message = text(&format!("{{\"message\":\"{}\"}}", "x".repeat(400)));
    let mut sealed = 0;
    for _ in 0..100 {
        world.engine.arrived(speaker, message.len(), world.now);
        world.engine.receive_opened(speaker, &message, world.now);
        world.turn();
        world.take(speaker);
        // All of it is sealed and none of it leaves.
        let plain = world.outgoing(stuck).len();
        sealed += plain;
        world.engine.sealed(stuck, plain, sealed, world.now);
        assert!(world.engine.census().outbound_bytes >= sealed);
        if world.engine.census().user_connections == 1 {
            assert!(
                sealed > 20_000,
                "closed at its bound and not before: {sealed}"
            );
            // The close frame's time, then that of the last words.
            for _ in 0..2 {
                world.pass(Duration::from_secs(10));
                // Who has left.
                world.take(speaker);
            }
            assert_eq!(world.engine.census().outbound_bytes, 0);
            return;
        }
    }
    panic!("{sealed} sealed bytes wait and nobody counts them");
}

#[test]
fn what_was_said_last_is_written_before_the_writing_side_is_shut() {
    let mut world = Sealed::new(config());
    let id = world.connect();
    world.engine.secured(id, FACTS, None, world.now);
    let request = b"GET /nowhere HTTP/1.1\r\nHost: a.example\r\n\r\n";
    world.engine.receive_opened(id, request, world.now);
    let plain = world.outgoing(id).len();
    assert!(plain > 0);
    assert!(world.engine.sealed(id, plain, plain + 22, world.now));
    assert!(!world.turn().contains(&Effect::ShutdownWrite(id)));
    assert!(
        world.engine.sealed(id, 0, 5, world.now),
        "most of it has left"
    );
    assert!(!world.engine.sealed(id, 0, 0, world.now));
    assert!(world.turn().contains(&Effect::ShutdownWrite(id)));
}

#[test]
fn a_session_ends_when_the_certificate_that_opened_it_does() {
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    let common = rcgen::DnType::CommonName;
    params.distinguished_name.push(common, "carol");
    params.not_after = rcgen::date_time_ymd(2027, 1, 15);
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    let mut world = Sealed::new(config());
    let carol = world.open("", Some(certificate.der()));
    assert_eq!(world.engine.census().user_connections, 1);
    world.take(carol);
    world.pass(Duration::from_millis(59_999));
    assert_eq!(world.engine.census().user_connections, 1);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.engine.census().user_connections, 0);
    let last = world.take(carol);
    let words = b"token expired";
    assert!(last.windows(words.len()).any(|window| window == words));
}

#[test]
fn whoever_says_something_when_their_credential_has_ended_is_not_heard_though_nobody_has_looked() {
    let mut world = Sealed::new(config());
    let bob = world.open("Authorization: Bearer bob\r\n", None);
    let query = "/ws/chat?token=alice@60";
    let alice = world.open_at(query, "", None);
    world.take(bob);
    world.set_time(Duration::from_secs(60));
    let message = text("{\"message\":\"too late\"}");
    world.engine.receive_opened(alice, &message, world.now);
    world.turn();
    let heard = world.take(bob);
    let words = b"too late";
    assert!(!heard.windows(words.len()).any(|window| window == words));
    assert_eq!(world.engine.census().user_connections, 1);
}
