//! From when to when a certificate holds: two fields of X.509 (RFC 5280, section 4.1), which neither rustls nor webpki
//! tells.

use chrono::NaiveDateTime;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// In seconds since the Unix epoch; none where the bytes are no certificate.
pub(crate) fn validity(der: &[u8]) -> Option<(i64, i64)> {
    let body = Reader(der).take(SEQUENCE)?;
    let mut body = Reader(Reader(body).take(SEQUENCE)?);
    if body.0.first() == Some(&VERSION) {
        body.next()?;
    }
    // The serial number, the algorithm, the issuer.
    (0..3).try_for_each(|_| body.next().map(drop))?;
    let mut times = Reader(body.take(SEQUENCE)?);
    Some((seconds(times.next()?)?, seconds(times.next()?)?))
}

/// One value of DER after another.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, wanted: u8) -> Option<&'a [u8]> {
        self.next().filter(|(tag, _)| *tag == wanted).map(|(_, content)| content)
    }

    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        const LONG: u8 = 0x80;
        const LENGTH_BYTES_MAX: usize = 4;
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            short @ 0..LONG => (usize::from(short), rest),
            long => {
                let count = usize::from(long & !LONG);
                let (bytes, rest) = rest.split_at_checked(count)?;
                if count > LENGTH_BYTES_MAX {
                    return None;
                }
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }
}

/// `YYMMDDHHMMSSZ` until 2049, `YYYYMMDDHHMMSSZ` from 2050 on.
fn seconds((tag, content): (u8, &[u8])) -> Option<i64> {
    let text = std::str::from_utf8(content).ok()?;
    let text = match tag {
        UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let time = NaiveDateTime::parse_from_str(&text, "%Y%m%d%H%M%SZ").ok()?;
    Some(time.and_utc().timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, proptest};
    use proptest::{collection, sample};
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    fn made(from: (i32, u8, u8), until: (i32, u8, u8)) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
        params.not_before = date_time_ymd(from.0, from.1, from.2);
        params.not_after = date_time_ymd(until.0, until.1, until.2);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn both_forms_of_time_are_read() {
        let day = |y, m, d| chrono::NaiveDate::from_ymd_opt(y, m, d).unwrap().and_hms_opt(0, 0, 0).unwrap();
        let table =
            [((2024, 2, 29), (2024, 5, 29)), ((1999, 1, 1), (2049, 12, 31)), ((2000, 1, 1), (2050, 1, 1))];
        for (from, until) in table {
            let seconds = |(y, m, d): (i32, u8, u8)| day(y, m.into(), d.into()).and_utc().timestamp();
            assert_eq!(validity(&made(from, until)), Some((seconds(from), seconds(until))), "{from:?}");
        }
    }

    #[test]
    fn a_part_of_a_certificate_has_no_times() {
        let whole = made((2024, 1, 1), (2025, 1, 1));
        assert!((0..whole.len()).all(|length| validity(&whole[..length]).is_none()));
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_bad(bytes in collection::vec(any::<u8>(), 0..200)) {
            let _ = validity(&bytes);
        }

        #[test]
        fn no_damage_is_too_bad(at in any::<sample::Index>(), byte in any::<u8>()) {
            let mut whole = made((2024, 1, 1), (2025, 1, 1));
            let at = at.index(whole.len());
            whole[at] = byte;
            let _ = validity(&whole);
        }
    }
}
