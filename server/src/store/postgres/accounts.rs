//! Units, accounts, devices, sessions and sign-in tries.

use sqlx::{Postgres, Transaction};
use zoufang_core::record::{DeviceId, Timestamp, UserId};

use super::PostgresStore;
use super::begin::{BEGIN, begin};
use super::codec::{failed, text, units};
use super::listen::Told;
use super::lock::Lock;
use crate::store::codec::ids_bytes;
use crate::store::codec::{to_i64, to_u32};
use crate::store::decode::{account_of, device_of, principal_of, unit_code_of, unit_of};
use crate::store::{
    Account, Device, NewAccount, Principal, Result, StoreError, TokenHash, TryOutcome, Unit, UnitCode,
    level_code,
};

type Write = Transaction<'static, Postgres>;

impl PostgresStore {
    pub(super) async fn read_units(&self) -> Result<Vec<Unit>> {
        let sql = "select unit, parent, level, kind, name, short_name, pinyin, initials from unit where county = $1 order by unit";
        let rows = sqlx::query(sql).bind(self.county).fetch_all(&self.read()).await.map_err(failed)?;
        rows.iter().map(unit_of).collect()
    }

    pub(super) async fn read_unit_codes(&self) -> Result<Vec<UnitCode>> {
        let sql = "select code, from_year, until_year, unit, name from unit_code where county = $1 order by code, from_year";
        let rows = sqlx::query(sql).bind(self.county).fetch_all(&self.read()).await.map_err(failed)?;
        rows.iter().map(unit_code_of).collect()
    }

    pub(super) async fn write_units(&self, new: &[Unit], codes: &[UnitCode]) -> Result<()> {
        let mut tx = self.directory_tx().await?;
        sqlx::query(
            "insert into unit (county, unit, parent, level, kind, name, short_name, pinyin, initials)
            select $1, * from unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
            on conflict (county, unit) do update set parent = excluded.parent, level = excluded.level, kind = excluded.kind,
            name = excluded.name, short_name = excluded.short_name, pinyin = excluded.pinyin, initials = excluded.initials",
        )
        .bind(self.county)
        .bind(units(new.iter().map(|unit| &unit.id)))
        .bind(new.iter().map(|unit| unit.parent.map(|parent| i64::from(parent.0))).collect::<Vec<_>>())
        .bind(new.iter().map(|unit| level_code(unit.level)).collect::<Vec<_>>())
        .bind(new.iter().map(|unit| text(&unit.kind)).collect::<Vec<_>>())
        .bind(new.iter().map(|unit| text(&unit.name)).collect::<Vec<_>>())
        .bind(new.iter().map(|unit| text(&unit.short_name)).collect::<Vec<_>>())
        .bind(new.iter().map(|unit| text(&unit.pinyin)).collect::<Vec<_>>())
        .bind(new.iter().map(|unit| text(&unit.initials)).collect::<Vec<_>>())
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        sqlx::query(
            "insert into unit_code (county, code, from_year, until_year, unit, name)
            select $1, * from unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[])
            on conflict (county, code, from_year) do update set until_year = excluded.until_year, unit = excluded.unit,
            name = excluded.name",
        )
        .bind(self.county)
        .bind(codes.iter().map(|code| text(&code.code)).collect::<Vec<_>>())
        .bind(codes.iter().map(|code| i64::from(code.from_year)).collect::<Vec<_>>())
        .bind(codes.iter().map(|code| code.until_year.map(i64::from)).collect::<Vec<_>>())
        .bind(units(codes.iter().map(|code| &code.unit)))
        .bind(codes.iter().map(|code| text(&code.name)).collect::<Vec<_>>())
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        self.commit_directory(tx).await
    }

    pub(super) async fn insert_account(&self, account: &NewAccount) -> Result<UserId> {
        let mut tx = self.directory_tx().await?;
        let row = sqlx::query(
            "insert into account (county, user_id, login, name, role, unit, password)
            select $1, coalesce(max(user_id), 0) + 1, $2, $3, $4, $5, $6 from account where county = $1 returning user_id",
        )
        .bind(self.county)
        .bind(text(&account.login))
        .bind(text(&account.name))
        .bind(account.role.to_string())
        .bind(i64::from(account.unit.0))
        .bind(&account.password)
        .fetch_one(&mut *tx)
        .await
        .map_err(|error| {
            let error = failed(error);
            if matches!(error, StoreError::Taken(_)) { StoreError::Taken("login") } else { error }
        })?;
        let id = to_u32(&row, 0)?;
        self.commit_directory(tx).await?;
        Ok(UserId(id))
    }

    pub(super) async fn read_accounts(&self) -> Result<Vec<Account>> {
        let sql = "select user_id, login, name, role, unit, password, disabled_at from account where county = $1 order by user_id";
        let rows = sqlx::query(sql).bind(self.county).fetch_all(&self.read()).await.map_err(failed)?;
        rows.iter().map(account_of).collect()
    }

    pub(super) async fn read_account(&self, login: &str) -> Result<Option<Account>> {
        let sql = "select user_id, login, name, role, unit, password, disabled_at from account where county = $1 and login = $2";
        let query = sqlx::query(sql).bind(self.county).bind(text(login));
        let row = query.fetch_optional(&self.read()).await.map_err(failed)?;
        row.as_ref().map(account_of).transpose()
    }

    pub(super) async fn insert_device(&self, device: &Device) -> Result<()> {
        sqlx::query("insert into device (county, device, user_id, label, enrolled_at, revoked_at, former) values ($1, $2, $3, $4, $5, $6, $7)")
            .bind(self.county)
            .bind(device.id.0.cast_signed())
            .bind(i64::from(device.user.0))
            .bind(text(&device.label))
            .bind(device.enrolled_at.0)
            .bind(device.revoked_at.map(|at| at.0))
            .bind(ids_bytes(&device.former))
            .execute(&self.write())
            .await
            .map_err(failed)?;
        Ok(())
    }

    pub(super) async fn read_device(&self, device: DeviceId) -> Result<Option<Device>> {
        let sql = "select device, user_id, label, enrolled_at, revoked_at, former from device where county = $1 and device = $2";
        let query = sqlx::query(sql).bind(self.county).bind(device.0.cast_signed());
        let row = query.fetch_optional(&self.read()).await.map_err(failed)?;
        row.as_ref().map(device_of).transpose()
    }

    pub(super) async fn end_device(&self, device: DeviceId, now: Timestamp) -> Result<()> {
        let mut tx = begin(self.write(), BEGIN).await?;
        let sql =
            "update device set revoked_at = $3 where county = $1 and device = $2 and revoked_at is null";
        let query = sqlx::query(sql).bind(self.county).bind(device.0.cast_signed()).bind(now.0);
        query.execute(&mut *tx).await.map_err(failed)?;
        for sql in [
            "delete from session where county = $1 and device = $2",
            "delete from recovery where county = $1 and device = $2",
        ] {
            let query = sqlx::query(sql).bind(self.county).bind(device.0.cast_signed());
            query.execute(&mut *tx).await.map_err(failed)?;
        }
        self.tell(&mut tx, &[Told::Sessions]).await?;
        tx.commit().await.map_err(failed)
    }

    pub(super) async fn insert_session(
        &self,
        token: TokenHash,
        device: DeviceId,
        user: UserId,
        expires_at: Timestamp,
    ) -> Result<()> {
        let sql = "insert into session (county, token_hash, device, user_id, expires_at) values ($1, $2, $3, $4, $5)";
        sqlx::query(sql)
            .bind(self.county)
            .bind(&token.0[..])
            .bind(device.0.cast_signed())
            .bind(i64::from(user.0))
            .bind(expires_at.0)
            .execute(&self.write())
            .await
            .map_err(failed)?;
        Ok(())
    }

    pub(super) async fn read_principal(&self, token: TokenHash, now: Timestamp) -> Result<Option<Principal>> {
        let sql = "select u.user_id, u.login, u.name, u.role, u.unit, u.password, u.disabled_at, s.device, s.expires_at, d.former
            from session s
            join device d on d.county = s.county and d.device = s.device and d.user_id = s.user_id and d.revoked_at is null
            join account u on u.county = s.county and u.user_id = s.user_id and u.disabled_at is null
            where s.county = $1 and s.token_hash = $2 and s.expires_at > $3";
        let query = sqlx::query(sql).bind(self.county).bind(&token.0[..]).bind(now.0);
        let row = query.fetch_optional(&self.read()).await.map_err(failed)?;
        row.as_ref().map(principal_of).transpose()
    }

    pub(super) async fn delete_session(&self, token: TokenHash) -> Result<()> {
        let mut tx = begin(self.write(), BEGIN).await?;
        let sql = "delete from session where county = $1 and token_hash = $2";
        sqlx::query(sql).bind(self.county).bind(&token.0[..]).execute(&mut *tx).await.map_err(failed)?;
        self.tell(&mut tx, &[Told::Sessions]).await?;
        tx.commit().await.map_err(failed)
    }

    pub(super) async fn count_try(
        &self,
        keys: &[([u8; 16], u32)],
        nonce: u64,
        now: Timestamp,
        window_ms: i64,
    ) -> Result<TryOutcome> {
        let mut tx = self.locked_tx(keys.iter().map(|(key, _)| Lock::Tries(*key))).await?;
        let oldest = now.0.saturating_sub(window_ms);
        // Rows of other keys may be in other hands: what is skipped now goes with a later try.
        let forget = "delete from login_try where ctid in
            (select ctid from login_try where county = $1 and at <= $2 limit 1000 for update skip locked)";
        sqlx::query(forget).bind(self.county).bind(oldest).execute(&mut *tx).await.map_err(failed)?;
        for (key, tries_max) in keys {
            let sql = "select at from login_try where county = $1 and key = $2 and at > $3 order by at desc limit 1 offset $4";
            let query = sqlx::query(sql)
                .bind(self.county)
                .bind(&key[..])
                .bind(oldest)
                .bind(i64::from(tries_max.saturating_sub(1)));
            if let Some(row) = query.fetch_optional(&mut *tx).await.map_err(failed)? {
                let until = Timestamp(to_i64(&row, 0)?.saturating_add(window_ms));
                tx.commit().await.map_err(failed)?;
                return Ok(TryOutcome::LockedUntil(until));
            }
        }
        let sql = "insert into login_try (county, key, at, nonce) select $1, key, $3, $4 from unnest($2::bytea[]) key";
        sqlx::query(sql)
            .bind(self.county)
            .bind(keys.iter().map(|(key, _)| &key[..]).collect::<Vec<_>>())
            .bind(now.0)
            .bind(nonce.cast_signed())
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(TryOutcome::Counted)
    }

    pub(super) async fn delete_try(&self, keys: &[[u8; 16]], nonce: u64) -> Result<()> {
        let mut tx = self.locked_tx(keys.iter().map(|key| Lock::Tries(*key))).await?;
        let sql = "delete from login_try where county = $1 and (key = $2 or key = any($3) and nonce = $4)";
        sqlx::query(sql)
            .bind(self.county)
            .bind(keys.first().map(|key| &key[..]))
            .bind(keys.iter().map(|key| &key[..]).collect::<Vec<_>>())
            .bind(nonce.cast_signed())
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        tx.commit().await.map_err(failed)
    }

    pub(super) async fn write_enrol_code(
        &self,
        user: UserId,
        hash: [u8; 32],
        expires_at: Timestamp,
    ) -> Result<()> {
        let sql = "insert into enrol_code (county, user_id, hash, expires_at) values ($1, $2, $3, $4)
            on conflict (county, user_id) do update set hash = excluded.hash, expires_at = excluded.expires_at";
        let query = sqlx::query(sql).bind(self.county).bind(i64::from(user.0)).bind(hash.to_vec());
        query.bind(expires_at.0).execute(&self.write()).await.map_err(failed)?;
        Ok(())
    }

    pub(super) async fn delete_enrol_code(
        &self,
        user: UserId,
        hash: [u8; 32],
        now: Timestamp,
    ) -> Result<bool> {
        let sql =
            "delete from enrol_code where county = $1 and user_id = $2 and hash = $3 and expires_at > $4";
        let query = sqlx::query(sql).bind(self.county).bind(i64::from(user.0)).bind(hash.to_vec());
        let done = query.bind(now.0).execute(&self.write()).await.map_err(failed)?;
        Ok(done.rows_affected() > 0)
    }

    /// A transaction that holds these locks.
    pub(super) async fn locked_tx(&self, locks: impl Iterator<Item = Lock>) -> Result<Write> {
        let mut keys: Vec<i64> = locks.map(|lock| lock.key(self.county)).collect();
        keys.sort_unstable();
        let mut tx = begin(self.write(), BEGIN).await?;
        // The elements come in the order of the array, and so do the locks.
        let sql = "select pg_advisory_xact_lock(key) from unnest($1::bigint[]) key";
        sqlx::query(sql).bind(keys).execute(&mut *tx).await.map_err(failed)?;
        Ok(tx)
    }

    pub(super) async fn directory_tx(&self) -> Result<Write> {
        self.locked_tx([Lock::Directory].into_iter()).await
    }

    pub(super) async fn commit_directory(&self, mut tx: Write) -> Result<()> {
        let sql = "update meta set value = value + 1 where county = $1 and key = 'directory_version'";
        sqlx::query(sql).bind(self.county).execute(&mut *tx).await.map_err(failed)?;
        self.tell(&mut tx, &[Told::Directory]).await?;
        tx.commit().await.map_err(failed)
    }
}
