use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

const LONG: Duration = Duration::from_secs(30);

/// A destination that takes a write whenever it is let, and says what it took.
struct Gate {
    let_in: Receiver<io::Result<usize>>,
    took: Sender<Vec<u8>>,
}

/// The other side of a [`Gate`].
struct Keeper {
    let_in: Sender<io::Result<usize>>,
    took: Receiver<Vec<u8>>,
}

impl Keeper {
    /// Lets one write through, up to `bytes`; gives what it was.
    fn lets(&self, bytes: usize) -> String {
        self.let_in.send(Ok(bytes)).unwrap();
        String::from_utf8(self.took.recv_timeout(LONG).unwrap()).unwrap()
    }

    fn refuses(&self) {
        self.let_in
            .send(Err(io::ErrorKind::StorageFull.into()))
            .unwrap();
    }
}

impl Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.let_in.recv().unwrap_or(Ok(0))?.min(bytes.len());
        let _ = self.took.send(bytes[..length].to_vec());
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Destination for Gate {
    fn gap(&self, lines: u64) -> String {
        format!("{lines} lost\n")
    }
}

fn gated() -> (LogQueue, Keeper) {
    let (open, let_in) = channel();
    let (took, taken) = channel();
    let gate = Gate { let_in, took };
    let keeper = Keeper {
        let_in: open,
        took: taken,
    };
    (LogQueue::start(gate).unwrap(), keeper)
}

#[test]
fn a_destination_that_stalls_costs_lines_beyond_the_bound_and_the_gap_is_told_where_it_is() {
    let (log, keeper) = gated();
    // One is in the thread's hands, the others fill the queue, and the rest is lost.
    log.push(b"first\n");
    let mut pushed: u64 = 0;
    while log.dropped() < 10 {
        log.push(b"x\n");
        pushed += 1;
    }
    assert_eq!(keeper.lets(100), "first\n");
    let mut kept: u64 = 0;
    loop {
        match keeper.lets(100).as_str() {
            "x\n" => kept += 1,
            gap => break assert_eq!(gap, format!("{} lost\n", pushed - kept)),
        }
        // Finds room sooner or later, and so tells of those that did not.
        if kept == LINES_MAX as u64 - 10 {
            log.push(b"last\n");
        }
    }
    assert_eq!(log.dropped(), pushed - kept);
    assert_eq!(keeper.lets(100), "last\n");
}

#[test]
fn bytes_that_wait_are_bounded_however_long_the_lines_are() {
    let (log, _keeper) = gated();
    let line = [b'x'; 10_000];
    for _ in 0..1000 {
        log.push(&line);
    }
    assert!(log.state.bytes.load(Ordering::Relaxed) <= BYTES_MAX);
    assert!(log.dropped() >= 1000 - (BYTES_MAX / 10_000) as u64 - 1);
}

#[test]
fn a_line_that_was_torn_does_not_swallow_the_next() {
    let (log, keeper) = gated();
    log.push(b"first line\n");
    assert_eq!(keeper.lets(5), "first");
    keeper.refuses();
    log.push(b"second\n");
    assert_eq!(keeper.lets(100), "\n");
    assert_eq!(keeper.lets(100), "1 lost\n");
    assert_eq!(keeper.lets(100), "second\n");
    assert_eq!(log.dropped(), 1);
}

#[test]
fn what_can_not_be_written_is_counted_once_and_told_when_it_can() {
    let (log, keeper) = gated();
    log.push(b"a\n");
    keeper.refuses();
    log.push(b"b\n");
    keeper.refuses();
    log.push(b"c\n");
    assert_eq!(keeper.lets(100), "2 lost\n");
    assert_eq!(keeper.lets(100), "c\n");
    log.flush(LONG);
    assert_eq!(log.dropped(), 2);
}

#[test]
fn flushing_waits_for_what_was_pushed_and_not_for_ever() {
    let (log, keeper) = gated();
    log.push(b"a\n");
    log.flush(Duration::from_millis(20));
    keeper.let_in.send(Ok(100)).unwrap();
    log.flush(LONG);
    assert_eq!(keeper.took.try_recv().unwrap(), b"a\n");
}

#[test]
fn a_line_beyond_the_bound_is_cut_and_ends() {
    let (log, keeper) = gated();
    log.push(&[b'x'; LINE_BYTES_MAX + 1000]);
    let written = keeper.lets(usize::MAX);
    assert_eq!(written.len(), LINE_BYTES_MAX + 1);
    assert!(written.ends_with("x\n"));
}
