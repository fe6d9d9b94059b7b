//! The store in PostgreSQL 15 or newer: any number of server processes over one database.
//!
//! All state is in the database; a process may be killed at any moment. Writers of different units run side by side, see
//! `tx`. The process listens for what the others committed, and finds the primary again after a failover, see `listen`.
//! A commit is a receipt: `synchronous_commit` is never off, and with `synchronous_standby_names` set in
//! PostgreSQL what has a receipt survives the loss of the primary.

mod accounts;
mod address;
mod begin;
#[cfg(any(test, feature = "contract"))]
pub mod cluster;
mod codec;
mod connect;
mod control;
mod devices;
mod keys;
mod listen;
mod lock;
mod log;
mod office;
mod readings;
mod recovery;
mod reseal;
mod send;
mod tx;

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use sqlx::postgres::PgPool;
use zoufang_core::record::{ChangeHash, DeviceId, DocId, EpochId, Timestamp, UnitId, UserId};
use zoufang_core::seal::PublicKey;

use super::codec::{to_i64, to_u64};
use super::migrations::{Migrations, migrator};
use super::minder::Minder;
use super::news::{Listener, Teller};
use super::office::{ContactLine, Filter, PersonLine, UnitFigures, VisitLine};
use super::{
    Account, County, Device, DeviceLine, Erasure, Late, LogEntry, LogPage, Mark, NewAccount, PUSH_TABLES,
    Principal, Resealed, Result, Sealed, Segment, SignKey, Signer, Store, StoreError, Tail, TokenHash,
    TryOutcome, Unit, UnitCode, WriteTx,
};
use crate::crash::crash_point;
use crate::readings::{Head, Line, Reading, Which};
use begin::{BEGIN, begin};
use codec::failed;
use connect::Pools;

const MIGRATIONS: Migrations = &[
    (1, "foundation", include_str!("../../migrations/postgres/0001_foundation.sql")),
    (2, "control", include_str!("../../migrations/postgres/0002_control.sql")),
    (3, "packed pages", include_str!("../../migrations/postgres/0003_packed_pages.sql")),
    (4, "replaced", include_str!("../../migrations/postgres/0004_replaced.sql")),
    (5, "frame checksum", include_str!("../../migrations/postgres/0005_frame_checksum.sql")),
    (6, "control seq", include_str!("../../migrations/postgres/0006_control_seq.sql")),
    (7, "parcels", include_str!("../../migrations/postgres/0007_parcels.sql")),
    (8, "devices", include_str!("../../migrations/postgres/0008_devices.sql")),
    (9, "at rest", include_str!("../../migrations/postgres/0009_at_rest.sql")),
    (10, "access log", include_str!("../../migrations/postgres/0010_access_log.sql")),
    (11, "enrol code", include_str!("../../migrations/postgres/0011_enrol_code.sql")),
    (12, "recovery", include_str!("../../migrations/postgres/0012_recovery.sql")),
];

/// The store in a PostgreSQL database.
#[derive(Clone)]
pub struct PostgresStore {
    county: i64,
    pools: Pools,
    teller: Teller,
    minder: Arc<Minder>,
}

impl PostgresStore {
    /// Connects to the primary of an address and brings its schema up to date.
    ///
    /// # Errors
    /// If the address cannot be used, no primary answers, the database is not such as we need, or a migration fails.
    pub async fn open(url: &str, county: County) -> Result<Self> {
        let hosts = address::parse(url)?;
        let host = connect::wait_for_primary(&hosts).await?;
        let (pools, teller) = (Pools::to(&host), Teller::default());
        connect::check(&pools).await?;
        crash_point!("open.migrate.before");
        let migrated = migrator(MIGRATIONS).run(&pools.write()).await;
        migrated.map_err(|error| StoreError::Migration(Box::new(error)))?;
        crash_point!("open.migrate.after");
        let county = county.0.cast_signed();
        let listening = (pools.clone(), teller.clone());
        let minder = Minder::start(|stop| listen::mind(hosts, host, listening.0, county, listening.1, stop));
        let minder = Arc::new(minder);
        let store = Self { county, pools, teller, minder };
        store.draw_epoch().await?;
        Ok(store)
    }

    fn read(&self) -> PgPool {
        self.pools.read()
    }

    fn write(&self) -> PgPool {
        self.pools.write()
    }

    async fn draw_epoch(&self) -> Result<()> {
        let epoch =
            getrandom::u64().map_err(|error| StoreError::Database(Box::new(std::io::Error::other(error))))?;
        let sql = "insert into meta (county, key, value) values ($1, 'epoch', $2), ($1, 'directory_version', 1) on conflict do nothing";
        let query = sqlx::query(sql).bind(self.county).bind(epoch.max(1).cast_signed());
        query.execute(&self.write()).await.map_err(failed)?;
        crash_point!("open.draw.after");
        Ok(())
    }

    async fn meta(&self, key: &str) -> Result<u64> {
        let query = sqlx::query("select value from meta where county = $1 and key = $2");
        let row = query.bind(self.county).bind(key).fetch_one(&self.read()).await.map_err(failed)?;
        to_u64(&row, 0)
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn ready(&self) -> Result<()> {
        sqlx::query("select 1").fetch_one(&self.read()).await.map_err(failed)?;
        let mut tx = begin(self.write(), BEGIN).await?;
        let sql = "update meta set value = value where county = $1 and key = 'epoch'";
        sqlx::query(sql).bind(self.county).execute(&mut *tx).await.map_err(failed)?;
        tx.rollback().await.map_err(failed)
    }

    async fn engine(&self) -> Result<String> {
        let sql = "select 'PostgreSQL ' || current_setting('server_version')";
        sqlx::query_scalar(sql).fetch_one(&self.read()).await.map_err(failed)
    }

    async fn close(&self) {
        self.minder.stop().await;
        self.pools.close().await;
    }

    fn news(&self) -> Listener {
        self.teller.listener()
    }

    async fn epoch(&self) -> Result<EpochId> {
        self.meta("epoch").await.map(EpochId)
    }

    async fn directory_version(&self) -> Result<u32> {
        let version = self.meta("directory_version").await?;
        u32::try_from(version).map_err(|_| StoreError::Corrupt("version"))
    }

    async fn versions(&self) -> Result<(EpochId, u32)> {
        let sql = "select e.value, d.value from meta e join meta d on d.county = e.county and d.key = 'directory_version'
            where e.county = $1 and e.key = 'epoch'";
        let row = sqlx::query(sql).bind(self.county).fetch_one(&self.read()).await.map_err(failed)?;
        let version = u32::try_from(to_u64(&row, 1)?).map_err(|_| StoreError::Corrupt("version"))?;
        Ok((EpochId(to_u64(&row, 0)?), version))
    }

    async fn sync_key(&self) -> Result<Option<PublicKey>> {
        self.read_sync_key().await
    }

    async fn put_sync_key(&self, key: PublicKey) -> Result<()> {
        self.write_sync_key(key).await
    }

    async fn mark(&self, mark: Mark) -> Result<Option<u32>> {
        self.read_mark(mark).await
    }

    async fn put_mark(&self, mark: Mark, value: u32) -> Result<()> {
        self.write_mark(mark, value).await
    }

    async fn reseal_changes(&self, unit: UnitId, changes: &[Resealed]) -> Result<()> {
        self.update_changes(unit, changes).await
    }

    async fn reseal_late(&self, late: &[Late]) -> Result<()> {
        self.update_late(late).await
    }

    async fn forget_segments(&self) -> Result<()> {
        self.delete_segments().await
    }

    async fn forget_overwritten(&self) -> Result<()> {
        self.vacuum().await
    }

    async fn units(&self) -> Result<Vec<Unit>> {
        self.read_units().await
    }

    async fn put_units(&self, units: &[Unit], codes: &[UnitCode]) -> Result<()> {
        self.write_units(units, codes).await
    }

    async fn unit_codes(&self) -> Result<Vec<UnitCode>> {
        self.read_unit_codes().await
    }

    async fn add_account(&self, account: &NewAccount) -> Result<UserId> {
        self.insert_account(account).await
    }

    async fn accounts(&self) -> Result<Vec<Account>> {
        self.read_accounts().await
    }

    async fn account_by_login(&self, login: &str) -> Result<Option<Account>> {
        self.read_account(login).await
    }

    async fn add_device(&self, device: &Device) -> Result<()> {
        self.insert_device(device).await
    }

    async fn device(&self, device: DeviceId) -> Result<Option<Device>> {
        self.read_device(device).await
    }

    async fn revoke_device(&self, device: DeviceId, now: Timestamp) -> Result<()> {
        self.end_device(device, now).await
    }

    async fn devices(&self) -> Result<Vec<DeviceLine>> {
        self.read_devices().await
    }

    async fn touch_devices(&self, seen: &[(DeviceId, Timestamp)]) -> Result<()> {
        self.write_seen(seen).await
    }

    async fn put_wiped(&self, device: DeviceId, now: Timestamp) -> Result<()> {
        self.write_wiped(device, now).await
    }

    async fn put_late(&self, late: &[Late]) -> Result<()> {
        self.insert_late(late).await
    }

    async fn late(&self) -> Result<Vec<Late>> {
        self.read_late().await
    }

    async fn remove_late(&self, device: DeviceId, hashes: &[ChangeHash]) -> Result<()> {
        self.delete_late(device, hashes).await
    }

    async fn put_enrol_code(&self, user: UserId, hash: [u8; 32], expires_at: Timestamp) -> Result<()> {
        self.write_enrol_code(user, hash, expires_at).await
    }

    async fn take_enrol_code(&self, user: UserId, hash: [u8; 32], now: Timestamp) -> Result<bool> {
        self.delete_enrol_code(user, hash, now).await
    }

    async fn put_sign_key(&self, device: DeviceId, key: SignKey) -> Result<()> {
        self.write_sign_key(device, key).await
    }

    async fn signer(&self, device: DeviceId) -> Result<Option<Signer>> {
        self.read_signer(device).await
    }

    async fn open_session(
        &self,
        token: TokenHash,
        device: DeviceId,
        user: UserId,
        expires_at: Timestamp,
    ) -> Result<()> {
        self.insert_session(token, device, user, expires_at).await
    }

    async fn principal(&self, token: TokenHash, now: Timestamp) -> Result<Option<Principal>> {
        self.read_principal(token, now).await
    }

    async fn close_session(&self, token: TokenHash) -> Result<()> {
        self.delete_session(token).await
    }

    async fn begin_try(
        &self,
        keys: &[([u8; 16], u32)],
        nonce: u64,
        now: Timestamp,
        window_ms: i64,
    ) -> Result<TryOutcome> {
        self.count_try(keys, nonce, now, window_ms).await
    }

    async fn forgive_try(&self, keys: &[[u8; 16]], nonce: u64) -> Result<()> {
        self.delete_try(keys, nonce).await
    }

    async fn tails(&self, units: &[UnitId]) -> Result<Vec<Tail>> {
        self.read_tails(units).await
    }

    async fn read_log(&self, unit: UnitId, after_seq: u64, bytes_max: usize) -> Result<LogPage> {
        self.read_page(unit, after_seq, bytes_max).await
    }

    async fn hashes(&self, unit: UnitId, prefix: &[u8]) -> Result<Vec<ChangeHash>> {
        self.read_hashes(unit, prefix).await
    }

    async fn changes(&self, unit: UnitId, hashes: &[ChangeHash]) -> Result<Vec<LogEntry>> {
        self.read_changes(unit, hashes).await
    }

    async fn begun_anew(&self, unit: UnitId, doc: DocId) -> Result<Vec<LogEntry>> {
        self.read_begun_anew(unit, doc).await
    }

    async fn rows(&self, docs: &[DocId]) -> Result<Vec<(DocId, Vec<u8>)>> {
        self.read_rows(docs).await
    }

    async fn segment(&self, unit: UnitId, from_seq: u64) -> Result<Option<Segment>> {
        self.read_segment(unit, from_seq).await
    }

    async fn sealed(&self, unit: UnitId) -> Result<Sealed> {
        self.read_sealed(unit).await
    }

    async fn put_segment(&self, segment: &Segment, cuts: u64) -> Result<()> {
        self.insert_segment(segment, cuts).await
    }

    async fn note_cursors(&self, device: DeviceId, cursors: &[(UnitId, u64)], now: Timestamp) -> Result<()> {
        self.write_cursors(device, cursors, now).await
    }

    async fn erasures(&self) -> Result<Vec<Erasure>> {
        self.read_erasures().await
    }

    async fn units_of(&self, docs: &[DocId]) -> Result<Vec<(DocId, UnitId)>> {
        self.read_units_of(docs).await
    }

    async fn append_readings(&self, readings: &[Reading]) -> Result<()> {
        self.insert_readings(readings).await
    }

    async fn readings(&self, which: &Which, before_seq: Option<u64>, count_max: u32) -> Result<Vec<Line>> {
        self.read_readings(which, before_seq, count_max).await
    }

    async fn readings_after(&self, after_seq: u64, count_max: u32) -> Result<Vec<Line>> {
        self.walk_readings(after_seq, count_max).await
    }

    async fn readings_head(&self) -> Result<Head> {
        self.read_readings_head().await
    }

    async fn renew_epoch(&self, epoch: EpochId) -> Result<()> {
        self.write_epoch(epoch).await
    }

    async fn begin(&self) -> Result<Box<dyn WriteTx>> {
        let tx = begin(self.write(), BEGIN).await?;
        Ok(Box::new(tx::PostgresTx::new(self.county, tx)))
    }

    async fn units_with_log(&self) -> Result<Vec<UnitId>> {
        self.read_units_with_log().await
    }

    async fn overview(&self, units: &[UnitId], month: &str) -> Result<Vec<UnitFigures>> {
        self.read_overview(units, month).await
    }

    async fn visits(&self, filter: &Filter) -> Result<Vec<VisitLine>> {
        self.read_visits(filter).await
    }

    async fn contacts(&self, filter: &Filter) -> Result<Vec<ContactLine>> {
        self.read_contacts(filter).await
    }

    async fn people(&self, units: &[UnitId]) -> Result<Vec<PersonLine>> {
        self.read_people(units).await
    }

    async fn last_visits(&self, people: &[DocId]) -> Result<Vec<(DocId, String)>> {
        self.read_last_visits(people).await
    }

    async fn row_counts(&self) -> Result<Vec<(&'static str, u64)>> {
        let mut counts = Vec::new();
        for table in PUSH_TABLES {
            let sql = AssertSqlSafe(format!("select count(*) from {table} where county = $1"));
            let row = sqlx::query(sql).bind(self.county).fetch_one(&self.read()).await.map_err(failed)?;
            counts.push((*table, to_i64(&row, 0)?.cast_unsigned()));
        }
        Ok(counts)
    }
}
