//! Sealing to a public key (HPKE, RFC 9180, base mode): who seals cannot open it again.
//!
//! What is sealed is suite (1 byte), name of the key (4, from its hash), encapsulated key (32), ciphertext, tag (16).
use std::{convert::Infallible, fmt};

use hpke::{
    Deserializable, Kem as _, OpModeR, OpModeS, Serializable,
    aead::ChaCha20Poly1305,
    kdf::HkdfSha256,
    kem::X25519HkdfSha256,
    rand_core::{TryCryptoRng, TryRng},
};
use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{HEAD, SealError, after_head, head};

type Kem = X25519HkdfSha256;
type Public = <Kem as hpke::Kem>::PublicKey;
type Secret = <Kem as hpke::Kem>::PrivateKey;

const ENCAPSULATED: usize = 32;

/// What is sealed. Nothing opens as something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A phone's data key, for the organisation's recovery key.
    Recovery,
    /// The same key, back to the phone that asked for it.
    RecoveryAnswer,
    /// Changes that wait for the server, for its sync key.
    Parcel,
    /// What a phone's service worker asks, for the server's sync key.
    Question,
    /// What the server answers to that, for the key that the question brought.
    Letter,
    /// The key of a backup, for the organisation's offline key.
    Backup,
}

impl Purpose {
    fn info(self) -> &'static [u8] {
        match self {
            Self::Recovery => b"zoufang recovery slot",
            Self::RecoveryAnswer => b"zoufang recovery answer",
            Self::Parcel => b"zoufang parcel",
            Self::Question => b"zoufang question",
            Self::Letter => b"zoufang letter",
            Self::Backup => b"zoufang backup",
        }
    }
}

/// A public key, 32 bytes of X25519.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct PublicKey(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 32]);

/// Its other half.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretKey([u8; 32]);

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey")
    }
}

impl PublicKey {
    /// What names the key in what is sealed to it.
    #[must_use]
    pub fn name(self) -> [u8; 4] {
        let hash: [u8; 32] = Sha256::digest(self.0).into();
        [hash[0], hash[1], hash[2], hash[3]]
    }
}

impl SecretKey {
    /// The key that 32 bytes of chance give (RFC 9180, `DeriveKeyPair`).
    #[must_use]
    pub fn of_seed(seed: &[u8; 32]) -> Self {
        let (secret, _) = Kem::derive_keypair(seed);
        Self(secret.to_bytes().into())
    }

    /// A key as it was stored.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes, to be stored where nobody else reads.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(Kem::sk_to_pk(&self.secret()).to_bytes().into())
    }

    fn secret(&self) -> Secret {
        Secret::from_bytes(&self.0).unwrap_or_else(|_| unreachable!("32 bytes are a key of X25519"))
    }
}

/// Seals to a public key. `bound` is not sealed, but what is opened must be asked for with the same; `seed` is 32 bytes drawn
/// for this call alone.
///
/// # Errors
/// [`SealError::WrongKey`] if the public key is none.
pub fn seal_to(
    to: PublicKey,
    purpose: Purpose,
    bound: &[u8],
    clear: &[u8],
    seed: [u8; 32],
) -> Result<Vec<u8>, SealError> {
    let key = Public::from_bytes(&to.0).map_err(|_| SealError::WrongKey)?;
    let mut chance = Chance { seed, given: 0 };
    let (encapsulated, text) = hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, Kem>(
        &OpModeS::Base,
        &key,
        purpose.info(),
        clear,
        bound,
        &mut chance,
    )
    .map_err(|_| SealError::WrongKey)?;
    let mut sealed = Vec::with_capacity(HEAD + ENCAPSULATED + text.len());
    sealed.extend(head(to.name()));
    sealed.extend(encapsulated.to_bytes());
    sealed.extend(text);
    Ok(sealed)
}

/// Opens what was sealed to this key.
///
/// # Errors
/// [`SealError::UnknownSuite`] and [`SealError::OtherKey`] by its head, [`SealError::Damaged`] if anything of it is another, or if
/// it was sealed for another purpose or bound to something else.
pub fn open_with(
    key: &SecretKey,
    purpose: Purpose,
    bound: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, SealError> {
    let rest = after_head(key.public().name(), sealed)?;
    let (encapsulated, text) = rest.split_at_checked(ENCAPSULATED).ok_or(SealError::Damaged)?;
    let encapsulated =
        <Kem as hpke::Kem>::EncappedKey::from_bytes(encapsulated).map_err(|_| SealError::Damaged)?;
    hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Kem>(
        &OpModeR::Base,
        &key.secret(),
        &encapsulated,
        purpose.info(),
        text,
        bound,
    )
    .map_err(|_| SealError::Damaged)
}

/// The chance of one call: the seed itself, and hashes of it should more be asked for.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Chance {
    seed: [u8; 32],
    given: usize,
}

impl Chance {
    fn byte(&mut self) -> u8 {
        if self.given == self.seed.len() {
            self.seed = Sha256::digest(self.seed).into();
            self.given = 0;
        }
        self.given += 1;
        self.seed[self.given - 1]
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte())
    }
}

impl TryRng for Chance {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.array()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.array()))
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), Infallible> {
        into.iter_mut().for_each(|byte| *byte = self.byte());
        Ok(())
    }
}

impl TryCryptoRng for Chance {}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SecretKey {
        SecretKey::of_seed(&[1; 32])
    }

    fn sealed() -> Vec<u8> {
        seal_to(key().public(), Purpose::Parcel, b"device 7", b"a visit", [2; 32]).unwrap()
    }

    #[test]
    fn the_owner_opens_it() {
        assert_eq!(open_with(&key(), Purpose::Parcel, b"device 7", &sealed()).unwrap(), b"a visit");
        let stored = SecretKey::from_bytes(*key().expose());
        assert_eq!(open_with(&stored, Purpose::Parcel, b"device 7", &sealed()).unwrap(), b"a visit");
        assert_eq!(format!("{:?}", key()), "SecretKey");
    }

    #[test]
    fn each_seal_has_a_key_of_its_own() {
        let other = seal_to(key().public(), Purpose::Parcel, b"device 7", b"a visit", [3; 32]).unwrap();
        assert_ne!(sealed()[HEAD..HEAD + 32], other[HEAD..HEAD + 32]);
    }

    #[test]
    fn nobody_else_and_nothing_else() {
        let other = SecretKey::of_seed(&[9; 32]);
        assert_eq!(open_with(&other, Purpose::Parcel, b"device 7", &sealed()), Err(SealError::OtherKey));
        assert_eq!(open_with(&key(), Purpose::Recovery, b"device 7", &sealed()), Err(SealError::Damaged));
        assert_eq!(open_with(&key(), Purpose::Parcel, b"device 8", &sealed()), Err(SealError::Damaged));
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let sealed = sealed();
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let opened = open_with(&key(), Purpose::Parcel, b"device 7", &flipped);
            // X25519 passes over the highest bit of a public key, but HPKE does not.
            assert!(opened.is_err(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(open_with(&key(), Purpose::Parcel, b"device 7", &sealed[..length]).is_err());
        }
    }
}
