//! Has a thread give way to others. A crate of its own, so that Wardroom itself can forbid what it takes.

use std::io;

/// Steps by which a thread that gives way is nicer than before. On a core that is never idle it has a quarter of what there is
/// (335 parts beside 1024), so that it is late rather than starved.
pub const STEPS: i32 = 5;
/// Nobody can be nicer.
pub const NICENESS_MAX: i32 = 19;
/// How long it would run at a stretch, in nanoseconds: longer than others want to, so that any of them that wakes up is let in
/// before. Linux knows this from 6.12 on; older ones pass it over.
pub const SLICE_NANOSECONDS: u64 = 20_000_000;

/// From now on the thread that calls this is interrupted by others of its process as soon as they have something to do, and has less of a core that
/// all of them want. Elsewhere than on Linux this does nothing.
///
/// # Errors
/// When the system, or a sandbox, does not allow it; then everything is as before.
pub fn give_way() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        let mut schedule = own_schedule()?;
        schedule.sched_nice = (schedule.sched_nice + STEPS).min(NICENESS_MAX);
        schedule.sched_runtime = SLICE_NANOSECONDS;
        let (own, flags) = (0, 0);
        // SAFETY: sched_setattr(2) reads as many bytes of a structure that outlives the call as it says that it has, and writes nothing.
        let done =
            unsafe { libc::syscall(libc::SYS_sched_setattr, own, &raw const schedule, flags) };
        if done != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn own_schedule() -> io::Result<libc::sched_attr> {
    let size = size_of::<libc::sched_attr>() as u32;
    let mut schedule = libc::sched_attr {
        size,
        sched_policy: 0,
        sched_flags: 0,
        sched_nice: 0,
        sched_priority: 0,
        sched_runtime: 0,
        sched_deadline: 0,
        sched_period: 0,
    };
    let (own, flags) = (0, 0);
    // SAFETY: sched_getattr(2) writes at most `size` bytes into a structure of that size, whose fields may hold any numbers.
    let done =
        unsafe { libc::syscall(libc::SYS_sched_getattr, own, &raw mut schedule, size, flags) };
    if done != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(schedule)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::thread;

    use super::*;

    fn niceness() -> i32 {
        own_schedule().unwrap().sched_nice
    }

    #[test]
    fn the_thread_that_asks_gives_way_and_no_other() {
        let before = niceness();
        let asking = thread::spawn(|| {
            give_way().unwrap();
            niceness()
        });
        assert_eq!(asking.join().unwrap(), (before + STEPS).min(NICENESS_MAX));
        assert_eq!(niceness(), before);
    }

    #[test]
    fn nobody_is_nicer_than_there_is() {
        let asking = thread::spawn(|| {
            for _ in 0..5 {
                give_way().unwrap();
            }
            niceness()
        });
        assert_eq!(asking.join().unwrap(), NICENESS_MAX);
    }
}
