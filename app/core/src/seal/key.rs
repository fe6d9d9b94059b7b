//! The data key of a phone's store.
use std::fmt;

use hkdf::Hkdf;
use minicbor::{Decode, Encode, bytes::ByteArray};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{
    SealError,
    row::{Nonce, Place, RowKeys},
};
use crate::encode;

/// Where keys stand that others took the place of.
const FORMER: Place<'_> = Place { table: "keyring", key: "former" };

/// Which data key something was sealed under: drawn with the key, and no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Zeroize)]
#[cbor(transparent)]
pub struct KeyId(#[n(0)] pub u32);

/// The key of everything in a phone's store. It is in memory only while the app is open, and wiped from there when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct DataKey {
    id: KeyId,
    secret: [u8; 32],
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKey({})", self.id.0)
    }
}

impl DataKey {
    /// A key of 32 bytes drawn by chance.
    #[must_use]
    pub fn from_parts(id: KeyId, secret: &[u8; 32]) -> Self {
        Self { id, secret: *secret }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The 32 bytes, for a slot and nothing else.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.secret
    }

    /// The keys that rows are sealed under.
    #[must_use]
    pub fn rows(&self) -> RowKeys {
        RowKeys::new(self.id, &self.derived(b"zoufang rows"), *self.derived(b"zoufang row names"))
    }

    fn derived(&self, purpose: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        expand(&Hkdf::new(None, &self.secret), purpose, &mut *key);
        key
    }
}

/// The data key, and those that it took the place of: a row under one of them is sealed anew when it is found.
#[derive(Clone, Debug)]
pub struct Keyring {
    current: DataKey,
    former: Vec<DataKey>,
}

impl Keyring {
    /// One key and no other.
    #[must_use]
    pub fn new(current: DataKey) -> Self {
        Self { current, former: Vec::new() }
    }

    /// The key that everything is sealed under from now on.
    #[must_use]
    pub fn current(&self) -> &DataKey {
        &self.current
    }

    /// The keys that rows may still be sealed under.
    #[must_use]
    pub fn former(&self) -> &[DataKey] {
        &self.former
    }

    /// Another key takes the current one's place.
    #[must_use]
    pub fn succeeded_by(&self, next: DataKey) -> Self {
        let former = std::iter::once(&self.current).chain(&self.former).cloned();
        Self { current: next, former: former.collect() }
    }

    /// The former keys, sealed under the current one.
    #[must_use]
    pub fn seal_former(&self, nonce: &Nonce) -> Vec<u8> {
        let key = |key: &DataKey| (key.id, ByteArray::from(key.secret));
        let mut keys: Vec<_> = self.former.iter().map(key).collect();
        let clear = Zeroizing::new(encode(&keys));
        keys.iter_mut().for_each(|(_, secret)| secret.zeroize());
        self.current.rows().seal(FORMER, nonce, &clear)
    }

    /// A key with the former ones that were sealed under it.
    ///
    /// # Errors
    /// As [`RowKeys::open`].
    pub fn open(current: DataKey, former: &[u8]) -> Result<Self, SealError> {
        let clear = Zeroizing::new(current.rows().open(FORMER, former)?);
        let keys: Vec<(KeyId, ByteArray<32>)> = minicbor::decode(&clear).map_err(|_| SealError::Damaged)?;
        let former = keys.into_iter().map(|(id, secret)| DataKey { id, secret: *secret }).collect();
        Ok(Self { current, former })
    }
}

/// HKDF's second step, for outputs of at most 255 hashes.
pub(super) fn expand(from: &Hkdf<Sha256>, purpose: &[u8], into: &mut [u8]) {
    from.expand(purpose, into).unwrap_or_else(|_| unreachable!("an output of {} bytes is short", into.len()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_not_show_itself() {
        let key = DataKey::from_parts(KeyId(7), &[0xAB; 32]);
        assert_eq!(format!("{key:?}"), "DataKey(7)");
    }

    #[test]
    fn former_keys_are_kept_under_the_current_one() {
        let key = |id: u8| DataKey::from_parts(KeyId(id.into()), &[id; 32]);
        let ring = Keyring::new(key(1)).succeeded_by(key(2)).succeeded_by(key(3));
        let sealed = ring.seal_former(&[9; 24]);
        assert!(!sealed.windows(8).any(|part| part == [1; 8] || part == [2; 8]));
        let opened = Keyring::open(key(3), &sealed).unwrap();
        let secrets = |keys: &[DataKey]| keys.iter().map(|key| *key.expose()).collect::<Vec<_>>();
        assert_eq!(secrets(opened.former()), [[2; 32], [1; 32]]);
        assert_eq!(opened.current().id(), KeyId(3));
        assert_eq!(Keyring::open(key(2), &sealed).unwrap_err(), SealError::OtherKey);
        assert_eq!(Keyring::open(key(3), &sealed[..sealed.len() - 1]).unwrap_err(), SealError::Damaged);
    }

    #[test]
    fn each_purpose_has_a_key_of_its_own() {
        let key = DataKey::from_parts(KeyId(7), &[1; 32]);
        assert_ne!(*key.derived(b"zoufang rows"), *key.derived(b"zoufang row names"));
        assert_ne!(*key.derived(b"zoufang rows"), *key.expose());
    }
}
