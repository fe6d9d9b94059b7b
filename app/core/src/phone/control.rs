//! What happens to documents besides changes: they move to another unit, are erased, or begin anew.
use std::collections::BTreeSet;

use super::{
    Draft, Phone, Place, Segments, log_change,
    plan::{Op, Plan, Table},
    stored::{OutState, OutboxRow, Saw, SegmentId, SyncMeta, encode, read_segment},
};
use crate::{
    document::Document,
    gather,
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
            let dropped = self.drop_held(unit, doc, segments, &mut written, &mut plan, &mut meta);
            let goes_on = match control {
                Control::MovedOut { to, .. } => {
                    self.follow(unit, doc, *to, (dropped, &mut written), &mut plan, &mut meta)
                }
                Control::Erased { .. } => {
                    // Each log that it was in says so, but it goes at once: it may have gone along to another, whose word
                    // would find nothing here any more.
                    let held = self.planned(doc, &plan).map(|place| place.segments).unwrap_or_default();
                    let units: BTreeSet<UnitId> = gather(held.into_iter().map(|id| id.unit));
                    for other in units {
                        self.drop_held(other, doc, segments, &mut written, &mut plan, &mut meta);
                    }
                    meta.carried.retain(|(carried, _)| *carried != doc);
                    self.erase(doc, &mut plan);
                    false
                }
                // Its new changes follow; until then the row stays.
                Control::ReRooted { .. } => {
                    self.orphan(doc, dropped, now, &mut plan);
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

    /// Edits of a document that begins anew wait until its new beginning is here. What their authors saw is noted while the
    /// old history can still tell.
    fn orphan(&self, doc: DocId, history: Vec<Item>, now: Timestamp, plan: &mut Plan) {
        let open = || self.outbox.of(doc).filter(|(_, row)| row.is_open());
        if open().next().is_none() {
            return;
        }
        let own = open().map(|(_, row)| row.log_change());
        let changes = history.into_iter().map(log_change).chain(own);
        let old = self.kind_of(doc).and_then(|kind| Document::load(kind, changes).ok());
        for (number, row) in open() {
            // Where there is no history to read, it was read before: this word came once more.
            let saw = old.as_ref().and_then(|old| saw(old, row)).unwrap_or_else(|| row.saw.clone());
            let state = OutState::Refused(Refusal::ReRooted, now);
            plan.put_outbox(number, OutboxRow { state, saw, ..row.clone() });
        }
    }

    /// Takes a document's changes out of this unit's segments and counts them off; gives what was taken out.
    fn drop_held(
        &self,
        unit: UnitId,
        doc: DocId,
        segments: &Segments,
        written: &mut Vec<(SegmentId, Vec<u8>)>,
        plan: &mut Plan,
        meta: &mut SyncMeta,
    ) -> Vec<Item> {
        let mut dropped = Vec::new();
        let held = self.planned(doc, plan).map(|place| place.segments).unwrap_or_default();
        for id in held.into_iter().filter(|id| id.unit == unit) {
            let anew = written.iter().position(|(other, _)| *other == id);
            let held = anew.map(|at| written.swap_remove(at).1).or_else(|| segments.get(&id).cloned());
            let (of_doc, rest): (Vec<Item>, Vec<Item>) =
                read_segment(&held.unwrap_or_default()).into_iter().partition(|item| item.doc == doc);
            dropped.extend(of_doc);
            let bytes = encode(&rest);
            plan.batch.push(if rest.is_empty() {
                Op::Delete(Table::Log, id.to_string())
            } else {
                Op::Put(Table::Log, id.to_string(), bytes.clone())
            });
            written.push((id, bytes));
        }
        let counted: BTreeSet<ChangeHash> =
            gather(dropped.iter().filter_map(|item| scan::scan(&item.raw).ok()).map(|scanned| scanned.hash));
        if let Some(cursor) = meta.cursors.get_mut(&unit) {
            for hash in &counted {
                cursor.digest = cursor.digest.without(*hash);
                cursor.count = cursor.count.saturating_sub(1);
            }
        }
        if let Some(place) = self.planned(doc, plan) {
            let left = place.segments.iter().copied().filter(|id| id.unit != unit).collect();
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
            for (number, row) in self.outbox.of(doc).filter(|(_, row)| row.unit == from) {
                plan.put_outbox(number, OutboxRow { unit: to, ..row.clone() });
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
    /// phone does not read or where it is held already.
    pub(super) fn drop_carried(&self, segments: &Segments, plan: &mut Plan, meta: &mut SyncMeta) {
        let mut written = Vec::new();
        let mut removed = false;
        for (doc, unit) in std::mem::take(&mut meta.carried) {
            self.drop_held(unit, doc, segments, &mut written, plan, meta);
            if self.planned(doc, plan).is_some_and(|place| place.segments.is_empty()) {
                plan.remove_place(doc);
                removed = true;
            }
        }
        if removed {
            self.forget_in_blocks(plan);
        }
    }

    /// An erased document leaves nothing: also not what the server refused of it, nor drafts. What waits is pushed once
    /// more and refused as erased, and goes then.
    fn erase(&self, doc: DocId, plan: &mut Plan) {
        let refused = self.outbox.of(doc).filter(|(_, row)| row.state != OutState::Waiting);
        for (number, _) in refused {
            plan.delete_outbox(number);
        }
        plan.forget_drafts(doc);
    }

    fn planned<'p>(&'p self, doc: DocId, plan: &'p Plan) -> Option<Place> {
        plan.places.get(&doc).cloned().unwrap_or_else(|| self.places.get(&doc).cloned())
    }
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
