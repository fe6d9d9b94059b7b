//! A file of what waits on a phone: parcels with the phone's signatures, carried to a computer that has a line, and handed in there
//! by whoever has it. It shows nothing, and who hands it in needs no rights: the phone has signed each body.
//!
//! A file is magic (4 bytes), the device (8, big-endian), the number of bodies (4), then for each its signature (64), its length (4)
//! and the body as `POST /api/v1/parcels` takes it; at the end the SHA-256 (32) of all before. Numbers are little-endian. The phone's
//! service worker writes it (`public/post.js`).
use sha2::{Digest, Sha256};

use super::{gate::BODY_BYTES_MAX, parcel::SIGNATURE_BYTES};
use crate::record::DeviceId;

/// The end of a file's name.
pub const FILE_SUFFIX: &str = ".zoufang";
/// The longest file that is read, in bytes: more than a phone makes in a year without a line.
pub const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;

const FAMILY: &[u8; 3] = b"ZFC";
const VERSION: u8 = b'1';
const HASH_BYTES: usize = 32;

/// A body with the phone's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed<'f> {
    /// The signature.
    pub signature: &'f [u8; SIGNATURE_BYTES],
    /// The body.
    pub body: &'f [u8],
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried<'f> {
    /// The phone that made it.
    pub device: DeviceId,
    /// Its bodies, oldest first.
    pub bodies: Vec<Signed<'f>>,
}

/// Why a file cannot be handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CarriedError {
    /// It is no such file.
    #[error("not a file of this app")]
    NotOurs,
    /// A newer version of the app has made it.
    #[error("made by a newer version")]
    Newer,
    /// It was cut or changed on its way.
    #[error("cut or changed")]
    Damaged,
    /// It is longer than any that the app makes.
    #[error("too long")]
    TooBig,
}

/// Reads a file.
///
/// # Errors
/// [`CarriedError`]; of such a file nothing is handed in.
pub fn read(file: &[u8]) -> Result<Carried<'_>, CarriedError> {
    if file.len() > FILE_BYTES_MAX {
        return Err(CarriedError::TooBig);
    }
    let version = file.strip_prefix(FAMILY).and_then(|rest| rest.first()).ok_or(CarriedError::NotOurs)?;
    let (content, hash) = file.split_last_chunk::<HASH_BYTES>().ok_or(CarriedError::Damaged)?;
    if *hash != <[u8; HASH_BYTES]>::from(Sha256::digest(content)) {
        return Err(CarriedError::Damaged);
    }
    // After the hash, which every version has: a flipped bit is no newer version.
    match *version {
        VERSION => {}
        later if later > VERSION => return Err(CarriedError::Newer),
        _ => return Err(CarriedError::NotOurs),
    }
    parts(content.get(FAMILY.len() + 1..).unwrap_or_default()).ok_or(CarriedError::Damaged)
}

fn parts(rest: &[u8]) -> Option<Carried<'_>> {
    let (device, rest) = rest.split_first_chunk()?;
    let (count, mut rest) = rest.split_first_chunk()?;
    let mut bodies = Vec::new();
    for _ in 0..u32::from_le_bytes(*count) {
        let (signature, after) = rest.split_first_chunk()?;
        let (length, after) = after.split_first_chunk()?;
        let length =
            usize::try_from(u32::from_le_bytes(*length)).ok().filter(|length| *length <= BODY_BYTES_MAX)?;
        let (body, after) = after.split_at_checked(length)?;
        bodies.push(Signed { signature, body });
        rest = after;
    }
    rest.is_empty().then_some(Carried { device: DeviceId(u64::from_be_bytes(*device)), bodies })
}

/// Writes a file, as a phone does.
#[must_use]
pub fn write(carried: &Carried<'_>) -> Vec<u8> {
    let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes();
    let mut file = [&FAMILY[..], &[VERSION], &carried.device.0.to_be_bytes()].concat();
    file.extend(length(carried.bodies.len()));
    for Signed { signature, body } in &carried.bodies {
        file.extend(*signature);
        file.extend(length(body.len()));
        file.extend(*body);
    }
    let hash = Sha256::digest(&file);
    file.extend(hash);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried() -> Carried<'static> {
        let signed = |signature, body| Signed { signature, body };
        Carried {
            device: DeviceId(0xA1B2_C3D4_0000_0001),
            bodies: vec![signed(&[7; SIGNATURE_BYTES], &b"ZFP1one"[..]), signed(&[8; SIGNATURE_BYTES], b"")],
        }
    }

    #[test]
    fn a_file_comes_back() {
        assert_eq!(read(&write(&carried())), Ok(carried()));
        let empty = Carried { bodies: Vec::new(), ..carried() };
        assert_eq!(read(&write(&empty)), Ok(empty));
    }

    #[test]
    fn a_file_that_was_cut_or_touched_is_not_read() {
        let file = write(&carried());
        for length in 0..file.len() {
            assert!(read(&file[..length]).is_err(), "length {length}");
        }
        for bit in 0..8 * file.len() {
            let mut touched = file.clone();
            touched[bit / 8] ^= 1 << (bit % 8);
            let error = if bit < 8 * FAMILY.len() { CarriedError::NotOurs } else { CarriedError::Damaged };
            assert_eq!(read(&touched), Err(error), "bit {bit}");
        }
        assert_eq!(read(&[&file[..], b"\0"].concat()), Err(CarriedError::Damaged));
    }

    #[test]
    fn other_files_are_told_apart() {
        assert_eq!(read(b""), Err(CarriedError::NotOurs));
        assert_eq!(read(b"PK\x03\x04"), Err(CarriedError::NotOurs));
        let hashed = |content: &[u8]| [content, &Sha256::digest(content)[..]].concat();
        assert_eq!(read(&hashed(b"ZFC0 and so on")), Err(CarriedError::NotOurs));
        assert_eq!(read(&hashed(b"ZFC2 and so on")), Err(CarriedError::Newer));
        assert_eq!(read(b"ZFC2 and so on"), Err(CarriedError::Damaged));
        assert_eq!(read(b"ZFC1"), Err(CarriedError::Damaged));
        assert_eq!(read(&vec![0; FILE_BYTES_MAX + 1]), Err(CarriedError::TooBig));
    }

    /// What is whole by its hash and all the same none: lengths and counts that lie.
    #[test]
    fn lengths_are_not_believed() {
        let whole = |count: u32, length: u32| {
            let mut file =
                [b"ZFC1", &[0; 8][..], &count.to_le_bytes(), &[7; SIGNATURE_BYTES], &length.to_le_bytes()]
                    .concat();
            file.extend(b"body");
            let hash = Sha256::digest(&file);
            file.extend(hash);
            file
        };
        assert_eq!(read(&whole(1, 4)).map(|carried| carried.bodies.len()), Ok(1));
        for (count, length) in
            [(2, 4), (0, 4), (u32::MAX, 4), (1, 5), (1, 3), (1, u32::MAX), (1, 1024 * 1024 + 1)]
        {
            assert_eq!(read(&whole(count, length)), Err(CarriedError::Damaged), "{count} {length}");
        }
    }
}
