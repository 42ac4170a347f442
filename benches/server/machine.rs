//! Where and with what it was measured.

use std::fs;
use std::process::Command;

use serde::Serialize;

use crate::servers::{Server, version};

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
        cores: std::thread::available_parallelism().map_or(0, usize::from),
        kernel: says("uname", &["-sr"]),
        load_average: load_average(),
        rustc: says("rustc", &["--version"]),
        node: says("node", &["--version"]),
        servers: servers.iter().map(versioned).collect(),
    }
}

fn cpu_model() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text
        .lines()
        .find(|line| line.starts_with("model name"))
        .and_then(|line| line.split_once(": "));
    model.map_or("unknown", |(_, model)| model).to_owned()
}

fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace()
        .next()
        .unwrap_or("unknown")
        .to_owned()
}

/// The first line a program prints, `unknown` when it is not there.
fn says(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .ok()
        .filter(|output| output.status.success());
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.and_then(|text| text.lines().next().map(str::to_owned))
        .unwrap_or_else(|| "unknown".to_owned())
}
