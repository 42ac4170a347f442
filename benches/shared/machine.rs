//! Where it is measured, and where what was measured goes.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::failure::{Doing, Failure};

/// The target directory that this executable was built into, at `PROFILE/deps/`.
pub fn target_directory() -> Result<PathBuf, Failure> {
    let executable = std::env::current_exe().doing("finding this executable")?;
    let directory = executable.ancestors().nth(3);
    directory
        .map(PathBuf::from)
        .ok_or_else(|| Failure::Wrong("this executable is in no target directory".to_owned()))
}

pub fn cpu_model() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text
        .lines()
        .find(|line| line.starts_with("model name"))
        .and_then(|line| line.split_once(": "));
    model.map_or("unknown", |(_, model)| model).to_owned()
}

/// Over the last minute: whatever else wants the cores shows here.
pub fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace()
        .next()
        .unwrap_or("unknown")
        .to_owned()
}

pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(0, usize::from)
}

/// The first line a program prints, `unknown` when it is not there.
pub fn says(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .ok()
        .filter(|output| output.status.success());
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.and_then(|text| text.lines().next().map(str::to_owned))
        .unwrap_or_else(|| "unknown".to_owned())
}
