//! Reading the logs, rows and segments.

use sqlx::{Postgres, Transaction};
use zoufang_core::record::{ChangeHash, DocId, UnitId};

use super::PostgresStore;
use super::begin::{SNAPSHOT, begin};
use super::codec::{docs, failed, units};
use crate::store::codec::{to_bytes, to_doc, to_hash, to_i64_option, to_u64, to_unit};
use crate::store::decode::{control_of, entry_of, segment_of, tail_of};
use crate::store::{LogEntry, LogPage, Result, Sealed, Segment, Tail};

/// Changes looked at in one round trip of a page: more than a page of ordinary ones has.
const AHEAD_MAX: usize = 1_024;

impl PostgresStore {
    pub(super) async fn read_tails(&self, of: &[UnitId]) -> Result<Vec<Tail>> {
        let sql = "select u.unit, coalesce(l.last_seq, 0), coalesce(l.digest, decode(repeat('00', 16), 'hex')), coalesce(l.count, 0), coalesce(l.bytes, 0), coalesce(l.cuts, 0), coalesce(l.control_seq, 0)
            from unnest($2::bigint[]) with ordinality u(unit, place)
            left join unit_log l on l.county = $1 and l.unit = u.unit order by u.place";
        let query = sqlx::query(sql).bind(self.county).bind(units(of));
        query.fetch_all(&self.read()).await.map_err(failed)?.iter().map(tail_of).collect()
    }

    pub(super) async fn read_page(&self, unit: UnitId, after_seq: u64, bytes_max: usize) -> Result<LogPage> {
        // One snapshot: what was taken out between two reads would be missing in one and counted in the other.
        let mut tx = begin(self.read(), SNAPSHOT).await?;
        let sql = "select unit, last_seq, digest, count, bytes, cuts, control_seq from unit_log where county = $1 and unit = $2";
        let query = sqlx::query(sql).bind(self.county).bind(i64::from(unit.0));
        let Some(row) = query.fetch_optional(&mut *tx).await.map_err(failed)? else {
            return Ok(LogPage {
                to_seq: after_seq,
                tail: Tail { unit, ..Tail::default() },
                ..LogPage::default()
            });
        };
        let tail = tail_of(&row)?;
        let (entries, next) = self.read_entries(&mut tx, &tail, after_seq, bytes_max).await?;
        let to_seq = next.map_or(tail.last_seq, |next| next - 1);
        if tail.control_seq <= after_seq {
            return Ok(LogPage { entries, controls: Vec::new(), to_seq, tail });
        }
        let sql = "select seq, record from control where county = $1 and unit = $2 and seq > $3 and seq <= $4 order by seq";
        let rows = sqlx::query(sql)
            .bind(self.county)
            .bind(i64::from(unit.0))
            .bind(after_seq.cast_signed())
            .bind(to_seq.cast_signed())
            .fetch_all(&mut *tx)
            .await
            .map_err(failed)?;
        let controls = rows.iter().map(|row| Ok((to_u64(row, 0)?, control_of(&to_bytes(row, 1)?)?)));
        Ok(LogPage { entries, controls: controls.collect::<Result<_>>()?, to_seq, tail })
    }

    /// The changes that fit, and the number of the next one if there is one.
    async fn read_entries(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        tail: &Tail,
        after_seq: u64,
        bytes_max: usize,
    ) -> Result<(Vec<LogEntry>, Option<u64>)> {
        let unit = tail.unit;
        let (mut entries, mut bytes_left, mut after_seq) = (Vec::new(), bytes_max, after_seq);
        loop {
            let more: Vec<LogEntry> =
                self.read_ahead(tx, unit, after_seq, bytes_left, entries.is_empty()).await?;
            let full = more.len() == AHEAD_MAX;
            bytes_left = bytes_left.saturating_sub(more.iter().map(|entry| entry.raw.len()).sum());
            after_seq = more.last().map_or(after_seq, |entry| entry.seq);
            entries.extend(more);
            if !full {
                break;
            }
        }
        if after_seq >= tail.last_seq {
            return Ok((entries, None));
        }
        let sql = "select min(seq) from log where county = $1 and unit = $2 and seq > $3";
        let query = sqlx::query(sql).bind(self.county).bind(i64::from(unit.0)).bind(after_seq.cast_signed());
        let row = query.fetch_one(&mut **tx).await.map_err(failed)?;
        Ok((entries, to_i64_option(&row, 0)?.map(i64::cast_unsigned)))
    }

    pub(super) async fn read_hashes(&self, unit: UnitId, prefix: &[u8]) -> Result<Vec<ChangeHash>> {
        let sql =
            "select hash from log where county = $1 and unit = $2 and substr(hash, 1, octet_length($3)) = $3";
        let query = sqlx::query(sql).bind(self.county).bind(i64::from(unit.0)).bind(prefix);
        query.fetch_all(&self.read()).await.map_err(failed)?.iter().map(|row| to_hash(row, 0)).collect()
    }

    pub(super) async fn read_changes(&self, unit: UnitId, hashes: &[ChangeHash]) -> Result<Vec<LogEntry>> {
        let sql = "select seq, doc, kind, hash, raw, user_id, received_at from log
            where county = $1 and unit = $2 and hash = any($3) order by seq";
        let wanted: Vec<&[u8]> = hashes.iter().map(|hash| &hash.0[..]).collect();
        let query = sqlx::query(sql).bind(self.county).bind(i64::from(unit.0)).bind(wanted);
        query.fetch_all(&self.read()).await.map_err(failed)?.iter().map(entry_of).collect()
    }

    /// The next changes that fit, and one that does not if `at_least_one`. Their sizes are summed up where they lie, so that
    /// no more is sent than is wanted.
    async fn read_ahead(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        unit: UnitId,
        after_seq: u64,
        bytes_max: usize,
        at_least_one: bool,
    ) -> Result<Vec<LogEntry>> {
        let sql = "with near as (select seq, octet_length(raw) as bytes from log where county = $1 and unit = $2 and seq > $3 order by seq limit $4),
            fits as (select seq, sum(bytes) over (order by seq) as total, row_number() over (order by seq) as place from near),
            until as (select max(seq) as seq from fits where total <= $5 or place = $6)
            select l.seq, l.doc, l.kind, l.hash, l.raw, l.user_id, l.received_at from log l, until
            where l.county = $1 and l.unit = $2 and l.seq > $3 and l.seq <= until.seq order by l.seq";
        let rows = sqlx::query(sql)
            .bind(self.county)
            .bind(i64::from(unit.0))
            .bind(after_seq.cast_signed())
            .bind(i64::try_from(AHEAD_MAX).unwrap_or(i64::MAX))
            .bind(i64::try_from(bytes_max).unwrap_or(i64::MAX))
            .bind(i64::from(at_least_one))
            .fetch_all(&mut **tx)
            .await
            .map_err(failed)?;
        rows.iter().map(entry_of).collect()
    }

    pub(super) async fn read_begun_anew(&self, unit: UnitId, doc: DocId) -> Result<Vec<LogEntry>> {
        let sql = "select l.seq, l.doc, l.kind, l.hash, l.raw, l.user_id, l.received_at from doc d
            join log l on l.county = d.county and l.doc = d.doc
            where d.county = $1 and d.doc = $2 and d.unit = $3 and d.re_rooted = 1 order by l.seq";
        let query = sqlx::query(sql).bind(self.county).bind(&doc.0[..]).bind(i64::from(unit.0));
        query.fetch_all(&self.read()).await.map_err(failed)?.iter().map(entry_of).collect()
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

    pub(super) async fn insert_segment(&self, segment: &Segment, cuts: u64) -> Result<()> {
        // The unit's row is held: a cut that is under way is either seen, or sees this segment and takes it away.
        let sql = "insert into segment (county, unit, from_seq, to_seq, bytes, frame)
            select $1, $2, $3, $4, $5, $6 from (select 1 from unit_log where county = $1 and unit = $2 and cuts = $7 for share) held
            on conflict do nothing";
        sqlx::query(sql)
            .bind(self.county)
            .bind(i64::from(segment.unit.0))
            .bind(segment.from_seq.cast_signed())
            .bind(segment.to_seq.cast_signed())
            .bind(segment.size_bytes.cast_signed())
            .bind(&segment.frame)
            .bind(cuts.cast_signed())
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
