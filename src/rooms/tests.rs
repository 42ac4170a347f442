use super::*;
use crate::id::UserKey;

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
    assert!(!room.rise(ALICE, connection(2), second.place).is_last);
    assert!(room.rise(ALICE, connection(1), 0).is_last);
    assert_eq!(room.members().len(), 0);
    assert!(room.audience().is_empty());
}

#[test]
fn who_is_moved_into_a_gap_is_told_of() {
    let mut rooms = rooms();
    let lobby = rooms.lobby();
    let room = rooms.room_mut(lobby);
    room.sit(ALICE, connection(1));
    room.sit(BOB, connection(2));
    let left = room.rise(ALICE, connection(1), 0);
    let moved = Moved {
        connection: connection(2),
        place: 0,
    };
    assert_eq!(left.moved, Some(moved));
    assert_eq!(room.rise(BOB, connection(2), 0).moved, None);
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
