//! The setup token: how the first administrator comes to be, on an installation without any account.

use crate::secret::secret;
use chrono::Duration;

secret! {
    /// A setup token: printed once by the operator's command, good for one use within [`SetupToken::LIFE`].
    SetupToken,
    /// SHA-256 of a setup token.
    SetupTokenHash,
    "setup token",
    "sgs_"
}

impl SetupToken {
    /// How long a setup token may be used.
    pub const LIFE: Duration = Duration::minutes(30);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ApiKey;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    #[test]
    fn setup_token_is_no_api_key() {
        let (token, hash) = SetupToken::generate(&mut StdRng::seed_from_u64(1));
        assert_eq!(SetupToken::parse(token.reveal()).unwrap().hash(), hash);
        assert!(ApiKey::parse(token.reveal()).is_err());
    }
}
