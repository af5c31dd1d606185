//! Pieces of long bodies (RFC 9110, sections 14.3, 14.4 and 15.3.7).

use super::fields;
use crate::policy::slices::{Misfit, Piece, SLICES_MAX, divisible, fits};
use http::StatusCode;

pub(super) const ROWS: usize = DIVISIBLE.len() + ANSWERS.len();

const MIB: u64 = 1 << 20;

/// Status, fields, length in slices of a mebibyte, and whether it can be kept so.
const DIVISIBLE: [(u16, &str, Option<u64>, bool); 14] = [
    (200, "accept-ranges: bytes\netag: \"a\"", Some(10 * MIB), true),
    (200, "accept-ranges: none, Bytes\netag: \"a\"", Some(10 * MIB), true),
    (200, "accept-ranges: bytes\netag: \"a\"", Some(SLICES_MAX * MIB), true),
    (200, "accept-ranges: bytes\netag: \"a\"", Some(SLICES_MAX * MIB + 1), false),
    (200, "accept-ranges: bytes\netag: \"a\"", Some(0), false),
    (200, "accept-ranges: bytes\netag: \"a\"", None, false),
    (200, "accept-ranges: bytes\netag: W/\"a\"", Some(10 * MIB), false),
    (200, "accept-ranges: bytes\netag: \"a\"\netag: \"b\"", Some(10 * MIB), false),
    (200, "accept-ranges: bytes\nlast-modified: Sun, 06 Nov 1994 08:00:00 GMT", Some(10 * MIB), false),
    (200, "accept-ranges: none\netag: \"a\"", Some(10 * MIB), false),
    (200, "accept-ranges: items\netag: \"a\"", Some(10 * MIB), false),
    (200, "etag: \"a\"", Some(10 * MIB), false),
    (206, "accept-ranges: bytes\netag: \"a\"", Some(10 * MIB), false),
    (404, "accept-ranges: bytes\netag: \"a\"", Some(10 * MIB), false),
];

const OK: Result<(), Misfit> = Ok(());
const CHANGED: Result<(), Misfit> = Err(Misfit::Changed);
const UNFIT: Result<(), Misfit> = Err(Misfit::Unfit);
const REFUSED: Result<(), Misfit> = Err(Misfit::Refused);

/// What is answered when bytes 10 to 19 of a hundred are asked for, of the version `"a"`.
const ANSWERS: [(u16, &str, Result<(), Misfit>); 33] = [
    (206, "etag: \"a\"\ncontent-range: bytes 10-19/100", OK),
    (206, "etag: \"a\"\ncontent-range: BYTES 10-19/100", OK),
    (206, "etag: \"b\"\ncontent-range: bytes 10-19/100", CHANGED),
    (206, "etag: W/\"a\"\ncontent-range: bytes 10-19/100", CHANGED),
    (206, "content-range: bytes 10-19/100", UNFIT),
    (206, "etag: \"a\"\netag: \"b\"\ncontent-range: bytes 10-19/100", UNFIT),
    (206, "etag: \"a\"", UNFIT),
    (206, "etag: \"a\"\ncontent-range: bytes 10-19/*", UNFIT),
    (206, "etag: \"a\"\ncontent-range: bytes */100", UNFIT),
    (206, "etag: \"a\"\ncontent-range: bytes 10-19/101", UNFIT),
    (206, "etag: \"a\"\ncontent-range: bytes 9-18/100", UNFIT),
    (206, "etag: \"a\"\ncontent-range: bytes 10-18/100", UNFIT),
    (206, "etag: \"a\"\ncontent-range: bytes 10-20/100", UNFIT),
    (206, "etag: \"a\"\ncontent-range: bytes 0-99/100", UNFIT),
    (206, "etag: \"a\"\ncontent-range: bytes 19-10/100", UNFIT),
    (206, "etag: \"a\"\ncontent-range: bytes 10-19/15", UNFIT),
    (206, "etag: \"a\"\ncontent-range: bytes=10-19/100", UNFIT),
    (206, "etag: \"a\"\ncontent-range: bytes +10-19/100", UNFIT),
    (206, "etag: \"a\"\ncontent-range: bytes 10-99999999999999999999/100", UNFIT),
    (206, "etag: \"a\"\ncontent-range: bytes 10-19/100\ncontent-range: bytes 10-19/100", UNFIT),
    (206, "etag: \"a\"\ncontent-type: multipart/byteranges; boundary=x", UNFIT),
    (206, "etag: \"a\"\ncontent-encoding: gzip\ncontent-range: bytes 10-19/100", UNFIT),
    (200, "etag: \"a\"", UNFIT),
    (200, "", UNFIT),
    (200, "etag: \"b\"", CHANGED),
    (304, "etag: \"a\"", UNFIT),
    (416, "content-range: bytes */100", UNFIT),
    (416, "content-range: bytes */5", CHANGED),
    (404, "", CHANGED),
    (412, "", CHANGED),
    (302, "location: /b", CHANGED),
    (403, "", REFUSED),
    (503, "", REFUSED),
];

#[test]
fn what_says_its_length_and_its_version_can_be_kept_in_pieces() {
    for (status, text, length, expected) in DIVISIBLE {
        let status = StatusCode::from_u16(status).unwrap();
        let divided = divisible(status, &fields(text), length, MIB);
        assert_eq!(divided, length.filter(|_| expected), "{status} {text} {length:?}");
    }
}

#[test]
fn a_piece_is_of_the_same_version_and_exactly_what_was_asked_for() {
    let piece = Piece { bytes: 10..20, total: 100 };
    assert_eq!(piece.asked(), "bytes=10-19");
    for (status, text, expected) in ANSWERS {
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(fits(status, &fields(text), &fields("etag: \"a\""), &piece), expected, "{status} {text}");
    }
}
