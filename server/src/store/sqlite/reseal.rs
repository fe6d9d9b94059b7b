//! Other bytes in the place of those that are stored, when keys change.

use std::path::Path;

use zoufang_core::record::UnitId;

use super::SqliteStore;
use super::codec::failed;
use crate::store::codec::{to_i64, to_u32};
use crate::store::{Late, Mark, Resealed, Result, StoreError};

impl SqliteStore {
    pub(super) async fn read_mark(&self, mark: Mark) -> Result<Option<u32>> {
        let sql = "select value from meta where county = ? and key = ?";
        let row = sqlx::query(sql)
            .bind(self.county)
            .bind(mark.name())
            .fetch_optional(&self.read)
            .await
            .map_err(failed)?;
        row.map(|row| to_u32(&row, 0)).transpose()
    }

    pub(super) async fn write_mark(&self, mark: Mark, value: u32) -> Result<()> {
        let sql = "insert or replace into meta (county, key, value) values (?, ?, ?)";
        let query = sqlx::query(sql).bind(self.county).bind(mark.name()).bind(i64::from(value));
        query.execute(&self.write).await.map_err(failed)?;
        Ok(())
    }

    pub(super) async fn update_changes(&self, unit: UnitId, changes: &[Resealed]) -> Result<()> {
        let (mut tx, unit) = (self.write_tx().await?, i64::from(unit.0));
        let mut grown: i64 = 0;
        for change in changes {
            let sql = "select length(raw) from log where county = ? and hash = ? and unit = ?";
            let query = sqlx::query(sql).bind(self.county).bind(&change.hash.0[..]).bind(unit);
            let Some(row) = query.fetch_optional(&mut *tx).await.map_err(failed)? else { continue };
            grown += (change.raw.len() as u64).cast_signed() - to_i64(&row, 0)?;
            let sql = "update log set raw = ? where county = ? and hash = ? and unit = ?";
            let query =
                sqlx::query(sql).bind(&change.raw).bind(self.county).bind(&change.hash.0[..]).bind(unit);
            query.execute(&mut *tx).await.map_err(failed)?;
        }
        let sql = "update unit_log set bytes = bytes + ? where county = ? and unit = ?";
        let query = sqlx::query(sql).bind(grown).bind(self.county).bind(unit);
        query.execute(&mut *tx).await.map_err(failed)?;
        tx.commit().await.map_err(failed)
    }

    pub(super) async fn update_late(&self, late: &[Late]) -> Result<()> {
        let mut tx = self.write_tx().await?;
        for late in late {
            let sql = "update late set raw = ? where county = ? and device = ? and hash = ?";
            let query = sqlx::query(sql).bind(&late.raw).bind(self.county).bind(late.device.0.cast_signed());
            query.bind(&late.hash.0[..]).execute(&mut *tx).await.map_err(failed)?;
        }
        tx.commit().await.map_err(failed)
    }

    pub(super) async fn delete_segments(&self) -> Result<()> {
        let sql = "delete from segment where county = ?";
        sqlx::query(sql).bind(self.county).execute(&self.write).await.map_err(failed)?;
        Ok(())
    }

    /// Writes the database as of now into a new file.
    ///
    /// # Errors
    /// If the file is there, or cannot be written.
    pub async fn copy_to(&self, path: &Path) -> Result<()> {
        let path = path.to_str().ok_or(StoreError::Unfit("the path is no text".to_owned()))?;
        sqlx::query("vacuum into ?").bind(path).execute(&self.read).await.map_err(failed)?;
        Ok(())
    }

    /// The file is written anew, and the write-ahead log, through which that goes, emptied.
    pub(super) async fn vacuum(&self) -> Result<()> {
        for sql in ["vacuum", "pragma wal_checkpoint(truncate)"] {
            sqlx::query(sql).execute(&self.write).await.map_err(failed)?;
        }
        Ok(())
    }
}
