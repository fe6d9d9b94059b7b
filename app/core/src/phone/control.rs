//! What happens to documents besides changes: they move to another unit, are erased, or begin anew.
use std::collections::BTreeSet;

use super::{
    Draft, Phone, Place, Segments, log_change, open,
    plan::{Op, Plan, Table},
    stored::{OutState, OutboxRow, Saw, SegmentId, SyncMeta, read_segment},
};
use crate::{
    document::Document,
    encode, gather,
    query::Row,
    record::{ChangeHash, DocId, Timestamp, UnitId},
    sync::{
        gate::Refusal,
        scan,
        wire::{Control, Item},
    },
};

impl Phone {
    /// The documents that control records are about.
    pub(super) fn docs_for_controls(&self, controls: &[Control]) -> BTreeSet<DocId> {
        gather(controls.iter().filter_map(Control::doc).filter(|doc| self.places.contains_key(doc)))
    }

    /// Plans what the control records of a page say. The page's changes and its cursor are kept after it, in a commit of
    /// their own: a crash between the two does this once more, which changes nothing.
    pub(super) fn plan_controls(
        &self,
        unit: UnitId,
        controls: &[Control],
        segments: &Segments,
        now: Timestamp,
    ) -> Plan {
        let mut plan = Plan::of(self);
        let mut meta = self.meta.clone();
        // Segments that were written anew for an earlier record of the same page.
        let mut written: Vec<(SegmentId, Vec<u8>)> = Vec::new();
        let mut removed = false;
        for control in controls {
            let doc = match control {
                Control::Schema { version } => {
                    meta.schema = meta.schema.max(*version);
                    continue;
                }
                Control::Unknown(_) => continue,
                Control::MovedOut { doc, .. } | Control::Erased { doc } | Control::ReRooted { doc } => *doc,
            };
            let dropped = self.drop_held((unit, doc, None), segments, &mut written, &mut plan, &mut meta);
            let goes_on = match control {
                Control::MovedOut { to, .. } => {
                    let went = (dropped.clone(), &mut written);
                    let stays = self.follow(unit, doc, *to, went, &mut plan, &mut meta);
                    if stays {
                        let left = self.items_of(doc, segments, &written, &plan);
                        self.without(doc, dropped, left, now, &mut plan);
                    } else {
                        self.note_saw(doc, dropped, &mut plan);
                    }
                    stays
                }
                Control::Erased { .. } => {
                    // Each log that it was in says so, but it goes at once: it may have gone along to another, whose word
                    // would find nothing here any more.
                    let held = self.planned(doc, &plan).map(|place| place.segments).unwrap_or_default();
                    let units: BTreeSet<UnitId> = gather(held.into_iter().map(|id| id.unit));
                    for other in units {
                        self.drop_held((other, doc, None), segments, &mut written, &mut plan, &mut meta);
                    }
                    meta.carried.retain(|(carried, _)| *carried != doc);
                    self.erase(doc, &mut plan);
                    false
                }
                // Its new changes follow, and until then the row stays; or another log has brought them already.
                Control::ReRooted { .. } => {
                    self.orphan(doc, dropped.clone(), None, now, &mut plan);
                    let left = self.items_of(doc, segments, &written, &plan);
                    if !left.is_empty() {
                        self.without(doc, dropped, left, now, &mut plan);
                    }
                    true
                }
                Control::Schema { .. } | Control::Unknown(_) => true,
            };
            if !goes_on && self.places.contains_key(&doc) {
                plan.remove_place(doc);
                removed = true;
            }
        }
        if removed {
            self.forget_in_blocks(&mut plan);
        }
        plan.set_meta(meta);
        plan
    }

    /// Edits of a document that begins anew wait until its new beginning is here; those that build on nothing but `left` stay
    /// as they are. What their authors saw is noted while the old history can still tell.
    fn orphan(
        &self,
        doc: DocId,
        history: Vec<Item>,
        left: Option<BTreeSet<ChangeHash>>,
        now: Timestamp,
        plan: &mut Plan,
    ) {
        let mut open = self.planned_open(doc, plan);
        if open.is_empty() {
            return;
        }
        let old = self.history(doc, history, &open);
        if let Some(mut known) = left {
            open.retain(|(_, row)| {
                let stays = scan::scan(&row.raw)
                    .is_ok_and(|scanned| scanned.deps.iter().all(|dep| known.contains(dep)));
                if stays {
                    known.insert(row.hash);
                }
                !stays
            });
        }
        for (number, row) in open {
            // Where there is no history to read, it was read before: this word came once more.
            let saw = old.as_ref().and_then(|old| saw(old, &row)).unwrap_or_else(|| row.saw.clone());
            let state = OutState::Refused(Refusal::ReRooted, now);
            plan.put_outbox(number, OutboxRow { state, saw, ..row });
        }
    }

    /// A document goes, and edits of it wait for their receipts: what their authors saw is noted, since it may begin anew and come
    /// back.
    fn note_saw(&self, doc: DocId, history: Vec<Item>, plan: &mut Plan) {
        let open = self.planned_open(doc, plan);
        if open.is_empty() {
            return;
        }
        let Some(old) = self.history(doc, history, &open) else { return };
        for (number, row) in open {
            if let Some(saw) = saw(&old, &row) {
                plan.put_outbox(number, OutboxRow { saw, ..row });
            }
        }
    }

    /// A document as it was with edits that wait.
    fn history(&self, doc: DocId, history: Vec<Item>, open_rows: &[(u64, OutboxRow)]) -> Option<Document> {
        let own = open_rows.iter().map(|(_, row)| row.log_change()).collect();
        let history = history.into_iter().map(log_change).collect();
        self.kind_of(doc).and_then(|kind| open(kind, history, own).ok())
    }

    /// Of a document that is still here some changes went: edits that build on them wait to be made again, and the row says
    /// what is left.
    pub(super) fn without(
        &self,
        doc: DocId,
        gone: Vec<Item>,
        left: Vec<Item>,
        now: Timestamp,
        plan: &mut Plan,
    ) {
        let known: BTreeSet<ChangeHash> = gather(left.iter().filter_map(hash_of));
        let Some(place) = self.planned(doc, plan) else { return };
        if gone.iter().filter_map(hash_of).all(|hash| known.contains(&hash)) {
            return;
        }
        let history = gone.into_iter().chain(left.iter().cloned()).collect();
        self.orphan(doc, history, Some(known), now, plan);
        let waiting = self.planned_outbox(doc, plan).into_iter().map(|(_, row)| row);
        let waiting = waiting.filter(|row| row.state == OutState::Waiting).map(|row| row.log_change());
        let left = left.into_iter().map(log_change).collect();
        if let Ok(document) = open(place.row.kind(), left, waiting.collect()) {
            plan.put_row(Row::of(doc, &document, place.row.unit).into(), place.segments);
        }
    }

    /// What of a document is in the outbox when the plan is done, in the order in which it is sent.
    pub(super) fn planned_outbox(&self, doc: DocId, plan: &Plan) -> Vec<(u64, OutboxRow)> {
        let kept = self.outbox.of(doc).filter(|(number, _)| !plan.outbox.contains_key(number));
        let kept = kept.map(|(number, row)| (number, row.clone()));
        let planned = plan.outbox.iter().filter_map(|(number, row)| Some((*number, row.clone()?)));
        let mut rows: Vec<_> = kept.chain(planned.filter(|(_, row)| row.doc == doc)).collect();
        rows.sort_by_key(|(number, row)| (!row.again, *number));
        rows
    }

    /// What of it waits, or waits to be made again.
    pub(super) fn planned_open(&self, doc: DocId, plan: &Plan) -> Vec<(u64, OutboxRow)> {
        let mut rows = self.planned_outbox(doc, plan);
        rows.retain(|(_, row)| row.is_open());
        rows
    }

    /// The changes of a document in the segments that it has when the plan is done, as far as they can be read.
    pub(super) fn items_of(
        &self,
        doc: DocId,
        segments: &Segments,
        written: &[(SegmentId, Vec<u8>)],
        plan: &Plan,
    ) -> Vec<Item> {
        let ids = self.planned(doc, plan).map(|place| place.segments).unwrap_or_default();
        let bytes = ids.iter().filter_map(|id| {
            let anew = written.iter().find(|(other, _)| other == id).map(|(_, bytes)| bytes);
            anew.or_else(|| segments.get(id))
        });
        let items = bytes.flat_map(|bytes| read_segment(bytes)).filter(|item| item.doc == doc);
        items.filter(|item| hash_of(item).is_some()).collect()
    }

    /// Takes a document's changes, or those of them that are named, out of this unit's segments and counts them off; gives what
    /// was taken out.
    pub(super) fn drop_held(
        &self,
        (unit, doc, only): (UnitId, DocId, Option<&BTreeSet<ChangeHash>>),
        segments: &Segments,
        written: &mut Vec<(SegmentId, Vec<u8>)>,
        plan: &mut Plan,
        meta: &mut SyncMeta,
    ) -> Vec<Item> {
        let (mut dropped, mut staying) = (Vec::new(), BTreeSet::new());
        let held = self.planned(doc, plan).map(|place| place.segments).unwrap_or_default();
        for id in held.into_iter().filter(|id| id.unit == unit) {
            let anew = written.iter().position(|(other, _)| *other == id);
            let held = anew.map(|at| written.swap_remove(at).1).or_else(|| segments.get(&id).cloned());
            let goes = |item: &Item| {
                item.doc == doc
                    && only.is_none_or(|only| hash_of(item).is_some_and(|hash| only.contains(&hash)))
            };
            let (going, rest): (Vec<Item>, Vec<Item>) =
                read_segment(&held.unwrap_or_default()).into_iter().partition(goes);
            if rest.iter().any(|item| item.doc == doc) {
                staying.insert(id);
            }
            dropped.extend(going);
            let bytes = encode(&rest);
            plan.batch.push(if rest.is_empty() {
                Op::Delete(Table::Log, id.to_string())
            } else {
                Op::Put(Table::Log, id.to_string(), bytes.clone())
            });
            written.push((id, bytes));
        }
        let counted: BTreeSet<ChangeHash> = gather(dropped.iter().filter_map(hash_of));
        if let Some(cursor) = meta.cursors.get_mut(&unit) {
            for hash in &counted {
                cursor.digest = cursor.digest.without(*hash);
                cursor.count = cursor.count.saturating_sub(1);
            }
        }
        if let Some(place) = self.planned(doc, plan) {
            let stays = |id: &SegmentId| id.unit != unit || staying.contains(id);
            let left = place.segments.iter().copied().filter(stays).collect();
            plan.put_row(place.row.clone(), left);
        }
        dropped
    }

    /// A document went to another unit: if that is this user's too, its changes go along, unless its log or a later one has
    /// brought it already. Says whether it is still here.
    fn follow(
        &self,
        from: UnitId,
        doc: DocId,
        to: UnitId,
        (dropped, written): (Vec<Item>, &mut Vec<(SegmentId, Vec<u8>)>),
        plan: &mut Plan,
        meta: &mut SyncMeta,
    ) -> bool {
        let Some(place) = self.planned(doc, plan) else { return false };
        let in_scope = meta.cursors.contains_key(&to);
        if in_scope {
            for (number, row) in
                self.planned_outbox(doc, plan).into_iter().filter(|(_, row)| row.unit == from)
            {
                plan.put_outbox(number, OutboxRow { unit: to, ..row });
            }
        }
        // Units come in any order, so this may be an old word: what another log holds of it stays until that log says more.
        if !place.segments.is_empty() || !in_scope {
            return !place.segments.is_empty();
        }
        meta.carried.retain(|(carried, _)| *carried != doc);
        let mut held: Vec<SegmentId> = Vec::new();
        if !dropped.is_empty() {
            let id = plan.put_segment(to, &dropped);
            held.push(id);
            written.push((id, encode(&dropped)));
            meta.carried.push((doc, to));
            let cursor = meta.cursors.entry(to).or_default();
            for item in &dropped {
                if let Ok(scanned) = scan::scan(&item.raw) {
                    cursor.digest = cursor.digest.with(scanned.hash);
                    cursor.count += 1;
                }
            }
        }
        plan.put_row(Row { unit: to, ..Row::clone(&place.row) }.into(), held);
        true
    }

    /// Every log was read to its end: what went along to a unit whose log did not bring it went on from there, to where this
    /// phone does not read or where it is held already; and what was left behind in a unit that was lost. Gives the segments that were
    /// written anew.
    pub(super) fn drop_carried(
        &self,
        segments: &Segments,
        now: Timestamp,
        plan: &mut Plan,
        meta: &mut SyncMeta,
    ) -> Vec<(SegmentId, Vec<u8>)> {
        let mut written = Vec::new();
        let mut removed = false;
        meta.carried.clear();
        for (doc, unit) in self.to_let_go() {
            let dropped = self.drop_held((unit, doc, None), segments, &mut written, plan, meta);
            let Some(place) = self.planned(doc, plan) else { continue };
            if place.segments.is_empty() {
                self.note_saw(doc, dropped, plan);
                plan.remove_place(doc);
                removed = true;
            } else {
                let left = self.items_of(doc, segments, &written, plan);
                self.without(doc, dropped, left, now, plan);
            }
        }
        if removed {
            self.forget_in_blocks(plan);
        }
        written
    }

    /// An erased document leaves nothing: also not what the server refused of it, nor drafts. What waits is pushed once
    /// more and refused as erased, and goes then.
    fn erase(&self, doc: DocId, plan: &mut Plan) {
        let rows = self.planned_outbox(doc, plan).into_iter();
        for (number, _) in rows.filter(|(_, row)| row.state != OutState::Waiting) {
            plan.delete_outbox(number);
        }
        plan.forget_drafts(doc);
    }

    pub(super) fn planned<'p>(&'p self, doc: DocId, plan: &'p Plan) -> Option<Place> {
        plan.places.get(&doc).cloned().unwrap_or_else(|| self.places.get(&doc).cloned())
    }
}

pub(super) fn hash_of(item: &Item) -> Option<ChangeHash> {
    scan::scan(&item.raw).ok().map(|scanned| scanned.hash)
}

/// What the author of an edit saw under the keys that it writes.
fn saw(history: &Document, row: &OutboxRow) -> Option<Saw> {
    let scanned = scan::scan(&row.raw).ok()?;
    let then = history.at(&scanned.deps)?;
    Some(gather(scanned.ops.into_iter().map(|op| {
        let values = then.values(&op.key);
        (op.key, values)
    })))
}

impl Plan {
    /// Deletes what was being typed into forms of a document.
    pub(super) fn forget_drafts(&mut self, doc: DocId) {
        let keys = Draft::keys_of(doc);
        self.batch.extend(keys.iter().map(|key| Op::Delete(Table::Draft, key.clone())));
        self.drafts.extend(keys);
    }
}
