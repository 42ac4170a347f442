//! Node's `ws`: a chat with the library's own settings.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use super::{Adapter, Place, Program, complete, install, peers};
use crate::shared::failure::Failure;

pub struct NodeWs;

impl Adapter for NodeWs {
    fn id(&self) -> &'static str {
        "node-ws"
    }

    fn name(&self) -> &'static str {
        "Node ws"
    }

    fn install(&self, place: &Place) -> Result<(), Failure> {
        install("node-ws", place)
    }

    fn version(&self, _: &Place) -> String {
        let text = fs::read_to_string(peers().join("node-ws/package.json")).unwrap_or_default();
        let line = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("\"ws\": \""));
        let ws = line
            .and_then(|rest| rest.split('"').next())
            .unwrap_or("unknown");
        let node = complete(Command::new("node").arg("--version")).unwrap_or_default();
        format!("ws {ws}, node {}", node.trim())
    }

    fn programs(&self, place: &Place, address: SocketAddr) -> Result<Vec<Program>, Failure> {
        let mut command = Command::new("node");
        command
            .arg(place.installed.join("node-ws/server.js"))
            .arg(address.port().to_string())
            .arg(place.secret_file());
        Ok(vec![Program { command, address }])
    }
}
