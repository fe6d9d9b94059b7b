//! The access log.

use std::collections::BTreeSet;

use sqlx::sqlite::SqliteRow;
use zoufang_core::record::{DocId, UnitId};

use super::SqliteStore;
use super::codec::{docs_json, failed, hex_json, units_json};
use crate::crash::crash_point;
use crate::readings::{Head, Line, Reading, Which, chained};
use crate::store::Result;
use crate::store::codec::{to_array, to_doc, to_unit};
use crate::store::decode::{head_of, line_of};

impl SqliteStore {
    pub(super) async fn insert_readings(&self, readings: &[Reading]) -> Result<()> {
        // Nobody else writes before this transaction ends, so the head is the end until then.
        let mut tx = self.write_tx().await?;
        let sql =
            "select id from access_log where county = ? and id in (select unhex(value) from json_each(?))";
        let rows = sqlx::query(sql)
            .bind(self.county)
            .bind(hex_json(readings.iter().map(|reading| &reading.id[..])))
            .fetch_all(&mut *tx)
            .await
            .map_err(failed)?;
        let known: BTreeSet<[u8; 16]> = rows.iter().map(|row| to_array(row, 0)).collect::<Result<_>>()?;
        let sql = "select seq, hash from access_log where county = ? order by seq desc limit 1";
        let last = sqlx::query(sql).bind(self.county).fetch_optional(&mut *tx).await.map_err(failed)?;
        for Line { seq, reading, prev, hash } in chained(head_of(last.as_ref())?, known, readings) {
            let sql = "insert into access_log (county, seq, id, user, device, unit, person, what, why, read_at, received_at, prev, hash)
                values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
            sqlx::query(sql)
                .bind(self.county)
                .bind(seq.cast_signed())
                .bind(&reading.id[..])
                .bind(i64::from(reading.user.0))
                .bind(reading.device.0.cast_signed())
                .bind(i64::from(reading.unit.0))
                .bind(&reading.person.0[..])
                .bind(&reading.what)
                .bind(&reading.why)
                .bind(reading.read_at.0)
                .bind(reading.received_at.0)
                .bind(&prev[..])
                .bind(&hash[..])
                .execute(&mut *tx)
                .await
                .map_err(failed)?;
            crash_point!("access.line.after");
        }
        tx.commit().await.map_err(failed)
    }

    pub(super) async fn read_readings(
        &self,
        which: &Which,
        before_seq: Option<u64>,
        count_max: u32,
    ) -> Result<Vec<Line>> {
        let before = before_seq.and_then(|seq| i64::try_from(seq).ok()).unwrap_or(i64::MAX);
        let query = match which {
            Which::All => sqlx::query(
                "select seq, id, user, device, unit, person, what, why, read_at, received_at, prev, hash from access_log
                where county = ? and seq < ? order by seq desc limit ?",
            )
            .bind(self.county),
            Which::Units(units) => sqlx::query(
                "select seq, id, user, device, unit, person, what, why, read_at, received_at, prev, hash from access_log
                indexed by access_log_by_unit
                where county = ? and unit in (select value from json_each(?)) and seq < ? order by seq desc limit ?",
            )
            .bind(self.county)
            .bind(units_json(units)),
            Which::Person(person) => sqlx::query(
                "select seq, id, user, device, unit, person, what, why, read_at, received_at, prev, hash from access_log
                indexed by access_log_by_person where county = ? and person = ? and seq < ? order by seq desc limit ?",
            )
            .bind(self.county)
            .bind(&person.0[..]),
        };
        let rows = query.bind(before).bind(i64::from(count_max)).fetch_all(&self.read).await;
        lines_of(&rows.map_err(failed)?)
    }

    pub(super) async fn walk_readings(&self, after_seq: u64, count_max: u32) -> Result<Vec<Line>> {
        let sql = "select seq, id, user, device, unit, person, what, why, read_at, received_at, prev, hash from access_log
            where county = ? and seq > ? order by seq limit ?";
        let query = sqlx::query(sql).bind(self.county).bind(i64::try_from(after_seq).unwrap_or(i64::MAX));
        lines_of(&query.bind(i64::from(count_max)).fetch_all(&self.read).await.map_err(failed)?)
    }

    pub(super) async fn read_readings_head(&self) -> Result<Head> {
        let sql = "select seq, hash from access_log where county = ? order by seq desc limit 1";
        head_of(sqlx::query(sql).bind(self.county).fetch_optional(&self.read).await.map_err(failed)?.as_ref())
    }

    pub(super) async fn read_units_of(&self, docs: &[DocId]) -> Result<Vec<(DocId, UnitId)>> {
        let sql = "select doc, unit from doc where county = ? and doc in (select unhex(value) from json_each(?)) order by doc";
        let query = sqlx::query(sql).bind(self.county).bind(docs_json(docs));
        let rows = query.fetch_all(&self.read).await.map_err(failed)?;
        rows.iter().map(|row| Ok((to_doc(row, 0)?, to_unit(row, 1)?))).collect()
    }
}

fn lines_of(rows: &[SqliteRow]) -> Result<Vec<Line>> {
    rows.iter().map(line_of).collect()
}
