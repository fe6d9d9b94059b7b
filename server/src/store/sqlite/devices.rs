//! When devices were heard of, and what revoked ones brought.

use zoufang_core::record::{ChangeHash, DeviceId, Timestamp};

use super::SqliteStore;
use super::codec::failed;
use crate::store::decode::{device_line_of, late_of};
use crate::store::{DeviceLine, Late, Result};

impl SqliteStore {
    pub(super) async fn read_devices(&self) -> Result<Vec<DeviceLine>> {
        let sql =
            "select d.device, d.user, d.label, d.enrolled_at, d.revoked_at, d.former, d.seen_at, d.wiped_at,
            (select count(*) from late l where l.county = d.county and l.device = d.device)
            from device d where d.county = ? order by d.device";
        let rows = sqlx::query(sql).bind(self.county).fetch_all(&self.read).await.map_err(failed)?;
        rows.iter().map(device_line_of).collect()
    }

    pub(super) async fn write_seen(&self, seen: &[(DeviceId, Timestamp)]) -> Result<()> {
        let mut tx = self.write_tx().await?;
        for (device, at) in seen {
            let sql = "update device set seen_at = ? where county = ? and device = ?";
            let query = sqlx::query(sql).bind(at.0).bind(self.county).bind(device.0.cast_signed());
            query.execute(&mut *tx).await.map_err(failed)?;
        }
        tx.commit().await.map_err(failed)
    }

    pub(super) async fn write_wiped(&self, device: DeviceId, now: Timestamp) -> Result<()> {
        let sql = "update device set wiped_at = ? where county = ? and device = ? and wiped_at is null";
        let query = sqlx::query(sql).bind(now.0).bind(self.county).bind(device.0.cast_signed());
        query.execute(&self.write).await.map_err(failed)?;
        Ok(())
    }

    pub(super) async fn insert_late(&self, late: &[Late]) -> Result<()> {
        let mut tx = self.write_tx().await?;
        for (place, late) in (0_i64..).zip(late) {
            let sql = "insert or ignore into late (county, device, hash, doc, kind, unit, raw, received_at, place) values (?, ?, ?, ?, ?, ?, ?, ?, ?)";
            sqlx::query(sql)
                .bind(self.county)
                .bind(late.device.0.cast_signed())
                .bind(&late.hash.0[..])
                .bind(&late.doc.0[..])
                .bind(i64::from(late.kind.code()))
                .bind(i64::from(late.unit.0))
                .bind(&late.raw)
                .bind(late.received_at.0)
                .bind(place)
                .execute(&mut *tx)
                .await
                .map_err(failed)?;
        }
        tx.commit().await.map_err(failed)
    }

    pub(super) async fn read_late(&self) -> Result<Vec<Late>> {
        let sql = "select device, doc, kind, unit, hash, raw, received_at from late where county = ? order by device, received_at, place";
        let rows = sqlx::query(sql).bind(self.county).fetch_all(&self.read).await.map_err(failed)?;
        rows.iter().map(late_of).collect()
    }

    pub(super) async fn delete_late(&self, device: DeviceId, hashes: &[ChangeHash]) -> Result<()> {
        let mut tx = self.write_tx().await?;
        for hash in hashes {
            let sql = "delete from late where county = ? and device = ? and hash = ?";
            let query = sqlx::query(sql).bind(self.county).bind(device.0.cast_signed()).bind(&hash.0[..]);
            query.execute(&mut *tx).await.map_err(failed)?;
        }
        tx.commit().await.map_err(failed)
    }
}
