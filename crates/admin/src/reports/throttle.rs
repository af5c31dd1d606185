//! How many reports one address may send, and all of them together. Kept in memory: no address is stored.

use chrono::{DateTime, Duration, Utc};
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Reports of one address within [`ADDRESS_WINDOW`].
const PER_ADDRESS_MAX: usize = 5;
const ADDRESS_WINDOW: Duration = Duration::minutes(10);
/// Reports of everybody within [`ALL_WINDOW`]: more than editors can read is an attack.
const ALL_MAX: usize = 500;
const ALL_WINDOW: Duration = Duration::hours(1);
/// Addresses that are remembered at once; there are never more reports than this within the window.
const ADDRESSES_MAX: usize = 1_000;

/// The recent reports of this process.
#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<Recent>);

#[derive(Debug, Default)]
struct Recent {
    by_address: HashMap<Option<IpAddr>, VecDeque<DateTime<Utc>>>,
    all: VecDeque<DateTime<Utc>>,
}

impl Throttle {
    /// Counts a report from `address`; or says after how many seconds it may come again.
    pub fn admit(&self, address: Option<IpAddr>, now: DateTime<Utc>) -> Result<(), u32> {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Recent { by_address, all } = &mut *recent;
        forget(all, now - ALL_WINDOW);
        if by_address.len() >= ADDRESSES_MAX {
            by_address.retain(|_, times| {
                forget(times, now - ADDRESS_WINDOW);
                !times.is_empty()
            });
        }
        let own = by_address.entry(address.map(network)).or_default();
        forget(own, now - ADDRESS_WINDOW);
        let waits = [
            (own.len() >= PER_ADDRESS_MAX).then(|| until(own, ADDRESS_WINDOW, now)),
            (all.len() >= ALL_MAX).then(|| until(all, ALL_WINDOW, now)),
        ];
        match waits.into_iter().flatten().max() {
            Some(wait_s) => Err(wait_s),
            None => {
                own.push_back(now);
                all.push_back(now);
                Ok(())
            }
        }
    }
}

fn forget(times: &mut VecDeque<DateTime<Utc>>, before: DateTime<Utc>) {
    while times.front().is_some_and(|time| *time <= before) {
        times.pop_front();
    }
}

/// Seconds until the oldest report is forgotten.
fn until(times: &VecDeque<DateTime<Utc>>, window: Duration, now: DateTime<Utc>) -> u32 {
    let oldest = times.front().copied().unwrap_or(now);
    u32::try_from((oldest + window - now).num_seconds().max(1)).unwrap_or(u32::MAX)
}

/// One household has a whole /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn an_address_has_its_share_and_gets_it_back() {
        let (throttle, now) = (Throttle::default(), DateTime::UNIX_EPOCH);
        assert!((0..PER_ADDRESS_MAX).all(|_| throttle.admit(address(1), now).is_ok()));
        assert_eq!(throttle.admit(address(1), now + Duration::minutes(1)), Err(540));
        assert_eq!(throttle.admit(address(2), now), Ok(()));
        assert_eq!(throttle.admit(address(1), now + ADDRESS_WINDOW), Ok(()));
    }

    #[test]
    fn addresses_of_one_household_are_one() {
        let (throttle, now) = (Throttle::default(), DateTime::UNIX_EPOCH);
        let one = |last: u16| Some(IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, last]));
        assert!((0..5).all(|last| throttle.admit(one(last), now).is_ok()));
        assert!(throttle.admit(one(9), now).is_err());
    }

    #[test]
    fn everybody_together_has_a_share_too() {
        let (throttle, now) = (Throttle::default(), DateTime::UNIX_EPOCH);
        let many = (0..ALL_MAX as u32).map(|number| Some(IpAddr::from(number.to_be_bytes())));
        assert!(many.into_iter().all(|address| throttle.admit(address, now).is_ok()));
        assert_eq!(throttle.admit(address(1), now), Err(3_600));
        let later = now + ALL_WINDOW;
        assert_eq!(throttle.admit(address(1), later), Ok(()));
    }
}
