//! Parcels: a change sealed to the server's sync key as it is saved. Whoever has the phone can deliver it, also while the app is
//! locked or closed, and nobody but the server can read it.
//!
//! A parcel is a second copy of an outbox row. It is delivered as often as need be: the server knows a change by its hash, and
//! its receipt comes with a sync, as ever.
//!
//! A body is magic (4 bytes), then for each parcel its length (4, little endian) and itself. The answer is one byte for each.
use super::wire::{Push, WireError, pack, unpack};
use crate::{
    record::DeviceId,
    seal::{PublicKey, Purpose, SealError, SecretKey, open_with, seal_to},
};

/// The content type of bodies and answers.
pub const CONTENT_TYPE: &str = "application/vnd.zoufang.parcels";
/// A device's signature in bytes: r and s of ECDSA on P-256.
pub const SIGNATURE_BYTES: usize = 64;
/// Most parcels in one body.
pub const PARCELS_MAX: usize = 1_000;

const MAGIC: [u8; 4] = *b"ZFP1";
/// What a device signs begins with this, so that its signature is good for nothing else.
const SIGNED_FOR: &[u8] = b"zoufang parcels\n";
const KEY_SIGNED_FOR: &[u8] = b"zoufang device key\n";

/// What became of a parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fate {
    /// Its change is in the log.
    Stored = 1,
    /// The gate refused its change; the next sync says why.
    Refused = 2,
    /// Its change builds on one that the server does not have yet.
    Pending = 3,
    /// It cannot be opened: damaged, or sealed to a key that the server has no more.
    Unreadable = 4,
}

/// Seals an encoded [`Push`], as the phone's table `parcel` has it; `seed` is 32 bytes drawn for this call alone.
///
/// # Errors
/// [`SealError::WrongKey`] if the key is none.
pub fn seal(push: Vec<u8>, to: PublicKey, seed: [u8; 32]) -> Result<Vec<u8>, SealError> {
    let (compression, mut packed) = pack(push);
    packed.insert(0, compression);
    seal_to(to, Purpose::Parcel, &[], &packed, seed)
}

/// Opens a parcel with that of the keys to which it was sealed.
///
/// # Errors
/// As [`open_with`]; [`SealError::Damaged`] too if what was sealed is no change.
pub fn open(keys: &[SecretKey], sealed: &[u8]) -> Result<Push, SealError> {
    let content = open_packed(keys, Purpose::Parcel, sealed)?;
    minicbor::decode(&content).map_err(|_| SealError::Damaged)
}

/// What was compressed and sealed to one of these keys.
pub(super) fn open_packed(keys: &[SecretKey], purpose: Purpose, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let opened = keys.iter().map(|key| open_with(key, purpose, &[], sealed));
    let packed = opened.reduce(|found, next| if found == Err(SealError::OtherKey) { next } else { found });
    let packed = packed.unwrap_or(Err(SealError::OtherKey))?;
    let (compression, packed) = packed.split_first().ok_or(SealError::Damaged)?;
    unpack(*compression, packed).map_err(|_| SealError::Damaged)
}

/// A body of parcels.
#[must_use]
pub fn encode_body<'a>(parcels: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut body = MAGIC.to_vec();
    put_pieces(&mut body, parcels);
    body
}

/// Appends pieces, each after its length.
pub(super) fn put_pieces<'a>(body: &mut Vec<u8>, pieces: impl IntoIterator<Item = &'a [u8]>) {
    for piece in pieces {
        body.extend(u32::try_from(piece.len()).unwrap_or(u32::MAX).to_le_bytes());
        body.extend(piece);
    }
}

/// The parcels of a body.
///
/// # Errors
/// [`WireError`]; a body that is cut has no parcels, and none of it was delivered.
pub fn decode_body(body: &[u8]) -> Result<Vec<&[u8]>, WireError> {
    pieces(body.strip_prefix(&MAGIC).ok_or(WireError::NotOurs)?, PARCELS_MAX)
}

/// The pieces of a body after its magic.
pub(super) fn pieces(mut rest: &[u8], pieces_max: usize) -> Result<Vec<&[u8]>, WireError> {
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        if pieces.len() == pieces_max {
            return Err(WireError::TooBig);
        }
        let (length, after) = rest.split_first_chunk().ok_or(WireError::Malformed)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| WireError::TooBig)?;
        let (piece, after) = after.split_at_checked(length).ok_or(WireError::Malformed)?;
        pieces.push(piece);
        rest = after;
    }
    Ok(pieces)
}

/// What a device signs: that these parcels come from it.
#[must_use]
pub fn signed(device: DeviceId, body: &[u8]) -> Vec<u8> {
    [SIGNED_FOR, device.to_string().as_bytes(), b"\n", body].concat()
}

/// What a device signs to show that it has the other half of a key.
#[must_use]
pub fn signed_key(device: DeviceId) -> Vec<u8> {
    [KEY_SIGNED_FOR, device.to_string().as_bytes(), b"\n"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        encode,
        record::{DocId, Kind, UnitId},
    };

    fn push() -> Push {
        Push {
            doc: DocId([7; 16]),
            kind: Kind::Visit,
            unit: UnitId(3),
            raw: "张伟说：慢病".repeat(20).into_bytes(),
        }
    }

    fn key(seed: u8) -> SecretKey {
        SecretKey::of_seed(&[seed; 32])
    }

    #[test]
    fn a_parcel_shows_nothing_and_comes_back() {
        let sealed = seal(encode(&push()), key(1).public(), [9; 32]).unwrap();
        assert!(!sealed.windows(6).any(|part| part == "张伟".as_bytes()));
        assert!(sealed.len() < push().raw.len(), "it is compressed before it is sealed");
        assert_eq!(open(&[key(1)], &sealed), Ok(push()));
    }

    #[test]
    fn a_parcel_to_an_older_key_still_opens() {
        let sealed = seal(encode(&push()), key(1).public(), [9; 32]).unwrap();
        assert_eq!(open(&[key(2), key(1), key(3)], &sealed), Ok(push()));
        assert_eq!(open(&[key(2), key(3)], &sealed), Err(SealError::OtherKey));
        assert_eq!(open(&[], &sealed), Err(SealError::OtherKey));
    }

    #[test]
    fn a_parcel_that_was_touched_does_not_open() {
        let sealed = seal(encode(&push()), key(1).public(), [9; 32]).unwrap();
        for byte in 0..sealed.len() {
            let mut touched = sealed.clone();
            touched[byte] ^= 1;
            assert!(open(&[key(1)], &touched).is_err(), "byte {byte}");
            assert!(open(&[key(1)], &sealed[..byte]).is_err(), "length {byte}");
        }
        for clear in [&b""[..], b"\x00", b"\x01\xff", b"\x07abc", b"\x00\x80"] {
            let sealed = seal_to(key(1).public(), Purpose::Parcel, &[], clear, [9; 32]).unwrap();
            assert_eq!(open(&[key(1)], &sealed), Err(SealError::Damaged), "{clear:?}");
        }
    }

    #[test]
    fn a_body_is_read_whole_or_not_at_all() {
        let parcels: [&[u8]; 3] = [b"one", b"", b"three"];
        let body = encode_body(parcels);
        assert_eq!(decode_body(&body).unwrap(), parcels);
        let ends = [4, 11, 15];
        for length in (0..body.len()).filter(|length| !ends.contains(length)) {
            assert!(decode_body(&body[..length]).is_err(), "length {length}");
        }
        assert_eq!(decode_body(b"ZFQ1"), Err(WireError::NotOurs));
        assert_eq!(decode_body(b"ZFP1\xff\xff\xff\xff"), Err(WireError::Malformed));
        let many = encode_body(vec![&b""[..]; PARCELS_MAX + 1]);
        assert_eq!(decode_body(&many), Err(WireError::TooBig));
    }

    #[test]
    fn a_signature_is_of_one_device_and_one_body() {
        assert_eq!(signed(DeviceId(0xAB), b"body"), b"zoufang parcels\n00000000000000ab\nbody");
        assert_ne!(signed(DeviceId(1), b"x"), signed(DeviceId(2), b"x"));
    }
}
