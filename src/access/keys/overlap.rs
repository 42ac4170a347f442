//! Keys that were replaced and are good for a while yet.

use std::sync::Arc;

use super::{KeyRing, NoKey};
use crate::access::algorithm::Algorithm;
use crate::time::Instant;

#[cfg(test)]
mod tests;

/// Rings kept beside the present one. Each makes a forged token up to four signature checks dearer.
const RETIRED_MAX: usize = 2;

/// Keys that are replaced, to hand to their successor.
pub struct RetiredKeys {
    present: Arc<KeyRing>,
    retired: Vec<(Arc<KeyRing>, Instant)>,
}

/// The present keys, and those that were present until lately.
pub(in crate::access) struct Keys {
    present: Arc<KeyRing>,
    /// The latest first.
    retired: Vec<(Arc<KeyRing>, Instant)>,
}

/// Why a signature is nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::access) enum NotSigned {
    NoKey(NoKey),
    Signature,
}

impl Keys {
    pub(in crate::access) fn new(present: KeyRing) -> Self {
        Keys {
            present: Arc::new(present),
            retired: Vec::new(),
        }
    }

    /// Whether there is no key at all: nothing can be a good token.
    pub(in crate::access) fn is_empty(&self) -> bool {
        self.present.is_empty() && self.retired.is_empty()
    }

    /// Whether one of the keys that could be meant has signed `message`: of the present ones first.
    ///
    /// # Errors
    /// What the present keys have against it.
    pub(in crate::access) fn check(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        message: &[u8],
        signature: &str,
        now: Instant,
    ) -> Result<(), NotSigned> {
        let check = |ring: &KeyRing| {
            let keys = ring.select(kid, algorithm).map_err(NotSigned::NoKey)?;
            let has_signed = keys
                .iter()
                .any(|key| key.verifies(algorithm, message, signature));
            has_signed.then_some(()).ok_or(NotSigned::Signature)
        };
        check(&self.present).or_else(|fault| {
            let mut good = self.retired.iter().filter(|(_, until)| now < *until);
            let has_signed = good.any(|(ring, _)| check(ring).is_ok());
            has_signed.then_some(()).ok_or(fault)
        })
    }

    pub(in crate::access) fn retire(&self) -> RetiredKeys {
        RetiredKeys {
            present: self.present.clone(),
            retired: self.retired.clone(),
        }
    }

    /// Lets the keys before these verify until `until`, **and none of those before them any longer**: who shortens the overlap
    /// because a key has leaked means that key too. A reload that changes neither keys nor overlap changes nothing here.
    pub(in crate::access) fn succeed(&mut self, keys: RetiredKeys, until: Instant) {
        self.retired = vec![(keys.present, until)];
        let earlier = keys.retired.into_iter();
        self.retired
            .extend(earlier.map(|(ring, its_own)| (ring, its_own.min(until))));
        self.retired
            .retain(|(ring, _)| !ring.is_same(&self.present));
        self.retired.truncate(RETIRED_MAX);
    }

    /// When the last of the replaced keys ends, or ended.
    pub(in crate::access) fn retired_until(&self) -> Option<Instant> {
        self.retired.iter().map(|(_, until)| *until).max()
    }
}
