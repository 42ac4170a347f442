//! Tables become smaller when a crowd has gone, and whoever stays notices nothing of it.

use serde_json::json;
use wardroom::config::Rate;
use wardroom::engine::Census;
use wardroom::id::ConnectionId;
use wardroom::simulation::World;

use crate::rooms::{heard, told};
use crate::{roomy, seconds};

const CROWD: usize = 200;

/// So many people, each from an address of their own.
fn crowd(world: &mut World, count: usize, network: u8) -> Vec<ConnectionId> {
    let join = |n: usize| {
        let peer = format!("10.{network}.{}.1", n % 256);
        world.join_v1(&format!("guest-{network}-{n}"), &peer)
    };
    (0..count).map(join).collect()
}

fn part(world: &mut World, crowd: Vec<ConnectionId>) {
    for id in crowd {
        world.hang_up(id);
    }
}

/// Lets so many seconds pass while everybody shows signs of life; whether tables became smaller.
fn pass(world: &mut World, time: u64, people: &[ConnectionId]) -> bool {
    let before = world.shrunk();
    for _ in 0..time {
        for id in people {
            world.send(*id, &wardroom::simulation::masked(0x8A, b""));
        }
        world.advance(seconds(1));
    }
    world.shrunk() > before
}

/// Everybody says something, and everybody hears all of it, in one order without a hole.
fn talk(world: &mut World, people: &[ConnectionId], topic: &str) {
    for id in people {
        told(world, *id);
    }
    for (n, id) in people.iter().enumerate() {
        let send = json!({"type": "send", "room": "lobby", "message": format!("{topic} {n}")});
        world.say(*id, &send.to_string());
    }
    for id in people {
        let heard = heard(world, *id);
        let words: Vec<String> = (0..people.len()).map(|n| format!("{topic} {n}")).collect();
        let texts: Vec<&String> = heard.iter().map(|(_, text)| text).collect();
        assert_eq!(texts, words.iter().collect::<Vec<_>>());
        let first = heard[0].0;
        let numbers = heard.iter().map(|(seq, _)| *seq);
        assert!(numbers.eq(first..first + people.len() as u64));
    }
}

#[test]
fn after_a_crowd_tables_become_smaller_and_those_who_stay_and_come_talk_on() {
    let mut world = World::new(roomy());
    let mut people = vec![world.join_v1("first", "10.0.0.1")];
    let mut guests = crowd(&mut world, CROWD / 2, 1);
    people.push(world.join_v1("middle", "10.0.0.2"));
    guests.extend(crowd(&mut world, CROWD / 2, 2));
    people.push(world.join_v1("last", "10.0.0.3"));
    assert!(!pass(&mut world, 5, &people), "nobody has gone yet");
    talk(&mut world, &people, "among many");
    part(&mut world, guests);
    assert!(pass(&mut world, 12, &people), "much is free");
    talk(&mut world, &people, "among ourselves");

    // The one in the highest place goes too: now the table itself can lose its end.
    world.hang_up(people.remove(2));
    let guests = crowd(&mut world, CROWD, 3);
    part(&mut world, guests);
    assert!(pass(&mut world, 12, &people), "and again");
    talk(&mut world, &people, "we two");
    let guests = crowd(&mut world, CROWD, 4);
    people.push(world.join_v1("new", "10.0.0.4"));
    talk(&mut world, &people, "with a new one");
    assert_eq!(world.census().user_connections, CROWD + 3);
    assert_eq!(world.census().prefix_connections, (0, CROWD as u64 + 3));
    part(&mut world, guests);
    assert!(pass(&mut world, 12, &people), "once more");
    talk(&mut world, &people, "at last");

    let mut calm = World::new(roomy());
    let mut same = vec![calm.join_v1("first", "10.0.0.1")];
    same.push(calm.join_v1("middle", "10.0.0.2"));
    same.push(calm.join_v1("new", "10.0.0.4"));
    pass(&mut calm, 2, &same);
    assert_eq!(world.census(), calm.census(), "as if nobody else had come");
    part(&mut world, people);
    world.advance(seconds(60));
    assert_eq!(world.census(), Census::default());
    assert_eq!(super::drawn(&world), super::drawn(&World::new(roomy())));
}

#[test]
fn what_is_free_is_given_back_while_those_who_have_gone_are_forgotten_and_not_for_ever() {
    // After one second, four times every two and a half, and as long as somebody more is forgotten.
    let prompt = [1, 4, 6, 9, 11];
    assert_eq!(given_back_after(&mut crowded(|_| 1)), prompt);
    let owing = given_back_after(&mut crowded(|n| 1 + n % 40));
    assert_eq!(owing[..5], prompt);
    let last = owing.last().copied();
    assert!((40..45).contains(&last.unwrap_or_default()), "{owing:?}");
}

/// A crowd that has just gone, each of whom has asked so often.
fn crowded(asked: fn(usize) -> usize) -> World {
    let mut config = roomy();
    config.limits.commands_per_user = Rate::new(60, seconds(60));
    let mut world = World::new(config);
    let guests = crowd(&mut world, CROWD, 1);
    for (n, id) in guests.iter().enumerate() {
        for _ in 0..asked(n) {
            world.say(*id, r#"{"type":"ping"}"#);
        }
    }
    part(&mut world, guests);
    world
}

/// In which seconds from now on memory is given back.
fn given_back_after(world: &mut World) -> Vec<u64> {
    (1..=60).filter(|_| pass(world, 1, &[])).collect()
}
