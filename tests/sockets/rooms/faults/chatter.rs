//! People who talk in a durable room whatever the disk does, and try again with the same key when they are turned down.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::line::Caller;
use crate::rooms::{join, with};
use crate::server::{PATIENCE, Server};

const ROOM: &str = "general";
const TALKERS: usize = 3;
/// Messages of one talker without a reply.
const OPEN_MAX: usize = 8;
/// Between two attempts; sooner than they are told to come back, so that there are more of them.
const PAUSE: Duration = Duration::from_millis(5);

/// What was told.
#[derive(Debug, Default)]
pub struct Found {
    /// Texts by number: acknowledged or heard.
    pub said: BTreeMap<u64, String>,
    pub acknowledged: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Counts {
    acknowledged: AtomicU64,
    unavailable: AtomicU64,
    busy: AtomicU64,
}

/// Several people at once, until they are stopped.
pub struct Chatter {
    counts: Arc<Counts>,
    stop: Arc<AtomicBool>,
    talkers: Vec<JoinHandle<Found>>,
}

impl Chatter {
    pub fn begin(server: &Server) -> Chatter {
        let counts = Arc::new(Counts::default());
        let stop = Arc::new(AtomicBool::new(false));
        let talkers = (0..TALKERS).map(|number| {
            let caller = Caller::of(server, &format!("talker-{number}"));
            let (counts, stop) = (Arc::clone(&counts), Arc::clone(&stop));
            std::thread::spawn(move || talk(caller, number, &counts, &stop))
        });
        Chatter {
            talkers: talkers.collect(),
            counts,
            stop,
        }
    }

    /// Messages acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.counts.acknowledged.load(Ordering::Relaxed)
    }

    /// Refusals so far: for a store that does not serve, and for one that is too slow.
    pub fn refused(&self) -> (u64, u64) {
        let counts = &self.counts;
        (
            counts.unavailable.load(Ordering::Relaxed),
            counts.busy.load(Ordering::Relaxed),
        )
    }

    /// Waits until `count` more are acknowledged.
    pub fn wait_for_acknowledged(&self, count: u64) {
        let wanted = self.acknowledged() + count;
        self.wait_until("acknowledged", || self.acknowledged() >= wanted);
    }

    /// Waits until `count` more are refused.
    pub fn wait_for_refused(&self, count: u64) {
        let refused = || self.refused().0 + self.refused().1;
        let wanted = refused() + count;
        self.wait_until("refused", || refused() >= wanted);
    }

    fn wait_until(&self, what: &str, is_so: impl Fn() -> bool) {
        let until = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(
                Instant::now() < until,
                "nothing is {what}: {:?}",
                self.counts
            );
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Lets them have an answer to everything, and end.
    pub fn end(self) -> Found {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Found::default();
        for talker in self.talkers {
            let found = talker.join().expect("nothing odd is told");
            all.acknowledged.extend(found.acknowledged);
            for (seq, text) in found.said {
                let known = all.said.entry(seq).or_insert_with(|| text.clone());
                assert_eq!(*known, text, "message {seq}");
            }
        }
        all
    }
}

fn talk(mut caller: Caller, number: usize, counts: &Counts, stop: &AtomicBool) -> Found {
    let mut found = Found::default();
    caller.done(join(ROOM));
    let mut open: BTreeMap<u64, String> = BTreeMap::new();
    let mut again: Vec<String> = Vec::new();
    let mut last = None;
    for count in 0.. {
        if stop.load(Ordering::Relaxed) && again.is_empty() && open.is_empty() {
            break;
        }
        if open.len() < OPEN_MAX {
            let fresh = || format!("{number}-{count}");
            let text = match again.pop() {
                None if stop.load(Ordering::Relaxed) => None,
                text => Some(text.unwrap_or_else(fresh)),
            };
            if let Some(text) = text {
                let said = json!({"type": "send", "room": ROOM, "message": text});
                let request = with(said, json!({"key": text}));
                let id = caller.request(request).expect("the server lives");
                open.insert(id, text);
                continue;
            }
        }
        let notice = caller.notice().expect("the server lives");
        match notice["id"].as_u64().and_then(|id| open.remove(&id)) {
            None => hear(&notice, &mut last, &mut found),
            Some(text) if notice["type"] == "ok" => {
                let seq = notice["seq"].as_u64().expect("a number");
                let known = found.said.entry(seq).or_insert_with(|| text.clone());
                assert_eq!(*known, text, "message {seq}");
                found.acknowledged.insert(text);
                counts.acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            Some(text) => {
                note_refusal(&notice, counts);
                again.push(text);
                std::thread::sleep(PAUSE);
            }
        }
    }
    found
}

fn note_refusal(notice: &Value, counts: &Counts) {
    let wait = notice["retry_after_ms"].as_u64();
    assert!(wait.is_some_and(|wait| wait > 0), "{notice}");
    match notice["code"].as_str() {
        Some("store_unavailable") => &counts.unavailable,
        Some("busy") => &counts.busy,
        _ => panic!("{notice}"),
    }
    .fetch_add(1, Ordering::Relaxed);
}

fn hear(notice: &Value, last: &mut Option<u64>, found: &mut Found) {
    if notice["type"] != "message" || notice["room"] != ROOM {
        return;
    }
    let seq = notice["seq"].as_u64().expect("a number");
    assert!(
        last.is_none_or(|last| seq == last + 1),
        "{seq} after {last:?}"
    );
    *last = Some(seq);
    let text = notice["message"].as_str().expect("a text").to_owned();
    let known = found.said.entry(seq).or_insert_with(|| text.clone());
    assert_eq!(*known, text, "message {seq}");
}

/// Everything acknowledged or heard stands in the history, every number once, and no text twice.
pub fn expect_kept(address: SocketAddr, found: &Found) {
    let token = crate::line::token("reader");
    let mut reader = Caller::enter(address, &token).expect("the server lives");
    let (mut before, mut texts) = (0, BTreeSet::new());
    loop {
        let request = json!({"type": "history", "room": ROOM, "after": before, "limit": 1000});
        let page = reader.done(request);
        let messages = page["messages"].as_array().expect("messages");
        if messages.is_empty() {
            break;
        }
        for message in messages {
            before += 1;
            assert_eq!(message["seq"], before, "no hole and no repeat");
            let text = message["message"].as_str().expect("a text");
            assert!(texts.insert(text.to_owned()), "twice: {message}");
            let said = found.said.get(&before);
            assert!(
                said.is_none_or(|said| said == text),
                "{message} was {said:?}"
            );
        }
    }
    let last = found.said.last_key_value().map(|(seq, _)| *seq);
    assert!(
        last.is_none_or(|last| last <= before),
        "{last:?} of {before}"
    );
    let lost: Vec<&String> = found.acknowledged.difference(&texts).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
}
