//! A keyed hash for tables whose keys strangers choose.

use std::hash::BuildHasher;

use siphasher::sip::SipHasher13;

/// Builds SipHash-1-3 with keys handed in: no stranger can aim at a bucket, and a seed gives the same table twice.
#[derive(Debug, Clone, Copy)]
pub struct Keyed {
    k0: u64,
    k1: u64,
}

impl Keyed {
    /// The two halves of the key; secret, from the process's random source.
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
