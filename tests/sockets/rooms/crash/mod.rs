//! A server that is killed again and again while people talk, come, go and moderate: what anybody was told is so afterwards.
//!
//! `WARDROOM_CRASHES` says how often (a few by default), `WARDROOM_CRASH_SEED` from which number the moments come.

pub mod crew;
pub mod dice;
pub mod inspect;
pub mod ledger;
pub mod staff;

use std::time::{Duration, Instant};

use serde_json::json;

use super::config;
use crate::line::Caller;
use crate::server::Server;
use crew::{DEN, Seen, Visitor, Writer};
use dice::Dice;
use inspect::{Depth, Inspection};
use ledger::Ledger;
use staff::{CLUB, HOST, Host, Moderator, OWNER, TROLL};

/// How often by default.
const CRASHES: u64 = 30;
/// People talk for at most so long before each.
const LOAD_TIME_MAX_US: u64 = 300_000;
/// Of so many starts one is cut short by another crash.
const CUT_SHORT: u64 = 6;
/// Within this time of a start, the server begins to listen or is about to.
const START_TIME_MAX_US: u64 = 60_000;
/// So many crashes are between two looks at everything.
const WHOLE_EVERY: u64 = 20;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("a number"))
}

/// Everybody who keeps the server busy.
struct Crew {
    writers: Vec<Writer>,
    visitor: Visitor,
    moderator: Moderator,
    host: Host,
}

impl Crew {
    fn new(dice: &mut Dice) -> Crew {
        let writers = ["writer-0", "writer-1", "writer-2", TROLL];
        Crew {
            writers: writers.map(|name| Writer::new(name, dice.fork())).into(),
            visitor: Visitor::new(dice.fork()),
            moderator: Moderator::new(dice.fork()),
            host: Host::new(dice.fork()),
        }
    }

    /// Works until the server is killed, after `time`; what they were told.
    fn work(&mut self, server: &mut Server, time: Duration) -> Vec<Vec<Seen>> {
        let address = server.address;
        std::thread::scope(|scope| {
            let mut working = Vec::new();
            for writer in &mut self.writers {
                working.push(scope.spawn(move || writer.talk(address)));
            }
            let (visitor, moderator) = (&mut self.visitor, &mut self.moderator);
            working.push(scope.spawn(move || visitor.visit(address)));
            working.push(scope.spawn(move || moderator.moderate(address)));
            let host = &mut self.host;
            let receiving = scope.spawn(move || host.receive(address));
            std::thread::sleep(time);
            server.kill();
            receiving.join().expect("the host finds nothing odd");
            let seen = working.into_iter().map(|worker| worker.join());
            seen.map(|seen| seen.expect("nobody finds anything odd"))
                .collect()
        })
    }
}

fn found(server: &Server) {
    let rooms = [
        (OWNER, json!({"type": "create", "room": DEN})),
        (
            HOST,
            json!({"type": "create", "room": CLUB, "kind": "members"}),
        ),
    ];
    for (user, create) in rooms {
        Caller::of(server, user).done(create);
    }
}

/// Starts the server again, now and then only after a start that was cut short. How long the one that counts took.
fn start_again(server: &mut Server, dice: &mut Dice, cut: &mut u64) -> Duration {
    while dice.below(CUT_SHORT) == 0 {
        let moment = Duration::from_micros(dice.below(START_TIME_MAX_US));
        server.begin_to_start();
        std::thread::sleep(moment);
        server.kill();
        *cut += 1;
    }
    let begun = Instant::now();
    server.start_again();
    begun.elapsed()
}

#[test]
fn whatever_anybody_was_told_is_so_after_kill_9_at_any_moment() {
    let crashes = number("WARDROOM_CRASHES").unwrap_or(CRASHES);
    let seed = number("WARDROOM_CRASH_SEED").unwrap_or(20_261_129);
    let mut dice = Dice::new(seed);
    let mut crew = Crew::new(&mut dice);
    let mut ledger = Ledger::default();
    let mut server = Server::serve(&config("retention_messages_max = 1000000"));
    found(&server);
    let begun = Instant::now();
    let mut starts = Vec::new();
    let mut cut = 0;
    for crash in 1..=crashes {
        println!("seed {seed}, crash {crash}");
        let time = Duration::from_micros(dice.below(LOAD_TIME_MAX_US));
        for seen in crew.work(&mut server, time) {
            ledger.take(seen);
        }
        ledger.take_operations(std::mem::take(&mut crew.moderator.operations));
        starts.push(start_again(&mut server, &mut dice, &mut cut));
        let is_whole = crash % WHOLE_EVERY == 0 || crash == crashes;
        let inspection = Inspection {
            server: &server,
            ledger: &mut ledger,
            depth: if is_whole { Depth::Whole } else { Depth::Quick },
        };
        inspection.run(&mut crew.moderator, &mut crew.host);
        let unanswered = crew.writers.iter().flat_map(|writer| &writer.unanswered);
        for (text, _) in unanswered {
            ledger.counts.unanswered += 1;
            ledger.counts.unanswered_kept += u64::from(ledger.numbers.contains_key(text));
        }
    }
    starts.sort();
    println!(
        "{crashes} crashes, {cut} starts cut short, seed {seed}, in {:.1?}; a start took {:.1?} (median), {:.1?} at most",
        begun.elapsed(),
        starts[starts.len() / 2],
        starts[starts.len() - 1],
    );
    println!(
        "{:?}; {} messages, {} deleted, {} entries in the log; {} affiliations, {} rooms made",
        ledger.counts,
        ledger.said.len(),
        ledger.deleted.len(),
        ledger.hashes.len(),
        crew.host.changes,
        crew.host.rooms,
    );
    assert!(ledger.counts.acknowledged > 10 * crashes, "people talked");
}
