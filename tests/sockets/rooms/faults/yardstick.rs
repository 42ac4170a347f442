//! What this machine makes of half a millisecond: beside other tests and builds, the time of a turn is not the program's doing alone.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// About as long as a turn of the loop with something to do.
const WORK: Duration = Duration::from_micros(500);
const PAUSE: Duration = Duration::from_millis(2);
/// A clock is read so often without a pause of this length, unless somebody else has the processor.
const GAP: Duration = Duration::from_micros(50);

/// A thread that works a little, again and again, until it is asked.
pub struct Yardstick {
    stop: Sender<()>,
    measured: JoinHandle<Vec<Duration>>,
}

impl Yardstick {
    pub fn begin() -> Yardstick {
        let (stop, stopped) = channel();
        let measured = std::thread::spawn(move || {
            let mut measured = Vec::new();
            while stopped.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                measured.push(work());
            }
            measured
        });
        Yardstick { stop, measured }
    }

    /// How many times longer than alone 99 of 100 pieces of work took at most; 1 on a machine that has nothing else to do.
    pub fn end(self) -> f64 {
        drop(self.stop);
        let mut measured = self.measured.join().expect("it only measures");
        measured.sort();
        let place = measured.len() * 99 / 100;
        let longest = measured.get(place).map_or(WORK, |time| *time);
        longest.div_duration_f64(WORK).max(1.0)
    }
}

/// Works for so long, whatever time that takes.
fn work() -> Duration {
    let begun = Instant::now();
    let (mut worked, mut last) = (Duration::ZERO, begun);
    while worked < WORK {
        let now = Instant::now();
        worked += now.duration_since(last).min(GAP);
        last = now;
    }
    begun.elapsed()
}
