//! Sealing: what lies on a phone is read with its data key only, and what is sealed to a public key by its owner only.
//!
//! The data key stands in slots, each of which opens in a way of its own: by the PIN and this phone ([`PinSlot`]), by the
//! organisation's recovery key ([`RecoverySlot`]). Every sealed thing begins with a suite byte, so that another suite (SM4 and SM3)
//! can stand beside it. Nothing is drawn here: nonces, salts, seeds and keys are arguments; what the browser's own key adds is
//! computed outside, between two steps.
mod attempts;
mod cost;
mod key;
mod pin;
mod public;
mod recovery;
mod row;
mod slot;

pub use attempts::{Attempts, Gate, TRIES_MAX};
pub use cost::Cost;
pub use key::{DataKey, KeyId, Keyring};
pub use pin::{Pin, WeakPin};
pub use public::{PublicKey, Purpose, SecretKey, open_with, seal_to};
pub use recovery::{KeptRequest, RecoveryRequest, RecoverySlot};
pub use row::{Nonce, Place, RowKeys, key_of};
pub use slot::{DeviceSlot, PinSlot, Salts, Stretched};

/// XChaCha20-Poly1305, HKDF-SHA-256, Argon2id; HPKE with X25519, HKDF-SHA-256 and ChaCha20-Poly1305.
pub const SUITE: u8 = 1;

/// Suite, and the name of the key.
const HEAD: usize = 1 + 4;

fn head(key: [u8; 4]) -> [u8; HEAD] {
    let [a, b, c, d] = key;
    [SUITE, a, b, c, d]
}

/// What follows the head, if the suite is ours and the key the one at hand.
fn after_head(key: [u8; 4], sealed: &[u8]) -> Result<&[u8], SealError> {
    let (said, rest) = sealed.split_at_checked(HEAD).ok_or(SealError::Damaged)?;
    if said[0] != SUITE {
        return Err(SealError::UnknownSuite);
    }
    if said[1..] != key {
        return Err(SealError::OtherKey);
    }
    Ok(rest)
}

/// Why something sealed was not opened. None of it says what was inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Sealed by a newer program.
    #[error("sealed in a way that this version does not know")]
    UnknownSuite,
    /// Sealed under another key than the one at hand.
    #[error("sealed under another key")]
    OtherKey,
    /// Changed, cut off, or put in the place of another.
    #[error("damaged, or not from this place")]
    Damaged,
    /// Not the key that it was sealed to: a wrong PIN, or another phone.
    #[error("not the right key")]
    WrongKey,
    /// The device has not as much memory as the slot asks for.
    #[error("not enough memory")]
    NoMemory,
}
