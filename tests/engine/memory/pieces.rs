//! However much memory has to be given back, nobody waits for all who go.

use wardroom::simulation::{World, masked, text};

use super::{config, drawn, shed};
use crate::rooms::join;
use crate::{millis, seconds};

#[test]
fn those_who_sit_in_many_rooms_go_a_few_at_a_time_and_as_many_as_must_within_a_tenth_of_a_second() {
    const MANY: usize = 100;
    let rooms: Vec<String> = (0..31).map(|n| format!("room-{n}")).collect();
    let mut all = config();
    all.rooms.public = rooms.clone();
    let mut world = World::new(all.clone());
    let mut people = Vec::new();
    for n in 0..MANY {
        let id = world.join_v1(&format!("user-{n}"), "10.0.0.1");
        for room in &rooms {
            world.send(id, &text(&join(room).to_string()));
        }
        people.push(id);
    }
    // A minute in which they answer pings and say nothing.
    for _ in 0..3 {
        world.advance(seconds(29));
        for id in &people {
            world.send(*id, &masked(0x8A, b""));
        }
    }
    let seats = world.census().seats;
    assert_eq!(seats, 32 * MANY);
    all.memory = drawn(&world) / 3 * 4 / 4;
    world.reconfigure(all);
    world.turn();
    let at_once = seats - world.census().seats;
    assert!(
        (1..=4 * 96 + 33).contains(&at_once),
        "{at_once} seats in a turn"
    );
    world.advance(millis(100));
    let gone = shed(&world)[2];
    assert!(gone >= 45, "{gone} have gone");
}
