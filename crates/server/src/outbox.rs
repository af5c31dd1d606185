//! `sangraha outbox`: the events that the relay set aside.

use crate::config::Config;
use crate::{Error, setup, terminal};
use store::{Parked, Writer};

/// Lists what is set aside.
pub async fn parked(config: &Config) -> Result<(), Error> {
    let parked = list(&setup::writer(config).await?).await?;
    for Parked { event_id, described, reason, parked_at } in &parked {
        terminal::say(format_args!("{event_id} {described}, set aside at {parked_at}: {reason}"));
    }
    terminal::say(format_args!("{} set aside", parked.len()));
    Ok(())
}

/// Sends all of it once more; fails where some of it still cannot be read, which stays set aside.
pub async fn replay(config: &Config) -> Result<(), Error> {
    let writer = setup::writer(config).await?;
    let (mut sent, mut left) = (0_usize, 0_usize);
    for event in list(&writer).await? {
        match writer.outbox_replay(event.event_id).await {
            Ok(()) => sent += 1,
            Err(error @ store::Error::Corrupt(_)) => {
                left += 1;
                terminal::say(format_args!("{} {}: {error}", event.event_id, event.described));
            }
            Err(error) => return Err(Error::part("Sending an event once more")(error)),
        }
    }
    terminal::say(format_args!("{sent} sent"));
    match left {
        0 => Ok(()),
        left => Err(Error::Found(format!("{left} events still cannot be read and stay set aside"))),
    }
}

async fn list(writer: &Writer) -> Result<Vec<Parked>, Error> {
    writer.outbox_parked().await.map_err(Error::part("Reading what is set aside"))
}
