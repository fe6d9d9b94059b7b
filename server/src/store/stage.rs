//! What a writing transaction has written and not sent to the database yet: rows of many changes go in few statements.

use std::collections::BTreeMap;

use zoufang_core::record::{DocId, UnitId};

use super::office::{ContactProjection, PersonProjection, Projection, VisitProjection};
use super::{ChangeRecord, DocumentState};

/// More is sent at once, so that memory does not grow with a long transaction.
const ROWS_MAX: usize = 2_000;
const BYTES_MAX: usize = 4 << 20;

/// A change with its place.
pub(super) struct Appended {
    pub(super) change: ChangeRecord,
    pub(super) seq: u64,
}

/// Rows that wait to be sent.
#[derive(Default)]
pub(super) struct Stage {
    pub(super) log: Vec<Appended>,
    pub(super) docs: BTreeMap<DocId, (DocumentState, Vec<u8>)>,
    pub(super) people: BTreeMap<(UnitId, DocId), PersonProjection>,
    pub(super) visits: BTreeMap<DocId, (UnitId, VisitProjection)>,
    pub(super) contacts: BTreeMap<DocId, (UnitId, ContactProjection)>,
    bytes: usize,
}

impl Stage {
    pub(super) fn append(&mut self, appended: Appended) {
        self.bytes += appended.change.raw.len();
        self.log.push(appended);
    }

    pub(super) fn put_document(&mut self, state: DocumentState, row: &[u8]) {
        self.bytes += row.len();
        self.docs.insert(state.doc, (state, row.to_vec()));
    }

    pub(super) fn put_projection(&mut self, doc: DocId, unit: UnitId, projection: Projection) {
        match projection {
            Projection::Person(person) => drop(self.people.insert((unit, doc), person)),
            Projection::Visit(visit) => drop(self.visits.insert(doc, (unit, visit))),
            Projection::Contact(contact) => drop(self.contacts.insert(doc, (unit, contact))),
            Projection::Nothing => {}
        }
    }

    pub(super) fn clear_projections(&mut self) {
        self.people.clear();
        self.visits.clear();
        self.contacts.clear();
    }

    /// Forgets what is staged of a document besides its changes.
    pub(super) fn forget(&mut self, doc: DocId) {
        self.docs.remove(&doc);
        self.people.retain(|(_, person), _| *person != doc);
        self.visits.remove(&doc);
        self.contacts.remove(&doc);
    }

    pub(super) fn is_full(&self) -> bool {
        let rows =
            self.log.len() + self.docs.len() + self.people.len() + self.visits.len() + self.contacts.len();
        rows >= ROWS_MAX || self.bytes >= BYTES_MAX
    }

    pub(super) fn holds_changes_of(&self, doc: DocId) -> bool {
        self.log.iter().any(|appended| appended.change.doc == doc)
    }

    /// Gives it away to be sent.
    pub(super) fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}
