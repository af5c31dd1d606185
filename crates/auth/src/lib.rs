//! Identity: who is asking, and what they may do.
//!
//! Everything here is a pure value or a pure function over [`domain`]: API keys and setup tokens are made
//! from a random source that the caller hands in, checked for typing errors without a database, and kept
//! only as SHA-256. Permissions are zero-sized types, so that an endpoint names what it needs in its
//! signature; which role holds which permission is one table, [`permission::ROLE_PERMISSIONS`], and what
//! the table does not grant is denied.
//!
//! This crate knows no HTTP and no storage: `web` turns a bearer key into a [`Principal`] through a trait,
//! and `admin` looks the key up.

pub mod api_key;
pub mod permission;
pub mod principal;
mod secret;
pub mod setup_token;

pub use api_key::{ApiKey, ApiKeyHash};
pub use permission::{Permission, allows};
pub use principal::Principal;
pub use secret::BadSecret;
pub use setup_token::{SetupToken, SetupTokenHash};
