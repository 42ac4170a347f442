//! Whatever happens in a room and however slowly somebody reads of it: they hear every message once and in order until they are closed, and know in
//! the end how many are there.

use proptest::prelude::*;
use serde_json::{Value, json};
use wardroom::engine::Census;
use wardroom::id::ConnectionId;
use wardroom::simulation::{Ending, World};

use crate::{millis, roomy_with, seconds};

const QUEUE: usize = 4000;
/// One step queues no more than this.
const STEP_BYTES_MAX: usize = 1000;

#[derive(Debug, Clone, Copy)]
enum Step {
    Say { characters: usize },
    Type,
    Come { who: usize },
    Go { who: usize },
    Read { bytes: usize },
    Wait { millis: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (1usize..400).prop_map(|characters| Step::Say { characters }),
        2 => Just(Step::Type),
        4 => (0usize..6).prop_map(|who| Step::Come { who }),
        4 => (0usize..6).prop_map(|who| Step::Go { who }),
        4 => (0usize..1500).prop_map(|bytes| Step::Read { bytes }),
        3 => (1u64..1500).prop_map(|millis| Step::Wait { millis }),
    ]
}

/// What the slow reader knows by what it has read.
#[derive(Debug)]
struct Knows {
    messages: u64,
    people: i64,
    is_closed: bool,
}

impl Knows {
    fn hear(&mut self, notice: &Value) {
        match notice["type"].as_str() {
            Some("message") => {
                assert_eq!(notice["seq"], self.messages + 1, "every message, in order");
                self.messages += 1;
            }
            Some("joined") => self.people += 1,
            Some("left") => self.people -= 1,
            Some("presence") => self.people = notice["count"].as_i64().expect("a number"),
            Some("bye") => {
                assert_eq!(notice["reason"], "reading too slowly");
                self.is_closed = true;
            }
            other => assert_eq!(other, Some("typing")),
        }
    }
}

struct Model {
    world: World,
    alice: ConnectionId,
    slow: ConnectionId,
    others: [Option<ConnectionId>; 6],
    knows: Knows,
    said: u64,
}

impl Model {
    fn new(unread_seconds: u64) -> Self {
        let mut world = roomy_with(|config| {
            config.limits.outbound_bytes_per_connection_max = QUEUE;
            config.deadlines.unread = seconds(unread_seconds);
            config.deadlines.ping = seconds(3600);
            config.rooms.announced_people_max = 4;
        });
        let alice = world.join("alice", "10.0.0.1");
        let slow = world.join_v1("slow", "10.0.0.2");
        world.client(slow).take_frames();
        world.client(slow).set_window(0);
        Model {
            world,
            alice,
            slow,
            others: [None; 6],
            knows: Knows {
                messages: 0,
                people: 2,
                is_closed: false,
            },
            said: 0,
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Say { characters } => {
                let words = json!({"message": "x".repeat(characters)});
                self.world.say(self.alice, &words.to_string());
                self.said += 1;
            }
            // The tutorial's protocol has no typing.
            Step::Type => {
                if let Some(other) = self.others.iter().flatten().next() {
                    let typing = r#"{"type":"typing","room":"lobby"}"#;
                    self.world.say(*other, typing);
                }
            }
            Step::Come { who } if self.others[who].is_none() => {
                let id = self.world.join_v1(&format!("user{who}"), "10.0.0.3");
                self.others[who] = Some(id);
            }
            Step::Go { who } => {
                if let Some(id) = self.others[who].take() {
                    self.world.hang_up(id);
                }
            }
            Step::Read { bytes } => self.world.client(self.slow).set_window(bytes),
            Step::Wait { millis: time } => self.world.advance(millis(time)),
            Step::Come { .. } => {}
        }
        self.world.settle();
        let waiting = self.world.census().outbound_bytes;
        assert!(waiting <= QUEUE + STEP_BYTES_MAX, "{waiting} bytes wait");
        for notice in self.world.client(self.slow).take_notices() {
            self.knows.hear(&notice);
        }
    }

    /// It reads on: either it knows everything or it was told that it does not.
    fn end(mut self) {
        self.take(Step::Read { bytes: usize::MAX });
        self.take(Step::Wait { millis: 2000 });
        // One that did not even read the last words in time has seen its socket close.
        let is_open = self.world.client(self.slow).ending() == Ending::Open;
        if is_open && !self.knows.is_closed {
            let there = 2 + self.others.iter().flatten().count() as i64;
            assert_eq!(self.knows.people, there);
            assert_eq!(self.knows.messages, self.said);
        }
        for id in self.others.into_iter().flatten().chain([self.alice]) {
            self.world.hang_up(id);
        }
        self.world.hang_up(self.slow);
        self.world.advance(seconds(20));
        assert_eq!(self.world.census(), Census::default());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn a_slow_reader_hears_every_message_in_order_or_is_told_and_knows_in_the_end_who_is_there(
        steps in prop::collection::vec(step(), 1..120),
        unread_seconds in prop::sample::select(vec![0u64, 3, 60]),
    ) {
        let mut model = Model::new(unread_seconds);
        for step in steps {
            model.take(step);
        }
        model.end();
    }
}
