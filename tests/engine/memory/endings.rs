//! Whatever way connections end, and in whatever order, nothing of what was counted or drawn for them is left.

use proptest::prelude::*;
use serde_json::json;
use wardroom::engine::Census;
use wardroom::id::ConnectionId;
use wardroom::simulation::{Ending, World, masked, text};

use crate::private::{key, request};
use crate::{chat_request, millis, roomy, seconds};

const USERS: usize = 5;
const ROOMS: [&str; 4] = ["lobby", "general", "random", "den"];

/// Something that happens. Numbers choose among what there is.
#[derive(Debug, Clone, Copy)]
enum Step {
    Connect(usize),
    SignIn(usize, usize),
    HalfHead(usize),
    Page(usize),
    Ask(usize, usize, usize),
    HalfMessage(usize),
    Flood(usize),
    StopReading(usize),
    ReadOn(usize),
    Goodbye(usize),
    Violate(usize),
    HangUp(usize),
    Reset(usize),
    Revoke(usize),
    Disconnect(usize),
    HoldAnswers(bool),
    Squeeze(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let some = || 0usize..64;
    prop_oneof![
        6 => some().prop_map(Step::Connect),
        8 => (some(), some()).prop_map(|(client, user)| Step::SignIn(client, user)),
        1 => some().prop_map(Step::HalfHead),
        1 => some().prop_map(Step::Page),
        12 => (some(), some(), some()).prop_map(|(client, what, room)| Step::Ask(client, what, room)),
        1 => some().prop_map(Step::HalfMessage),
        1 => some().prop_map(Step::Flood),
        2 => some().prop_map(Step::StopReading),
        1 => some().prop_map(Step::ReadOn),
        1 => some().prop_map(Step::Goodbye),
        1 => some().prop_map(Step::Violate),
        1 => some().prop_map(Step::HangUp),
        1 => some().prop_map(Step::Reset),
        1 => some().prop_map(Step::Revoke),
        1 => some().prop_map(Step::Disconnect),
        1 => any::<bool>().prop_map(Step::HoldAnswers),
        1 => some().prop_map(Step::Squeeze),
        3 => (1u64..40_000).prop_map(Step::Wait),
    ]
}

/// A request about a room: said, joined, left, made, moderated, read.
fn asked(what: usize, room: &str) -> String {
    let user = format!("user{}", what % USERS);
    let asked = match what % 12 {
        0 => json!({"type": "join", "room": room}),
        1 => json!({"type": "leave", "room": room}),
        2 => json!({"type": "create", "room": "den", "kind": "public"}),
        3 => json!({"type": "kick", "room": room, "user": user}),
        4 => json!({"type": "ban", "room": room, "user": user}),
        5 => json!({"type": "unban", "room": room, "user": user}),
        6 => json!({"type": "history", "room": room}),
        7 => json!({"type": "members", "room": room}),
        8 => json!({"type": "typing", "room": room}),
        9 => json!({"type": "delete", "room": room}),
        _ => json!({"type": "send", "room": room, "message": "x".repeat(400)}),
    };
    asked.to_string()
}

struct Play {
    world: World,
    ids: Vec<ConnectionId>,
}

impl Play {
    fn new() -> Self {
        let mut config = roomy();
        config.private.key = Some(key());
        config.limits.connections_per_user = 4;
        config.limits.unauthenticated_max = 6;
        config.limits.connections_max = 20;
        config.limits.prefixes_max = 64;
        config.limits.outbound_bytes_per_connection_max = 20_000;
        config.limits.outbound_bytes_max = 40_000;
        config.limits.error_replies_per_connection = crate::per_second(2);
        config.rooms.durable = vec!["general".to_owned()];
        Play {
            world: World::new(config),
            ids: Vec::new(),
        }
    }

    fn open(&mut self, client: usize) -> Option<ConnectionId> {
        let id = *self.ids.get(client.checked_rem(self.ids.len())?)?;
        (self.world.client(id).ending() != Ending::Closed).then_some(id)
    }

    fn send(&mut self, client: usize, bytes: &[u8]) {
        if let Some(id) = self.open(client) {
            self.world.send(id, bytes);
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Connect(at) => {
                let peer = format!("10.0.{}.{}", at % 3, at % 7);
                self.ids.extend(self.world.connect(&peer));
            }
            Step::SignIn(client, user) => {
                let token = format!("?token=user{}@{}", user % USERS, 20 + user);
                let head = chat_request(&token, "");
                self.send(client, head.as_bytes());
            }
            Step::HalfHead(client) => self.send(client, b"GET / HTTP/1.1\r\nHost: "),
            Step::Page(client) => self.send(client, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            Step::Ask(client, what, room) => {
                let asked = asked(what, ROOMS[room % ROOMS.len()]);
                self.send(client, &text(&asked));
            }
            Step::HalfMessage(client) => self.send(client, &masked(0x01, &[b'x'; 3000])),
            Step::Flood(client) => self.send(client, &text("nonsense").repeat(300)),
            Step::Goodbye(client) => self.send(client, &masked(0x88, &[3, 232])),
            Step::Violate(client) => self.send(client, &masked(0xF1, b"")),
            Step::StopReading(client) => self.set_window(client, 0),
            Step::ReadOn(client) => self.set_window(client, usize::MAX),
            Step::HangUp(client) => {
                if let Some(id) = self.open(client) {
                    self.world.hang_up(id);
                }
            }
            Step::Reset(client) => {
                if let Some(id) = self.open(client) {
                    self.world.reset(id);
                }
            }
            Step::Revoke(user) => self.world.revoke_user(&format!("user{}", user % USERS)),
            Step::Disconnect(user) => self.disconnect(user % USERS),
            Step::HoldAnswers(held) => self.world.answers_held = held,
            Step::Squeeze(how) => self.squeeze(how),
            Step::Wait(time) => self.world.advance(millis(time)),
        }
        self.world.settle();
    }

    fn set_window(&mut self, client: usize, bytes: usize) {
        if let Some(id) = self.open(client) {
            self.world.client(id).set_window(bytes);
        }
    }

    /// The operator ends somebody's connections.
    fn disconnect(&mut self, user: usize) {
        let id = crate::private::enter(&mut self.world);
        let line = "POST /api/v1/disconnect";
        let body = json!({"user": format!("user{user}")}).to_string();
        self.world.send(id, request(line, "", &body).as_bytes());
        self.world.reset(id);
    }

    /// Everything, or next to nothing, or somewhat less than is drawn.
    fn squeeze(&mut self, how: usize) {
        let mut config = roomy();
        config.private.key = Some(key());
        config.limits.prefixes_max = 64;
        config.memory = match how % 4 {
            0 => 100_000,
            1 => super::drawn(&self.world) / 4 * 5,
            2 => super::drawn(&self.world) / 16 * 17,
            _ => 64 << 20,
        };
        self.world.reconfigure(config);
    }

    fn end(mut self, stops: bool) {
        if stops {
            self.world.stop();
        }
        self.world.answers_held = false;
        for id in std::mem::take(&mut self.ids) {
            self.world.client(id).set_window(usize::MAX);
            if self.world.client(id).ending() != Ending::Closed {
                self.world.hang_up(id);
            }
        }
        self.world.advance(seconds(120));
        assert_eq!(self.world.census(), Census::default());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn whatever_way_connections_end_nothing_that_was_counted_or_drawn_is_left(
        steps in prop::collection::vec(step(), 1..120),
        stops in any::<bool>(),
        read_bytes_max in prop::sample::select(vec![7usize, 200, 65_536]),
    ) {
        let mut play = Play::new();
        play.world.read_bytes_max = read_bytes_max;
        for step in steps {
            play.take(step);
        }
        play.end(stops);
    }
}
