//! What the server says besides changes: units won and lost, a restored log, names, the end of an answer.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Phone, Place, Segments,
    control::hash_of,
    plan::{Op, Plan, Table},
    stored::{Cursor, SegmentId, SyncMeta, read_segment},
};
use crate::{
    encode, gather,
    record::{ChangeHash, DocId, EpochId, Timestamp, UnitId},
    sync::{scan, session::Commit, wire::Item},
};

/// Most rows that are gathered in one block.
pub(super) const BLOCK_ROWS: usize = 500;
/// With more rows by themselves than this, they are gathered in blocks at start.
pub(super) const LOOSE_ROWS_MAX: usize = 1_000;

impl Phone {
    /// The segments that [`Phone::plan_commit`] wants to see.
    #[must_use]
    pub fn needs(&self, commit: &Commit) -> BTreeSet<SegmentId> {
        let docs = match commit.content() {
            Commit::Verdicts(verdicts) => self.docs_for_verdicts(verdicts),
            Commit::Page(page) => self.docs_for_page(page),
            Commit::EpochChanged(_) => gather(self.places.keys().copied()),
            Commit::Repair(_) => {
                let units: BTreeSet<UnitId> = gather(self.meta.repairs.iter().map(|repair| repair.unit));
                self.docs_in(&units)
            }
            Commit::Scope(units) => self.docs_for_scope(units),
            Commit::Controls(_, controls) => self.docs_for_controls(controls),
            Commit::End(..) => {
                let mut docs = self.docs_to_rebase();
                docs.extend(self.to_let_go().map(|(doc, _)| doc));
                docs
            }
            Commit::Directory(_)
            | Commit::Ticket(_)
            | Commit::Epoch(_)
            | Commit::Heard(_)
            | Commit::Late(_)
            | Commit::Cloned => BTreeSet::new(),
        };
        gather(docs.into_iter().flat_map(|doc| self.segments_of(doc)))
    }

    /// Plans to keep what the session says; `now` is the phone's clock.
    pub fn plan_commit(&self, commit: &Commit, segments: &Segments, now: Timestamp) -> Plan {
        match commit {
            Commit::Verdicts(verdicts) => self.plan_verdicts(verdicts, segments, now),
            Commit::Late(commit) => self.plan_late(commit, segments, now),
            Commit::Controls(unit, controls) => {
                let mut plan = self.plan_controls(*unit, controls, segments, now);
                // The cursor is kept after them: a letter of before would go on from it with changes that build on what they take away.
                if self.inbox.is_some() {
                    plan.drop_inbox();
                }
                plan
            }
            Commit::Page(page) => self.plan_page(page, segments),
            Commit::Repair(buckets) => self.plan_repair(buckets, segments, now),
            Commit::Ticket(ticket) => {
                let mut plan = Plan::of(self);
                plan.set_meta(SyncMeta { ticket: Some(*ticket), told: Vec::new(), ..self.meta.clone() });
                plan
            }
            Commit::Epoch(epoch) => {
                let mut plan = Plan::of(self);
                plan.set_meta(SyncMeta { epoch: *epoch, ..self.meta.clone() });
                plan
            }
            Commit::Heard(server_time) => self.plan_heard(*server_time),
            Commit::Cloned => self.plan_cloned(),
            Commit::Scope(units) => self.plan_scope(units, segments),
            Commit::EpochChanged(epoch) => self.plan_epoch(*epoch, segments, now),
            Commit::Directory(directory) => {
                let mut plan = Plan::of(self);
                plan.set_directory(directory.clone());
                plan
            }
            Commit::End(end, asked) => {
                let mut plan = Plan::of(self);
                let mut meta = self.meta.clone();
                meta.epoch = end.epoch;
                meta.last_answer = Some((now, end.server_time));
                meta.spent_ms = 0;
                meta.end_round(asked);
                meta.unheard.retain(|(unit, doc)| self.holds_in(*unit, *doc));
                plan.wake = !meta.repairs.is_empty();
                // Only now everything is known of what goes on where, and of what edits are to be made again on.
                if !end.more {
                    let written = self.drop_carried(segments, now, &mut plan, &mut meta);
                    self.rebase_all(segments, &written, &mut plan, now);
                }
                plan.set_meta(meta);
                plan
            }
        }
    }

    /// What goes at the end of a whole answer, by document and the unit in whose log it lies: what went along to a unit that has not
    /// brought it, and what was left behind.
    pub(super) fn to_let_go(&self) -> impl Iterator<Item = (DocId, UnitId)> {
        self.meta.carried.iter().copied().chain(self.left_behind())
    }

    /// Documents of the scope of which something lies in the log of a unit that was lost before it said that they went away:
    /// the log where they are now has brought all that there is of them.
    fn left_behind(&self) -> impl Iterator<Item = (DocId, UnitId)> {
        let is_read = |unit: UnitId| self.meta.cursors.contains_key(&unit);
        let brought = move |place: &Place| {
            is_read(place.row.unit) && place.segments.iter().any(|id| id.unit == place.row.unit)
        };
        let places = self.places.iter().filter(move |(_, place)| brought(place));
        places.flat_map(move |(doc, place)| {
            let units: BTreeSet<UnitId> =
                gather(place.segments.iter().map(|id| id.unit).filter(|unit| !is_read(*unit)));
            units.into_iter().map(|unit| (*doc, unit))
        })
    }

    /// The documents of units that are lost, and those that stayed here of units that are won back.
    fn docs_for_scope(&self, units: &[(UnitId, u64)]) -> BTreeSet<DocId> {
        let stays = |unit: UnitId| {
            self.meta.cursors.contains_key(&unit) && units.iter().any(|(held, _)| *held == unit)
        };
        // One that moved may be held in the logs of two units.
        let all_stay =
            |place: &Place| stays(place.row.unit) && place.segments.iter().all(|id| stays(id.unit));
        gather(self.places.iter().filter(|(_, place)| !all_stay(place)).map(|(doc, _)| *doc))
    }

    /// The cursor of a unit that comes into the scope: nothing is read, but what had stayed here is counted.
    fn cursor_of_held(&self, unit: UnitId, segments: &Segments) -> Cursor {
        let mut cursor = Cursor::default();
        let of_unit = segments.iter().filter(|(id, _)| id.unit == unit);
        let items = of_unit
            .flat_map(|(id, raw)| read_segment(raw).into_iter().filter(|item| self.holds(*id, item.doc)));
        for scanned in items.filter_map(|item| scan::scan(&item.raw).ok()) {
            cursor.digest = cursor.digest.with(scanned.hash);
            cursor.count += 1;
        }
        cursor
    }

    /// Units that left the scope are deleted, except for what has no receipt and the documents that it is of.
    fn plan_scope(&self, units: &[(UnitId, u64)], segments: &Segments) -> Plan {
        let mut plan = Plan::of(self);
        let held: BTreeSet<UnitId> = gather(units.iter().map(|(unit, _)| *unit));
        let unsent: BTreeSet<DocId> = gather(self.outbox.values().map(|row| row.doc));
        let mut meta = self.meta.clone();
        meta.scope = units.to_vec();
        meta.cursors.retain(|unit, _| held.contains(unit));
        meta.keep_repairs_of(&held);
        meta.carried.retain(|(_, unit)| held.contains(unit));
        for unit in &held {
            meta.cursors.entry(*unit).or_insert_with(|| self.cursor_of_held(*unit, segments));
        }
        let lost = |doc: &DocId, unit: UnitId| !held.contains(&unit) && !unsent.contains(doc);
        let gone: BTreeSet<DocId> =
            gather(self.places.iter().filter(|(doc, place)| lost(doc, place.row.unit)).map(|(doc, _)| *doc));
        if !gone.is_empty() {
            // One that moved may be held in the log of a unit that stays, too, which has not said yet that it went.
            let mut counted: BTreeSet<(UnitId, ChangeHash)> = BTreeSet::new();
            for (id, bytes) in segments {
                let Some(cursor) = meta.cursors.get_mut(&id.unit) else { continue };
                let going = read_segment(bytes).into_iter().filter(|item| gone.contains(&item.doc));
                for hash in going.filter_map(|item| hash_of(&item)) {
                    if counted.insert((id.unit, hash)) {
                        cursor.digest = cursor.digest.without(hash);
                        cursor.count = cursor.count.saturating_sub(1);
                    }
                }
            }
            self.take_away(&gone, segments, &mut plan);
        }
        plan.set_meta(meta);
        plan
    }

    /// Whether a document is held that stayed only for changes without a receipt, of which the plan has taken the last. Before a scope
    /// is told nothing is out of it.
    fn stays_for_nothing(&self, doc: DocId, plan: &Plan) -> bool {
        let is_held = |unit: UnitId| self.meta.scope.iter().any(|(held, _)| *held == unit);
        let in_scope = |place: &Place| {
            self.meta.scope.is_empty()
                || is_held(place.row.unit)
                || place.segments.iter().any(|id| is_held(id.unit))
        };
        self.places.get(&doc).is_some_and(|place| !in_scope(place))
            && self.outbox.of(doc).all(|(number, _)| plan.deletes(number))
    }

    /// Lets those of these documents go that stay for nothing; gives them. Called once in a plan.
    pub(super) fn leave(
        &self,
        docs: impl IntoIterator<Item = DocId>,
        segments: &Segments,
        plan: &mut Plan,
    ) -> BTreeSet<DocId> {
        let gone = gather(docs.into_iter().filter(|doc| self.stays_for_nothing(*doc, plan)));
        self.take_away(&gone, segments, plan);
        gone
    }

    /// Takes documents away with all that `segments` holds of them; others may share these.
    fn take_away(&self, gone: &BTreeSet<DocId>, segments: &Segments, plan: &mut Plan) {
        if gone.is_empty() {
            return;
        }
        let staying = self.places.iter().filter(|(doc, _)| !gone.contains(doc));
        let used: BTreeSet<SegmentId> = gather(staying.flat_map(|(_, place)| place.segments.iter().copied()));
        let freed: BTreeSet<SegmentId> =
            gather(gone.iter().flat_map(|doc| self.segments_of(*doc)).filter(|id| !used.contains(id)));
        plan.batch.extend(freed.into_iter().map(|id| Op::Delete(Table::Log, id.to_string())));
        // A segment that a document which stays needs loses those that go.
        for (id, bytes) in segments.iter().filter(|(id, _)| used.contains(id)) {
            let items = read_segment(bytes);
            let kept: Vec<Item> = items.iter().filter(|item| !gone.contains(&item.doc)).cloned().collect();
            if kept.len() < items.len() {
                plan.batch.push(Op::Put(Table::Log, id.to_string(), encode(&kept)));
            }
        }
        for doc in gone {
            plan.remove_place(*doc);
        }
        self.forget_in_blocks(plan);
    }

    /// After places were removed: a block may still have a row of them, older than the one that stood by itself, and the
    /// next start would read it. Writes the blocks anew that have one, and no others. Called once in a plan, when all are
    /// removed.
    pub(super) fn forget_in_blocks(&self, plan: &mut Plan) {
        let removed = plan.places.iter().filter(|(_, place)| place.is_none()).map(|(doc, _)| *doc);
        let numbers: BTreeSet<u64> = gather(removed.flat_map(|doc| self.blocks_with(doc)));
        self.write_anew(&numbers, plan);
    }

    fn blocks_with(&self, doc: DocId) -> impl Iterator<Item = u64> {
        self.block_rows.range((doc, 0)..=(doc, u64::MAX)).map(|(_, number)| *number)
    }

    /// Whether a document's newest row stands in this block, and not in a later one or by itself.
    fn is_newest_in(&self, doc: DocId, number: u64) -> bool {
        self.in_blocks.contains(&doc) && self.blocks_with(doc).last() == Some(number)
    }

    /// Writes blocks anew without the rows that the plan removes and those that are newer elsewhere.
    fn write_anew(&self, numbers: &BTreeSet<u64>, plan: &mut Plan) {
        if numbers.is_empty() {
            return;
        }
        let mut kept: BTreeMap<u64, Vec<_>> = gather(numbers.iter().map(|number| (*number, Vec::new())));
        for (doc, number) in &self.block_rows {
            if let (Some(rows), Some(place)) = (kept.get_mut(number), self.places.get(doc))
                && self.is_newest_in(*doc, *number)
                && !plan.places.contains_key(doc)
            {
                rows.push((Arc::clone(&place.row), place.segments.clone()));
            }
        }
        for (number, rows) in kept {
            plan.write_block(number, &rows);
        }
    }

    /// The server was restored: begin anew, and offer what this phone wrote once more.
    fn plan_epoch(&self, epoch: EpochId, segments: &Segments, now: Timestamp) -> Plan {
        let mut plan = Plan::of(self);
        let mut meta = self.meta.clone();
        meta.epoch = epoch;
        meta.begin_anew();
        let mut known = self.unsent();
        for (id, bytes) in segments {
            for item in read_segment(bytes) {
                let unit = self.places.get(&item.doc).map_or(id.unit, |place| place.row.unit);
                self.offer(item, unit, &mut known, now, &mut plan);
            }
        }
        plan.set_meta(meta);
        plan
    }

    /// Keeps the next start short, in small steps: gathers a block of the rows that stand by themselves while there are
    /// many, then writes a block anew of which most rows are old. `None` if there is nothing to do.
    #[must_use]
    pub fn plan_tidy(&self) -> Option<Plan> {
        if self.places.len() - self.in_blocks.len() > LOOSE_ROWS_MAX {
            return Some(self.plan_gather());
        }
        let number = self.stale_block()?;
        let mut plan = Plan::of(self);
        self.write_anew(&gather([number]), &mut plan);
        Some(plan)
    }

    /// Writes rows that stand by themselves as one block.
    pub(super) fn plan_gather(&self) -> Plan {
        let mut plan = Plan::of(self);
        let alone = self.places.iter().filter(|(doc, _)| !self.in_blocks.contains(doc)).take(BLOCK_ROWS);
        let rows: Vec<_> = alone.map(|(_, place)| (Arc::clone(&place.row), place.segments.clone())).collect();
        for (row, _) in &rows {
            plan.batch.push(Op::Delete(Table::Row, row.doc.to_string()));
        }
        plan.put_block(rows);
        plan
    }

    /// A block of which more than half of the rows are newer elsewhere.
    fn stale_block(&self) -> Option<u64> {
        if self.block_rows.len() == self.in_blocks.len() {
            return None;
        }
        let mut counts: BTreeMap<u64, (usize, usize)> = BTreeMap::new();
        for (doc, number) in &self.block_rows {
            let (all, live) = counts.entry(*number).or_default();
            *all += 1;
            *live += usize::from(self.is_newest_in(*doc, *number));
        }
        counts.into_iter().find(|(_, (all, live))| live * 2 < *all).map(|(number, _)| number)
    }
}
