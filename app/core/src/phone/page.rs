//! Taking in a page of a unit's log.
use std::collections::{BTreeMap, BTreeSet};

use super::{
    Phone, Segments, open,
    plan::Plan,
    stored::{OutboxRow, SegmentId, read_segment},
};
use crate::{
    document::LogChange,
    gather,
    query::Row,
    record::{ChangeHash, DocId, Kind, UnitId},
    sync::{
        scan,
        wire::{Item, Page},
    },
};

/// About how many bytes of changes a segment holds: what is read to open one document.
pub const SEGMENT_BYTES: usize = 64 * 1024;
/// From so many new rows in a page on they are written as a block.
const BLOCK_ROWS_MIN: usize = 32;

impl Phone {
    /// The documents of a page whose changes may be here already, in part.
    pub(super) fn docs_for_page(&self, page: &Page) -> BTreeSet<DocId> {
        gather(page.items.iter().map(|item| item.doc).filter(|doc| self.places.contains_key(doc)))
    }

    /// Plans to take in the changes of a page; what its control records say was done before, in a commit of its own.
    pub(super) fn plan_page(&self, page: &Page, segments: &Segments) -> Plan {
        let mut plan = Plan::of(self);
        let mut meta = self.meta.clone();
        let cursor = meta.cursors.entry(page.unit).or_default();
        let new = self.unknown(page, segments);
        for (_, hash) in &new {
            cursor.digest = cursor.digest.with(*hash);
            cursor.count += 1;
        }
        let fetched: BTreeSet<ChangeHash> = gather(new.iter().map(|(_, hash)| *hash));
        // A page that does not go on from the cursor is of an answer that was overtaken: keep its changes, not its cursor.
        if page.from_seq <= cursor.seq {
            cursor.seq = cursor.seq.max(page.to_seq);
        }
        meta.note_fetched(page.unit, &fetched);
        meta.carried
            .retain(|(doc, unit)| *unit != page.unit || !page.items.iter().any(|item| item.doc == *doc));
        if page.complete {
            meta.compare(page.unit, (page.digest, page.count));
        }
        let items: Vec<&Item> = new.iter().map(|(item, _)| *item).collect();
        let written = write_segments(&mut plan, page.unit, &items);
        self.write_rows(&mut plan, page, &items, &written, segments);
        plan.set_meta(meta);
        plan
    }

    /// The items that are not in this unit's log here, with their hashes; own ones with a receipt are. A document that came
    /// from another unit may be held there as well, until that unit's log says that it went.
    fn unknown<'p>(&self, page: &'p Page, segments: &Segments) -> Vec<(&'p Item, ChangeHash)> {
        let mut known: BTreeSet<ChangeHash> = BTreeSet::new();
        let mut read = BTreeSet::new();
        for doc in self.docs_for_page(page) {
            for id in self.segments_of(doc).into_iter().filter(|id| id.unit == page.unit) {
                if read.insert(id) {
                    let items = segments.get(&id).map(|bytes| read_segment(bytes)).unwrap_or_default();
                    let held = items.iter().filter(|item| self.holds(id, item.doc));
                    known.extend(held.filter_map(|item| hash_of(&item.raw)));
                }
            }
        }
        let hashed = page.items.iter().filter_map(|item| Some((item, hash_of(&item.raw)?)));
        hashed.filter(|(_, hash)| known.insert(*hash)).collect()
    }

    fn write_rows(
        &self,
        plan: &mut Plan,
        page: &Page,
        new: &[&Item],
        written: &BTreeMap<DocId, Vec<SegmentId>>,
        segments: &Segments,
    ) {
        let mut fresh = Vec::new();
        for row in &page.rows {
            let segments_of = |doc: DocId| -> Vec<SegmentId> {
                self.segments_of(doc)
                    .into_iter()
                    .chain(written.get(&doc).into_iter().flatten().copied())
                    .collect()
            };
            let row = self.merged(row, new, segments).unwrap_or_else(|| row.clone());
            let known = self.places.contains_key(&row.doc);
            let held = segments_of(row.doc);
            if known { plan.put_row(row.into(), held) } else { fresh.push((row.into(), held)) }
        }
        if fresh.len() >= BLOCK_ROWS_MIN {
            plan.put_block(fresh);
        } else {
            for (row, held) in fresh {
                plan.put_row(row, held);
            }
        }
    }

    /// A row made here, where the server's does not say all that is held: own changes wait, or the row is of a segment and
    /// older than what has its receipt. `None` if the server's row does.
    fn merged(&self, row: &Row, new: &[&Item], segments: &Segments) -> Option<Row> {
        if !self.places.contains_key(&row.doc) {
            return None;
        }
        let mut changes = self.logged(row.doc, segments);
        let incoming = new.iter().filter(|item| item.doc == row.doc);
        changes.extend(incoming.map(|item| LogChange {
            raw: item.raw.clone(),
            author: item.author,
            received_at: Some(item.received_at),
        }));
        let waiting: Vec<LogChange> = self.outbox.waiting_of(row.doc).map(OutboxRow::log_change).collect();
        if waiting.is_empty() && !is_behind(row, &changes) {
            return None;
        }
        let kind: Kind = row.kind();
        open(kind, changes, waiting).ok().map(|document| Row::of(row.doc, &document, row.unit))
    }
}

/// Whether a row was made from fewer changes than these. One that knows of others is newer; what it lacks comes with them.
fn is_behind(row: &Row, changes: &[LogChange]) -> bool {
    let (mut known, mut built_on) = (BTreeSet::new(), BTreeSet::new());
    for scanned in changes.iter().filter_map(|change| scan::scan(&change.raw).ok()) {
        known.insert(scanned.hash);
        built_on.extend(scanned.deps);
    }
    row.heads.iter().all(|head| known.contains(head)) && !known.difference(&built_on).eq(&row.heads)
}

fn hash_of(raw: &[u8]) -> Option<ChangeHash> {
    scan::scan(raw).ok().map(|scanned| scanned.hash)
}

/// Cuts items into segments and says which documents are in which.
fn write_segments(plan: &mut Plan, unit: UnitId, items: &[&Item]) -> BTreeMap<DocId, Vec<SegmentId>> {
    let mut written: BTreeMap<DocId, Vec<SegmentId>> = BTreeMap::new();
    let mut rest = items;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = rest.iter().take_while(|item| {
            bytes += item.raw.len() + 64;
            bytes <= SEGMENT_BYTES
        });
        let (segment, after) = rest.split_at(fits.count().max(1));
        let owned: Vec<Item> = segment.iter().copied().cloned().collect();
        let id = plan.put_segment(unit, &owned);
        for item in segment {
            let ids = written.entry(item.doc).or_default();
            if ids.last() != Some(&id) {
                ids.push(id);
            }
        }
        rest = after;
    }
    written
}
