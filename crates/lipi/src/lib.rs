//! Text in the scripts of South India: which script a text is in, how it folds into search keys, how it
//! is shown in another script, how it sorts and where it may be cut.
//!
//! - [`script_of`], [`runs`]: scripts by Unicode block.
//! - [`k1_tokens`], [`k1_joined`], [`k2_joined`], [`raga_key`], [`k1_prefix`]: the only folding of names in
//!   the project. Import, storage, search and duplicate search call these and nothing else, so that two
//!   spellings which meet in one place meet everywhere. [`FOLD_VERSION`] is part of every stored key.
//! - [`transliterate`], [`to_iso15919`]: display text.
//! - [`collation_key`], [`initial`]: A to Z order within a script.
//! - [`graphemes`], [`truncate_graphemes`]: cuts that never split an akshara.
//!
//! Every function is pure, total over Unicode, deterministic and linear in its input. A key proposes and
//! never decides: two entities may share one (`Srimati` and `Shreemati`), and who is who is settled by
//! the alias table. Folding is not idempotent, so a key is never folded again.
//!
//! The crate knows no entity, no stop word, no alias and no file.

#[cfg(test)]
mod bounds;
mod collation;
mod grapheme;
mod key;
mod latin;
#[cfg(test)]
mod names;
mod romanize;
mod script;
mod token;
mod transliterate;

pub use collation::{collation_key, initial};
pub use grapheme::{graphemes, truncate_graphemes};
pub use key::{
    FOLD_VERSION, TEXT_BYTES_MAX, k1_joined, k1_joined_with, k1_of_tokens, k1_prefix, k2_joined, k2_of_k1,
    raga_key,
};
pub use romanize::to_iso15919;
pub use script::{Run, Scheme, Script, UnknownName, runs, script_of};
pub use token::{Token, k1_tokens};
pub use transliterate::{Notation, transliterate};
