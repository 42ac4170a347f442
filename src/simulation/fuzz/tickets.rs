//! Tickets given and shown in the order that the input says, held against a list of them.

use std::time::Duration;

use crate::access::ticket::{TicketError, Tickets};
use crate::access::{AuthError, Identity};
use crate::config::TicketSettings;
use crate::hash::Keyed;
use crate::simulation::reference::tickets::{self, Fault, Ticket};
use crate::time::{Instant, Now, Wall};

const LIFETIME_MS: u64 = 1000;
const TICKETS_MAX: usize = 4;
const PER_USER_MAX: usize = 2;
const USERS: [&str; 3] = ["alice", "bob", "carol"];
const ORIGINS: [Option<&str>; 4] = [
    None,
    Some("https://a.example"),
    Some("https://a.example:444"),
    Some("null"),
];

/// Each four bytes are a step: time that passes, and a ticket that is given or shown.
pub(super) fn follow(input: &[u8]) {
    let settings = TicketSettings {
        lifetime: Duration::from_millis(LIFETIME_MS),
        tickets_max: TICKETS_MAX,
        tickets_per_user_max: PER_USER_MAX,
    };
    let mut found = Tickets::new(settings, Keyed::new(1, 2));
    let mut model = tickets::Tickets {
        list: Vec::new(),
        tickets_max: TICKETS_MAX,
        per_user_max: PER_USER_MAX,
    };
    let mut texts = Vec::new();
    let mut now_ms = 0;
    for step in input.chunks_exact(4) {
        let [pause, what, value, change] = *step else {
            break;
        };
        now_ms += u64::from(pause) * 10;
        let now = Now {
            instant: Instant::ZERO + Duration::from_millis(now_ms),
            wall: Wall::from_millis(now_ms),
        };
        let origin = ORIGINS[usize::from(what / 2) % ORIGINS.len()];
        if what % 2 == 0 {
            let ticket = Ticket {
                value: [value % 16; 32],
                user: USERS[usize::from(value / 16) % USERS.len()].to_owned(),
                origin: origin.map(str::to_owned),
                expires_ms: now_ms + LIFETIME_MS,
                user_expires_ms: now_ms + u64::from(change) * 10,
            };
            texts.extend(give(&mut found, &mut model, ticket, now));
        } else {
            let given = texts.get(usize::from(value) % texts.len().max(1));
            let text = altered(given.map_or("", String::as_str), change);
            let expected = model.redeem(&text, origin, now_ms);
            let identity = found.redeem(&text, origin, now);
            let user = identity.map(|identity| identity.user.to_string());
            assert_eq!(user.map_err(refused), expected, "{text:?} at {now_ms}");
        }
        assert_eq!(found.len(), model.list.len(), "at {now_ms}");
        assert_eq!(found.is_empty(), model.list.is_empty());
    }
}

fn give(
    found: &mut Tickets,
    model: &mut tickets::Tickets,
    ticket: Ticket,
    now: Now,
) -> Option<String> {
    let expires = Wall::from_millis(ticket.user_expires_ms);
    let identity = Identity::new(&ticket.user, "", Some(expires)).expect("a user");
    let origin = ticket.origin.as_deref().map(Into::into);
    let minted = found.mint(identity, origin, now, ticket.value);
    let minted = minted.map_err(|error| match error {
        TicketError::Full { max, retry_after } => {
            let mut ends = model.list.iter().map(|ticket| ticket.expires_ms);
            let free_at = ends.find(|end| *end > now.wall.as_millis());
            let wait = free_at.map(|at| Duration::from_millis(at - now.wall.as_millis()));
            assert_eq!((max, Some(retry_after)), (TICKETS_MAX, wait));
            Fault::Full
        }
        TicketError::UserFull { max, .. } => {
            assert_eq!(max, PER_USER_MAX);
            Fault::UserFull
        }
        TicketError::ValueTaken => Fault::Taken,
    });
    assert_eq!(minted, model.mint(ticket, now.wall.as_millis()));
    minted.ok()
}

/// The text as it is, for most changes; else with something put on, taken off or put in another's place.
fn altered(text: &str, change: u8) -> String {
    let mut text = text.to_owned();
    match change {
        0..192 => {}
        192..200 => text.push('='),
        200..208 => drop(text.pop()),
        208..216 => text.insert(0, 'A'),
        216..224 => text = text.to_ascii_lowercase(),
        other => {
            let last = text.pop();
            text.extend(last.map(|_| char::from(other - 224 + b'A')));
        }
    }
    text
}

fn refused(error: AuthError) -> Fault {
    match error {
        AuthError::Invalid => Fault::Bad,
        AuthError::Expired => Fault::Expired,
        AuthError::Missing | AuthError::Revoked => panic!("a ticket is never {error:?}"),
    }
}
