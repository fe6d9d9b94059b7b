//! Repair: a unit's log that differs from the server's is compared by digests of ranges, and only what is missing is sent
//! again. Nothing is deleted; what only this phone has and wrote itself is offered again.
use std::collections::BTreeSet;

use minicbor::{Decode, Encode, bytes::ByteVec};

use super::{
    Phone, Segments,
    plan::Plan,
    scope::outbox_row,
    stored::{SegmentId, SyncMeta, read_segment},
};
use crate::{
    gather,
    record::{ChangeHash, DeviceId, Timestamp, UnitId},
    sync::{
        digest::Digest,
        scan,
        wire::{Bucket, Item, PREFIX_BYTES_MAX, PROBES_MAX, Probe, WANTS_MAX, Want},
    },
};

/// Most rounds of a repair; more than the longest prefix and one to fetch are never needed.
const ROUNDS_MAX: u8 = 8;

/// How far the comparison of one unit's log is. There are few at a time: they stand in a list.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Repair {
    /// The unit.
    #[n(0)]
    pub(super) unit: UnitId,
    /// Ranges to compare next, by the first bytes of the hashes.
    #[n(1)]
    pub(super) prefixes: Vec<ByteVec>,
    /// Changes to ask for.
    #[n(2)]
    pub(super) wants: Vec<ChangeHash>,
    /// Rounds done.
    #[n(3)]
    pub(super) rounds: u8,
}

/// A state of the server's log that a repair began at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Tried(#[n(0)] UnitId, #[n(1)] Digest, #[n(2)] u64);

impl SyncMeta {
    /// A whole log of the server has this digest and count: begins a repair if what is held differs, once for each of the
    /// server's states, and ends one if it is the same.
    pub(super) fn compare(&mut self, unit: UnitId, (digest, count): (Digest, u64)) {
        let here = self.cursors.get(&unit).map(|cursor| (cursor.digest, cursor.count)).unwrap_or_default();
        let state = Tried(unit, digest, count);
        if here == (digest, count) {
            self.forget_repair(unit);
        } else if !self.repairs.iter().any(|repair| repair.unit == unit) && !self.tried.contains(&state) {
            self.forget_repair(unit);
            self.tried.push(state);
            self.begin_repair(unit);
        }
    }

    /// Ends the comparison of a unit.
    pub(super) fn forget_repair(&mut self, unit: UnitId) {
        self.repairs.retain(|repair| repair.unit != unit);
        self.tried.retain(|tried| tried.0 != unit);
    }

    fn begin_repair(&mut self, unit: UnitId) {
        self.repairs.retain(|repair| repair.unit != unit);
        self.repairs.push(Repair { unit, prefixes: vec![Vec::new().into()], wants: Vec::new(), rounds: 0 });
    }

    /// An answer was whole: a round of every repair is over, whatever it brought.
    pub(super) fn end_round(&mut self) {
        self.repairs.retain_mut(|repair| {
            repair.rounds += 1;
            let done = repair.prefixes.is_empty() && repair.wants.is_empty();
            !done && repair.rounds < ROUNDS_MAX
        });
    }

    /// Changes came in, maybe some that had been asked for.
    pub(super) fn note_fetched(&mut self, unit: UnitId, fetched: &BTreeSet<ChangeHash>) {
        for repair in self.repairs.iter_mut().filter(|repair| repair.unit == unit) {
            repair.wants.retain(|want| !fetched.contains(want));
        }
    }
}

impl Phone {
    /// Whether the next request has something to compare or to fetch: ask at once.
    #[must_use]
    pub fn is_repairing(&self) -> bool {
        !self.meta.repairs.is_empty()
    }

    /// The segments to read before [`Phone::outgoing`]: those of units that are being compared.
    #[must_use]
    pub fn needs_outgoing(&self) -> BTreeSet<SegmentId> {
        let comparing = self.meta.repairs.iter().filter(|repair| !repair.prefixes.is_empty());
        self.segments_of_units(&gather(comparing.map(|repair| repair.unit)))
    }

    pub(super) fn segments_of_units(&self, units: &BTreeSet<UnitId>) -> BTreeSet<SegmentId> {
        let all = self.places.values().flat_map(|place| place.segments.iter().copied());
        gather(all.filter(|id| units.contains(&id.unit)))
    }

    /// The digests of the ranges to compare.
    pub(super) fn probes(&self, segments: &Segments) -> Vec<Probe> {
        let mut probes = Vec::new();
        for repair in &self.meta.repairs {
            let held = held_changes(repair.unit, segments);
            for prefix in repair.prefixes.iter().take(PROBES_MAX.saturating_sub(probes.len())) {
                probes.push(Probe::of(repair.unit, prefix, held.iter().map(|change| change.hash)));
            }
        }
        probes
    }

    /// The changes to ask for.
    pub(super) fn wants(&self) -> Vec<Want> {
        let mut left = WANTS_MAX;
        let mut wants = Vec::new();
        let wanting = self.meta.repairs.iter().filter(|repair| !repair.wants.is_empty());
        for repair in wanting.take(PROBES_MAX) {
            let hashes: Vec<ChangeHash> = repair.wants.iter().copied().take(left).collect();
            left -= hashes.len();
            if !hashes.is_empty() {
                wants.push(Want { unit: repair.unit, hashes });
            }
        }
        wants
    }

    /// The server named the hashes of ranges that differ: notes what is missing here, and offers what is missing there if
    /// this phone wrote it.
    pub(super) fn plan_repair(&self, buckets: &[Bucket], segments: &Segments, now: Timestamp) -> Plan {
        let mut plan = Plan::of(self);
        let mut meta = self.meta.clone();
        let unsent = self.outbox.by_hash();
        for repair in &mut meta.repairs {
            // Every range was answered: one without a bucket is the same on both sides.
            repair.prefixes.drain(..repair.prefixes.len().min(PROBES_MAX));
            let held = held_changes(repair.unit, segments);
            for bucket in buckets.iter().filter(|bucket| bucket.unit == repair.unit) {
                let Some(listed) = &bucket.hashes else {
                    if bucket.prefix.len() <= PREFIX_BYTES_MAX {
                        repair.prefixes.push(bucket.prefix.clone());
                    }
                    continue;
                };
                let here: BTreeSet<ChangeHash> = gather(held.iter().map(|change| change.hash));
                repair.wants.extend(listed.iter().filter(|hash| !here.contains(hash)));
                for change in &held {
                    let surplus = change.hash.0.starts_with(&bucket.prefix) && !listed.contains(&change.hash);
                    if surplus && self.writes_as(change.device) && !unsent.contains_key(&change.hash) {
                        let row = outbox_row(change.item.clone(), repair.unit, change.hash, now);
                        plan.put_outbox(plan.next_outbox, row);
                        plan.wake = true;
                    }
                }
            }
        }
        plan.set_meta(meta);
        plan
    }

    /// A document of this unit cannot be read: counts anew what is held of the unit and compares it with the server, which
    /// sends again what is missing. `segments` holds [`Phone::segments_of_unit`].
    pub fn plan_recount(&self, unit: UnitId, segments: &Segments) -> Plan {
        let mut plan = Plan::of(self);
        let mut meta = self.meta.clone();
        if let Some(cursor) = meta.cursors.get_mut(&unit) {
            let held = held_changes(unit, segments);
            cursor.digest = held.iter().fold(Digest::default(), |digest, change| digest.with(change.hash));
            cursor.count = held.len() as u64;
            meta.begin_repair(unit);
            plan.wake = true;
        }
        plan.set_meta(meta);
        plan
    }

    /// The segments of a unit, for [`Phone::plan_recount`].
    #[must_use]
    pub fn segments_of_unit(&self, unit: UnitId) -> BTreeSet<SegmentId> {
        self.segments_of_units(&gather([unit]))
    }
}

/// A change that is held and can be read.
struct Held {
    hash: ChangeHash,
    device: Option<DeviceId>,
    item: Item,
}

/// The readable changes of a unit in segments, each once.
fn held_changes(unit: UnitId, segments: &Segments) -> Vec<Held> {
    let mut known: BTreeSet<ChangeHash> = BTreeSet::new();
    let mut held = Vec::new();
    for (_, bytes) in segments.iter().filter(|(id, _)| id.unit == unit) {
        for item in read_segment(bytes) {
            let Ok(scanned) = scan::scan(&item.raw) else { continue };
            if known.insert(scanned.hash) {
                held.push(Held { hash: scanned.hash, device: DeviceId::of_actor(&scanned.actor), item });
            }
        }
    }
    held
}
