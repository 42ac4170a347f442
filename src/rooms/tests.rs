use proptest::prelude::*;

use super::*;
use crate::id::{ConnectionId, UserKey};
use crate::protocol::vocabulary::Affiliation;
use crate::rooms::record::Head;
use crate::rooms::standing::{Authority, Sanction};

const ALICE: UserKey = UserKey(1);
const BOB: UserKey = UserKey(2);

fn connection(slot: u32) -> ConnectionId {
    ConnectionId {
        slot,
        generation: 0,
    }
}

fn configured(name: &str) -> Configured<'_> {
    Configured {
        name,
        is_durable: false,
    }
}

fn rooms() -> Rooms {
    let public = ["general", "lobby"].map(configured);
    Rooms::new(configured("lobby"), public, Keyed::new(1, 2))
}

#[test]
fn the_lobby_and_the_named_rooms_exist_once() {
    let rooms = rooms();
    let names: Vec<_> = rooms.iter().map(Room::name).collect();
    assert_eq!(names, ["lobby", "general"]);
    assert_eq!(rooms.find("lobby"), Some(rooms.lobby()));
    assert_eq!(rooms.find("Lobby"), None);
}

#[test]
fn a_second_tab_is_a_second_seat_and_not_a_second_member() {
    let mut rooms = rooms();
    let lobby = rooms.lobby();
    let room = rooms.room_mut(lobby);
    assert!(room.sit(ALICE, connection(1)).is_first);
    let second = room.sit(ALICE, connection(2));
    assert!(!second.is_first);
    assert_eq!(room.members().len(), 1);
    assert!(!room.rise(ALICE, connection(2), second.place));
    assert!(room.rise(ALICE, connection(1), 0));
    assert_eq!(room.members().len(), 0);
    assert!(room.audience().len() == 0);
}

#[test]
fn whoever_came_first_is_told_first_whoever_has_gone_since() {
    let mut rooms = rooms();
    let lobby = rooms.lobby();
    let room = rooms.room_mut(lobby);
    let [first, _, third] = [1, 2, 3].map(|slot| room.sit(ALICE, connection(slot)));
    room.rise(ALICE, connection(1), first.place);
    room.sit(BOB, connection(1));
    room.rise(ALICE, connection(3), third.place);
    room.sit(BOB, connection(4));
    let audience = room.audience().map(|connection| connection.slot);
    assert_eq!(audience.collect::<Vec<_>>(), [2, 1, 4]);
}

#[test]
fn numbers_have_no_hole_and_no_repeat() {
    let mut rooms = rooms();
    let lobby = rooms.lobby();
    let numbers: Vec<_> = (0..3)
        .map(|_| rooms.room_mut(lobby).next_sequence())
        .collect();
    assert_eq!(numbers, [1, 2, 3]);
}

const NAMES: [&str; 4] = ["lobby", "general", "den", "team"];
const NOW: Wall = Wall::from_millis(1_764_000_000_000);

/// Something that happens to standings. Numbers choose among what there is.
#[derive(Debug, Clone)]
enum Step {
    Stand(usize, Vec<(Arc<str>, Standing)>),
    Read(usize, Arc<str>),
    Remember(usize, Vec<(Arc<str>, Standing)>),
    Forget(usize),
    Open(usize),
}

fn person() -> impl Strategy<Value = Arc<str>> {
    prop::sample::select(&["al", "bob", "caroline", "d"][..]).prop_map(Arc::from)
}

fn sanction() -> impl Strategy<Value = Sanction> {
    (0usize..40, any::<bool>()).prop_map(|(letters, is_over)| Sanction {
        until: is_over.then_some(NOW),
        reason: "x".repeat(letters).into(),
        by: "olga".into(),
        authority: Authority::Room,
    })
}

fn standing() -> impl Strategy<Value = Standing> {
    let held = prop::sample::select(&[Affiliation::None, Affiliation::Member][..]);
    let sanctions = || prop::option::of(sanction());
    (held, sanctions(), sanctions(), any::<bool>(), 0u64..2).prop_map(
        |(held, ban, mute, is_invited, read)| Standing {
            held,
            ban,
            mute,
            is_invited,
            knocked: None,
            read,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let room = || 0..NAMES.len();
    let people = || prop::collection::vec((person(), standing()), 0..4);
    prop_oneof![
        4 => (room(), people()).prop_map(|(room, people)| Step::Stand(room, people)),
        2 => (room(), person()).prop_map(|(room, user)| Step::Read(room, user)),
        2 => (room(), people()).prop_map(|(room, people)| Step::Remember(room, people)),
        1 => room().prop_map(Step::Forget),
        1 => room().prop_map(Step::Open),
    ]
}

fn record(name: &str, standings: Vec<(Arc<str>, Standing)>) -> RoomRecord {
    RoomRecord {
        id: name.into(),
        settings: Settings::new(RoomKind::Public, false),
        created_by: "".into(),
        created: NOW,
        last_seq: 0,
        first_seq: 1,
        audit: Head::default(),
        standings,
    }
}

fn take(rooms: &mut Rooms, step: Step) {
    let find = |rooms: &Rooms, room: usize| rooms.find(NAMES[room]);
    match step {
        Step::Stand(room, people) => {
            if let Some(key) = find(rooms, room) {
                rooms.stand(key, &people, NOW);
            }
        }
        Step::Read(room, user) => {
            if let Some(key) = find(rooms, room) {
                rooms.read(key, &user, 7);
            }
        }
        Step::Remember(room, people) => {
            rooms.remember(&record(NAMES[room], people));
        }
        Step::Forget(room) => {
            if let Some(key) = find(rooms, room) {
                rooms.forget(key);
            }
        }
        Step::Open(room) => rooms.open_only([configured(NAMES[room])]),
    }
}

proptest! {
    #[test]
    fn what_standings_take_is_the_sum_over_all_rooms_whatever_became_of_people_and_rooms(
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut rooms = rooms();
        for step in steps {
            take(&mut rooms, step);
            let standings = rooms.iter().map(|room| &room.lasting.standings);
            prop_assert_eq!(rooms.standing_bytes(), standings.map(Standings::bytes_counted).sum::<usize>());
        }
        rooms.open_only([]);
        for name in NAMES {
            if let Some(key) = rooms.find(name) {
                rooms.forget(key);
            }
        }
        let lobby = &rooms.room(rooms.lobby()).lasting.standings;
        prop_assert_eq!(rooms.standing_bytes(), lobby.bytes(), "rooms that are gone take nothing");
    }
}
