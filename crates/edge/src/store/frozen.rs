//! Objects as bytes: all variants of one address in one record, written and read back without a guess.
//!
//! The disk's own checksum says that the bytes are those that were written; here everything is checked once more,
//! because a record of another version of this program is well kept and yet not ours.

use crate::policy::{Freshness, Variant};
use crate::store::object::{Made, Object};
use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;

/// Raised with every change of the form; other forms are not read.
const VERSION: u8 = 2;

/// The length of [`write`]'s result, about.
pub(crate) fn bytes_of(variants: &[Arc<Object>]) -> usize {
    const FIXED_BYTES: usize = 256;
    const FIELD_BYTES: usize = 8;
    let one = |object: &Arc<Object>| {
        let fields: usize =
            object.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD_BYTES).sum();
        FIXED_BYTES + fields + object.body.len() + object.tag_words.len() + 8 * object.tags.len()
    };
    variants.iter().map(one).sum()
}

pub(crate) fn write(variants: &[Arc<Object>]) -> Vec<u8> {
    let mut pen = Pen(Vec::with_capacity(bytes_of(variants)));
    pen.0.push(VERSION);
    pen.count(variants.len());
    variants.iter().for_each(|object| pen.object(object));
    pen.0
}

/// `None` where it is not exactly a record of ours.
pub(crate) fn read(bytes: &Bytes) -> Option<Vec<Object>> {
    let mut eye = Eye { bytes, at: 0 };
    if eye.byte()? != VERSION {
        return None;
    }
    let variants = (0..eye.count()?).map(|_| eye.object()).collect::<Option<Vec<_>>>()?;
    (eye.at == bytes.len()).then_some(variants)
}

struct Pen(Vec<u8>);

impl Pen {
    fn object(&mut self, object: &Object) {
        let Freshness { age_s, lifetime_s, while_revalidate_s, if_error_s, never_stale } = object.freshness;
        self.0.extend_from_slice(&object.status.as_u16().to_le_bytes());
        self.0.extend_from_slice(&object.received_us.to_le_bytes());
        for number in [object.fill, age_s, lifetime_s, while_revalidate_s, if_error_s] {
            self.number(number);
        }
        self.0.push(
            u8::from(never_stale) | u8::from(object.tagged) << 1 | u8::from(object.sliced.is_some()) << 2,
        );
        self.number(object.sliced.unwrap_or(0));
        self.count(object.tags.len());
        object.tags.iter().for_each(|tag| self.number(*tag));
        self.text(object.tag_words.as_bytes());
        self.variant(&object.variant);
        self.count(object.headers.len());
        for (name, value) in &object.headers {
            self.text(name.as_str().as_bytes());
            self.text(value.as_bytes());
        }
        self.text(&object.body);
    }

    fn variant(&mut self, variant: &Variant) {
        self.count(variant.selected().count());
        for (name, value) in variant.selected() {
            self.text(name.as_str().as_bytes());
            self.option(value.as_deref());
        }
        self.option(variant.language());
    }

    fn option(&mut self, text: Option<&str>) {
        self.0.push(u8::from(text.is_some()));
        self.text(text.unwrap_or_default().as_bytes());
    }

    fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// Nothing that is kept is longer than a `u32` can say.
    fn count(&mut self, count: usize) {
        self.0.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
    }

    fn text(&mut self, text: &[u8]) {
        self.count(text.len());
        self.0.extend_from_slice(text);
    }
}

struct Eye<'a> {
    bytes: &'a Bytes,
    at: usize,
}

impl Eye<'_> {
    fn object(&mut self) -> Option<Object> {
        let status = StatusCode::from_u16(u16::from_le_bytes(self.array()?)).ok()?;
        let received_us = i64::from_le_bytes(self.array()?);
        let fill = self.number()?;
        let (age_s, lifetime_s) = (self.number()?, self.number()?);
        let (while_revalidate_s, if_error_s) = (self.number()?, self.number()?);
        let flags = self.byte().filter(|flags| *flags < 8)?;
        let length = self.number()?;
        let freshness =
            Freshness { age_s, lifetime_s, while_revalidate_s, if_error_s, never_stale: flags & 1 == 1 };
        let tags = (0..self.count()?).map(|_| self.number()).collect::<Option<Box<[u64]>>>()?;
        let tag_words = self.words()?.into();
        let variant = self.variant()?;
        let headers = self.headers()?;
        // A copy: the slice would keep the whole record alive, of which other variants may be long gone.
        let body = Bytes::copy_from_slice(&self.text()?);
        let tagged = flags & 2 == 2;
        Some(Object::new(Made {
            status,
            headers,
            body,
            freshness,
            received_us,
            fill,
            tags,
            tagged,
            variant,
            tag_words,
            sliced: (flags & 4 == 4).then_some(length),
        }))
    }

    fn variant(&mut self) -> Option<Variant> {
        let count = self.count()?;
        let mut selected = Vec::new();
        for _ in 0..count {
            let name = HeaderName::from_bytes(&self.text()?).ok()?;
            selected.push((name, self.option()?));
        }
        Some(Variant::restored(selected, self.option()?))
    }

    fn headers(&mut self) -> Option<HeaderMap> {
        let count = self.count()?;
        let mut headers = HeaderMap::new();
        for _ in 0..count {
            let name = HeaderName::from_bytes(&self.text()?).ok()?;
            headers.try_append(name, HeaderValue::from_maybe_shared(self.text()?).ok()?).ok()?;
        }
        Some(headers)
    }

    /// The outer option: whether it could be read.
    fn option(&mut self) -> Option<Option<String>> {
        let some = self.byte()? == 1;
        let text = self.words()?;
        Some(some.then_some(text))
    }

    fn words(&mut self) -> Option<String> {
        String::from_utf8(self.text()?.to_vec()).ok()
    }

    fn text(&mut self) -> Option<Bytes> {
        let length = self.count()?;
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len())?;
        let text = self.bytes.slice(self.at..end);
        self.at = end;
        Some(text)
    }

    fn count(&mut self) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(self.array()?)).ok()
    }

    fn number(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.array()?))
    }

    fn byte(&mut self) -> Option<u8> {
        Some(u8::from_le_bytes(self.array()?))
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let array = *self.bytes.get(self.at..)?.first_chunk()?;
        self.at += N;
        Some(array)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Profile;
    use http::header;

    fn object(body: &'static str) -> Arc<Object> {
        let pair = |name, value| (name, HeaderValue::from_static(value));
        let asked: HeaderMap = [pair(header::ACCEPT_LANGUAGE, "ta, en;q=0.5")].into_iter().collect();
        let headers: HeaderMap = [
            pair(header::VARY, "accept-language, x-other"),
            pair(header::CONTENT_LANGUAGE, "ta"),
            pair(header::ETAG, "\"v1\""),
        ]
        .into_iter()
        .collect();
        let variant = Variant::of(&asked, &headers, &Profile::RFC).unwrap();
        Arc::new(Object::new(Made {
            status: StatusCode::GONE,
            headers,
            body: Bytes::from_static(body.as_bytes()),
            freshness: Freshness {
                age_s: 1,
                lifetime_s: 2,
                while_revalidate_s: 3,
                if_error_s: 4,
                never_stale: true,
            },
            received_us: -5,
            fill: 6,
            tags: [7, u64::MAX].into(),
            tagged: true,
            variant,
            tag_words: "a b".into(),
            sliced: Some(1 << 40),
        }))
    }

    #[test]
    fn what_is_written_is_read() {
        let variants = [object("one"), object("")];
        let bytes = Bytes::from(write(&variants));
        assert!(bytes.len() <= bytes_of(&variants));
        let read = read(&bytes).unwrap();
        assert_eq!(read.len(), 2);
        for (a, b) in variants.iter().zip(&read) {
            assert_eq!((a.status, &a.headers, &a.body), (b.status, &b.headers, &b.body));
            assert_eq!((a.freshness, a.received_us, a.fill), (b.freshness, b.received_us, b.fill));
            assert_eq!((&a.tags, a.tagged, &a.tag_words), (&b.tags, b.tagged, &b.tag_words));
            assert_eq!((&a.variant, a.sliced), (&b.variant, b.sliced));
        }
    }

    #[test]
    fn cut_and_lengthened_records_are_refused() {
        let bytes = Bytes::from(write(&[object("body")]));
        for end in 0..bytes.len() {
            assert!(read(&bytes.slice(..end)).is_none(), "cut at {end}");
        }
        let longer = [bytes.as_ref(), &[0]].concat();
        assert!(read(&longer.into()).is_none());
    }

    #[test]
    fn no_flipped_bit_panics_or_takes_memory() {
        let bytes = write(&[object("body")]);
        for at in 0..8 * bytes.len() {
            let mut broken = bytes.clone();
            broken[at / 8] ^= 1 << (at % 8);
            let _ = read(&broken.into());
        }
    }
}
