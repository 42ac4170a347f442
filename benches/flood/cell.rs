//! One server under one attack: started afresh, a calm, the attack, and what was seen of it.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread::{ScopedJoinHandle, scope, sleep};
use std::time::{Duration, Instant};

use rustix::thread::gettid;
use serde::Serialize;

use crate::attacks::{self, Attack};
use crate::bounds::{DESCRIPTORS_RESERVED, LOOK_EVERY, PATIENCE, RESIDENT_BYTES_MAX, SOCKETS_MAX};
use crate::felt::{Felt, Story};
use crate::ground::Ground;
use crate::people::People;
use crate::servers::{Adapter, Place, Running};
use crate::shared::failure::{Doing, Failure};
use crate::shared::process::open_files_limit;
use crate::swarm::{self, Tally};

/// Of talking before it counts.
const WARM_UP: Duration = Duration::from_millis(300);
/// A calm in which other programs kept the server or the honest from their core for more than this is made again.
const CALM_WAITED_PERCENT_MAX: f64 = 25.0;
const CALMS_MAX: u32 = 3;

/// What was measured.
#[derive(Serialize)]
pub struct Measured {
    pub calm: Felt,
    pub attack: Felt,
    /// How many calms it took until one was calm.
    pub calms: u32,
    /// Of the attack; shorter than asked for when the server had ended or held too much memory.
    pub seconds: f64,
    /// The server's part of its core in percent, in the calm and in the attack.
    pub cpu_percent: [f64; 2],
    /// Percent of the time for which the server, and the honest, wanted their core and somebody else had it: in the calm, in the attack.
    pub server_waited_percent: [f64; 2],
    pub honest_waited_percent: [f64; 2],
    /// The honest's part of their core: near 100, it is they who are slow.
    pub honest_cpu_percent: [f64; 2],
    /// Bytes when the attack began, and at most in it.
    pub resident: [u64; 2],
    /// The server was there when it was over.
    pub has_outlived: bool,
    /// By parts of the attack.
    pub attackers: Vec<Tally>,
    /// For the plot: seconds from the attack's begin, and milliseconds until the message was back.
    #[serde(skip)]
    pub round_trips: Vec<(f64, Option<f64>)>,
}

/// What is known of a server's programs, and of the honest, at one moment.
#[derive(Clone, Copy)]
struct Look {
    at: Instant,
    cpu: Duration,
    waited: Duration,
    honest_cpu: Duration,
    honest_waited: Duration,
}

/// The attack alone.
struct Storm {
    end: Look,
    peak: u64,
    has_outlived: bool,
    attackers: Vec<Tally>,
}

/// Starts `adapter`'s server and attacks it.
///
/// # Errors
/// When it does not start, honest people do not get in, or the system has no more to give.
pub fn measure(
    adapter: &dyn Adapter,
    attack: &Attack,
    place: &Place,
    time: Duration,
) -> Result<Measured, Failure> {
    let running = place.launch(adapter)?;
    let descriptors = usize::try_from(open_files_limit()).unwrap_or(usize::MAX);
    let ground = Ground {
        address: running.address,
        language: adapter.language(),
        secret: &place.secret,
        sockets_max: SOCKETS_MAX.min(descriptors.saturating_sub(DESCRIPTORS_RESERVED)),
    };
    let parts = attacks::parts(attack, adapter.looks_at_tokens());
    let ground = &ground;
    scope(|scope| {
        let (gathered, are_gathered) = channel();
        let (silence, is_silent) = channel();
        let people = scope.spawn(move || {
            let people = People::gather(ground)?;
            // Whoever waits for it is there, or nobody is.
            let _ = gathered.send(gettid().as_raw_nonzero().get());
            people.talk(&is_silent)
        });
        let Ok(honest) = are_gathered.recv() else {
            let nobody = Failure::Wrong("nobody came".to_owned());
            return Err(joined(people).err().unwrap_or(nobody));
        };
        sleep(WARM_UP);
        let (calm, begin, calms) = calm(&running, honest, time)?;
        let resident = running.rss()?;
        let storm = storm(&running, ground, &parts, time, honest, begin)?;
        drop(silence);
        let story = joined(people)?;
        let mut measured = sum_up(&story, [calm, begin], resident, storm);
        measured.calms = calms;
        Ok(measured)
    })
}

/// A calm's begin and end, and how many it took until other programs left it alone.
fn calm(running: &Running, honest: i32, time: Duration) -> Result<(Look, Look, u32), Failure> {
    let mut calms = 0;
    loop {
        let begin = Look::at(running, honest)?;
        sleep(time);
        let end = Look::at(running, honest)?;
        calms += 1;
        let waited = begin.to(&end, |look| look.honest_waited);
        let waited = waited.max(begin.to(&end, |look| look.waited));
        if waited <= CALM_WAITED_PERCENT_MAX || calms == CALMS_MAX {
            return Ok((begin, end, calms));
        }
    }
}

fn storm(
    running: &Running,
    ground: &Ground<'_>,
    parts: &[Attack],
    time: Duration,
    honest: i32,
    begin: Look,
) -> Result<Storm, Failure> {
    let stop = &AtomicBool::new(false);
    scope(|scope| {
        let attackers = scope.spawn(move || swarm::run(ground, parts, stop));
        let (mut peak, mut end) = (0, begin);
        let mut has_outlived = true;
        while end.at - begin.at < time {
            sleep(LOOK_EVERY);
            let (look, resident) = (Look::at(running, honest), running.rss());
            let (Ok(look), Ok(resident)) = (look, resident) else {
                has_outlived = false;
                break;
            };
            end = look;
            peak = peak.max(resident);
            if resident > RESIDENT_BYTES_MAX {
                break;
            }
        }
        stop.store(true, Ordering::Relaxed);
        Ok(Storm {
            end,
            peak,
            has_outlived,
            attackers: joined(attackers)?,
        })
    })
}

fn sum_up(story: &Story, [calm, begin]: [Look; 2], resident: u64, storm: Storm) -> Measured {
    let end = storm.end;
    let from_begin = |at: Instant| {
        let after = at.saturating_duration_since(begin.at).as_secs_f64();
        after - begin.at.saturating_duration_since(at).as_secs_f64()
    };
    let milliseconds = |back: Duration| back.as_secs_f64() * 1000.0;
    let percents = |part: fn(&Look) -> Duration| [calm.to(&begin, part), begin.to(&end, part)];
    Measured {
        calm: story.felt(calm.at, begin.at, PATIENCE),
        attack: story.felt(begin.at, end.at, PATIENCE),
        calms: 1,
        seconds: (end.at - begin.at).as_secs_f64(),
        cpu_percent: percents(|look| look.cpu),
        server_waited_percent: percents(|look| look.waited),
        honest_waited_percent: percents(|look| look.honest_waited),
        honest_cpu_percent: percents(|look| look.honest_cpu),
        resident: [resident, storm.peak.max(resident)],
        has_outlived: storm.has_outlived,
        attackers: storm.attackers,
        round_trips: story
            .said
            .iter()
            .map(|said| (from_begin(said.at), said.back.map(milliseconds)))
            .collect(),
    }
}

impl Look {
    fn at(running: &Running, honest: i32) -> Result<Self, Failure> {
        let [honest_cpu, honest_waited] = scheduled(honest)?;
        Ok(Look {
            at: Instant::now(),
            cpu: running.cpu()?,
            waited: running.waited()?,
            honest_cpu,
            honest_waited,
        })
    }

    /// The rise of `part` until `later`, in percent of the time.
    fn to(&self, later: &Look, part: fn(&Look) -> Duration) -> f64 {
        let time = (later.at - self.at).as_secs_f64();
        let rise = part(later).saturating_sub(part(self)).as_secs_f64();
        if time > 0.0 { rise * 100.0 / time } else { 0.0 }
    }
}

/// How long a thread of this process has had a core, and has waited for one.
fn scheduled(thread: i32) -> Result<[Duration; 2], Failure> {
    let text = fs::read_to_string(format!("/proc/self/task/{thread}/schedstat"));
    let text = text.doing("reading schedstat")?;
    let mut nanos = text
        .split_whitespace()
        .map(|number| number.parse().unwrap_or_default());
    Ok([(); 2].map(|()| Duration::from_nanos(nanos.next().unwrap_or_default())))
}

fn joined<T>(thread: ScopedJoinHandle<'_, Result<T, Failure>>) -> Result<T, Failure> {
    let result = thread.join();
    result.unwrap_or_else(|_| Err(Failure::Wrong("a thread has panicked".to_owned())))
}
