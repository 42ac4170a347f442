//! A server on loopback: where it may listen, and the moment it does.

use std::fs::File;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use super::failure::{Doing, Failure};
use super::process::Process;

const START_TIME_MAX: Duration = Duration::from_secs(20);
const START_LOOK_EVERY: Duration = Duration::from_micros(200);
const LOG_BYTES_SHOWN: usize = 400;

/// A loopback port that nobody has at the moment.
pub fn free_address() -> Result<SocketAddr, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).doing("looking for a free port")?;
    listener.local_addr().doing("looking for a free port")
}

/// Waits until a server accepts connections; how long that took since `began`.
///
/// # Errors
/// When it ends, or does not listen in time; the text tells the end of its log.
pub fn wait_until_it_listens(
    process: &mut Process,
    address: SocketAddr,
    began: Instant,
    log: &Path,
) -> Result<Duration, Failure> {
    while began.elapsed() < START_TIME_MAX {
        if TcpStream::connect(address).is_ok() {
            return Ok(began.elapsed());
        }
        if let Some(status) = process.child().try_wait().doing("looking after a server")? {
            return Err(Failure::Wrong(format!(
                "it ended with {status}: {}",
                end_of(log)
            )));
        }
        std::thread::sleep(START_LOOK_EVERY);
    }
    Err(Failure::Wrong(format!(
        "it did not listen within {START_TIME_MAX:?}: {}",
        end_of(log)
    )))
}

fn end_of(log: &Path) -> String {
    let mut text = String::new();
    // Without a readable log there is nothing to add to the message it would go into.
    let _ = File::open(log).and_then(|mut file| file.read_to_string(&mut text));
    let from = text.len().saturating_sub(LOG_BYTES_SHOWN);
    let from = (from..=text.len())
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or_default();
    text.get(from..).unwrap_or_default().replace('\n', " ")
}
