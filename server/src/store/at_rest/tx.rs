//! The writing transaction of a store whose records are sealed.

use std::sync::Arc;

use async_trait::async_trait;
use zoufang_core::record::{ChangeHash, DeviceId, DocId, Timestamp, UnitId};
use zoufang_core::sync::wire::Control;

use super::ring::{Ring, Table};
use crate::store::office::{ContactProjection, PersonProjection, Projection, VisitProjection};
use crate::store::{
    ChangeRecord, Claim, DocumentState, KnownChange, LogEntry, Move, Result, Ticket, WriteTx,
};

pub(super) struct SealedTx {
    pub(super) inner: Box<dyn WriteTx>,
    pub(super) ring: Arc<Ring>,
}

macro_rules! tx {
    ($(fn $name:ident($($argument:ident: $type:ty),*) -> $out:ty;)*) => {
        #[async_trait]
        impl WriteTx for SealedTx {
            $(async fn $name(&mut self, $($argument: $type),*) -> Result<$out> {
                self.inner.$name($($argument),*).await
            })*

            async fn changes_of(&mut self, doc: DocId) -> Result<Vec<LogEntry>> {
                self.ring.all_opened(self.inner.changes_of(doc).await?)
            }

            async fn append(&mut self, change: &ChangeRecord) -> Result<u64> {
                let raw = self.ring.seal(Table::Log, &Ring::change(change.hash), &change.raw)?;
                self.inner.append(&ChangeRecord { raw, ..change.clone() }).await
            }

            async fn put_document(&mut self, state: &DocumentState, row: &[u8]) -> Result<()> {
                let row = self.ring.seal(Table::Row, &hex::encode(&state.doc.0), row)?;
                self.inner.put_document(state, &row).await
            }

            async fn put_projection(&mut self, doc: DocId, unit: UnitId, projection: &Projection) -> Result<()> {
                let seal = |table, body: &[u8]| self.ring.seal(table, &hex::encode(&doc.0), body);
                let sealed = match projection {
                    Projection::Person(person) => {
                        Projection::Person(PersonProjection { body: seal(Table::Person, &person.body)? })
                    }
                    Projection::Visit(visit) => {
                        Projection::Visit(VisitProjection { body: seal(Table::Visit, &visit.body)?, ..visit.clone() })
                    }
                    Projection::Contact(contact) => Projection::Contact(ContactProjection {
                        body: seal(Table::Contact, &contact.body)?,
                        ..contact.clone()
                    }),
                    Projection::Nothing => Projection::Nothing,
                };
                self.inner.put_projection(doc, unit, &sealed).await
            }

            async fn take_out(&mut self, doc: DocId) -> Result<Vec<ChangeRecord>> {
                let open = |mut change: ChangeRecord| {
                    change.raw = self.ring.open(Table::Log, &Ring::change(change.hash), &change.raw)?;
                    Ok(change)
                };
                self.inner.take_out(doc).await?.into_iter().map(open).collect()
            }

            async fn documents_of_unit(&mut self, unit: UnitId) -> Result<Vec<(DocumentState, Vec<u8>)>> {
                let open = |(state, row): (DocumentState, Vec<u8>)| {
                    let row = self.ring.open(Table::Row, &hex::encode(&state.doc.0), &row)?;
                    Ok((state, row))
                };
                self.inner.documents_of_unit(unit).await?.into_iter().map(open).collect()
            }

            async fn commit(self: Box<Self>) -> Result<()> {
                self.inner.commit().await
            }
        }
    };
}

tx! {
    fn claim(claim: &Claim) -> ();
    fn document(doc: DocId) -> Option<DocumentState>;
    fn change(hash: ChangeHash) -> Option<KnownChange>;
    fn has_change_seq(doc: DocId, actor: &[u8], change_seq: u64) -> bool;
    fn clear_projections() -> ();
    fn documents(after: Option<DocId>, count_max: u32) -> Vec<DocumentState>;
    fn append_control(unit: UnitId, control: &Control) -> u64;
    fn remove_document(doc: DocId) -> ();
    fn put_replaced(doc: DocId, hashes: &[ChangeHash]) -> ();
    fn is_replaced(doc: DocId, hash: ChangeHash) -> bool;
    fn put_erasure(doc: DocId, unit: UnitId, seq: u64, now: Timestamp) -> ();
    fn is_erased(doc: DocId) -> bool;
    fn put_move(moved: &Move) -> ();
    fn moves_of(doc: DocId) -> Vec<Move>;
    fn ticket(device: DeviceId) -> Option<Ticket>;
    fn put_ticket(device: DeviceId, ticket: &Ticket) -> ();
}
