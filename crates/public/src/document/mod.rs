//! The API about itself: its document, and a page to browse it without a network.

pub mod openapi;
pub mod page;
