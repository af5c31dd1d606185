//! Melakarta arithmetic: all 72 scales from their number.
