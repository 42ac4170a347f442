//! Carries a script out: the real engine over a simulated disk and network, in virtual time, and after every turn somebody who judges it.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::client::Link;
use super::disk::{Disk, Journal, look};
use super::network::Network;
use super::oracle::{Oracle, Violation};
use super::pace::{Paces, paces};
use super::raw::Raw;
use super::script::{Backing, HONEST, PEOPLE, Script, Step, Tab};
use super::trace::Trace;
use crate::config::Config;
use crate::engine::Census;
use crate::id::ConnectionId;
use crate::simulation::client::Ending;
use crate::simulation::world::{Names, World};
use crate::time::{Instant, Now};

/// Turns of one moment, and moments without time passing: beyond that something goes round in circles. Where a read takes fewer bytes than so many,
/// there are as many times more turns.
const TURNS_MAX: usize = 20_000;
const TURN_BYTES: usize = 64;
const SAME_MOMENTS_MAX: usize = 200;
/// After the last step, until nothing may be left: more than the longest deadline that is not in hours.
const END: Duration = Duration::from_secs(150);

/// Questions that the real store answers at once.
const TOGETHER_MAX: usize = 16;

/// Credentials end at whole milliseconds, and so does what is counted from then.
const ROUNDED: Duration = Duration::from_millis(5);

/// What became of a run.
#[derive(Debug)]
pub struct Report {
    pub violation: Option<Violation>,
    /// The step at which it was found.
    pub step: usize,
    pub digest: u64,
    pub lines: Vec<String>,
    pub virtual_time: Duration,
    pub counts: Counts,
}

/// How much happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub turns: u64,
    pub opened: u64,
    pub requests: u64,
    pub notices: u64,
    pub messages: u64,
    pub kept: u64,
    pub crashes: u64,
}

impl Counts {
    /// Adds what happened in another run.
    pub fn add(&mut self, other: &Counts) {
        self.turns += other.turns;
        self.opened += other.opened;
        self.requests += other.requests;
        self.notices += other.notices;
        self.messages += other.messages;
        self.kept += other.kept;
        self.crashes += other.crashes;
    }
}

/// A connection of nobody's.
#[derive(Debug)]
pub(super) struct Stray {
    pub(super) id: ConnectionId,
    /// Since when it is expected to go, and when the server last took a byte of it.
    pub(super) watched: Instant,
    pub(super) last_taken: Instant,
    /// How long its credential is good, if it has one that is.
    pub(super) life: Option<Duration>,
    /// How often the date had been set when it came.
    pub(super) jumps: u64,
    pub(super) came: Instant,
    pub(super) address: String,
    /// Whether it asks with a credential that is no good; and who of the honest does, by mistake.
    pub(super) fails: bool,
    pub(super) honest: Option<usize>,
    /// Whether it was answered.
    pub(super) is_answered: bool,
    /// Whether it sends what the script says, whenever that says so.
    pub(super) is_raw: bool,
}

/// A run under way.
pub(super) struct Run<'s> {
    pub(super) script: &'s Script,
    pub(super) config: Config,
    pub(super) world: World,
    pub(super) journal: Arc<Mutex<Journal>>,
    pub(super) network: Network,
    pub(super) oracle: Oracle,
    pub(super) trace: Trace,
    pub(super) counts: Counts,
    pub(super) links: Vec<Link>,
    /// Links that are connected, as far as they know.
    pub(super) active: Vec<usize>,
    pub(super) tabs: BTreeMap<Tab, usize>,
    pub(super) strays: Vec<Stray>,
    pub(super) raws: BTreeMap<u8, Raw>,
    /// Whether somebody has made up the credential of somebody else. What honest people may do is not known then.
    pub(super) has_impostor: bool,
    /// The last number that each person has heard in rooms that keep messages.
    pub(super) heard: BTreeMap<(u8, String), u64>,
    /// What honest people have left of what they may do.
    pub(super) paces: Vec<Paces>,
    /// People whose credentials were taken back.
    pub(super) revoked: BTreeSet<u8>,
    /// Moments at which something ends that was said to.
    pub(super) edges: BTreeSet<Instant>,
    /// When the ban or mute ends that was asked for last.
    pub(super) sanction_end: Option<Instant>,
    pub(super) jumps: u64,
    pub(super) next_number: u64,
    pub(super) lifetimes: u64,
    pub(super) is_stalled: bool,
}

/// Carries a script out, up to the first violation. `in_words`: with lines to read.
pub fn run(script: &Script, in_words: bool) -> Report {
    let mut run = Run::new(script, in_words);
    let began = run.now().instant;
    let mut step = 0;
    let played = catch_unwind(AssertUnwindSafe(|| run.play(&mut step)));
    let mut outcome =
        played.unwrap_or_else(|panic| Err(Violation::new("no panic", words_of(&*panic))));
    if let Some(words) = look(&run.journal).wrong.take() {
        outcome = Err(Violation::new("store", words));
    }
    let now = run.now();
    if let Err(violation) = &outcome {
        run.trace
            .line(now, || format!("! {}: {}", violation.rule, violation.words));
    }
    Report {
        violation: outcome.err(),
        step,
        digest: run.trace.digest(),
        virtual_time: now.instant.since(began),
        lines: run.trace.lines().to_vec(),
        counts: run.counts,
    }
}

/// What a panic said.
fn words_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or(panic.downcast_ref::<String>().cloned())
        .unwrap_or_default()
}

impl<'s> Run<'s> {
    fn new(script: &'s Script, in_words: bool) -> Self {
        let config = script.setup.config();
        let disk = Disk::new(script.store, script.seed);
        let journal = disk.journal();
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&script.seed.to_le_bytes());
        let mut world = World::over(config.clone(), Box::new(Names), seed, Box::new(disk));
        world.answered_together_max = match script.store {
            Backing::Twin => 1,
            Backing::Sqlite => TOGETHER_MAX,
        };
        world.pages_wait = true;
        world.read_bytes_max = usize::from(script.setup.read_bytes_max.max(1));
        let now = world.now();
        Run {
            script,
            oracle: Oracle::new(config.clone(), now),
            world,
            journal,
            network: Network::default(),
            trace: Trace::new(in_words, now),
            counts: Counts::default(),
            links: Vec::new(),
            active: Vec::new(),
            tabs: BTreeMap::new(),
            strays: Vec::new(),
            raws: BTreeMap::new(),
            has_impostor: false,
            heard: BTreeMap::new(),
            paces: vec![paces(&config.limits); HONEST],
            revoked: BTreeSet::new(),
            edges: BTreeSet::new(),
            sanction_end: None,
            jumps: 0,
            next_number: 1,
            lifetimes: 1,
            is_stalled: false,
            config,
        }
    }

    pub(super) fn now(&self) -> Now {
        self.world.now()
    }

    /// The link of a tab that can be used.
    pub(super) fn link(&self, tab: Tab) -> Option<usize> {
        let number = *self.tabs.get(&tab)?;
        self.active.contains(&number).then_some(number)
    }

    fn play(&mut self, at: &mut usize) -> Result<(), Violation> {
        self.observe()?;
        for (number, step) in self.script.steps.iter().enumerate() {
            *at = number;
            self.step(*step)?;
        }
        self.finish()
    }

    fn step(&mut self, step: Step) -> Result<(), Violation> {
        if step.after_ms > 0 {
            self.pass(Duration::from_millis(u64::from(step.after_ms)))?;
        }
        self.oracle.is_troubled = self.is_stalled || look(&self.journal).fault.is_some();
        let now = self.now();
        self.trace.line(now, || format!("- {:?}", step.act));
        self.act(step.act, step.way)?;
        if step.is_joined {
            return Ok(());
        }
        self.settle()?;
        self.judge()
    }

    /// Lets time pass, stopping whenever something is due.
    pub(super) fn pass(&mut self, time: Duration) -> Result<(), Violation> {
        // What is there already is looked at before.
        self.settle()?;
        let until = self.now().instant + time;
        let mut same = 0;
        loop {
            let parted = self
                .active
                .iter()
                .filter_map(|link| self.links[*link].parted_until);
            let due = [
                self.world.next_deadline(),
                self.network.next_due(),
                parted.min(),
            ];
            let Some(next) = due
                .into_iter()
                .flatten()
                .min()
                .filter(|next| *next <= until)
            else {
                break;
            };
            let before = self.now().instant;
            self.world.set_instant(next);
            self.rejoin();
            self.settle()?;
            same = if self.now().instant > before {
                0
            } else {
                same + 1
            };
            if same > SAME_MOMENTS_MAX {
                let words = format!("something is due at {next:?}, and is not done");
                return Err(Violation::new("time passes", words));
            }
        }
        self.world.set_instant(until);
        self.settle()
    }

    /// Runs turns until nothing moves any more.
    pub(super) fn settle(&mut self) -> Result<(), Violation> {
        let mut quiet = 0;
        let turns_max = TURNS_MAX * (TURN_BYTES / self.world.read_bytes_max).max(1);
        for _ in 0..turns_max {
            let came = self.receive()?;
            let moved = self.turn()?;
            quiet = if moved || came { 0 } else { quiet + 1 };
            if quiet == 2 {
                return self.meter();
            }
        }
        let words = format!("{turns_max} turns, and it goes on");
        Err(Violation::new("comes to rest", words))
    }

    /// One turn, and what is to be seen of it.
    pub(super) fn turn(&mut self) -> Result<bool, Violation> {
        self.counts.turns += 1;
        let moved = self.world.turn();
        self.observe()?;
        Ok(moved)
    }

    /// Judges what must hold when nothing more happens at this moment.
    fn judge(&mut self) -> Result<(), Violation> {
        let now = self.now();
        let (held, open) = (self.world.census(), self.world.connected());
        if held.connections != open {
            let words = format!(
                "{} connections are held, and {open} are open",
                held.connections
            );
            return Err(Violation::new("no connection leaked", words));
        }
        self.judge_bounds(&held)?;
        for number in &self.active {
            let link = &self.links[*number];
            self.oracle.judge_link(link, self.jumps, now)?;
            let is_answered = link.pending.is_empty() || self.is_stalled;
            if link.is_exact && link.is_free && link.is_usable() && !is_answered {
                let words = format!("{} waits for {:?}", link.user, link.pending);
                return Err(Violation::new("one reply", words));
            }
            if link.is_exact && link.is_free && link.is_usable() && link.pinged.is_some() {
                let words = format!("{} waits for a pong", link.user);
                return Err(Violation::new("one reply", words));
            }
        }
        for stray in &self.strays {
            let (since, most) = self.stray_most(stray);
            let waited = now.instant.since(since);
            if waited > most {
                let words = format!(
                    "a stranger who asks for nothing is connected for {waited:?}, at most {most:?}"
                );
                return Err(Violation::new("no timer lost", words));
            }
        }
        Ok(())
    }

    /// Since when a stranger may be connected how long, who says nothing after what they came with, answers nothing, and reads everything.
    fn stray_most(&self, stray: &Stray) -> (Instant, Duration) {
        let deadlines = &self.config.deadlines;
        let (since, open) = match stray.life {
            None => (stray.last_taken, deadlines.head.max(deadlines.keep_alive)),
            Some(life) if stray.jumps == self.jumps => (stray.watched, life),
            // A credential ends at a date. When that is put off it ends with the peer's silence.
            Some(_) => (stray.last_taken, deadlines.ping + deadlines.pong),
        };
        // Who is told of errors without end is not read from for a while, so many times in a row.
        let pauses = match stray.is_raw {
            true => deadlines.pause * self.config.limits.pauses_max,
            false => Duration::ZERO,
        };
        let most = open + pauses + deadlines.close + deadlines.linger + ROUNDED;
        (since, most)
    }

    fn judge_bounds(&self, held: &Census) -> Result<(), Violation> {
        let limits = &self.config.limits;
        // What one turn may queue for one connection beside what waits.
        const TURN_BYTES_MAX: usize = 160 * 1024;
        let each = limits.outbound_bytes_per_connection_max + TURN_BYTES_MAX;
        let most = (each * held.connections)
            .min(limits.outbound_bytes_max + TURN_BYTES_MAX * held.connections);
        if held.outbound_bytes > most {
            let words = format!(
                "{} bytes wait for {} connections",
                held.outbound_bytes, held.connections
            );
            return Err(Violation::new("budget", words));
        }
        let answers = self.config.limits.pending_answers_max;
        if held.pending_answers > answers {
            let words = format!(
                "{} answers are outstanding of {answers}",
                held.pending_answers
            );
            return Err(Violation::new("budget", words));
        }
        for (who, user) in PEOPLE.iter().enumerate() {
            let is_theirs = |number: &&usize| {
                let link = &self.links[**number];
                usize::from(link.tab.who) == who && link.is_usable() && link.is_free
            };
            let open = self.active.iter().filter(is_theirs).count();
            if open > limits.connections_per_user {
                return Err(Violation::new(
                    "never over",
                    format!("{user} has {open} sessions"),
                ));
            }
        }
        Ok(())
    }

    /// Lets the oracle count what was read at this moment of those whose session goes on. After the end what comes is thrown away, and costs
    /// nothing; who reads nothing does not know of it.
    pub(super) fn meter(&mut self) -> Result<(), Violation> {
        let now = self.now();
        let mut read = Vec::new();
        for number in &self.active {
            let link = &mut self.links[*number];
            let counts = std::mem::take(&mut link.metered.read_now);
            if !counts.is_empty() && link.is_usable() && link.is_free {
                read.push((*number, counts));
            }
        }
        self.oracle.metered(&mut self.links, &read, now)
    }

    /// Everybody goes, and nothing may be left.
    fn finish(&mut self) -> Result<(), Violation> {
        let now = self.now();
        self.trace.line(now, || "- everybody goes".to_owned());
        look(&self.journal).fault = None;
        self.world.store_is(None);
        self.stall(false)?;
        self.settle()?;
        for number in self.active.clone() {
            let link = &mut self.links[number];
            link.has_gone = true;
            link.parted_until = None;
            let id = link.id;
            if self.world.client(id).ending() != Ending::Closed {
                self.world.client(id).set_window(usize::MAX);
                self.world.shut(id);
            }
        }
        for stray in &self.strays {
            if self.world.client(stray.id).ending() != Ending::Closed {
                self.world.shut(stray.id);
            }
        }
        self.pass(END)?;
        let held = self.world.census();
        if held != Census::default() {
            return Err(Violation::new(
                "counters return to zero",
                format!("{held:?}"),
            ));
        }
        let now = self.now();
        self.oracle.end(now)?;
        let found = self.world.store().load_rooms();
        match found {
            Ok(rooms) => self.oracle.compare(&rooms, now),
            Err(fault) => Err(Violation::new("store", fault.to_string())),
        }
    }
}
