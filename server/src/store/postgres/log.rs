//! Reading the logs, rows and segments.

use zoufang_core::record::{DocId, UnitId};

use super::PostgresStore;
use super::codec::{docs, failed, units};
use crate::store::codec::{to_bytes, to_doc, to_u64, to_unit};
use crate::store::decode::{entry_of, segment_of, tail_of};
use crate::store::{LogEntry, Result, Sealed, Segment, Tail};

/// Changes looked at in one round trip of a page: more than a page of ordinary ones has.
const AHEAD_MAX: usize = 1_024;

impl PostgresStore {
    pub(super) async fn read_tails(&self, of: &[UnitId]) -> Result<Vec<Tail>> {
        let sql = "select u.unit, coalesce(l.last_seq, 0), coalesce(l.digest, decode(repeat('00', 16), 'hex')), coalesce(l.count, 0), coalesce(l.bytes, 0)
            from unnest($2::bigint[]) with ordinality u(unit, place)
            left join unit_log l on l.county = $1 and l.unit = u.unit order by u.place";
        let query = sqlx::query(sql).bind(self.county).bind(units(of));
        query.fetch_all(&self.read()).await.map_err(failed)?.iter().map(tail_of).collect()
    }

    pub(super) async fn read_entries(
        &self,
        unit: UnitId,
        after_seq: u64,
        bytes_max: usize,
    ) -> Result<Vec<LogEntry>> {
        let (mut entries, mut bytes_left, mut after_seq) = (Vec::new(), bytes_max, after_seq);
        loop {
            let more: Vec<LogEntry> =
                self.read_ahead(unit, after_seq, bytes_left, entries.is_empty()).await?;
            let full = more.len() == AHEAD_MAX;
            bytes_left = bytes_left.saturating_sub(more.iter().map(|entry| entry.raw.len()).sum());
            after_seq = more.last().map_or(after_seq, |entry| entry.seq);
            entries.extend(more);
            if !full {
                return Ok(entries);
            }
        }
    }

    /// The next changes that fit, and one that does not if `at_least_one`. Their sizes are summed up where they lie, so that
    /// no more is sent than is wanted.
    async fn read_ahead(
        &self,
        unit: UnitId,
        after_seq: u64,
        bytes_max: usize,
        at_least_one: bool,
    ) -> Result<Vec<LogEntry>> {
        let sql = "with near as (select seq, octet_length(raw) as bytes from log where county = $1 and unit = $2 and seq > $3 order by seq limit $4),
            fits as (select seq, sum(bytes) over (order by seq) as total, row_number() over (order by seq) as place from near),
            until as (select max(seq) as seq from fits where total <= $5 or place = $6)
            select l.seq, l.doc, l.kind, l.hash, l.raw, l.user_id, l.received_at, l.digest from log l, until
            where l.county = $1 and l.unit = $2 and l.seq > $3 and l.seq <= until.seq order by l.seq";
        let rows = sqlx::query(sql)
            .bind(self.county)
            .bind(i64::from(unit.0))
            .bind(after_seq.cast_signed())
            .bind(i64::try_from(AHEAD_MAX).unwrap_or(i64::MAX))
            .bind(i64::try_from(bytes_max).unwrap_or(i64::MAX))
            .bind(i64::from(at_least_one))
            .fetch_all(&self.read())
            .await
            .map_err(failed)?;
        rows.iter().map(entry_of).collect()
    }

    pub(super) async fn read_rows(&self, of: &[DocId]) -> Result<Vec<(DocId, Vec<u8>)>> {
        let sql = "select doc, list_row from doc where county = $1 and doc = any($2) order by doc";
        let query = sqlx::query(sql).bind(self.county).bind(docs(of));
        let rows = query.fetch_all(&self.read()).await.map_err(failed)?;
        rows.iter().map(|row| Ok((to_doc(row, 0)?, to_bytes(row, 1)?))).collect()
    }

    pub(super) async fn read_segment(&self, unit: UnitId, from_seq: u64) -> Result<Option<Segment>> {
        let sql =
            "select to_seq, bytes, frame from segment where county = $1 and unit = $2 and from_seq = $3";
        let query = sqlx::query(sql).bind(self.county).bind(i64::from(unit.0)).bind(from_seq.cast_signed());
        let row = query.fetch_optional(&self.read()).await.map_err(failed)?;
        row.as_ref().map(|row| segment_of(row, unit, from_seq)).transpose()
    }

    pub(super) async fn read_sealed(&self, unit: UnitId) -> Result<Sealed> {
        let sql = "select coalesce(max(to_seq), 0), coalesce(sum(bytes), 0)::bigint from segment where county = $1 and unit = $2";
        let query = sqlx::query(sql).bind(self.county).bind(i64::from(unit.0));
        let row = query.fetch_one(&self.read()).await.map_err(failed)?;
        Ok(Sealed { to_seq: to_u64(&row, 0)?, size_bytes: to_u64(&row, 1)? })
    }

    pub(super) async fn insert_segment(&self, segment: &Segment) -> Result<()> {
        let sql = "insert into segment (county, unit, from_seq, to_seq, bytes, frame) values ($1, $2, $3, $4, $5, $6)
            on conflict do nothing";
        sqlx::query(sql)
            .bind(self.county)
            .bind(i64::from(segment.unit.0))
            .bind(segment.from_seq.cast_signed())
            .bind(segment.to_seq.cast_signed())
            .bind(segment.size_bytes.cast_signed())
            .bind(&segment.frame)
            .execute(&self.write())
            .await
            .map_err(failed)?;
        Ok(())
    }

    pub(super) async fn read_units_with_log(&self) -> Result<Vec<UnitId>> {
        let sql = "select unit from unit_log where county = $1 order by unit";
        let rows = sqlx::query(sql).bind(self.county).fetch_all(&self.read()).await.map_err(failed)?;
        rows.iter().map(|row| to_unit(row, 0)).collect()
    }
}
