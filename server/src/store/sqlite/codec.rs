//! What is SQLite's own: its errors, and lists as JSON.

use zoufang_core::record::{DocId, UnitId};

use crate::store::StoreError;

/// Turns what sqlx says into what a store says.
pub(super) fn failed(error: sqlx::Error) -> StoreError {
    if matches!(error, sqlx::Error::PoolTimedOut) {
        return StoreError::Busy;
    }
    let code = error.as_database_error().and_then(|e| e.code()).and_then(|code| code.parse::<u32>().ok());
    // The low byte of an extended code is the primary one: 5 busy, 6 locked, 10 input or output, 11 damaged (also what
    // SQLite makes of a read that fails), 13 full, 14 a file that cannot be opened, 19 constraint, 26 no database.
    match code.map(|code| code & 0xff) {
        Some(5 | 6) => StoreError::Busy,
        Some(10 | 11 | 14 | 26) => StoreError::Disk(Box::new(error)),
        Some(13) => StoreError::Full,
        Some(19) => StoreError::Taken("key"),
        _ => StoreError::Database(Box::new(error)),
    }
}

/// Units as a JSON list, for `in (select value from json_each(?))`.
pub(super) fn units_json(units: &[UnitId]) -> String {
    let numbers: Vec<String> = units.iter().map(UnitId::to_string).collect();
    format!("[{}]", numbers.join(","))
}

/// Documents as a JSON list of hex, for `in (select unhex(value) from json_each(?))`.
pub(super) fn docs_json(docs: &[DocId]) -> String {
    hex_json(docs.iter().map(|doc| &doc.0[..]))
}

/// Bytes as a JSON list of hex, as above.
pub(super) fn hex_json<'b>(all: impl Iterator<Item = &'b [u8]>) -> String {
    let mut json = String::from("[");
    for (index, bytes) in all.enumerate() {
        json.push_str(if index == 0 { "\"" } else { ",\"" });
        json.push_str(&hex::encode(bytes));
        json.push('"');
    }
    json.push(']');
    json
}
