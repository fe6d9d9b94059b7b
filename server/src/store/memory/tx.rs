//! The writing transaction: a staged copy.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use tokio::sync::OwnedMutexGuard;
use zoufang_core::record::{ChangeHash, DocId, UnitId};

use super::{State, Stored};
use crate::store::news::{News, Teller};
use crate::store::office::Projection;
use crate::store::{ChangeRecord, DocumentState, KnownChange, LogEntry, Result, StoreError, Tail, WriteTx};

/// A transaction on a copy of everything.
pub(super) struct MemoryTx {
    pub(super) _writer: OwnedMutexGuard<()>,
    pub(super) staged: State,
    pub(super) home: Arc<RwLock<State>>,
    pub(super) teller: Teller,
    pub(super) grown: BTreeSet<UnitId>,
}

impl MemoryTx {
    fn of_doc(&self, doc: DocId) -> impl Iterator<Item = &Stored> {
        let unit = self.staged.docs.get(&doc).map(|(state, _)| state.unit);
        let log = unit.and_then(|unit| self.staged.log.get(&unit));
        log.into_iter().flatten().filter(move |stored| stored.entry.doc == doc)
    }
}

#[async_trait]
impl WriteTx for MemoryTx {
    async fn document(&mut self, doc: DocId) -> Result<Option<DocumentState>> {
        Ok(self.staged.docs.get(&doc).map(|(state, _)| state.clone()))
    }

    async fn change(&mut self, hash: ChangeHash) -> Result<Option<KnownChange>> {
        let Some((unit, place)) = self.staged.places.get(&hash) else {
            return Ok(None);
        };
        let stored = &self.staged.log[unit][*place];
        Ok(Some(KnownChange { doc: stored.entry.doc, seq: stored.entry.seq, max_op: stored.max_op }))
    }

    async fn has_change_seq(&mut self, doc: DocId, actor: &[u8], change_seq: u64) -> Result<bool> {
        Ok(self.of_doc(doc).any(|stored| stored.actor == actor && stored.change_seq == change_seq))
    }

    async fn changes_of(&mut self, doc: DocId) -> Result<Vec<LogEntry>> {
        Ok(self.of_doc(doc).map(|stored| stored.entry.clone()).collect())
    }

    async fn append(&mut self, change: &ChangeRecord) -> Result<u64> {
        if self.staged.places.contains_key(&change.hash)
            || self.has_change_seq(change.doc, &change.actor, change.change_seq).await?
        {
            return Err(StoreError::Taken("key"));
        }
        let tail = self.staged.tail(change.unit);
        let entry = LogEntry {
            seq: tail.last_seq + 1,
            doc: change.doc,
            kind: change.kind,
            hash: change.hash,
            raw: change.raw.clone(),
            user: change.user,
            received_at: change.received_at,
            digest: tail.digest.with(change.hash),
        };
        let log = self.staged.log.entry(change.unit).or_default();
        self.staged.places.insert(change.hash, (change.unit, log.len()));
        log.push(Stored {
            entry,
            actor: change.actor.clone(),
            change_seq: change.change_seq,
            max_op: change.max_op,
        });
        self.grown.insert(change.unit);
        Ok(tail.last_seq + 1)
    }

    async fn put_document(&mut self, state: &DocumentState, row: &[u8]) -> Result<()> {
        self.staged.docs.insert(state.doc, (state.clone(), row.to_vec()));
        Ok(())
    }

    async fn put_projection(&mut self, doc: DocId, unit: UnitId, projection: &Projection) -> Result<()> {
        match projection {
            Projection::Person(person) => drop(self.staged.people.insert((unit, doc), person.clone())),
            Projection::Visit(visit) => drop(self.staged.visits.insert(doc, (unit, visit.clone()))),
            Projection::Contact(contact) => drop(self.staged.contacts.insert(doc, (unit, contact.clone()))),
            Projection::Nothing => {}
        }
        Ok(())
    }

    async fn clear_projections(&mut self) -> Result<()> {
        self.staged.people.clear();
        self.staged.visits.clear();
        self.staged.contacts.clear();
        Ok(())
    }

    async fn documents(&mut self, after: Option<DocId>, count_max: u32) -> Result<Vec<DocumentState>> {
        let above = self.staged.docs.iter().filter(|(doc, _)| after.is_none_or(|after| **doc > after));
        Ok(above.take(count_max as usize).map(|(_, (state, _))| state.clone()).collect())
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        let tails: Vec<Tail> = self.grown.iter().map(|unit| self.staged.tail(*unit)).collect();
        *self.home.write().unwrap_or_else(PoisonError::into_inner) = self.staged;
        for tail in tails {
            self.teller.tell(News::Unit { unit: tail.unit, last_seq: tail.last_seq });
        }
        Ok(())
    }
}
