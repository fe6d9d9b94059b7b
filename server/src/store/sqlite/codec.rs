//! How our values become SQLite's and back. 64-bit ids keep their bits in the signed number.

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, ValueRef};
use zoufang_core::record::{ChangeHash, DocId, Kind, UnitId, UserId};
use zoufang_core::sync::digest::Digest;

use crate::store::{Result, StoreError};

/// Turns what sqlx says into what a store says.
pub(super) fn failed(error: sqlx::Error) -> StoreError {
    if matches!(error, sqlx::Error::PoolTimedOut) {
        return StoreError::Busy;
    }
    let code = error.as_database_error().and_then(|e| e.code()).and_then(|code| code.parse::<u32>().ok());
    // The low byte of an extended code is the primary one: 5 busy, 6 locked, 13 full, 19 constraint.
    match code.map(|code| code & 0xff) {
        Some(5 | 6) => StoreError::Busy,
        Some(13) => StoreError::Full,
        Some(19) => StoreError::Taken("key"),
        _ => StoreError::Database(Box::new(error)),
    }
}

/// A column as text.
pub(super) fn to_text(row: &SqliteRow, column: usize) -> Result<String> {
    row.try_get(column).map_err(failed)
}

/// A column as text or null.
pub(super) fn to_text_option(row: &SqliteRow, column: usize) -> Result<Option<String>> {
    row.try_get(column).map_err(failed)
}

/// A column as a signed number.
pub(super) fn to_i64(row: &SqliteRow, column: usize) -> Result<i64> {
    row.try_get(column).map_err(failed)
}

/// A column as a signed number or null.
pub(super) fn to_i64_option(row: &SqliteRow, column: usize) -> Result<Option<i64>> {
    row.try_get(column).map_err(failed)
}

/// A column as 64 bits.
pub(super) fn to_u64(row: &SqliteRow, column: usize) -> Result<u64> {
    to_i64(row, column).map(i64::cast_unsigned)
}

/// A column as a number below 2^32.
pub(super) fn to_u32(row: &SqliteRow, column: usize) -> Result<u32> {
    u32::try_from(to_i64(row, column)?).map_err(|_| StoreError::Corrupt("number"))
}

/// A column as a unit.
pub(super) fn to_unit(row: &SqliteRow, column: usize) -> Result<UnitId> {
    to_u32(row, column).map(UnitId)
}

/// A column as a user.
pub(super) fn to_user(row: &SqliteRow, column: usize) -> Result<UserId> {
    to_u32(row, column).map(UserId)
}

/// A column as bytes.
pub(super) fn to_bytes(row: &SqliteRow, column: usize) -> Result<Vec<u8>> {
    row.try_get(column).map_err(failed)
}

/// A column as bytes of a fixed length.
pub(super) fn to_array<const N: usize>(row: &SqliteRow, column: usize) -> Result<[u8; N]> {
    row.try_get::<&[u8], _>(column).map_err(failed)?.try_into().map_err(|_| StoreError::Corrupt("bytes"))
}

/// A column as a document's id.
pub(super) fn to_doc(row: &SqliteRow, column: usize) -> Result<DocId> {
    to_array(row, column).map(DocId)
}

/// A column as a document's id or null.
pub(super) fn to_doc_option(row: &SqliteRow, column: usize) -> Result<Option<DocId>> {
    if row.try_get_raw(column).map_err(failed)?.is_null() { Ok(None) } else { to_doc(row, column).map(Some) }
}

/// A column as a change's hash.
pub(super) fn to_hash(row: &SqliteRow, column: usize) -> Result<ChangeHash> {
    to_array(row, column).map(ChangeHash)
}

/// A column as a kind.
pub(super) fn to_kind(row: &SqliteRow, column: usize) -> Result<Kind> {
    u8::try_from(to_i64(row, column)?).ok().and_then(Kind::of_code).ok_or(StoreError::Corrupt("kind"))
}

/// A column as a digest.
pub(super) fn to_digest(row: &SqliteRow, column: usize) -> Result<Digest> {
    to_array(row, column).map(Digest::of_bytes)
}

/// Units as a JSON list, for `in (select value from json_each(?))`.
pub(super) fn units_json(units: &[UnitId]) -> String {
    let numbers: Vec<String> = units.iter().map(UnitId::to_string).collect();
    format!("[{}]", numbers.join(","))
}

/// Documents as a JSON list of hex, for `in (select unhex(value) from json_each(?))`.
pub(super) fn docs_json(docs: &[DocId]) -> String {
    let mut json = String::from("[");
    for (index, doc) in docs.iter().enumerate() {
        json.push_str(if index == 0 { "\"" } else { ",\"" });
        json.push_str(&hex(&doc.0));
        json.push('"');
    }
    json.push(']');
    json
}

/// Bytes in lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
