//! The tutorial's application behind uvicorn, and the same behind nginx with `limit_conn` and `limit_req`.

use std::net::SocketAddr;
use std::process::Command;

use super::{Adapter, Place, Program, install, nginx, peers, python, python_version};
use crate::language::Language;
use crate::shared::failure::Failure;
use crate::shared::listening::free_address;

pub struct Tutorial {
    pub is_behind_nginx: bool,
}

impl Adapter for Tutorial {
    fn id(&self) -> &'static str {
        if self.is_behind_nginx {
            "tutorial-nginx"
        } else {
            "tutorial"
        }
    }

    fn name(&self) -> &'static str {
        if self.is_behind_nginx {
            "tutorial behind nginx"
        } else {
            "tutorial"
        }
    }

    fn language(&self) -> Language {
        Language::Tutorial
    }

    fn install(&self, place: &Place) -> Result<(), Failure> {
        if self.is_behind_nginx {
            nginx::look(&[])?;
        }
        install("python", place)
    }

    fn version(&self, _: &Place) -> String {
        let mut versions = ["fastapi", "uvicorn", "websockets"]
            .map(python_version)
            .to_vec();
        if self.is_behind_nginx {
            versions.push(nginx::version());
        }
        versions.join(", ")
    }

    fn programs(&self, place: &Place, address: SocketAddr) -> Result<Vec<Program>, Failure> {
        let own = if self.is_behind_nginx {
            free_address()?
        } else {
            address
        };
        let mut command = Command::new(python(place));
        command
            .env("FLOOD_SECRET_FILE", place.secret_file())
            .args(["-m", "uvicorn", "app:app", "--app-dir"])
            .arg(peers().join("tutorial"))
            .args(["--host", "127.0.0.1", "--port", &own.port().to_string()]);
        let mut programs = vec![Program {
            command,
            address: own,
        }];
        if self.is_behind_nginx {
            let upstream = own.port().to_string();
            let more = [("UPSTREAM", upstream.as_str())];
            let command = nginx::command("tutorial.conf", place, address, &more)?;
            programs.push(Program { command, address });
        }
        Ok(programs)
    }
}
