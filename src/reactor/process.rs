//! What the kernel says about this process. Its files are opened at the start, so that a sandbox may close the door
//! behind them.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};

use crate::telemetry::ProcessFacts;
use crate::time::Instant;

/// How old figures may be. A look costs three system calls.
const AGE_MAX: Duration = Duration::from_secs(1);

/// The kernel's figures, as far as it gives any.
#[derive(Debug)]
pub(super) struct Process {
    memory: Option<File>,
    descriptors: Option<File>,
    page_bytes: u64,
    looked_at: Option<Instant>,
}

impl Process {
    pub(super) fn new() -> Self {
        Process {
            memory: File::open("/proc/self/statm").ok(),
            descriptors: File::open("/proc/self/fd").ok(),
            page_bytes: rustix::param::page_size() as u64,
            looked_at: None,
        }
    }

    /// Figures, when those given before are too old.
    pub(super) fn look(&mut self, now: Instant) -> Option<ProcessFacts> {
        if self.looked_at.is_some_and(|at| now.since(at) < AGE_MAX) {
            return None;
        }
        self.looked_at = Some(now);
        Some(ProcessFacts {
            resident_bytes: self.resident_bytes(),
            descriptors_open: self.descriptors_open(),
            descriptors_max: getrlimit(Resource::Nofile).current,
            log_lines_dropped: 0,
        })
    }

    /// The second number of proc_pid_statm(5), in pages.
    fn resident_bytes(&self) -> Option<u64> {
        let mut text = [0; 128];
        let read = self.memory.as_ref()?.read_at(&mut text, 0).ok()?;
        let text = std::str::from_utf8(text.get(..read)?).ok()?;
        let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
        Some(pages * self.page_bytes)
    }

    /// Linux tells the number of descriptors as the size of their directory since 6.2; before that it is zero, and to
    /// count them would be a read for every hundred connections.
    fn descriptors_open(&self) -> Option<u64> {
        let size = self.descriptors.as_ref()?.metadata().ok()?.len();
        (size > 0).then_some(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_the_kernels_and_not_asked_for_more_often_than_every_second() {
        let mut process = Process::new();
        let first = process.look(Instant::ZERO).expect("the first look");
        assert!(first.resident_bytes.expect("memory") > 1 << 20);
        assert!(first.descriptors_max.expect("a limit") > 8);
        let close = Instant::ZERO + Duration::from_millis(999);
        assert!(process.look(close).is_none());
        assert!(process.look(Instant::ZERO + AGE_MAX).is_some());
    }
}
