//! The attacker that the program carries: it starts a server of its own, or takes one on loopback, attacks it in every way
//! that `attacks` describes, and measures what honest people beside it felt and which limit held.
//!
//! It reaches nothing but loopback ([`Target`]), and everything that it does is bounded (`bounds`). It knows the server
//! from outside only: sockets, counters and `/proc`.

mod arrivals;
mod attack;
mod attacks;
mod bounds;
mod campaign;
mod clock;
mod counters;
mod course;
mod felt;
mod inbox;
mod interrupt;
mod limits;
mod machine;
mod manners;
mod peer;
mod people;
mod plot;
mod reach;
mod report;
mod rest;
mod server;
mod swarm;
mod target;
mod tls;
mod verdict;
mod watched;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::config::parse_duration;
use crate::time::Wall;
use attack::{Attack, From};
use bounds::SOCKETS_MIN;
use clock::Clock;
use peer::Way;
use rustls::ClientConfig;

pub use arrivals::Arrivals;
pub use attack::comes_from;
pub use attacks::expect_known;
pub use bounds::SECONDS_MAX;
pub use campaign::{Files, run};
pub use manners::Manners;
pub use report::Conclusion;
pub use server::{Home, left_out};
pub use target::Target;

/// Why there is no siege, or none to the end.
#[derive(Debug, thiserror::Error)]
pub enum SiegeError {
    /// Something that is not to be attacked.
    #[error("{0}")]
    Target(String),
    /// An attack that there is not.
    #[error("no attack is called {0:?}; there are: {1}")]
    Attack(String, String),
    /// Settings of the server that its honest people can not keep within, each on a line.
    #[error("too low for the siege's honest people:\n{0}")]
    TooLow(String),
    /// The server did not start, or has ended; its last words.
    #[error("the server does not run: {0}")]
    Server(String),
    /// A server that runs elsewhere, as was said.
    #[error("nobody listens on {0}: {1}")]
    Down(SocketAddr, io::Error),
    /// An attack that could not be made to its end, and why.
    #[error("in the attack {0}: {1}")]
    Stopped(&'static str, io::Error),
    /// It was told to end; where it was.
    #[error("interrupted {0}")]
    Interrupted(String),
    /// A private listener that gives no counters.
    #[error("nobody tells counters on {0}: is that the private listener of the server?")]
    Private(SocketAddr),
    /// The limit on open files leaves attackers too few sockets.
    #[error(
        "the limit on open files (ulimit -n) leaves attackers {0} sockets, {SOCKETS_MIN} at least are needed: raise it"
    )]
    Descriptors(usize),
    /// A token that could not be signed.
    #[error("{0}")]
    Token(String),
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// Who is attacked.
pub enum Whom {
    /// A server of the siege's own, with these settings (`section.key` and value).
    Own {
        home: Home,
        settings: Vec<(String, String)>,
        /// All of the siege is over TLS.
        has_tls: bool,
    },
    /// One that runs, with its private listener if that may be asked.
    Running {
        target: Target,
        private: Option<SocketAddr>,
    },
}

/// What is to be done.
pub struct Plan {
    /// Names of attacks in the order in which they are made; empty: all.
    pub attacks: Vec<String>,
    /// Of each attack, and of the calm before it.
    pub time: Duration,
    /// A round trip of at most this is no fault of the server's, whatever the calm one was.
    pub unnoticed: Duration,
    /// The room that everybody is in.
    pub lobby: String,
    /// Another that anybody may join.
    pub room: String,
    /// What strangers have time for.
    pub times: Times,
    /// How often honest people say something.
    pub manners: Manners,
    /// Limits that are counted and not enforced, without their section.
    pub rehearsed: Vec<&'static str>,
    /// Bytes that the server may draw for connections, queues and tables.
    pub memory: u64,
    /// Every setting, to say which limits were reached and which can not be.
    pub settings: Vec<Setting>,
    /// Settings of a server that runs which let everybody pass who comes from where a siege does.
    pub exempting: Vec<String>,
}

/// One setting in force.
#[derive(Debug, Clone)]
pub struct Setting {
    /// `section.key`
    pub key: String,
    pub value: String,
    /// What it is where nobody sets it, if it is anything then.
    pub default: Option<String>,
}

/// How long a connection may be there.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// From accept to a complete request head.
    pub head: Duration,
    /// From accept to a session.
    pub sign_in: Duration,
}

impl Times {
    /// Those in force during this attack.
    fn under(self, attack: &Attack) -> Times {
        let changed = |name| attack.changed(name).and_then(parse_duration);
        Times {
            head: changed("deadlines.head").unwrap_or(self.head),
            sign_in: changed("deadlines.sign_in").unwrap_or(self.sign_in),
        }
    }
}

/// Signs a token for a user, good for so long from a date on.
pub type Mint<'a> = &'a (dyn Fn(&str, Duration, Wall) -> Result<String, String> + Sync);

/// The names of all attacks and what each does.
pub fn list() -> impl Iterator<Item = (&'static str, &'static str)> {
    attacks::all().map(|attack| (attack.name, attack.what))
}

/// What attackers and honest people stand on.
struct Ground<'a> {
    target: Target,
    /// What its clients need when it speaks TLS.
    tls: Option<Arc<ClientConfig>>,
    sockets_max: usize,
    /// Which /24 is the attackers' own: another for each attack, so that none pays for what the one before it did.
    network: u8,
    times: Times,
    manners: Manners,
    lobby: &'a str,
    room: &'a str,
    mint: Mint<'a>,
    /// It was told to end.
    interrupted: &'a AtomicBool,
}

/// How long good tokens are good for.
const TOKEN_TIME: Duration = Duration::from_secs(3600);
/// How long ago expired ones were signed.
const EXPIRED_BEFORE: Duration = Duration::from_secs(86_400);

impl Ground<'_> {
    /// As the server wants to be spoken to.
    fn way(&self) -> Way<'_> {
        Way {
            target: self.target,
            tls: self.tls.as_ref(),
        }
    }

    /// In the clear, whatever the server wants.
    fn bare_way(&self) -> Way<'_> {
        Way {
            tls: None,
            ..self.way()
        }
    }

    /// A token of `user`; one that could not be signed opens nothing, and the report shows that.
    fn token(&self, user: &str) -> String {
        (self.mint)(user, TOKEN_TIME, Clock::today()).unwrap_or_default()
    }

    /// A good and an expired token of an attacker.
    fn tokens(&self, attack: &str, user: u32) -> (String, String) {
        let user = format!("{attack}-{}-{user}", self.network);
        let then = Clock::today().before(EXPIRED_BEFORE);
        let expired = (self.mint)(&user, TOKEN_TIME, then).unwrap_or_default();
        (self.token(&user), expired)
    }

    /// A ticket, asked for by an attacker; empty when the server gives none.
    fn ticket(&self) -> String {
        let token = self.token("ticket-holder");
        let fields = format!("Authorization: Bearer {token}\r\nContent-Length: 0\r\n");
        let source = Some(From::Address.source(self.network, 0));
        let answer = counters::request(self.way(), source, "POST /ticket HTTP/1.1\r\n", &fields);
        let ticket = answer
            .as_deref()
            .and_then(|body| body.split_once("\"ticket\":\"")?.1.split('"').next());
        ticket.unwrap_or_default().to_owned()
    }
}
