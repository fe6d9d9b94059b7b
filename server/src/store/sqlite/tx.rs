//! The writing transaction: it is alone, so what it read stays true until its end. It reads ahead what the gate will ask, and
//! writes what was staged at the end, or before something reads it: every statement is a round trip to the thread that has the
//! connection.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use sqlx::{Sqlite, Transaction};
use zoufang_core::record::{ChangeHash, DeviceId, DocId, Timestamp, UnitId};
use zoufang_core::sync::wire::Control;

use super::codec::failed;
use super::send::{Sent, send};
use crate::crash::crash_point;
use crate::store::decode::{entry_of, known_of, state_of, tail_of};
use crate::store::known::Known;
use crate::store::news::{News, Teller};
use crate::store::office::Projection;
use crate::store::stage::{Appended, Stage};
use crate::store::{
    ChangeRecord, Claim, DocumentState, KnownChange, LogEntry, Move, Result, Tail, Ticket, WriteTx,
};

/// A transaction on the one connection that writes.
pub(super) struct SqliteTx {
    pub(super) county: i64,
    pub(super) tx: Transaction<'static, Sqlite>,
    teller: Teller,
    pub(super) grown: BTreeMap<UnitId, u64>,
    pub(super) known: Known,
    /// Documents that have nothing yet.
    pub(super) new: BTreeSet<DocId>,
    /// Documents of what is staged that are there and stay in their unit.
    staying: BTreeSet<DocId>,
    /// Ends of logs that grew here, with what is staged.
    tails: BTreeMap<UnitId, Tail>,
    stage: Stage,
}

impl SqliteTx {
    pub(super) fn new(county: i64, tx: Transaction<'static, Sqlite>, teller: Teller) -> Self {
        Self {
            county,
            tx,
            teller,
            grown: BTreeMap::new(),
            known: Known::default(),
            new: BTreeSet::new(),
            staying: BTreeSet::new(),
            tails: BTreeMap::new(),
            stage: Stage::default(),
        }
    }

    /// Writes what is staged, and forgets what is known: somebody is about to write past this.
    pub(super) async fn settle(&mut self) -> Result<()> {
        self.send_staged().await?;
        self.known = Known::default();
        self.tails.clear();
        Ok(())
    }

    /// Writes what is staged.
    async fn send_staged(&mut self) -> Result<()> {
        let sent = Sent { tails: &self.tails, new: &self.new, staying: &self.staying };
        send(self.stage.take(), &mut self.tx, self.county, sent).await.map_err(failed)?;
        self.new.clear();
        self.staying.clear();
        Ok(())
    }

    async fn send_if_full(&mut self) -> Result<()> {
        if self.stage.is_full() { self.send_staged().await } else { Ok(()) }
    }

    /// Where a unit's log ends, with what was appended here.
    async fn tail(&mut self, unit: UnitId) -> Result<Tail> {
        if let Some(tail) = self.tails.get(&unit) {
            return Ok(*tail);
        }
        let sql = "select unit, last_seq, digest, count, bytes, cuts, control_seq from unit_log where county = ? and unit = ?";
        let query = sqlx::query(sql).bind(self.county).bind(i64::from(unit.0));
        let row = query.fetch_optional(&mut *self.tx).await.map_err(failed)?;
        row.as_ref().map_or(Ok(Tail { unit, ..Tail::default() }), tail_of)
    }

    async fn delete(&mut self, sql: &'static str, doc: DocId) -> Result<()> {
        sqlx::query(sql).bind(self.county).bind(&doc.0[..]).execute(&mut *self.tx).await.map_err(failed)?;
        Ok(())
    }
}

#[async_trait]
impl WriteTx for SqliteTx {
    async fn claim(&mut self, claim: &Claim) -> Result<()> {
        self.read_docs(&claim.docs).await?;
        self.read_changes(&claim.hashes).await?;
        self.read_numbers(&claim.numbers).await?;
        self.read_histories(&claim.docs).await
    }

    async fn document(&mut self, doc: DocId) -> Result<Option<DocumentState>> {
        if let Some(known) = self.known.docs.get(&doc) {
            return Ok(known.clone());
        }
        let sql = "select doc, kind, unit, created_by, max_op, bytes, changes, re_rooted from doc where county = ? and doc = ?";
        let row = sqlx::query(sql)
            .bind(self.county)
            .bind(&doc.0[..])
            .fetch_optional(&mut *self.tx)
            .await
            .map_err(failed)?;
        row.as_ref().map(state_of).transpose()
    }

    async fn change(&mut self, hash: ChangeHash) -> Result<Option<KnownChange>> {
        if let Some(known) = self.known.changes.get(&hash) {
            return Ok(*known);
        }
        let sql = "select doc, seq, max_op from log where county = ? and hash = ?";
        let row = sqlx::query(sql)
            .bind(self.county)
            .bind(&hash.0[..])
            .fetch_optional(&mut *self.tx)
            .await
            .map_err(failed)?;
        row.as_ref().map(known_of).transpose()
    }

    async fn has_change_seq(&mut self, doc: DocId, actor: &[u8], change_seq: u64) -> Result<bool> {
        if let Some(known) = self.known.numbers.get(&(doc, actor.to_vec(), change_seq)) {
            return Ok(*known);
        }
        let sql = "select 1 from log where county = ? and doc = ? and actor = ? and change_seq = ?";
        let query =
            sqlx::query(sql).bind(self.county).bind(&doc.0[..]).bind(actor).bind(change_seq.cast_signed());
        Ok(query.fetch_optional(&mut *self.tx).await.map_err(failed)?.is_some())
    }

    async fn changes_of(&mut self, doc: DocId) -> Result<Vec<LogEntry>> {
        if let Some(known) = self.known.histories.remove(&doc) {
            return Ok(known);
        }
        if self.stage.holds_changes_of(doc) {
            self.send_staged().await?;
        }
        let sql = "select seq, doc, kind, hash, raw, user, received_at from log
            indexed by sqlite_autoindex_log_3 where county = ? and doc = ? order by seq";
        let rows = sqlx::query(sql)
            .bind(self.county)
            .bind(&doc.0[..])
            .fetch_all(&mut *self.tx)
            .await
            .map_err(failed)?;
        rows.iter().map(entry_of).collect()
    }

    async fn append(&mut self, change: &ChangeRecord) -> Result<u64> {
        let nobody_has_it = self.known.is_free(change)?;
        let grown = self.tail(change.unit).await?.grown(change);
        let seq = grown.last_seq;
        self.tails.insert(change.unit, grown);
        self.grown.insert(change.unit, seq);
        self.stage.append(Appended { change: change.clone(), seq });
        self.known.note_appended(change, seq);
        if nobody_has_it {
            self.send_if_full().await?
        } else {
            self.send_staged().await?
        }
        Ok(seq)
    }

    async fn put_document(&mut self, state: &DocumentState, row: &[u8]) -> Result<()> {
        let known = self.known.docs.get(&state.doc).and_then(Option::as_ref);
        // What is known of a staged document may be what was staged.
        let is_there = !self.stage.docs.contains_key(&state.doc) || self.staying.contains(&state.doc);
        if is_there && known.is_some_and(|known| known.unit == state.unit) {
            self.staying.insert(state.doc);
        } else {
            self.staying.remove(&state.doc);
        }
        self.known.docs.insert(state.doc, Some(state.clone()));
        self.stage.put_document(state.clone(), row);
        self.send_if_full().await
    }

    async fn put_projection(&mut self, doc: DocId, unit: UnitId, projection: &Projection) -> Result<()> {
        self.stage.put_projection(doc, unit, projection.clone());
        self.send_if_full().await
    }

    async fn clear_projections(&mut self) -> Result<()> {
        self.stage.clear_projections();
        for sql in [
            "delete from person where county = ?",
            "delete from visit where county = ?",
            "delete from visit_person where county = ?",
            "delete from contact where county = ?",
        ] {
            sqlx::query(sql).bind(self.county).execute(&mut *self.tx).await.map_err(failed)?;
        }
        Ok(())
    }

    async fn documents(&mut self, after: Option<DocId>, count_max: u32) -> Result<Vec<DocumentState>> {
        self.send_staged().await?;
        let sql = "select doc, kind, unit, created_by, max_op, bytes, changes, re_rooted from doc where county = ? and doc > ? order by doc limit ?";
        let after = after.map(|doc| doc.0.to_vec()).unwrap_or_default();
        let query = sqlx::query(sql).bind(self.county).bind(after).bind(i64::from(count_max));
        let rows = query.fetch_all(&mut *self.tx).await.map_err(failed)?;
        rows.iter().map(state_of).collect()
    }

    async fn take_out(&mut self, doc: DocId) -> Result<Vec<ChangeRecord>> {
        self.settle().await?;
        self.delete_changes(doc).await
    }

    async fn append_control(&mut self, unit: UnitId, control: &Control) -> Result<u64> {
        self.settle().await?;
        self.insert_control(unit, control).await
    }

    async fn remove_document(&mut self, doc: DocId) -> Result<()> {
        self.settle().await?;
        for sql in [
            "delete from doc where county = ? and doc = ?",
            "delete from person where county = ? and doc = ?",
            "delete from visit where county = ? and doc = ?",
            "delete from visit_person where county = ? and visit = ?",
            "delete from contact where county = ? and doc = ?",
        ] {
            self.delete(sql, doc).await?;
        }
        Ok(())
    }

    async fn put_replaced(&mut self, doc: DocId, hashes: &[ChangeHash]) -> Result<()> {
        self.insert_replaced(doc, hashes).await
    }

    async fn is_replaced(&mut self, doc: DocId, hash: ChangeHash) -> Result<bool> {
        self.find_replaced(doc, hash).await
    }

    async fn put_erasure(&mut self, doc: DocId, unit: UnitId, seq: u64, now: Timestamp) -> Result<()> {
        self.settle().await?;
        self.insert_erasure(doc, unit, seq, now).await
    }

    async fn is_erased(&mut self, doc: DocId) -> Result<bool> {
        match self.known.erased.get(&doc) {
            Some(erased) => Ok(*erased),
            None => self.find_erasure(doc).await,
        }
    }

    async fn put_move(&mut self, moved: &Move) -> Result<()> {
        self.insert_move(moved).await
    }

    async fn moves_of(&mut self, doc: DocId) -> Result<Vec<Move>> {
        self.select_moves(doc).await
    }

    async fn documents_of_unit(&mut self, unit: UnitId) -> Result<Vec<(DocumentState, Vec<u8>)>> {
        self.send_staged().await?;
        self.select_documents(unit).await
    }

    async fn ticket(&mut self, device: DeviceId) -> Result<Option<Ticket>> {
        self.select_ticket(device).await
    }

    async fn put_ticket(&mut self, device: DeviceId, ticket: &Ticket) -> Result<()> {
        self.update_ticket(device, ticket).await
    }

    async fn commit(mut self: Box<Self>) -> Result<()> {
        self.send_staged().await?;
        crash_point!("stage.after");
        self.tx.commit().await.map_err(failed)?;
        for (unit, last_seq) in self.grown {
            self.teller.tell(News::Unit { unit, last_seq });
        }
        Ok(())
    }
}
