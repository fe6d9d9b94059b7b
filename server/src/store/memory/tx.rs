//! The writing transaction: a staged copy.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use tokio::sync::OwnedMutexGuard;
use zoufang_core::record::{ChangeHash, DeviceId, DocId, Timestamp, UnitId};
use zoufang_core::sync::wire::Control;

use super::State;
use super::log::{Stored, UnitLog};
use crate::store::control::erased_key;
use crate::store::news::{News, Teller};
use crate::store::office::Projection;
use crate::store::{
    ChangeRecord, DocumentState, KnownChange, LogEntry, Move, Result, StoreError, Tail, Ticket, WriteTx,
};

/// A transaction on a copy of everything.
pub(super) struct MemoryTx {
    pub(super) _writer: OwnedMutexGuard<()>,
    pub(super) staged: State,
    pub(super) home: Arc<RwLock<State>>,
    pub(super) teller: Teller,
    pub(super) grown: BTreeSet<UnitId>,
}

impl MemoryTx {
    fn of_doc(&self, doc: DocId) -> impl Iterator<Item = &Arc<Stored>> {
        let unit = self.staged.docs.get(&doc).map(|(state, _)| state.unit);
        let log = unit.and_then(|unit| self.staged.log.get(&unit));
        log.into_iter().flat_map(move |log| log.of_doc(doc))
    }

    fn log(&mut self, unit: UnitId) -> &mut UnitLog {
        self.staged.log.entry(unit).or_insert_with(|| UnitLog::new(unit))
    }
}

#[async_trait]
impl WriteTx for MemoryTx {
    async fn document(&mut self, doc: DocId) -> Result<Option<DocumentState>> {
        Ok(self.staged.docs.get(&doc).map(|(state, _)| state.clone()))
    }

    async fn change(&mut self, hash: ChangeHash) -> Result<Option<KnownChange>> {
        let place = self.staged.places.get(&hash);
        let stored = place.and_then(|(unit, seq)| self.staged.log.get(unit)?.at(*seq));
        Ok(stored.map(|stored| KnownChange {
            doc: stored.entry.doc,
            seq: stored.entry.seq,
            max_op: stored.change.max_op,
        }))
    }

    async fn has_change_seq(&mut self, doc: DocId, actor: &[u8], change_seq: u64) -> Result<bool> {
        let same =
            |stored: &Arc<Stored>| stored.change.actor == actor && stored.change.change_seq == change_seq;
        Ok(self.of_doc(doc).any(same))
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
        let seq = self.log(change.unit).append(change);
        self.staged.places.insert(change.hash, (change.unit, seq));
        self.grown.insert(change.unit);
        Ok(seq)
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

    async fn take_out(&mut self, doc: DocId) -> Result<Vec<ChangeRecord>> {
        let Some(unit) = self.staged.docs.get(&doc).map(|(state, _)| state.unit) else {
            return Ok(Vec::new());
        };
        let Some((first, taken)) = self.log(unit).take_out(doc) else { return Ok(Vec::new()) };
        for change in &taken {
            self.staged.places.remove(&change.hash);
        }
        self.staged.segments.retain(|_, segment| segment.unit != unit || segment.to_seq < first);
        Ok(taken)
    }

    async fn append_control(&mut self, unit: UnitId, control: &Control) -> Result<u64> {
        self.grown.insert(unit);
        Ok(self.log(unit).append_control(control))
    }

    async fn remove_document(&mut self, doc: DocId) -> Result<()> {
        self.staged.docs.remove(&doc);
        self.staged.people.retain(|(_, person), _| *person != doc);
        self.staged.visits.remove(&doc);
        self.staged.contacts.remove(&doc);
        Ok(())
    }

    async fn put_replaced(&mut self, doc: DocId, hashes: &[ChangeHash]) -> Result<()> {
        self.staged.replaced.extend(hashes.iter().map(|hash| (doc, *hash)));
        Ok(())
    }

    async fn is_replaced(&mut self, doc: DocId, hash: ChangeHash) -> Result<bool> {
        Ok(self.staged.replaced.contains(&(doc, hash)))
    }

    async fn put_erasure(&mut self, doc: DocId, unit: UnitId, seq: u64, now: Timestamp) -> Result<()> {
        self.staged.replaced.retain(|(replaced, _)| *replaced != doc);
        self.staged.erased.insert((erased_key(doc), unit), (seq, now));
        self.staged.about_devices.erase(doc);
        Ok(())
    }

    async fn is_erased(&mut self, doc: DocId) -> Result<bool> {
        let key = erased_key(doc);
        Ok(self.staged.erased.keys().any(|(erased, _)| *erased == key))
    }

    async fn put_move(&mut self, moved: &Move) -> Result<()> {
        self.staged.moves.push(*moved);
        Ok(())
    }

    async fn moves_of(&mut self, doc: DocId) -> Result<Vec<Move>> {
        Ok(self.staged.moves.iter().filter(|moved| moved.doc == doc).copied().collect())
    }

    async fn documents_of_unit(&mut self, unit: UnitId) -> Result<Vec<(DocumentState, Vec<u8>)>> {
        let docs = self.staged.docs.values().filter(|(state, _)| state.unit == unit);
        Ok(docs.cloned().collect())
    }

    async fn ticket(&mut self, device: DeviceId) -> Result<Option<Ticket>> {
        Ok(self.staged.tickets.get(&device).copied())
    }

    async fn put_ticket(&mut self, device: DeviceId, ticket: &Ticket) -> Result<()> {
        self.staged.tickets.insert(device, *ticket);
        Ok(())
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
