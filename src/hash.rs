//! Keyed hashing for every map whose keys a peer may choose. Draws no randomness: the keys are handed in.

use std::hash::BuildHasher;

use siphasher::sip::SipHasher13;

/// SipHash-1-3 under one secret key.
///
/// **Two processes need two keys: a peer that knows the key can make every map slow.**
#[derive(Clone, Copy)]
pub struct Keyed {
    k0: u64,
    k1: u64,
}

impl Keyed {
    /// A hasher under the 128-bit key `(k0, k1)`.
    pub const fn new(k0: u64, k1: u64) -> Self {
        Keyed { k0, k1 }
    }
}

impl BuildHasher for Keyed {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.k0, self.k1)
    }
}

impl std::fmt::Debug for Keyed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyed(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_gives_the_same_hash_and_another_key_another() {
        let hash = |keyed: Keyed| keyed.hash_one("alice");
        assert_eq!(hash(Keyed::new(1, 2)), hash(Keyed::new(1, 2)));
        assert_ne!(hash(Keyed::new(1, 2)), hash(Keyed::new(1, 3)));
        assert_ne!(hash(Keyed::new(1, 2)), hash(Keyed::new(2, 2)));
    }

    #[test]
    fn the_key_is_never_printed() {
        assert_eq!(format!("{:?}", Keyed::new(77, 78)), "Keyed(***)");
    }
}
