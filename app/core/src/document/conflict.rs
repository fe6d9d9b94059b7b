//! Conflicts: concurrent values of one keep-both field, each with who wrote it and when. The program never decides.
use automerge::{ROOT, ReadDoc};

use super::{
    Document,
    shape::{self, Merge},
};
use crate::record::{ChangeHash, DeviceId, Timestamp, UserId, Value};

/// One value that somebody gave a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The value.
    pub value: Value,
    /// The change that wrote it.
    pub change: ChangeHash,
    /// Who, as the envelope says.
    pub author: Option<UserId>,
    /// On which device.
    pub device: Option<DeviceId>,
    /// When, by the writer's clock.
    pub at: Timestamp,
    /// When the server took it.
    pub received_at: Option<Timestamp>,
}

/// A field with more than one concurrent value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The key.
    pub key: String,
    /// The values, oldest first by the writers' clocks; at least two, all different.
    pub claims: Vec<Claim>,
}

impl Document {
    /// The fields for which a person must choose, in the order of their keys.
    #[must_use]
    pub fn conflicts(&self) -> Vec<Conflict> {
        let shape = shape::of(self.kind);
        let beside = self.inner.map_range(ROOT, ..).filter(|item| item.conflict);
        let keys = beside
            .map(|item| item.key.into_owned())
            .filter(|key| shape.field(key).is_some_and(|field| field.merge == Merge::Keep));
        keys.filter_map(|key| self.conflict(key)).collect()
    }

    fn conflict(&self, key: String) -> Option<Conflict> {
        let mut claims = self.claims(&key);
        claims.sort_by_key(|claim| (claim.at, claim.change));
        let mut distinct: Vec<Claim> = Vec::new();
        for claim in claims {
            if distinct.iter().all(|known| known.value != claim.value) {
                distinct.push(claim);
            }
        }
        (distinct.len() > 1).then_some(Conflict { key, claims: distinct })
    }
}
