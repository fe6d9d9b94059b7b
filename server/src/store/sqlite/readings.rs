//! The access log.

use sqlx::Row;
use zoufang_core::access::Sensitive;

use super::SqliteStore;
use super::codec::failed;
use crate::crash::crash_point;
use crate::readings::chain;
use crate::store::decode::{last_reading_of, reading_of};
use crate::store::{ReadingEntry, ReadingLine, ReadingsOf, Result};

impl SqliteStore {
    pub(super) async fn insert_readings(&self, entries: &[ReadingEntry]) -> Result<()> {
        let mut tx = self.write_tx().await?;
        let mut new: Vec<ReadingEntry> = Vec::new();
        for entry in entries {
            let sql = "select count(*) from access_log where county = ? and id = ?";
            let query = sqlx::query(sql).bind(self.county).bind(&entry.id.0[..]);
            let known: i64 = query.fetch_one(&mut *tx).await.map_err(failed)?.get(0);
            if known == 0 && new.iter().all(|kept| kept.id != entry.id) {
                new.push(entry.clone());
            }
        }
        let sql = "select seq, hash from access_log where county = ? order by seq desc limit 1";
        let last = sqlx::query(sql).bind(self.county).fetch_optional(&mut *tx).await.map_err(failed)?;
        let last = last.as_ref().map(last_reading_of).transpose()?;
        for ReadingLine { seq, entry, hash } in chain(last, new) {
            let sql = "insert into access_log (county, seq, id, user, device, unit, person, what, why, read_at, received_at, hash) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
            sqlx::query(sql)
                .bind(self.county)
                .bind(seq.cast_signed())
                .bind(&entry.id.0[..])
                .bind(i64::from(entry.user.0))
                .bind(entry.device.0.cast_signed())
                .bind(i64::from(entry.unit.0))
                .bind(&entry.person.0[..])
                .bind(Sensitive::code(entry.what))
                .bind(entry.why.to_string())
                .bind(entry.read_at.0)
                .bind(entry.received_at.0)
                .bind(&hash[..])
                .execute(&mut *tx)
                .await
                .map_err(failed)?;
        }
        crash_point!("readings.commit.before");
        tx.commit().await.map_err(failed)?;
        crash_point!("readings.commit.after");
        Ok(())
    }

    pub(super) async fn read_readings(
        &self,
        of: ReadingsOf,
        before: Option<u64>,
        count_max: u32,
    ) -> Result<Vec<ReadingLine>> {
        let before = before.map_or(i64::MAX, u64::cast_signed);
        let query = match of {
            ReadingsOf::All => {
                let sql = "select seq, id, user, device, unit, person, what, why, read_at, received_at, hash from access_log
                    where county = ? and seq < ? order by seq desc limit ?";
                sqlx::query(sql).bind(self.county)
            }
            ReadingsOf::Unit(unit) => {
                let sql = "select seq, id, user, device, unit, person, what, why, read_at, received_at, hash from access_log
                    where county = ? and unit = ? and seq < ? order by seq desc limit ?";
                sqlx::query(sql).bind(self.county).bind(i64::from(unit.0))
            }
            ReadingsOf::Person(person) => {
                let sql = "select seq, id, user, device, unit, person, what, why, read_at, received_at, hash from access_log
                    where county = ? and person = ? and seq < ? order by seq desc limit ?";
                sqlx::query(sql).bind(self.county).bind(person.0.to_vec())
            }
        };
        let rows =
            query.bind(before).bind(i64::from(count_max)).fetch_all(&self.read).await.map_err(failed)?;
        rows.iter().map(reading_of).collect()
    }

    pub(super) async fn read_readings_after(&self, seq: u64, count_max: u32) -> Result<Vec<ReadingLine>> {
        let sql = "select seq, id, user, device, unit, person, what, why, read_at, received_at, hash from access_log
            where county = ? and seq > ? order by seq limit ?";
        let query = sqlx::query(sql).bind(self.county).bind(seq.cast_signed()).bind(i64::from(count_max));
        query.fetch_all(&self.read).await.map_err(failed)?.iter().map(reading_of).collect()
    }
}
