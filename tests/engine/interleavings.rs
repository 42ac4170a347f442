//! Whatever many clients do in whatever order, the engine's books agree with a naive model's.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;
use wardroom::engine::Census;
use wardroom::id::ConnectionId;
use wardroom::simulation::{Ending, World, frame, masked, text, upgrade_request};
use wardroom::time::Instant;

use crate::{millis, roomy, seconds};

const PER_USER: usize = 3;
const PER_ADDRESS: usize = 5;
const PLAIN_PER_ADDRESS: usize = 4;
const ROOMS_MAX: usize = 2;

/// Something that one client does, or the world. Numbers choose among what there is.
#[derive(Debug, Clone, Copy)]
enum Step {
    Connect { address: usize },
    HalfHead { client: usize, user: usize },
    Upgrade { client: usize, user: usize },
    Page { client: usize },
    Say { client: usize },
    HalfFrame { client: usize },
    Join { client: usize, room: usize },
    Leave { client: usize, room: usize },
    Goodbye { client: usize },
    Violate { client: usize },
    HangUp { client: usize },
    Reset { client: usize },
    StopReading { client: usize },
    ReadOn { client: usize },
    Wait { millis: u64 },
    Stop,
}

fn step() -> impl Strategy<Value = Step> {
    let client = || 0usize..64;
    prop_oneof![
        8 => (0usize..3).prop_map(|address| Step::Connect { address }),
        1 => (client(), 0usize..4).prop_map(|(client, user)| Step::HalfHead { client, user }),
        10 => (client(), 0usize..4).prop_map(|(client, user)| Step::Upgrade { client, user }),
        1 => client().prop_map(|client| Step::Page { client }),
        4 => client().prop_map(|client| Step::Say { client }),
        1 => client().prop_map(|client| Step::HalfFrame { client }),
        3 => (client(), 0usize..3).prop_map(|(client, room)| Step::Join { client, room }),
        2 => (client(), 0usize..3).prop_map(|(client, room)| Step::Leave { client, room }),
        1 => client().prop_map(|client| Step::Goodbye { client }),
        1 => client().prop_map(|client| Step::Violate { client }),
        2 => client().prop_map(|client| Step::HangUp { client }),
        1 => client().prop_map(|client| Step::Reset { client }),
        1 => client().prop_map(|client| Step::StopReading { client }),
        1 => client().prop_map(|client| Step::ReadOn { client }),
        3 => (1u64..12_000).prop_map(|millis| Step::Wait { millis }),
    ]
}

/// What the model knows of a client.
#[derive(Debug)]
struct Known {
    id: ConnectionId,
    address: usize,
    place: Place,
    rest_of_head: Option<Vec<u8>>,
    in_frame: bool,
    last_sent: Instant,
    /// When a connection that is no chat yet must have asked for one.
    asked_by: Instant,
    was_served: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    Plain,
    Open { user: usize, rooms: BTreeSet<usize> },
    Left,
}

const ROOMS: [&str; 3] = ["lobby", "general", "random"];

struct Model {
    world: World,
    clients: Vec<Known>,
    stopped: bool,
}

impl Model {
    fn new() -> Self {
        let mut config = roomy();
        config.limits.connections_per_user = PER_USER;
        config.limits.connections_per_address = PER_ADDRESS;
        // The model knows nothing of it.
        config.limits.earned_per_address_max = 0;
        config.limits.plain_per_address = PLAIN_PER_ADDRESS;
        config.limits.rooms_per_connection_max = ROOMS_MAX;
        // The model does not know since when something waits for whom: `slow_reader_model` has this way to end.
        config.deadlines.unread = seconds(0);
        Model {
            world: World::new(config),
            clients: Vec::new(),
            stopped: false,
        }
    }

    fn is_closed(&mut self, index: usize) -> bool {
        let id = self.clients[index].id;
        self.world.client(id).ending() == Ending::Closed
    }

    /// Connections at an address: those in a chat, and the others.
    fn at(&mut self, address: usize) -> (usize, usize) {
        let mut counts = (0, 0);
        for index in 0..self.clients.len() {
            if self.clients[index].address != address || self.is_closed(index) {
                continue;
            }
            match self.clients[index].place {
                Place::Open { .. } => counts.0 += 1,
                Place::Plain | Place::Left => counts.1 += 1,
            }
        }
        counts
    }

    fn open_of(&self, user: usize) -> usize {
        let is_theirs =
            |known: &&Known| matches!(known.place, Place::Open { user: own, .. } if own == user);
        self.clients.iter().filter(is_theirs).count()
    }

    fn send(&mut self, index: usize, bytes: &[u8]) {
        self.clients[index].last_sent = self.world.now().instant;
        self.world.send(self.clients[index].id, bytes);
    }

    /// The client a step means, if there is one that may still act.
    fn choose(&mut self, client: usize) -> Option<usize> {
        let index = client.checked_rem(self.clients.len())?;
        (!self.is_closed(index)).then_some(index)
    }

    fn is_talking(&self, index: usize) -> bool {
        matches!(self.clients[index].place, Place::Open { .. }) && !self.clients[index].in_frame
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Connect { address } => self.connect(address),
            Step::Wait { millis: duration } => {
                self.world.advance(millis(duration));
                self.time_out();
            }
            Step::Stop => {
                self.stopped = true;
                self.world.stop();
                self.clients
                    .iter_mut()
                    .for_each(|known| known.place = Place::Left);
            }
            Step::HalfHead { client, .. }
            | Step::Upgrade { client, .. }
            | Step::Page { client }
            | Step::Say { client }
            | Step::HalfFrame { client }
            | Step::Join { client, .. }
            | Step::Leave { client, .. }
            | Step::Goodbye { client }
            | Step::Violate { client }
            | Step::HangUp { client }
            | Step::Reset { client }
            | Step::StopReading { client }
            | Step::ReadOn { client } => {
                if let Some(index) = self.choose(client) {
                    self.act(index, step);
                }
            }
        }
    }

    fn connect(&mut self, address: usize) {
        if self.stopped {
            // Nobody listens any more; who came before that is told like the others, which `drain` tests.
            return;
        }
        let room = self.at(address).1 < PLAIN_PER_ADDRESS;
        let admitted = self.world.connect(&format!("10.0.0.{address}"));
        assert_eq!(admitted.is_ok(), room, "admission");
        if let Ok(id) = admitted {
            self.clients.push(Known {
                id,
                address,
                place: Place::Plain,
                rest_of_head: None,
                in_frame: false,
                last_sent: self.world.now().instant,
                asked_by: self.world.now().instant + seconds(10),
                was_served: false,
            });
        }
    }

    /// Silence of fifty seconds (a ping after thirty, twenty more to answer) ends a session; a head has ten
    /// seconds, a kept connection fifteen until the next.
    fn time_out(&mut self) {
        let now = self.world.now().instant;
        for known in &mut self.clients {
            let is_over = match known.place {
                Place::Plain => known.asked_by <= now,
                Place::Open { .. } => now.since(known.last_sent) >= seconds(50),
                Place::Left => false,
            };
            if is_over {
                known.place = Place::Left;
            }
        }
    }

    fn act(&mut self, index: usize, step: Step) {
        let id = self.clients[index].id;
        match step {
            Step::HalfHead { user, .. } => self.begin_head(index, user),
            Step::Upgrade { user, .. } => self.upgrade(index, user),
            Step::Page { .. } if self.is_fresh(index) => {
                self.send(index, b"GET /favicon.svg HTTP/1.1\r\nHost: h\r\n\r\n");
                let known = &mut self.clients[index];
                known.asked_by = known.last_sent + seconds(15);
                known.was_served = true;
            }
            Step::Say { .. } if self.is_talking(index) => {
                let say = json!({"type": "send", "room": "lobby", "message": "hi"});
                self.send(index, &text(&say.to_string()));
            }
            Step::HalfFrame { .. } if self.is_talking(index) => {
                self.send(index, &[0x81, 0xFE, 0x01]);
                self.clients[index].in_frame = true;
            }
            Step::Join { room, .. } if self.is_talking(index) => self.join(index, room),
            Step::Leave { room, .. } if self.is_talking(index) => self.leave(index, room),
            Step::Goodbye { .. } if self.is_talking(index) => {
                self.send(index, &masked(0x88, &[0x03, 0xE8]));
                self.clients[index].place = Place::Left;
            }
            Step::Violate { .. } if self.is_talking(index) => {
                self.send(index, &frame(0x81, 1, false));
                self.clients[index].place = Place::Left;
            }
            Step::HangUp { .. } => {
                self.world.hang_up(id);
                self.clients[index].place = Place::Left;
            }
            Step::Reset { .. } => {
                self.world.reset(id);
                self.clients[index].place = Place::Left;
            }
            Step::StopReading { .. } => self.world.client(id).set_window(0),
            Step::ReadOn { .. } => {
                self.world.client(id).set_window(usize::MAX);
                self.world.settle();
            }
            _ => {}
        }
    }

    /// Has asked for nothing that would not be answered, and is not in the middle of asking.
    fn is_fresh(&mut self, index: usize) -> bool {
        let id = self.clients[index].id;
        let is_open = self.world.client(id).ending() == Ending::Open;
        let known = &self.clients[index];
        known.place == Place::Plain && known.rest_of_head.is_none() && is_open
    }

    fn begin_head(&mut self, index: usize, user: usize) {
        if self.is_fresh(index) {
            let head = head_of(user);
            let (first, rest) = head.split_at(40);
            self.send(index, first);
            let known = &mut self.clients[index];
            known.rest_of_head = Some([&[user as u8], rest].concat());
            if known.was_served {
                known.asked_by = known.last_sent + seconds(10);
            }
        }
    }

    fn upgrade(&mut self, index: usize, user: usize) {
        let id = self.clients[index].id;
        if self.world.client(id).ending() != Ending::Open
            || self.clients[index].place != Place::Plain
        {
            return;
        }
        let (user, bytes) = match self.clients[index].rest_of_head.take() {
            Some(rest) => (usize::from(rest[0]), rest[1..].to_vec()),
            None => (user, head_of(user)),
        };
        let address = self.clients[index].address;
        let admitted = self.open_of(user) < PER_USER && self.at(address).0 < PER_ADDRESS;
        self.send(index, &bytes);
        self.clients[index].place = if admitted {
            let rooms = BTreeSet::from([0]);
            Place::Open { user, rooms }
        } else {
            Place::Left
        };
    }

    fn join(&mut self, index: usize, room: usize) {
        let join = json!({"type": "join", "room": ROOMS[room]});
        self.send(index, &text(&join.to_string()));
        if let Place::Open { rooms, .. } = &mut self.clients[index].place
            && rooms.len() < ROOMS_MAX
        {
            rooms.insert(room);
        }
    }

    fn leave(&mut self, index: usize, room: usize) {
        let leave = json!({"type": "leave", "room": ROOMS[room]});
        self.send(index, &text(&leave.to_string()));
        if let Place::Open { rooms, .. } = &mut self.clients[index].place {
            rooms.remove(&room);
        }
    }

    /// The engine's census as the model would have it.
    fn check(&mut self, after: Step) {
        let census = self.world.census();
        let here = (0..self.clients.len())
            .filter(|index| !self.is_closed(*index))
            .count();
        let sessions = self.clients.iter().filter_map(|known| match &known.place {
            Place::Open { rooms, .. } => Some(rooms.len()),
            Place::Plain | Place::Left => None,
        });
        let (open, seats) = sessions.fold((0, 0), |(open, seats), rooms| (open + 1, seats + rooms));
        let expected = Census {
            connections: here,
            private_connections: 0,
            plain_connections: here - open,
            waiting: here - open,
            user_connections: open,
            prefix_connections: ((here - open) as u64, open as u64),
            seats,
            deadlines: here,
            outsiders: census.outsiders,
            outbound_bytes: census.outbound_bytes,
            pending_answers: 0,
            pages: 0,
            changes: 0,
            away: 0,
            hook_questions: 0,
            memory: census.memory,
        };
        assert_eq!(census, expected, "after {after:?}");
    }

    /// Everybody reads, and then time alone must empty the world.
    fn end(mut self) {
        for index in 0..self.clients.len() {
            let id = self.clients[index].id;
            self.world.client(id).set_window(usize::MAX);
        }
        self.world.settle();
        assert_eq!(self.world.census().outbound_bytes, 0);
        self.world.advance(seconds(60));
        assert_eq!(self.world.census(), Census::default());
    }
}

fn head_of(user: usize) -> Vec<u8> {
    let fields = "Sec-WebSocket-Protocol: wardroom.v1\r\n";
    upgrade_request(&format!("/ws/chat?token=user{user}"), fields).into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn the_books_agree_with_a_naive_models_after_every_step_and_are_empty_at_the_end(
        steps in prop::collection::vec(step(), 1..150),
        stops in any::<bool>(),
        after_stop in prop::collection::vec(step(), 0..10),
        read_bytes_max in prop::sample::select(vec![1usize, 3, 50, 65_536]),
    ) {
        let mut model = Model::new();
        model.world.read_bytes_max = read_bytes_max;
        let last = if stops { vec![Step::Stop] } else { Vec::new() };
        for step in steps.into_iter().chain(last).chain(after_stop) {
            model.take(step);
            model.check(step);
        }
        model.end();
    }
}
