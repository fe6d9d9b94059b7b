//! One unit's log in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use zoufang_core::record::{DocId, UnitId};
use zoufang_core::sync::wire::Control;

use crate::store::{ChangeRecord, LogEntry, LogPage, Resealed, Tail};

/// A change as it is read, and as it was appended. Shared, since each transaction works on a copy of everything.
#[derive(Clone)]
pub(super) struct Stored {
    pub(super) entry: LogEntry,
    pub(super) change: ChangeRecord,
}

/// The log: changes and control records by their numbers, and its end.
#[derive(Clone)]
pub(super) struct UnitLog {
    changes: BTreeMap<u64, Arc<Stored>>,
    controls: BTreeMap<u64, Control>,
    pub(super) tail: Tail,
}

impl UnitLog {
    /// An empty log.
    pub(super) fn new(unit: UnitId) -> Self {
        Self { changes: BTreeMap::new(), controls: BTreeMap::new(), tail: Tail { unit, ..Tail::default() } }
    }

    /// Its changes in order.
    pub(super) fn entries(&self) -> impl Iterator<Item = &LogEntry> {
        self.changes.values().map(|stored| &stored.entry)
    }

    /// Those of a document, with all that was appended.
    pub(super) fn of_doc(&self, doc: DocId) -> impl Iterator<Item = &Arc<Stored>> {
        self.changes.values().filter(move |stored| stored.entry.doc == doc)
    }

    /// A change by its number.
    pub(super) fn at(&self, seq: u64) -> Option<&Arc<Stored>> {
        self.changes.get(&seq)
    }

    /// How many control records it has.
    pub(super) fn controls(&self) -> usize {
        self.controls.len()
    }

    pub(super) fn append(&mut self, change: &ChangeRecord) -> u64 {
        let seq = self.tail.last_seq + 1;
        let entry = LogEntry {
            seq,
            doc: change.doc,
            kind: change.kind,
            hash: change.hash,
            raw: change.raw.clone(),
            user: change.user,
            received_at: change.received_at,
        };
        self.changes.insert(seq, Arc::new(Stored { entry, change: change.clone() }));
        self.tail = self.tail.grown(change);
        seq
    }

    /// Puts other bytes in the place of those of changes.
    pub(super) fn reseal(&mut self, changes: &[Resealed]) {
        for stored in self.changes.values_mut() {
            let Some(change) = changes.iter().find(|change| change.hash == stored.entry.hash) else {
                continue;
            };
            let stored = Arc::make_mut(stored);
            self.tail.size_bytes += change.raw.len() as u64;
            self.tail.size_bytes -= stored.entry.raw.len() as u64;
            stored.entry.raw.clone_from(&change.raw);
            stored.change.raw.clone_from(&change.raw);
        }
    }

    pub(super) fn append_control(&mut self, control: &Control) -> u64 {
        let seq = self.tail.last_seq + 1;
        self.controls.insert(seq, control.clone());
        self.tail.last_seq = seq;
        self.tail.control_seq = seq;
        seq
    }

    /// Takes the changes of a document out; gives the number of the first and what they are.
    pub(super) fn take_out(&mut self, doc: DocId) -> Option<(u64, Vec<ChangeRecord>)> {
        let seqs: Vec<u64> = self.of_doc(doc).map(|stored| stored.entry.seq).collect();
        let first = *seqs.first()?;
        let mut taken = Vec::with_capacity(seqs.len());
        for seq in seqs {
            let Some(stored) = self.changes.remove(&seq) else { continue };
            self.tail.digest = self.tail.digest.without(stored.entry.hash);
            self.tail.count -= 1;
            self.tail.size_bytes -= stored.entry.raw.len() as u64;
            taken.push(stored.change.clone());
        }
        self.tail.cuts += 1;
        Some((first, taken))
    }

    pub(super) fn page(&self, after_seq: u64, bytes_max: usize) -> LogPage {
        let (mut entries, mut bytes, mut to_seq) = (Vec::new(), 0, self.tail.last_seq.max(after_seq));
        for (seq, stored) in self.changes.range(after_seq.saturating_add(1)..) {
            bytes += stored.entry.raw.len();
            if bytes > bytes_max && !entries.is_empty() {
                to_seq = seq - 1;
                break;
            }
            entries.push(stored.entry.clone());
        }
        let between =
            self.controls.range(after_seq.saturating_add(1)..=to_seq.max(after_seq.saturating_add(1)));
        let controls =
            between.filter(|(seq, _)| **seq <= to_seq).map(|(seq, control)| (*seq, control.clone()));
        LogPage { entries, controls: controls.collect(), to_seq, tail: self.tail }
    }
}
