//! The keyed hash that names addresses and tags. With a disk its key is kept, so that what was written before a
//! restart is found, and checked, after it.

use siphasher::sip::SipHasher13;
use std::fmt;
use std::hash::BuildHasher;

/// A secret that clients cannot guess: nobody can make many addresses fall into one place.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Seed([u8; Seed::BYTES]);

impl Seed {
    pub(crate) const BYTES: usize = 16;

    pub(crate) fn random() -> Self {
        Self(rand::random())
    }

    pub(crate) const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl BuildHasher for Seed {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_key(&self.0)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Seed")
    }
}
