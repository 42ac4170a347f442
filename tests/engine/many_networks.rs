//! Attackers from more networks than the table of address prefixes has places for, one address of each.

use std::ops::Range;

use wardroom::config::{Config, Rate};
use wardroom::simulation::World;

use crate::private::{get, key};
use crate::{ask, chat_request, default_config, outcome, seconds};

/// A network of its own for each number.
fn network(number: u32) -> String {
    let [_, high, middle, low] = number.to_be_bytes();
    format!("{}.{middle}.{low}.9", 10 + high)
}

fn config(prefixes_max: usize) -> Config {
    let mut config = default_config();
    config.limits.prefixes_max = prefixes_max;
    // Time passes that nobody fills with signs of life.
    config.deadlines.ping = seconds(6000);
    config
}

/// Asks for a chat with a token; what became of it. Whoever does not get in goes.
fn try_with(world: &mut World, number: u32, token: &str) -> String {
    let request = chat_request(&format!("?token={token}"), "");
    let id = ask(world, &network(number), &request);
    let told = outcome(world, id);
    if !told.starts_with("in as ") {
        world.reset(id);
    }
    told
}

/// One bad token from each; how many of them were looked at.
fn bad_tokens(world: &mut World, networks: Range<u32>) -> usize {
    let told = networks.map(|number| try_with(world, number, "bad"));
    told.filter(|told| told == "1008 invalid credentials")
        .count()
}

/// So many newcomers, each from a network that nobody has come from; how many get in.
fn newcomers(world: &mut World, count: u32) -> usize {
    let told = (0..count).map(|number| {
        let user = format!("newcomer{number}");
        try_with(world, 1_000_000 + number, &user) == format!("in as {user}")
    });
    told.filter(|is_in| *is_in).count()
}

#[test]
fn a_bad_token_from_each_of_thirty_thousand_networks_keeps_no_newcomer_out() {
    /// Networks and places, both so many times fewer than they are by default.
    const SHARE: u32 = 32;
    let places = Config::default().limits.prefixes_max / SHARE as usize;
    let mut world = World::new(config(places));
    let networks = 30_000 / SHARE;
    assert_eq!(bad_tokens(&mut world, 0..networks), networks as usize);
    assert_eq!(newcomers(&mut world, 100), 100);
}

#[test]
fn whoever_showed_a_bad_token_and_lost_their_place_is_given_none_in_which_others_owe_something() {
    let mut config = config(64);
    config.private.key = Some(key());
    config.private.requests.burst = 1000;
    let mut world = World::new(config);
    bad_tokens(&mut world, 0..100);
    let mut has_place = |number| {
        let path = format!("/api/v1/limits?address={}", network(number));
        let told = get(&mut world, &path).json();
        let counted = told["addresses"][0]["address"].as_str();
        counted == Some(&*format!("{}/32", network(number)))
    };
    // Those who had one of 56 places last, and a few whose offence is overwritten by another's already.
    let count = (0..100).filter(|number| has_place(*number)).count();
    assert!((56..70).contains(&count), "{count}");
    assert!(has_place(500), "a stranger");
}

/// Every token of 56 places, of seven for networks and of the one for everybody else is used.
fn used_up(config: Config) -> World {
    let mut world = World::new(config);
    for networks in [0..56, 56..63, 63..64] {
        for _ in 0..10 {
            let count = networks.len();
            assert_eq!(bad_tokens(&mut world, networks.clone()), count);
        }
    }
    world
}

#[test]
fn when_everything_is_used_of_every_place_strangers_wait_until_something_has_come_back() {
    let mut world = used_up(config(64));
    assert_eq!(newcomers(&mut world, 50), 0);
    world.advance(seconds(6));
    assert_eq!(newcomers(&mut world, 50), 50);
}

#[test]
fn after_a_reload_it_is_a_tenth_of_what_the_new_rates_allow_that_counts() {
    let old = config(64);
    let mut world = used_up(old.clone());
    let mut new = old;
    new.limits.failed_authentications_per_address = Rate::new(10, seconds(600));
    world.reconfigure(new);
    world.advance(seconds(60));
    assert_eq!(newcomers(&mut world, 50), 50);
}
