//! The outbox in memory: rows by number, with what is asked of them at every save and every page.
//!
//! A save must cost the same whether one change waits or two thousand, so nothing here is found by looking at all of them.
use std::collections::{BTreeMap, BTreeSet};

use super::stored::{OutState, OutboxRow};
use crate::{
    gather,
    record::{ChangeHash, DocId},
};

/// What has no receipt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outbox {
    rows: BTreeMap<u64, OutboxRow>,
    of_doc: BTreeSet<(DocId, u64)>,
    refused: BTreeSet<u64>,
}

impl Outbox {
    /// Puts a row in, in place of an older one of the same number.
    pub(super) fn insert(&mut self, number: u64, row: OutboxRow) {
        self.remove(number);
        self.of_doc.insert((row.doc, number));
        if row.state != OutState::Waiting {
            self.refused.insert(number);
        }
        self.rows.insert(number, row);
    }

    /// Takes a row out.
    pub(super) fn remove(&mut self, number: u64) {
        if let Some(row) = self.rows.remove(&number) {
            self.of_doc.remove(&(row.doc, number));
            self.refused.remove(&number);
        }
    }

    /// The row of a number.
    pub(super) fn get(&self, number: u64) -> Option<&OutboxRow> {
        self.rows.get(&number)
    }

    /// All rows with their numbers, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&u64, &OutboxRow)> {
        self.rows.iter()
    }

    /// All rows, oldest first.
    pub(super) fn values(&self) -> impl Iterator<Item = &OutboxRow> {
        self.rows.values()
    }

    /// The rows of a document with their numbers, oldest first.
    pub(super) fn of(&self, doc: DocId) -> impl Iterator<Item = (u64, &OutboxRow)> {
        let numbers = self.of_doc.range((doc, 0)..=(doc, u64::MAX));
        numbers.filter_map(|(_, number)| Some((*number, self.rows.get(number)?)))
    }

    /// The rows of a document that wait, oldest first.
    pub(super) fn waiting_of(&self, doc: DocId) -> impl Iterator<Item = &OutboxRow> {
        self.of(doc).map(|(_, row)| row).filter(|row| row.state == OutState::Waiting)
    }

    /// The rows that were refused, oldest first.
    pub(super) fn refused(&self) -> impl Iterator<Item = &OutboxRow> {
        self.refused.iter().filter_map(|number| self.rows.get(number))
    }

    /// The rows by the hashes of their changes: for those who look for many.
    pub(super) fn by_hash(&self) -> BTreeMap<ChangeHash, (u64, &OutboxRow)> {
        gather(self.rows.iter().map(|(number, row)| (row.hash, (*number, row))))
    }

    /// Whether the row of this number is here and waits.
    pub(super) fn is_waiting(&self, number: u64) -> bool {
        self.rows.get(&number).is_some_and(|row| row.state == OutState::Waiting)
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.rows.len() - self.refused.len()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}
