//! Wardroom as it comes: a secret and addresses are all that is configured.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use super::{Adapter, Place, Program};
use crate::language::Language;
use crate::shared::failure::{Doing, Failure};
use crate::shared::listening::free_address;

pub struct Wardroom;

impl Adapter for Wardroom {
    fn id(&self) -> &'static str {
        "wardroom"
    }

    fn name(&self) -> &'static str {
        "Wardroom"
    }

    fn language(&self) -> Language {
        Language::Wardroom
    }

    fn install(&self, _: &Place) -> Result<(), Failure> {
        Ok(())
    }

    fn version(&self, _: &Place) -> String {
        format!("wardroom {}", env!("CARGO_PKG_VERSION"))
    }

    fn programs(&self, place: &Place, address: SocketAddr) -> Result<Vec<Program>, Failure> {
        let file = place.path().join("wardroom.toml");
        let private = free_address()?;
        let text = format!(
            "[listen]\naddress = \"{address}\"\n[private]\naddress = \"{private}\"\n\
             [[auth.key]]\nalgorithms = [\"HS256\"]\nsecret_file = \"secret\"\n"
        );
        fs::write(&file, text).doing("writing a configuration")?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_wardroom"));
        command.args(["serve", "--config"]).arg(file);
        Ok(vec![Program { command, address }])
    }
}
