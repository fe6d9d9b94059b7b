//! Advisory locks: what writers hold until they commit.
//!
//! Order, so that nobody waits in a circle: first the county (shared by writers of logs, alone for a rebuild), then units in
//! the order of their ids. Who takes them otherwise may be sent back by PostgreSQL after a second. The keys are hashes: two
//! things may share one, which makes somebody wait in vain and nothing else.

use zoufang_core::record::UnitId;

/// What can be locked.
#[derive(Clone, Copy)]
pub(super) enum Lock {
    /// The logs of the county.
    County,
    /// The log of a unit and the documents that live in it.
    Unit(UnitId),
    /// Users and units.
    Directory,
    /// The access log.
    AccessLog,
    /// Sign-in tries under a key.
    Tries([u8; 16]),
}

impl Lock {
    /// Its number among the advisory locks of the database.
    pub(super) fn key(self, county: i64) -> i64 {
        let (kind, low, high) = match self {
            Self::County => (1, 0, 0),
            Self::Unit(unit) => (2, u64::from(unit.0), 0),
            Self::Directory => (3, 0, 0),
            Self::AccessLog => (5, 0, 0),
            Self::Tries(key) => {
                let number = u128::from_le_bytes(key);
                let low = u64::try_from(number & u128::from(u64::MAX)).unwrap_or_default();
                (4, low, u64::try_from(number >> 64).unwrap_or_default())
            }
        };
        [kind, low, high]
            .into_iter()
            .fold(mix(county.cast_unsigned()), |sum, part| mix(sum ^ part))
            .cast_signed()
    }
}

/// Spreads a number over 64 bits (splitmix64), one to one.
fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn locks_of_one_county_have_keys_of_their_own() {
        let units = (0..1_000).map(|unit| Lock::Unit(UnitId(unit)));
        let all = units.chain([
            Lock::County,
            Lock::Directory,
            Lock::AccessLog,
            Lock::Tries([0; 16]),
            Lock::Tries([1; 16]),
        ]);
        let keys: BTreeSet<i64> = all.flat_map(|lock| [lock.key(1), lock.key(2)]).collect();
        assert_eq!(keys.len(), 2 * 1_005);
    }
}
