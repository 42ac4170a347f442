//! The peers' projects in `benches/peers/`: built and installed below the target directory, never in the source tree.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Server;
use crate::shared::failure::{Doing, Failure};
use crate::shared::machine::target_directory;

fn sources(peer: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("benches")
        .join("peers")
        .join(peer)
}

pub fn build_tungstenite() -> Result<PathBuf, Failure> {
    let target = target_directory()?.join("bench").join("peers");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args([
        "build",
        "--release",
        "--locked",
        "--quiet",
        "--manifest-path",
    ]);
    build
        .arg(sources("tokio-tungstenite").join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target);
    complete(&mut build)?;
    Ok(target.join("release").join("bench-tokio-tungstenite"))
}

pub fn install_node_ws() -> Result<PathBuf, Failure> {
    let directory = target_directory()?
        .join("bench")
        .join("peers")
        .join("node-ws");
    fs::create_dir_all(&directory).doing("making a directory for node-ws")?;
    let lock = "package-lock.json";
    let installed = same(&sources("node-ws").join(lock), &directory.join(lock))
        && directory.join("node_modules").is_dir();
    for file in ["package.json", lock, "server.js"] {
        fs::copy(sources("node-ws").join(file), directory.join(file))
            .doing(format!("copying node-ws/{file}"))?;
    }
    complete(Command::new("node").arg("--version"))?;
    if !installed {
        complete(
            Command::new("npm")
                .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
                .current_dir(&directory),
        )?;
    }
    Ok(directory.join("server.js"))
}

fn same(one: &Path, other: &Path) -> bool {
    matches!((fs::read(one), fs::read(other)), (Ok(one), Ok(other)) if one == other)
}

fn complete(command: &mut Command) -> Result<(), Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| Failure::Missing(format!("{program}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said
        .lines()
        .rfind(|line| !line.trim().is_empty())
        .unwrap_or_default();
    Err(Failure::Missing(format!(
        "{program} ended with {}: {last}",
        output.status
    )))
}

/// The version of `server`, as its lock file pins it.
pub fn version(server: Server) -> Option<String> {
    let (file, name) = match server {
        Server::Raw => return None,
        Server::Wardroom => return Some(env!("CARGO_PKG_VERSION").to_owned()),
        Server::TokioTungstenite => (
            sources("tokio-tungstenite").join("Cargo.lock"),
            "name = \"tokio-tungstenite\"",
        ),
        Server::NodeWs => (
            sources("node-ws").join("package-lock.json"),
            "\"node_modules/ws\"",
        ),
    };
    let text = fs::read_to_string(file).ok()?;
    let mut after = text.lines().skip_while(|line| !line.contains(name));
    let line = after.find(|line| line.contains("version"))?;
    line.split('"')
        .rfind(|part| part.starts_with(|first: char| first.is_ascii_digit()))
        .map(str::to_owned)
}
