//! The public keys of parcels: the server's and the devices'.

use zoufang_core::record::DeviceId;
use zoufang_core::seal::PublicKey;

use super::SqliteStore;
use super::codec::failed;
use crate::store::codec::to_bytes;
use crate::store::decode::signer_of;
use crate::store::news::News;
use crate::store::{Result, SignKey, Signer, StoreError};

impl SqliteStore {
    pub(super) async fn read_sync_key(&self) -> Result<Option<PublicKey>> {
        let sql = "select value from public_key where county = ? and name = 'sync'";
        let row = sqlx::query(sql).bind(self.county).fetch_optional(&self.read).await.map_err(failed)?;
        let key = row.map(|row| to_bytes(&row, 0)?.try_into().map_err(|_| StoreError::Corrupt("sync key")));
        Ok(key.transpose()?.map(PublicKey))
    }

    pub(super) async fn write_sync_key(&self, key: PublicKey) -> Result<()> {
        let mut tx = self.write_tx().await?;
        let sql = "insert or replace into public_key (county, name, value) values (?, 'sync', ?)";
        sqlx::query(sql).bind(self.county).bind(&key.0[..]).execute(&mut *tx).await.map_err(failed)?;
        self.bump_directory(&mut tx).await?;
        tx.commit().await.map_err(failed)?;
        self.teller.tell(News::Directory);
        Ok(())
    }

    pub(super) async fn write_sign_key(&self, device: DeviceId, key: SignKey) -> Result<()> {
        let sql = "update device set sign_key = ? where county = ? and device = ?";
        let query = sqlx::query(sql).bind(&key.0[..]).bind(self.county).bind(device.0.cast_signed());
        query.execute(&self.write).await.map_err(failed)?;
        Ok(())
    }

    pub(super) async fn read_signer(&self, device: DeviceId) -> Result<Option<Signer>> {
        let sql =
            "select u.user, u.login, u.name, u.role, u.unit, u.password, u.disabled_at, d.former, d.sign_key, d.revoked_at
            from device d
            join user u on u.county = d.county and u.user = d.user and u.disabled_at is null
            where d.county = ? and d.device = ? and d.sign_key is not null";
        let query = sqlx::query(sql).bind(self.county).bind(device.0.cast_signed());
        let row = query.fetch_optional(&self.read).await.map_err(failed)?;
        row.as_ref().map(signer_of).transpose()
    }
}
