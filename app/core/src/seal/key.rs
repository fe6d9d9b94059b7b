//! The data key of a phone's store.
use std::fmt;

use hkdf::Hkdf;
use minicbor::{Decode, Encode};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::row::RowKeys;

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
    fn each_purpose_has_a_key_of_its_own() {
        let key = DataKey::from_parts(KeyId(7), &[1; 32]);
        assert_ne!(*key.derived(b"zoufang rows"), *key.derived(b"zoufang row names"));
        assert_ne!(*key.derived(b"zoufang rows"), *key.expose());
    }
}
