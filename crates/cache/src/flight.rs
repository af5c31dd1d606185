//! Single flight: of those who miss the same key at the same time, one loads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// The loads under way.
#[derive(Clone, Default)]
pub(crate) struct Flights(Arc<Mutex<HashMap<String, watch::Receiver<()>>>>);

/// What a caller that missed is to do.
pub(crate) enum Turn {
    /// Load; the others wait until the flight is dropped.
    Lead(Flight),
    /// Wait for the one that loads.
    Join(Landing),
}

impl Flights {
    /// Begins a flight for `key`, or joins the one under way.
    pub(crate) fn board(&self, key: &str) -> Turn {
        let mut flights = self.lock();
        if let Some(landing) = flights.get(key) {
            return Turn::Join(Landing(landing.clone()));
        }
        let (ends, landing) = watch::channel(());
        flights.insert(key.to_owned(), landing);
        Turn::Lead(Flight { flights: self.clone(), key: key.to_owned(), _ends: ends })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, watch::Receiver<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A load under way. However it ends (done, failed, its caller gone), dropping it wakes those who wait.
pub(crate) struct Flight {
    flights: Flights,
    key: String,
    _ends: watch::Sender<()>,
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.key);
    }
}

/// The end of somebody else's load.
pub(crate) struct Landing(watch::Receiver<()>);

impl Landing {
    /// Returns when the load has ended or the time is up.
    pub(crate) async fn wait(mut self, time_max: Duration) {
        // The sender never sends: the wait ends by its drop, or by the clock. Both mean "look again".
        let _ = tokio::time::timeout(time_max, self.0.changed()).await;
    }
}
