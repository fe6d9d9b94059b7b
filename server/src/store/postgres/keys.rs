//! The public keys of parcels: the server's and the devices'.

use zoufang_core::record::DeviceId;
use zoufang_core::seal::PublicKey;

use super::PostgresStore;
use super::codec::failed;
use crate::store::codec::to_bytes;
use crate::store::decode::signer_of;
use crate::store::{Result, SignKey, Signer, StoreError};

impl PostgresStore {
    pub(super) async fn read_sync_key(&self) -> Result<Option<PublicKey>> {
        let sql = "select value from public_key where county = $1 and name = 'sync'";
        let row = sqlx::query(sql).bind(self.county).fetch_optional(&self.read()).await.map_err(failed)?;
        let key = row.map(|row| to_bytes(&row, 0)?.try_into().map_err(|_| StoreError::Corrupt("sync key")));
        Ok(key.transpose()?.map(PublicKey))
    }

    pub(super) async fn write_sync_key(&self, key: PublicKey) -> Result<()> {
        let mut tx = self.directory_tx().await?;
        let sql = "insert into public_key (county, name, value) values ($1, 'sync', $2) on conflict (county, name) do update set value = excluded.value";
        sqlx::query(sql).bind(self.county).bind(&key.0[..]).execute(&mut *tx).await.map_err(failed)?;
        self.commit_directory(tx).await
    }

    pub(super) async fn write_sign_key(&self, device: DeviceId, key: SignKey) -> Result<()> {
        let sql = "update device set sign_key = $3 where county = $1 and device = $2";
        let query = sqlx::query(sql).bind(self.county).bind(device.0.cast_signed()).bind(&key.0[..]);
        query.execute(&self.write()).await.map_err(failed)?;
        Ok(())
    }

    pub(super) async fn read_signer(&self, device: DeviceId) -> Result<Option<Signer>> {
        let sql = "select u.user_id, u.login, u.name, u.role, u.unit, u.password, u.disabled_at, d.former, d.sign_key, d.revoked_at
            from device d
            join account u on u.county = d.county and u.user_id = d.user_id and u.disabled_at is null
            where d.county = $1 and d.device = $2 and d.sign_key is not null";
        let query = sqlx::query(sql).bind(self.county).bind(device.0.cast_signed());
        let row = query.fetch_optional(&self.read()).await.map_err(failed)?;
        row.as_ref().map(signer_of).transpose()
    }
}
