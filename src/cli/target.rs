//! Which server a command is for, and the key that it is shown. Opens no connection.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;

use super::arguments::Settings;
use super::{Failure, embedded, load};
use crate::config::{Config, PrivateKey};

/// Where the running server is.
#[derive(Debug, Args)]
pub(super) struct TargetArguments {
    /// The server's configuration file, which names address and key. Without it: the server that runs without a file.
    #[arg(long, value_name = "FILE", conflicts_with = "private")]
    config: Option<PathBuf>,
    /// The server's private listener; no configuration is read.
    #[arg(long, value_name = "URL", requires = "key_file", value_parser = parse_url)]
    private: Option<String>,
    /// The file with its key.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Print what the server answers as JSON.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    settings: Settings,
}

/// A private listener, and the key to it.
pub(super) struct Target {
    base: String,
    authorization: String,
    key_place: String,
}

impl TargetArguments {
    /// # Errors
    /// [`Failure`] when configuration or key cannot be read.
    pub(super) fn resolve(
        &self,
        environment: Vec<(OsString, OsString)>,
    ) -> Result<Target, Failure> {
        let key_file = self.key_file.clone();
        if let (Some(base), Some(file)) = (&self.private, &key_file) {
            return Target::new(base.clone(), file.clone());
        }
        let flags = &self.settings.flags;
        let config = match &self.config {
            Some(file) => load(file, flags, environment)?.config,
            None => embedded::find(flags, environment)?,
        };
        let base = base(&config)?;
        match key_file.or_else(|| config.private.key_file.clone()) {
            Some(file) => Target::new(base, file),
            None => Err(Failure::Key(
                "private.key_file: not set; the server answers nothing but metrics and health without a key: \
                 openssl rand -hex 32 > private.key, chmod 600, and name it there"
                    .to_owned(),
            )),
        }
    }
}

impl Target {
    fn new(base: String, file: PathBuf) -> Result<Target, Failure> {
        let key = PrivateKey::from_file(&file).map_err(|error| Failure::Config(vec![error]))?;
        Ok(Target {
            base,
            authorization: format!("Bearer {}", key.expose()),
            key_place: file.display().to_string(),
        })
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// The address of a path that begins with `/`.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// **Holds the key.**
    pub(super) fn authorization(&self) -> &str {
        &self.authorization
    }

    /// Where the key was found.
    pub(super) fn key_place(&self) -> &str {
        &self.key_place
    }
}

fn base(config: &Config) -> Result<String, Failure> {
    let private = &config.private;
    if !private.enabled {
        let why = "private.enabled: found false; there is no private listener to ask";
        return Err(Failure::Key(why.to_owned()));
    }
    if private.address.port() == 0 {
        let why = "private.address: found port 0; say which port the server got: --private http://127.0.0.1:PORT --key-file FILE";
        return Err(Failure::Key(why.to_owned()));
    }
    let ip = match private.address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    Ok(format!(
        "http://{}",
        SocketAddr::new(ip, private.address.port())
    ))
}

/// `http://HOST:PORT`, and nothing behind it.
fn parse_url(text: &str) -> Result<String, String> {
    let base = text.strip_suffix('/').unwrap_or(text);
    let authority = base.strip_prefix("http://").unwrap_or_default();
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    if authority.is_empty() || !authority.bytes().all(is_inner) {
        return Err("allowed: as http://127.0.0.1:8090".to_owned());
    }
    Ok(base.to_owned())
}
