//! The store in one SQLite file: WAL, `synchronous=full`, one connection that writes and a few that read.
//!
//! All SQL of the server is in this folder. The writer begins with `begin immediate`, so that what it reads is what it
//! writes over; readers see the last commit and never wait.

mod accounts;
mod ahead;
mod checkpoint;
mod codec;
mod control;
mod devices;
mod keys;
mod log;
mod office;
#[cfg(test)]
mod plans;
mod readings;
mod recovery;
mod reseal;
mod send;
mod tx;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Connection, Row};
use zoufang_core::record::{ChangeHash, DeviceId, DocId, EpochId, Timestamp, UnitId, UserId};
use zoufang_core::seal::PublicKey;

use super::codec::to_u64;
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
use codec::failed;

const READERS_MAX: u32 = 4;
/// Pages that the writer keeps in memory, as SQLite writes it: 16 MiB. With 2 MiB it reads the upper pages of its trees again
/// and again once there are many records.
const WRITER_CACHE: &str = "-16384";
const BUSY_TIMEOUT_MS: u64 = 5_000;
const ACQUIRE_TIMEOUT_MS: u64 = 10_000;

const MIGRATIONS: Migrations = &[
    (1, "foundation", include_str!("../../migrations/sqlite/0001_foundation.sql")),
    (2, "control", include_str!("../../migrations/sqlite/0002_control.sql")),
    (3, "packed pages", include_str!("../../migrations/sqlite/0003_packed_pages.sql")),
    (4, "replaced", include_str!("../../migrations/sqlite/0004_replaced.sql")),
    (5, "frame checksum", include_str!("../../migrations/sqlite/0005_frame_checksum.sql")),
    (6, "control seq", include_str!("../../migrations/sqlite/0006_control_seq.sql")),
    (7, "parcels", include_str!("../../migrations/sqlite/0007_parcels.sql")),
    (8, "devices", include_str!("../../migrations/sqlite/0008_devices.sql")),
    (9, "at rest", include_str!("../../migrations/sqlite/0009_at_rest.sql")),
    (10, "access log", include_str!("../../migrations/sqlite/0010_access_log.sql")),
    (11, "enrol code", include_str!("../../migrations/sqlite/0011_enrol_code.sql")),
    (12, "recovery", include_str!("../../migrations/sqlite/0012_recovery.sql")),
];

/// The store in a SQLite file.
#[derive(Clone)]
pub struct SqliteStore {
    county: i64,
    read: SqlitePool,
    write: SqlitePool,
    teller: Teller,
    /// Who makes checkpoints, and its connection.
    minder: Option<(Arc<Minder>, SqlitePool)>,
}

impl SqliteStore {
    /// Opens the file, makes it if it is missing, and brings its schema up to date. The file is at rest whenever no
    /// transaction runs.
    ///
    /// # Errors
    /// If the file cannot be opened or a migration fails.
    pub async fn open(path: &Path, county: County) -> Result<Self> {
        Self::open_with(path, county, false).await
    }

    /// As [`Self::open`], for many requests: no commit waits for a checkpoint, which a task makes at any time.
    ///
    /// # Errors
    /// If the file cannot be opened or a migration fails.
    pub async fn open_busy(path: &Path, county: County) -> Result<Self> {
        Self::open_with(path, county, true).await
    }

    async fn open_with(path: &Path, county: County, busy: bool) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS))
            .pragma("temp_store", "memory")
            .pragma("trusted_schema", "off");
        let pool = |connections_max| {
            SqlitePoolOptions::new()
                .max_connections(connections_max)
                .acquire_timeout(Duration::from_millis(ACQUIRE_TIMEOUT_MS))
                // A file does not hang up, and the pool asks each connection once when it comes back.
                .test_before_acquire(false)
                // After a fault of the disk SQLite has rolled back by itself, which sqlx does not know: it would take the
                // connection to be in a transaction for ever. Such a connection is closed, and the next one opened.
                .after_release(|connection, _| {
                    Box::pin(async move {
                        if !connection.is_in_transaction() {
                            return Ok(true);
                        }
                        // A rollback that was only begun is done when the connection answers.
                        connection.ping().await?;
                        Ok(!connection.is_in_transaction())
                    })
                })
        };
        let mut writing = options.clone().pragma("cache_size", WRITER_CACHE);
        if busy {
            writing = writing.pragma("wal_autocheckpoint", checkpoint::PAGES_MAX);
        }
        let write = pool(1).connect_with(writing).await.map_err(failed)?;
        crash_point!("open.migrate.before");
        migrator(MIGRATIONS).run(&write).await.map_err(|error| StoreError::Migration(Box::new(error)))?;
        crash_point!("open.migrate.after");
        let teller = Teller::default();
        let minder = busy.then(|| {
            let carrying = pool(1).connect_lazy_with(options.clone());
            let (pool, teller) = (carrying.clone(), teller.clone());
            (Arc::new(Minder::start(|stop| checkpoint::mind(pool, teller, stop))), carrying)
        });
        let read = pool(READERS_MAX).connect_with(options.read_only(true)).await.map_err(failed)?;
        let store = Self { county: county.0.cast_signed(), read, write, teller, minder };
        store.draw_epoch().await?;
        Ok(store)
    }

    /// Version of the SQLite library that is linked in.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn library_version(&self) -> Result<String> {
        sqlx::query_scalar("select sqlite_version()").fetch_one(&self.read).await.map_err(failed)
    }

    /// What SQLite itself finds wrong with the file; empty when it is sound.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn faults(&self) -> Result<Vec<String>> {
        let rows =
            sqlx::query_scalar("pragma integrity_check").fetch_all(&self.read).await.map_err(failed)?;
        Ok(rows.into_iter().filter(|row: &String| row != "ok").collect())
    }

    async fn draw_epoch(&self) -> Result<()> {
        let epoch =
            getrandom::u64().map_err(|error| StoreError::Database(Box::new(std::io::Error::other(error))))?;
        for (key, value) in [("epoch", epoch.max(1).cast_signed()), ("directory_version", 1)] {
            sqlx::query("insert or ignore into meta (county, key, value) values (?, ?, ?)")
                .bind(self.county)
                .bind(key)
                .bind(value)
                .execute(&self.write)
                .await
                .map_err(failed)?;
            crash_point!("open.draw.after");
        }
        Ok(())
    }

    async fn meta(&self, key: &str) -> Result<u64> {
        let row = sqlx::query("select value from meta where county = ? and key = ?")
            .bind(self.county)
            .bind(key)
            .fetch_one(&self.read);
        to_u64(&row.await.map_err(failed)?, 0)
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn ready(&self) -> Result<()> {
        sqlx::query("select 1").fetch_one(&self.read).await.map_err(failed)?;
        let mut tx = self.write.begin_with("begin immediate").await.map_err(failed)?;
        sqlx::query("update meta set value = value where county = ? and key = 'epoch'")
            .bind(self.county)
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        tx.rollback().await.map_err(failed)
    }

    async fn engine(&self) -> Result<String> {
        Ok(format!("SQLite {}", self.library_version().await?))
    }

    /// Closes all connections, after which the WAL is folded into the file.
    async fn close(&self) {
        if let Some((minder, carrying)) = &self.minder {
            minder.stop().await;
            carrying.close().await;
        }
        self.read.close().await;
        self.write.close().await;
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
            where e.county = ? and e.key = 'epoch'";
        let row = sqlx::query(sql).bind(self.county).fetch_one(&self.read).await.map_err(failed)?;
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
        let tx = self.write.begin_with("begin immediate").await.map_err(failed)?;
        Ok(Box::new(tx::SqliteTx::new(self.county, tx, self.teller.clone())))
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
            let sql = AssertSqlSafe(format!("select count(*) from {table} where county = ?"));
            let row = sqlx::query(sql).bind(self.county).fetch_one(&self.read).await.map_err(failed)?;
            counts.push((*table, row.try_get::<i64, _>(0).map_err(failed)?.cast_unsigned()));
        }
        Ok(counts)
    }
}
