//! Control records, erasures, moves, tickets and what devices have read.

use std::collections::BTreeSet;

use zoufang_core::record::{ChangeHash, DeviceId, DocId, EpochId, Timestamp, UnitId};
use zoufang_core::sync::wire::Control;

use super::PostgresStore;
use super::begin::{BEGIN, begin};
use super::codec::failed;
use super::send::send_tails;
use super::tx::PostgresTx;
use crate::store::codec::to_bytes;
use crate::store::control::erased_key;
use crate::store::decode::{erasures_of, move_of, record_of, state_of, ticket_of};
use crate::store::{ChangeRecord, DocumentState, Erasure, Move, Result, StoreError, Ticket, WriteTx};

impl PostgresTx {
    pub(super) async fn delete_changes(&mut self, doc: DocId) -> Result<Vec<ChangeRecord>> {
        self.send_staged().await?;
        self.known.histories.remove(&doc);
        let Some(state) = self.document(doc).await? else { return Ok(Vec::new()) };
        self.lock(&BTreeSet::from([state.unit])).await?;
        let sql = "delete from log where county = $1 and doc = $2
            returning unit, seq, doc, kind, hash, raw, device, user_id, actor, change_seq, start_op, max_op, received_at";
        let rows = sqlx::query(sql).bind(self.county).bind(&doc.0[..]).fetch_all(&mut *self.tx).await;
        let mut changes = self.noted(rows)?.iter().map(record_of).collect::<Result<Vec<_>>>()?;
        changes.sort_by_key(|(seq, _)| *seq);
        let Some((first_seq, first)) = changes.first() else { return Ok(Vec::new()) };
        let unit = first.unit;
        let done = sqlx::query("delete from segment where county = $1 and unit = $2 and to_seq >= $3")
            .bind(self.county)
            .bind(i64::from(unit.0))
            .bind(first_seq.cast_signed())
            .execute(&mut *self.tx)
            .await;
        self.noted(done)?;
        let tail = self.tails.entry(unit).or_default();
        tail.cuts += 1;
        for (_, change) in &changes {
            tail.digest = tail.digest.without(change.hash);
            tail.count = tail.count.saturating_sub(1);
            tail.size_bytes = tail.size_bytes.saturating_sub(change.raw.len() as u64);
            self.known.changes.insert(change.hash, None);
            self.known.numbers.insert((doc, change.actor.clone(), change.change_seq), false);
        }
        self.send_tail(unit).await?;
        Ok(changes.into_iter().map(|(_, change)| change).collect())
    }

    async fn send_tail(&mut self, unit: UnitId) -> Result<()> {
        let done = send_tails(&mut self.tx, self.county, self.tails.get(&unit).into_iter()).await;
        self.noted(done)
    }

    pub(super) async fn insert_control(&mut self, unit: UnitId, control: &Control) -> Result<u64> {
        self.send_staged().await?;
        self.lock(&BTreeSet::from([unit])).await?;
        let tail = self.tails.entry(unit).or_default();
        tail.unit = unit;
        tail.last_seq += 1;
        tail.control_seq = tail.last_seq;
        let seq = tail.last_seq;
        let record = minicbor::to_vec(control).map_err(|_| StoreError::Corrupt("control"))?;
        let done = sqlx::query("insert into control (county, unit, seq, record) values ($1, $2, $3, $4)")
            .bind(self.county)
            .bind(i64::from(unit.0))
            .bind(seq.cast_signed())
            .bind(record)
            .execute(&mut *self.tx)
            .await;
        self.noted(done)?;
        self.send_tail(unit).await?;
        self.grown.insert(unit);
        Ok(seq)
    }

    pub(super) async fn delete_document(&mut self, doc: DocId) -> Result<()> {
        self.stage.forget(doc);
        for sql in [
            "delete from doc where county = $1 and doc = $2",
            "delete from person where county = $1 and doc = $2",
            "delete from visit where county = $1 and doc = $2",
            "delete from visit_person where county = $1 and visit = $2",
            "delete from contact where county = $1 and doc = $2",
        ] {
            let done = sqlx::query(sql).bind(self.county).bind(&doc.0[..]).execute(&mut *self.tx).await;
            self.noted(done)?;
        }
        self.known.docs.insert(doc, None);
        Ok(())
    }

    pub(super) async fn insert_replaced(&mut self, doc: DocId, hashes: &[ChangeHash]) -> Result<()> {
        let hashes: Vec<&[u8]> = hashes.iter().map(|hash| &hash.0[..]).collect();
        let sql = "insert into replaced (county, doc, hash) select $1, $2, unnest($3::bytea[]) on conflict do nothing";
        let done =
            sqlx::query(sql).bind(self.county).bind(&doc.0[..]).bind(hashes).execute(&mut *self.tx).await;
        self.noted(done).map(drop)
    }

    pub(super) async fn find_replaced(&mut self, doc: DocId, hash: ChangeHash) -> Result<bool> {
        let sql = "select 1 from replaced where county = $1 and doc = $2 and hash = $3";
        let query = sqlx::query(sql).bind(self.county).bind(&doc.0[..]).bind(&hash.0[..]);
        let found = query.fetch_optional(&mut *self.tx).await;
        Ok(self.noted(found)?.is_some())
    }

    pub(super) async fn insert_erasure(
        &mut self,
        doc: DocId,
        unit: UnitId,
        seq: u64,
        now: Timestamp,
    ) -> Result<()> {
        let query = sqlx::query("delete from replaced where county = $1 and doc = $2");
        let done = query.bind(self.county).bind(&doc.0[..]).execute(&mut *self.tx).await;
        self.noted(done)?;
        let query = sqlx::query("delete from late where county = $1 and doc = $2");
        let done = query.bind(self.county).bind(&doc.0[..]).execute(&mut *self.tx).await;
        self.noted(done)?;
        let sql = "insert into erased (county, key, unit, seq, erased_at) values ($1, $2, $3, $4, $5)
            on conflict (county, key, unit) do update set seq = excluded.seq, erased_at = excluded.erased_at";
        let done = sqlx::query(sql)
            .bind(self.county)
            .bind(&erased_key(doc)[..])
            .bind(i64::from(unit.0))
            .bind(seq.cast_signed())
            .bind(now.0)
            .execute(&mut *self.tx)
            .await;
        self.noted(done).map(drop)
    }

    pub(super) async fn insert_move(&mut self, moved: &Move) -> Result<()> {
        let sql = "insert into moved (county, doc, moved_at, from_unit, to_unit) values ($1, $2, $3, $4, $5)
            on conflict (county, doc, moved_at, from_unit) do update set to_unit = excluded.to_unit";
        let done = sqlx::query(sql)
            .bind(self.county)
            .bind(&moved.doc.0[..])
            .bind(moved.at.0)
            .bind(i64::from(moved.from.0))
            .bind(i64::from(moved.to.0))
            .execute(&mut *self.tx)
            .await;
        self.noted(done).map(drop)
    }

    pub(super) async fn select_moves(&mut self, doc: DocId) -> Result<Vec<Move>> {
        let sql =
            "select moved_at, from_unit, to_unit from moved where county = $1 and doc = $2 order by moved_at";
        let rows = sqlx::query(sql).bind(self.county).bind(&doc.0[..]).fetch_all(&mut *self.tx).await;
        self.noted(rows)?.iter().map(|row| move_of(row, doc)).collect()
    }

    pub(super) async fn select_documents(&mut self, unit: UnitId) -> Result<Vec<(DocumentState, Vec<u8>)>> {
        self.send_staged().await?;
        let sql = "select doc, kind, unit, created_by, max_op, bytes, changes, re_rooted, list_row from doc
            where county = $1 and unit = $2 order by doc";
        let rows = sqlx::query(sql).bind(self.county).bind(i64::from(unit.0)).fetch_all(&mut *self.tx).await;
        self.noted(rows)?.iter().map(|row| Ok((state_of(row)?, to_bytes(row, 8)?))).collect()
    }

    pub(super) async fn select_ticket(&mut self, device: DeviceId) -> Result<Option<Ticket>> {
        // Held until the commit: two pushes of one device, or of it and a copy, do not both show the same ticket.
        let sql = "select ticket, ticket_shown, ticket_first from device
            where county = $1 and device = $2 and ticket is not null for update";
        let row = sqlx::query(sql)
            .bind(self.county)
            .bind(device.0.cast_signed())
            .fetch_optional(&mut *self.tx)
            .await;
        self.noted(row)?.as_ref().map(ticket_of).transpose()
    }

    pub(super) async fn update_ticket(&mut self, device: DeviceId, ticket: &Ticket) -> Result<()> {
        let sql = "update device set ticket = $3, ticket_shown = $4, ticket_first = $5 where county = $1 and device = $2";
        let done = sqlx::query(sql)
            .bind(self.county)
            .bind(device.0.cast_signed())
            .bind(ticket.current.cast_signed())
            .bind(ticket.shown.map(u64::cast_signed))
            .bind(&ticket.first.0[..])
            .execute(&mut *self.tx)
            .await;
        self.noted(done).map(drop)
    }
}

impl PostgresStore {
    pub(super) async fn write_cursors(
        &self,
        device: DeviceId,
        cursors: &[(UnitId, u64)],
        now: Timestamp,
    ) -> Result<()> {
        let sql = "insert into device_cursor (county, device, unit, seq, noted_at)
            select $1, $2, unit, seq, $5 from unnest($3::bigint[], $4::bigint[]) c(unit, seq)
            on conflict (county, device, unit) do update set seq = excluded.seq, noted_at = excluded.noted_at";
        sqlx::query(sql)
            .bind(self.county)
            .bind(device.0.cast_signed())
            .bind(cursors.iter().map(|(unit, _)| i64::from(unit.0)).collect::<Vec<_>>())
            .bind(cursors.iter().map(|(_, seq)| seq.cast_signed()).collect::<Vec<_>>())
            .bind(now.0)
            .execute(&self.write())
            .await
            .map_err(failed)?;
        Ok(())
    }

    pub(super) async fn read_erasures(&self) -> Result<Vec<Erasure>> {
        let sql = "select e.unit, e.seq, e.erased_at, d.device from erased e
            left join device_cursor c on c.county = e.county and c.unit = e.unit and c.seq < e.seq
            left join device d on d.county = c.county and d.device = c.device and d.revoked_at is null
            where e.county = $1 order by e.erased_at desc, e.unit, e.seq, d.device";
        let rows = sqlx::query(sql).bind(self.county).fetch_all(&self.read()).await.map_err(failed)?;
        erasures_of(&rows)
    }

    pub(super) async fn write_epoch(&self, epoch: EpochId) -> Result<()> {
        let mut tx = begin(self.write(), BEGIN).await?;
        sqlx::query("update meta set value = $2 where county = $1 and key = 'epoch'")
            .bind(self.county)
            .bind(epoch.0.cast_signed())
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        let sql =
            "update device set ticket = null, ticket_shown = null, ticket_first = null where county = $1";
        sqlx::query(sql).bind(self.county).execute(&mut *tx).await.map_err(failed)?;
        tx.commit().await.map_err(failed)
    }
}
