//! What a writing transaction read ahead of the gate's questions, or wrote itself: answers that need no round trip.

use std::collections::{BTreeMap, BTreeSet};

use zoufang_core::record::{ChangeHash, DocId};

use super::{DocumentState, KnownChange};

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
}
