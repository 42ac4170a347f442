//! The server's certificates with their keys, and which of them a client is shown.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, SignatureScheme};

use super::error::{TlsError, days_between};
use crate::access::certificate::Certificate;
use crate::config::{Tls, TlsIdentity};
use crate::time::Wall;

/// Certificates and keys, the default first.
#[derive(Debug)]
pub(super) struct Identities(Vec<Identity>);

#[derive(Debug)]
struct Identity {
    key: Arc<CertifiedKey>,
    summary: IdentitySummary,
}

/// What people want to know of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentitySummary {
    /// The names that it is shown for, lower-case.
    pub names: Vec<String>,
    /// From here on it is good no more.
    pub not_after: Wall,
    /// Certificates in its chain, its own included.
    pub chain_length: usize,
}

impl Identities {
    pub(super) fn load(
        tls: &Tls,
        provider: &CryptoProvider,
        now: Wall,
    ) -> Result<Identities, TlsError> {
        let load = |(at, identity)| Identity::load(at, identity, provider, now);
        let identities = tls.identities.iter().enumerate().map(load);
        Ok(Identities(identities.collect::<Result<_, _>>()?))
    }

    pub(super) fn summaries(&self) -> impl Iterator<Item = &IdentitySummary> {
        self.0.iter().map(|identity| &identity.summary)
    }

    /// The first that bears `name` and can sign in one of `schemes`; then the first that can sign; then the first.
    /// A client that asks for another name learns so from what it is shown.
    pub(super) fn choose(
        &self,
        name: Option<&str>,
        schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let signs = |identity: &&Identity| identity.key.key.choose_scheme(schemes).is_some();
        let named = name.map(str::to_ascii_lowercase).and_then(|name| {
            let mut bearing = self.0.iter().filter(|identity| identity.bears(&name));
            bearing.find(signs)
        });
        let chosen = named.or_else(|| self.0.iter().find(signs));
        Some(Arc::clone(&chosen.or(self.0.first())?.key))
    }
}

impl Identity {
    fn load(
        at: usize,
        files: &TlsIdentity,
        provider: &CryptoProvider,
        now: Wall,
    ) -> Result<Identity, TlsError> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&files.chain)
            .collect::<Result<_, _>>()
            .map_err(|_| TlsError::BadCertificate(at))?;
        let own = chain.first().ok_or(TlsError::NoCertificate(at))?;
        let read = Certificate::read(own).ok_or(TlsError::BadCertificate(at))?;
        check_dates(at, &read, now)?;
        let key = PrivateKeyDer::from_pem_slice(&files.key).map_err(|_| TlsError::NoKey(at))?;
        let chain_length = chain.len();
        let key = CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
            Error::InconsistentKeys(_) => TlsError::Mismatch(at),
            Error::InvalidCertificate(_) => TlsError::BadCertificate(at),
            _ => TlsError::BadKey(at),
        })?;
        let names = read.dns_names.iter().map(|name| name.to_ascii_lowercase());
        Ok(Identity {
            key: Arc::new(key),
            summary: IdentitySummary {
                names: names.collect(),
                not_after: read.not_after,
                chain_length,
            },
        })
    }

    /// RFC 6125 §6.4.3: a wildcard stands for the whole first label and for nothing else.
    fn bears(&self, name: &str) -> bool {
        let parent = name.split_once('.').map(|(_, parent)| parent);
        self.summary.names.iter().any(|own| {
            own == name || (own.strip_prefix("*.").is_some() && own.strip_prefix("*.") == parent)
        })
    }
}

fn check_dates(at: usize, certificate: &Certificate, now: Wall) -> Result<(), TlsError> {
    if certificate.not_after <= now {
        let days = days_between(certificate.not_after, now);
        return Err(TlsError::Expired { at, days });
    }
    if now < certificate.not_before {
        let days = days_between(now, certificate.not_before);
        return Err(TlsError::NotYet { at, days });
    }
    Ok(())
}
