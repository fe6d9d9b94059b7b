//! A reading: that somebody saw a sensitive value in full, whose, and why. The phone keeps it before it shows the value, and
//! delivers it later; the server chains it into the access log.
use minicbor::{Decode, Encode};

use super::Sensitive;
use crate::record::{DocId, Timestamp, UnitId, UserId, list::AccessReason};

/// Most readings in one request.
pub const READINGS_MAX: usize = 500;

/// That a sensitive value was seen in full. It holds ids and codes only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Reading {
    /// Who saw it.
    #[n(0)]
    pub user: UserId,
    /// The person whose value it is.
    #[n(1)]
    pub person: DocId,
    /// The unit in which the person's file stood.
    #[n(2)]
    pub unit: UnitId,
    /// What was seen.
    #[n(3)]
    pub what: Sensitive,
    /// Why.
    #[n(4)]
    pub why: AccessReason,
    /// When, by the clock of the phone.
    #[n(5)]
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode;

    #[test]
    fn a_reading_comes_back_from_the_store() {
        let reading = Reading {
            user: UserId(7),
            person: DocId([3; 16]),
            unit: UnitId(2),
            what: Sensitive::IdNumber,
            why: AccessReason::Benefit,
            at: Timestamp(1_790_000_000_000),
        };
        assert_eq!(minicbor::decode::<Reading>(&encode(&reading)).unwrap(), reading);
    }
}
