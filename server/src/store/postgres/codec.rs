//! What is PostgreSQL's own: its errors, arrays, and text without NUL.

use std::borrow::Cow;

use zoufang_core::record::{DocId, UnitId};

use crate::store::StoreError;

/// Turns what sqlx says into what a store says.
pub(super) fn failed(error: sqlx::Error) -> StoreError {
    // A line that is cut, a pool without a free place or one that was just replaced: another try may find another server.
    if matches!(error, sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed) {
        return StoreError::Busy;
    }
    let code = error.as_database_error().and_then(|error| error.code());
    match code.as_deref().and_then(of_code) {
        Some(known) => known,
        None => StoreError::Database(Box::new(error)),
    }
}

/// PostgreSQL's codes for what passes by itself, for full disks and for keys in use.
fn of_code(code: &str) -> Option<StoreError> {
    Some(match code {
        "23505" => StoreError::Taken("key"),
        // Serialization failure, deadlock.
        "40001" | "40P01" => StoreError::Overtaken,
        "53100" => StoreError::Full,
        // Waited too long for a lock; out of connections, locks or memory; an idle transaction was ended.
        "55P03" | "53000" | "53200" | "53300" | "25P03" => StoreError::Busy,
        // Shutting down, crashed, starting up, or a standby that takes no writes.
        "57P01" | "57P02" | "57P03" | "25006" => StoreError::Busy,
        code if code.starts_with("08") => StoreError::Busy,
        _ => return None,
    })
}

/// PostgreSQL's text holds every character but NUL, which a record from a phone may hold.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// Units as an array.
pub(super) fn units<'u>(units: impl IntoIterator<Item = &'u UnitId>) -> Vec<i64> {
    units.into_iter().map(|unit| i64::from(unit.0)).collect()
}

/// Documents as an array.
pub(super) fn docs<'d>(docs: impl IntoIterator<Item = &'d DocId>) -> Vec<&'d [u8]> {
    docs.into_iter().map(|doc| &doc.0[..]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_told_from_what_does_not() {
        assert!(matches!(of_code("40P01"), Some(StoreError::Overtaken)));
        assert!(matches!(of_code("08006"), Some(StoreError::Busy)));
        assert!(of_code("42P01").is_none(), "a missing table stays a fault");
    }

    #[test]
    fn a_nul_becomes_a_mark() {
        assert_eq!(text("王\0芳"), "王\u{fffd}芳");
        assert!(matches!(text("王芳"), Cow::Borrowed("王芳")));
    }
}
