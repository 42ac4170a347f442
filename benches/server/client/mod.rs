//! The load generator: a single-threaded epoll client with frames of its own making, in a process of its own.
//!
//! It checks what it receives, so that a server cannot be quick by doing less. It measures nothing: it says `ready` on
//! standard output, waits for a line on standard input, works, and says how much was done.

mod connect;
mod echo;
mod fan_out;
pub mod handshake;
mod idle;
pub mod link;

use std::io::Write;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::options::{ClientOptions, Workload};
use crate::shared::failure::{Doing, Failure};

/// The first line the client says: connected and warm.
pub const READY: &str = "ready";

/// The last line, as JSON.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Done {
    /// Messages echoed, deliveries, or connections.
    pub units: u64,
    /// Bytes that came from the server for them.
    pub bytes: u64,
    pub seconds: f64,
}

/// What came of one run.
struct Work {
    units: u64,
    bytes: u64,
}

/// A row's work on connections that are already made.
trait Workloads {
    /// Works for `duration` and then until nothing is outstanding.
    fn run(&mut self, duration: Duration) -> Result<Work, Failure>;
}

pub fn run(options: &ClientOptions) -> Result<(), Failure> {
    if !options.address.ip().is_loopback() {
        return Err(Failure::Wrong(format!(
            "{} is not a loopback address",
            options.address
        )));
    }
    let mut workload: Box<dyn Workloads> = match options.workload {
        Workload::Echo => Box::new(echo::Echo::connect(options)?),
        Workload::FanOut => Box::new(fan_out::FanOut::connect(options)?),
        Workload::Connect | Workload::SecureConnect => Box::new(connect::Connect::new(options)?),
        Workload::Idle | Workload::SecureIdle => Box::new(idle::Idle::connect(options)?),
    };
    workload.run(Duration::from_millis(options.warm_up_ms))?;
    say(READY)?;
    wait_for_go()?;
    let began = Instant::now();
    let Work { units, bytes } = workload.run(Duration::from_millis(options.measured_ms))?;
    let done = Done {
        units,
        bytes,
        seconds: began.elapsed().as_secs_f64(),
    };
    say(&serde_json::to_string(&done)
        .map_err(std::io::Error::from)
        .doing("writing the result")?)?;
    // The connections stay open until the server's clock has been read.
    wait_for_go()
}

fn say(line: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .doing("writing to standard output")
}

/// The end of standard input means that whoever asked has gone.
fn wait_for_go() -> Result<(), Failure> {
    let read = std::io::stdin()
        .read_line(&mut String::new())
        .doing("reading standard input")?;
    if read == 0 {
        Err(Failure::Wrong("nobody waits for the result".to_owned()))
    } else {
        Ok(())
    }
}
