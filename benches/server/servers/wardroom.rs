//! Wardroom as it is measured: every limit on but set high, and every connection signed in with an HS256 token.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::{CERTIFICATE, KEY};
use crate::options::Workload;
use crate::shared::credentials::Secret;
use crate::shared::failure::{Doing, Failure};
use crate::shared::limits;

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_wardroom");

/// As many as the fan-out has members: everybody in the room is somebody else.
const USERS: usize = 1000;
/// In the idle row. Joins are announced once per user, so that ten thousand of them do not drown each other.
const USERS_OF_IDLE: usize = 16;

pub struct Wardroom {
    directory: PathBuf,
}

impl Wardroom {
    /// Writes the secret and the tokens into `directory`.
    ///
    /// # Errors
    /// When a file cannot be written or randomness be had.
    pub fn prepare(directory: &Path) -> Result<Self, Failure> {
        let secret = Secret::write(&directory.join("secret"))?;
        let wardroom = Wardroom {
            directory: directory.to_owned(),
        };
        for (workload, users) in [(Workload::FanOut, USERS), (Workload::Idle, USERS_OF_IDLE)] {
            let tokens = (0..users)
                .map(|user| secret.token(&json!({ "sub": format!("user{user:04}") })))
                .collect::<Result<Vec<_>, _>>()?;
            fs::write(wardroom.tokens(workload), tokens.join("\n")).doing("writing the tokens")?;
        }
        Ok(wardroom)
    }

    pub fn tokens(&self, workload: Workload) -> PathBuf {
        self.directory.join(if workload.is_idle() {
            "tokens-few"
        } else {
            "tokens-many"
        })
    }

    pub fn command(&self, address: SocketAddr, workload: Workload) -> Result<Command, Failure> {
        let file = self.directory.join("wardroom.toml");
        let mut text = configuration(address);
        if workload.is_secure() {
            text += &format!("[tls]\ncertificate = \"{CERTIFICATE}\"\nkey = \"{KEY}\"\n");
        }
        fs::write(&file, text).doing("writing the configuration")?;
        let mut command = Command::new(EXECUTABLE);
        command.args(["serve", "--config"]).arg(file);
        Ok(command)
    }
}

pub fn target(workload: Workload) -> &'static str {
    match workload {
        Workload::FanOut | Workload::Idle | Workload::SecureIdle => "/ws/chat",
        Workload::Echo | Workload::Connect | Workload::SecureConnect => "/ws/echo",
    }
}

/// What the executable of the bench profile, which is the release profile unstripped, weighs once stripped.
pub fn stripped_bytes(directory: &Path) -> Result<u64, Failure> {
    let stripped = directory.join("wardroom-stripped");
    let ran = Command::new("strip")
        .arg("-o")
        .arg(&stripped)
        .arg(EXECUTABLE)
        .status();
    match ran {
        Ok(status) if status.success() => {}
        Ok(status) => return Err(Failure::Missing(format!("strip ended with {status}"))),
        Err(error) => return Err(Failure::Missing(format!("strip: {error}"))),
    }
    Ok(fs::metadata(&stripped)
        .doing("weighing the executable")?
        .len())
}

/// Each limit is on, and its bucket full of more than any row takes.
fn configuration(address: SocketAddr) -> String {
    let limits = limits::roomy();
    format!(
        r#"memory = "4GiB"
[listen]
address = "{address}"
[private]
enabled = false
[auth]
query_token = true
refuse_with = "http"
[[auth.key]]
algorithms = ["HS256"]
secret_file = "secret"
[limits]
{limits}
[deadlines]
first_message = "10m"
idle = "10m"
ping = "10m"
[echo]
enabled = true
message_bytes_max = 65536
[store]
directory = "store"
"#
    )
}
