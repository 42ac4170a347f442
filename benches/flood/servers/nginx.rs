//! nginx: before somebody else's application, and with Nchan as a chat of its own.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use super::{Adapter, Place, Program, complete, peers};
use crate::shared::failure::{Doing, Failure};

const NGINX: &str = "/usr/sbin/nginx";
const NCHAN: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";
/// Debian's package of it.
const PACKAGE: &str = "libnginx-mod-nchan";

pub struct Nchan;

impl Adapter for Nchan {
    fn id(&self) -> &'static str {
        "nchan"
    }

    fn name(&self) -> &'static str {
        "Nchan"
    }

    /// It asks another program.
    fn looks_at_tokens(&self) -> bool {
        false
    }

    fn install(&self, _: &Place) -> Result<(), Failure> {
        look(&[NCHAN])
    }

    fn version(&self, _: &Place) -> String {
        let of_package =
            complete(Command::new("dpkg-query").args(["-W", "-f", "${Version}", PACKAGE]));
        let of_package = of_package.unwrap_or_else(|_| "unknown".to_owned());
        format!("nchan {of_package}, {}", version())
    }

    fn programs(&self, place: &Place, address: SocketAddr) -> Result<Vec<Program>, Failure> {
        let command = command("nchan.conf", place, address, &[("MODULE", NCHAN)])?;
        Ok(vec![Program { command, address }])
    }
}

/// Whether nginx is there, and these files of its modules.
pub fn look(modules: &[&str]) -> Result<(), Failure> {
    let is_missing = |file: &&&str| !Path::new(**file).exists();
    match [NGINX].iter().chain(modules).find(is_missing) {
        None => Ok(()),
        Some(file) => Err(Failure::Missing(format!(
            "there is no {file}; benches/flood/peers/install nginx brings it"
        ))),
    }
}

pub fn version() -> String {
    let said = complete(Command::new(NGINX).arg("-v")).unwrap_or_default();
    said.trim()
        .rsplit('/')
        .next()
        .map_or_else(String::new, |number| format!("nginx {number}"))
}

/// nginx with one of the configurations beside the peers, its gaps filled in.
pub fn command(
    name: &str,
    place: &Place,
    address: SocketAddr,
    more: &[(&str, &str)],
) -> Result<Command, Failure> {
    let template = fs::read_to_string(peers().join("nginx").join(name))
        .doing("reading a configuration of nginx")?;
    let port = address.port().to_string();
    let directory = place.path().to_string_lossy();
    let common = [("PORT", port.as_str()), ("PLACE", &directory)];
    let text = common
        .iter()
        .chain(more)
        .fold(template, |text, (gap, value)| {
            text.replace(&format!("@{gap}@"), value)
        });
    let file = place.path().join(name);
    fs::write(&file, text).doing("writing a configuration")?;
    let mut command = Command::new(NGINX);
    command.arg("-p").arg(place.path()).arg("-c").arg(file);
    Ok(command)
}
