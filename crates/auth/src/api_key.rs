//! API keys: the credential of scripts, with a mandatory end.

use crate::secret::secret;

secret! {
    /// An API key: `sgp_`, 32 random characters and a checksum. `Debug` never prints it.
    ApiKey,
    /// SHA-256 of an API key; the key has 190 random bits, so no salt is needed.
    ApiKeyHash,
    "API key",
    "sgp_"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BadSecret;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    fn key(seed: u64) -> ApiKey {
        ApiKey::generate(&mut StdRng::seed_from_u64(seed)).0
    }

    #[test]
    fn generated_key_is_parsed_and_hashes_alike() {
        let (key, hash) = ApiKey::generate(&mut StdRng::seed_from_u64(1));
        assert_eq!(ApiKey::parse(key.reveal()).unwrap().hash(), hash);
        assert_eq!(key.reveal().len(), 4 + 32 + 6);
    }

    #[test]
    fn two_keys_differ() {
        assert_ne!(key(1), key(2));
    }

    #[test]
    fn every_single_typing_error_is_refused() {
        let good = key(3);
        for at in 4..good.reveal().len() {
            for wrong in ["a", "Z", "0", "-", "é"] {
                let mut text = good.reveal().to_owned();
                if &text[at..=at] != wrong {
                    text.replace_range(at..=at, wrong);
                    assert!(ApiKey::parse(&text).is_err(), "{text} was taken");
                }
            }
        }
    }

    #[test]
    fn foreign_texts_are_refused_with_their_reason() {
        assert!(matches!(ApiKey::parse(""), Err(BadSecret::Prefix { .. })));
        assert!(matches!(ApiKey::parse("sgs_abc"), Err(BadSecret::Prefix { .. })));
        assert!(matches!(ApiKey::parse("sgp_abc"), Err(BadSecret::Shape { .. })));
        assert!(matches!(ApiKey::parse(&format!("sgp_{}", "0".repeat(38))), Err(BadSecret::Checksum { .. })));
    }

    #[test]
    fn debug_hides_the_key() {
        let key = key(4);
        assert_eq!(format!("{key:?}"), "ApiKey(***)");
    }
}
