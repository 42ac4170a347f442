//! What the machine gives: cores, descriptors, niceness. All of it is asked for, none of it needed.

use std::io;

use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Resource, Rlimit, getrlimit, nice, setrlimit};
use rustix::thread::{CpuSet, gettid, sched_getaffinity, sched_setaffinity};

use super::SiegeError;
use super::bounds::{ATTACKERS_NICE, DESCRIPTORS_RESERVED, SOCKETS_MAX, SOCKETS_MIN};

/// One core for the server and the others for everybody else, or all for all.
#[derive(Debug, Clone)]
pub(super) struct Cores {
    split: Option<(CpuSet, CpuSet)>,
}

impl Cores {
    pub(super) fn find() -> Self {
        let split = sched_getaffinity(None).ok().and_then(|allowed| {
            let cores: Vec<usize> = (0..CpuSet::MAX_CPU)
                .filter(|core| allowed.is_set(*core))
                .collect();
            let (first, others) = cores.split_first()?;
            let mut server = CpuSet::new();
            server.set(*first);
            let mut rest = CpuSet::new();
            others.iter().for_each(|core| rest.set(*core));
            (!others.is_empty()).then_some((server, rest))
        });
        Cores { split }
    }

    /// Whether the server has a core that no attacker uses.
    pub(super) fn are_split(&self) -> bool {
        self.split.is_some()
    }

    /// Moves this thread, and what it starts from now on, to the server's core.
    pub(super) fn move_to_servers(&self) {
        self.move_to(|(server, _)| server);
    }

    /// The same to the other cores.
    pub(super) fn move_to_others(&self) {
        self.move_to(|(_, others)| others);
    }

    fn move_to(&self, which: fn(&(CpuSet, CpuSet)) -> &CpuSet) {
        if let Some(split) = &self.split {
            // A core that went away meanwhile costs accuracy, no more.
            let _ = sched_setaffinity(None, which(split));
        }
    }
}

/// The number of this thread, by which the kernel tells of it.
pub(super) fn this_thread() -> i32 {
    gettid().as_raw_nonzero().get()
}

/// Lets this thread wait behind others on its core.
pub(super) fn stand_back() {
    // What can not be had costs accuracy, no more.
    let _ = nice(ATTACKERS_NICE);
}

/// Raises the limit on descriptors as far as it goes, and says how many sockets attackers may open.
///
/// # Errors
/// [`SiegeError::Descriptors`] when those are too few for any attack.
pub(super) fn sockets_max() -> Result<usize, SiegeError> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // Where it stays as it was, there are fewer attackers.
    let _ = setrlimit(Resource::Nofile, raised);
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let sockets = SOCKETS_MAX.min(limit.saturating_sub(DESCRIPTORS_RESERVED));
    // The kernel's table of descriptors never shrinks, and stands still while it grows: honest people, who open some too, must not wait for that.
    // Where it can not be had at once, it costs accuracy, no more.
    if let Ok(last) = i32::try_from(sockets + DESCRIPTORS_RESERVED - 1) {
        let _ = fcntl_dupfd_cloexec(io::stderr(), last);
    }
    if sockets < SOCKETS_MIN {
        return Err(SiegeError::Descriptors(sockets));
    }
    Ok(sockets)
}

/// Lets whoever else wants this thread's core have it now. The kernel gives an attacker up to three milliseconds at a stretch, however far behind it
/// stands: honest people would say less meanwhile, and where it does not tell when an answer came, the answer would count as late.
pub(super) fn give_way() {
    std::thread::yield_now();
}
