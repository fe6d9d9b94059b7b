//! Reading the logs, rows and segments.

use futures_util::TryStreamExt;
use zoufang_core::record::{ChangeHash, DocId, UnitId};

use super::SqliteStore;
use super::codec::{docs_json, failed, hex_json, units_json};
use crate::store::codec::{Shifted, to_bytes, to_doc, to_hash, to_i64_option, to_u64, to_unit};
use crate::store::decode::{control_of, entry_of, segment_of, tail_of};
use crate::store::{LogEntry, LogPage, Result, Sealed, Segment, Tail};

/// The columns of where a log ends; those of a change come after them.
const TAIL_COLUMNS: usize = 7;

impl SqliteStore {
    pub(super) async fn read_tails(&self, units: &[UnitId]) -> Result<Vec<Tail>> {
        let sql = "select u.value, coalesce(l.last_seq, 0), coalesce(l.digest, zeroblob(16)), coalesce(l.count, 0), coalesce(l.bytes, 0), coalesce(l.cuts, 0), coalesce(l.control_seq, 0)
            from json_each(?) u left join unit_log l on l.county = ? and l.unit = u.value order by u.key";
        let rows = sqlx::query(sql)
            .bind(units_json(units))
            .bind(self.county)
            .fetch_all(&self.read)
            .await
            .map_err(failed)?;
        rows.iter().map(tail_of).collect()
    }

    pub(super) async fn read_page(&self, unit: UnitId, after_seq: u64, bytes_max: usize) -> Result<LogPage> {
        // One statement is one snapshot: what was taken out between two reads would be missing in one and counted in the other.
        let sql = "select t.unit, t.last_seq, t.digest, t.count, t.bytes, t.cuts, t.control_seq,
            l.seq, l.doc, l.kind, l.hash, l.raw, l.user, l.received_at
            from unit_log t left join log l on l.county = t.county and l.unit = t.unit and l.seq > ?
            where t.county = ? and t.unit = ? order by l.seq";
        let unit_id = i64::from(unit.0);
        let query = sqlx::query(sql).bind(after_seq.cast_signed()).bind(self.county).bind(unit_id);
        let (mut tail, mut entries) = (Tail { unit, ..Tail::default() }, Vec::new());
        let (mut bytes, mut next) = (0, None);
        let mut rows = query.fetch(&self.read);
        while let Some(row) = rows.try_next().await.map_err(failed)? {
            tail = tail_of(&row)?;
            // Controls are rare, and read in one transaction with the changes.
            if tail.control_seq > after_seq {
                drop(rows);
                return self.read_page_with_controls(unit, after_seq, bytes_max).await;
            }
            let change = Shifted(&row, TAIL_COLUMNS);
            if to_i64_option(&change, 0)?.is_none() {
                break;
            }
            let entry: LogEntry = entry_of(&change)?;
            bytes += entry.raw.len();
            if bytes > bytes_max && !entries.is_empty() {
                next = Some(entry.seq);
                break;
            }
            entries.push(entry);
        }
        let to_seq = match next {
            Some(next) => next - 1,
            None if tail.last_seq == 0 => after_seq,
            None => tail.last_seq,
        };
        Ok(LogPage { entries, controls: Vec::new(), to_seq, tail })
    }

    async fn read_page_with_controls(
        &self,
        unit: UnitId,
        after_seq: u64,
        bytes_max: usize,
    ) -> Result<LogPage> {
        let mut tx = self.read.begin().await.map_err(failed)?;
        let unit_id = i64::from(unit.0);
        let sql = "select unit, last_seq, digest, count, bytes, cuts, control_seq from unit_log where county = ? and unit = ?";
        let query = sqlx::query(sql).bind(self.county).bind(unit_id);
        let tail: Tail = tail_of(&query.fetch_one(&mut *tx).await.map_err(failed)?)?;
        let sql = "select seq, doc, kind, hash, raw, user, received_at from log where county = ? and unit = ? and seq > ? order by seq";
        let query = sqlx::query(sql).bind(self.county).bind(unit_id).bind(after_seq.cast_signed());
        let (mut entries, mut bytes, mut to_seq) = (Vec::new(), 0, tail.last_seq);
        {
            let mut rows = query.fetch(&mut *tx);
            while let Some(row) = rows.try_next().await.map_err(failed)? {
                let entry = entry_of(&row)?;
                bytes += entry.raw.len();
                if bytes > bytes_max && !entries.is_empty() {
                    to_seq = entry.seq - 1;
                    break;
                }
                entries.push(entry);
            }
        }
        let sql = "select seq, record from control where county = ? and unit = ? and seq > ? and seq <= ? order by seq";
        let query = sqlx::query(sql)
            .bind(self.county)
            .bind(unit_id)
            .bind(after_seq.cast_signed())
            .bind(to_seq.cast_signed());
        let rows = query.fetch_all(&mut *tx).await.map_err(failed)?;
        let controls = rows.iter().map(|row| Ok((to_u64(row, 0)?, control_of(&to_bytes(row, 1)?)?)));
        Ok(LogPage { entries, controls: controls.collect::<Result<_>>()?, to_seq, tail })
    }

    pub(super) async fn read_hashes(&self, unit: UnitId, prefix: &[u8]) -> Result<Vec<ChangeHash>> {
        let sql = "select hash from log where county = ? and unit = ? and substr(hash, 1, ?) = ?";
        let rows = sqlx::query(sql)
            .bind(self.county)
            .bind(i64::from(unit.0))
            .bind(i64::try_from(prefix.len()).unwrap_or(i64::MAX))
            .bind(prefix)
            .fetch_all(&self.read)
            .await
            .map_err(failed)?;
        rows.iter().map(|row| to_hash(row, 0)).collect()
    }

    pub(super) async fn read_changes(&self, unit: UnitId, hashes: &[ChangeHash]) -> Result<Vec<LogEntry>> {
        let sql = "select seq, doc, kind, hash, raw, user, received_at from log
            where county = ? and unit = ? and hash in (select unhex(value) from json_each(?)) order by seq";
        let rows = sqlx::query(sql)
            .bind(self.county)
            .bind(i64::from(unit.0))
            .bind(hex_json(hashes.iter().map(|hash| &hash.0[..])))
            .fetch_all(&self.read)
            .await
            .map_err(failed)?;
        rows.iter().map(entry_of).collect()
    }

    pub(super) async fn read_begun_anew(&self, unit: UnitId, doc: DocId) -> Result<Vec<LogEntry>> {
        let sql = "select l.seq, l.doc, l.kind, l.hash, l.raw, l.user, l.received_at from doc d
            cross join log l indexed by sqlite_autoindex_log_3 on l.county = d.county and l.doc = d.doc
            where d.county = ? and d.doc = ? and d.unit = ? and d.re_rooted = 1 order by l.seq";
        let query = sqlx::query(sql).bind(self.county).bind(&doc.0[..]).bind(i64::from(unit.0));
        query.fetch_all(&self.read).await.map_err(failed)?.iter().map(entry_of).collect()
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

    pub(super) async fn insert_segment(&self, segment: &Segment, cuts: u64) -> Result<()> {
        let sql = "insert or ignore into segment (county, unit, from_seq, to_seq, bytes, frame) select ?, ?, ?, ?, ?, ?
            where exists (select 1 from unit_log where county = ? and unit = ? and cuts = ?)";
        sqlx::query(sql)
            .bind(self.county)
            .bind(i64::from(segment.unit.0))
            .bind(segment.from_seq.cast_signed())
            .bind(segment.to_seq.cast_signed())
            .bind(segment.size_bytes.cast_signed())
            .bind(&segment.frame)
            .bind(self.county)
            .bind(i64::from(segment.unit.0))
            .bind(cuts.cast_signed())
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
