//! Receipts and refusals.
use std::collections::{BTreeMap, BTreeSet};

use super::{
    Phone, Segments, mark_above, open,
    plan::Plan,
    stored::{OutState, OutboxRow, SegmentId, read_segment},
};
use crate::{
    document::LogChange,
    gather,
    query::Row,
    record::{ChangeHash, DocId, Timestamp, UnitId},
    sync::{
        gate::Refusal,
        scan,
        wire::{Item, Verdict},
    },
};

impl Phone {
    /// The documents whose segments a set of verdicts needs: a change with a receipt may be in the log already (it was
    /// pulled after a lost answer, or is offered again to a restored server), and rows of refused ones are made anew.
    pub(super) fn docs_for_verdicts(&self, verdicts: &[(ChangeHash, Verdict)]) -> BTreeSet<DocId> {
        let unsent = self.outbox.by_hash();
        gather(verdicts.iter().filter_map(|(hash, _)| unsent.get(hash)).map(|(_, row)| row.doc))
    }

    pub(super) fn plan_verdicts(
        &self,
        verdicts: &[(ChangeHash, Verdict)],
        segments: &Segments,
        now: Timestamp,
    ) -> Plan {
        let mut plan = Plan::of(self);
        let mut kept: BTreeMap<UnitId, Vec<(Item, ChangeHash)>> = BTreeMap::new();
        let mut refused: BTreeMap<ChangeHash, Refusal> = BTreeMap::new();
        let mut left: BTreeSet<ChangeHash> = BTreeSet::new();
        let mut receipted: BTreeSet<DocId> = BTreeSet::new();
        let unsent = self.outbox.by_hash();
        let logged = self.logged_of(
            verdicts.iter().filter_map(|(hash, _)| unsent.get(hash)).map(|(_, row)| row.doc),
            segments,
        );
        let anew = verdicts.iter().filter(|(_, verdict)| *verdict == Verdict::Refused(Refusal::ReRooted));
        let anew: BTreeSet<DocId> =
            gather(anew.filter_map(|(hash, _)| unsent.get(hash)).map(|(_, row)| row.doc));
        for (hash, verdict) in verdicts {
            let Some((number, row)) = unsent.get(hash).copied() else { continue };
            match verdict {
                // What builds on an edit that is to be made again is to be made again, too.
                Verdict::Refused(Refusal::AfterRefused) if anew.contains(&row.doc) => {
                    refused.insert(*hash, Refusal::ReRooted);
                }
                // It is of a history that was left behind, and the new beginning is here: beside it, it would bring back what was
                // changed since. What builds on it is to be made again.
                Verdict::Duplicate(0)
                    if !logged.contains(&row.raw) && self.has_begun_anew(row.doc, segments) =>
                {
                    plan.delete_outbox(number);
                    left.insert(*hash);
                }
                Verdict::Accepted(_) | Verdict::Duplicate(_) => {
                    plan.delete_outbox(number);
                    receipted.insert(row.doc);
                    // A document that went to another unit is no longer held, but what waited was routed after it.
                    if let Some(place) = self.places.get(&row.doc)
                        && !logged.contains(&row.raw)
                    {
                        kept.entry(place.row.unit).or_default().push((item(row, now), *hash));
                    }
                }
                // An erased document leaves nothing, also not on the phone that edited it.
                Verdict::Refused(Refusal::Erased) => {
                    plan.delete_outbox(number);
                    plan.forget_drafts(row.doc);
                }
                Verdict::Refused(refusal) => drop(refused.insert(*hash, *refusal)),
                // A person has the word of what it builds on; nobody will send that again.
                Verdict::Pending => {
                    let below = self.outbox.of(row.doc).filter_map(|(_, row)| match row.state {
                        OutState::Refused(refusal, _) => Some((row.hash, refusal)),
                        OutState::Waiting => None,
                    });
                    refused.extend(below);
                }
            }
        }
        // What stayed for these alone goes with them, where a letter took its unit away before.
        let gone = self.leave(receipted, segments, &mut plan);
        for changes in kept.values_mut() {
            changes.retain(|(item, _)| !gone.contains(&item.doc));
        }
        kept.retain(|_, changes| !changes.is_empty());
        self.keep(&mut plan, kept);
        refused.extend(left.iter().map(|hash| (*hash, Refusal::ReRooted)));
        self.refuse(&mut plan, refused, &left, segments, now);
        plan
    }

    /// Whether a beginning that the server made is in the log here.
    fn has_begun_anew(&self, doc: DocId, segments: &Segments) -> bool {
        let logged = self.logged(doc, segments);
        logged
            .iter()
            .filter_map(|change| scan::scan(&change.raw).ok())
            .any(|scanned| scanned.is_root_of_server())
    }

    /// The changes of documents that are in the log here. Each segment is read once, however many of them it holds.
    fn logged_of(&self, docs: impl Iterator<Item = DocId>, segments: &Segments) -> BTreeSet<Vec<u8>> {
        let docs: BTreeSet<DocId> = gather(docs);
        let ids: BTreeSet<SegmentId> = gather(docs.iter().flat_map(|doc| self.segments_of(*doc)));
        let items = ids.iter().filter_map(|id| segments.get(id)).flat_map(|bytes| read_segment(bytes));
        gather(items.filter(|item| docs.contains(&item.doc)).map(|item| item.raw))
    }

    /// Moves changes with a receipt into the log.
    fn keep(&self, plan: &mut Plan, kept: BTreeMap<UnitId, Vec<(Item, ChangeHash)>>) {
        if kept.is_empty() {
            return;
        }
        let mut meta = self.meta.clone();
        for (unit, changes) in kept {
            // What is of no unit of the scope is counted when the unit comes into it: a cursor made here would tell the server
            // that the scope is known.
            if let Some(cursor) = meta.cursors.get_mut(&unit) {
                for (_, hash) in &changes {
                    cursor.digest = cursor.digest.with(*hash);
                    cursor.count += 1;
                }
            }
            let items: Vec<Item> = changes.into_iter().map(|(item, _)| item).collect();
            let segment = plan.put_segment(unit, &items);
            let docs: BTreeSet<DocId> = gather(items.iter().map(|item| item.doc));
            for doc in docs {
                if let Some(place) = self.places.get(&doc) {
                    let segments = place.segments.iter().copied().chain([segment]).collect();
                    plan.put_row(place.row.clone(), segments);
                }
            }
        }
        plan.set_meta(meta);
    }

    /// Marks refused changes and those built on them, and makes the rows of their documents without them, and without those that
    /// are `left` behind.
    fn refuse(
        &self,
        plan: &mut Plan,
        mut refused: BTreeMap<ChangeHash, Refusal>,
        left: &BTreeSet<ChangeHash>,
        segments: &Segments,
        now: Timestamp,
    ) {
        if refused.is_empty() {
            return;
        }
        let docs: BTreeSet<DocId> =
            gather(self.outbox.values().filter(|row| refused.contains_key(&row.hash)).map(|row| row.doc));
        let mut removed = false;
        for doc in docs {
            let logged = self.logged(doc, segments);
            self.refuse_above(doc, &logged, &mut refused);
            let waiting = self
                .outbox
                .of(doc)
                .filter(|(number, row)| row.state == OutState::Waiting && !plan.deletes(*number));
            let newly: Vec<(u64, OutboxRow)> = waiting
                .filter_map(|(number, row)| {
                    let state = OutState::Refused(*refused.get(&row.hash)?, now);
                    Some((number, OutboxRow { state, ..row.clone() }))
                })
                .collect();
            if newly.is_empty() && !self.outbox.of(doc).any(|(_, row)| left.contains(&row.hash)) {
                continue;
            }
            for (number, row) in newly {
                plan.put_outbox(number, row);
            }
            let own = self.outbox.of(doc).filter(|(number, row)| {
                let with_receipt = plan.deletes(*number) && !left.contains(&row.hash);
                row.state == OutState::Waiting && (with_receipt || !refused.contains_key(&row.hash))
            });
            let own = own.map(|(_, row)| row.log_change()).collect();
            let (Some(kind), Some(place)) = (self.kind_of(doc), self.places.get(&doc)) else { continue };
            // A change of the same document that got its receipt in this plan has given it a segment.
            let kept = plan.places.get(&doc).and_then(Option::as_ref).unwrap_or(place);
            let held = kept.segments.clone();
            match open(kind, logged, own) {
                Ok(document) if !document.is_empty() => {
                    plan.put_row(Row::of(doc, &document, place.row.unit).into(), held)
                }
                // Nothing of it was ever accepted: it is readable among the refused changes only.
                Ok(_) | Err(_) => {
                    plan.remove_place(doc);
                    removed = true;
                }
            }
        }
        if removed {
            self.forget_in_blocks(plan);
        }
    }

    /// Adds what of a document builds on what was refused, also by way of others' changes: a restored server may refuse what they
    /// were built on once.
    fn refuse_above(&self, doc: DocId, logged: &[LogChange], refused: &mut BTreeMap<ChangeHash, Refusal>) {
        let raws =
            logged.iter().map(|change| &change.raw).chain(self.outbox.of(doc).map(|(_, row)| &row.raw));
        let scanned: Vec<_> = raws.filter_map(|raw| scan::scan(raw).ok()).collect();
        let again = |below| if below == Refusal::ReRooted { below } else { Refusal::AfterRefused };
        mark_above(refused, &scanned, again);
    }
}

fn item(row: &OutboxRow, now: Timestamp) -> Item {
    Item { doc: row.doc, kind: row.kind, author: row.author, received_at: now, raw: row.raw.clone() }
}
