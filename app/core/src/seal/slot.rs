//! The slot that a PIN opens, on this phone and on no other.
//!
//! Its key comes from what Argon2id makes of the PIN and from what the browser's own key, which cannot be taken out of it, makes
//! of that: rows without that key cannot be guessed at, and that key alone opens nothing.
//!
//! key = HKDF(Argon2id(PIN, salt) ‖ HMAC of the device's key over (device salt ‖ Argon2id(PIN, salt)))
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
        let payload = Payload { msg: key.expose(), aad: &slot.bound() };
        let sealed = cipher(stretched, device).encrypt(&XNonce::from(nonce), payload);
        slot.sealed = sealed.unwrap_or_else(|_| unreachable!("a key is short"));
        slot
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
        let payload = Payload { msg: &self.sealed, aad: &self.bound() };
        let opened = cipher(stretched, device).decrypt(&XNonce::from(*self.nonce), payload);
        let secret = Zeroizing::new(opened.map_err(|_| SealError::WrongKey)?);
        let secret: &[u8; 32] = secret.as_slice().try_into().map_err(|_| SealError::Damaged)?;
        Ok(DataKey::from_parts(self.key, secret))
    }

    /// All of the slot but the sealed key.
    fn bound(&self) -> Vec<u8> {
        encode(&(self.suite, self.key, &self.salts))
    }
}

fn cipher(stretched: &Stretched, device: &[u8; 32]) -> XChaCha20Poly1305 {
    let both = Zeroizing::new([stretched.0, *device].concat());
    let mut key = Zeroizing::new([0; 32]);
    expand(&Hkdf::<Sha256>::new(None, &both), b"zoufang pin slot", &mut *key);
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
    }
}
