//! `sangraha audit verify`: the chain of hashes, recomputed.

use crate::config::Config;
use crate::{Error, setup, terminal};

/// Reads every entry; a break in the chain makes the command fail and names the entry.
pub async fn verify(config: &Config) -> Result<(), Error> {
    let writer = setup::writer(config).await?;
    let report = writer.audit_verify().await.map_err(Error::part("Reading the audit trail"))?;
    match (report.broken_at, report.head_matches) {
        (None, true) => {
            terminal::say(format_args!(
                "{} entries, and every one follows from the one before it",
                report.entries
            ));
            Ok(())
        }
        (None, false) => {
            Err(Error::Found("the audit trail is cut: entries at its end are missing".to_owned()))
        }
        (Some(number), _) => Err(Error::Found(format!(
            "the audit trail is broken at entry {number}: it or the one before it was changed"
        ))),
    }
}
