//! Tables that keep what people did when they have gone.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use wardroom::access::hook::Question;
use wardroom::access::hook::cache::Cache;
use wardroom::access::hook::question::QuestionKey;
use wardroom::access::revocation::{Revocation, Revocations, Subject};
use wardroom::access::ticket::Tickets;
use wardroom::access::{Identity, Source};
use wardroom::config::TicketSettings;
use wardroom::hash::Keyed;
use wardroom::protocol::vocabulary::RoomKind;
use wardroom::rooms::record::{Head, RoomRecord};
use wardroom::rooms::settings::Settings;
use wardroom::rooms::standing::{Authority, Sanction, Standing};
use wardroom::rooms::{Configured, Rooms};
use wardroom::time::{Instant, Now, Wall};

const HASH: Keyed = Keyed::new(1, 2);
const HOUR: Duration = Duration::from_secs(3600);

fn now() -> Now {
    Now {
        instant: Instant::ZERO,
        wall: Wall::from_millis(1_764_000_000_000),
    }
}

fn user(number: usize) -> Arc<str> {
    format!("somebody-{number:06}").into()
}

fn identity(number: usize) -> Identity {
    let user = user(number);
    Identity::new(&user, &user, None).expect("a good name")
}

/// One room.
pub fn rooms() -> Rooms {
    let lobby = Configured {
        name: "lobby",
        is_durable: false,
    };
    Rooms::new(lobby, [], HASH)
}

fn standing(is_banned: bool) -> Standing {
    let ban = || Sanction {
        until: None,
        reason: "noise, and more of it every day".into(),
        by: "a-moderator".into(),
        authority: Authority::Room,
    };
    Standing {
        ban: is_banned.then(ban),
        read: 1,
        ..Standing::default()
    }
}

/// So many people, one after the other, in the order of their ids.
pub fn standings(rooms: &mut Rooms, count: usize, is_banned: bool) {
    for n in 0..count {
        let stands = (user(n), standing(is_banned));
        rooms.stand(rooms.lobby(), [&stands], now().wall);
    }
}

/// A room with so many people, as the store gives it.
pub fn record(count: usize) -> RoomRecord {
    RoomRecord {
        id: "lobby".into(),
        settings: Settings::new(RoomKind::Public, false),
        created_by: "".into(),
        created: now().wall,
        last_seq: 1,
        first_seq: 1,
        audit: Head::default(),
        standings: (0..count).map(|n| (user(n), standing(false))).collect(),
    }
}

pub fn cache() -> Cache {
    Cache::new(HASH)
}

fn key(kind: &str, number: usize) -> QuestionKey {
    let question = Question {
        source: Source::Bearer,
        credential: format!("{kind}-{number}").into(),
        origin: None,
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        path: "/ws/chat".into(),
    };
    question.key()
}

/// So many people whom the hook knows.
pub fn known(cache: &mut Cache, count: usize) {
    for n in 0..count {
        cache.remember_known(key("known", n), identity(n), HOUR, count, now().instant);
    }
}

/// So many credentials that it refused.
pub fn refused(cache: &mut Cache, count: usize) {
    for n in 0..count {
        cache.remember_refused(key("refused", n), HOUR, count, now().instant);
    }
}

/// So many tokens taken back.
pub fn revocations(count: usize) -> Revocations {
    let mut revocations = Revocations::new(HASH);
    for n in 0..count {
        let revocation = Revocation {
            subject: Subject::Token(format!("7d0c1e52-90a4-4c1b-8f6e-{n:012}").into()),
            at: now().wall,
            until: now().wall.after(HOUR),
        };
        revocations.insert(revocation, now().wall);
    }
    revocations
}

/// So many tickets, each somebody else's.
pub fn tickets(count: usize) -> Tickets {
    let settings = TicketSettings {
        tickets_max: count,
        ..TicketSettings::default()
    };
    let mut tickets = Tickets::new(settings, HASH);
    for n in 0..count {
        let mut value = [0; 32];
        value[..8].copy_from_slice(&n.to_le_bytes());
        let origin = Some("https://chat.example.org".into());
        let minted = tickets.mint(identity(n), origin, now(), value);
        minted.expect("room");
    }
    tickets
}
