//! The writing transaction.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sqlx::{Sqlite, Transaction};
use zoufang_core::record::{ChangeHash, DeviceId, DocId, Timestamp, UnitId};
use zoufang_core::sync::wire::Control;

use super::codec::failed;
use crate::crash::crash_point;
use crate::store::codec::{to_digest, to_u64};
use crate::store::decode::{entry_of, known_of, state_of};
use crate::store::news::{News, Teller};
use crate::store::office::{ContactProjection, PersonProjection, Projection, VisitProjection};
use crate::store::{ChangeRecord, DocumentState, KnownChange, LogEntry, Move, Result, Ticket, WriteTx};

/// A transaction on the one connection that writes.
pub(super) struct SqliteTx {
    pub(super) county: i64,
    pub(super) tx: Transaction<'static, Sqlite>,
    teller: Teller,
    pub(super) grown: BTreeMap<UnitId, u64>,
}

impl SqliteTx {
    pub(super) fn new(county: i64, tx: Transaction<'static, Sqlite>, teller: Teller) -> Self {
        Self { county, tx, teller, grown: BTreeMap::new() }
    }

    async fn put_person(&mut self, doc: DocId, unit: UnitId, person: &PersonProjection) -> Result<()> {
        let sql =
            "insert into person (county, unit, doc, name, search, kind, birth_year, phone_masked, id_masked)
            values (?, ?, ?, ?, ?, ?, ?, ?, ?)";
        sqlx::query(sql)
            .bind(self.county)
            .bind(i64::from(unit.0))
            .bind(&doc.0[..])
            .bind(&person.name)
            .bind(&person.search)
            .bind(&person.kind)
            .bind(person.birth_year)
            .bind(&person.phone_masked)
            .bind(&person.id_masked)
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn put_visit(&mut self, doc: DocId, unit: UnitId, visit: &VisitProjection) -> Result<()> {
        let sql = "insert into visit (county, unit, happened_on, doc, channel, result, reasons, needs, created_by, received_at)
            values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        sqlx::query(sql)
            .bind(self.county)
            .bind(i64::from(unit.0))
            .bind(&visit.happened_on)
            .bind(&doc.0[..])
            .bind(&visit.channel)
            .bind(&visit.result)
            .bind(visit.reasons.join(" "))
            .bind(visit.needs.join(" "))
            .bind(i64::from(visit.created_by.0))
            .bind(visit.received_at.0)
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
        crash_point!("projection.visit.after");
        for person in &visit.people {
            let sql = "insert or ignore into visit_person (county, visit, person) values (?, ?, ?)";
            sqlx::query(sql)
                .bind(self.county)
                .bind(&doc.0[..])
                .bind(&person.0[..])
                .execute(&mut *self.tx)
                .await
                .map_err(failed)?;
        }
        Ok(())
    }

    async fn put_contact(&mut self, doc: DocId, unit: UnitId, contact: &ContactProjection) -> Result<()> {
        let sql = "insert into contact (county, unit, happened_on, doc, person, topic, channel, result, created_by, received_at)
            values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        sqlx::query(sql)
            .bind(self.county)
            .bind(i64::from(unit.0))
            .bind(&contact.happened_on)
            .bind(&doc.0[..])
            .bind(contact.person.map(|person| person.0.to_vec()))
            .bind(&contact.topic)
            .bind(&contact.channel)
            .bind(&contact.result)
            .bind(i64::from(contact.created_by.0))
            .bind(contact.received_at.0)
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn delete(&mut self, sql: &'static str, doc: DocId) -> Result<()> {
        sqlx::query(sql).bind(self.county).bind(&doc.0[..]).execute(&mut *self.tx).await.map_err(failed)?;
        Ok(())
    }
}

#[async_trait]
impl WriteTx for SqliteTx {
    async fn document(&mut self, doc: DocId) -> Result<Option<DocumentState>> {
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
        let sql = "select 1 from log where county = ? and doc = ? and actor = ? and change_seq = ?";
        let query =
            sqlx::query(sql).bind(self.county).bind(&doc.0[..]).bind(actor).bind(change_seq.cast_signed());
        Ok(query.fetch_optional(&mut *self.tx).await.map_err(failed)?.is_some())
    }

    async fn changes_of(&mut self, doc: DocId) -> Result<Vec<LogEntry>> {
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
        let sql = "select last_seq, digest from unit_log where county = ? and unit = ?";
        let query = sqlx::query(sql).bind(self.county).bind(i64::from(change.unit.0));
        let row = query.fetch_optional(&mut *self.tx).await.map_err(failed)?;
        let (last_seq, digest) =
            row.map(|row| Ok((to_u64(&row, 0)?, to_digest(&row, 1)?))).transpose()?.unwrap_or_default();
        let (seq, digest) = (last_seq + 1, digest.with(change.hash).to_bytes());
        let bytes = i64::try_from(change.raw.len()).unwrap_or(i64::MAX);
        let sql =
            "insert into unit_log (county, unit, last_seq, digest, count, bytes) values (?, ?, ?, ?, 1, ?)
            on conflict (county, unit) do update set last_seq = excluded.last_seq, digest = excluded.digest,
            count = count + 1, bytes = bytes + excluded.bytes";
        sqlx::query(sql)
            .bind(self.county)
            .bind(i64::from(change.unit.0))
            .bind(seq.cast_signed())
            .bind(&digest[..])
            .bind(bytes)
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
        crash_point!("append.unit_log.after");
        let sql = "insert into log (county, unit, seq, doc, kind, hash, raw, device, user, actor, change_seq, start_op, max_op, received_at)
            values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        sqlx::query(sql)
            .bind(self.county)
            .bind(i64::from(change.unit.0))
            .bind(seq.cast_signed())
            .bind(&change.doc.0[..])
            .bind(i64::from(change.kind.code()))
            .bind(&change.hash.0[..])
            .bind(&change.raw)
            .bind(change.device.0.cast_signed())
            .bind(i64::from(change.user.0))
            .bind(&change.actor)
            .bind(change.change_seq.cast_signed())
            .bind(change.start_op.cast_signed())
            .bind(change.max_op.cast_signed())
            .bind(change.received_at.0)
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
        self.grown.insert(change.unit, seq);
        Ok(seq)
    }

    async fn put_document(&mut self, state: &DocumentState, row: &[u8]) -> Result<()> {
        let sql = "insert into doc (county, doc, kind, unit, created_by, max_op, bytes, changes, re_rooted, row)
            values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            on conflict (county, doc) do update set unit = excluded.unit, max_op = excluded.max_op, bytes = excluded.bytes,
            changes = excluded.changes, re_rooted = excluded.re_rooted, row = excluded.row";
        sqlx::query(sql)
            .bind(self.county)
            .bind(&state.doc.0[..])
            .bind(i64::from(state.kind.code()))
            .bind(i64::from(state.unit.0))
            .bind(i64::from(state.created_by.0))
            .bind(state.max_op.cast_signed())
            .bind(state.size_bytes.cast_signed())
            .bind(state.changes.cast_signed())
            .bind(state.re_rooted)
            .bind(row)
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn put_projection(&mut self, doc: DocId, unit: UnitId, projection: &Projection) -> Result<()> {
        match projection {
            Projection::Person(person) => {
                let sql = "delete from person where county = ? and unit = ? and doc = ?";
                let query = sqlx::query(sql).bind(self.county).bind(i64::from(unit.0)).bind(&doc.0[..]);
                query.execute(&mut *self.tx).await.map_err(failed)?;
                self.put_person(doc, unit, person).await
            }
            Projection::Visit(visit) => {
                self.delete("delete from visit where county = ? and doc = ?", doc).await?;
                self.delete("delete from visit_person where county = ? and visit = ?", doc).await?;
                crash_point!("projection.delete.after");
                self.put_visit(doc, unit, visit).await
            }
            Projection::Contact(contact) => {
                self.delete("delete from contact where county = ? and doc = ?", doc).await?;
                self.put_contact(doc, unit, contact).await
            }
            Projection::Nothing => Ok(()),
        }
    }

    async fn clear_projections(&mut self) -> Result<()> {
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
        let sql = "select doc, kind, unit, created_by, max_op, bytes, changes, re_rooted from doc where county = ? and doc > ? order by doc limit ?";
        let after = after.map(|doc| doc.0.to_vec()).unwrap_or_default();
        let query = sqlx::query(sql).bind(self.county).bind(after).bind(i64::from(count_max));
        let rows = query.fetch_all(&mut *self.tx).await.map_err(failed)?;
        rows.iter().map(state_of).collect()
    }

    async fn take_out(&mut self, doc: DocId) -> Result<Vec<ChangeRecord>> {
        self.delete_changes(doc).await
    }

    async fn append_control(&mut self, unit: UnitId, control: &Control) -> Result<u64> {
        self.insert_control(unit, control).await
    }

    async fn remove_document(&mut self, doc: DocId) -> Result<()> {
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
        self.insert_erasure(doc, unit, seq, now).await
    }

    async fn is_erased(&mut self, doc: DocId) -> Result<bool> {
        self.find_erasure(doc).await
    }

    async fn put_move(&mut self, moved: &Move) -> Result<()> {
        self.insert_move(moved).await
    }

    async fn moves_of(&mut self, doc: DocId) -> Result<Vec<Move>> {
        self.select_moves(doc).await
    }

    async fn documents_of_unit(&mut self, unit: UnitId) -> Result<Vec<(DocumentState, Vec<u8>)>> {
        self.select_documents(unit).await
    }

    async fn ticket(&mut self, device: DeviceId) -> Result<Option<Ticket>> {
        self.select_ticket(device).await
    }

    async fn put_ticket(&mut self, device: DeviceId, ticket: &Ticket) -> Result<()> {
        self.update_ticket(device, ticket).await
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        self.tx.commit().await.map_err(failed)?;
        for (unit, last_seq) in self.grown {
            self.teller.tell(News::Unit { unit, last_seq });
        }
        Ok(())
    }
}
