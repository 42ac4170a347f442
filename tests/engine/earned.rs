//! Room at the door: what an address earns by people who stay, and networks that the operator exempts.

use std::ops::Range;

use wardroom::config::{Config, Rate};
use wardroom::id::ConnectionId;
use wardroom::simulation::World;

use crate::{ask, chat_request, default_config, knock, message, outcome, roomy, seconds};

const OFFICE: &str = "10.0.0.1";
const FULL: &str = "1008 too many connections from this address";

/// A world, and who is in from the office.
struct Office {
    world: World,
    people: Vec<ConnectionId>,
}

impl Office {
    fn new(config: Config) -> Self {
        Office {
            world: World::new(config),
            people: Vec::new(),
        }
    }

    /// Lets people with these numbers in; how many of them got in.
    fn come(&mut self, who: Range<u32>) -> usize {
        let before = self.people.len();
        for number in who {
            self.comes(&format!("user{number}"));
        }
        self.people.len() - before
    }

    fn comes(&mut self, user: &str) {
        let request = chat_request(&format!("?token={user}"), "");
        let id = ask(&mut self.world, OFFICE, &request);
        match &*outcome(&mut self.world, id) {
            FULL => self.world.reset(id),
            told => {
                assert_eq!(told, format!("in as {user}"));
                self.people.push(id);
            }
        }
    }

    /// The network of the office fails.
    fn lose_network(&mut self) {
        let people = self.people.drain(..);
        people.for_each(|id| self.world.reset(id));
    }
}

/// Five sessions of an address, and one more for each of its people who has stayed for a minute.
fn office(change: impl FnOnce(&mut Config)) -> Office {
    let mut config = roomy();
    config.limits.connections_per_address = 5;
    config.limits.earned_after = seconds(60);
    config.limits.earned_kept = seconds(3600);
    config.deadlines.ping = seconds(600_000);
    config.deadlines.idle = seconds(0);
    change(&mut config);
    Office::new(config)
}

#[test]
fn an_office_whose_people_stay_earns_room_for_more_of_them_up_to_the_bound() {
    let mut office = office(|config| config.limits.earned_per_address_max = 12);
    assert_eq!(office.come(0..20), 5, "nobody has stayed yet");
    office.world.advance(seconds(59));
    assert_eq!(office.come(20..21), 0);
    office.world.advance(seconds(1));
    assert_eq!(office.come(20..40), 5, "five have stayed");
    office.world.advance(seconds(60));
    assert_eq!(office.come(40..60), 5);
    office.world.advance(seconds(60));
    assert_eq!(office.come(60..80), 2, "twelve more than anybody at most");
    office.world.advance(seconds(600));
    assert_eq!(office.come(80..100), 0);
    let elsewhere = knock(&mut office.world, "10.0.0.2", "?token=eve", "");
    assert_eq!(elsewhere, "in as eve");
}

#[test]
fn a_few_accounts_earn_a_few_places_however_often_they_come_back() {
    let mut office = office(|_| {});
    let mut most = 0;
    for round in 0..30 {
        for number in (0..5).cycle().take(40) {
            office.comes(&format!("mallory{number}"));
        }
        most = most.max(office.people.len());
        office.world.advance(seconds(61));
        if round % 3 == 2 {
            office.lose_network();
        }
    }
    assert_eq!(most, 10, "five that anybody has, and one for each account");
}

#[test]
fn people_whose_network_was_lost_may_all_come_back_at_once_and_are_forgotten_in_time() {
    let mut office = office(|_| {});
    for start in [0, 100, 200] {
        office.come(start..start + 40);
        office.world.advance(seconds(61));
    }
    assert_eq!(office.people.len(), 15);
    office.lose_network();
    office.world.advance(seconds(59 * 60));
    assert_eq!(office.come(300..400), 5 + 15);
    office.lose_network();
    office.world.advance(seconds(60));
    assert_eq!(office.come(400..500), 5 + 7, "half is forgotten");
    office.lose_network();
    office.world.advance(seconds(24 * 3600));
    assert_eq!(office.come(500..600), 5);
}

#[test]
fn room_that_was_earned_is_for_handshakes_and_for_connections_on_their_way_in_too() {
    let mut office = office(|config| {
        config.limits.handshakes_per_address = Rate::new(8, seconds(10));
        config.limits.plain_per_address = 2;
    });
    let waiting = |world: &mut World| {
        let ids: Vec<_> = (0..10).map_while(|_| world.connect(OFFICE).ok()).collect();
        ids.iter().for_each(|id| world.reset(*id));
        ids.len()
    };
    assert_eq!(office.come(0..5), 5);
    assert_eq!(waiting(&mut office.world), 2);
    office.world.advance(seconds(60));
    assert_eq!(waiting(&mut office.world), 7);
    let mut tries = 0;
    loop {
        let id = ask(&mut office.world, OFFICE, &chat_request("", ""));
        let told = outcome(&mut office.world, id);
        office.world.reset(id);
        match &*told {
            "1008 credentials required" => tries += 1,
            other => break assert_eq!(other, "429 too_many"),
        }
    }
    assert_eq!(tries, 8 + 5);
}

#[test]
fn a_second_session_of_somebody_earns_when_the_first_is_gone() {
    let mut office = office(|config| config.limits.earned_kept = seconds(1));
    office.comes("alice");
    office.world.advance(seconds(10));
    office.comes("alice");
    office.world.advance(seconds(100));
    assert_eq!(office.come(0..20), 4);
    let alice = office.people.remove(0);
    (0..4).for_each(|_| {
        let user = office.people.remove(1);
        office.world.reset(user);
    });
    office.world.reset(alice);
    office.world.advance(seconds(60));
    assert_eq!(office.come(0..20), 5, "one is there of six");
}

#[test]
fn what_somebody_has_earned_is_earned_on_by_another_session_before_it_is_forgotten() {
    let mut office = office(|config| config.limits.earned_kept = seconds(400));
    office.comes("alice");
    office.world.advance(seconds(10));
    office.comes("alice");
    office.world.advance(seconds(60));
    let first = office.people.remove(0);
    office.world.reset(first);
    office.world.advance(seconds(420));
    assert_eq!(office.come(0..20), 5, "one is there of six");
}

#[test]
fn no_limit_of_an_address_holds_an_exempt_network_and_those_of_a_user_do() {
    let mut config = default_config();
    config.limits.exempt = vec!["10.0.0.0/24".parse().expect("a network")];
    let mut office = Office::new(config);
    let bad = |world: &mut World, peer: &str| knock(world, peer, "?token=bad", "");
    for _ in 0..200 {
        assert_eq!(bad(&mut office.world, OFFICE), "1008 invalid credentials");
    }
    assert_eq!(office.come(0..200), 200);
    for _ in 0..200 {
        office.world.connect(OFFICE).expect("room for any number");
    }
    let elsewhere: Vec<_> = (0..20)
        .map(|_| bad(&mut office.world, "10.0.1.1"))
        .collect();
    assert_eq!(elsewhere[0], "1008 invalid credentials");
    assert_eq!(elsewhere[19], "429 too_many", "no other network is");
    (0..3).for_each(|_| office.comes("eve"));
    assert_eq!(
        knock(&mut office.world, OFFICE, "?token=eve", ""),
        "1008 too many connections for this user"
    );
}

#[test]
fn messages_and_bytes_of_an_exempt_network_are_limited_by_user_and_connection_alone() {
    let said = |exempt: bool| {
        let mut config = roomy();
        config.limits.messages_per_address = Rate::new(10, seconds(60));
        if exempt {
            config.limits.exempt = vec!["10.0.0.0/24".parse().expect("a network")];
        }
        let mut world = World::new(config);
        let ids: Vec<_> = (0..4)
            .map(|n| world.join(&format!("user{n}"), OFFICE))
            .collect();
        world.client(ids[0]).take_frames();
        for _ in 0..5 {
            ids.iter().for_each(|id| world.say(*id, &message("hi")));
        }
        let heard = world.client(ids[0]).take_frames();
        heard
            .iter()
            .filter(|frame| String::from_utf8_lossy(&frame.payload).contains("\"sender\""))
            .count()
    };
    assert_eq!(said(false), 10);
    assert_eq!(said(true), 20);
}

#[test]
fn a_reload_exempts_who_is_there_and_takes_it_back() {
    let mut config = roomy();
    config.limits.connections_per_address = 5;
    let mut office = Office::new(config.clone());
    assert_eq!(office.come(0..20), 5);
    let waiting = office.world.connect(OFFICE).expect("room");
    let mut exempting = config.clone();
    exempting.limits.exempt = vec!["10.0.0.1/32".parse().expect("a network")];
    office.world.reconfigure(exempting);
    assert_eq!(office.come(20..40), 20);
    assert_eq!(office.world.census().prefix_connections, (1, 25));
    office.world.reconfigure(config);
    assert_eq!(office.come(40..60), 0, "they are counted again");
    assert_eq!(office.world.census().prefix_connections, (1, 25));
    let first = office.people.drain(..5);
    first.for_each(|id| office.world.reset(id));
    assert_eq!(
        office.come(60..80),
        0,
        "those are counted who came while it was exempt"
    );
    office.world.reset(waiting);
    office.lose_network();
    assert_eq!(office.world.census().prefix_connections, (0, 0));
}
