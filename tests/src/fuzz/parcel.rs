//! Bodies of parcels, files that carry them, and parcels whose sealing is sound and whose content is anything.

use sha2::{Digest, Sha256};
use zoufang_core::{
    seal::{Purpose, SealError, SecretKey, seal_to},
    sync::{
        carried::{read, write},
        parcel::{PARCELS_MAX, decode_body, encode_body, open, seal},
        wire::INFLATED_BYTES_MAX,
    },
};

use super::Pieces;

/// The first byte says what the rest is: a body, a parcel, what is sealed in one, or a file that carries bodies.
pub(super) fn parcel(input: &[u8]) {
    let mut pieces = Pieces(input);
    let key = SecretKey::of_seed(&[1; 32]);
    match pieces.byte() % 4 {
        0 => {
            let Ok(parcels) = decode_body(pieces.0) else { return };
            assert!(parcels.len() <= PARCELS_MAX, "a bound");
            assert_eq!(encode_body(parcels.iter().copied()), pieces.0, "there is one form");
        }
        3 => {
            // The hash at the end is ours, so that what it covers is read.
            let hash = Sha256::digest(pieces.0);
            let file = [pieces.0, &hash[..]].concat();
            let Ok(carried) = read(&file) else { return };
            assert_eq!(write(&carried), file, "there is one form");
        }
        1 => assert!(open(&[key], pieces.0).is_err(), "nobody has sealed it"),
        _ => {
            let sealed = seal_to(key.public(), Purpose::Parcel, &[], pieces.0, [2; 32]).expect("a key");
            match open(std::slice::from_ref(&key), &sealed) {
                Err(error) => assert_eq!(error, SealError::Damaged),
                Ok(push) => {
                    assert!(push.raw.len() <= INFLATED_BYTES_MAX, "a bound");
                    let again = minicbor::to_vec(&push).expect("it was read");
                    let again = seal(again, key.public(), [3; 32]).expect("a key");
                    assert_eq!(open(&[key], &again), Ok(push));
                }
            }
        }
    }
}
