//! Bodies of parcels, and parcels whose sealing is sound and whose content is anything.

use zoufang_core::{
    seal::{Purpose, SealError, SecretKey, seal_to},
    sync::{
        parcel::{PARCELS_MAX, decode_body, encode_body, open, seal},
        wire::INFLATED_BYTES_MAX,
    },
};

use super::Pieces;

/// The first byte says what the rest is: a body, a parcel, or what is sealed in one.
pub(super) fn parcel(input: &[u8]) {
    let mut pieces = Pieces(input);
    let key = SecretKey::of_seed(&[1; 32]);
    match pieces.byte() % 3 {
        0 => {
            let Ok(parcels) = decode_body(pieces.0) else { return };
            assert!(parcels.len() <= PARCELS_MAX, "a bound");
            assert_eq!(encode_body(parcels.iter().copied()), pieces.0, "there is one form");
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
