//! `[tls]`: the settings, and the files that they name. Looks inside no PEM.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::{ConfigError, Place};
use super::form::Choice;
use super::secret::{self, Fault, Readers};

/// `[tls]`
#[derive(Debug, Clone)]
pub struct Tls {
    /// Files with a certificate chain each; none: no TLS.
    pub certificate: Vec<PathBuf>,
    /// The file with the key of each, in the same order.
    pub key: Vec<PathBuf>,
    pub minimum: TlsMinimum,
    /// How often the files are looked at for a change; zero: they are read again when somebody asks.
    pub look_every: Duration,
    /// How long browsers are told to keep to https; zero: they are told nothing.
    pub hsts: Duration,
    /// Where a plain listener sends people to https.
    pub redirect_address: Option<SocketAddr>,
    /// The port in redirects; `None`: that of `listen.address`.
    pub public_port: Option<u16>,
    pub client_certificates: ClientCertificates,
    /// The file with the authorities of client certificates.
    pub client_ca: Option<PathBuf>,
    /// What stood in `certificate` and `key`.
    pub identities: Vec<TlsIdentity>,
    /// What stood in `client_ca`, as PEM.
    pub client_authorities: Vec<u8>,
}

/// A certificate chain and its key, as they stood in their files.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsIdentity {
    /// PEM
    pub chain: Vec<u8>,
    /// PEM
    pub key: Vec<u8>,
}

impl std::fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsIdentity(***)")
    }
}

/// `tls.minimum`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsMinimum {
    #[default]
    Tls12,
    Tls13,
}

/// `tls.client_certificates`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientCertificates {
    /// They are not asked for.
    #[default]
    Off,
    /// Who shows none may still show another credential.
    Optional,
    /// Who shows none is refused in the handshake.
    Required,
}

impl Choice for TlsMinimum {
    fn words(&self) -> &'static [&'static str] {
        &["1.2", "1.3"]
    }

    fn word(&self) -> &'static str {
        match self {
            TlsMinimum::Tls12 => "1.2",
            TlsMinimum::Tls13 => "1.3",
        }
    }

    fn choose(&mut self, word: &str) -> Option<()> {
        *self = match word {
            "1.2" => TlsMinimum::Tls12,
            "1.3" => TlsMinimum::Tls13,
            _ => return None,
        };
        Some(())
    }
}

impl Choice for ClientCertificates {
    fn words(&self) -> &'static [&'static str] {
        &["off", "optional", "required"]
    }

    fn word(&self) -> &'static str {
        match self {
            ClientCertificates::Off => "off",
            ClientCertificates::Optional => "optional",
            ClientCertificates::Required => "required",
        }
    }

    fn choose(&mut self, word: &str) -> Option<()> {
        *self = match word {
            "off" => ClientCertificates::Off,
            "optional" => ClientCertificates::Optional,
            "required" => ClientCertificates::Required,
            _ => return None,
        };
        Some(())
    }
}

impl Tls {
    /// Whether the public listener speaks TLS.
    pub fn is_on(&self) -> bool {
        !self.certificate.is_empty()
    }

    /// The same settings with what their files hold now.
    ///
    /// # Errors
    /// For each file that can not be read: its setting, and why.
    pub fn read_again(&self) -> Result<Tls, Vec<ConfigError>> {
        let mut again = Tls {
            identities: Vec::new(),
            client_authorities: Vec::new(),
            ..self.clone()
        };
        let faults = again.read_files(Path::new(""));
        let error = |(key, at, fault): (&str, Option<usize>, Fault)| {
            let key = at.map_or_else(|| key.to_owned(), |at| format!("{key}[{at}]"));
            ConfigError::new(Place::Default, key, fault.found, fault.allowed)
        };
        if faults.is_empty() {
            Ok(again)
        } else {
            Err(faults.into_iter().map(error).collect())
        }
    }

    /// Whether the files held the same for both.
    pub(crate) fn holds_the_same_as(&self, other: &Tls) -> bool {
        self.identities == other.identities && self.client_authorities == other.client_authorities
    }

    /// Every file that is named.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let files = self.certificate.iter().chain(&self.key);
        files.chain(&self.client_ca).map(PathBuf::as_path)
    }

    /// Makes the paths absolute from `base`, and reads what they name; gives what is wrong: key, entry, fault.
    pub(super) fn read_files(&mut self, base: &Path) -> Vec<(&'static str, Option<usize>, Fault)> {
        let mut faults = Vec::new();
        let paths = self.certificate.iter_mut().chain(&mut self.key);
        for path in paths.chain(&mut self.client_ca) {
            *path = base.join(&path);
        }
        for (at, (chain, key)) in self.certificate.iter().zip(&self.key).enumerate() {
            let chain = secret::read_file(chain, Readers::Anybody)
                .map_err(|fault| faults.push(("tls.certificate", Some(at), fault)));
            let key = secret::read_file(key, Readers::OwnerAndGroup)
                .map_err(|fault| faults.push(("tls.key", Some(at), fault)));
            if let (Ok(chain), Ok(key)) = (chain, key) {
                self.identities.push(TlsIdentity { chain, key });
            }
        }
        if let Some(path) = &self.client_ca {
            match secret::read_file(path, Readers::Anybody) {
                Ok(bytes) => self.client_authorities = bytes,
                Err(fault) => faults.push(("tls.client_ca", None, fault)),
            }
        }
        faults
    }
}
