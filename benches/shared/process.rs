//! Child processes: started on a core, looked at through `/proc`, and always ended and waited for.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use rustix::process::{
    Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit,
};
use rustix::thread::{CpuSet, sched_setaffinity};

use super::failure::{Doing, Failure};

/// The core of the server under test.
pub const SERVER_CORE: usize = 0;
/// The core of the load generator.
pub const CLIENT_CORE: usize = 1;

/// A child that does not outlive this value.
pub struct Process {
    name: String,
    child: Child,
}

impl Process {
    /// Starts `command` with every thread it will have on `core`.
    ///
    /// # Errors
    /// When the core does not exist or the program cannot be run.
    pub fn start(name: &str, command: &mut Command, core: usize) -> Result<Self, Failure> {
        pin_this_thread(core)?;
        let child = command.spawn().doing(format!("starting {name}"))?;
        Ok(Process {
            name: name.to_owned(),
            child,
        })
    }

    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Time that the process has spent on a core, all its threads together.
    pub fn cpu(&self) -> Result<Duration, Failure> {
        self.scheduled(0)
    }

    /// Time that its threads could have run and waited for a core.
    pub fn waited(&self) -> Result<Duration, Failure> {
        self.scheduled(1)
    }

    /// The sum over all threads of one column of `schedstat`.
    fn scheduled(&self, column: usize) -> Result<Duration, Failure> {
        let tasks = format!("/proc/{}/task", self.child.id());
        let mut nanos = 0;
        for task in fs::read_dir(&tasks).doing(format!("listing the threads of {}", self.name))? {
            let path = task
                .doing("reading a thread's name")?
                .path()
                .join("schedstat");
            nanos += number(&path, column)?;
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// Resident memory in bytes.
    pub fn rss(&self) -> Result<u64, Failure> {
        let path = format!("/proc/{}/status", self.child.id());
        let status =
            fs::read_to_string(&path).doing(format!("reading the memory of {}", self.name))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line
            .and_then(|rest| rest.trim().strip_suffix(" kB"))
            .and_then(|number| number.parse::<u64>().ok());
        kib.map(|kib| kib << 10)
            .ok_or_else(|| Failure::Wrong(format!("{} has ended", self.name)))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only for a child that has already ended and been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that runs `command` in its place, on a leash: [`Drop`] does not run in a process that is killed.
pub fn leashed(command: &Command) -> Result<Command, Failure> {
    let mut leashed = Command::new(std::env::current_exe().doing("finding this executable")?);
    leashed
        .arg("leashed")
        .arg("--")
        .arg(command.get_program())
        .args(command.get_args());
    Ok(leashed)
}

/// Turns this process into the program that `command` names.
///
/// # Errors
/// Always: when it works it does not return.
pub fn become_leashed(command: &[OsString]) -> Result<(), Failure> {
    set_parent_process_death_signal(Some(Signal::KILL)).doing("asking to end with the parent")?;
    let Some((program, arguments)) = command.split_first() else {
        return Ok(());
    };
    Err(Command::new(program).args(arguments).exec())
        .doing(format!("running {}", program.display()))
}

/// The first two of the three numbers of `schedstat` are nanoseconds on a core, and waiting for one.
fn number(path: &Path, column: usize) -> Result<u64, Failure> {
    let text = fs::read_to_string(path).doing("reading schedstat")?;
    let number = text
        .split_whitespace()
        .nth(column)
        .and_then(|number| number.parse().ok());
    number.ok_or_else(|| Failure::Wrong(format!("schedstat says {text:?}")))
}

/// A child inherits the mask of the thread that starts it: no tool is needed, and it never runs elsewhere.
fn pin_this_thread(core: usize) -> Result<(), Failure> {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).doing(format!("moving to core {core}; two cores are needed"))
}

/// The measurement keeps away from the server's core while it waits.
pub fn wait_on_the_clients_core() -> Result<(), Failure> {
    pin_this_thread(CLIENT_CORE)
}

/// Lets this process, and the servers it will start, open as many files as the system allows.
pub fn raise_open_files_limit() {
    let limit = getrlimit(Resource::Nofile);
    // Raising to the hard limit is always allowed; were it not, the row that needs it says so.
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    );
}

/// How many files a process may open.
pub fn open_files_limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}
