//! A unit log's digest: the sum of its change hashes, so that it does not depend on their order and can be carried on.
use minicbor::{Decode, Encode, bytes::ByteArray};

use crate::record::ChangeHash;

/// The sum, modulo 2^128, of the first 16 bytes (little endian) of each change's hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest(pub u128);

impl Digest {
    /// The digest with one more change.
    #[must_use]
    pub fn with(self, hash: ChangeHash) -> Self {
        let mut first = [0; 16];
        first.copy_from_slice(&hash.0[..16]);
        Self(self.0.wrapping_add(u128::from_le_bytes(first)))
    }

    /// The digest of both logs together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    /// What this log has beyond the other, less what it lacks.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self(self.0.wrapping_sub(other.0))
    }

    /// The digest without one of its changes.
    #[must_use]
    pub fn without(self, hash: ChangeHash) -> Self {
        self.less(Self::default().with(hash))
    }

    /// Its 16 bytes, little endian.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    /// The digest of 16 bytes, little endian.
    #[must_use]
    pub fn of_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_le_bytes(bytes))
    }
}

impl<C> Encode<C> for Digest {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        c: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        ByteArray::from(self.to_bytes()).encode(e, c)
    }
}

impl<'b, C> Decode<'b, C> for Digest {
    fn decode(d: &mut minicbor::Decoder<'b>, c: &mut C) -> Result<Self, minicbor::decode::Error> {
        Ok(Self::of_bytes(ByteArray::<16>::decode(d, c)?.into()))
    }
}
