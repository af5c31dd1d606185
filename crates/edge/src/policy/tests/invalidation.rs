//! Invalidation by requests with an effect (RFC 9111, section 4.4).

use super::fields;
use crate::policy::invalidate::{also, invalidates};
use http::{Method, StatusCode};

pub(super) const ROWS: usize = METHODS.len() + ALSO.len();

const METHODS: [(&str, u16, bool); 11] = [
    ("POST", 200, true),
    ("PUT", 204, true),
    ("DELETE", 200, true),
    ("PATCH", 303, true),
    ("M-SEARCH", 200, true),
    ("POST", 404, false),
    ("POST", 500, false),
    ("GET", 200, false),
    ("HEAD", 200, false),
    ("OPTIONS", 200, false),
    ("TRACE", 200, false),
];

const ALSO: [(&str, &[&str]); 10] = [
    ("", &[]),
    ("location: /b?c=d", &["/b?c=d"]),
    ("content-location: /b#e", &["/b"]),
    ("location: /b\ncontent-location: /c", &["/b", "/c"]),
    ("location: http://one.test/b", &["/b"]),
    ("location: https://ONE.test:443/b", &["/b"]),
    ("location: http://two.test/b", &[]),
    ("location: //one.test/b", &["/b"]),
    ("location: c", &["/x/c"]),
    ("location: ?q=1", &["/x/y?q=1"]),
];

#[test]
fn effects_that_happened_invalidate() {
    for (method, status, expected) in METHODS {
        let (method, status) =
            (Method::from_bytes(method.as_bytes()).unwrap(), StatusCode::from_u16(status).unwrap());
        assert_eq!(invalidates(&method, status), expected, "{method} {status}");
    }
}

#[test]
fn named_targets_of_the_same_host_go_too() {
    for (answer, expected) in ALSO {
        assert_eq!(also("one.test", &"/x/y".parse().unwrap(), &fields(answer)), expected, "{answer}");
    }
}
