//! Reading the logs, rows and segments.

use futures_util::TryStreamExt;
use zoufang_core::record::{DocId, UnitId};

use super::SqliteStore;
use super::codec::{docs_json, failed, units_json};
use crate::store::codec::{to_bytes, to_doc, to_u64, to_unit};
use crate::store::decode::{entry_of, segment_of, tail_of};
use crate::store::{LogEntry, Result, Sealed, Segment, Tail};

impl SqliteStore {
    pub(super) async fn read_tails(&self, units: &[UnitId]) -> Result<Vec<Tail>> {
        let sql = "select u.value, coalesce(l.last_seq, 0), coalesce(l.digest, zeroblob(16)), coalesce(l.count, 0), coalesce(l.bytes, 0)
            from json_each(?) u left join unit_log l on l.county = ? and l.unit = u.value order by u.key";
        let rows = sqlx::query(sql)
            .bind(units_json(units))
            .bind(self.county)
            .fetch_all(&self.read)
            .await
            .map_err(failed)?;
        rows.iter().map(tail_of).collect()
    }

    pub(super) async fn read_entries(
        &self,
        unit: UnitId,
        after_seq: u64,
        bytes_max: usize,
    ) -> Result<Vec<LogEntry>> {
        let sql = "select seq, doc, kind, hash, raw, user, received_at, digest from log where county = ? and unit = ? and seq > ? order by seq";
        let query = sqlx::query(sql).bind(self.county).bind(i64::from(unit.0)).bind(after_seq.cast_signed());
        let mut rows = query.fetch(&self.read);
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.try_next().await.map_err(failed)? {
            let entry = entry_of(&row)?;
            bytes += entry.raw.len();
            if bytes > bytes_max && !entries.is_empty() {
                break;
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    pub(super) async fn read_rows(&self, docs: &[DocId]) -> Result<Vec<(DocId, Vec<u8>)>> {
        let sql = "select doc, row from doc where county = ? and doc in (select unhex(value) from json_each(?)) order by doc";
        let rows = sqlx::query(sql)
            .bind(self.county)
            .bind(docs_json(docs))
            .fetch_all(&self.read)
            .await
            .map_err(failed)?;
        rows.iter().map(|row| Ok((to_doc(row, 0)?, to_bytes(row, 1)?))).collect()
    }

    pub(super) async fn read_segment(&self, unit: UnitId, from_seq: u64) -> Result<Option<Segment>> {
        let sql = "select to_seq, bytes, frame from segment where county = ? and unit = ? and from_seq = ?";
        let query = sqlx::query(sql).bind(self.county).bind(i64::from(unit.0)).bind(from_seq.cast_signed());
        let row = query.fetch_optional(&self.read).await.map_err(failed)?;
        row.as_ref().map(|row| segment_of(row, unit, from_seq)).transpose()
    }

    pub(super) async fn read_sealed(&self, unit: UnitId) -> Result<Sealed> {
        let sql = "select coalesce(max(to_seq), 0), coalesce(sum(bytes), 0) from segment where county = ? and unit = ?";
        let row = sqlx::query(sql)
            .bind(self.county)
            .bind(i64::from(unit.0))
            .fetch_one(&self.read)
            .await
            .map_err(failed)?;
        Ok(Sealed { to_seq: to_u64(&row, 0)?, size_bytes: to_u64(&row, 1)? })
    }

    pub(super) async fn insert_segment(&self, segment: &Segment) -> Result<()> {
        sqlx::query("insert or ignore into segment (county, unit, from_seq, to_seq, bytes, frame) values (?, ?, ?, ?, ?, ?)")
            .bind(self.county)
            .bind(i64::from(segment.unit.0))
            .bind(segment.from_seq.cast_signed())
            .bind(segment.to_seq.cast_signed())
            .bind(segment.size_bytes.cast_signed())
            .bind(&segment.frame)
            .execute(&self.write)
            .await
            .map_err(failed)?;
        Ok(())
    }

    pub(super) async fn read_units_with_log(&self) -> Result<Vec<UnitId>> {
        let sql = "select unit from unit_log where county = ? order by unit";
        let rows = sqlx::query(sql).bind(self.county).fetch_all(&self.read).await.map_err(failed)?;
        rows.iter().map(|row| to_unit(row, 0)).collect()
    }
}
