//! Rows that cannot be read any more: all of them are made anew from the log and the outbox, which say the same.
//!
//! Which records' rows they were nobody can tell. One that stands by itself may be newer than one in a block that can be read, so
//! none of the old ones is believed.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Phone, Segments, log_change, open,
    plan::{Op, Plan, Table},
    scope::BLOCK_ROWS,
    stored::{OutState, SegmentId, read_segment},
};
use crate::{
    document::LogChange,
    gather,
    query::Row,
    record::{ChangeHash, DocId, Kind, UnitId},
    sync::scan,
};

/// What the log and the outbox have of a document.
struct Found {
    unit: UnitId,
    kind: Kind,
    logged: Vec<LogChange>,
    held: Vec<(UnitId, ChangeHash)>,
    segments: Vec<SegmentId>,
}

impl Phone {
    /// Makes every row anew, counts what is held, and has that compared with the server's logs: what cannot be read of the log
    /// either is fetched again. `segments` holds all segments of the store.
    pub fn plan_rows_anew(&self, segments: &Segments) -> Plan {
        let mut plan = Plan::of(self);
        let mut meta = self.meta.clone();
        plan.batch.extend([Op::Clear(Table::Row), Op::Clear(Table::Block)]);
        plan.blocks = gather(self.blocks.iter().map(|number| (*number, None)));
        plan.places = gather(self.places.keys().map(|doc| (*doc, None)));
        let mut held: BTreeMap<UnitId, BTreeSet<ChangeHash>> = BTreeMap::new();
        let mut rows: Vec<(Arc<Row>, Vec<SegmentId>)> = Vec::new();
        for (doc, found) in self.found(segments) {
            let waiting: Vec<LogChange> = self.outbox.waiting_of(doc).map(|row| row.log_change()).collect();
            // What lies of a record whose unit was lost, and for which nothing waits, was let go.
            let ours = meta.cursors.contains_key(&found.unit) || self.outbox.of(doc).next().is_some();
            let Some(document) = open(found.kind, found.logged, waiting).ok().filter(|_| ours) else {
                continue;
            };
            if document.is_empty() {
                continue;
            }
            for (unit, hash) in found.held {
                held.entry(unit).or_default().insert(hash);
            }
            rows.push((Row::of(doc, &document, found.unit).into(), found.segments));
        }
        for some in rows.chunks(BLOCK_ROWS) {
            plan.put_block(some.to_vec());
        }
        let units: Vec<UnitId> = meta.cursors.keys().copied().collect();
        for unit in units {
            meta.recount(unit, held.remove(&unit).unwrap_or_default().into_iter());
        }
        plan.wake = true;
        plan.set_meta(meta);
        plan
    }

    /// All documents of the log and of what waits.
    fn found(&self, segments: &Segments) -> BTreeMap<DocId, Found> {
        let mut all: BTreeMap<DocId, Found> = BTreeMap::new();
        for (id, bytes) in segments {
            for item in read_segment(bytes) {
                let Ok(scanned) = scan::scan(&item.raw) else { continue };
                let found = all.entry(item.doc).or_insert_with(|| Found::new(id.unit, item.kind));
                // A later segment of another unit: the document went there.
                found.unit = id.unit;
                found.held.push((id.unit, scanned.hash));
                if found.segments.last() != Some(id) {
                    found.segments.push(*id);
                }
                found.logged.push(log_change(item));
            }
        }
        for row in self.outbox.values().filter(|row| row.state == OutState::Waiting) {
            all.entry(row.doc).or_insert_with(|| Found::new(row.unit, row.kind));
        }
        // Where it lay, as far as that can be read.
        for (doc, found) in &mut all {
            let known = self.places.get(doc).map(|place| place.row.unit);
            found.unit = known.unwrap_or(found.unit);
        }
        all
    }
}

impl Found {
    fn new(unit: UnitId, kind: Kind) -> Self {
        Self { unit, kind, logged: Vec::new(), held: Vec::new(), segments: Vec::new() }
    }
}
