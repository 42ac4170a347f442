//! Where and with what it was measured.

use serde::Serialize;

use crate::servers::{Server, version};
use crate::shared::machine::{cores, cpu_model, load_average, says};

#[derive(Serialize)]
pub struct Machine {
    pub date: String,
    pub cpu: String,
    pub cores: usize,
    pub kernel: String,
    /// Over the minute before the run: anything else that wanted the cores shows here.
    pub load_average: String,
    pub rustc: String,
    pub node: String,
    pub servers: Vec<Versioned>,
}

#[derive(Serialize)]
pub struct Versioned {
    pub name: &'static str,
    pub version: Option<String>,
}

pub fn describe(servers: &[Server]) -> Machine {
    let versioned = |server: &Server| Versioned {
        name: server.name(),
        version: version(*server),
    };
    Machine {
        date: says("date", &["-u", "+%Y-%m-%dT%H:%M:%SZ"]),
        cpu: cpu_model(),
        cores: cores(),
        kernel: says("uname", &["-sr"]),
        load_average: load_average(),
        rustc: says("rustc", &["--version"]),
        node: says("node", &["--version"]),
        servers: servers.iter().map(versioned).collect(),
    }
}
