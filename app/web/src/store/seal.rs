//! The one place where rows of the store are sealed and opened: each for its table and its key, and nowhere else.
//!
//! Numbers stand in clear as keys, since their order is needed and they tell nothing. Where the key is a record's id, another name stands
//! in its place. A parcel is sealed to the server's key instead, and so is the question for the inbox.
use std::borrow::Cow;

use minicbor::bytes::{ByteSlice, ByteVec};
use zoufang_core::{
    encode,
    phone::{self, Batch, Op, Table},
    seal::{DataKey, Keyring, Place, PublicKey, RowKeys},
    sync::{inbox, parcel},
};

use super::{fault::Fault, random};
use crate::platform::preference;

/// The first byte of a row that an app wrote which did not seal yet.
const CLEAR: u8 = 0;

/// A row as it was read: its own key, and its value.
pub(super) type Opened = (String, Vec<u8>);

/// The keys of the store, and what it may hold.
pub(super) struct Seals {
    keys: RowKeys,
    former: Vec<RowKeys>,
    /// Of a bench that compares: nothing is sealed.
    clear: bool,
}

impl Seals {
    pub(super) fn new(keyring: &Keyring) -> Self {
        let former = keyring.former().iter().map(DataKey::rows).collect();
        let clear = cfg!(feature = "bench") && preference::read(preference::BENCH_CLEAR).is_some();
        Self { keys: keyring.current().rows(), former, clear }
    }

    /// The key under which a row stands.
    pub(super) fn name<'k>(&self, table: Table, key: &'k str) -> Cow<'k, str> {
        match table {
            _ if self.clear => Cow::Borrowed(key),
            Table::Row | Table::Draft | Table::Reading => Cow::Owned(self.keys.name(table.name(), key)),
            Table::Meta | Table::Outbox | Table::Log | Table::Block | Table::Parcel | Table::Inbox => {
                Cow::Borrowed(key)
            }
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
            Op::Put(Table::Inbox, key, value) => match self.question(value, sync_key)? {
                Some(sealed) => Op::Put(Table::Inbox, key.clone(), sealed),
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
            _ if self.clear => [&[CLEAR], value].concat(),
            // A form finds its draft by the key, and the server a reading that it has.
            Table::Draft | Table::Reading => {
                self.keys.seal(place, &nonce, &encode(&(key, <&ByteSlice>::from(value))))
            }
            Table::Meta
            | Table::Outbox
            | Table::Log
            | Table::Block
            | Table::Row
            | Table::Parcel
            | Table::Inbox => self.keys.seal(place, &nonce, value),
        })
    }

    fn parcel(&self, clear: &[u8], to: Option<PublicKey>) -> Result<Option<Vec<u8>>, Fault> {
        let Some(to) = to else { return Ok(None) };
        Ok(parcel::seal(clear.to_vec(), to, random()?).ok())
    }

    fn question(&self, clear: &[u8], to: Option<PublicKey>) -> Result<Option<Vec<u8>>, Fault> {
        let Some(to) = to else { return Ok(None) };
        Ok(inbox::seal_question(clear.to_vec(), to, random()?).ok())
    }

    /// A stored row in clear; `None` if it was damaged, or stands where it was not written.
    pub(super) fn open(&self, table: Table, name: &str, sealed: &[u8]) -> Option<Opened> {
        if self.clear {
            return Some((name.to_owned(), sealed.strip_prefix(&[CLEAR])?.to_vec()));
        }
        let clear = self.keys.open(Place { table: table.name(), key: name }, sealed).ok()?;
        match table {
            Table::Draft | Table::Reading => keyed(&clear),
            Table::Meta
            | Table::Outbox
            | Table::Log
            | Table::Block
            | Table::Row
            | Table::Parcel
            | Table::Inbox => Some((name.to_owned(), clear)),
        }
    }

    /// What takes the place of a row under a former key or, if it `takes_clear`, of one that was written in clear; nothing for any
    /// other.
    pub(super) fn instead(
        &self,
        table: Table,
        name: &str,
        stored: &[u8],
        takes_clear: bool,
    ) -> Result<Vec<Op>, Fault> {
        let found = match (self.open_former(table, name, stored), stored.split_first()) {
            (Some(found), _) => found,
            (None, Some((&CLEAR, clear))) if takes_clear => (name.to_owned(), clear.to_vec()),
            (None, _) => return Ok(Vec::new()),
        };
        let (key, clear) = found;
        let new = self.name(table, &key).into_owned();
        let sealed = self.row(table, &new, &key, &clear)?;
        let mut ops = Vec::new();
        if new != name {
            ops.push(Op::Delete(table, name.to_owned()));
        }
        ops.push(Op::Put(table, new, sealed));
        Ok(ops)
    }

    /// A row under a former key: its own key, and its value.
    pub(super) fn open_former(&self, table: Table, name: &str, stored: &[u8]) -> Option<Opened> {
        let place = Place { table: table.name(), key: name };
        let clear = self.former.iter().find_map(|keys| keys.open(place, stored).ok())?;
        match table {
            Table::Draft | Table::Reading => keyed(&clear),
            Table::Row => Some((phone::key_of_row(&clear)?, clear)),
            Table::Meta | Table::Outbox | Table::Log | Table::Block | Table::Parcel | Table::Inbox => {
                Some((name.to_owned(), clear))
            }
        }
    }
}

/// A value with its own key, in whose place another name stands.
fn keyed(clear: &[u8]) -> Option<Opened> {
    let (key, value): (String, ByteVec) = minicbor::decode(clear).ok()?;
    Some((key, value.into()))
}
