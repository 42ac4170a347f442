//! Every way a connection can end gives back everything it held.

use std::time::Duration;

use wardroom::engine::Census;
use wardroom::id::ConnectionId;
use wardroom::simulation::{Ending, World, frame, masked};

use crate::world;

/// A way for a connection to end.
type End = (&'static str, fn(&mut World, ConnectionId));

const ENDINGS: [End; 14] = [
    ("the client hangs up", |world, id| world.hang_up(id)),
    ("the connection breaks", |world, id| world.reset(id)),
    ("the client says goodbye", |world, id| {
        world.send(id, &masked(0x88, &[0x03, 0xE8]));
    }),
    ("an unmasked frame", |world, id| {
        world.send(id, &frame(0x81, 1, false))
    }),
    ("a reserved bit", |world, id| {
        world.send(id, &masked(0xC1, b"x"))
    }),
    ("invalid UTF-8", |world, id| {
        world.send(id, &masked(0x81, &[0xFF]))
    }),
    ("a giant frame", |world, id| {
        world.send(id, &frame(0x81, 1 << 40, true))
    }),
    ("a binary message", |world, id| {
        world.send(id, &masked(0x82, b"x"))
    }),
    ("a flood of pings", |world, id| {
        for _ in 0..100 {
            world.send(id, &masked(0x89, b""));
        }
    }),
    ("a flood of nonsense", |world, id| {
        for _ in 0..200 {
            world.say(id, "nonsense");
            world.advance(Duration::from_millis(100));
        }
    }),
    ("endless fragments", |world, id| {
        world.send(id, &masked(0x01, b""));
        for _ in 0..200 {
            world.send(id, &masked(0x00, b""));
        }
    }),
    ("no answer to a ping", |world, _| {
        world.advance(Duration::from_secs(51))
    }),
    ("the server stops", |world, _| world.stop()),
    ("half a frame, then silence", |world, id| {
        world.send(id, &frame(0x81, 100, true));
        world.advance(Duration::from_secs(51));
    }),
];

#[test]
fn every_way_to_end_gives_everything_back() {
    for (name, end) in ENDINGS {
        let mut world = world();
        let id = world.join("alice", "10.0.0.1");
        end(&mut world, id);
        let census = world.census();
        assert_eq!(
            census.user_connections, 0,
            "{name}: the user is free at once"
        );
        assert_eq!(
            census.prefix_connections.1, 0,
            "{name}: the address is free at once"
        );
        assert_eq!(census.seats, 0, "{name}: the seat is free at once");
        world.advance(Duration::from_secs(5));
        assert_eq!(world.client(id).ending(), Ending::Closed, "{name}");
        assert_eq!(world.census(), Census::default(), "{name}: nothing is left");
    }
}
