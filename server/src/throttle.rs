//! How much one address may ask for without being known: whoever has no session and no signature that fits is counted by where the
//! request came from. A phone whose signature fits is never counted, so that a village behind one address is not held off.
//!
//! Counts are in memory: nothing can be guessed here that a restart would bring nearer (sign-in, where something can, counts in the
//! database). What is held is bounded.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use zoufang_core::record::Timestamp;

use crate::error::{Error, Result};

/// Counts begin anew after so long.
pub const WINDOW_MS: i64 = 60_000;
/// So many requests of an address may fail in a window.
pub const FAILED_MAX: u32 = 60;
/// So often an address may ask in a window whether the server is ready: each time asks the database.
pub const READY_MAX: u32 = 120;
/// Addresses that are kept in mind.
const ADDRESSES_MAX: usize = 4_096;

/// Counts by address within a window.
#[derive(Debug)]
pub struct Throttle {
    max: u32,
    counts: Mutex<BTreeMap<IpAddr, (Timestamp, u32)>>,
}

impl Throttle {
    /// So many in a window.
    #[must_use]
    pub fn new(max: u32) -> Self {
        Self { max, counts: Mutex::default() }
    }

    /// Whether this address may ask.
    ///
    /// # Errors
    /// [`Error::TooMany`] until its window is over.
    pub fn check(&self, address: IpAddr, now: Timestamp) -> Result<()> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.get(&network(address)) {
            Some((since, count)) if *count >= self.max && is_within(*since, now) => {
                let wait_ms = since.0 + WINDOW_MS - now.0;
                Err(Error::TooMany { retry_after_s: wait_ms.cast_unsigned().div_ceil(1000) })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Counts one.
    pub fn count(&self, address: IpAddr, now: Timestamp) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let address = network(address);
        if counts.len() >= ADDRESSES_MAX && !counts.contains_key(&address) {
            counts.retain(|_, (since, _)| is_within(*since, now));
            // So many at once are one attack, and whoever is counted next matters as much as those before.
            if counts.len() >= ADDRESSES_MAX {
                counts.clear();
            }
        }
        let entry = counts.entry(address).or_insert((now, 0));
        if !is_within(entry.0, now) {
            *entry = (now, 0);
        }
        entry.1 = entry.1.saturating_add(1);
    }
}

/// A clock that was set back begins a window, too.
fn is_within(since: Timestamp, now: Timestamp) -> bool {
    (0..WINDOW_MS).contains(&(now.0 - since.0))
}

/// What one subscriber has: an IPv4 address, or all of an IPv6 network of 64 bits.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_held_off_until_its_window_is_over_and_others_are_not() {
        let throttle = Throttle::new(2);
        let (here, there) = (address("192.0.2.1"), address("192.0.2.2"));
        for at in [0, 1] {
            throttle.check(here, Timestamp(at)).unwrap();
            throttle.count(here, Timestamp(at));
        }
        let refused = throttle.check(here, Timestamp(1_000));
        assert!(matches!(refused, Err(Error::TooMany { retry_after_s: 59 })), "{refused:?}");
        throttle.check(there, Timestamp(1_000)).unwrap();
        throttle.check(here, Timestamp(WINDOW_MS)).unwrap();
    }

    #[test]
    fn a_subscriber_has_one_count_whatever_address_is_taken() {
        assert_eq!(network(address("2001:db8:1:2:3::4")), network(address("2001:db8:1:2:ffff::")));
        assert_ne!(network(address("2001:db8:1:2::1")), network(address("2001:db8:1:3::1")));
        assert_eq!(network(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    }

    #[test]
    fn what_is_kept_in_mind_is_bounded() {
        let throttle = Throttle::new(1);
        for number in 0..10_000_u32 {
            throttle.count(IpAddr::from(number.to_be_bytes()), Timestamp(0));
        }
        assert!(throttle.counts.lock().unwrap().len() <= ADDRESSES_MAX);
    }
}
