//! A server that runs under strace, which stops it at calls that wait for the disk and at no others.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::process::{Pid, Signal, kill_process};

use crate::server::{Running, Site};
use crate::shared::failure::{Doing, Failure};
use crate::shared::listening::free_address;
use crate::shared::process::leashed;

const CALLS: &str = "trace=fsync,fdatasync,sync_file_range,msync,sync,syncfs";
const END_TIME_MAX: Duration = Duration::from_secs(10);
const END_LOOK_EVERY: Duration = Duration::from_millis(20);

pub struct Traced<'a> {
    site: &'a Site,
    /// strace, whose only child is the server.
    running: Running,
}

impl<'a> Traced<'a> {
    /// # Errors
    /// When there is no strace.
    pub fn start(site: &'a Site) -> Result<Self, Failure> {
        let version = Command::new("strace").arg("--version").output();
        if !version.is_ok_and(|output| output.status.success()) {
            return Err(Failure::Missing("strace is not installed".to_owned()));
        }
        let address = free_address()?;
        let server = site.command(address)?;
        let mut strace = Command::new("strace");
        strace
            .args(["-f", "--seccomp-bpf", "-qq", "-ttt", "-e", CALLS, "-o"])
            .arg(site.file("calls"))
            .arg("--")
            .arg(server.get_program())
            .args(server.get_args());
        let running = site.run(leashed(&strace)?, address)?;
        Ok(Traced { site, running })
    }

    pub fn address(&self) -> SocketAddr {
        self.running.address
    }

    /// Seconds, as strace writes them.
    pub fn now() -> f64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.unwrap_or_default().as_secs_f64()
    }

    /// Ends the server; when it waited for the disk.
    pub fn finish(mut self) -> Result<Vec<f64>, Failure> {
        let strace = self.running.process.child();
        let children = format!("/proc/{0}/task/{0}/children", strace.id());
        let children = fs::read_to_string(children).doing("looking for the server below strace")?;
        let server = children
            .split_whitespace()
            .next()
            .and_then(|id| id.parse().ok())
            .and_then(Pid::from_raw)
            .ok_or_else(|| Failure::Wrong("there is no server below strace".to_owned()))?;
        kill_process(server, Signal::TERM).doing("ending the server")?;
        let until = Instant::now() + END_TIME_MAX;
        while strace.try_wait().doing("waiting for strace")?.is_none() {
            if Instant::now() > until {
                return Err(Failure::Wrong("the server does not end".to_owned()));
            }
            std::thread::sleep(END_LOOK_EVERY);
        }
        let calls = fs::read_to_string(self.site.file("calls")).doing("reading the calls")?;
        Ok(calls.lines().filter_map(began_at).collect())
    }
}

/// When the call of this line began; a line that only tells its end is none.
fn began_at(line: &str) -> Option<f64> {
    let mut words = line.split_whitespace();
    let (_thread, at, call) = (words.next()?, words.next()?, words.next()?);
    call.contains("sync").then(|| at.parse().ok())?
}
