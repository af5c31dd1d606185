//! A timer for time-outs that hardly ever fire: each request renews its connection's deadline, so what is set is only
//! looked at again when it fires, once in a while, and not with every request.

use hyper::rt::{Sleep, Timer};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The timer of one connection. All that sleep by it must be polled by one task.
#[derive(Clone, Default)]
pub(super) struct Pulse(Arc<Mutex<Option<Pin<Box<tokio::time::Sleep>>>>>);

impl Timer for Pulse {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Until { deadline, pulse: self.clone() })
    }
}

struct Until {
    deadline: Instant,
    pulse: Pulse,
}

impl Sleep for Until {}

impl Future for Until {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut set = self.pulse.0.lock().unwrap_or_else(PoisonError::into_inner);
        let deadline = tokio::time::Instant::from_std(self.deadline);
        match set.as_mut() {
            // It fires before ours is due and wakes the task, which comes here again.
            Some(sleep) if sleep.deadline() <= deadline && !sleep.is_elapsed() => return Poll::Pending,
            Some(sleep) => sleep.as_mut().reset(deadline),
            None => *set = Some(Box::pin(tokio::time::sleep_until(deadline))),
        }
        set.as_mut().map_or(Poll::Ready(()), |sleep| sleep.as_mut().poll(context))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_deadline_that_holds_is_the_last_one() {
        let (pulse, start) = (Pulse::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        let mut first = pulse.sleep_until(at(5));
        // Asked once, so that it is set.
        let _ = std::future::poll_fn(|context| Poll::Ready(first.as_mut().poll(context).is_pending())).await;
        drop(first);
        // Later than what is set, earlier than now, later again.
        for ms in [20, 1, 30] {
            pulse.sleep_until(at(ms)).await;
            assert!(Instant::now() >= at(ms));
        }
    }
}
