//! Questions about rooms, and a store full of them.

use std::ops::Range;
use std::sync::Arc;

use wardroom::protocol::vocabulary::{Affiliation, RoomKind};
use wardroom::rooms::audit::Entry;
use wardroom::rooms::moderation::Action;
use wardroom::rooms::record::{
    Change, Floor, From, Head, MessageChange, NewMessage, RoomQuestion, RoomRecord,
};
use wardroom::rooms::settings::Settings;
use wardroom::rooms::standing::{Authority, Sanction, Standing};
use wardroom::store::{Question, Sqlite, Store as _};
use wardroom::time::Wall;

pub const ROOMS: usize = 10_000;
const PEOPLE_OF_A_ROOM: usize = 10;
/// The room with half of all messages.
pub const BUSY: &str = "room-0";
/// Answered together while a store is filled.
const BATCH: usize = 4096;

fn now() -> Wall {
    Wall::from_millis(1_764_000_000_000)
}

pub fn create(room: &str, people: Range<usize>) -> RoomQuestion {
    let member = Standing {
        held: Affiliation::Member,
        ..Standing::default()
    };
    let standings = people.map(|user| (format!("user-{user}").into(), member.clone()));
    let record = RoomRecord {
        id: room.into(),
        settings: Settings::new(RoomKind::Members, true),
        created_by: "user-0".into(),
        created: now(),
        last_seq: 0,
        first_seq: 1,
        audit: Head::default(),
        standings: standings.collect(),
    };
    let entry = Entry::of_server(Action::Create, now());
    RoomQuestion::Create(Box::new(record), Box::new(entry))
}

pub fn say(room: &str) -> RoomQuestion {
    RoomQuestion::Append(Arc::new(NewMessage {
        room: room.into(),
        sender: "user-1".into(),
        name: "Somebody".into(),
        text: "x".repeat(100).into(),
        at: now(),
        key: None,
    }))
}

pub fn page(from: From) -> RoomQuestion {
    RoomQuestion::Page {
        room: BUSY.into(),
        from,
        floor: Floor::default(),
        messages_max: 100,
        bytes_max: 64 * 1024,
    }
}

pub fn trim(first_seq: u64) -> RoomQuestion {
    RoomQuestion::Trim {
        room: BUSY.into(),
        floor: Floor {
            first_seq,
            since: None,
        },
        messages_max: 500,
    }
}

fn change() -> Change {
    Change {
        room: BUSY.into(),
        at: now(),
        settings: None,
        standings: Vec::new(),
        messages: None,
        is_deletion: false,
        floor: Floor::default(),
        entry: Some(Entry::of_server(Action::Ban, now())),
    }
}

pub fn ban() -> RoomQuestion {
    let ban = Sanction {
        until: None,
        reason: "spam".into(),
        by: "user-0".into(),
        authority: Authority::Room,
    };
    let standing = Standing {
        ban: Some(ban),
        ..Standing::default()
    };
    RoomQuestion::Change(Box::new(Change {
        standings: vec![("user-2".into(), standing)],
        ..change()
    }))
}

/// Ten messages of this user.
pub fn purge(user: &str) -> RoomQuestion {
    RoomQuestion::Change(Box::new(Change {
        messages: Some(MessageChange::DeleteAllOf {
            user: user.into(),
            messages_max: 10,
            is_rest: false,
        }),
        ..change()
    }))
}

/// Ten thousand rooms with their people, and so many messages, half of them in one room.
pub fn fill(store: &mut Sqlite, messages: u64) -> Result<(), Box<dyn std::error::Error>> {
    let rooms = (0..ROOMS).map(|room| create(&format!("room-{room}"), 0..PEOPLE_OF_A_ROOM));
    let said = (0..messages).map(|number| match number % 2 {
        0 => say(BUSY),
        _ => say(&format!("room-{}", 1 + number as usize / 2 % (ROOMS - 1))),
    });
    put(store, rooms.chain(said))
}

/// Has the store answer all of these questions, none of which may fail.
pub fn put(
    store: &mut Sqlite,
    questions: impl Iterator<Item = RoomQuestion>,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut questions = questions.map(Question::Room).peekable();
    while questions.peek().is_some() {
        let answers = store.answer(questions.by_ref().take(BATCH).collect());
        if let Some(wardroom::store::Answer::Failed(fault)) = answers.last() {
            return Err(fault.to_string().into());
        }
    }
    Ok(())
}
