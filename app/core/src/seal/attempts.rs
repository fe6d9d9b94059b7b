//! Wrong PINs: each try is counted before it is made, later ones wait, and the tenth is the last.
use minicbor::{Decode, Encode};

/// After so many wrong PINs the slot goes; what was saved does not.
pub const TRIES_MAX: u8 = 10;

/// Tries that were made and did not open the slot.
///
/// A wait passes by time that the lock was in front of somebody, as the browser's steady clock measures it, and by nothing else:
/// who sets the phone's clock wins nothing, and who has a wrong clock loses nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Attempts {
    /// Wrong PINs since the last right one.
    #[n(0)]
    failed: u8,
    /// How much of the wait has passed, in ms.
    #[n(1)]
    waited_ms: u64,
}

/// What may be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Store this, in a strict transaction, and try only when it is stored.
    Try(Attempts),
    /// Wait so many ms.
    Wait(u64),
    /// There were too many: the slot is to be taken away.
    Gone,
}

impl Attempts {
    /// Whether a PIN may be tried.
    #[must_use]
    pub fn gate(self) -> Gate {
        if self.failed >= TRIES_MAX {
            return Gate::Gone;
        }
        match self.wait_ms() {
            0 => Gate::Try(Self { failed: self.failed + 1, waited_ms: 0 }),
            wait => Gate::Wait(wait),
        }
    }

    /// The lock was in front for so long.
    #[must_use]
    pub fn after(self, shown_ms: u64) -> Self {
        Self { waited_ms: self.waited_ms.saturating_add(shown_ms), ..self }
    }

    /// Wrong PINs that are left before the slot goes.
    #[must_use]
    pub fn left(self) -> u8 {
        TRIES_MAX.saturating_sub(self.failed)
    }

    /// Still to be waited, in ms.
    #[must_use]
    pub fn wait_ms(self) -> u64 {
        let seconds = match self.failed {
            0..=3 => 0,
            4 => 30,
            5 => 2 * 60,
            6 => 10 * 60,
            7 => 30 * 60,
            _ => 2 * 3600,
        };
        (seconds * 1000_u64).saturating_sub(self.waited_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_the_tenth_try_is_the_last() {
        let (mut attempts, mut waits) = (Attempts::default(), Vec::new());
        loop {
            waits.push(attempts.wait_ms() / 1000);
            attempts = attempts.after(attempts.wait_ms());
            match attempts.gate() {
                Gate::Try(counted) => attempts = counted,
                Gate::Gone => break,
                Gate::Wait(_) => unreachable!("the wait has passed"),
            }
        }
        assert_eq!(waits, [0, 0, 0, 0, 30, 120, 600, 1800, 7200, 7200, 7200]);
        assert_eq!(attempts.left(), 0);
    }

    #[test]
    fn a_wait_is_waited_in_parts() {
        let attempts = Attempts { failed: 4, waited_ms: 0 };
        assert_eq!(attempts.gate(), Gate::Wait(30_000));
        assert_eq!(attempts.after(20_000).gate(), Gate::Wait(10_000));
        let counted = Attempts { failed: 5, waited_ms: 0 };
        assert_eq!(attempts.after(20_000).after(u64::MAX).gate(), Gate::Try(counted));
        assert_eq!(counted.gate(), Gate::Wait(120_000));
    }
}
