//! The way back for whoever has forgotten the PIN: the data key, sealed to the organisation's recovery key, which is offline.
//!
//! The slot lies on the phone. When the PIN is forgotten the phone asks: it sends the slot with a public key made for this one
//! request, whose other half stays on the phone. Who has the recovery key opens the slot and seals the data key to that key, bound to
//! the request, so that the answer opens on this phone and for this request only. A check number of six digits says which request is
//! meant when people talk about it; it holds nobody off who can change what the server keeps.
use hkdf::Hkdf;
use minicbor::{Decode, Encode, bytes::ByteArray};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{
    DataKey, KeyId, PublicKey, Purpose, SUITE, SealError, SecretKey, open_with,
    row::{Nonce, Place, RowKeys},
    seal_to,
};
use crate::{encode, record::DeviceId};

/// Where a request stands that this phone keeps.
const KEPT: Place<'_> = Place { table: "recovery", key: "request" };
const CHECK_MAX: u64 = 1_000_000;
/// So many bytes of a key's hash are read out: 80 bits, which nobody finds another key for.
const FINGERPRINT_BYTES: usize = 10;

/// The data key, for the organisation's recovery key.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RecoverySlot {
    #[n(0)]
    to: PublicKey,
    #[n(1)]
    device: DeviceId,
    #[n(2)]
    key: KeyId,
    #[cbor(n(3), with = "minicbor::bytes")]
    sealed: Vec<u8>,
}

impl RecoverySlot {
    /// Seals a phone's data key; `seed` is 32 bytes drawn for this call alone.
    ///
    /// # Errors
    /// [`SealError::WrongKey`] if the public key is none.
    pub fn seal(to: PublicKey, device: DeviceId, key: &DataKey, seed: [u8; 32]) -> Result<Self, SealError> {
        let sealed = seal_to(to, Purpose::Recovery, &bound(device, key.id()), key.expose(), seed)?;
        Ok(Self { to, device, key: key.id(), sealed })
    }

    /// The recovery key that opens it.
    #[must_use]
    pub fn to(&self) -> PublicKey {
        self.to
    }

    /// The phone whose data key is in it.
    #[must_use]
    pub fn device(&self) -> DeviceId {
        self.device
    }

    /// The data key that is in it.
    #[must_use]
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// The data key.
    ///
    /// # Errors
    /// As [`open_with`].
    pub fn open(&self, recovery: &SecretKey) -> Result<DataKey, SealError> {
        let bound = bound(self.device, self.key);
        let opened = open_with(recovery, Purpose::Recovery, &bound, &self.sealed);
        data_key(self.key, Zeroizing::new(opened?))
    }
}

/// What a phone whose PIN is forgotten asks.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RecoveryRequest {
    /// The slot.
    #[n(0)]
    pub slot: RecoverySlot,
    /// The key that the answer is sealed to, made for this request.
    #[n(1)]
    pub answer_to: PublicKey,
}

impl RecoveryRequest {
    /// Six digits that follow from the request, for people to say which one they mean.
    #[must_use]
    pub fn check_number(&self) -> String {
        let [a, b, c, d, e, f, g, h, ..] = self.hash();
        // The remainder is off by less than one in 10^13.
        format!("{:06}", u64::from_be_bytes([a, b, c, d, e, f, g, h]) % CHECK_MAX)
    }

    /// The answer: the data key for the phone that asked, and for this request; `seed` is 32 bytes drawn for this call alone.
    ///
    /// # Errors
    /// As [`open_with`] if the slot does not open, [`SealError::WrongKey`] if the key for the answer is none.
    pub fn answer(&self, recovery: &SecretKey, seed: [u8; 32]) -> Result<Vec<u8>, SealError> {
        let key = self.slot.open(recovery)?;
        seal_to(self.answer_to, Purpose::RecoveryAnswer, &self.hash(), key.expose(), seed)
    }

    /// The data key out of the answer to this request; `secret` is the other half of [`Self::answer_to`].
    ///
    /// # Errors
    /// As [`open_with`].
    pub fn opened(&self, secret: &SecretKey, answer: &[u8]) -> Result<DataKey, SealError> {
        let opened = open_with(secret, Purpose::RecoveryAnswer, &self.hash(), answer);
        data_key(self.slot.key, Zeroizing::new(opened?))
    }

    fn hash(&self) -> [u8; 32] {
        Sha256::new().chain_update(b"zoufang recovery request\n").chain_update(encode(self)).finalize().into()
    }
}

/// Something for this phone alone: sealed under what the browser's own key makes of a salt, which keeps it from whoever copies it without
/// that key, and from nobody else.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct KeptRequest {
    #[n(0)]
    suite: u8,
    #[n(1)]
    salt: ByteArray<16>,
    #[cbor(n(2), with = "minicbor::bytes")]
    sealed: Vec<u8>,
}

impl KeptRequest {
    /// Seals it. `device` is the MAC of the device's key (HMAC-SHA-256) over the salt, which is drawn by chance.
    #[must_use]
    pub fn seal(salt: [u8; 16], device: &[u8; 32], nonce: &Nonce, clear: &[u8]) -> Self {
        Self { suite: SUITE, salt: salt.into(), sealed: kept_keys(device).seal(KEPT, nonce, clear) }
    }

    /// What the device's key makes a MAC of.
    #[must_use]
    pub fn device_input(&self) -> &[u8; 16] {
        &self.salt
    }

    /// What was sealed, if this is the phone.
    ///
    /// # Errors
    /// As [`RowKeys::open`].
    pub fn open(&self, device: &[u8; 32]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        if self.suite != SUITE {
            return Err(SealError::UnknownSuite);
        }
        kept_keys(device).open(KEPT, &self.sealed).map(Zeroizing::new)
    }
}

impl PublicKey {
    /// What people compare: the beginning of its SHA-256 in groups of four hex digits.
    #[must_use]
    pub fn fingerprint(self) -> String {
        let hash: [u8; 32] = Sha256::digest(self.0).into();
        let groups: Vec<String> =
            hash[..FINGERPRINT_BYTES].chunks(2).map(|two| format!("{:02X}{:02X}", two[0], two[1])).collect();
        groups.join(" ")
    }
}

fn bound(device: DeviceId, key: KeyId) -> Vec<u8> {
    encode(&(SUITE, device, key))
}

fn data_key(id: KeyId, opened: Zeroizing<Vec<u8>>) -> Result<DataKey, SealError> {
    let secret: &[u8; 32] = opened.as_slice().try_into().map_err(|_| SealError::Damaged)?;
    Ok(DataKey::from_parts(id, secret))
}

fn kept_keys(device: &[u8; 32]) -> RowKeys {
    let mut secret = Zeroizing::new([0; 32]);
    super::key::expand(&Hkdf::new(None, device), b"zoufang recovery request", &mut *secret);
    DataKey::from_parts(KeyId(0), &secret).rows()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICE: DeviceId = DeviceId(7);

    fn recovery() -> SecretKey {
        SecretKey::of_seed(&[1; 32])
    }

    fn once() -> SecretKey {
        SecretKey::of_seed(&[2; 32])
    }

    fn key() -> DataKey {
        DataKey::from_parts(KeyId(3), &[9; 32])
    }

    fn slot() -> RecoverySlot {
        RecoverySlot::seal(recovery().public(), DEVICE, &key(), [4; 32]).unwrap()
    }

    fn request() -> RecoveryRequest {
        RecoveryRequest { slot: slot(), answer_to: once().public() }
    }

    fn secret(key: DataKey) -> (KeyId, [u8; 32]) {
        (key.id(), *key.expose())
    }

    #[test]
    fn a_slot_opens_with_the_recovery_key_alone() {
        assert_eq!(slot().open(&recovery()).map(secret), Ok((KeyId(3), [9; 32])));
        assert_eq!(slot().open(&once()).map(secret), Err(SealError::OtherKey));
        assert_eq!((slot().to(), slot().device(), slot().key()), (recovery().public(), DEVICE, KeyId(3)));
        let stored = minicbor::to_vec(slot()).unwrap();
        assert_eq!(minicbor::decode::<RecoverySlot>(&stored).unwrap(), slot());
        assert!(!stored.windows(8).any(|part| part == [9; 8]));
    }

    #[test]
    fn a_slot_is_of_one_phone_and_one_key() {
        let others = RecoverySlot { device: DeviceId(8), ..slot() };
        assert_eq!(others.open(&recovery()).map(secret), Err(SealError::Damaged));
        let older = RecoverySlot { key: KeyId(2), ..slot() };
        assert_eq!(older.open(&recovery()).map(secret), Err(SealError::Damaged));
        // What was sealed for something else does not pass for a slot.
        let sealed =
            seal_to(recovery().public(), Purpose::Parcel, &bound(DEVICE, KeyId(3)), &[9; 32], [4; 32]);
        let passed_off = RecoverySlot { sealed: sealed.unwrap(), ..slot() };
        assert_eq!(passed_off.open(&recovery()).map(secret), Err(SealError::Damaged));
    }

    #[test]
    fn an_answer_opens_for_its_request_on_its_phone() {
        let answer = request().answer(&recovery(), [5; 32]).unwrap();
        assert_eq!(request().opened(&once(), &answer).map(secret), Ok((KeyId(3), [9; 32])));
        assert_eq!(request().opened(&recovery(), &answer).map(secret), Err(SealError::OtherKey));
        assert_eq!(request().answer(&once(), [5; 32]), Err(SealError::OtherKey));
        // The same phone with the same key for answers, but another slot: another request.
        let slot = RecoverySlot::seal(recovery().public(), DEVICE, &key(), [6; 32]).unwrap();
        let later = RecoveryRequest { slot, ..request() };
        assert_eq!(later.opened(&once(), &answer).map(secret), Err(SealError::Damaged));
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let answer = request().answer(&recovery(), [5; 32]).unwrap();
        for bit in 0..answer.len() * 8 {
            let mut flipped = answer.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(request().opened(&once(), &flipped).is_err(), "bit {bit} of the answer");
        }
        let sealed = slot().sealed;
        for bit in 0..sealed.len() * 8 {
            let mut flipped = slot();
            flipped.sealed[bit / 8] ^= 1 << (bit % 8);
            assert!(flipped.open(&recovery()).is_err(), "bit {bit} of the slot");
            let asked = RecoveryRequest { slot: flipped, ..request() };
            assert!(asked.opened(&once(), &answer).is_err(), "bit {bit} of the slot that was asked with");
        }
    }

    #[test]
    fn a_check_number_is_of_one_request() {
        let number = request().check_number();
        assert_eq!((number.len(), number.bytes().all(|byte| byte.is_ascii_digit())), (6, true));
        let others = [
            RecoveryRequest { answer_to: recovery().public(), ..request() },
            RecoveryRequest { slot: RecoverySlot { device: DeviceId(8), ..slot() }, ..request() },
            RecoveryRequest { slot: RecoverySlot { key: KeyId(4), ..slot() }, ..request() },
        ];
        assert!(others.iter().all(|other| other.check_number() != number));
        // It has leading zeros where there are any.
        let numbers = (0..40).map(|seed| {
            RecoveryRequest { answer_to: SecretKey::of_seed(&[seed; 32]).public(), ..request() }
                .check_number()
        });
        assert!(
            numbers.clone().all(|number| number.len() == 6)
                && numbers.clone().any(|number| number.starts_with('0'))
        );
    }

    #[test]
    fn what_is_kept_of_a_request_opens_on_this_phone() {
        let kept = KeptRequest::seal([1; 16], &[2; 32], &[3; 24], b"secret half");
        assert_eq!(kept.device_input(), &[1; 16]);
        assert_eq!(*kept.open(&[2; 32]).unwrap(), b"secret half");
        assert_eq!(kept.open(&[9; 32]).unwrap_err(), SealError::Damaged);
        let newer = KeptRequest { suite: SUITE + 1, ..kept.clone() };
        assert_eq!(newer.open(&[2; 32]).unwrap_err(), SealError::UnknownSuite);
        let stored = minicbor::to_vec(&kept).unwrap();
        assert_eq!(minicbor::decode::<KeptRequest>(&stored).unwrap(), kept);
    }

    #[test]
    fn a_fingerprint_is_twenty_digits_in_groups() {
        let said = recovery().public().fingerprint();
        assert_eq!(said.len(), 24);
        assert!(
            said.split(' ')
                .all(|group| group.len() == 4 && group.bytes().all(|byte| byte.is_ascii_hexdigit()))
        );
        assert_ne!(said, once().public().fingerprint());
    }
}
