//! The embedded default: a configuration without a file, and the secrets that it makes for itself on first run.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::Failure;
use crate::config::{Config, KeySource, PrivateKey};
use crate::store::make_directory;

const SECRET_BYTES: usize = 32;
/// What tokens are signed with, and what programs show to the private listener.
const SECRET: &str = "secret";
const PRIVATE_KEY: &str = "private.key";

/// The defaults under environment and flags, with the two secrets of the data directory, made if need be: one that
/// verifies tokens, and the private listener's key unless another was named.
///
/// # Errors
/// [`Failure`] when a setting is wrong, or the secret cannot be made, read or trusted.
pub(super) fn load(
    flags: &[String],
    environment: Vec<(OsString, OsString)>,
) -> Result<Config, Failure> {
    let loaded = Config::load(None, flags, environment).map_err(Failure::Config)?;
    let mut config = loaded.config;
    let wrong = |error| Failure::Config(vec![error]);
    let path = secret_file(&config.store.directory, SECRET)?;
    config.auth.keys = vec![KeySource::from_secret_file(&path).map_err(wrong)?];
    if config.private.enabled && config.private.key.is_none() {
        let path = secret_file(&config.store.directory, PRIVATE_KEY)?;
        config.private.key = Some(PrivateKey::from_file(&path).map_err(wrong)?);
        config.private.key_file = Some(path);
    }
    Ok(config)
}

/// The same as a running server has loaded it, for those who ask it something: nothing is made, no key read.
///
/// # Errors
/// [`Failure`] when a setting is wrong, or no server ever ran here.
pub(super) fn find(
    flags: &[String],
    environment: Vec<(OsString, OsString)>,
) -> Result<Config, Failure> {
    let mut config = Config::load(None, flags, environment)
        .map_err(Failure::Config)?
        .config;
    if config.private.key_file.is_none() {
        let path = config.store.directory.join(PRIVATE_KEY);
        if !path.is_file() {
            return Err(Failure::Key(format!(
                "no key at {}: start the server first, or say which one with --config FILE, or --private URL and --key-file FILE",
                path.display()
            )));
        }
        config.private.key_file = Some(path);
    }
    Ok(config)
}

/// The path of the secret called `name`, which exists from now on.
fn secret_file(directory: &Path, name: &str) -> Result<PathBuf, Failure> {
    let path = directory.join(name);
    let cannot = |what: &str, path: &Path, error: io::Error| {
        Failure::Operation(format!("cannot {what} {}: {error}", path.display()))
    };
    match fs::symlink_metadata(&path) {
        Ok(_) => return Ok(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(cannot("look for the secret", &path, error)),
    }
    make_directory(directory)
        .map_err(|error| cannot("make the data directory", directory, error))?;
    let secret = random_hex::<SECRET_BYTES>()?;
    let draft = directory.join(format!("{name}.{}", random_hex::<8>()?));
    let placed = write_draft(&draft, &secret).and_then(|()| place(&draft, &path));
    // A draft that was renamed is gone already; one that was not is of no use to anybody.
    let _ = fs::remove_file(&draft);
    placed.map_err(|error| cannot("make the secret", &path, error))?;
    log::info!("made a new secret in {}", path.display());
    Ok(path)
}

fn random_hex<const BYTES: usize>() -> Result<String, Failure> {
    let mut bytes = [0; BYTES];
    let filled = aws_lc_rs::rand::fill(&mut bytes);
    filled.map_err(|_| Failure::Operation("cannot get random bytes from the system".to_owned()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn write_draft(draft: &Path, secret: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file: File = options.open(draft)?;
    writeln!(file, "{secret}")?;
    file.sync_all()
}

/// Gives `draft` its name whole or not at all, and leaves the secret of another process that was quicker.
fn place(draft: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // Not every file system has links.
        Err(_) => fs::rename(draft, path),
        Ok(()) => Ok(()),
    }
}
