//! The one place where rows of the store are sealed and opened: each for its table and its key, and nowhere else.
//!
//! Numbers stand in clear as keys, since their order is needed and they tell nothing. Where the key is a record's id, another name stands
//! in its place. A parcel is sealed to the server's key instead.
use std::borrow::Cow;

use minicbor::bytes::{ByteSlice, ByteVec};
use zoufang_core::{
    encode,
    phone::{Batch, Op, Table},
    seal::{Place, PublicKey, RowKeys},
    sync::parcel,
};

use super::{fault::Fault, random};

/// The first byte of a row that an app wrote which did not seal yet.
const CLEAR: u8 = 0;

/// A row as it was read: its own key, and its value.
pub(super) type Opened = (String, Vec<u8>);

/// The keys of the store, and what it may hold.
pub(super) struct Seals {
    keys: RowKeys,
}

impl Seals {
    pub(super) fn new(keys: RowKeys) -> Self {
        Self { keys }
    }

    /// The key under which a row stands.
    pub(super) fn name<'k>(&self, table: Table, key: &'k str) -> Cow<'k, str> {
        match table {
            Table::Row | Table::Draft => Cow::Owned(self.keys.name(table.name(), key)),
            Table::Meta | Table::Outbox | Table::Log | Table::Block | Table::Parcel => Cow::Borrowed(key),
        }
    }

    /// A batch as it is stored.
    pub(super) fn batch(&self, batch: &Batch, sync_key: Option<PublicKey>) -> Result<Batch, Fault> {
        batch.iter().filter_map(|op| self.seal(op, sync_key).transpose()).collect()
    }

    /// A write as it is stored; nothing of a parcel that cannot be sealed, since what it is a copy of is saved.
    fn seal(&self, op: &Op, sync_key: Option<PublicKey>) -> Result<Option<Op>, Fault> {
        Ok(Some(match op {
            Op::Put(Table::Parcel, key, value) => match self.parcel(value, sync_key)? {
                Some(sealed) => Op::Put(Table::Parcel, key.clone(), sealed),
                None => return Ok(None),
            },
            Op::Put(table, key, value) => {
                let name = self.name(*table, key).into_owned();
                let sealed = self.row(*table, &name, key, value)?;
                Op::Put(*table, name, sealed)
            }
            Op::Delete(table, key) => Op::Delete(*table, self.name(*table, key).into_owned()),
            Op::Clear(table) => Op::Clear(*table),
        }))
    }

    fn row(&self, table: Table, name: &str, key: &str, value: &[u8]) -> Result<Vec<u8>, Fault> {
        let nonce = random()?;
        let place = Place { table: table.name(), key: name };
        Ok(match table {
            // A form finds its draft by the key.
            Table::Draft => self.keys.seal(place, &nonce, &encode(&(key, <&ByteSlice>::from(value)))),
            Table::Meta | Table::Outbox | Table::Log | Table::Block | Table::Row | Table::Parcel => {
                self.keys.seal(place, &nonce, value)
            }
        })
    }

    fn parcel(&self, clear: &[u8], to: Option<PublicKey>) -> Result<Option<Vec<u8>>, Fault> {
        let Some(to) = to else { return Ok(None) };
        Ok(parcel::seal(clear.to_vec(), to, random()?).ok())
    }

    /// A stored row in clear; `None` if it was damaged, or stands where it was not written.
    pub(super) fn open(&self, table: Table, name: &str, sealed: &[u8]) -> Option<Opened> {
        let clear = self.keys.open(Place { table: table.name(), key: name }, sealed).ok()?;
        match table {
            Table::Draft => {
                let (key, value): (String, ByteVec) = minicbor::decode(&clear).ok()?;
                Some((key, value.into()))
            }
            Table::Meta | Table::Outbox | Table::Log | Table::Block | Table::Row | Table::Parcel => {
                Some((name.to_owned(), clear))
            }
        }
    }

    /// What takes the place of a row that was written in clear; nothing for one that is sealed.
    pub(super) fn instead(&self, table: Table, key: &str, stored: &[u8]) -> Result<Vec<Op>, Fault> {
        let Some((&CLEAR, clear)) = stored.split_first() else { return Ok(Vec::new()) };
        let name = self.name(table, key).into_owned();
        let sealed = self.row(table, &name, key, clear)?;
        let mut ops = Vec::new();
        if name != key {
            ops.push(Op::Delete(table, key.to_owned()));
        }
        ops.push(Op::Put(table, name, sealed));
        Ok(ops)
    }
}
