//! uWebSockets by way of the Python package `socketify`: a chat with the library's own settings.

use std::net::SocketAddr;
use std::process::Command;

use super::{Adapter, Place, Program, install, peers, python, python_version};
use crate::shared::failure::Failure;

pub struct UWebSockets;

impl Adapter for UWebSockets {
    fn id(&self) -> &'static str {
        "uwebsockets"
    }

    fn name(&self) -> &'static str {
        "uWebSockets"
    }

    fn install(&self, place: &Place) -> Result<(), Failure> {
        install("python", place)
    }

    fn version(&self, _: &Place) -> String {
        python_version("socketify")
    }

    fn programs(&self, place: &Place, address: SocketAddr) -> Result<Vec<Program>, Failure> {
        let mut command = Command::new(python(place));
        command
            .arg(peers().join("uwebsockets/chat.py"))
            .arg(address.port().to_string())
            .arg(place.secret_file());
        Ok(vec![Program { command, address }])
    }
}
