//! Rows of the phone's store: sealed for one place in one table, under names that tell nothing.
//!
//! A sealed row is suite (1 byte), key id (4, big endian), nonce (24), ciphertext, tag (16).
use std::fmt::Write;

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{
    HEAD, SUITE, SealError, after_head, head,
    key::{KeyId, expand},
};

/// 24 bytes, drawn anew for each thing that is sealed: by chance no two are the same.
pub type Nonce = [u8; NONCE];

const NONCE: usize = 24;
const TAG: usize = 16;
const NAME: usize = 16;

/// Where a row stands. A row opens there and nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// The key in the table, as it is stored.
    pub key: &'a str,
}

/// The keys that rows are sealed and named with.
pub struct RowKeys {
    id: KeyId,
    cipher: XChaCha20Poly1305,
    names: Zeroizing<[u8; 32]>,
}

/// The id of the key that a row says it is sealed under; none if it is not sealed, or in a way of another program.
#[must_use]
pub fn key_of(sealed: &[u8]) -> Option<KeyId> {
    let (head, rest) = sealed.split_first_chunk::<HEAD>()?;
    let [suite, id @ ..] = head;
    (*suite == SUITE && rest.len() >= NONCE + TAG).then(|| KeyId(u32::from_be_bytes(*id)))
}

impl RowKeys {
    /// So much longer than in clear is a sealed row.
    pub const EXTRA_BYTES: usize = HEAD + NONCE + TAG;

    pub(super) fn new(id: KeyId, rows: &[u8; 32], names: [u8; 32]) -> Self {
        Self { id, cipher: XChaCha20Poly1305::new(rows.into()), names: Zeroizing::new(names) }
    }

    /// The id of the data key that they come from.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The stored key of a row whose own key would tell something: the same each time, and no way back.
    #[must_use]
    pub fn name(&self, table: &str, key: &str) -> String {
        let mut name = [0; NAME];
        let from = Hkdf::<Sha256>::from_prk(&*self.names)
            .unwrap_or_else(|_| unreachable!("a key of 32 bytes is long enough"));
        expand(&from, &bound(&[], table, key), &mut name);
        name.iter().fold(String::with_capacity(2 * NAME), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    fn head(&self) -> [u8; HEAD] {
        head(self.id.0.to_be_bytes())
    }

    /// Seals a row for its place.
    #[must_use]
    pub fn seal(&self, place: Place<'_>, nonce: &Nonce, clear: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(HEAD + NONCE + clear.len() + TAG);
        sealed.extend(self.head());
        sealed.extend(nonce);
        let aad = bound(&self.head(), place.table, place.key);
        let text = self.cipher.encrypt(&XNonce::from(*nonce), Payload { msg: clear, aad: &aad });
        sealed.extend(text.unwrap_or_else(|_| unreachable!("a row is far below the cipher's limit")));
        sealed
    }

    /// Opens a row at its place.
    ///
    /// # Errors
    /// [`SealError::UnknownSuite`] and [`SealError::OtherKey`] by its head, [`SealError::Damaged`] if a bit of it is another, or if
    /// it was sealed for another place.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let rest = after_head(self.id.0.to_be_bytes(), sealed)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE>().ok_or(SealError::Damaged)?;
        let aad = bound(&self.head(), place.table, place.key);
        let payload = Payload { msg: text, aad: &aad };
        self.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| SealError::Damaged)
    }
}

/// Head, table and key in one text that no other three give.
fn bound(head: &[u8], table: &str, key: &str) -> Vec<u8> {
    let mut bound = head.to_vec();
    bound.extend((table.len() as u64).to_be_bytes());
    bound.extend(table.bytes());
    bound.extend(key.bytes());
    bound
}

#[cfg(test)]
mod tests {
    use super::super::DataKey;
    use super::*;

    const PLACE: Place<'_> = Place { table: "row", key: "1f" };

    fn keys(secret: u8) -> RowKeys {
        DataKey::from_parts(KeyId(9), &[secret; 32]).rows()
    }

    #[test]
    fn a_row_comes_back_and_shows_nothing() {
        let sealed = keys(1).seal(PLACE, &[5; 24], "张伟 13800000000".as_bytes());
        assert_eq!(sealed.len(), RowKeys::EXTRA_BYTES + "张伟 13800000000".len());
        assert_eq!((key_of(&sealed), key_of(&sealed[..RowKeys::EXTRA_BYTES - 1])), (Some(KeyId(9)), None));
        assert!(!sealed.windows(6).any(|part| part == "张伟".as_bytes() || part == b"138000"));
        assert_eq!(keys(1).open(PLACE, &sealed).unwrap(), "张伟 13800000000".as_bytes());
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let sealed = keys(1).seal(PLACE, &[5; 24], b"some facts");
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(keys(1).open(PLACE, &flipped).is_err(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(keys(1).open(PLACE, &sealed[..length]).is_err(), "length {length}");
        }
    }

    #[test]
    fn a_row_in_the_place_of_another_is_found() {
        let sealed = keys(1).seal(PLACE, &[5; 24], b"some facts");
        for (table, key) in [("row", "2f"), ("draft", "1f"), ("ro", "w1f"), ("row1", "f")] {
            assert_eq!(keys(1).open(Place { table, key }, &sealed), Err(SealError::Damaged), "{table} {key}");
        }
        assert_eq!(keys(2).open(PLACE, &sealed), Err(SealError::Damaged));
    }

    #[test]
    fn another_suite_and_another_key_are_told_apart() {
        let mut sealed = keys(1).seal(PLACE, &[5; 24], b"some facts");
        let other = DataKey::from_parts(KeyId(10), &[1; 32]).rows();
        assert_eq!(other.open(PLACE, &sealed), Err(SealError::OtherKey));
        sealed[0] = SUITE + 1;
        assert_eq!(keys(1).open(PLACE, &sealed), Err(SealError::UnknownSuite));
    }

    #[test]
    fn a_name_is_the_same_each_time_and_of_one_place() {
        assert_eq!(keys(1).name("row", "1f"), keys(1).name("row", "1f"));
        let others = [
            keys(1).name("row", "2f"),
            keys(1).name("draft", "1f"),
            keys(1).name("ro", "w1f"),
            keys(2).name("row", "1f"),
        ];
        assert!(others.iter().all(|name| *name != keys(1).name("row", "1f")));
    }
}
