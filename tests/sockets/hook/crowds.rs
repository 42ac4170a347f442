//! Crowds that come for the word of a hook which is no good, and what everybody else notices of it.

use std::time::{Duration, Instant};

use wardroom::simulation::upgrade_request;

use super::{bearer, knock, outcome, serve};
use crate::backend::{self, Backend, Behaviour};
use crate::honest::{Pair, Talk};
use crate::peer::Peer;
use crate::server::{GROWTH_KIB_MAX, Server};

/// Nobody who is not asked about waits as long, however busy the machine is; who is, may wait for the hook's timeout.
const HARM: Duration = Duration::from_secs(1);
const HARMFUL: &str = "timeout = \"1500ms\"\n";

/// What became of everybody while crowds of a hundred strangers came for the hook's word.
#[derive(Debug)]
struct Crowded {
    /// Two people who chat, before and meanwhile.
    calm: Talk,
    meanwhile: Talk,
    /// The longest that a stranger waited to be told that there is no answer.
    slowest_stranger: Duration,
    /// The longest that somebody with a token waited to be in, while each crowd waited.
    slowest_newcomer: Duration,
    grown_kib: u64,
}

impl Crowded {
    fn expect_nobody_harmed(&self) {
        assert!(
            self.calm.messages > 0 && self.meanwhile.messages > 0,
            "{self:?}"
        );
        assert!(self.meanwhile.slowest < HARM, "{self:?}");
        assert!(self.slowest_newcomer < HARM, "{self:?}");
        assert!(self.slowest_stranger < 6 * HARM, "{self:?}");
        assert!(self.grown_kib < GROWTH_KIB_MAX, "{self:?}");
    }
}

fn crowd(server: &Server, crowds: u32) -> Crowded {
    let pair = Pair::begin(server);
    std::thread::sleep(HARM);
    let calm = pair.end();
    let token = server.token("carol");
    let pair = Pair::begin(server);
    let before = server.figures();
    let mut waits = Vec::new();
    let mut slowest_newcomer = Duration::ZERO;
    for crowd in 0..crowds {
        let began = Instant::now();
        let mut strangers: Vec<Peer> = (0..100)
            .map(|number| {
                let mut peer = Peer::connect(server.address);
                let credential = bearer(&format!("good-{crowd}-{number}"));
                peer.send(upgrade_request("/ws/chat", &credential).as_bytes());
                peer
            })
            .collect();
        let knocked = Instant::now();
        assert_eq!(knock(server, &bearer(&token)), None);
        slowest_newcomer = slowest_newcomer.max(knocked.elapsed());
        for stranger in &mut strangers {
            assert_eq!(outcome(stranger), Some(1013));
            waits.push(began.elapsed());
        }
    }
    let after = server.figures();
    Crowded {
        calm,
        meanwhile: pair.end(),
        slowest_stranger: waits.into_iter().max().unwrap_or_default(),
        slowest_newcomer,
        grown_kib: after.resident_kib.saturating_sub(before.resident_kib),
    }
}

#[test]
fn while_the_hook_hangs_everybody_else_goes_on_and_it_is_asked_little() {
    let bounds = "concurrency_max = 3\nqueue_max = 5\nquestions_per_address_max = 100\n";
    for (behaviour, name) in [
        (backend::hang as Behaviour, "hangs"),
        (backend::drip, "drips"),
    ] {
        let backend = Backend::start(behaviour);
        let server = serve(backend.address, &format!("{HARMFUL}{bounds}"), "");
        let crowded = crowd(&server, 3);
        let (asked, most) = (backend.accepted(), backend.most_connections());
        println!("a hook that {name}: {crowded:?}; asked {asked} times, at most {most} at a time");
        crowded.expect_nobody_harmed();
        assert!(most <= 3, "{name}: {most}");
        assert!(asked <= 3 * 8, "{name}: {asked}");
    }
}

#[test]
fn while_the_hook_answers_garbage_everybody_else_goes_on() {
    let cases: [(Behaviour, &str); 4] = [
        (backend::garbage, "says two things"),
        (backend::bytes, "says bytes that are no text"),
        (backend::no_http, "speaks no HTTP"),
        (backend::endless, "never stops talking"),
    ];
    // Whatever is asked is asked for all of them: nobody is spared an answer.
    let bounds = "queue_max = 400\nquestions_per_address_max = 404\nfailures_max = 1000\n";
    for (behaviour, name) in cases {
        let backend = Backend::start(behaviour);
        let server = serve(backend.address, bounds, "");
        let crowded = crowd(&server, 9);
        let (asked, most) = (backend.accepted(), backend.most_connections());
        println!("a hook that {name}: {crowded:?}; asked {asked} times, at most {most} at a time");
        crowded.expect_nobody_harmed();
        assert_eq!(asked, 9 * 100, "{name}");
        assert!(most <= 4, "{name}: {most}");
    }
}
