//! Parcels: each change that waits has a second copy, which the store seals to the server's sync key. It can be delivered while the
//! app is locked or closed; the receipt comes with the next sync, and takes both copies away.
use super::{
    Phone,
    plan::{Op, Plan, Table},
    stored::{OutState, OutboxRow},
};
use crate::{encode, seal::PublicKey, sync::wire::Push};

/// So many parcels are made up for in one step.
const PARCELS_A_STEP: usize = 100;

impl OutboxRow {
    /// As it is sent.
    pub(super) fn push(&self) -> Push {
        Push { doc: self.doc, kind: self.kind, unit: self.unit, raw: self.raw.clone() }
    }
}

impl Plan {
    /// An outbox row is being written or, as `None`, taken away; so is its parcel.
    pub(super) fn follow_with_parcel(&mut self, key: String, row: Option<&OutboxRow>) {
        if !self.seals {
            return;
        }
        // What was refused waits for a person and not for a line.
        self.batch.push(match row.filter(|row| row.state == OutState::Waiting) {
            Some(row) => Op::Put(Table::Parcel, key, encode(&row.push())),
            None => Op::Delete(Table::Parcel, key),
        });
    }
}

impl Phone {
    /// The key to which parcels are sealed; none before the first directory, or from an older server.
    #[must_use]
    pub fn sync_key(&self) -> Option<PublicKey> {
        self.directory().sync_key
    }

    /// Parcels of what was saved before the key was known; `None` if all are there.
    #[must_use]
    pub fn plan_parcels(&self) -> Option<Plan> {
        let mut plan = Plan::of(self);
        if !plan.seals || self.parcels.len() == self.outbox.waiting() {
            return None;
        }
        let waiting = self.outbox.iter().filter(|(_, row)| row.state == OutState::Waiting);
        let lacking = waiting.filter(|(number, _)| !self.parcels.contains(number));
        for (number, row) in lacking.take(PARCELS_A_STEP) {
            plan.follow_with_parcel(format!("{number:020}"), Some(row));
            plan.parcels.push(*number);
        }
        (!plan.batch.is_empty()).then_some(plan)
    }
}
