//! What can go wrong in a store.

/// The result of a store's operation.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Why a store could not do what was asked. The text holds no data of records.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A value that must be unique is in use, named by what it is.
    #[error("{0} is taken")]
    Taken(&'static str),
    /// Another transaction was faster at the same records. Nothing was written; the same can be tried again at once.
    #[error("another transaction was faster")]
    Overtaken,
    /// The disk is full or the database may not grow: nothing was written.
    #[error("the store is full")]
    Full,
    /// The disk failed, or gave back something damaged: nothing was written. It may work again.
    #[error("the disk failed")]
    Disk(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store did not answer in time, or cannot be reached at the moment.
    #[error("the store is busy")]
    Busy,
    /// What was read back does not have the form in which it was written.
    #[error("stored {0} cannot be read")]
    Corrupt(&'static str),
    /// The address of the database cannot be used. The text never repeats it, since it may hold a password.
    #[error("the database URL cannot be used: {0}")]
    Address(String),
    /// The database is not such as we need.
    #[error("{0}")]
    Unfit(String),
    /// No connection to the database; the place is host, port and name.
    #[error("no connection to PostgreSQL at {place}")]
    Unreachable {
        /// Where it was looked for.
        place: String,
        /// What the last try said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The migrations could not be applied.
    #[error("migration failed")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Anything else the database said.
    #[error("the database failed")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}
