//! What a writing transaction read ahead of the gate's questions, or wrote itself: answers that need no round trip.

use std::collections::{BTreeMap, BTreeSet};

use zoufang_core::record::{ChangeHash, DocId};

use super::{ChangeRecord, DocumentState, KnownChange, LogEntry, Result, StoreError};

/// Histories up to so many bytes are read ahead, and so many in all; another one is read when it is asked for, if it is.
const HISTORY_BYTES_MAX: u64 = 16 * 1024;
const HISTORIES_BYTES_MAX: u64 = 1024 * 1024;

/// A change by its document, actor and number.
pub(super) type Number = (DocId, Vec<u8>, u64);

/// What is known. `None` and `false` are knowledge, too.
#[derive(Default)]
pub(super) struct Known {
    pub(super) docs: BTreeMap<DocId, Option<DocumentState>>,
    pub(super) changes: BTreeMap<ChangeHash, Option<KnownChange>>,
    pub(super) numbers: BTreeMap<Number, bool>,
    /// Asked of documents that are not there.
    pub(super) erased: BTreeMap<DocId, bool>,
    /// The changes of short documents, until somebody takes them or one more comes.
    pub(super) histories: BTreeMap<DocId, Vec<LogEntry>>,
}

impl Known {
    /// Documents that are not known yet.
    pub(super) fn docs_to_read(&self, of: &BTreeSet<DocId>) -> Vec<DocId> {
        of.iter().copied().filter(|doc| !self.docs.contains_key(doc)).collect()
    }

    /// Hashes that are not known yet.
    pub(super) fn changes_to_read(&self, of: &BTreeSet<ChangeHash>) -> Vec<ChangeHash> {
        of.iter().copied().filter(|hash| !self.changes.contains_key(hash)).collect()
    }

    /// Numbers that are not known yet.
    pub(super) fn numbers_to_read(&self, of: &BTreeSet<Number>) -> Vec<Number> {
        of.iter().filter(|number| !self.numbers.contains_key(*number)).cloned().collect()
    }

    /// Documents of which it is not known yet whether they were erased: those that are there were not.
    pub(super) fn erased_to_read(&self, of: &BTreeSet<DocId>) -> Vec<DocId> {
        let absent = |doc: &DocId| matches!(self.docs.get(doc), Some(None)) && !self.erased.contains_key(doc);
        of.iter().copied().filter(absent).collect()
    }

    /// Documents that are there and short.
    pub(super) fn histories_to_read(&self, of: &BTreeSet<DocId>) -> Vec<DocId> {
        let mut bytes = 0;
        let mut fits = |doc: &DocId| {
            let Some(Some(state)) = self.docs.get(doc) else { return false };
            let fits =
                state.size_bytes <= HISTORY_BYTES_MAX && bytes + state.size_bytes <= HISTORIES_BYTES_MAX;
            bytes += if fits { state.size_bytes } else { 0 };
            fits
        };
        of.iter().copied().filter(|doc| !self.histories.contains_key(doc) && fits(doc)).collect()
    }

    /// One more of a document's changes, after those before it.
    pub(super) fn add_to_history(&mut self, entry: LogEntry) {
        self.histories.entry(entry.doc).or_default().push(entry);
    }

    /// Whether it is known that nobody has a change that is to be appended; if not, only the database can tell.
    pub(super) fn is_free(&self, change: &ChangeRecord) -> Result<bool> {
        let hash = self.changes.get(&change.hash);
        let number = self.numbers.get(&number_of(change));
        if matches!(hash, Some(Some(_))) || number == Some(&true) {
            return Err(StoreError::Taken("key"));
        }
        Ok(hash.is_some() && number.is_some())
    }

    /// A change was appended.
    pub(super) fn note_appended(&mut self, change: &ChangeRecord, seq: u64) {
        self.histories.remove(&change.doc);
        self.changes.insert(change.hash, Some(KnownChange { doc: change.doc, seq, max_op: change.max_op }));
        self.numbers.insert(number_of(change), true);
    }
}

fn number_of(change: &ChangeRecord) -> Number {
    (change.doc, change.actor.clone(), change.change_seq)
}
