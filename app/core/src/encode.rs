//! Writing CBOR to memory, which cannot fail.
use minicbor::Encode;

/// The bytes of a value, as CBOR.
pub fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).unwrap_or_else(|error: minicbor::encode::Error<std::convert::Infallible>| {
        unreachable!("writing to memory cannot fail: {error}")
    })
}
