//! Random secrets with a prefix and a checksum, so that scanners find a leaked one and a typing error is
//! noticed before the database is asked.

use rand::{CryptoRng, RngExt};
use sha2::{Digest, Sha256};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 32 characters of base 62 hold 190 bits.
const RANDOM_CHARS: usize = 32;
/// 32 bits in base 62.
const CHECKSUM_CHARS: usize = 6;

/// A text that is no secret of ours: cut short, mistyped, or of another kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSecret {
    /// It does not begin with the prefix of its kind.
    #[error("a {kind} begins with `{prefix}`")]
    Prefix {
        /// What was expected, in words.
        kind: &'static str,
        /// The prefix that it has.
        prefix: &'static str,
    },
    /// It has the wrong length or a character that none of ours has.
    #[error("a {kind} has {chars} letters and digits after its prefix")]
    Shape {
        /// What was expected, in words.
        kind: &'static str,
        /// How many characters follow the prefix.
        chars: usize,
    },
    /// A character is mistyped.
    #[error("the {kind} is mistyped: its checksum does not fit")]
    Checksum {
        /// What was expected, in words.
        kind: &'static str,
    },
}

/// The name and the prefix of one kind of secret.
#[derive(Clone, Copy)]
pub struct Kind {
    pub name: &'static str,
    pub prefix: &'static str,
}

impl Kind {
    /// A new secret of this kind.
    pub fn generate(self, rng: &mut impl CryptoRng) -> String {
        let mut text = self.prefix.to_owned();
        text.extend((0..RANDOM_CHARS).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())])));
        let checksum = checksum(&text);
        text + &checksum
    }

    /// Refuses what cannot be a secret of this kind.
    pub fn check(self, text: &str) -> Result<(), BadSecret> {
        let Self { name: kind, prefix } = self;
        let body = text.strip_prefix(prefix).ok_or(BadSecret::Prefix { kind, prefix })?;
        let chars = RANDOM_CHARS + CHECKSUM_CHARS;
        if body.len() != chars || !body.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(BadSecret::Shape { kind, chars });
        }
        let (payload, claimed) = text.split_at(text.len() - CHECKSUM_CHARS);
        if checksum(payload) == claimed { Ok(()) } else { Err(BadSecret::Checksum { kind }) }
    }
}

/// What is stored of a secret.
pub fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

fn checksum(payload: &str) -> String {
    let digest = hash(payload);
    let mut rest = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    let mut chars = [b'0'; CHECKSUM_CHARS];
    for place in chars.iter_mut().rev() {
        *place = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    chars.iter().map(|byte| char::from(*byte)).collect()
}

/// A kind of secret as a type of its own, with the type of its hash.
macro_rules! secret {
    ($(#[$doc:meta])* $name:ident, $(#[$hash_doc:meta])* $hash:ident, $kind:literal, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            const KIND: crate::secret::Kind = crate::secret::Kind { name: $kind, prefix: $prefix };

            /// A new secret, to be shown once, and what is kept of it.
            pub fn generate(rng: &mut impl rand::CryptoRng) -> (Self, $hash) {
                let secret = Self(Self::KIND.generate(rng));
                let hash = secret.hash();
                (secret, hash)
            }

            /// Reads what somebody sent. A typing error is refused here, before any look-up.
            pub fn parse(text: &str) -> Result<Self, crate::BadSecret> {
                Self::KIND.check(text)?;
                Ok(Self(text.to_owned()))
            }

            /// What is stored, and looked up.
            pub fn hash(&self) -> $hash {
                $hash(crate::secret::hash(&self.0))
            }

            /// The secret itself, for the one answer that shows it.
            pub fn reveal(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(concat!(stringify!($name), "(***)"))
            }
        }

        $(#[$hash_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $hash(pub [u8; 32]);
    };
}
pub(crate) use secret;
