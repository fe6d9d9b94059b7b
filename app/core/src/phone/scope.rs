//! What the server says besides changes: units won and lost, a restored log, names, the end of an answer.
use std::{collections::BTreeSet, sync::Arc};

use super::{
    Phone, Segments,
    plan::{Op, Plan, Table},
    stored::{Cursor, OutState, OutboxRow, SegmentId, SyncMeta, encode, read_segment},
};
use crate::{
    gather,
    record::{DeviceId, DocId, EpochId, Timestamp, UnitId},
    sync::{scan, session::Commit, wire::Item},
};

/// Rows in one block when blocks are written anew.
const BLOCK_ROWS: usize = 500;
/// With more rows by themselves than this, blocks are written anew at start.
const LOOSE_ROWS_MAX: usize = 1_000;

impl Phone {
    /// The segments that [`Phone::plan_commit`] wants to see.
    #[must_use]
    pub fn needs(&self, commit: &Commit) -> BTreeSet<SegmentId> {
        let docs = match commit {
            Commit::Verdicts(verdicts) => self.docs_for_verdicts(verdicts),
            Commit::Page(page) => self.docs_for_page(page),
            Commit::EpochChanged(_) => gather(self.places.keys().copied()),
            Commit::Repair(_) => {
                return self.segments_of_units(&gather(self.meta.repairs.iter().map(|repair| repair.unit)));
            }
            Commit::Scope(units) => self.docs_for_scope(units),
            Commit::Controls(_, controls) => self.docs_for_controls(controls),
            Commit::End(_) => {
                let mut docs = self.docs_to_rebase();
                docs.extend(self.meta.carried.iter().map(|(doc, _)| *doc));
                docs
            }
            Commit::Directory(_) | Commit::Ticket(_) | Commit::Cloned => BTreeSet::new(),
        };
        gather(docs.into_iter().flat_map(|doc| self.segments_of(doc)))
    }

    /// Plans to keep what the session says; `now` is the phone's clock.
    pub fn plan_commit(&self, commit: &Commit, segments: &Segments, now: Timestamp) -> Plan {
        match commit {
            Commit::Verdicts(verdicts) => self.plan_verdicts(verdicts, segments, now),
            Commit::Controls(unit, controls) => self.plan_controls(*unit, controls, segments, now),
            Commit::Page(page) => self.plan_page(page, segments),
            Commit::Repair(buckets) => self.plan_repair(buckets, segments, now),
            Commit::Ticket(ticket) => {
                let mut plan = Plan::of(self);
                plan.set_meta(SyncMeta { ticket: Some(*ticket), ..self.meta.clone() });
                plan
            }
            Commit::Cloned => self.plan_cloned(),
            Commit::Scope(units) => self.plan_scope(units, segments),
            Commit::EpochChanged(epoch) => self.plan_epoch(*epoch, segments, now),
            Commit::Directory(directory) => {
                let mut plan = Plan::of(self);
                plan.set_directory(directory.clone());
                plan
            }
            Commit::End(end) => {
                let mut plan = Plan::of(self);
                let mut meta = self.meta.clone();
                meta.epoch = end.epoch;
                meta.last_answer = Some((now, end.server_time));
                meta.end_round();
                plan.wake = !meta.repairs.is_empty();
                if !end.more {
                    self.drop_carried(segments, &mut plan, &mut meta);
                }
                plan.set_meta(meta);
                self.rebase_all(segments, &mut plan, now);
                plan
            }
        }
    }

    /// The documents of units that are lost, and those that stayed here of units that are won back.
    fn docs_for_scope(&self, units: &[(UnitId, u64)]) -> BTreeSet<DocId> {
        let stays = |unit: UnitId| {
            self.meta.cursors.contains_key(&unit) && units.iter().any(|(held, _)| *held == unit)
        };
        gather(self.places.iter().filter(|(_, place)| !stays(place.row.unit)).map(|(doc, _)| *doc))
    }

    /// The cursor of a unit that comes into the scope: nothing is read, but what had stayed here is counted.
    fn cursor_of_held(&self, unit: UnitId, segments: &Segments) -> Cursor {
        let mut cursor = Cursor::default();
        let items = segments.iter().filter(|(id, _)| id.unit == unit).flat_map(|(_, raw)| read_segment(raw));
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
        meta.repairs.retain(|repair| held.contains(&repair.unit));
        meta.carried.retain(|(_, unit)| held.contains(unit));
        for unit in &held {
            meta.cursors.entry(*unit).or_insert_with(|| self.cursor_of_held(*unit, segments));
        }
        let lost = |doc: &DocId, unit: UnitId| !held.contains(&unit) && !unsent.contains(doc);
        let gone: BTreeSet<DocId> =
            gather(self.places.iter().filter(|(doc, place)| lost(doc, place.row.unit)).map(|(doc, _)| *doc));
        if !gone.is_empty() {
            let staying = self.places.iter().filter(|(doc, place)| !lost(doc, place.row.unit));
            let used: BTreeSet<SegmentId> =
                gather(staying.flat_map(|(_, place)| place.segments.iter().copied()));
            let freed: BTreeSet<SegmentId> =
                gather(gone.iter().flat_map(|doc| self.segments_of(*doc)).filter(|id| !used.contains(id)));
            plan.batch.extend(freed.into_iter().map(|id| Op::Delete(Table::Log, id.to_string())));
            // A segment that a document which stays needs loses those that go.
            for (id, bytes) in segments.iter().filter(|(id, _)| used.contains(id)) {
                let items = read_segment(bytes);
                let kept: Vec<Item> =
                    items.iter().filter(|item| !gone.contains(&item.doc)).cloned().collect();
                if kept.len() < items.len() {
                    plan.batch.push(Op::Put(Table::Log, id.to_string(), encode(&kept)));
                }
            }
            for doc in gone {
                plan.remove_place(doc);
            }
            self.rewrite_blocks(&mut plan);
        }
        plan.set_meta(meta);
        plan
    }

    /// Lets a document go that stayed only for changes without a receipt, of which the plan has taken the last.
    pub(super) fn leave(&self, plan: &mut Plan, doc: DocId) {
        let Some(place) = self.places.get(&doc) else { return };
        let in_scope = self.meta.scope.iter().any(|(unit, _)| *unit == place.row.unit);
        let unsent = self
            .outbox
            .iter()
            .any(|(number, row)| row.doc == doc && !matches!(plan.outbox.get(number), Some(None)));
        if in_scope || unsent {
            return;
        }
        let others = self.places.iter().filter(|(other, _)| **other != doc);
        let used: BTreeSet<SegmentId> = gather(others.flat_map(|(_, place)| place.segments.iter().copied()));
        let freed = place.segments.iter().filter(|id| !used.contains(id));
        plan.batch.extend(freed.map(|id| Op::Delete(Table::Log, id.to_string())));
        plan.remove_place(doc);
        self.forget_in_blocks(plan);
    }

    /// After places were removed: a block may still have a row of them, older than the one that stood by itself, and the
    /// next start would read it. Called once in a plan, when all are removed.
    pub(super) fn forget_in_blocks(&self, plan: &mut Plan) {
        if !self.blocks.is_empty() {
            self.rewrite_blocks(plan);
        }
    }

    /// The server was restored: begin anew, and offer what this phone wrote once more.
    fn plan_epoch(&self, epoch: EpochId, segments: &Segments, now: Timestamp) -> Plan {
        let mut plan = Plan::of(self);
        let mut meta = self.meta.clone();
        meta.epoch = epoch;
        for cursor in meta.cursors.values_mut() {
            cursor.seq = 0;
        }
        meta.repairs.clear();
        meta.tried.clear();
        for (id, bytes) in segments {
            for item in read_segment(bytes) {
                let Ok(scanned) = scan::scan(&item.raw) else { continue };
                let own = self.writes_as(DeviceId::of_actor(&scanned.actor));
                if own && self.outbox_of(scanned.hash).is_none() {
                    let row = outbox_row(item, id.unit, scanned.hash, now);
                    plan.put_outbox(plan.next_outbox, row);
                }
            }
        }
        plan.set_meta(meta);
        plan
    }

    /// Gathers loose rows into blocks, so that the next start reads few big rows; `None` if there are few.
    #[must_use]
    pub fn plan_tidy(&self) -> Option<Plan> {
        let loose = self.places.len() - self.in_blocks.len();
        (loose > LOOSE_ROWS_MAX).then(|| {
            let mut plan = Plan::of(self);
            self.rewrite_blocks(&mut plan);
            plan
        })
    }

    /// Writes all rows, as the plan leaves them, in new blocks.
    pub(super) fn rewrite_blocks(&self, plan: &mut Plan) {
        for number in &self.blocks {
            plan.batch.push(Op::Delete(Table::Block, format!("{number:020}")));
            plan.blocks.insert(*number, None);
        }
        plan.batch.push(Op::Clear(Table::Row));
        let held = self.places.iter().filter(|(doc, _)| !plan.places.contains_key(doc));
        let planned = plan.places.iter().filter_map(|(doc, place)| Some((doc, place.as_ref()?)));
        let rows: Vec<_> =
            held.chain(planned).map(|(_, place)| (Arc::clone(&place.row), place.segments.clone())).collect();
        for block in rows.chunks(BLOCK_ROWS) {
            plan.put_block(block.to_vec());
        }
    }
}

pub(super) fn outbox_row(
    item: Item,
    unit: UnitId,
    hash: crate::record::ChangeHash,
    now: Timestamp,
) -> OutboxRow {
    OutboxRow {
        doc: item.doc,
        kind: item.kind,
        unit,
        hash,
        raw: item.raw,
        author: item.author,
        saved_at: now,
        state: OutState::Waiting,
        again: true,
    }
}
