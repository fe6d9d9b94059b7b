//! What a try of the PIN costs: enough that guessing takes long, and not so much that a slow phone keeps its owner waiting.
use argon2::{Algorithm, Argon2, Params, Version};
use minicbor::{Decode, Encode};

use super::SealError;

/// Argon2id's work, on one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Cost {
    /// Memory in KiB.
    #[n(0)]
    memory_kib: u32,
    /// Passes over it.
    #[n(1)]
    passes: u32,
}

const fn cost(mib: u32, passes: u32) -> Cost {
    Cost { memory_kib: mib * 1024, passes }
}

/// From the least to the most, each some half more work than the one before.
const LADDER: [Cost; 6] = [cost(19, 2), cost(19, 3), cost(32, 3), cost(48, 3), cost(64, 4), cost(64, 6)];
/// A try should take no longer than this, in ms.
const TARGET_MS: u64 = 1_000;

impl Cost {
    /// What is measured first.
    pub const START: Self = LADDER[2];
    /// Less is never taken.
    pub const FLOOR: Self = LADDER[0];
    /// More is never taken, nor believed.
    pub const CAP: Self = LADDER[5];

    /// The greatest cost that is expected to take a second at most, after [`Self::START`] took so many ms. Of a phone on which
    /// even the floor takes longer the owner waits.
    #[must_use]
    pub fn for_phone(start_ms: u64) -> Self {
        let fits = |cost: &Self| start_ms * cost.work() / Self::START.work() <= TARGET_MS;
        LADDER.into_iter().rev().find(fits).unwrap_or(Self::FLOOR)
    }

    /// The next lower cost, for a phone that has not as much memory; `None` below the floor.
    #[must_use]
    pub fn lower(self) -> Option<Self> {
        LADDER.into_iter().rev().find(|cost| *cost < self)
    }

    fn work(self) -> u64 {
        u64::from(self.memory_kib) * u64::from(self.passes)
    }

    /// Argon2id of a secret.
    ///
    /// # Errors
    /// [`SealError::Damaged`] if the cost is not one of ours, [`SealError::NoMemory`] if there is too little memory.
    pub(super) fn stretch(
        self,
        secret: &[u8],
        salt: &[u8; 16],
        into: &mut [u8; 32],
    ) -> Result<(), SealError> {
        // A cost that was tampered with would take hours, or nothing at all.
        if !LADDER.contains(&self) {
            return Err(SealError::Damaged);
        }
        let params = Params::new(self.memory_kib, self.passes, 1, Some(into.len()));
        let params = params.map_err(|_| SealError::Damaged)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2.hash_password_into(secret, salt, into).map_err(|_| SealError::NoMemory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_gets_what_it_can_do_in_a_second() {
        assert_eq!(Cost::for_phone(0), Cost::CAP);
        assert_eq!(Cost::for_phone(90), Cost::CAP);
        assert_eq!(Cost::for_phone(1_000), Cost::START);
        assert_eq!(Cost::for_phone(1_001), LADDER[1]);
        assert_eq!(Cost::for_phone(60_000), Cost::FLOOR);
    }

    #[test]
    fn steps_lead_down_to_the_floor() {
        let mut cost = Cost::CAP;
        let mut steps = 0;
        while let Some(lower) = cost.lower() {
            assert!(lower.work() < cost.work());
            (cost, steps) = (lower, steps + 1);
        }
        assert_eq!((cost, steps), (Cost::FLOOR, LADDER.len() - 1));
    }

    #[test]
    fn a_pin_is_stretched_by_argon2id_as_others_compute_it() {
        // argon2-cffi 25, the reference in C: Argon2id, version 19, 19 MiB, 2 passes, 1 lane.
        let theirs = "95e352166bb939dfa6174d3f44b561aca7052e5d36b4ff5bfa19a9e8fabad773";
        let mut ours = [0; 32];
        Cost::FLOOR.stretch(b"280419", &[7; 16], &mut ours).unwrap();
        assert_eq!(ours.map(|byte| format!("{byte:02x}")).concat(), theirs);
    }

    #[test]
    fn a_cost_that_is_not_ours_is_not_paid() {
        let mut out = [0; 32];
        for foreign in [cost(1, 1), cost(64, 60), cost(4000, 4)] {
            assert_eq!(foreign.stretch(b"123", &[0; 16], &mut out), Err(SealError::Damaged));
        }
    }
}
