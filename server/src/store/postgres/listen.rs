//! News between processes: `notify` in the transaction that commits, and one connection of each process that listens.
//!
//! The one that listens also minds the line: when it breaks or falls silent, the primary is looked for among the hosts, new
//! pools are made to it, and everybody who listens is told to read again.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use sqlx::{Executor, Postgres, Transaction};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use zoufang_core::record::UnitId;

use super::PostgresStore;
use super::address::place;
use super::codec::failed;
use super::connect::{Pools, primary};
use crate::store::Result;
use crate::store::news::{News, Teller};

/// A line that was silent for so long is asked whether it is alive, and given up if it does not answer.
const SILENCE_MAX: Duration = Duration::from_secs(5);
const ANSWER_MAX: Duration = Duration::from_secs(3);
/// Between two tries to connect again.
const RETRY_PAUSE: Duration = Duration::from_millis(250);
/// As [`RETRY_PAUSE`], where listening itself does not work.
const FAULT_PAUSE: Duration = Duration::from_secs(2);

/// What one process tells the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// A unit's log ends there.
    Unit(UnitId, u64),
    /// Users or units changed.
    Directory,
    /// Sessions were ended.
    Sessions,
}

impl Told {
    fn payload(self) -> String {
        match self {
            Self::Unit(unit, seq) => format!("{unit} {seq}"),
            Self::Directory => "directory".to_owned(),
            Self::Sessions => "sessions".to_owned(),
        }
    }
}

/// A payload that cannot be read is of a newer version: something happened.
fn news_of(payload: &str) -> News {
    let numbers =
        payload.split_once(' ').and_then(|(unit, seq)| Some((unit.parse().ok()?, seq.parse().ok()?)));
    match (payload, numbers) {
        ("directory", _) => News::Directory,
        ("sessions", _) => News::Sessions,
        (_, Some((unit, last_seq))) => News::Unit { unit: UnitId(unit), last_seq },
        (_, None) => News::Missed,
    }
}

/// The channel of a county.
fn channel(county: i64) -> String {
    format!("zoufang_{county}")
}

/// Tells all processes, when and if the transaction commits.
pub(super) async fn notify(
    tx: &mut Transaction<'static, Postgres>,
    county: i64,
    told: &[Told],
) -> sqlx::Result<()> {
    if told.is_empty() {
        return Ok(());
    }
    let payloads: Vec<String> = told.iter().map(|told| told.payload()).collect();
    let sql = "select pg_notify($1, payload) from unnest($2::text[]) payload";
    sqlx::query(sql).bind(channel(county)).bind(payloads).execute(&mut **tx).await?;
    Ok(())
}

impl PostgresStore {
    pub(super) async fn tell(&self, tx: &mut Transaction<'static, Postgres>, told: &[Told]) -> Result<()> {
        notify(tx, self.county, told).await.map_err(failed)
    }
}

/// Listens until it is told to stop.
pub(super) async fn mind(
    hosts: Vec<PgConnectOptions>,
    first: PgConnectOptions,
    pools: Pools,
    county: i64,
    teller: Teller,
    stop: Arc<Notify>,
) {
    let mut host = first;
    loop {
        let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let pool = pool.acquire_timeout(ANSWER_MAX).connect_lazy_with(host.clone());
        let mut listened = false;
        tokio::select! {
            ended = listen(&pool, county, &teller, &mut listened) => match ended {
                Ok(()) => tracing::warn!("the line to PostgreSQL is broken"),
                Err(error) => tracing::warn!(%error, "no news from PostgreSQL"),
            },
            () = stop.notified() => return drop(timeout(ANSWER_MAX, pool.close()).await),
        }
        let pause = if listened { RETRY_PAUSE } else { FAULT_PAUSE };
        let search = async {
            loop {
                sleep(pause).await;
                if let Ok(found) = primary(&hosts).await {
                    return found;
                }
            }
        };
        let found = tokio::select! {
            found = search => found,
            () = stop.notified() => return,
        };
        // A line that never stood says nothing about the others.
        if listened || place(&found) != place(&host) {
            pools.turn_to(&found);
        }
        host = found;
    }
}

/// Passes news on until the line breaks.
async fn listen(pool: &PgPool, county: i64, teller: &Teller, listened: &mut bool) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.ignore_pool_close_event(true);
    listener.eager_reconnect(false);
    listener.listen(&channel(county)).await?;
    *listened = true;
    // What was committed before we listened was told to nobody here.
    teller.tell(News::Missed);
    loop {
        match timeout(SILENCE_MAX, listener.try_recv()).await {
            Ok(Ok(Some(notification))) => teller.tell(news_of(notification.payload())),
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(error)) => return Err(error),
            Err(_) => match timeout(ANSWER_MAX, listener.execute("select 1")).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(error),
                Err(_) => return Ok(()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_understood() {
        assert_eq!(
            news_of(&Told::Unit(UnitId(7), 90).payload()),
            News::Unit { unit: UnitId(7), last_seq: 90 }
        );
        assert_eq!(news_of(&Told::Directory.payload()), News::Directory);
        assert_eq!(news_of(&Told::Sessions.payload()), News::Sessions);
        assert_eq!(news_of("of a later version"), News::Missed);
    }
}
