//! Repair: a unit's log that differs from the server's is compared by digests of ranges, and only what is missing is sent
//! again. What only this phone has and wrote itself is offered again; what others wrote stays. It is asked after, since a
//! restored server may have the document in another unit. Only a beginning of the server's own that the server does not
//! know is let go, with what builds on it: the restored document has its old history.
use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode, bytes::ByteVec};

use super::{
    Phone, Place, Segments,
    control::hash_of,
    mark_above,
    plan::Plan,
    stored::{OutState, OutboxRow, SegmentId, SyncMeta, read_segment},
};
use crate::{
    gather,
    record::{ChangeHash, DeviceId, DocId, Timestamp, UnitId},
    sync::{
        digest::Digest,
        scan,
        session::Asked,
        wire::{Bucket, Item, PREFIX_BYTES_MAX, PROBES_MAX, Probe, STRAYS_MAX, Stray, WANTS_MAX, Want},
    },
};

/// After so many rounds in a row that brought nothing, what is still missing is let be.
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
    /// Rounds since something was compared or came.
    #[n(3)]
    pub(super) rounds: u8,
    /// Documents of which the server's log lacks something, to ask after.
    #[cbor(n(4), default)]
    pub(super) strays: Vec<DocId>,
}

/// A difference that a repair began at: digest and number of what is held of a unit, less those of the server's log. What both
/// get meanwhile does not change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Tried(#[n(0)] UnitId, #[n(1)] Digest, #[n(2)] u64);

impl SyncMeta {
    /// A whole log of the server has this digest and count: begins a repair if what is held differs, once for each difference,
    /// and ends one if it is the same.
    pub(super) fn compare(&mut self, unit: UnitId, (digest, count): (Digest, u64)) {
        let here = self.cursors.get(&unit).map(|cursor| (cursor.digest, cursor.count)).unwrap_or_default();
        let difference = Tried(unit, here.0.less(digest), here.1.wrapping_sub(count));
        if here == (digest, count) {
            self.forget_repair(unit);
            self.unheard.retain(|(of, _)| *of != unit);
        } else if !self.repairs.iter().any(|repair| repair.unit == unit) && !self.tried.contains(&difference)
        {
            self.forget_repair(unit);
            self.tried.push(difference);
            self.begin_repair(unit);
        }
    }

    /// Ends the comparison of all units but these.
    pub(super) fn keep_repairs_of(&mut self, units: &BTreeSet<UnitId>) {
        self.repairs.retain(|repair| units.contains(&repair.unit));
        self.tried.retain(|tried| units.contains(&tried.0));
        self.unheard.retain(|(unit, _)| units.contains(unit));
    }

    /// Ends the comparison of a unit.
    pub(super) fn forget_repair(&mut self, unit: UnitId) {
        self.repairs.retain(|repair| repair.unit != unit);
        self.tried.retain(|tried| tried.0 != unit);
    }

    /// Of a unit these changes are held, each named once: has that compared with the server's log.
    pub(super) fn recount(&mut self, unit: UnitId, held: impl Iterator<Item = ChangeHash>) {
        let cursor = self.cursors.entry(unit).or_default();
        (cursor.digest, cursor.count) =
            held.fold((Digest::default(), 0), |(digest, count), hash| (digest.with(hash), count + 1));
        self.begin_repair(unit);
    }

    pub(super) fn begin_repair(&mut self, unit: UnitId) {
        self.repairs.retain(|repair| repair.unit != unit);
        self.repairs.push(Repair {
            unit,
            prefixes: vec![Vec::new().into()],
            wants: Vec::new(),
            rounds: 0,
            strays: Vec::new(),
        });
    }

    /// An answer was whole: what was asked is answered. A range that was not named is the same on both sides. Of a document of which
    /// nothing was said the server knows nothing elsewhere, yet.
    pub(super) fn end_round(&mut self, asked: &Asked) {
        let new = asked.strays.iter().filter(|stray| !self.unheard.contains(stray));
        let new: Vec<(UnitId, DocId)> = new.copied().collect();
        self.unheard.extend(new);
        self.repairs.retain_mut(|repair| {
            let unit = repair.unit;
            let known = repair.prefixes.len() + repair.strays.len();
            repair.prefixes.retain(|prefix| !asked.ranges.contains(&(unit, prefix.to_vec())));
            repair.strays.retain(|doc| !asked.strays.contains(&(unit, *doc)));
            let left = repair.prefixes.len() + repair.strays.len();
            // Only changes that were asked for may not come.
            repair.rounds = if left < known { 0 } else { repair.rounds + 1 };
            left > 0 || !repair.wants.is_empty() && repair.rounds < ROUNDS_MAX
        });
    }

    /// Changes came in, maybe some that had been asked for.
    pub(super) fn note_fetched(&mut self, unit: UnitId, fetched: &BTreeSet<ChangeHash>) {
        for repair in self.repairs.iter_mut().filter(|repair| repair.unit == unit) {
            let before = repair.wants.len();
            repair.wants.retain(|want| !fetched.contains(want));
            if repair.wants.len() < before {
                repair.rounds = 0;
            }
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

    fn segments_of_units(&self, units: &BTreeSet<UnitId>) -> BTreeSet<SegmentId> {
        let all = self.places.values().flat_map(|place| place.segments.iter().copied());
        gather(all.filter(|id| units.contains(&id.unit)))
    }

    /// The documents of which something is held in the logs of these units.
    pub(super) fn docs_in(&self, units: &BTreeSet<UnitId>) -> BTreeSet<DocId> {
        let held = |place: &Place| place.segments.iter().any(|id| units.contains(&id.unit));
        gather(self.places.iter().filter(|(_, place)| held(place)).map(|(doc, _)| *doc))
    }

    /// The documents to ask after, once their whole unit is compared: what of them is this phone's own is offered then. Those of which
    /// nothing was heard come last, so that many of them keep nothing back.
    pub(super) fn strays(&self) -> Vec<Stray> {
        let compared = self.meta.repairs.iter().filter(|repair| repair.prefixes.is_empty());
        let straying = compared.flat_map(|repair| repair.strays.iter().map(|doc| (repair.unit, *doc)));
        let (mut strays, mut left): (Vec<Stray>, _) = (Vec::new(), STRAYS_MAX);
        for (unit, doc) in straying.chain(self.meta.unheard.iter().copied()) {
            let place = strays.iter().position(|stray| stray.unit == unit);
            let place = match place {
                Some(place) if strays[place].docs.contains(&doc) => continue,
                Some(place) => place,
                None if strays.len() < PROBES_MAX => {
                    strays.push(Stray { unit, docs: Vec::new() });
                    strays.len() - 1
                }
                None => continue,
            };
            if left == 0 {
                break;
            }
            left -= 1;
            strays[place].docs.push(doc);
        }
        strays
    }

    /// Whether something of a document is held in the log of a unit.
    pub(super) fn holds_in(&self, unit: UnitId, doc: DocId) -> bool {
        self.places.get(&doc).is_some_and(|place| place.segments.iter().any(|id| id.unit == unit))
    }

    /// The digests of the ranges to compare.
    pub(super) fn probes(&self, segments: &Segments) -> Vec<Probe> {
        let mut probes = Vec::new();
        for repair in &self.meta.repairs {
            let held = self.held_changes(repair.unit, segments);
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

    /// The server named the hashes of ranges that differ: notes what is missing here, offers what is missing there if this
    /// phone wrote it, and notes whose documents are to be asked after.
    pub(super) fn plan_repair(&self, buckets: &[Bucket], segments: &Segments, now: Timestamp) -> Plan {
        let mut plan = Plan::of(self);
        let mut meta = self.meta.clone();
        let mut known = self.unsent();
        let mut dead: BTreeMap<(UnitId, DocId), BTreeSet<ChangeHash>> = BTreeMap::new();
        for repair in &mut meta.repairs {
            let unit = repair.unit;
            let held = self.held_changes(unit, segments);
            let here: BTreeSet<ChangeHash> = gather(held.iter().map(|change| change.hash));
            for bucket in buckets.iter().filter(|bucket| bucket.unit == unit) {
                let Some(listed) = &bucket.hashes else {
                    if bucket.prefix.len() <= PREFIX_BYTES_MAX && !repair.prefixes.contains(&bucket.prefix) {
                        repair.prefixes.push(bucket.prefix.clone());
                    }
                    continue;
                };
                let missing = listed.iter().filter(|hash| !here.contains(hash));
                let missing: Vec<ChangeHash> =
                    missing.copied().filter(|hash| !repair.wants.contains(hash)).collect();
                repair.wants.extend(missing);
                let surplus = |change: &&Held| {
                    change.hash.0.starts_with(&bucket.prefix) && !listed.contains(&change.hash)
                };
                for change in held.iter().filter(surplus) {
                    let doc = change.item.doc;
                    plan.wake |= self.offer(change.item.clone(), unit, &mut known, now, &mut plan);
                    if change.is_root_of_server {
                        dead.entry((unit, doc)).or_default().insert(change.hash);
                    }
                    if !repair.strays.contains(&doc) {
                        repair.strays.push(doc);
                    }
                }
            }
        }
        self.drop_dead(dead, segments, (&mut known, now), &mut plan, &mut meta);
        plan.set_meta(meta);
        plan
    }

    /// Lets beginnings go that the server made and does not know any more, since it was put back to before them: with all that
    /// builds on them, but only where the document has something else. Edits made on them are made again.
    fn drop_dead(
        &self,
        dead: BTreeMap<(UnitId, DocId), BTreeSet<ChangeHash>>,
        segments: &Segments,
        (known, now): (&mut BTreeSet<ChangeHash>, Timestamp),
        plan: &mut Plan,
        meta: &mut SyncMeta,
    ) {
        let mut written = Vec::new();
        for ((unit, doc), roots) in dead {
            let all = self.items_of(doc, segments, &written, plan);
            let gone = built_on(roots, &all);
            if all.iter().filter_map(hash_of).all(|hash| gone.contains(&hash)) {
                continue;
            }
            // What builds on them may be in a range that is compared later, when it is no more here.
            for item in all.into_iter().filter(|item| hash_of(item).is_some_and(|hash| gone.contains(&hash)))
            {
                self.offer(item, unit, known, now, plan);
            }
            let dropped = self.drop_held((unit, doc, Some(&gone)), segments, &mut written, plan, meta);
            let left = self.items_of(doc, segments, &written, plan);
            self.without(doc, dropped, left, now, plan);
            plan.wake = true;
        }
    }

    /// The hashes of what is in the outbox.
    pub(super) fn unsent(&self) -> BTreeSet<ChangeHash> {
        gather(self.outbox.values().map(|row| row.hash))
    }

    /// Offers a change once more, if this phone wrote it and it is not known to be in the outbox; says whether.
    pub(super) fn offer(
        &self,
        item: Item,
        unit: UnitId,
        known: &mut BTreeSet<ChangeHash>,
        now: Timestamp,
        plan: &mut Plan,
    ) -> bool {
        let Ok(scanned) = scan::scan(&item.raw) else { return false };
        let offered = self.writes_as(DeviceId::of_actor(&scanned.actor)) && known.insert(scanned.hash);
        if offered {
            let row = OutboxRow {
                doc: item.doc,
                kind: item.kind,
                unit,
                hash: scanned.hash,
                raw: item.raw,
                author: item.author,
                saved_at: now,
                state: OutState::Waiting,
                again: true,
                saw: Vec::new(),
            };
            plan.put_outbox(plan.next_outbox, row);
        }
        offered
    }

    /// A document of this unit cannot be read: counts anew what is held of the unit and compares it with the server, which
    /// sends again what is missing. `segments` holds [`Phone::segments_of_unit`].
    pub fn plan_recount(&self, unit: UnitId, segments: &Segments) -> Plan {
        let mut plan = Plan::of(self);
        let mut meta = self.meta.clone();
        if meta.cursors.contains_key(&unit) {
            meta.recount(unit, self.held_changes(unit, segments).iter().map(|change| change.hash));
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
    is_root_of_server: bool,
    item: Item,
}

/// These changes, and those that build on them.
fn built_on(roots: BTreeSet<ChangeHash>, all: &[Item]) -> BTreeSet<ChangeHash> {
    let scanned: Vec<_> = all.iter().filter_map(|item| scan::scan(&item.raw).ok()).collect();
    let mut gone: BTreeMap<ChangeHash, ()> = gather(roots.into_iter().map(|hash| (hash, ())));
    mark_above(&mut gone, &scanned, |()| ());
    gather(gone.into_keys())
}

impl Phone {
    /// The readable changes of a unit in segments, each once.
    fn held_changes(&self, unit: UnitId, segments: &Segments) -> Vec<Held> {
        let mut known: BTreeSet<ChangeHash> = BTreeSet::new();
        let mut held = Vec::new();
        for (id, bytes) in segments.iter().filter(|(id, _)| id.unit == unit) {
            for item in read_segment(bytes).into_iter().filter(|item| self.holds(*id, item.doc)) {
                let Ok(scanned) = scan::scan(&item.raw) else { continue };
                if known.insert(scanned.hash) {
                    let (hash, is_root_of_server) = (scanned.hash, scanned.is_root_of_server());
                    held.push(Held { hash, is_root_of_server, item });
                }
            }
        }
        held
    }
}
