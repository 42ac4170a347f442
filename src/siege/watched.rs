//! The server under attack: what is done to it, and everything that can be learned about it meanwhile.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::ScopedJoinHandle;
use std::time::Duration;

use rustls::ClientConfig;

use super::attack::Attack;
use super::bounds::{CONNECT_TIME_MAX, LOOK_EVERY, RECOVERY_TIME_MAX, REST_TIME};
use super::clock::Clock;
use super::counters::Counters;
use super::course::{Course, Storm};
use super::felt::milliseconds;
use super::interrupt::Belongings;
use super::machine::{self, Cores};
use super::people::People;
use super::server::{self, Figures, Server, Variant};
use super::swarm;
use super::tls;
use super::verdict::{Finding, Memory};
use super::{Ground, Home, SiegeError, Target, Whom};

/// Gauges that must be what they were before anybody came.
const GAUGES: [&str; 3] = ["outbound_bytes:", "outbound_connections:", "seats:"];

/// Where a siege is before its first attack.
const BEFORE_ALL: &str = "before the first attack";

/// A server that runs, or one of the siege's own.
pub(super) enum Watched {
    Running {
        target: Target,
        private: Option<SocketAddr>,
        /// What its clients need when it speaks TLS.
        client: Option<Arc<ClientConfig>>,
        belongings: Arc<Belongings>,
    },
    Own(Box<Own>),
}

pub(super) struct Own {
    server: Server,
    /// As it was started; `None`: it was not.
    variant: Option<Variant>,
    settings: Vec<(String, String)>,
    client: Arc<ClientConfig>,
    cores: Cores,
    /// Goes after the server that lives in it.
    home: Home,
}

/// Waits without anything to wait for.
struct Pause<'a> {
    /// When this is so it does not wait any more.
    interrupted: &'a AtomicBool,
    never: Receiver<()>,
    /// A channel without a sender does not wait.
    _sender: Sender<()>,
}

impl<'a> Pause<'a> {
    fn new(interrupted: &'a AtomicBool) -> Self {
        let (sender, never) = channel();
        Pause {
            interrupted,
            never,
            _sender: sender,
        }
    }

    fn wait(&self, time: Duration) {
        let mut left = time;
        while !left.is_zero() && !self.is_over() {
            let step = left.min(LOOK_EVERY);
            // Nobody sends: it always takes the whole time.
            let _ = self.never.recv_timeout(step);
            left -= step;
        }
    }

    fn is_over(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }
}

impl Watched {
    pub(super) fn begin(whom: Whom, cores: Cores) -> Result<Self, SiegeError> {
        match whom {
            Whom::Own {
                home,
                settings,
                has_tls,
            } => {
                let variant = Variant {
                    has_tls,
                    changes: &[],
                };
                let server = Server::start(&home, &settings, variant, &cores);
                if home.told().load(Ordering::SeqCst) {
                    return Err(SiegeError::Interrupted(BEFORE_ALL.to_owned()));
                }
                Ok(Watched::Own(Box::new(Own {
                    server: server?,
                    variant: Some(variant),
                    settings,
                    client: home.client()?,
                    cores,
                    home,
                })))
            }
            Whom::Running { target, private } => {
                let belongings = Belongings::watched(None)?;
                let address = target.address();
                listens(target).map_err(|error| SiegeError::Down(address, error))?;
                if let Some(private) = private.filter(|at| Counters::ask(*at).is_empty()) {
                    return Err(SiegeError::Private(private));
                }
                cores.move_to_others();
                let speaks_tls = target.speaks_tls();
                Ok(Watched::Running {
                    target,
                    private,
                    client: speaks_tls.then(tls::client_of_any).transpose()?,
                    belongings,
                })
            }
        }
    }

    /// Sees to it that the server is as this attack wants it.
    ///
    /// # Errors
    /// Why it can not be so: one that runs has other settings, and one of the siege's own does not start with what the attack changes in the operator's.
    pub(super) fn prepare(&mut self, attack: &Attack, has_tls: bool) -> Result<(), String> {
        let wanted = Variant {
            has_tls: has_tls || attack.wire.needs_tls(),
            changes: attack.changes,
        };
        match self {
            Watched::Running { target, .. } => {
                let has_wire = target.speaks_tls() || !attack.wire.needs_tls();
                if has_wire && attack.changes.is_empty() {
                    return Ok(());
                }
                Err("it needs a server of the siege's own".to_owned())
            }
            Watched::Own(own) if own.variant == Some(wanted) => Ok(()),
            Watched::Own(own) => {
                own.server.end();
                own.home.clear();
                own.variant = None;
                own.server = Server::start(&own.home, &own.settings, wanted, &own.cores)
                    .map_err(|error| error.to_string())?;
                own.variant = Some(wanted);
                Ok(())
            }
        }
    }

    pub(super) fn target(&self) -> Target {
        match self {
            Watched::Running { target, .. } => *target,
            Watched::Own(own) => own.server.target,
        }
    }

    /// What its clients need when it speaks TLS.
    pub(super) fn client(&self) -> Option<Arc<ClientConfig>> {
        match self {
            Watched::Own(own) if own.variant.is_some_and(|variant| variant.has_tls) => {
                Some(Arc::clone(&own.client))
            }
            Watched::Own(_) => None,
            Watched::Running { client, .. } => client.clone(),
        }
    }

    pub(super) fn described(&self) -> String {
        let (whose, unseen) = match self {
            Watched::Running { private: None, .. } => {
                ("running server", ", its counters not looked at")
            }
            Watched::Running { .. } => ("running server", ""),
            Watched::Own(_) => ("own server", ""),
        };
        format!("{whose} on {}{unseen}", self.target().address())
    }

    /// Whether it is asked for its counters.
    pub(super) fn is_asked(&self) -> bool {
        !matches!(self, Watched::Running { private: None, .. })
    }

    /// `None`: it may not be asked, or does not answer.
    pub(super) fn counters(&self) -> Option<Counters> {
        let private = match self {
            Watched::Running { private, .. } => (*private)?,
            Watched::Own(own) => own.server.private,
        };
        let counters = Counters::ask(private);
        (!counters.is_empty()).then_some(counters)
    }

    /// Whether it is a server of the siege's own.
    pub(super) fn is_own(&self) -> bool {
        matches!(self, Watched::Own(_))
    }

    fn figures(&self) -> Option<Figures> {
        match self {
            Watched::Running { .. } => None,
            Watched::Own(own) => Figures::of(own.server.pid()),
        }
    }

    /// Has the system note the most memory of a server of our own anew; whether it does.
    fn begin_height(&self) -> bool {
        match self {
            Watched::Running { .. } => false,
            Watched::Own(own) => server::begin_height(own.server.pid()),
        }
    }

    /// Whether the siege is to end.
    pub(super) fn told(&self) -> &AtomicBool {
        match self {
            Watched::Running { belongings, .. } => belongings.told(),
            Watched::Own(own) => own.home.told(),
        }
    }

    /// What is seen of a server that is no more.
    pub(super) fn end(&mut self) -> Option<String> {
        match self {
            Watched::Running { target, .. } => {
                let error = listens(*target).err()?;
                Some(format!("nobody listens on {}: {error}", target.address()))
            }
            Watched::Own(own) => own.server.obituary(),
        }
    }

    /// The calm, the attack, and the last words of the honest.
    pub(super) fn attack(
        &self,
        ground: &Ground<'_>,
        clock: Clock,
        parts: &[Attack],
        [calm_time, time]: [Duration; 2],
    ) -> io::Result<Course> {
        let watched = self;
        std::thread::scope(|scope| {
            let (gathered, are_gathered) = channel();
            let (silence, is_silent) = channel();
            let people = scope.spawn(move || {
                let people = People::gather(ground, clock)?;
                // Whoever waits for it is there, or nobody is.
                let _ = gathered.send(machine::this_thread());
                people.talk(&is_silent)
            });
            let Ok(thread) = are_gathered.recv() else {
                let why = joined(people).err();
                return Err(why.unwrap_or_else(|| io::Error::other("nobody came")));
            };
            let calm = clock.now();
            let first = watched.figures();
            let first_wait = server::own_wait(thread);
            Pause::new(watched.told()).wait(calm_time);
            let before = watched.counters();
            let second = watched.figures();
            let second_wait = server::own_wait(thread);
            let storm = watched.storm(ground, clock, parts, time)?;
            let people_waited = [
                second_wait.saturating_sub(first_wait),
                server::own_wait(thread).saturating_sub(second_wait),
            ];
            let after = watched.counters();
            drop(silence);
            Ok(Course {
                calm,
                begin: storm.begin,
                end: storm.end,
                before,
                after,
                figures: [first, second, storm.last],
                people_waited,
                peak: storm.peak,
                height: storm.height,
                tallies: storm.tallies,
                story: joined(people)?,
            })
        })
    }

    /// The attack alone.
    fn storm(
        &self,
        ground: &Ground<'_>,
        clock: Clock,
        parts: &[Attack],
        time: Duration,
    ) -> io::Result<Storm> {
        let stop = AtomicBool::new(false);
        let pause = Pause::new(self.told());
        let is_noted = self.begin_height();
        let highest = || match self.figures() {
            Some(figures) if is_noted => figures.highest_bytes,
            Some(figures) => figures.resident_bytes,
            None => 0,
        };
        std::thread::scope(|scope| {
            let begin = clock.now();
            let attackers = scope.spawn(|| swarm::run(ground, clock, parts, &stop));
            let mut peak = highest();
            while clock.now().since(begin) < time && !pause.is_over() {
                pause.wait(LOOK_EVERY);
                peak = peak.max(highest());
            }
            let (last, end) = (self.figures(), clock.now());
            // Asking costs the server something: not in the time that counts.
            let height = self.counters();
            stop.store(true, Ordering::Relaxed);
            let tallies = joined(attackers)?;
            // That they all go takes memory too.
            peak = peak.max(highest());
            Ok(Storm {
                begin,
                end,
                last,
                peak,
                tallies,
                height,
            })
        })
    }

    /// Waits until everything is as it was when nobody was there, or for too long.
    pub(super) fn recover(&self, clock: Clock, idle: Option<&Counters>, found: &mut Finding) {
        let began = clock.now();
        let pause = Pause::new(self.told());
        let after_max = found
            .memory
            .map_or(u64::MAX, |memory| Memory::after_max(memory.calm));
        loop {
            let took = clock.now().since(began);
            if found.recovered_ms.is_none() && self.is_as(idle) {
                found.recovered_ms = Some(milliseconds(took));
            }
            if let (Some(memory), Some(figures)) = (&mut found.memory, self.figures()) {
                memory.after = figures.resident_bytes;
            }
            let is_small = found.memory.is_none_or(|memory| memory.after <= after_max);
            let is_well = is_small && found.recovered_ms.is_some();
            if is_well || took > RECOVERY_TIME_MAX || pause.is_over() {
                return;
            }
            pause.wait(LOOK_EVERY);
        }
    }

    /// The same without a look at memory, and whether everything is as it was.
    pub(super) fn settle(&self, clock: Clock, idle: Option<&Counters>) -> bool {
        let began = clock.now();
        let pause = Pause::new(self.told());
        loop {
            let is_well = self.is_as(idle);
            if is_well || clock.now().since(began) > RECOVERY_TIME_MAX || pause.is_over() {
                return is_well;
            }
            pause.wait(LOOK_EVERY);
        }
    }

    /// Whether it is the siege's own, on a system that tells what memory it takes.
    pub(super) fn shows_memory(&self) -> bool {
        self.is_own() && self.figures().is_some()
    }

    /// Waits while nobody is there, and says how little memory of its own a server of the siege's came down to; `None`: it can not be
    /// seen any more.
    pub(super) fn rest(&self, clock: Clock) -> Option<u64> {
        let began = clock.now();
        let pause = Pause::new(self.told());
        let mut least = self.figures()?.own_bytes;
        while clock.now().since(began) < REST_TIME && !pause.is_over() {
            pause.wait(LOOK_EVERY);
            least = least.min(self.figures()?.own_bytes);
        }
        Some(least)
    }

    /// Whether nobody is there and nothing waits. A server that may not be asked is believed.
    fn is_as(&self, idle: Option<&Counters>) -> bool {
        let Some(idle) = idle else { return true };
        let Some(now) = self.counters() else {
            return false;
        };
        let are_gone = now.connections() <= idle.connections();
        are_gone && GAUGES.iter().all(|gauge| now.get(gauge) <= idle.get(gauge))
    }
}

/// Whether somebody takes connections there.
fn listens(target: Target) -> io::Result<()> {
    TcpStream::connect_timeout(&target.address(), CONNECT_TIME_MAX).map(drop)
}

fn joined<T>(thread: ScopedJoinHandle<'_, io::Result<T>>) -> io::Result<T> {
    let result = thread.join();
    result.unwrap_or_else(|_| Err(io::Error::other("a thread of the siege has panicked")))
}
