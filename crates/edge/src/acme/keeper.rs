//! Looks after the certificate for as long as the edge runs.

use crate::acme::folder::Folder;
use crate::acme::when::Attempts;
use crate::acme::{CertificateStatus, Config, order};
use crate::front::tls::{Sound, sound};
use crate::reload::Current;
use crate::{Error, Inner};
use chrono::{DateTime, Utc};
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// The longest attempt, from the directory to the certificate.
const ATTEMPT_MAX: Duration = Duration::from_secs(180);

/// Asks whenever it is due, for ever.
pub(crate) async fn run(current: Arc<Current>) {
    const LOOK_EVERY: Duration = Duration::from_secs(1);
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut keeper: Option<Keeper> = None;
    loop {
        ticks.tick().await;
        let inner = current.now();
        keeper = match (&inner.config.acme, keeper) {
            (Some(config), Some(known)) if known.config == *config => Some(known),
            (Some(config), _) => Keeper::open(config, &inner),
            (None, _) => None,
        };
        let Some(keeper) = &mut keeper else {
            inner.acme.tell(None);
            continue;
        };
        let is_due = keeper.next_s(&inner) <= now_s(&inner);
        let outcome = if is_due { Some(keeper.attempt(&current, &inner).await) } else { None };
        keeper.tell(&inner);
        // Counted last: who sees the number finds everything else done.
        outcome.into_iter().for_each(|outcome| inner.telemetry.certificate(outcome));
    }
}

fn now_s(inner: &Inner) -> i64 {
    inner.now_us() / 1_000_000
}

struct Keeper {
    config: Config,
    folder: Folder,
    attempts: Attempts,
    /// What is served, if it is for our names.
    held: Option<Sound>,
    /// Between 0 and 1, thrown anew with each attempt.
    dice: f64,
}

impl Keeper {
    /// None, and another try in a second, where the folder is gone.
    fn open(config: &Config, inner: &Inner) -> Option<Self> {
        let folder = Folder::open(&config.folder)
            .inspect_err(|error| {
                let error: &(dyn std::error::Error + 'static) = error;
                tracing::error!(error, "The folder for certificates cannot be used");
            })
            .ok()?;
        let mut keeper = Self {
            config: config.clone(),
            attempts: folder.attempts(),
            folder,
            held: None,
            dice: rand::random(),
        };
        keeper.look();
        inner.telemetry.certificate_expires.set(keeper.held.as_ref().map_or(0, |held| held.until_s));
        Some(keeper)
    }

    fn next_s(&self, inner: &Inner) -> i64 {
        let held = self.held.as_ref().map(|held| (held.from_s, held.until_s));
        self.attempts.next_s(held, self.config.attempts_per_hour_max, self.dice, now_s(inner))
    }

    /// Reads what is kept; a certificate for other names, or a damaged one, is as good as none.
    fn look(&mut self) {
        let kept = self.folder.certificate();
        self.held = kept.and_then(|pem| self.check(&pem).ok());
    }

    fn check(&self, pem: &[u8]) -> Result<Sound, Error> {
        let sound = sound(&self.config.pair(), pem)?;
        match self.config.names.iter().all(|name| sound.names.contains(name)) {
            true => Ok(sound),
            false => Err(Error::Acme { doing: "checking the certificate", source: "it lacks a name".into() }),
        }
    }

    /// Answers what came of it.
    async fn attempt(&mut self, current: &Current, inner: &Inner) -> &'static str {
        self.dice = rand::random();
        self.attempts.begun(now_s(inner));
        let outcome = match self.try_once(inner).await {
            Ok(()) => {
                self.serve(current).await;
                self.attempts.succeeded();
                tracing::info!(
                    names = ?self.config.names,
                    expires = %time(self.held.as_ref().map_or(0, |held| held.until_s)),
                    "The authority gave a certificate"
                );
                "issued"
            }
            Err(error) => {
                self.attempts.failed(chain(&error));
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    failures = self.attempts.failures,
                    next = %time(self.next_s(inner)),
                    "No certificate from the authority: what is there is kept"
                );
                "failed"
            }
        };
        if let Err(error) = self.folder.keep_attempts(&self.attempts) {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "What was tried could not be written down"
            );
        }
        outcome
    }

    /// It counts before it begins: a process that dies of it must not ask again at once.
    async fn try_once(&mut self, inner: &Inner) -> Result<(), Error> {
        self.folder.keep_attempts(&self.attempts)?;
        let asked = order::obtain(&self.config, &self.folder, &inner.acme.answers);
        let pem = timeout(ATTEMPT_MAX, asked).await.map_err(|_| Error::Acme {
            doing: "waiting for the authority",
            source: "it takes too long".into(),
        })??;
        let sound = self.check(&pem)?;
        self.folder.keep_certificate(&pem)?;
        self.held = Some(sound);
        Ok(())
    }

    /// Has the listener read the new one; old connections keep the old one.
    async fn serve(&self, current: &Current) {
        let inner = current.now();
        inner.telemetry.certificate_expires.set(self.held.as_ref().map_or(0, |held| held.until_s));
        let Some(tls) = inner.tls.clone() else { return };
        // What the file holds was checked before it was written; what is wrong with another one is told elsewhere.
        let _ = tokio::task::spawn_blocking(move || tls.look()).await;
    }

    fn tell(&self, inner: &Inner) {
        inner.acme.tell(Some(CertificateStatus {
            names: self.config.names.clone(),
            expires_at: self.held.as_ref().map(|held| time(held.until_s)),
            next_attempt_at: time(self.next_s(inner)),
            failures: self.attempts.failures,
            last_error: self.attempts.last_error.clone(),
        }));
    }
}

fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}

/// An error with what is behind it, in one line of bounded length.
fn chain(error: &Error) -> String {
    const CHARS_MAX: usize = 500;
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text.chars().filter(|c| !c.is_control()).take(CHARS_MAX).collect()
}
