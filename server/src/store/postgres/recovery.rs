//! Phones that ask to be let in.

use async_trait::async_trait;
use zoufang_core::record::{DeviceId, Timestamp};
use zoufang_core::seal::PublicKey;

use super::PostgresStore;
use super::codec::failed;
use crate::store::codec::to_bytes;
use crate::store::decode::recovery_of;
use crate::store::{Recovery, RecoveryStore, Result, StoreError};

#[async_trait]
impl RecoveryStore for PostgresStore {
    async fn recovery_key(&self) -> Result<Option<PublicKey>> {
        let sql = "select value from public_key where county = $1 and name = 'recovery'";
        let row = sqlx::query(sql).bind(self.county).fetch_optional(&self.read()).await.map_err(failed)?;
        let key =
            row.map(|row| to_bytes(&row, 0)?.try_into().map_err(|_| StoreError::Corrupt("recovery key")));
        Ok(key.transpose()?.map(PublicKey))
    }

    async fn put_recovery_key(&self, key: Option<PublicKey>) -> Result<()> {
        let mut tx = self.directory_tx().await?;
        let forget = "delete from public_key where county = $1 and name = 'recovery'";
        sqlx::query(forget).bind(self.county).execute(&mut *tx).await.map_err(failed)?;
        if let Some(key) = key {
            let sql = "insert into public_key (county, name, value) values ($1, 'recovery', $2)";
            let query = sqlx::query(sql).bind(self.county).bind(&key.0[..]);
            query.execute(&mut *tx).await.map_err(failed)?;
        }
        self.commit_directory(tx).await
    }

    async fn put_recovery(&self, recovery: &Recovery) -> Result<()> {
        // The device's row is held, so that one who ends it meanwhile finds the request and takes it away.
        let sql = "insert into recovery (county, device, request, asked_at, answer)
            select county, device, $3, $4, $5 from device
            where county = $1 and device = $2 and revoked_at is null for update
            on conflict (county, device) do update
            set request = excluded.request, asked_at = excluded.asked_at, answer = excluded.answer";
        sqlx::query(sql)
            .bind(self.county)
            .bind(recovery.device.0.cast_signed())
            .bind(&recovery.request)
            .bind(recovery.asked_at.0)
            .bind(&recovery.answer)
            .execute(&self.write())
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn recovery(&self, device: DeviceId) -> Result<Option<Recovery>> {
        let sql = "select device, request, asked_at, answer from recovery where county = $1 and device = $2";
        let query = sqlx::query(sql).bind(self.county).bind(device.0.cast_signed());
        let row = query.fetch_optional(&self.read()).await.map_err(failed)?;
        row.as_ref().map(recovery_of).transpose()
    }

    async fn recoveries(&self) -> Result<Vec<Recovery>> {
        let sql = "select device, request, asked_at, answer from recovery where county = $1 order by asked_at, device";
        let rows = sqlx::query(sql).bind(self.county).fetch_all(&self.read()).await.map_err(failed)?;
        rows.iter().map(recovery_of).collect()
    }

    async fn answer_recovery(&self, device: DeviceId, request: &[u8], answer: &[u8]) -> Result<bool> {
        let sql = "update recovery set answer = $4 where county = $1 and device = $2 and request = $3";
        let query = sqlx::query(sql).bind(self.county).bind(device.0.cast_signed()).bind(request);
        let done = query.bind(answer).execute(&self.write()).await.map_err(failed)?;
        Ok(done.rows_affected() > 0)
    }

    async fn remove_recovery(&self, device: DeviceId) -> Result<()> {
        let sql = "delete from recovery where county = $1 and device = $2";
        let query = sqlx::query(sql).bind(self.county).bind(device.0.cast_signed());
        query.execute(&self.write()).await.map_err(failed)?;
        Ok(())
    }

    async fn forget_recoveries(&self, asked_until: Timestamp) -> Result<()> {
        let sql = "delete from recovery where county = $1 and asked_at <= $2";
        let query = sqlx::query(sql).bind(self.county).bind(asked_until.0);
        query.execute(&self.write()).await.map_err(failed)?;
        Ok(())
    }
}
