//! What has become invalid: [`generations`] make it so without looking for it, the [`feed`] says what, in the words
//! of [`target`].

pub(crate) mod feed;
pub(crate) mod generations;
pub(crate) mod target;
