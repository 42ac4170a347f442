//! What a server with this configuration needs of the machine after its start. The one place to extend when it needs
//! more.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::config::{Config, HookUrl};

/// Directories, ports and whether others are called.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Read from, with everything below. Directories and not files: a file that is replaced is another file.
    pub(super) readable: Vec<PathBuf>,
    /// Written to, with everything below.
    pub(super) writable: Vec<PathBuf>,
    /// TCP ports that may be bound until system calls are restricted too.
    pub(super) bound: Vec<u16>,
    /// Whom the server calls.
    pub(super) outgoing: Outgoing,
}

/// Connections that the server itself makes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Outgoing {
    #[default]
    None,
    /// To this TCP port of whatever host, whose name may have to be looked up.
    Port(u16),
}

impl Plan {
    /// For a server that reads `file` again on SIGHUP.
    pub fn new(config: &Config, file: Option<&Path>) -> Plan {
        let own = [
            Some(config.listen.address),
            config.private.enabled.then_some(config.private.address),
            config.tls.redirect_address,
        ];
        let mut plan = Plan {
            bound: own.iter().flatten().map(SocketAddr::port).collect(),
            ..Plan::default()
        };
        // What the process has used of the machine, for its metrics.
        plan.readable.push("/proc/self".into());
        plan.read_again(file);
        for key in &config.auth.keys {
            plan.read_again(key.file.as_deref());
        }
        let certificates = config.tls.certificate.iter().chain(&config.tls.key);
        let others = [&config.tls.client_ca, &config.private.key_file];
        for file in certificates.chain(others.into_iter().flatten()) {
            plan.read_again(Some(file));
        }
        if let Some(url) = config.auth.hook.url.as_deref().and_then(HookUrl::parse) {
            plan.call(Outgoing::Port(url.port));
            plan.read_again(config.auth.hook.secret_file.as_deref());
            plan.read_again(config.auth.hook.ca_file.as_deref());
        }
        plan.write_below(&config.store.directory);
        if let Some(log) = &config.log.security_file {
            plan.write_below(&directory_of(log));
        }
        plan
    }

    /// A file that a reload reads: whatever stands in its directory then, and where a link leads now.
    pub fn read_again(&mut self, file: Option<&Path>) {
        let Some(file) = file else {
            return;
        };
        self.readable.push(directory_of(file));
        if let Ok(target) = file.canonicalize() {
            self.readable.push(directory_of(&target));
        }
    }

    /// A directory that the server keeps files in. It must exist from now on, or nothing can be allowed.
    pub fn write_below(&mut self, directory: &Path) {
        self.writable.push(directory.to_owned());
    }

    /// Lets the server call others.
    pub fn call(&mut self, outgoing: Outgoing) {
        self.outgoing = outgoing;
        if outgoing != Outgoing::None {
            let resolver = ["/etc", "/run/systemd/resolve", "/usr/share/zoneinfo"];
            self.readable.extend(resolver.map(PathBuf::from));
        }
    }
}

fn directory_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => ".".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_link_leads_to_is_readable_too() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("archive")).unwrap();
        std::fs::create_dir(root.join("live")).unwrap();
        std::fs::write(root.join("archive/chain1.pem"), "").unwrap();
        let link = root.join("live/chain.pem");
        std::os::unix::fs::symlink("../archive/chain1.pem", &link).unwrap();
        let mut plan = Plan::default();
        plan.read_again(Some(&link));
        assert_eq!(plan.readable, [root.join("live"), root.join("archive")]);
    }

    #[test]
    fn a_file_without_a_directory_is_in_the_working_one() {
        assert_eq!(directory_of(Path::new("wardroom.toml")), Path::new("."));
    }
}
