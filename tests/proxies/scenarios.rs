//! What must hold behind every proxy.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use crate::client::{Client, Told, connect};
use crate::running::{Changes, Kind, NAME, Site};

type Scenario = fn(Kind);

pub const ALL: [(&str, Scenario); 6] = [
    (
        "two people chat over wss, and the log names their own addresses",
        chat,
    ),
    (
        "limits of an address act on the client's own and no field that it sends changes that",
        limits,
    ),
    (
        "pages of several clients share the proxy's connections and none is counted for another",
        pages,
    ),
    (
        "a silent connection outlives the proxy's timeout by the server's pings",
        silence,
    ),
    (
        "without the pings the proxy would have ended it",
        silence_without_pings,
    ),
    ("whoever comes without TLS is sent to https", redirect),
];

/// Why a scenario does not concern a proxy.
pub fn not_for(kind: Kind, scenario: Scenario) -> Option<&'static str> {
    let is = |other: Scenario| std::ptr::fn_addr_eq(scenario, other);
    match kind {
        Kind::Caddy if is(silence_without_pings) || is(redirect) => {
            Some("the file leaves that to Caddy, which has no such timeout and redirects by itself")
        }
        Kind::HaproxyPassthrough if is(redirect) => Some("tls.redirect_address is for that"),
        _ => None,
    }
}

fn chat(kind: Kind) {
    let site = Site::start(kind, Changes::default());
    let origin = format!("Origin: https://{NAME}\r\n");
    let (mut alice, status) = Client::open(&site, 2, &site.wardroom.token("alice"), &origin);
    assert_eq!(status, 101);
    site.wardroom
        .logged(&["signed_in", "address=127.0.0.2 ", "alice"]);
    let (mut bob, status) = Client::open(&site, 3, &site.wardroom.token("bob"), &origin);
    assert_eq!(status, 101);
    site.wardroom
        .logged(&["signed_in", "address=127.0.0.3 ", "bob"]);
    alice.say("over wss");
    bob.hear("over wss");
    bob.say("and back");
    alice.hear("and back");
    let elsewhere = format!("Origin: http://{NAME}\r\n");
    let (_, status) = Client::open(&site, 4, &site.wardroom.token("carol"), &elsewhere);
    assert_eq!(
        status, 403,
        "a page that came without TLS is of another origin"
    );
    site.wardroom.logged(&["address=127.0.0.4 ", "origin"]);
    if kind == Kind::Nginx {
        let mut client = Client::connect(&site, 2);
        assert_eq!(client.get("/healthz?token=hunter2", "").0, 200);
        let log = site.logged_by_proxy("/healthz");
        assert!(
            log.contains("127.0.0.2") && !log.contains("hunter2"),
            "{log}"
        );
    }
}

fn limits(kind: Kind) {
    let settings = "[limits]\nconnections_per_address = 2\n";
    let site = Site::start(
        kind,
        Changes {
            settings,
            ..Changes::default()
        },
    );
    let forged = |n: u8| {
        format!(
            "X-Forwarded-For: 6.6.6.{n}\r\nX-Forwarded-For: 6.6.6.{n}, 127.0.0.1\r\nForwarded: for=6.6.6.{n}\r\n\
             X-Real-IP: 6.6.6.{n}\r\n"
        )
    };
    let mut inside = Vec::new();
    for host in [2, 3] {
        for n in 0..4 {
            let user = format!("user-{host}-{n}");
            let (mut client, status) =
                Client::open(&site, host, &site.wardroom.token(&user), &forged(n));
            assert_eq!(status, 101);
            let expected = n < 2;
            let told = client.told();
            match told {
                Told::Message(_) if expected => inside.push(client),
                Told::Close(1008, reason) if !expected => {
                    assert_eq!(reason, "too many connections from this address");
                }
                other => panic!("connection {n} of 127.0.0.{host}: {other:?}"),
            }
        }
    }
    for client in &mut inside {
        client.say("still here");
        client.hear("still here");
    }
}

fn pages(kind: Kind) {
    let settings = "[limits]\nplain_per_address = 1\nhandshakes_per_address = { burst = 1000, per = \"1s\" }\n";
    let site = Site::start(
        kind,
        Changes {
            settings,
            ..Changes::default()
        },
    );
    let connect = || [2, 3, 4].map(|host| Client::connect(&site, host));
    let mut clients = connect();
    for round in 0..5 {
        // What HAProxy has announced is that client's for good, and goes with them: in the next round it may still be there.
        if round > 0 && !kind.announces() {
            clients = connect();
        }
        for client in &mut clients {
            assert_eq!(client.get("/healthz", ""), (200, "ok\n".to_owned()));
            let (status, page) = client.get("/", "");
            assert!(status == 200 && page.contains("<html"), "{status}");
        }
    }
}

/// The server pings after two seconds, and the proxy waits for five: as 30 s to 75 s, which the files say.
const SILENCE: Changes<'static> = Changes {
    settings: "[deadlines]\nping = \"2s\"\n",
    silence: Some("5s"),
};
/// More than twice the proxy's patience.
const SILENT: Duration = Duration::from_secs(11);

fn silence(kind: Kind) {
    let site = Site::start(kind, SILENCE);
    let (mut alice, status) = Client::open(&site, 2, &site.wardroom.token("alice"), "");
    assert_eq!(status, 101);
    let begun = Instant::now();
    let mut pings = 0;
    while begun.elapsed() < SILENT {
        match alice.told() {
            Told::Ping => pings += 1,
            Told::Message(_) => {}
            ended => panic!("after {:?} and {pings} pings: {ended:?}", begun.elapsed()),
        }
    }
    assert!(pings >= 4, "{pings}");
    alice.say("still here");
    alice.hear("still here");
}

fn silence_without_pings(kind: Kind) {
    let settings = "[deadlines]\nping = \"10m\"\n";
    let site = Site::start(
        kind,
        Changes {
            settings,
            ..SILENCE
        },
    );
    let (mut alice, status) = Client::open(&site, 2, &site.wardroom.token("alice"), "");
    assert_eq!(status, 101);
    let begun = Instant::now();
    while let Told::Message(_) = alice.told() {}
    let waited = begun.elapsed();
    assert!(
        (Duration::from_secs(4)..SILENT).contains(&waited),
        "{waited:?}"
    );
}

fn redirect(kind: Kind) {
    let site = Site::start(kind, Changes::default());
    let plain = site.plain_address.expect("a listener without TLS");
    let mut stream = connect(plain, 2);
    let request = format!("GET /x HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .expect("the proxy reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 301 "), "{answer}");
    let lower = answer.to_lowercase();
    assert!(
        lower.contains(&format!("location: https://{NAME}/x")),
        "{answer}"
    );
}
