//! Other bytes in the place of those that are stored, when keys change.

use zoufang_core::record::UnitId;

use super::PostgresStore;
use super::begin::{BEGIN, begin};
use super::codec::failed;
use crate::store::codec::to_u32;
use crate::store::{Late, Mark, Resealed, Result};

impl PostgresStore {
    pub(super) async fn read_mark(&self, mark: Mark) -> Result<Option<u32>> {
        let sql = "select value from meta where county = $1 and key = $2";
        let row = sqlx::query(sql)
            .bind(self.county)
            .bind(mark.name())
            .fetch_optional(&self.read())
            .await
            .map_err(failed)?;
        row.map(|row| to_u32(&row, 0)).transpose()
    }

    pub(super) async fn write_mark(&self, mark: Mark, value: u32) -> Result<()> {
        let sql = "insert into meta (county, key, value) values ($1, $2, $3)
            on conflict (county, key) do update set value = excluded.value";
        let query = sqlx::query(sql).bind(self.county).bind(mark.name()).bind(i64::from(value));
        query.execute(&self.write()).await.map_err(failed)?;
        Ok(())
    }

    pub(super) async fn update_changes(&self, unit: UnitId, changes: &[Resealed]) -> Result<()> {
        let mut tx = begin(self.write(), BEGIN).await?;
        let sql = "with was as (
                select hash, length(raw) as bytes from log where county = $1 and unit = $2 and hash = any($3) for update),
            changed as (
                update log l set raw = n.raw from unnest($3::bytea[], $4::bytea[]) n(hash, raw) join was on was.hash = n.hash
                where l.county = $1 and l.hash = n.hash returning length(n.raw) - was.bytes as grown)
            update unit_log set bytes = bytes + (select coalesce(sum(grown), 0) from changed)::bigint where county = $1 and unit = $2";
        sqlx::query(sql)
            .bind(self.county)
            .bind(i64::from(unit.0))
            .bind(changes.iter().map(|change| &change.hash.0[..]).collect::<Vec<_>>())
            .bind(changes.iter().map(|change| &change.raw[..]).collect::<Vec<_>>())
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        tx.commit().await.map_err(failed)
    }

    pub(super) async fn update_late(&self, late: &[Late]) -> Result<()> {
        let mut tx = begin(self.write(), BEGIN).await?;
        for late in late {
            let sql = "update late set raw = $4 where county = $1 and device = $2 and hash = $3";
            let query = sqlx::query(sql).bind(self.county).bind(late.device.0.cast_signed());
            query.bind(&late.hash.0[..]).bind(&late.raw).execute(&mut *tx).await.map_err(failed)?;
        }
        tx.commit().await.map_err(failed)
    }

    pub(super) async fn delete_segments(&self) -> Result<()> {
        let sql = "delete from segment where county = $1";
        sqlx::query(sql).bind(self.county).execute(&self.write()).await.map_err(failed)?;
        Ok(())
    }

    /// The tables are written anew. The write-ahead log of the database goes its own way, and with it what stood there.
    pub(super) async fn vacuum(&self) -> Result<()> {
        for sql in
            ["vacuum full log", "vacuum full doc", "vacuum full late", "vacuum full segment", "checkpoint"]
        {
            sqlx::query(sql).execute(&self.write()).await.map_err(failed)?;
        }
        Ok(())
    }
}
