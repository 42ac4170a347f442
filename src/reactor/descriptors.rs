//! How many descriptors the process may hold, and whether the configuration fits.

use std::io;

use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::error::StartError;
use crate::config::Config;

/// Descriptors beside those of connections: the poll, its waker and the signals (6), listeners (16), standard streams (3),
/// the store and its journal (8), the log (2), workers that ask others who somebody is (16), the service manager (1),
/// files of a reload, and one to accept with when there are no more.
const RESERVE: usize = 64;

/// Raises the limit on open descriptors to the hardest that the process may have, and sees whether
/// `limits.connections_max` connections fit.
///
/// # Errors
/// [`StartError::Descriptors`] with the figures.
pub fn secure(config: &Config) -> Result<(), StartError> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        let raised = Rlimit {
            current: maximum,
            maximum,
        };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            log::warn!("the limit on open files stays at {current:?}: {error}");
        }
    }
    check(config)?;
    make_room(config);
    Ok(())
}

/// Has the kernel make its table of this process's descriptors large enough for the connections of `config`.
///
/// It doubles the table whenever the last place is taken, and in a process with more than one thread waits then until no other core can be
/// reading the old one: 10 to 15 ms in which the whole server stood still, five times on the way to a thousand connections.
pub(super) fn make_room(config: &Config) {
    let last = config.limits.connections_max + reserve(config) - 1;
    let Ok(last) = i32::try_from(last) else {
        return;
    };
    // A table never shrinks, so that one duplicate with a high number, gone at once, is enough.
    if let Err(error) = fcntl_dupfd_cloexec(io::stderr(), last) {
        log::debug!("the table of descriptors grows as it is needed: {error}");
    }
}

/// Whether the connections of `config` fit into the limit as it is.
pub(super) fn check(config: &Config) -> Result<(), StartError> {
    let limit = getrlimit(Resource::Nofile).current;
    fits(config.limits.connections_max, reserve(config), limit)
}

/// What strangers can not use up: everything else, the operator's own connections, and those that a turn accepts before it has closed the ones that
/// made room for them.
fn reserve(config: &Config) -> usize {
    RESERVE + config.private.connections_max + config.turn.accepts_max
}

fn fits(connections_max: usize, reserve: usize, limit: Option<u64>) -> Result<(), StartError> {
    // No limit at all is more than anything.
    let limit = limit.map_or(usize::MAX, |limit| limit as usize);
    if connections_max + reserve <= limit {
        return Ok(());
    }
    Err(StartError::Descriptors {
        connections_max,
        reserve,
        limit,
        fitting: limit.saturating_sub(reserve),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_told_with_its_figures() {
        let reserve = reserve(&Config::default());
        assert_eq!(reserve, 192);
        assert!(fits(1000, reserve, Some(1192)).is_ok());
        assert!(fits(1_000_000, reserve, None).is_ok());
        assert_eq!(
            fits(1000, reserve, Some(1191)).unwrap_err().to_string(),
            "limits.connections_max = 1000: with 192 descriptors for everything else that makes 1192, and the process \
             may open 1191; allowed: at most 999, or a higher limit on open files (ulimit -Hn, LimitNOFILE=)"
        );
    }
}
