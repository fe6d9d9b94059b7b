//! Session tokens: 256 random bits, base64url. The store has only their SHA-256.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::store::TokenHash;

const TOKEN_BYTES: usize = 32;

/// Draws a token; returns it as text and as the store knows it.
///
/// # Errors
/// If the system gives no randomness.
pub fn draw() -> Result<(String, TokenHash)> {
    let bytes: [u8; TOKEN_BYTES] = random_bytes()?;
    Ok((URL_SAFE_NO_PAD.encode(bytes), of_bytes(&bytes)))
}

/// How the store knows a token; `None` if the text is none.
#[must_use]
pub fn of_text(text: &str) -> Option<TokenHash> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    (bytes.len() == TOKEN_BYTES).then(|| of_bytes(&bytes))
}

fn of_bytes(bytes: &[u8]) -> TokenHash {
    TokenHash(Sha256::digest(bytes).into())
}

/// Bytes drawn by chance.
///
/// # Errors
/// If the system gives no randomness.
pub fn random_bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::Internal(error.to_string().into()))?;
    Ok(bytes)
}

/// 64 random bits, for ids.
///
/// # Errors
/// If the system gives no randomness.
pub fn random_u64() -> Result<u64> {
    getrandom::u64().map_err(|error| Error::Internal(error.to_string().into()))
}

/// 32 random bytes, to seal something with.
///
/// # Errors
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_hash_only() {
        let (text, hash) = draw().unwrap();
        assert_eq!(of_text(&text), Some(hash));
        assert_eq!(of_text("short"), None);
        assert_ne!(draw().unwrap().1, hash);
    }
}
