//! History: what every change set, in causal order, so that nothing that was ever written is out of sight.
use std::collections::BTreeSet;

use automerge::ReadDoc;

use super::{Document, conflict::Claim, read_value, shape};
use crate::{
    gather,
    record::{ChangeHash, DeviceId, Timestamp, UserId, Value},
    sync::scan,
};

/// One change of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its hash.
    pub change: ChangeHash,
    /// Who, as the envelope says.
    pub author: Option<UserId>,
    /// On which device.
    pub device: Option<DeviceId>,
    /// When, by the writer's clock.
    pub at: Timestamp,
    /// When the server took it; `None` while it is only on this phone.
    pub received_at: Option<Timestamp>,
    /// What it set (`None`: took away), by key, in the order of the shape.
    pub sets: Vec<(String, Option<Value>)>,
}

impl Document {
    /// All changes, each after those it depends on.
    #[must_use]
    pub fn history(&self) -> Vec<Step> {
        let shape = shape::of(self.kind);
        let changes = self.inner.get_changes(&[]);
        changes
            .iter()
            .map(|change| {
                let hash = ChangeHash::from(change.hash());
                let envelope = self.envelopes.get(&hash);
                let mut sets = scan::scan(change.raw_bytes()).map(|scanned| scanned.ops).unwrap_or_default();
                // A choice takes all values away before it writes its own.
                let written: BTreeSet<String> =
                    gather(sets.iter().filter(|op| op.value.is_some()).map(|op| op.key.clone()));
                sets.retain(|op| op.value.is_some() || !written.contains(&op.key));
                sets.sort_by_cached_key(|op| shape.place(&op.key));
                Step {
                    change: hash,
                    author: envelope.map(|envelope| envelope.author),
                    device: DeviceId::of_actor(change.actor_id().to_bytes()),
                    at: Timestamp(change.timestamp().saturating_mul(1000)),
                    received_at: envelope.and_then(|envelope| envelope.received_at),
                    sets: sets.into_iter().map(|op| self.set_by(change.hash(), op)).collect(),
                }
            })
            .collect()
    }

    /// What an operation meant. To choose the one of two concurrent values that is shown already, Automerge writes only
    /// that the other one goes: the field is not empty then, it has the value that stayed.
    fn set_by(&self, change: automerge::ChangeHash, op: scan::ScannedOp) -> (String, Option<Value>) {
        let value = op.value.or_else(|| {
            let (stayed, _) = self.inner.get_at(automerge::ROOT, op.key.as_str(), &[change]).ok()??;
            read_value(&stayed)
        });
        (op.key, value)
    }

    /// The values that one field ever had, each after those that its writer knew of.
    #[must_use]
    pub fn history_of(&self, key: &str) -> Vec<Claim> {
        let of_key = |step: Step| {
            let value = step.sets.into_iter().find(|(set, _)| set == key)?.1?;
            Some(Claim {
                value,
                change: step.change,
                author: step.author,
                device: step.device,
                at: step.at,
                received_at: step.received_at,
            })
        };
        self.history().into_iter().filter_map(of_key).collect()
    }

    /// Whether the document has this change.
    #[must_use]
    pub fn has(&self, hash: ChangeHash) -> bool {
        self.inner.get_change_meta_by_hash(&hash.into()).is_some()
    }

    /// Whether the document has any change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.length(automerge::ROOT) == 0 && self.inner.get_heads().is_empty()
    }
}
