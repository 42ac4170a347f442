//! What is asked of the store: the same again and again, so that the twin in memory knows what must be there.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use wardroom::protocol::vocabulary::{Affiliation, RoomKind};
use wardroom::rooms::audit::Entry;
use wardroom::rooms::moderation::Action;
use wardroom::rooms::record::{
    Change, Deleter, Floor, From, Head, MessageChange, NewMessage, RoomQuestion, RoomRecord,
};
use wardroom::rooms::settings::Settings;
use wardroom::rooms::standing::{Authority, Sanction, Standing};
use wardroom::store::{Company, Memory, Question, Sqlite, Store};
use wardroom::time::Wall;

use wardroom_disk::Dice;

const ROOMS: [&str; 3] = ["a", "b", "c"];
const USERS: [&str; 3] = ["ann", "bob", "eve"];

/// Batches of questions, one after the other.
pub struct Load {
    dice: Dice,
    said: u64,
}

impl Load {
    pub fn new() -> Self {
        Load {
            dice: Dice::new(7),
            said: 0,
        }
    }

    /// Asks a new store in this directory, and says after each batch that it was answered.
    pub fn run(mut self, directory: &Path, batches: usize) {
        let mut store = Sqlite::open(directory, Company::Alone).expect("a store");
        let path = directory.join(crate::record::ACKNOWLEDGED);
        let mut acknowledged = File::create(path).expect("a file");
        for _ in 0..batches {
            let answers = store.answer(self.next_batch());
            let failed = |answer: &&wardroom::store::Answer| {
                matches!(answer, wardroom::store::Answer::Failed(_))
            };
            assert!(answers.iter().find(failed).is_none(), "{answers:?}");
            acknowledged.write_all(b".").expect("it is written");
            store.tidy().expect("it is tidied");
        }
    }

    fn next_batch(&mut self) -> Vec<Question> {
        let mut batch: Vec<Question> = Vec::new();
        if self.said == 0 {
            batch.extend(ROOMS.map(|room| Question::Room(create(room))));
        }
        let more = 1 + self.dice.below(12);
        batch.extend((0..more).map(|_| Question::Room(self.next_question())));
        batch
    }

    fn next_question(&mut self) -> RoomQuestion {
        let room = ROOMS[self.dice.below(ROOMS.len())];
        let user = USERS[self.dice.below(USERS.len())];
        let seq = self.dice.below(200) as u64;
        match self.dice.below(40) {
            0 => change(room, None, true, Some(Action::Delete)),
            1 | 2 => create(room),
            3 => RoomQuestion::Trim {
                room: room.into(),
                floor: Floor {
                    first_seq: seq,
                    since: None,
                },
                messages_max: 5,
            },
            4 => RoomQuestion::Read {
                room: room.into(),
                user: user.into(),
                seq,
            },
            5 => {
                let (author, text) = (user.into(), "edited".into());
                change(
                    room,
                    Some(MessageChange::Edit { seq, author, text }),
                    false,
                    None,
                )
            }
            6 => {
                let by = Deleter::Moderator { spared: Vec::new() };
                let delete = MessageChange::Delete { seq, by };
                change(room, Some(delete), false, Some(Action::DeleteMessage))
            }
            7 => {
                let purge = MessageChange::DeleteAllOf {
                    user: user.into(),
                    messages_max: 3,
                    is_rest: false,
                };
                change(room, Some(purge), false, Some(Action::Purge))
            }
            8..=11 => ban(room, user),
            _ => self.say(room, user),
        }
    }

    fn say(&mut self, room: &str, user: &str) -> RoomQuestion {
        self.said += 1;
        let length = self.dice.below(400);
        let key = (self.dice.below(2) == 0).then(|| format!("key {}", self.said).into());
        RoomQuestion::Append(Arc::new(NewMessage {
            room: room.into(),
            sender: user.into(),
            name: user.into(),
            text: format!("{} {}", self.said, "x".repeat(length)).into(),
            at: Wall::from_millis(1_764_000_000_000 + self.said),
            key,
        }))
    }
}

fn create(room: &str) -> RoomQuestion {
    let record = RoomRecord {
        id: room.into(),
        settings: Settings::new(RoomKind::Members, true),
        created_by: "ann".into(),
        created: Wall::from_millis(5),
        last_seq: 0,
        first_seq: 1,
        audit: Head::default(),
        standings: Vec::new(),
    };
    let entry = Entry::of_server(Action::Create, Wall::from_millis(5));
    RoomQuestion::Create(Box::new(record), Box::new(entry))
}

fn nothing(room: &str) -> Change {
    Change {
        room: room.into(),
        at: Wall::from_millis(6),
        settings: None,
        standings: Vec::new(),
        messages: None,
        is_deletion: false,
        floor: Floor::default(),
        entry: None,
    }
}

fn change(
    room: &str,
    messages: Option<MessageChange>,
    is_deletion: bool,
    action: Option<Action>,
) -> RoomQuestion {
    RoomQuestion::Change(Box::new(Change {
        messages,
        is_deletion,
        entry: action.map(|action| Entry::of_server(action, Wall::from_millis(6))),
        ..nothing(room)
    }))
}

fn ban(room: &str, user: &str) -> RoomQuestion {
    let standing = Standing {
        held: Affiliation::Member,
        ban: Some(Sanction {
            until: None,
            reason: "spam".into(),
            by: "ann".into(),
            authority: Authority::Room,
        }),
        ..Standing::default()
    };
    RoomQuestion::Change(Box::new(Change {
        standings: vec![(user.into(), standing)],
        entry: Some(Entry::of_server(Action::Ban, Wall::from_millis(6))),
        ..nothing(room)
    }))
}

/// Everything that a store holds of these rooms.
pub fn dump(store: &mut dyn Store) -> String {
    let rooms = store.load_rooms().expect("rooms");
    let all = ROOMS.into_iter().flat_map(|room| {
        [
            RoomQuestion::Page {
                room: room.into(),
                from: From::After(0),
                floor: Floor::default(),
                messages_max: usize::MAX,
                bytes_max: usize::MAX,
            },
            RoomQuestion::Log {
                room: room.into(),
                from: From::After(0),
                entries_max: usize::MAX,
            },
        ]
    });
    let answers = store.answer(all.map(Question::Room).collect());
    format!("{rooms:?}\n{answers:?}")
}

/// What the store must hold after each batch.
pub struct Model {
    states: Vec<String>,
}

impl Model {
    pub fn new(batches: usize) -> Self {
        let (mut load, mut memory) = (Load::new(), Memory::default());
        let mut states = vec![dump(&mut memory)];
        for _ in 0..batches {
            memory.answer(load.next_batch());
            states.push(dump(&mut memory));
        }
        Model { states }
    }

    pub fn after(&self, batches: usize) -> &str {
        &self.states[batches]
    }
}
