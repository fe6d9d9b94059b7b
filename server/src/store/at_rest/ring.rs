//! The keys that values at rest are sealed under.

use zoufang_core::seal::{DataKey, KeyId, Place, RowKeys, key_of};

use crate::store::{Result, StoreError};

/// Where a value stands. The name is sealed with it: another one makes all that was sealed unreadable.
#[derive(Clone, Copy)]
pub(crate) enum Table {
    /// A change, by its hash, so that it stays as it is when it moves to another log.
    Log,
    /// A document's row, by the document.
    Row,
    /// A segment, by unit and numbers.
    Segment,
    /// What a revoked device brought, by device and hash.
    Late,
    /// What the office reads of a person, by the document.
    Person,
    /// What the office reads of a visit.
    Visit,
    /// What the office reads of a contact.
    Contact,
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Row => "row",
            Self::Segment => "segment",
            Self::Late => "late",
            Self::Person => "person",
            Self::Visit => "visit",
            Self::Contact => "contact",
        }
    }
}

/// The keys, the one in use first.
pub struct Ring(Vec<RowKeys>);

impl Ring {
    /// So many bytes more than in clear.
    pub(super) const EXTRA_BYTES: usize = RowKeys::EXTRA_BYTES;

    /// Keys, the one in use first.
    ///
    /// # Panics
    /// If there is none: a keys file has at least one.
    #[must_use]
    pub fn of(keys: &[DataKey]) -> Self {
        assert!(!keys.is_empty(), "without a key nothing can be sealed");
        Self(keys.iter().map(DataKey::rows).collect())
    }

    /// The id of the key in use.
    #[must_use]
    pub fn current(&self) -> u32 {
        self.0[0].id().0
    }

    /// Whether a key is among these.
    #[must_use]
    pub fn has(&self, key: u32) -> bool {
        self.0.iter().any(|known| known.id() == KeyId(key))
    }

    pub(crate) fn seal(&self, table: Table, key: &str, clear: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0; 24];
        getrandom::fill(&mut nonce)
            .map_err(|error| StoreError::Database(Box::new(std::io::Error::other(error))))?;
        Ok(self.0[0].seal(Place { table: table.name(), key }, &nonce, clear))
    }

    pub(crate) fn open(&self, table: Table, key: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let keys =
            self.keys_of(sealed).ok_or(StoreError::Corrupt("value, sealed under a key that is not here,"))?;
        keys.open(Place { table: table.name(), key }, sealed)
            .map_err(|_| StoreError::Corrupt("value, damaged or not from its place,"))
    }

    /// Whether a value is sealed under the key in use.
    pub(crate) fn is_current(&self, sealed: &[u8]) -> bool {
        key_of(sealed) == Some(self.0[0].id())
    }

    /// Whether a value is sealed at all, as far as its head says.
    pub(crate) fn is_sealed(&self, value: &[u8]) -> bool {
        self.keys_of(value).is_some()
    }

    fn keys_of(&self, sealed: &[u8]) -> Option<&RowKeys> {
        let id = key_of(sealed)?;
        self.0.iter().find(|keys| keys.id() == id)
    }
}
