//! What the store costs: messages a second with a sync for each and with one for many, and whether anything takes longer when
//! more is kept. Prints medians of one run; the ratios are what to compare, the rest is the disk's.
//!
//! `cargo bench --bench store [-- DIRECTORY]`: on the disk of that directory, else of the target directory.

mod rooms;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use wardroom::rooms::record::{From, RoomAnswer, RoomQuestion};
use wardroom::store::{Answer, Company, Question, Sqlite, Store as _};

/// Rounds of each row of the first table.
const ROUNDS: usize = 7;
/// Messages of each round.
const APPENDS: usize = 1024;
/// Messages that share a sync.
const GROUPS: [usize; 4] = [1, 16, 64, 256];
/// Messages kept, in the store compared with and in the large one.
const KEPT: [u64; 2] = [10_000, 1_000_000];
/// Runs of each question of the second table, and of the start.
const RUNS: u64 = 300;
const STARTS: u32 = 9;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let named = std::env::args()
        .skip(1)
        .find(|word| !word.starts_with("--"));
    let parent = named.map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let directory = tempfile::tempdir_in(parent)?;
    appends(directory.path())?;
    sizes(directory.path())
}

/// Messages a second, by how many share a sync.
fn appends(directory: &Path) -> Outcome<()> {
    let mut store = open(&directory.join("appends"))?;
    answer(&mut store, rooms::create("room", 0..0))?;
    let mut rates = vec![Vec::new(); GROUPS.len()];
    for _ in 0..ROUNDS {
        for (group, rates) in GROUPS.iter().zip(&mut rates) {
            let began = Instant::now();
            for _ in 0..APPENDS / group {
                let questions = (0..*group).map(|_| Question::Room(rooms::say("room")));
                store.answer(questions.collect());
            }
            rates.push(APPENDS as f64 / began.elapsed().as_secs_f64());
        }
    }
    println!("durable messages a second, medians of {ROUNDS} rounds of {APPENDS}, 100 bytes each");
    println!(
        "{:>16} {:>12} {:>8} {:>20}",
        "share a sync", "a second", "times", "syncs a message"
    );
    let medians: Vec<f64> = rates.iter_mut().map(|rates| median(rates)).collect();
    for (group, rate) in GROUPS.iter().zip(&medians) {
        println!(
            "{group:>16} {rate:>12.0} {:>8.1} {:>20.3}",
            rate / medians.first().copied().unwrap_or(1.0),
            1.0 / *group as f64
        );
    }
    Ok(())
}

/// What is asked of a store, small and large.
const ASKED: [&str; 8] = [
    "open and load 10,000 rooms with 100,000 people",
    "100 messages from the middle",
    "the last 100 messages",
    "an entry of the log, with a ban",
    "one message, with its sync",
    "forget the five oldest messages",
    "delete the last ten that somebody said",
    "delete what somebody said who said nothing",
];

fn sizes(directory: &Path) -> Outcome<()> {
    let mut columns = Vec::new();
    for kept in KEPT {
        let path = directory.join(kept.to_string());
        rooms::fill(&mut open(&path)?, kept)?;
        columns.push(measure(&path, kept / 2)?);
    }
    let [small, large] = columns.as_slice() else {
        return Err("two stores are compared".into());
    };
    println!();
    println!(
        "microseconds of processor time, means of {RUNS} runs ({STARTS} starts), half of the messages in one room"
    );
    println!(
        "{:<48} {:>12} {:>12} {:>8}",
        "messages kept", KEPT[0], KEPT[1], "times"
    );
    for ((asked, small), large) in ASKED.iter().zip(small).zip(large) {
        println!(
            "{asked:<48} {small:>12.1} {large:>12.1} {:>8.2}",
            large / small
        );
    }
    Ok(())
}

/// Each of [`ASKED`] in microseconds; the large room has messages up to `last`.
fn measure(path: &Path, last: u64) -> Outcome<Vec<f64>> {
    let mut results = Vec::new();
    let began = processor_time()?;
    for _ in 0..STARTS {
        let loaded = open(path)?.load_rooms()?;
        if loaded.len() != rooms::ROOMS {
            return Err(format!("{} rooms were loaded", loaded.len()).into());
        }
    }
    results.push(micros(processor_time()? - began) / f64::from(STARTS));
    let mut store = open(path)?;
    let middle = |run: u64| last / 4 + run * 7 % (last / 2);
    let questions: [&dyn Fn(u64) -> RoomQuestion; 7] = [
        &|run| rooms::page(From::After(middle(run))),
        &|_| rooms::page(From::Before(u64::MAX)),
        &|_| rooms::ban(),
        &|_| rooms::say(rooms::BUSY),
        // Five of each run are there: the small room is not emptied.
        &|run| rooms::trim(run * 5 + 5),
        &|_| rooms::purge("user-1"),
        // Looks at every message of the room.
        &|_| rooms::purge("user-3"),
    ];
    for question in questions {
        let began = processor_time()?;
        for run in 0..RUNS {
            answer(&mut store, question(run))?;
        }
        results.push(micros(processor_time()? - began) / RUNS as f64);
    }
    Ok(results)
}

fn open(path: &Path) -> Outcome<Sqlite> {
    Ok(Sqlite::open(path, Company::Alone)?)
}

fn answer(store: &mut Sqlite, question: RoomQuestion) -> Outcome<RoomAnswer> {
    match store.answer(vec![Question::Room(question)]).pop() {
        Some(Answer::Room(RoomAnswer::Missing)) | None => Err("nothing is there".into()),
        Some(Answer::Room(answer)) => Ok(answer),
        Some(other) => Err(format!("{other:?}").into()),
    }
}

/// What this thread has spent on a core: on a machine that does other things too, what else there is to go by tells of those.
fn processor_time() -> Outcome<Duration> {
    let figures = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = figures.split_whitespace().next().unwrap_or_default();
    Ok(Duration::from_nanos(nanos.parse()?))
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
