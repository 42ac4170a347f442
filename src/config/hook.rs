//! `[auth.hook]`: what its files hold, and where its address leads. Opens no connection, and looks inside no
//! certificate.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::{ConfigError, Place};
use super::secret::{self, Fault, Readers};

/// Fewest bytes of the shared secret: nobody may guess what makes a question ours.
const SECRET_BYTES_MIN: usize = 32;
/// Longest bundle of certificates; those of the systems known today take about 250 KiB.
const CA_BYTES_MAX: u64 = 4 << 20;
/// Where systems keep the certificates that they trust: Debian and Alpine, Fedora, the BSDs.
const SYSTEM_CA_FILES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// `[auth.hook]`: a program of the operator's that says who shows a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookSettings {
    /// Where it is asked; `None`: there is none.
    pub url: Option<String>,
    /// Holds what shows that the question is ours; needed with `url`.
    pub secret_file: Option<PathBuf>,
    /// What `secret_file` holds.
    pub secret: HookSecret,
    /// Holds the certificates that an `https` address may be signed by; `None`: the system's.
    pub ca_file: Option<PathBuf>,
    /// What that file holds, as PEM; empty for plain HTTP.
    pub ca: Vec<u8>,
    /// Allows plain HTTP to another machine: something else keeps the network safe.
    pub insecure_http: bool,
    /// From the question to the whole answer, and at most that long again in the queue before it.
    pub timeout: Duration,
    /// Questions under way at a time, each on a thread.
    pub concurrency_max: usize,
    /// Questions that wait for one of those threads.
    pub queue_max: usize,
    /// Questions of one address, waiting or under way.
    pub questions_per_address_max: usize,
    /// Longest credential that is sent, in bytes.
    pub credential_bytes_max: usize,
    /// Good answers remembered, and as many refusals.
    pub cache_entries_max: usize,
    /// How long a good answer is remembered; zero: not.
    pub cache_time: Duration,
    /// How long a refusal is remembered; zero: not.
    pub cache_refused_time: Duration,
    /// Questions in a row without an answer after which the hook is taken to be down.
    pub failures_max: u32,
    /// How long nobody is asked then.
    pub down_time: Duration,
}

/// What shows the hook that a question is ours: 32 or more visible ASCII characters.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HookSecret(String);

impl HookSecret {
    /// The secret itself, for the one header it belongs in.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for HookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HookSecret(***)")
    }
}

/// The parts of an address that its rules are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HookUrl<'a> {
    pub is_encrypted: bool,
    /// A name or an IP address; IPv6 without its brackets.
    pub host: &'a str,
    pub port: u16,
}

impl<'a> HookUrl<'a> {
    /// Splits an address that [`HookSettings::url`] may hold.
    pub fn parse(url: &'a str) -> Option<HookUrl<'a>> {
        let (scheme, rest) = url.split_once("://")?;
        let is_encrypted = match scheme {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = rest.split('/').next()?;
        let (host, port) = match authority.strip_prefix('[') {
            Some(bracketed) => {
                let (host, rest) = bracketed.split_once(']')?;
                (host, rest.strip_prefix(':'))
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        let usual = if is_encrypted { 443 } else { 80 };
        Some(HookUrl {
            is_encrypted,
            host,
            port: port.map_or(Some(usual), |port| port.parse().ok())?,
        })
    }

    /// Whether what is sent there stays on this machine.
    pub fn is_loopback(&self) -> bool {
        let is_loopback = |ip: std::net::IpAddr| ip.to_canonical().is_loopback();
        self.host.eq_ignore_ascii_case("localhost") || self.host.parse().is_ok_and(is_loopback)
    }
}

/// Whether nobody between here and the hook can read a credential, or somebody took that upon them.
pub(super) fn is_private(settings: &HookSettings) -> bool {
    settings.insecure_http
        || settings.url.as_deref().is_none_or(|url| {
            HookUrl::parse(url).is_some_and(|url| url.is_encrypted || url.is_loopback())
        })
}

/// Reads the files that the settings name, relative to `base`. Only what the address needs is read.
pub(super) fn read_files(
    settings: &mut HookSettings,
    base: &Path,
    place: impl Fn(&str) -> Place,
    errors: &mut Vec<ConfigError>,
) {
    let Some(url) = settings.url.as_deref().and_then(HookUrl::parse) else {
        return;
    };
    let is_encrypted = url.is_encrypted;
    let mut keep = |key: &str, fault: Fault| {
        errors.push(ConfigError::new(
            place(key),
            key,
            fault.found,
            fault.allowed,
        ));
    };
    if let Some(file) = &mut settings.secret_file {
        *file = base.join(&*file);
        match read_secret(file) {
            Ok(secret) => settings.secret = secret,
            Err(fault) => keep("auth.hook.secret_file", fault),
        }
    }
    if let Some(file) = &mut settings.ca_file {
        *file = base.join(&*file);
    }
    if is_encrypted {
        match read_ca(settings.ca_file.as_deref()) {
            Ok(pem) => settings.ca = pem,
            Err(fault) => keep("auth.hook.ca_file", fault),
        }
    }
}

fn read_secret(file: &Path) -> Result<HookSecret, Fault> {
    let bytes = secret::without_newline(secret::read_file(file, Readers::OwnerAlone)?);
    secret::judge(&bytes, SECRET_BYTES_MIN, "auth.hook")?;
    let text = String::from_utf8(bytes).ok();
    text.filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()))
        .map(HookSecret)
        .ok_or_else(|| {
            Fault::new(
                "a secret that is not one line of visible ASCII (***)",
                "a random secret, as from: openssl rand -hex 32",
            )
        })
}

fn read_ca(file: Option<&Path>) -> Result<Vec<u8>, Fault> {
    let system = || {
        SYSTEM_CA_FILES
            .map(Path::new)
            .into_iter()
            .find(|file| file.is_file())
    };
    let file = file.or_else(system).ok_or_else(|| {
        Fault::new(
            "not set, and no bundle of this system was found",
            "a file of certificates as PEM, since auth.hook.url is https",
        )
    })?;
    let pem = read_bounded(file).map_err(|error| {
        Fault::new(
            format!("an unreadable file ({})", error.kind()),
            format!("a file of certificates as PEM, at most {CA_BYTES_MAX} bytes"),
        )
    })?;
    let begin = b"-----BEGIN CERTIFICATE-----";
    if !pem.windows(begin.len()).any(|window| window == begin) {
        return Err(Fault::new(
            "a file without a certificate",
            "certificates as PEM",
        ));
    }
    Ok(pem)
}

fn read_bounded(file: &Path) -> io::Result<Vec<u8>> {
    // Looked at before it is opened: opening a pipe waits for its writer.
    if !std::fs::metadata(file)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut pem = Vec::new();
    File::open(file)?
        .take(CA_BYTES_MAX + 1)
        .read_to_end(&mut pem)?;
    if pem.len() as u64 > CA_BYTES_MAX {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(pem)
}

#[cfg(test)]
mod tests;
