//! Beginning a transaction, whoever goes away meanwhile.

use sqlx::{PgPool, Postgres, Transaction};

use super::codec::failed;
use crate::store::{Result, StoreError};

/// Each statement sees what was committed before it began.
pub(super) const BEGIN: &str = "begin isolation level read committed";
/// All statements see the same.
pub(super) const SNAPSHOT: &str = "begin isolation level repeatable read read only";

/// Begins a transaction, in a task of its own. sqlx 0.9 counts a transaction only when the database has answered: of a beginning that is
/// dropped before, as when a phone's line is cut, it knows nothing, and the connection would go back to the pool within it. What is
/// written there next would be committed by nobody, and what is read would be of long ago.
pub(super) async fn begin(pool: PgPool, statement: &'static str) -> Result<Transaction<'static, Postgres>> {
    let begun = tokio::spawn(async move { pool.begin_with(statement).await });
    begun.await.map_err(|error| StoreError::Database(Box::new(error)))?.map_err(failed)
}
