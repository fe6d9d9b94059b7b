//! When devices were heard of, and what revoked ones brought.

use zoufang_core::record::{ChangeHash, DeviceId, Timestamp};

use super::PostgresStore;
use super::begin::{BEGIN, begin};
use super::codec::failed;
use crate::store::decode::{device_line_of, late_of};
use crate::store::{DeviceLine, Late, Result};

impl PostgresStore {
    pub(super) async fn read_devices(&self) -> Result<Vec<DeviceLine>> {
        let sql = "select d.device, d.user_id, d.label, d.enrolled_at, d.revoked_at, d.former, d.seen_at, d.wiped_at,
            (select count(*) from late l where l.county = d.county and l.device = d.device)
            from device d where d.county = $1 order by d.device";
        let rows = sqlx::query(sql).bind(self.county).fetch_all(&self.read()).await.map_err(failed)?;
        rows.iter().map(device_line_of).collect()
    }

    pub(super) async fn write_seen(&self, seen: &[(DeviceId, Timestamp)]) -> Result<()> {
        // In one order, so that two processes do not wait for each other.
        let mut seen = seen.to_vec();
        seen.sort();
        let devices: Vec<i64> = seen.iter().map(|(device, _)| device.0.cast_signed()).collect();
        let times: Vec<i64> = seen.iter().map(|(_, at)| at.0).collect();
        let sql = "update device d set seen_at = s.at from unnest($2::bigint[], $3::bigint[]) s(device, at)
            where d.county = $1 and d.device = s.device";
        let query = sqlx::query(sql).bind(self.county).bind(devices).bind(times);
        query.execute(&self.write()).await.map_err(failed)?;
        Ok(())
    }

    pub(super) async fn write_wiped(&self, device: DeviceId, now: Timestamp) -> Result<()> {
        let sql = "update device set wiped_at = $3 where county = $1 and device = $2 and wiped_at is null";
        let query = sqlx::query(sql).bind(self.county).bind(device.0.cast_signed()).bind(now.0);
        query.execute(&self.write()).await.map_err(failed)?;
        Ok(())
    }

    pub(super) async fn insert_late(&self, late: &[Late]) -> Result<()> {
        let mut tx = begin(self.write(), BEGIN).await?;
        for (place, late) in (0_i64..).zip(late) {
            let sql = "insert into late (county, device, hash, doc, kind, unit, raw, received_at, place)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing";
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
        let sql = "select device, doc, kind, unit, hash, raw, received_at from late where county = $1 order by device, received_at, place";
        let rows = sqlx::query(sql).bind(self.county).fetch_all(&self.read()).await.map_err(failed)?;
        rows.iter().map(late_of).collect()
    }

    pub(super) async fn delete_late(&self, device: DeviceId, hashes: &[ChangeHash]) -> Result<()> {
        let hashes: Vec<Vec<u8>> = hashes.iter().map(|hash| hash.0.to_vec()).collect();
        let sql = "delete from late where county = $1 and device = $2 and hash = any($3)";
        let query = sqlx::query(sql).bind(self.county).bind(device.0.cast_signed()).bind(hashes);
        query.execute(&self.write()).await.map_err(failed)?;
        Ok(())
    }
}
