//! System calls, by seccomp: a list of those allowed, with what they are for. Every other one is answered with EPERM.
//!
//! The list is for the C libraries of GNU and of musl, on x86-64 and AArch64, and for every thread of the server: the loop,
//! the reader of configurations, the store, the writer of the log, and those who ask others who somebody is.

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::SeccompCmpArgLen::{Dword, Qword};
use seccompiler::SeccompCmpOp::{Eq, MaskedEq};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter_all_threads,
};

use super::plan::{Outgoing, Plan};

/// What is allowed whatever it is asked.
const ALLOWED: &[(&str, &[c_long])] = &[
    (
        "memory",
        &[
            libc::SYS_brk,
            libc::SYS_munmap,
            libc::SYS_mremap,
            libc::SYS_madvise,
        ],
    ),
    (
        // The reader of configurations, the store and the workers may start late.
        "threads",
        &[
            libc::SYS_clone3,
            libc::SYS_futex,
            libc::SYS_set_robust_list,
            libc::SYS_set_tid_address,
            libc::SYS_rseq,
            libc::SYS_sched_yield,
            libc::SYS_sched_getaffinity,
            libc::SYS_gettid,
            libc::SYS_getpid,
            libc::SYS_exit,
            libc::SYS_exit_group,
        ],
    ),
    (
        "time",
        &[
            libc::SYS_clock_gettime,
            libc::SYS_clock_getres,
            libc::SYS_clock_nanosleep,
            libc::SYS_nanosleep,
            libc::SYS_gettimeofday,
        ],
    ),
    (
        "readiness",
        &[
            libc::SYS_epoll_pwait,
            libc::SYS_epoll_pwait2,
            libc::SYS_epoll_ctl,
            libc::SYS_ppoll,
            libc::SYS_pselect6,
        ],
    ),
    (
        // A crash must still end the process in the usual way.
        "signals",
        &[
            libc::SYS_rt_sigaction,
            libc::SYS_rt_sigprocmask,
            libc::SYS_rt_sigreturn,
            libc::SYS_sigaltstack,
            libc::SYS_restart_syscall,
        ],
    ),
    (
        "sockets that are there, and those accepted",
        &[
            libc::SYS_accept4,
            libc::SYS_accept,
            libc::SYS_shutdown,
            libc::SYS_getsockname,
            libc::SYS_getpeername,
            libc::SYS_getsockopt,
            libc::SYS_setsockopt,
            libc::SYS_sendto,
            libc::SYS_sendmsg,
            libc::SYS_recvfrom,
            libc::SYS_recvmsg,
        ],
    ),
    (
        "reading and writing",
        &[
            libc::SYS_read,
            libc::SYS_readv,
            libc::SYS_write,
            libc::SYS_writev,
            libc::SYS_pread64,
            libc::SYS_pwrite64,
            libc::SYS_preadv,
            libc::SYS_pwritev,
            libc::SYS_lseek,
            libc::SYS_close,
            libc::SYS_fcntl,
            libc::SYS_dup,
        ],
    ),
    (
        // Which files is Landlock's to say. SQLite locks, truncates, syncs, and unlinks its journal.
        "files: the configuration again, the store, the log",
        &[
            libc::SYS_openat,
            libc::SYS_fstat,
            libc::SYS_newfstatat,
            libc::SYS_statx,
            libc::SYS_statfs,
            libc::SYS_fstatfs,
            libc::SYS_faccessat,
            libc::SYS_faccessat2,
            libc::SYS_readlinkat,
            libc::SYS_getdents64,
            libc::SYS_getcwd,
            libc::SYS_fsync,
            libc::SYS_fdatasync,
            libc::SYS_ftruncate,
            libc::SYS_fallocate,
            libc::SYS_flock,
            libc::SYS_fchmod,
            libc::SYS_fchown,
            libc::SYS_unlinkat,
            libc::SYS_renameat,
            libc::SYS_renameat2,
        ],
    ),
    (
        "what the process and the machine are",
        &[
            libc::SYS_getrandom,
            libc::SYS_getuid,
            libc::SYS_geteuid,
            libc::SYS_getgid,
            libc::SYS_getegid,
            libc::SYS_uname,
            libc::SYS_sysinfo,
            libc::SYS_getrusage,
            libc::SYS_getcpu,
        ],
    ),
];

/// Older names of the above, which some C libraries still call and AArch64 never had.
#[cfg(target_arch = "x86_64")]
const ALLOWED_OLD: &[c_long] = &[
    libc::SYS_open,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_unlink,
    libc::SYS_rename,
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_poll,
    libc::SYS_select,
    libc::SYS_epoll_wait,
    libc::SYS_time,
    libc::SYS_arch_prctl,
];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_OLD: &[c_long] = &[];

/// Making connections: to whom somebody's identity is asked, and to a resolver. musl binds the socket that it asks from.
const CALLING: &[c_long] = &[libc::SYS_connect, libc::SYS_bind, libc::SYS_sendmmsg];

/// Says what is in force then, or what is missing.
pub(super) fn restrict(plan: &Plan) -> Result<String, String> {
    let failed = |error: &dyn std::fmt::Display| format!("seccomp: {error}");
    // First the one that allows the call that installs the other.
    let filters = [new_thread(), allowed(plan)];
    for filter in filters {
        let program: BpfProgram = filter
            .and_then(TryInto::try_into)
            .map_err(|error| failed(&error))?;
        apply_filter_all_threads(&program).map_err(|error| failed(&error))?;
    }
    let listed: usize = ALLOWED.iter().map(|(_, calls)| calls.len()).sum();
    let count = listed + ALLOWED_OLD.len() + LIMITED.len();
    Ok(format!(
        "{count} system calls and no new privileges (seccomp)"
    ))
}

type Filter = Result<SeccompFilter, seccompiler::BackendError>;

/// Answers `clone3` as an old kernel does: its flags can not be seen from here, and the C library asks again by `clone`,
/// whose flags can.
fn new_thread() -> Filter {
    let rules = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let missing = SeccompAction::Errno(libc::ENOSYS as u32);
    filter(rules, SeccompAction::Allow, missing)
}

fn allowed(plan: &Plan) -> Filter {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    let listed = ALLOWED.iter().flat_map(|(_, calls)| *calls);
    for call in listed.chain(ALLOWED_OLD) {
        rules.insert(*call, Vec::new());
    }
    for limited in LIMITED {
        rules.insert(limited.call, limited.rules()?);
    }
    // `raise`, and `abort` with it, send a signal to the own process, by one call or the other.
    let own = SeccompCondition::new(0, Dword, Eq, u64::from(std::process::id()))?;
    rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![own])?]);
    if cfg!(target_env = "musl") {
        rules.insert(libc::SYS_tkill, Vec::new());
    }
    if plan.outgoing != Outgoing::None {
        rules.extend(CALLING.iter().map(|call| (*call, Vec::new())));
        rules.insert(SOCKET.call, SOCKET.rules()?);
    }
    let refused = SeccompAction::Errno(libc::EPERM as u32);
    filter(rules, refused, SeccompAction::Allow)
}

fn filter(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    otherwise: SeccompAction,
    matched: SeccompAction,
) -> Filter {
    SeccompFilter::new(
        rules,
        otherwise,
        matched,
        std::env::consts::ARCH.try_into()?,
    )
}

/// A call that is allowed only with some values of one argument.
struct Limited {
    call: c_long,
    argument: u8,
    values: Values,
}

enum Values {
    /// One of these.
    OneOf(&'static [u64]),
    /// All of these bits.
    With(u64),
    /// None of these bits.
    Without(u64),
    /// A null pointer.
    Null,
}

/// No memory that was or may become code is added to what was there at the start.
#[allow(
    clippy::unnecessary_cast,
    reason = "what type the constants have is up to the C library"
)]
const LIMITED: &[Limited] = &[
    Limited {
        call: libc::SYS_mmap,
        argument: 2,
        values: Values::Without(libc::PROT_EXEC as u64),
    },
    Limited {
        call: libc::SYS_mprotect,
        argument: 2,
        values: Values::Without(libc::PROT_EXEC as u64),
    },
    // Threads, never processes.
    Limited {
        call: libc::SYS_clone,
        argument: 0,
        values: Values::With(libc::CLONE_THREAD as u64),
    },
    // Non-blocking sockets, bytes that wait, and whether the log goes to a terminal.
    Limited {
        call: libc::SYS_ioctl,
        argument: 1,
        values: Values::OneOf(&[
            libc::FIONBIO as u64,
            libc::FIONREAD as u64,
            libc::TCGETS as u64,
        ]),
    },
    // The store's thread gives way to the loop.
    Limited {
        call: libc::SYS_sched_setattr,
        argument: 0,
        values: Values::OneOf(&[0]),
    },
    Limited {
        call: libc::SYS_sched_getattr,
        argument: 0,
        values: Values::OneOf(&[0]),
    },
    // Names of threads and of memory.
    Limited {
        call: libc::SYS_prctl,
        argument: 0,
        values: Values::OneOf(&[libc::PR_SET_NAME as u64, libc::PR_SET_VMA as u64]),
    },
    // The limits of the own process are read, for the stack of a thread and to see whether a reload fits.
    Limited {
        call: libc::SYS_prlimit64,
        argument: 2,
        values: Values::Null,
    },
];

const SOCKET: Limited = Limited {
    call: libc::SYS_socket,
    argument: 0,
    values: Values::OneOf(&[
        libc::AF_UNIX as u64,
        libc::AF_INET as u64,
        libc::AF_INET6 as u64,
    ]),
};

impl Limited {
    fn rules(&self) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
        let one = |operator, value| {
            let length = match self.values {
                Values::Null => Qword,
                // Flags and options have 32 bits; what is above them may be anything.
                _ => Dword,
            };
            let only = SeccompCondition::new(self.argument, length, operator, value)?;
            SeccompRule::new(vec![only])
        };
        match self.values {
            Values::OneOf(values) => values.iter().map(|value| one(Eq, *value)).collect(),
            Values::With(bits) => Ok(vec![one(MaskedEq(bits), bits)?]),
            Values::Without(bits) => Ok(vec![one(MaskedEq(bits), 0)?]),
            Values::Null => Ok(vec![one(Eq, 0)?]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_call_stands_in_two_places() {
        let mut seen = std::collections::BTreeSet::new();
        let listed = ALLOWED.iter().flat_map(|(_, calls)| *calls);
        let limited = LIMITED.iter().map(|limited| &limited.call);
        for call in listed.chain(ALLOWED_OLD).chain(limited).chain(CALLING) {
            assert!(seen.insert(*call), "{call}");
        }
    }

    #[test]
    fn what_takes_over_a_machine_is_on_no_list() {
        let listed = ALLOWED.iter().flat_map(|(_, calls)| *calls);
        let limited = LIMITED.iter().map(|limited| &limited.call);
        let all: Vec<_> = listed
            .chain(ALLOWED_OLD)
            .chain(limited)
            .chain(CALLING)
            .collect();
        for call in [
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_ptrace,
            libc::SYS_process_vm_writev,
            libc::SYS_mount,
            libc::SYS_bpf,
            libc::SYS_keyctl,
            libc::SYS_init_module,
            libc::SYS_finit_module,
            libc::SYS_kexec_load,
            libc::SYS_userfaultfd,
            libc::SYS_io_uring_setup,
            libc::SYS_perf_event_open,
            libc::SYS_setuid,
            libc::SYS_setns,
            libc::SYS_unshare,
            libc::SYS_kill,
            libc::SYS_listen,
            libc::SYS_memfd_create,
            libc::SYS_pidfd_getfd,
            libc::SYS_open_by_handle_at,
        ] {
            assert!(!all.contains(&&call), "{call}");
        }
    }
}
