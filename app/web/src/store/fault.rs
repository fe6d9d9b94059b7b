//! What can go wrong in the store, as far as somebody can act on it.
use indexed_db_futures::error::{DomException, Error, OpenDbError, UnexpectedDataError};

/// A failed read or write. Nothing of a failed write is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// There is no room.
    #[error("storage is full")]
    Full,
    /// The browser has closed the connection.
    #[error("storage was closed")]
    Closed,
    /// Anything else, and where.
    #[error("storage fails: {0}")]
    Fails(&'static str),
}

impl Fault {
    pub(super) fn of(error: &Error, place: &'static str) -> Self {
        match error {
            // With no request of ours failing, the browser aborts a transaction at its commit only for want of room: the
            // quota error stands in the transaction, not in a request.
            Error::MissingData(UnexpectedDataError::TransactionAborted) => Self::Full,
            Error::DomException(DomException::InvalidStateError(_)) => Self::Closed,
            Error::DomException(DomException::Other(other)) if other.name() == "QuotaExceededError" => {
                Self::Full
            }
            Error::DomException(_) | Error::Serialisation(_) | Error::MissingData(_) | Error::Unknown(_) => {
                Self::Fails(place)
            }
        }
    }
}

impl From<OpenDbError> for Fault {
    fn from(error: OpenDbError) -> Self {
        match error {
            OpenDbError::Base(Error::DomException(DomException::Other(other)))
                if other.name() == "QuotaExceededError" =>
            {
                Self::Full
            }
            OpenDbError::Base(_)
            | OpenDbError::VersionZero
            | OpenDbError::UnsupportedEnvironment
            | OpenDbError::NullFactory => Self::Fails("open"),
        }
    }
}
