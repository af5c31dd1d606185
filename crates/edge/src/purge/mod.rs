//! What has become invalid: [`generations`] make it so without looking for it, the [`feed`] says what.

pub(crate) mod feed;
pub(crate) mod generations;
