//! Two people who chat while others misbehave, and count every word.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::peer::Peer;
use crate::server::Server;

/// Between two messages: people type.
const PACE: Duration = Duration::from_millis(10);

/// Alice and Bob, talking until they are asked.
pub struct Pair {
    stop: Sender<()>,
    talk: JoinHandle<Talk>,
}

/// What they found.
#[derive(Debug, Clone, Copy)]
pub struct Talk {
    /// Messages that both of them read, in order, none missing.
    pub messages: u64,
    /// The longest time from sending one to both having it.
    pub slowest: Duration,
}

impl Pair {
    /// Lets them begin; each has heard the other when this returns.
    pub fn begin(server: &Server) -> Pair {
        let [alice, bob] =
            ["alice", "bob"].map(|user| Peer::open(server, "/ws/chat", &server.token(user)));
        Pair::between(alice, bob)
    }

    /// The same between two who are in already.
    pub fn between(mut alice: Peer, mut bob: Peer) -> Pair {
        let (stop, stopped) = channel();
        let mut talk = Talk {
            messages: 0,
            slowest: Duration::ZERO,
        };
        exchange(&mut alice, &mut bob, &mut talk);
        let talk = std::thread::spawn(move || {
            while stopped.recv_timeout(PACE) == Err(RecvTimeoutError::Timeout) {
                exchange(&mut alice, &mut bob, &mut talk);
            }
            talk
        });
        Pair { stop, talk }
    }

    /// Asks them to stop; they panic when a message was lost.
    pub fn end(self) -> Talk {
        drop(self.stop);
        self.talk.join().expect("nothing is lost")
    }
}

fn exchange(alice: &mut Peer, bob: &mut Peer, talk: &mut Talk) {
    let begun = Instant::now();
    let number = talk.messages;
    alice.say(&format!("{{\"message\":\"a{number}\"}}"));
    bob.say(&format!("{{\"message\":\"b{number}\"}}"));
    for peer in [alice, bob] {
        let mut said = [next_of_the_pair(peer), next_of_the_pair(peer)];
        said.sort();
        assert_eq!(said, [format!("a{number}"), format!("b{number}")]);
    }
    talk.messages += 1;
    talk.slowest = talk.slowest.max(begun.elapsed());
}

/// The next message that is not about strangers coming and going.
fn next_of_the_pair(peer: &mut Peer) -> String {
    loop {
        let notice = peer.notice();
        let sender = notice["sender"].as_str().expect("a message, not an error");
        if sender == "alice" || sender == "bob" {
            return notice["message"].as_str().expect("a text").to_owned();
        }
    }
}
