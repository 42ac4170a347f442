//! A chat on tokio-tungstenite of the plainest kind.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use super::{Adapter, Place, Program, install, peers};
use crate::shared::failure::Failure;

pub struct Tungstenite;

impl Adapter for Tungstenite {
    fn id(&self) -> &'static str {
        "tokio-tungstenite"
    }

    fn name(&self) -> &'static str {
        "tokio-tungstenite"
    }

    fn install(&self, place: &Place) -> Result<(), Failure> {
        install("tokio-tungstenite", place)
    }

    fn version(&self, _: &Place) -> String {
        let lock = peers().join("tokio-tungstenite/Cargo.lock");
        let text = fs::read_to_string(lock).unwrap_or_default();
        let (_, rest) = text
            .split_once("name = \"tokio-tungstenite\"")
            .unwrap_or_default();
        let number = rest.split('"').nth(1).unwrap_or("unknown");
        format!("tokio-tungstenite {number}")
    }

    fn programs(&self, place: &Place, address: SocketAddr) -> Result<Vec<Program>, Failure> {
        let executable = "cargo/release/flood-tokio-tungstenite";
        let mut command = Command::new(place.installed.join(executable));
        command
            .arg(address.port().to_string())
            .arg(place.secret_file());
        Ok(vec![Program { command, address }])
    }
}
