//! Units, accounts, devices, sessions and sign-in tries.

use zoufang_core::record::{DeviceId, Timestamp, UserId};

use super::SqliteStore;
use super::codec::failed;
use crate::store::codec::ids_bytes;
use crate::store::codec::{to_i64, to_u32};
use crate::store::decode::{account_of, device_of, principal_of, unit_code_of, unit_of};
use crate::store::news::News;
use crate::store::{
    Account, Device, NewAccount, Principal, Result, StoreError, TokenHash, TryOutcome, Unit, UnitCode,
    level_code,
};

type Write<'a> = sqlx::Transaction<'a, sqlx::Sqlite>;

impl SqliteStore {
    pub(super) async fn read_units(&self) -> Result<Vec<Unit>> {
        let sql = "select unit, parent, level, kind, name, short_name, pinyin, initials from unit where county = ? order by unit";
        let rows = sqlx::query(sql).bind(self.county).fetch_all(&self.read).await.map_err(failed)?;
        rows.iter().map(unit_of).collect()
    }

    pub(super) async fn read_unit_codes(&self) -> Result<Vec<UnitCode>> {
        let sql = "select code, from_year, until_year, unit, name from unit_code where county = ? order by code, from_year";
        let rows = sqlx::query(sql).bind(self.county).fetch_all(&self.read).await.map_err(failed)?;
        rows.iter().map(unit_code_of).collect()
    }

    pub(super) async fn write_units(&self, units: &[Unit], codes: &[UnitCode]) -> Result<()> {
        let mut tx = self.write_tx().await?;
        for unit in units {
            sqlx::query("insert or replace into unit (county, unit, parent, level, kind, name, short_name, pinyin, initials) values (?, ?, ?, ?, ?, ?, ?, ?, ?)")
                .bind(self.county)
                .bind(i64::from(unit.id.0))
                .bind(unit.parent.map(|parent| i64::from(parent.0)))
                .bind(level_code(unit.level))
                .bind(&unit.kind)
                .bind(&unit.name)
                .bind(&unit.short_name)
                .bind(&unit.pinyin)
                .bind(&unit.initials)
                .execute(&mut *tx)
                .await
                .map_err(failed)?;
        }
        for code in codes {
            sqlx::query("insert or replace into unit_code (county, code, from_year, until_year, unit, name) values (?, ?, ?, ?, ?, ?)")
                .bind(self.county)
                .bind(&code.code)
                .bind(i64::from(code.from_year))
                .bind(code.until_year.map(i64::from))
                .bind(i64::from(code.unit.0))
                .bind(&code.name)
                .execute(&mut *tx)
                .await
                .map_err(failed)?;
        }
        self.bump_directory(&mut tx).await?;
        tx.commit().await.map_err(failed)?;
        self.teller.tell(News::Directory);
        Ok(())
    }

    pub(super) async fn insert_account(&self, account: &NewAccount) -> Result<UserId> {
        let mut tx = self.write_tx().await?;
        let next = "select coalesce(max(user), 0) + 1 from user where county = ?";
        let row = sqlx::query(next).bind(self.county).fetch_one(&mut *tx).await.map_err(failed)?;
        let id = to_u32(&row, 0)?;
        sqlx::query(
            "insert into user (county, user, login, name, role, unit, password) values (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(self.county)
        .bind(i64::from(id))
        .bind(&account.login)
        .bind(&account.name)
        .bind(account.role.to_string())
        .bind(i64::from(account.unit.0))
        .bind(&account.password)
        .execute(&mut *tx)
        .await
        .map_err(|error| {
            let error = failed(error);
            if matches!(error, StoreError::Taken(_)) { StoreError::Taken("login") } else { error }
        })?;
        self.bump_directory(&mut tx).await?;
        tx.commit().await.map_err(failed)?;
        self.teller.tell(News::Directory);
        Ok(UserId(id))
    }

    pub(super) async fn read_accounts(&self) -> Result<Vec<Account>> {
        let sql = "select user, login, name, role, unit, password, disabled_at from user where county = ? order by user";
        let rows = sqlx::query(sql).bind(self.county).fetch_all(&self.read).await.map_err(failed)?;
        rows.iter().map(account_of).collect()
    }

    pub(super) async fn read_account(&self, login: &str) -> Result<Option<Account>> {
        let sql = "select user, login, name, role, unit, password, disabled_at from user where county = ? and login = ?";
        let row = sqlx::query(sql)
            .bind(self.county)
            .bind(login)
            .fetch_optional(&self.read)
            .await
            .map_err(failed)?;
        row.as_ref().map(account_of).transpose()
    }

    pub(super) async fn insert_device(&self, device: &Device) -> Result<()> {
        sqlx::query("insert into device (county, device, user, label, enrolled_at, revoked_at, former) values (?, ?, ?, ?, ?, ?, ?)")
            .bind(self.county)
            .bind(device.id.0.cast_signed())
            .bind(i64::from(device.user.0))
            .bind(&device.label)
            .bind(device.enrolled_at.0)
            .bind(device.revoked_at.map(|at| at.0))
            .bind(ids_bytes(&device.former))
            .execute(&self.write)
            .await
            .map_err(failed)?;
        Ok(())
    }

    pub(super) async fn read_device(&self, device: DeviceId) -> Result<Option<Device>> {
        let sql = "select device, user, label, enrolled_at, revoked_at, former from device where county = ? and device = ?";
        let row = sqlx::query(sql)
            .bind(self.county)
            .bind(device.0.cast_signed())
            .fetch_optional(&self.read)
            .await
            .map_err(failed)?;
        row.as_ref().map(device_of).transpose()
    }

    pub(super) async fn end_device(&self, device: DeviceId, now: Timestamp) -> Result<()> {
        let mut tx = self.write_tx().await?;
        sqlx::query(
            "update device set revoked_at = ? where county = ? and device = ? and revoked_at is null",
        )
        .bind(now.0)
        .bind(self.county)
        .bind(device.0.cast_signed())
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        let sessions = "delete from session indexed by session_device where county = ? and device = ?";
        sqlx::query(sessions)
            .bind(self.county)
            .bind(device.0.cast_signed())
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        let asked = "delete from recovery where county = ? and device = ?";
        let query = sqlx::query(asked).bind(self.county).bind(device.0.cast_signed());
        query.execute(&mut *tx).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        self.teller.tell(News::Sessions);
        Ok(())
    }

    pub(super) async fn insert_session(
        &self,
        token: TokenHash,
        device: DeviceId,
        user: UserId,
        expires_at: Timestamp,
    ) -> Result<()> {
        sqlx::query(
            "insert into session (county, token_hash, device, user, expires_at) values (?, ?, ?, ?, ?)",
        )
        .bind(self.county)
        .bind(&token.0[..])
        .bind(device.0.cast_signed())
        .bind(i64::from(user.0))
        .bind(expires_at.0)
        .execute(&self.write)
        .await
        .map_err(failed)?;
        Ok(())
    }

    pub(super) async fn read_principal(&self, token: TokenHash, now: Timestamp) -> Result<Option<Principal>> {
        let sql = "select u.user, u.login, u.name, u.role, u.unit, u.password, u.disabled_at, s.device, s.expires_at, d.former
            from session s
            join device d on d.county = s.county and d.device = s.device and d.user = s.user and d.revoked_at is null
            join user u on u.county = s.county and u.user = s.user and u.disabled_at is null
            where s.county = ? and s.token_hash = ? and s.expires_at > ?";
        let query = sqlx::query(sql).bind(self.county).bind(&token.0[..]).bind(now.0);
        let row = query.fetch_optional(&self.read).await.map_err(failed)?;
        row.as_ref().map(principal_of).transpose()
    }

    pub(super) async fn delete_session(&self, token: TokenHash) -> Result<()> {
        let sql = "delete from session where county = ? and token_hash = ?";
        sqlx::query(sql).bind(self.county).bind(&token.0[..]).execute(&self.write).await.map_err(failed)?;
        self.teller.tell(News::Sessions);
        Ok(())
    }

    pub(super) async fn count_try(
        &self,
        keys: &[([u8; 16], u32)],
        nonce: u64,
        now: Timestamp,
        window_ms: i64,
    ) -> Result<TryOutcome> {
        let mut tx = self.write_tx().await?;
        let oldest = now.0.saturating_sub(window_ms);
        let forget = "delete from login_try where county = ? and at <= ?";
        sqlx::query(forget).bind(self.county).bind(oldest).execute(&mut *tx).await.map_err(failed)?;
        for (key, tries_max) in keys {
            let sql =
                "select at from login_try where county = ? and key = ? order by at desc limit 1 offset ?";
            let query = sqlx::query(sql)
                .bind(self.county)
                .bind(&key[..])
                .bind(i64::from(tries_max.saturating_sub(1)));
            if let Some(row) = query.fetch_optional(&mut *tx).await.map_err(failed)? {
                let until = Timestamp(to_i64(&row, 0)?.saturating_add(window_ms));
                tx.commit().await.map_err(failed)?;
                return Ok(TryOutcome::LockedUntil(until));
            }
        }
        for (key, _) in keys {
            sqlx::query("insert into login_try (county, key, at, nonce) values (?, ?, ?, ?)")
                .bind(self.county)
                .bind(&key[..])
                .bind(now.0)
                .bind(nonce.cast_signed())
                .execute(&mut *tx)
                .await
                .map_err(failed)?;
        }
        tx.commit().await.map_err(failed)?;
        Ok(TryOutcome::Counted)
    }

    pub(super) async fn delete_try(&self, keys: &[[u8; 16]], nonce: u64) -> Result<()> {
        let mut tx = self.write_tx().await?;
        for (index, key) in keys.iter().enumerate() {
            sqlx::query("delete from login_try where county = ? and key = ? and (? or nonce = ?)")
                .bind(self.county)
                .bind(&key[..])
                .bind(index == 0)
                .bind(nonce.cast_signed())
                .execute(&mut *tx)
                .await
                .map_err(failed)?;
        }
        tx.commit().await.map_err(failed)
    }

    pub(super) async fn write_enrol_code(
        &self,
        user: UserId,
        hash: [u8; 32],
        expires_at: Timestamp,
    ) -> Result<()> {
        let sql = "insert or replace into enrol_code (county, user, hash, expires_at) values (?, ?, ?, ?)";
        let query = sqlx::query(sql).bind(self.county).bind(i64::from(user.0)).bind(hash.to_vec());
        query.bind(expires_at.0).execute(&self.write).await.map_err(failed)?;
        Ok(())
    }

    pub(super) async fn delete_enrol_code(
        &self,
        user: UserId,
        hash: [u8; 32],
        now: Timestamp,
    ) -> Result<bool> {
        let sql = "delete from enrol_code where county = ? and user = ? and hash = ? and expires_at > ?";
        let query = sqlx::query(sql).bind(self.county).bind(i64::from(user.0)).bind(hash.to_vec());
        let done = query.bind(now.0).execute(&self.write).await.map_err(failed)?;
        Ok(done.rows_affected() > 0)
    }

    pub(super) async fn write_tx(&self) -> Result<Write<'static>> {
        self.write.begin_with("begin immediate").await.map_err(failed)
    }

    pub(super) async fn bump_directory(&self, tx: &mut Write<'_>) -> Result<()> {
        let sql = "update meta set value = value + 1 where county = ? and key = 'directory_version'";
        sqlx::query(sql).bind(self.county).execute(&mut **tx).await.map_err(failed)?;
        Ok(())
    }
}
