//! What is kept: under which question ([`key`]), in which form ([`object`]), and where: in [`memory`], and with a
//! [`disk`] also there, as bytes ([`frozen`]) that are good for as long as the record of purges ([`ledger`]) is.
//! [`tiers`] makes the two one.

pub(crate) mod disk;
pub(crate) mod encoding;
pub(crate) mod frozen;
pub(crate) mod key;
pub(crate) mod ledger;
pub(crate) mod memory;
pub(crate) mod object;
pub(crate) mod seed;
pub(crate) mod tiers;

use std::hash::{BuildHasherDefault, Hasher};

/// For maps whose keys are keyed hashes already.
pub(crate) type Identity = BuildHasherDefault<IdentityHasher>;

#[derive(Default)]
pub(crate) struct IdentityHasher(u64);

impl Hasher for IdentityHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Only `u64` keys are used; this keeps the hasher total.
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
