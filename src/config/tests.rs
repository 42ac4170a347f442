//! Loading as an operator meets it: files, variables, flags, and the text of every error.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::{Config, KeyMaterial, Loaded, Place, Rate, RefuseWith};

const SECRET: &str = "f3a9c07e51d24b86e8f10c3d95a7b264";
const OTHER_SECRET: &str = "0b7de65f418c29a3d2f4a1c680957e3b";

/// A file with one key that is fine, on its lines 1 to 3.
const KEY: &str = "[[auth.key]]\nalgorithms = [\"HS256\"]\nsecret_file = \"secret\"\n";

/// A directory with a configuration file, key files, and what a process is born with.
struct Fixture {
    directory: TempDir,
    environment: Vec<(OsString, OsString)>,
    flags: Vec<String>,
}

impl Fixture {
    fn new(text: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("c.toml"), text).unwrap();
        write_secret(&directory.path().join("secret"));
        Fixture {
            directory,
            environment: Vec::new(),
            flags: Vec::new(),
        }
    }

    fn with_key(text: &str) -> Self {
        Self::new(&format!("{KEY}{text}"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn file(self, name: &str, bytes: &[u8]) -> Self {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        set_mode(&path, 0o600);
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    fn load(&self) -> Result<Loaded, Vec<super::ConfigError>> {
        Config::load(
            Some(&self.path("c.toml")),
            &self.flags,
            self.environment.clone(),
        )
    }

    fn loaded(&self) -> Loaded {
        self.load()
            .map_err(|errors| format!("{errors:#?}"))
            .unwrap()
    }

    /// The text of the errors, without the directory.
    fn errors(&self) -> Vec<String> {
        let directory = self.directory.path().display().to_string();
        let errors = self.load().err().unwrap_or_default();
        errors
            .iter()
            .map(|error| {
                error
                    .to_string()
                    .replace(&directory, "DIR")
                    .replace("DIR/c.toml", "c.toml")
            })
            .collect()
    }
}

pub(super) fn write_secret(path: &Path) {
    fs::write(path, format!("{SECRET}\n")).unwrap();
    set_mode(path, 0o600);
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) {}

mod errors;
mod keys;
mod precedence;
