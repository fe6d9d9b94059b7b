//! Checkpoints beside the writer: what is in the write-ahead log is carried over into the file by a connection of its own.
//!
//! SQLite would do it within the commit that makes the log long, and a request would wait until some thousand pages of the
//! file are on the disk. A passive checkpoint holds up nobody. What is durable is the same: a commit is in the log, on the
//! disk, before it returns; the file follows.

use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::SqlitePool;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::store::news::Teller;

/// Between two checkpoints, so that a page that is written often is carried over once.
const PAUSE: Duration = Duration::from_secs(1);
/// After a checkpoint that failed.
const FAULT_PAUSE: Duration = Duration::from_secs(30);
/// Pages in the log at which the writer does it after all: 64 MiB, where this task does not keep up.
pub(super) const PAGES_MAX: &str = "16384";

/// Carries over what was committed, until it is told to stop.
pub(super) async fn mind(pool: SqlitePool, teller: Teller, stop: Arc<Notify>) {
    let (mut news, mut pause) = (teller.listener(), PAUSE);
    loop {
        tokio::select! {
            () = stop.notified() => return,
            _ = news.next() => {}
        }
        tokio::select! {
            () = stop.notified() => return,
            () = sleep(pause) => {}
        }
        // What was told until now is carried over at once.
        news = teller.listener();
        let done = sqlx::query("pragma wal_checkpoint(passive)").execute(&pool).await;
        pause = if done.is_ok() { PAUSE } else { FAULT_PAUSE };
        if let Err(error) = done {
            tracing::warn!(%error, "checkpoint failed");
        }
    }
}
