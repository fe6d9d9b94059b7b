//! How columns become our values, the same in both databases. 64-bit ids keep their bits in the signed number.

use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use zoufang_core::record::{ChangeHash, DeviceId, DocId, Kind, UnitId, UserId};
use zoufang_core::sync::digest::Digest;

use super::{Result, StoreError};

/// A row of a database, by the place of its columns.
pub(super) trait Columns {
    /// A column as text.
    fn text(&self, column: usize) -> Result<String>;
    /// A column as a signed number.
    fn number(&self, column: usize) -> Result<i64>;
    /// A column as a signed number or null.
    fn number_option(&self, column: usize) -> Result<Option<i64>>;
    /// A column as bytes.
    fn bytes(&self, column: usize) -> Result<&[u8]>;
    /// A column as bytes or null.
    fn bytes_option(&self, column: usize) -> Result<Option<&[u8]>>;
}

macro_rules! columns {
    ($($row:ty),*) => {
        $(impl Columns for $row {
            fn text(&self, column: usize) -> Result<String> {
                self.try_get(column).map_err(unread)
            }

            fn number(&self, column: usize) -> Result<i64> {
                self.try_get(column).map_err(unread)
            }

            fn number_option(&self, column: usize) -> Result<Option<i64>> {
                self.try_get(column).map_err(unread)
            }

            fn bytes(&self, column: usize) -> Result<&[u8]> {
                self.try_get(column).map_err(unread)
            }

            fn bytes_option(&self, column: usize) -> Result<Option<&[u8]>> {
                self.try_get(column).map_err(unread)
            }
        })*
    };
}
columns!(SqliteRow, PgRow);

/// The columns of a row from one on.
pub(super) struct Shifted<'r, R>(pub(super) &'r R, pub(super) usize);

impl<R: Columns> Columns for Shifted<'_, R> {
    fn text(&self, column: usize) -> Result<String> {
        self.0.text(self.1 + column)
    }

    fn number(&self, column: usize) -> Result<i64> {
        self.0.number(self.1 + column)
    }

    fn number_option(&self, column: usize) -> Result<Option<i64>> {
        self.0.number_option(self.1 + column)
    }

    fn bytes(&self, column: usize) -> Result<&[u8]> {
        self.0.bytes(self.1 + column)
    }

    fn bytes_option(&self, column: usize) -> Result<Option<&[u8]>> {
        self.0.bytes_option(self.1 + column)
    }
}

fn unread(error: sqlx::Error) -> StoreError {
    StoreError::Database(Box::new(error))
}

/// A column as text.
pub(super) fn to_text(row: &impl Columns, column: usize) -> Result<String> {
    row.text(column)
}

/// A column as a signed number.
pub(super) fn to_i64(row: &impl Columns, column: usize) -> Result<i64> {
    row.number(column)
}

/// A column as a signed number or null.
pub(super) fn to_i64_option(row: &impl Columns, column: usize) -> Result<Option<i64>> {
    row.number_option(column)
}

/// A column as 64 bits.
pub(super) fn to_u64(row: &impl Columns, column: usize) -> Result<u64> {
    to_i64(row, column).map(i64::cast_unsigned)
}

/// A column as a number below 2^32.
pub(super) fn to_u32(row: &impl Columns, column: usize) -> Result<u32> {
    u32::try_from(to_i64(row, column)?).map_err(|_| StoreError::Corrupt("number"))
}

/// A column as a unit.
pub(super) fn to_unit(row: &impl Columns, column: usize) -> Result<UnitId> {
    to_u32(row, column).map(UnitId)
}

/// A column as a user.
pub(super) fn to_user(row: &impl Columns, column: usize) -> Result<UserId> {
    to_u32(row, column).map(UserId)
}

/// A column as bytes.
pub(super) fn to_bytes(row: &impl Columns, column: usize) -> Result<Vec<u8>> {
    row.bytes(column).map(<[u8]>::to_vec)
}

/// A column as bytes or null.
pub(super) fn to_bytes_option(row: &impl Columns, column: usize) -> Result<Option<Vec<u8>>> {
    Ok(row.bytes_option(column)?.map(<[u8]>::to_vec))
}

/// A column as bytes of a fixed length.
pub(super) fn to_array<const N: usize>(row: &impl Columns, column: usize) -> Result<[u8; N]> {
    row.bytes(column)?.try_into().map_err(|_| StoreError::Corrupt("bytes"))
}

/// A column as a document's id.
pub(super) fn to_doc(row: &impl Columns, column: usize) -> Result<DocId> {
    to_array(row, column).map(DocId)
}

/// A column as a document's id or null.
pub(super) fn to_doc_option(row: &impl Columns, column: usize) -> Result<Option<DocId>> {
    let bytes = row.bytes_option(column)?;
    bytes.map(|bytes| bytes.try_into().map(DocId).map_err(|_| StoreError::Corrupt("bytes"))).transpose()
}

/// A column as a change's hash.
pub(super) fn to_hash(row: &impl Columns, column: usize) -> Result<ChangeHash> {
    to_array(row, column).map(ChangeHash)
}

/// A column as a kind.
pub(super) fn to_kind(row: &impl Columns, column: usize) -> Result<Kind> {
    u8::try_from(to_i64(row, column)?).ok().and_then(Kind::of_code).ok_or(StoreError::Corrupt("kind"))
}

/// A column as a digest.
pub(super) fn to_digest(row: &impl Columns, column: usize) -> Result<Digest> {
    to_array(row, column).map(Digest::of_bytes)
}

/// A column as devices, eight bytes each; null is none.
pub(super) fn to_ids(row: &impl Columns, column: usize) -> Result<Vec<DeviceId>> {
    let bytes = row.bytes_option(column)?.unwrap_or_default();
    let (ids, rest) = bytes.as_chunks::<8>();
    if !rest.is_empty() {
        return Err(StoreError::Corrupt("devices"));
    }
    Ok(ids.iter().map(|id| DeviceId(u64::from_be_bytes(*id))).collect())
}

/// Devices as the bytes of a column.
pub(super) fn ids_bytes(ids: &[DeviceId]) -> Vec<u8> {
    ids.iter().flat_map(|id| id.0.to_be_bytes()).collect()
}
