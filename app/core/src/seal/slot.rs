//! The slots of the data key: one that a PIN opens, on this phone and on no other; and one that this phone opens by itself.
//!
//! The first one's key comes from what Argon2id makes of the PIN and from what the browser's own key, which cannot be taken out of it, makes
//! of that: rows without that key cannot be guessed at, and that key alone opens nothing.
//!
//! key = HKDF(Argon2id(PIN, salt) ‖ HMAC of the device's key over (device salt ‖ Argon2id(PIN, salt)))
//!
//! The second one's is HKDF(HMAC of the device's key over salt): it keeps rows from whoever copies them without the browser's key
//! store, and from nobody else.
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use minicbor::{Decode, Encode, bytes::ByteArray};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{Cost, DataKey, KeyId, Nonce, Pin, SUITE, SealError, key::expand};
use crate::encode;

/// What a PIN is stretched with: drawn when it is chosen, and stored in clear.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Salts {
    /// Argon2id's work.
    #[n(0)]
    pub cost: Cost,
    /// Argon2id's salt.
    #[n(1)]
    pin: ByteArray<16>,
    /// What the device's key is asked with.
    #[n(2)]
    device: ByteArray<16>,
}

/// What Argon2id made of a PIN.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Stretched([u8; 32]);

impl Stretched {
    /// As it was made elsewhere.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes, for whoever asked for them and nobody else.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Salts {
    /// Salts of 16 bytes each, drawn by chance.
    #[must_use]
    pub fn from_parts(cost: Cost, pin: [u8; 16], device: [u8; 16]) -> Self {
        Self { cost, pin: pin.into(), device: device.into() }
    }

    /// The long first step. It takes up to a second, and is the same for a right PIN and a wrong one.
    ///
    /// # Errors
    /// [`SealError::Damaged`] if the cost is not one of ours, [`SealError::NoMemory`] if there is too little memory.
    pub fn stretch(&self, pin: &Pin) -> Result<Stretched, SealError> {
        let mut stretched = Stretched([0; 32]);
        self.cost.stretch(pin.bytes(), &self.pin, &mut stretched.0)?;
        Ok(stretched)
    }

    /// What the device's key makes a MAC of (HMAC-SHA-256), between the steps.
    #[must_use]
    pub fn device_input(&self, stretched: &Stretched) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([&self.device[..], &stretched.0].concat())
    }
}

/// The data key, sealed to a PIN and a device.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PinSlot {
    #[n(0)]
    suite: u8,
    #[n(1)]
    key: KeyId,
    #[n(2)]
    salts: Salts,
    #[n(3)]
    nonce: ByteArray<24>,
    #[cbor(n(4), with = "minicbor::bytes")]
    sealed: Vec<u8>,
}

impl PinSlot {
    /// Seals the data key. `device` is the MAC over [`Salts::device_input`].
    #[must_use]
    pub fn seal(salts: Salts, stretched: &Stretched, device: &[u8; 32], nonce: Nonce, key: &DataKey) -> Self {
        let mut slot = Self { suite: SUITE, key: key.id(), salts, nonce: nonce.into(), sealed: Vec::new() };
        slot.sealed = seal_key(&cipher(stretched, device), nonce, &slot.bound(), key);
        slot
    }

    /// Which data key it holds.
    #[must_use]
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// What the PIN is stretched with.
    #[must_use]
    pub fn salts(&self) -> &Salts {
        &self.salts
    }

    /// The data key, if the PIN was right and this is the phone.
    ///
    /// # Errors
    /// [`SealError::UnknownSuite`] of a newer program, [`SealError::WrongKey`] else: a wrong PIN and a damaged slot look the same.
    pub fn open(&self, stretched: &Stretched, device: &[u8; 32]) -> Result<DataKey, SealError> {
        if self.suite != SUITE {
            return Err(SealError::UnknownSuite);
        }
        open_key(&cipher(stretched, device), *self.nonce, &self.bound(), (self.key, &self.sealed))
    }

    /// All of the slot but the sealed key.
    fn bound(&self) -> Vec<u8> {
        encode(&(self.suite, self.key, &self.salts))
    }
}

/// The data key, sealed to a device.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DeviceSlot {
    #[n(0)]
    suite: u8,
    #[n(1)]
    key: KeyId,
    #[n(2)]
    salt: ByteArray<16>,
    #[n(3)]
    nonce: ByteArray<24>,
    #[cbor(n(4), with = "minicbor::bytes")]
    sealed: Vec<u8>,
}

impl DeviceSlot {
    /// Seals the data key. `device` is the MAC of the device's key (HMAC-SHA-256) over the salt, which is drawn by chance.
    #[must_use]
    pub fn seal(salt: [u8; 16], device: &[u8; 32], nonce: Nonce, key: &DataKey) -> Self {
        let mut slot =
            Self { suite: SUITE, key: key.id(), salt: salt.into(), nonce: nonce.into(), sealed: Vec::new() };
        slot.sealed = seal_key(&device_cipher(device), nonce, &slot.bound(), key);
        slot
    }

    /// What the device's key makes a MAC of.
    #[must_use]
    pub fn device_input(&self) -> &[u8; 16] {
        &self.salt
    }

    /// The data key, if this is the phone.
    ///
    /// # Errors
    /// As [`PinSlot::open`].
    pub fn open(&self, device: &[u8; 32]) -> Result<DataKey, SealError> {
        if self.suite != SUITE {
            return Err(SealError::UnknownSuite);
        }
        open_key(&device_cipher(device), *self.nonce, &self.bound(), (self.key, &self.sealed))
    }

    fn bound(&self) -> Vec<u8> {
        encode(&(self.suite, self.key, &self.salt))
    }
}

fn seal_key(cipher: &XChaCha20Poly1305, nonce: Nonce, bound: &[u8], key: &DataKey) -> Vec<u8> {
    let payload = Payload { msg: key.expose(), aad: bound };
    cipher.encrypt(&XNonce::from(nonce), payload).unwrap_or_else(|_| unreachable!("a key is short"))
}

fn open_key(
    cipher: &XChaCha20Poly1305,
    nonce: Nonce,
    bound: &[u8],
    (id, sealed): (KeyId, &[u8]),
) -> Result<DataKey, SealError> {
    let opened = cipher.decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad: bound });
    let secret = Zeroizing::new(opened.map_err(|_| SealError::WrongKey)?);
    let secret: &[u8; 32] = secret.as_slice().try_into().map_err(|_| SealError::Damaged)?;
    Ok(DataKey::from_parts(id, secret))
}

fn cipher(stretched: &Stretched, device: &[u8; 32]) -> XChaCha20Poly1305 {
    let both = Zeroizing::new([stretched.0, *device].concat());
    cipher_for(b"zoufang pin slot", &both)
}

fn device_cipher(device: &[u8; 32]) -> XChaCha20Poly1305 {
    cipher_for(b"zoufang device slot", device)
}

fn cipher_for(purpose: &[u8], secret: &[u8]) -> XChaCha20Poly1305 {
    let mut key = Zeroizing::new([0; 32]);
    expand(&Hkdf::<Sha256>::new(None, secret), purpose, &mut *key);
    XChaCha20Poly1305::new((&*key).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn salts() -> Salts {
        Salts::from_parts(Cost::FLOOR, [1; 16], [2; 16])
    }

    fn slot(device: u8) -> PinSlot {
        let stretched = salts().stretch(&Pin::tried("280419")).unwrap();
        let key = DataKey::from_parts(KeyId(3), &[7; 32]);
        PinSlot::seal(salts(), &stretched, &[device; 32], [4; 24], &key)
    }

    fn tried(slot: &PinSlot, pin: &str, device: u8) -> Result<[u8; 32], SealError> {
        let stretched = slot.salts().stretch(&Pin::tried(pin))?;
        slot.open(&stretched, &[device; 32]).map(|key| *key.expose())
    }

    #[test]
    fn a_pin_opens_on_its_phone() {
        assert_eq!(tried(&slot(9), "280419", 9), Ok([7; 32]));
        assert_eq!(tried(&slot(9), "280418", 9), Err(SealError::WrongKey));
        assert_eq!(tried(&slot(9), "280419", 8), Err(SealError::WrongKey));
    }

    #[test]
    fn the_device_is_asked_with_a_salt_and_what_the_pin_became() {
        let (one, other) = (salts(), Salts::from_parts(Cost::FLOOR, [1; 16], [3; 16]));
        let stretched = one.stretch(&Pin::tried("280419")).unwrap();
        assert_eq!(one.device_input(&stretched).len(), 48);
        assert_ne!(one.device_input(&stretched), other.device_input(&stretched));
    }

    #[test]
    fn a_slot_that_was_tampered_with_does_not_open() {
        let sound = slot(9);
        let stretched = sound.salts().stretch(&Pin::tried("280419")).unwrap();
        let changed = [
            PinSlot { key: KeyId(4), ..sound.clone() },
            PinSlot { nonce: [5; 24].into(), ..sound.clone() },
            PinSlot { salts: Salts::from_parts(Cost::FLOOR, [1; 16], [3; 16]), ..sound.clone() },
            PinSlot { sealed: sound.sealed[1..].to_vec(), ..sound.clone() },
        ];
        for slot in changed {
            assert_eq!(slot.open(&stretched, &[9; 32]).unwrap_err(), SealError::WrongKey);
        }
        let newer = PinSlot { suite: SUITE + 1, ..sound.clone() };
        assert_eq!(newer.open(&stretched, &[9; 32]).unwrap_err(), SealError::UnknownSuite);
        let cheap = Salts { cost: minicbor::decode(&minicbor::to_vec((8, 1)).unwrap()).unwrap(), ..salts() };
        assert_eq!(cheap.stretch(&Pin::tried("280419")).err(), Some(SealError::Damaged));
    }

    #[test]
    fn a_slot_is_stored_and_read() {
        let bytes = minicbor::to_vec(slot(9)).unwrap();
        assert_eq!(minicbor::decode::<PinSlot>(&bytes).unwrap(), slot(9));
        let bytes = minicbor::to_vec(device_slot(9)).unwrap();
        assert_eq!(minicbor::decode::<DeviceSlot>(&bytes).unwrap(), device_slot(9));
    }

    fn device_slot(device: u8) -> DeviceSlot {
        DeviceSlot::seal([2; 16], &[device; 32], [4; 24], &DataKey::from_parts(KeyId(3), &[7; 32]))
    }

    #[test]
    fn a_phone_opens_its_own_slot_and_no_other() {
        let sound = device_slot(9);
        assert_eq!(sound.device_input(), &[2; 16]);
        let key = sound.open(&[9; 32]).unwrap();
        assert_eq!((key.id(), *key.expose()), (KeyId(3), [7; 32]));
        assert_eq!(sound.open(&[8; 32]).unwrap_err(), SealError::WrongKey);
        let changed = [
            DeviceSlot { key: KeyId(4), ..sound.clone() },
            DeviceSlot { salt: [3; 16].into(), ..sound.clone() },
            DeviceSlot { nonce: [5; 24].into(), ..sound.clone() },
            DeviceSlot { sealed: sound.sealed[1..].to_vec(), ..sound.clone() },
        ];
        for slot in changed {
            assert_eq!(slot.open(&[9; 32]).unwrap_err(), SealError::WrongKey);
        }
        let newer = DeviceSlot { suite: SUITE + 1, ..sound };
        assert_eq!(newer.open(&[9; 32]).unwrap_err(), SealError::UnknownSuite);
        // The same MAC opens no slot of the other kind.
        let pin = slot(9);
        let as_device = DeviceSlot {
            suite: SUITE,
            key: KeyId(3),
            salt: [2; 16].into(),
            nonce: pin.nonce,
            sealed: pin.sealed.clone(),
        };
        assert_eq!(as_device.open(&[9; 32]).unwrap_err(), SealError::WrongKey);
    }
}
