//! The access log. One lock for the whole of it makes one chain of what several processes add.

use std::collections::BTreeSet;

use sqlx::postgres::PgRow;
use zoufang_core::record::{DocId, UnitId};

use super::PostgresStore;
use super::codec::{docs, failed, units};
use super::lock::Lock;
use crate::crash::crash_point;
use crate::readings::{Head, Line, Reading, Which, chained};
use crate::store::Result;
use crate::store::codec::{to_array, to_doc, to_unit};
use crate::store::decode::{head_of, line_of};

impl PostgresStore {
    pub(super) async fn insert_readings(&self, readings: &[Reading]) -> Result<()> {
        let mut tx = self.locked_tx([Lock::AccessLog].into_iter()).await?;
        let sql = "select id from access_log where county = $1 and id = any($2)";
        let ids: Vec<&[u8]> = readings.iter().map(|reading| &reading.id[..]).collect();
        let query = sqlx::query(sql).bind(self.county).bind(ids);
        let rows = query.fetch_all(&mut *tx).await.map_err(failed)?;
        let known: BTreeSet<[u8; 16]> = rows.iter().map(|row| to_array(row, 0)).collect::<Result<_>>()?;
        let sql = "select seq, hash from access_log where county = $1 order by seq desc limit 1";
        let last = sqlx::query(sql).bind(self.county).fetch_optional(&mut *tx).await.map_err(failed)?;
        let lines = chained(head_of(last.as_ref())?, known, readings);
        let sql = "insert into access_log (county, seq, id, user_id, device, unit, person, what, why, read_at, received_at, prev, hash)
            select $1, * from unnest($2::bigint[], $3::bytea[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bytea[], $8::text[], $9::text[],
            $10::bigint[], $11::bigint[], $12::bytea[], $13::bytea[])";
        let all = || lines.iter().map(|line| &line.reading);
        sqlx::query(sql)
            .bind(self.county)
            .bind(lines.iter().map(|line| line.seq.cast_signed()).collect::<Vec<_>>())
            .bind(all().map(|reading| &reading.id[..]).collect::<Vec<_>>())
            .bind(all().map(|reading| i64::from(reading.user.0)).collect::<Vec<_>>())
            .bind(all().map(|reading| reading.device.0.cast_signed()).collect::<Vec<_>>())
            .bind(units(all().map(|reading| &reading.unit)))
            .bind(docs(all().map(|reading| &reading.person)))
            .bind(all().map(|reading| &reading.what[..]).collect::<Vec<_>>())
            .bind(all().map(|reading| &reading.why[..]).collect::<Vec<_>>())
            .bind(all().map(|reading| reading.read_at.0).collect::<Vec<_>>())
            .bind(all().map(|reading| reading.received_at.0).collect::<Vec<_>>())
            .bind(lines.iter().map(|line| &line.prev[..]).collect::<Vec<_>>())
            .bind(lines.iter().map(|line| &line.hash[..]).collect::<Vec<_>>())
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        crash_point!("access.lines.after");
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
                "select seq, id, user_id, device, unit, person, what, why, read_at, received_at, prev, hash from access_log
                where county = $1 and seq < $2 order by seq desc limit $3",
            )
            .bind(self.county),
            Which::Units(of) => sqlx::query(
                "select seq, id, user_id, device, unit, person, what, why, read_at, received_at, prev, hash from access_log
                where county = $1 and unit = any($2) and seq < $3 order by seq desc limit $4",
            )
            .bind(self.county)
            .bind(units(of)),
            Which::Person(person) => sqlx::query(
                "select seq, id, user_id, device, unit, person, what, why, read_at, received_at, prev, hash from access_log
                where county = $1 and person = $2 and seq < $3 order by seq desc limit $4",
            )
            .bind(self.county)
            .bind(&person.0[..]),
        };
        let rows = query.bind(before).bind(i64::from(count_max)).fetch_all(&self.read()).await;
        lines_of(&rows.map_err(failed)?)
    }

    pub(super) async fn walk_readings(&self, after_seq: u64, count_max: u32) -> Result<Vec<Line>> {
        let sql = "select seq, id, user_id, device, unit, person, what, why, read_at, received_at, prev, hash from access_log
            where county = $1 and seq > $2 order by seq limit $3";
        let query = sqlx::query(sql).bind(self.county).bind(i64::try_from(after_seq).unwrap_or(i64::MAX));
        lines_of(&query.bind(i64::from(count_max)).fetch_all(&self.read()).await.map_err(failed)?)
    }

    pub(super) async fn read_readings_head(&self) -> Result<Head> {
        let sql = "select seq, hash from access_log where county = $1 order by seq desc limit 1";
        let row = sqlx::query(sql).bind(self.county).fetch_optional(&self.read()).await.map_err(failed)?;
        head_of(row.as_ref())
    }

    pub(super) async fn read_units_of(&self, of: &[DocId]) -> Result<Vec<(DocId, UnitId)>> {
        let sql = "select doc, unit from doc where county = $1 and doc = any($2) order by doc";
        let query = sqlx::query(sql).bind(self.county).bind(docs(of));
        let rows = query.fetch_all(&self.read()).await.map_err(failed)?;
        rows.iter().map(|row| Ok((to_doc(row, 0)?, to_unit(row, 1)?))).collect()
    }
}

fn lines_of(rows: &[PgRow]) -> Result<Vec<Line>> {
    rows.iter().map(line_of).collect()
}
