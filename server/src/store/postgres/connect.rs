//! Finding the primary among the hosts of an address, and the pools of connections to it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection};

use super::address::place;
use super::codec::failed;
use crate::store::{Result, StoreError};

/// Connections of one process: 21 with the one that listens. PostgreSQL takes 100 unless told otherwise.
const WRITERS_MAX: u32 = 12;
const READERS_MAX: u32 = 8;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection that lay idle for longer is tried before it is used.
const TRUSTED_IDLE: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a start waits for a primary, and between two rounds of asking.
const START_PATIENCE: Duration = Duration::from_secs(20);
const ROUND_PAUSE: Duration = Duration::from_millis(250);

/// Connections for writing and for reading: a reader never waits behind writers that wait for each other.
#[derive(Clone)]
pub(super) struct Pools(Arc<RwLock<Pair>>);

#[derive(Clone)]
struct Pair {
    write: PgPool,
    read: PgPool,
}

impl Pools {
    /// Pools that connect when they are first used.
    pub(super) fn to(options: &PgConnectOptions) -> Self {
        Self(Arc::new(RwLock::new(Pair::to(options))))
    }

    pub(super) fn write(&self) -> PgPool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).write.clone()
    }

    pub(super) fn read(&self) -> PgPool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).read.clone()
    }

    /// From now on all connections are new ones, to this host. The old ones may hang for as long as the system hopes that
    /// their peer is alive; who waits on one of them waits alone.
    pub(super) fn turn_to(&self, options: &PgConnectOptions) {
        let new = Pair::to(options);
        let old = std::mem::replace(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), new);
        tokio::spawn(async move { old.close().await });
    }

    pub(super) async fn close(&self) {
        let pair = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        pair.close().await;
    }
}

impl Pair {
    fn to(options: &PgConnectOptions) -> Self {
        let pool = |connections_max| {
            PgPoolOptions::new()
                .max_connections(connections_max)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .test_before_acquire(false)
                .before_acquire(|connection, meta| {
                    Box::pin(async move {
                        if meta.idle_for > TRUSTED_IDLE {
                            let answer = tokio::time::timeout(CONNECT_TIMEOUT, connection.ping()).await;
                            answer.unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
                        }
                        Ok(true)
                    })
                })
                .after_connect(|connection, _| Box::pin(prepare(connection)))
                .connect_lazy_with(options.clone())
        };
        Self { write: pool(WRITERS_MAX), read: pool(READERS_MAX) }
    }

    async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

/// A commit that does not wait for the disk would make receipts untrue, and a standby takes no writes.
async fn prepare(connection: &mut PgConnection) -> sqlx::Result<()> {
    let sql = "select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'";
    sqlx::query(sql).execute(&mut *connection).await?;
    if sqlx::query_scalar("select pg_is_in_recovery()").fetch_one(connection).await? {
        return Err(sqlx::Error::Protocol("a standby takes no writes".to_owned()));
    }
    Ok(())
}

/// The host that takes writes, asked once.
///
/// # Errors
/// What the last host said, or [`StoreError::Busy`] if all are standbys.
pub(super) async fn primary(hosts: &[PgConnectOptions]) -> Result<PgConnectOptions> {
    let mut said = StoreError::Busy;
    for host in hosts {
        match tokio::time::timeout(CONNECT_TIMEOUT, is_primary(host)).await {
            Ok(Ok(true)) => return Ok(host.clone()),
            Ok(Err(error)) => said = StoreError::Unreachable { place: place(host), source: Box::new(error) },
            Ok(Ok(false)) | Err(_) => {}
        }
    }
    Err(said)
}

/// As [`primary`], with patience: the database may be starting as we are.
pub(super) async fn wait_for_primary(hosts: &[PgConnectOptions]) -> Result<PgConnectOptions> {
    let until = tokio::time::Instant::now() + START_PATIENCE;
    loop {
        match primary(hosts).await {
            Ok(host) => return Ok(host),
            Err(error) if tokio::time::Instant::now() > until || !passes(&error) => return Err(error),
            Err(_) => tokio::time::sleep(ROUND_PAUSE).await,
        }
    }
}

/// Whether waiting can help: not against a wrong password or a name that is not there.
fn passes(error: &StoreError) -> bool {
    let StoreError::Unreachable { source, .. } = error else { return true };
    match source.downcast_ref::<sqlx::Error>() {
        Some(sqlx::Error::Io(_)) => true,
        Some(sqlx::Error::Database(error)) => {
            error.code().is_some_and(|code| code.starts_with("57P") || code.starts_with("53"))
        }
        Some(_) | None => false,
    }
}

async fn is_primary(host: &PgConnectOptions) -> sqlx::Result<bool> {
    let mut connection = host.connect().await?;
    let standby: bool = sqlx::query_scalar("select pg_is_in_recovery()").fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(!standby)
}

/// Checks that the database is such as we need.
pub(super) async fn check(pools: &Pools) -> Result<()> {
    const VERSION_MIN: i32 = 150_000;
    let sql = "select current_setting('server_version_num')::int, current_setting('server_encoding'), current_setting('fsync')";
    let (version, encoding, fsync): (i32, String, String) =
        sqlx::query_as(sql).fetch_one(&pools.write()).await.map_err(failed)?;
    if version < VERSION_MIN {
        return Err(StoreError::Unfit(format!("PostgreSQL 15 or newer is needed, not {}", version / 10_000)));
    }
    if encoding != "UTF8" {
        return Err(StoreError::Unfit(format!("the database's encoding must be UTF8, not {encoding}")));
    }
    if fsync != "on" {
        tracing::warn!("fsync is off in PostgreSQL: what has a receipt can be lost in a power cut");
    }
    Ok(())
}
