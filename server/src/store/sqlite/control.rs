//! Control records, erasures, moves, tickets and what devices have read.

use zoufang_core::record::{ChangeHash, DeviceId, DocId, EpochId, Timestamp, UnitId};
use zoufang_core::sync::digest::Digest;
use zoufang_core::sync::wire::Control;

use super::SqliteStore;
use super::codec::failed;
use super::tx::SqliteTx;
use crate::store::codec::{to_bytes, to_digest, to_u64};
use crate::store::control::erased_key;
use crate::store::decode::{erasures_of, move_of, record_of, state_of, ticket_of};
use crate::store::{ChangeRecord, DocumentState, Erasure, Move, Result, StoreError, Ticket};

impl SqliteTx {
    pub(super) async fn delete_changes(&mut self, doc: DocId) -> Result<Vec<ChangeRecord>> {
        let sql = "select unit, seq, doc, kind, hash, raw, device, user, actor, change_seq, start_op, max_op, received_at
            from log indexed by sqlite_autoindex_log_3 where county = ? and doc = ? order by seq";
        let query = sqlx::query(sql).bind(self.county).bind(&doc.0[..]);
        let rows = query.fetch_all(&mut *self.tx).await.map_err(failed)?;
        let changes = rows.iter().map(record_of).collect::<Result<Vec<_>>>()?;
        let (Some((first_seq, first)), true) = (changes.first(), !changes.is_empty()) else {
            return Ok(Vec::new());
        };
        let unit = i64::from(first.unit.0);
        let sql = "select digest from unit_log where county = ? and unit = ?";
        let query = sqlx::query(sql).bind(self.county).bind(unit);
        let digest = to_digest(&query.fetch_one(&mut *self.tx).await.map_err(failed)?, 0)?;
        let digest: Digest = changes.iter().fold(digest, |digest, (_, change)| digest.without(change.hash));
        let bytes: usize = changes.iter().map(|(_, change)| change.raw.len()).sum();
        let sql = "update unit_log set digest = ?, count = count - ?, bytes = bytes - ?, cuts = cuts + 1 where county = ? and unit = ?";
        sqlx::query(sql)
            .bind(&digest.to_bytes()[..])
            .bind(i64::try_from(changes.len()).unwrap_or(i64::MAX))
            .bind(i64::try_from(bytes).unwrap_or(i64::MAX))
            .bind(self.county)
            .bind(unit)
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
        // What was encoded from here on is made again without them.
        sqlx::query("delete from segment where county = ? and unit = ? and to_seq >= ?")
            .bind(self.county)
            .bind(unit)
            .bind(first_seq.cast_signed())
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
        let query =
            sqlx::query("delete from log indexed by sqlite_autoindex_log_3 where county = ? and doc = ?")
                .bind(self.county)
                .bind(&doc.0[..]);
        query.execute(&mut *self.tx).await.map_err(failed)?;
        Ok(changes.into_iter().map(|(_, change)| change).collect())
    }

    pub(super) async fn insert_control(&mut self, unit: UnitId, control: &Control) -> Result<u64> {
        let sql = "insert into unit_log (county, unit, last_seq, digest, count, bytes, control_seq) values (?, ?, 1, zeroblob(16), 0, 0, 1)
            on conflict (county, unit) do update set last_seq = last_seq + 1, control_seq = last_seq + 1 returning last_seq";
        let query = sqlx::query(sql).bind(self.county).bind(i64::from(unit.0));
        let seq = to_u64(&query.fetch_one(&mut *self.tx).await.map_err(failed)?, 0)?;
        let record = minicbor::to_vec(control).map_err(|_| StoreError::Corrupt("control"))?;
        sqlx::query("insert into control (county, unit, seq, record) values (?, ?, ?, ?)")
            .bind(self.county)
            .bind(i64::from(unit.0))
            .bind(seq.cast_signed())
            .bind(record)
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
        self.grown.insert(unit, seq);
        Ok(seq)
    }

    pub(super) async fn insert_replaced(&mut self, doc: DocId, hashes: &[ChangeHash]) -> Result<()> {
        for hash in hashes {
            sqlx::query("insert or ignore into replaced (county, doc, hash) values (?, ?, ?)")
                .bind(self.county)
                .bind(&doc.0[..])
                .bind(&hash.0[..])
                .execute(&mut *self.tx)
                .await
                .map_err(failed)?;
        }
        Ok(())
    }

    pub(super) async fn find_replaced(&mut self, doc: DocId, hash: ChangeHash) -> Result<bool> {
        let query = sqlx::query("select 1 from replaced where county = ? and doc = ? and hash = ?");
        let query = query.bind(self.county).bind(&doc.0[..]).bind(&hash.0[..]);
        Ok(query.fetch_optional(&mut *self.tx).await.map_err(failed)?.is_some())
    }

    pub(super) async fn insert_erasure(
        &mut self,
        doc: DocId,
        unit: UnitId,
        seq: u64,
        now: Timestamp,
    ) -> Result<()> {
        let query = sqlx::query("delete from replaced where county = ? and doc = ?");
        query.bind(self.county).bind(&doc.0[..]).execute(&mut *self.tx).await.map_err(failed)?;
        let query = sqlx::query("delete from late where county = ? and doc = ?");
        query.bind(self.county).bind(&doc.0[..]).execute(&mut *self.tx).await.map_err(failed)?;
        sqlx::query(
            "insert or replace into erased (county, key, unit, seq, erased_at) values (?, ?, ?, ?, ?)",
        )
        .bind(self.county)
        .bind(&erased_key(doc)[..])
        .bind(i64::from(unit.0))
        .bind(seq.cast_signed())
        .bind(now.0)
        .execute(&mut *self.tx)
        .await
        .map_err(failed)?;
        Ok(())
    }

    pub(super) async fn find_erasure(&mut self, doc: DocId) -> Result<bool> {
        let query = sqlx::query("select 1 from erased where county = ? and key = ?");
        let query = query.bind(self.county).bind(erased_key(doc).to_vec());
        Ok(query.fetch_optional(&mut *self.tx).await.map_err(failed)?.is_some())
    }

    pub(super) async fn insert_move(&mut self, moved: &Move) -> Result<()> {
        sqlx::query(
            "insert or replace into moved (county, doc, moved_at, from_unit, to_unit) values (?, ?, ?, ?, ?)",
        )
        .bind(self.county)
        .bind(&moved.doc.0[..])
        .bind(moved.at.0)
        .bind(i64::from(moved.from.0))
        .bind(i64::from(moved.to.0))
        .execute(&mut *self.tx)
        .await
        .map_err(failed)?;
        Ok(())
    }

    pub(super) async fn select_moves(&mut self, doc: DocId) -> Result<Vec<Move>> {
        let sql =
            "select moved_at, from_unit, to_unit from moved where county = ? and doc = ? order by moved_at";
        let query = sqlx::query(sql).bind(self.county).bind(&doc.0[..]);
        let rows = query.fetch_all(&mut *self.tx).await.map_err(failed)?;
        rows.iter().map(|row| move_of(row, doc)).collect()
    }

    pub(super) async fn select_documents(&mut self, unit: UnitId) -> Result<Vec<(DocumentState, Vec<u8>)>> {
        let sql = "select doc, kind, unit, created_by, max_op, bytes, changes, re_rooted, row from doc
            indexed by doc_by_unit where county = ? and unit = ? order by doc";
        let query = sqlx::query(sql).bind(self.county).bind(i64::from(unit.0));
        let rows = query.fetch_all(&mut *self.tx).await.map_err(failed)?;
        rows.iter().map(|row| Ok((state_of(row)?, to_bytes(row, 8)?))).collect()
    }

    pub(super) async fn select_ticket(&mut self, device: DeviceId) -> Result<Option<Ticket>> {
        let sql = "select ticket, ticket_shown, ticket_first from device where county = ? and device = ? and ticket is not null";
        let query = sqlx::query(sql).bind(self.county).bind(device.0.cast_signed());
        let row = query.fetch_optional(&mut *self.tx).await.map_err(failed)?;
        row.as_ref().map(ticket_of).transpose()
    }

    pub(super) async fn update_ticket(&mut self, device: DeviceId, ticket: &Ticket) -> Result<()> {
        sqlx::query("update device set ticket = ?, ticket_shown = ?, ticket_first = ? where county = ? and device = ?")
            .bind(ticket.current.cast_signed())
            .bind(ticket.shown.map(u64::cast_signed))
            .bind(&ticket.first.0[..])
            .bind(self.county)
            .bind(device.0.cast_signed())
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
        Ok(())
    }
}

impl SqliteStore {
    pub(super) async fn write_cursors(
        &self,
        device: DeviceId,
        cursors: &[(UnitId, u64)],
        now: Timestamp,
    ) -> Result<()> {
        let mut tx = self.write.begin_with("begin immediate").await.map_err(failed)?;
        for (unit, seq) in cursors {
            let sql = "insert into device_cursor (county, device, unit, seq, noted_at) values (?, ?, ?, ?, ?)
                on conflict (county, device, unit) do update set seq = excluded.seq, noted_at = excluded.noted_at";
            sqlx::query(sql)
                .bind(self.county)
                .bind(device.0.cast_signed())
                .bind(i64::from(unit.0))
                .bind(seq.cast_signed())
                .bind(now.0)
                .execute(&mut *tx)
                .await
                .map_err(failed)?;
        }
        tx.commit().await.map_err(failed)
    }

    pub(super) async fn read_erasures(&self) -> Result<Vec<Erasure>> {
        let sql = "select e.unit, e.seq, e.erased_at, d.device from erased e
            left join device_cursor c on c.county = e.county and c.unit = e.unit and c.seq < e.seq
            left join device d on d.county = c.county and d.device = c.device and d.revoked_at is null
            where e.county = ? order by e.erased_at desc, e.unit, e.seq, d.device";
        let rows = sqlx::query(sql).bind(self.county).fetch_all(&self.read).await.map_err(failed)?;
        erasures_of(&rows)
    }

    pub(super) async fn write_epoch(&self, epoch: EpochId) -> Result<()> {
        let mut tx = self.write.begin_with("begin immediate").await.map_err(failed)?;
        sqlx::query("update meta set value = ? where county = ? and key = 'epoch'")
            .bind(epoch.0.cast_signed())
            .bind(self.county)
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        let sql =
            "update device set ticket = null, ticket_shown = null, ticket_first = null where county = ?";
        sqlx::query(sql).bind(self.county).execute(&mut *tx).await.map_err(failed)?;
        tx.commit().await.map_err(failed)
    }
}
