//! A log that nobody waits for: lines go into a bounded queue, and a thread of its own writes them.
//!
//! It decides nothing about what is logged. A destination that is stalled or full costs lines, which are counted and
//! told of, and nothing else.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Lines that wait to be written: some seconds of a busy debug log.
pub const LINES_MAX: usize = 4096;
/// Bytes of those lines.
pub const BYTES_MAX: usize = 1 << 20;
/// Longest line; the rest of a longer one is cut off.
pub const LINE_BYTES_MAX: usize = 16 * 1024;

/// How long an end waits for the last lines to be written.
pub const FLUSH_TIME_MAX: Duration = Duration::from_millis(500);

/// Where lines go in the end. Only the writing thread touches it.
pub trait Destination: Write + Send {
    /// Begins anew after the file was moved away.
    ///
    /// # Errors
    /// When it can not be opened; what was open stays in use.
    fn reopen(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// What to call it when it fails; `None`: there is nowhere to say so.
    fn name(&self) -> Option<String> {
        None
    }

    /// The line that says how many are missing before it.
    fn gap(&self, lines: u64) -> String {
        format!(
            "{lines} log lines are missing here: they were not taken in time, or could not be written\n"
        )
    }
}

/// A queue of lines and the thread that writes them. Clones are the same queue.
///
/// **[`LogQueue::push`] never waits**: not for the destination, and not for a lock.
#[derive(Debug, Clone)]
pub struct LogQueue {
    entries: SyncSender<Entry>,
    state: Arc<State>,
}

#[derive(Debug)]
enum Entry {
    Line(Box<[u8]>),
    /// So many lines were lost before the next.
    Gap(u64),
    Reopen,
}

#[derive(Debug, Default)]
struct State {
    bytes: AtomicUsize,
    /// Entries put into the queue.
    pushed: AtomicU64,
    /// Lines lost, ever.
    dropped: AtomicU64,
    /// Lines lost since the last that found room.
    gap: AtomicU64,
    reopen: AtomicBool,
    /// Entries taken out of the queue and dealt with. The thread that pushes does not touch the lock.
    done: Mutex<u64>,
    progress: Condvar,
}

impl LogQueue {
    /// Starts the thread that writes to `destination`. It ends with the last clone of the queue, or with the process.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(destination: impl Destination + 'static) -> io::Result<Self> {
        let (sender, entries) = sync_channel(LINES_MAX);
        let state = Arc::new(State::default());
        let writer = Writer {
            entries,
            state: Arc::clone(&state),
            destination,
            untold: 0,
            is_torn: false,
            is_failing: false,
        };
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || writer.run())?;
        Ok(LogQueue {
            entries: sender,
            state,
        })
    }

    /// Queues a line, its end included, or drops it when too much waits.
    pub fn push(&self, line: &[u8]) {
        let line = cut(line);
        let bytes = line.len();
        let waiting = self.state.bytes.fetch_add(bytes, Ordering::Relaxed);
        if waiting + bytes > BYTES_MAX || !self.tell_gap() || !self.put(Entry::Line(line)) {
            self.state.bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.state.dropped.fetch_add(1, Ordering::Relaxed);
            self.state.gap.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Says how many lines are missing before the next; `false` when there is no room for it.
    fn tell_gap(&self) -> bool {
        let gap = self.state.gap.swap(0, Ordering::Relaxed);
        if gap == 0 || self.put(Entry::Gap(gap)) {
            return true;
        }
        self.state.gap.fetch_add(gap, Ordering::Relaxed);
        false
    }

    fn put(&self, entry: Entry) -> bool {
        let has_room = self.entries.try_send(entry).is_ok();
        if has_room {
            self.state.pushed.fetch_add(1, Ordering::Release);
        }
        has_room
    }

    /// Lines lost since the start.
    pub fn dropped(&self) -> u64 {
        self.state.dropped.load(Ordering::Relaxed)
    }

    /// Begins the destination anew with the next line at the latest.
    pub fn reopen(&self) {
        // In its turn, so that what was said before stands in the old file; with a full queue, at once.
        if !self.put(Entry::Reopen) {
            self.state.reopen.store(true, Ordering::Release);
        }
    }

    /// Waits until what was pushed so far is dealt with, for `limit` at most. For a process that is about to end.
    pub fn flush(&self, limit: Duration) {
        let pushed = self.state.pushed.load(Ordering::Acquire);
        let done = self.state.done.lock();
        let done = done.unwrap_or_else(PoisonError::into_inner);
        // Out of time is as good as done: there is nobody left to tell.
        let _ = self
            .state
            .progress
            .wait_timeout_while(done, limit, |done| *done < pushed);
    }
}

impl LogQueue {
    /// Lets the words of a panic take the same way as all others: the destination may be stalled, and an end must not
    /// wait for it. What waits goes first, so that there is room.
    pub fn take_panics(&self) {
        let log = self.clone();
        std::panic::set_hook(Box::new(move |panic| {
            log.flush(FLUSH_TIME_MAX);
            log.push(format!("wardroom: {panic}\n").as_bytes());
            let backtrace = Backtrace::capture();
            if backtrace.status() == BacktraceStatus::Captured {
                log.push(format!("{backtrace}\n").as_bytes());
            }
            log.flush(FLUSH_TIME_MAX);
        }));
    }
}

/// For loggers that write each line in one call.
impl Write for LogQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The thread's side.
struct Writer<D> {
    entries: Receiver<Entry>,
    state: Arc<State>,
    destination: D,
    /// Lines lost of which the log does not say so yet.
    untold: u64,
    /// The last line was written in part.
    is_torn: bool,
    is_failing: bool,
}

impl<D: Destination> Writer<D> {
    fn run(mut self) {
        while let Ok(entry) = self.entries.recv() {
            if self.state.reopen.swap(false, Ordering::AcqRel) {
                self.reopen();
            }
            match entry {
                Entry::Line(line) => {
                    self.put_down(&line);
                    self.state.bytes.fetch_sub(line.len(), Ordering::Relaxed);
                }
                Entry::Gap(lines) => self.untold += lines,
                Entry::Reopen => self.reopen(),
            }
            let done = self.state.done.lock();
            *done.unwrap_or_else(PoisonError::into_inner) += 1;
            self.state.progress.notify_all();
        }
    }

    /// Writes a line, after one that tells of those lost before it.
    fn put_down(&mut self, line: &[u8]) {
        match self.tell_gap().and_then(|()| self.write(line)) {
            Ok(()) => self.recovered(),
            Err(error) => {
                self.state.dropped.fetch_add(1, Ordering::Relaxed);
                self.untold += 1;
                self.failed(&error);
            }
        }
    }

    fn tell_gap(&mut self) -> io::Result<()> {
        if self.untold > 0 {
            let gap = self.destination.gap(self.untold);
            self.write(gap.as_bytes())?;
            self.untold = 0;
        }
        Ok(())
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.is_torn {
            self.destination.write_all(b"\n")?;
            self.is_torn = false;
        }
        let mut rest = line;
        while !rest.is_empty() {
            match self.destination.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.is_torn = rest.len() < line.len();
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Says once that lines are lost, if it can be said elsewhere.
    fn failed(&mut self, error: &io::Error) {
        if !self.is_failing
            && let Some(name) = self.destination.name()
        {
            log::warn!("{name} can not be written, its lines are lost: {error}");
        }
        self.is_failing = true;
    }

    fn recovered(&mut self) {
        if self.is_failing
            && let Some(name) = self.destination.name()
        {
            log::info!("{name} is written again");
        }
        self.is_failing = false;
    }

    fn reopen(&mut self) {
        match (self.destination.reopen(), self.destination.name()) {
            (Err(error), Some(name)) => log::warn!("{name} can not be opened again: {error}"),
            _ => self.is_torn = false,
        }
    }
}

fn cut(line: &[u8]) -> Box<[u8]> {
    if line.len() <= LINE_BYTES_MAX {
        return line.into();
    }
    let mut short = line.get(..LINE_BYTES_MAX).unwrap_or_default().to_vec();
    short.push(b'\n');
    short.into()
}

#[cfg(test)]
mod tests;
