//! X.509 certificates: what stands in one, and who a client is that shows one. Verifies no signature: the TLS library did.

use std::fmt;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;

use super::{AuthError, Authenticator, Credential, Identity, RetiredKeys, Source};
use crate::time::{Instant, Now, Wall};

/// What is looked at of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Who it is about: the first URI among its alternative names, else the first e-mail address, else the first DNS name,
    /// else the first common name of its subject.
    pub subject: Option<String>,
    /// DNS names among its alternative names, as they stand there.
    pub dns_names: Vec<String>,
    pub not_before: Wall,
    /// From here on it is good no more.
    pub not_after: Wall,
}

impl Certificate {
    /// Reads a certificate in DER; `None` when it is none.
    pub fn read(der: &[u8]) -> Option<Certificate> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let names = certificate.subject_alternative_name().ok().flatten();
        let names = names.map_or(&[][..], |names| &names.value.general_names);
        let common = certificate.subject().iter_common_name().next();
        let common = common.and_then(|name| name.as_str().ok());
        let validity = certificate.validity();
        Some(Certificate {
            subject: first_name(names).or(common).map(str::to_owned),
            dns_names: names
                .iter()
                .filter_map(|name| dns(name).map(str::to_owned))
                .collect(),
            not_before: date(validity.not_before),
            not_after: date(validity.not_after),
        })
    }
}

fn first_name<'a>(names: &'a [GeneralName<'a>]) -> Option<&'a str> {
    let first = |of: fn(&'a GeneralName<'a>) -> Option<&'a str>| names.iter().find_map(of);
    first(uri).or_else(|| first(email)).or_else(|| first(dns))
}

fn uri<'a>(name: &'a GeneralName<'a>) -> Option<&'a str> {
    match name {
        GeneralName::URI(text) => Some(text),
        _ => None,
    }
}

fn email<'a>(name: &'a GeneralName<'a>) -> Option<&'a str> {
    match name {
        GeneralName::RFC822Name(text) => Some(text),
        _ => None,
    }
}

fn dns<'a>(name: &'a GeneralName<'a>) -> Option<&'a str> {
    match name {
        GeneralName::DNSName(text) => Some(text),
        _ => None,
    }
}

/// Whole seconds; before 1970 is as long ago as 1970.
fn date(time: ASN1Time) -> Wall {
    let seconds = u64::try_from(time.timestamp()).unwrap_or(0);
    Wall::from_millis(seconds.saturating_mul(1000))
}

/// A client's certificate, verified in the handshake.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// Who shows it, as [`Certificate::subject`] says.
    pub subject: Box<str>,
    pub not_after: Wall,
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.subject)
    }
}

impl ClientCertificate {
    /// What a client's certificate in DER says; `None` when it names nobody.
    pub fn read(der: &[u8]) -> Option<ClientCertificate> {
        let certificate = Certificate::read(der)?;
        Some(ClientCertificate {
            subject: certificate.subject?.into(),
            not_after: certificate.not_after,
        })
    }

    /// Asks `authenticator` who this is. Nobody outlives the certificate.
    ///
    /// # Errors
    /// [`AuthError::Expired`] for a certificate that was good when its connection began, or what the authenticator says.
    pub fn authenticate(
        &self,
        authenticator: &dyn Authenticator,
        now: Now,
    ) -> Result<Identity, AuthError> {
        if self.not_after <= now.wall {
            return Err(AuthError::Expired);
        }
        let credential = Credential {
            source: Source::Certificate,
            value: &self.subject,
        };
        let identity = authenticator.authenticate(credential, now)?;
        let expires = identity.expires.unwrap_or(self.not_after);
        Ok(Identity {
            expires: Some(expires.min(self.not_after)),
            ..identity
        })
    }
}

/// Takes certificates for who they name, and leaves every other credential to the authenticator inside.
pub struct WithCertificates<A>(pub A);

impl<A: Authenticator> Authenticator for WithCertificates<A> {
    fn authenticate(&self, credential: Credential<'_>, now: Now) -> Result<Identity, AuthError> {
        match credential.source {
            Source::Certificate => Ok(Identity::new(credential.value, credential.value, None)?),
            _ => self.0.authenticate(credential, now),
        }
    }

    fn recognizes(&self, credential: Credential<'_>) -> bool {
        credential.source == Source::Certificate || self.0.recognizes(credential)
    }

    fn retire(&self) -> Option<RetiredKeys> {
        self.0.retire()
    }

    fn succeed(&mut self, retired: RetiredKeys, until: Instant) {
        self.0.succeed(retired, until);
    }

    fn retired_until(&self) -> Option<Instant> {
        self.0.retired_until()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use std::time::Duration;

    use super::*;
    use crate::access::test_keys::{SECRET, auth, encode, jwt, sign, source};
    use crate::access::token::TokenAuthenticator;
    use crate::config::KeyMaterial;
    use crate::time::Instant;

    /// 2027-01-15
    const NOT_AFTER: u64 = 1_799_971_200;

    fn der(common: Option<&str>, names: &[SanType]) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        if let Some(common) = common {
            params.distinguished_name.push(DnType::CommonName, common);
        }
        params.subject_alt_names = names.to_vec();
        params.not_after = rcgen::date_time_ymd(2027, 1, 15);
        let key = KeyPair::generate().expect("a key");
        params
            .self_signed(&key)
            .expect("a certificate")
            .der()
            .to_vec()
    }

    fn now(seconds: u64) -> Now {
        Now {
            instant: Instant::ZERO,
            wall: Wall::from_millis(seconds * 1000),
        }
    }

    #[test]
    fn a_certificate_names_its_uri_before_its_address_before_its_host_before_its_common_name() {
        let uri = SanType::URI("spiffe://example/alice".try_into().unwrap());
        let email = SanType::Rfc822Name("alice@a.example".try_into().unwrap());
        let host = SanType::DnsName("alice.a.example".try_into().unwrap());
        let cases: [(&[SanType], Option<&str>, Option<&str>); 6] = [
            (
                &[host.clone(), email.clone(), uri.clone()],
                Some("Alice"),
                Some("spiffe://example/alice"),
            ),
            (
                &[host.clone(), email],
                Some("Alice"),
                Some("alice@a.example"),
            ),
            (&[host], Some("Alice"), Some("alice.a.example")),
            (&[], Some("Alice"), Some("Alice")),
            (&[], None, None),
            (&[SanType::IpAddress([127, 0, 0, 1].into())], None, None),
        ];
        for (names, common, expected) in cases {
            let certificate = Certificate::read(&der(common, names)).expect("a certificate");
            assert_eq!(certificate.subject.as_deref(), expected);
            assert_eq!(certificate.not_after.as_seconds(), NOT_AFTER);
        }
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        let whole = der(Some("Alice"), &[]);
        for end in 0..whole.len() {
            assert_eq!(Certificate::read(&whole[..end]), None, "{end} bytes");
        }
        assert_eq!(Certificate::read(b"garbage"), None);
    }

    struct Nobody;

    impl Authenticator for Nobody {
        fn authenticate(&self, _: Credential<'_>, _: Now) -> Result<Identity, AuthError> {
            Err(AuthError::Invalid)
        }

        fn recognizes(&self, _: Credential<'_>) -> bool {
            false
        }
    }

    #[test]
    fn a_certificate_is_good_until_it_ends_and_never_makes_anybody_the_server() {
        let shown = |common| ClientCertificate::read(&der(Some(common), &[])).expect("a name");
        let who =
            |common, seconds| shown(common).authenticate(&WithCertificates(Nobody), now(seconds));
        let alice = who("alice", NOT_AFTER - 1).expect("it is good");
        assert_eq!(&*alice.user, "alice");
        assert_eq!(alice.expires, Some(Wall::from_millis(NOT_AFTER * 1000)));
        assert_eq!(who("alice", NOT_AFTER), Err(AuthError::Expired));
        for name in ["System", "a\u{202e}b", " alice"] {
            assert_eq!(who(name, 1), Err(AuthError::Invalid), "{name}");
        }
    }

    #[test]
    fn beside_certificates_replaced_keys_are_taken_for_as_long_as_without() {
        let tokens = |secret: Vec<u8>| {
            let keys = vec![source(None, &["HS256"], KeyMaterial::Secret(secret))];
            let tokens = TokenAuthenticator::new(&auth(keys, jwt()));
            WithCertificates(tokens.expect("a key"))
        };
        let until = Instant::ZERO + Duration::from_secs(10);
        let before = tokens(SECRET.to_vec());
        let mut after = tokens(vec![7; 32]);
        after.succeed(before.retire().expect("keys to go on with"), until);
        assert_eq!(after.retired_until(), Some(until));
        let message = format!(
            "{}.{}",
            encode(r#"{"alg":"HS256"}"#),
            encode(r#"{"sub":"alice","exp":60}"#)
        );
        let token = format!("{message}.{}", encode(sign("HS256", &message)));
        let credential = Credential {
            source: Source::Bearer,
            value: &token,
        };
        let at = |seconds| Now {
            instant: Instant::ZERO + Duration::from_secs(seconds),
            ..now(1)
        };
        assert!(after.authenticate(credential, at(9)).is_ok());
        let late = after.authenticate(credential, at(10));
        assert_eq!(late, Err(AuthError::Invalid));
    }

    #[test]
    fn other_credentials_go_to_the_authenticator_inside() {
        let token = Credential {
            source: Source::Bearer,
            value: "alice",
        };
        let refused = WithCertificates(Nobody).authenticate(token, now(1));
        assert_eq!(refused, Err(AuthError::Invalid));
        assert!(!WithCertificates(Nobody).recognizes(token));
        let certificate = Credential {
            source: Source::Certificate,
            ..token
        };
        assert!(WithCertificates(Nobody).recognizes(certificate));
    }
}
