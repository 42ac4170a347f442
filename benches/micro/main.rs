//! What one step of a message's way costs: parse, validate, limit, encode, fan out.
//!
//! `cargo bench --bench micro`; compare with `-- --baseline NAME` after `-- --save-baseline NAME`.

use std::hint::black_box;
use std::net::IpAddr;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use wardroom::access::token::TokenAuthenticator;
use wardroom::access::{Authenticator, Credential, Source};
use wardroom::config::{Auth, Config, KeyMaterial, KeySource, Limits, Rate};
use wardroom::hash::Keyed;
use wardroom::limit::{Kept, PrefixTable, TokenBucket};
use wardroom::protocol::command::{Bounds, tutorial, v1};
use wardroom::protocol::head::{Head, HeadScanner};
use wardroom::protocol::notice::{Content, Message, Notice, Person};
use wardroom::protocol::outbox::Outbox;
use wardroom::protocol::upgrade::Upgrade;
use wardroom::protocol::websocket::{WebSocket, text_frame};
use wardroom::simulation::{World, text, upgrade_request};
use wardroom::time::{Instant, Now, Wall};

const BROWSER_FIELDS: &str = "Origin: http://127.0.0.1:8080\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9\r\n\
    Cache-Control: no-cache\r\nPragma: no-cache\r\n\
    Sec-WebSocket-Protocol: wardroom.v1\r\nSec-WebSocket-Extensions: permessage-deflate\r\n";

const SEND: &str =
    r#"{"type":"send","id":17,"room":"lobby","message":"How is the weather where you are?"}"#;

fn parse(c: &mut Criterion) {
    let mut group = c.benchmark_group("parse");
    let head = upgrade_request("/ws/chat", BROWSER_FIELDS);
    group.bench_function("browser upgrade head", |b| {
        b.iter(|| {
            let bytes = black_box(head.as_bytes());
            let end = HeadScanner::new(8192).find_end(bytes);
            let head = Head::parse(bytes, 64).expect("a good head");
            (end, Upgrade::from_head(&head).is_ok())
        });
    });
    for payload_bytes in [128usize, 8 * 1024] {
        let frame = text(&"x".repeat(payload_bytes));
        group.throughput(Throughput::Bytes(payload_bytes as u64));
        group.bench_function(format!("text frame of {payload_bytes} bytes"), |b| {
            let mut websocket = WebSocket::new(64 * 1024);
            let mut outbox = Outbox::default();
            b.iter(|| {
                let mut rest = black_box(frame.as_slice());
                let mut messages = 0;
                while !rest.is_empty() {
                    let taken = websocket.measure(rest).expect("a legal frame").taken;
                    let (slice, after) = rest.split_at(taken);
                    let read = websocket.read(slice, &mut outbox).expect("a legal frame");
                    messages += usize::from(read.is_some());
                    rest = after;
                }
                messages
            });
        });
    }
    group.finish();
}

fn validate(c: &mut Criterion) {
    let mut group = c.benchmark_group("validate");
    let bounds = Bounds::default();
    group.bench_function("send of wardroom.v1", |b| {
        b.iter(|| v1::parse(black_box(SEND), &bounds).is_ok());
    });
    group.bench_function("message of the tutorial", |b| {
        let said = r#"{"message": "How is the weather where you are?"}"#;
        b.iter(|| tutorial::parse(black_box(said), &bounds).is_ok());
    });
    group.bench_function("nonsense of 8 KiB", |b| {
        let nonsense = "[".repeat(8192);
        b.iter(|| v1::parse(black_box(&nonsense), &bounds).is_err());
    });
    let (authenticator, token) = authenticator();
    let now = Now {
        instant: Instant::ZERO,
        wall: Wall::from_millis(1_764_000_000_000),
    };
    group.bench_function("HS256 token", |b| {
        b.iter(|| {
            let credential = Credential {
                source: Source::Bearer,
                value: black_box(&token),
            };
            authenticator.authenticate(credential, now).is_ok()
        });
    });
    group.finish();
}

fn limit(c: &mut Criterion) {
    let mut group = c.benchmark_group("limit");
    let rate = Rate::new(1_000_000_000, Duration::from_secs(1));
    group.bench_function("token bucket", |b| {
        let mut bucket = TokenBucket::default();
        b.iter(|| bucket.take(black_box(1), rate, Instant::ZERO + Duration::from_secs(1)));
    });
    group.bench_function("prefix of a full table", |b| {
        let kept = Kept::of(&Limits::default());
        let mut table = PrefixTable::new(16_384, kept, Keyed::new(1, 2));
        let mut address = 0u32;
        b.iter(|| {
            address = address.wrapping_add(0x9E37_79B9);
            let key = table.find(IpAddr::V4(address.into()), Instant::ZERO);
            table.entry(key).handshakes.charge(1, rate, Instant::ZERO)
        });
    });
    group.finish();
}

fn encode(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode");
    let notice = Notice::Message(Message {
        room: "lobby",
        seq: 7,
        sender: Person {
            user: "alice",
            name: "Alice",
        },
        content: Content::Text("How is the weather where you are?"),
        timestamp: Wall::from_millis(1_764_000_000_123),
        edited: None,
    });
    group.bench_function("message to a frame", |b| {
        b.iter(|| text_frame(|out| black_box(&notice).write_v1(out)));
    });
    group.finish();
}

fn fan_out(c: &mut Criterion) {
    let mut group = c.benchmark_group("fan out");
    group.sample_size(20);
    for members in [10usize, 1000] {
        let mut world = World::new(busy_config());
        let ids: Vec<_> = (0..members)
            .map(|n| {
                world.join_v1(
                    &format!("user-{n}"),
                    &format!("10.0.{}.{}", n / 250, n % 250),
                )
            })
            .collect();
        let frame = text(SEND);
        group.throughput(Throughput::Elements(members as u64));
        group.bench_function(format!("one message to {members} members"), |b| {
            b.iter_batched(
                || (),
                |()| {
                    world.send(ids[0], &frame);
                    for id in &ids {
                        world.client(*id).forget_received();
                    }
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn busy_config() -> Config {
    let mut config = Config::default();
    let plenty = Rate::new(1_000_000_000_000, Duration::from_secs(1));
    let limits = &mut config.limits;
    for rate in [
        &mut limits.commands_per_user,
        &mut limits.messages_per_user,
        &mut limits.messages_per_connection,
        &mut limits.messages_per_address,
        &mut limits.bytes_per_connection,
        &mut limits.bytes_per_address,
        &mut limits.frames_per_connection,
        &mut limits.handshakes_per_address,
    ] {
        *rate = plenty;
    }
    config
}

fn authenticator() -> (TokenAuthenticator, String) {
    let secret = b"0123456789abcdef0123456789ABCDEF".to_vec();
    let claims = serde_json::json!({"sub": "alice", "name": "Alice", "exp": 1_764_003_600});
    let token = jsonwebtoken::encode(
        &jsonwebtoken::Header::default(),
        &claims,
        &jsonwebtoken::EncodingKey::from_secret(&secret),
    )
    .expect("claims serialise");
    let auth = Auth {
        keys: vec![KeySource {
            id: None,
            algorithms: vec!["HS256".to_owned()],
            material: KeyMaterial::Secret(secret),
            file: None,
            origin: "auth.key[0].secret_file".to_owned(),
        }],
        ..Auth::default()
    };
    let authenticator = TokenAuthenticator::new(&auth).expect("a good key");
    (authenticator, token)
}

criterion_group!(benches, parse, validate, limit, encode, fan_out);
criterion_main!(benches);
