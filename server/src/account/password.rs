//! Passwords: argon2id with 19 MiB and two passes, computed off the async threads, few at a time.

use std::sync::atomic::Ordering;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::error::{Error, Result};
use crate::state::App;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Longer passwords are refused before they are hashed.
pub const PASSWORD_BYTES_MAX: usize = 256;
/// Shorter ones are refused when an account is made.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// The hash of nothing in particular, so that an unknown login takes as long as a known one.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$em91ZmFuZy1ub2JvZHk$3AdJWdnfQfPDYbJvOAdaQnV2ZxoFS2pVzMsV3ZBVb3c";
/// Stands in place of a hash where nobody can sign in.
pub const NO_PASSWORD: &str = "!";

fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
        .map_err(|error| Error::Internal(error.to_string().into()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The hash to store, in PHC form. Takes tens of milliseconds.
///
/// # Errors
/// If the system gives no random salt.
pub fn hash(password: &str) -> Result<String> {
    let hash = argon2()?
        .hash_password(password.as_bytes())
        .map_err(|error| Error::Internal(error.to_string().into()))?;
    Ok(hash.to_string())
}

fn matches(password: &str, stored: &str) -> Result<bool> {
    let hash = PasswordHash::new(stored).map_err(|error| Error::Internal(error.to_string().into()))?;
    Ok(argon2()?.verify_password(password.as_bytes(), &hash).is_ok())
}

/// Does the password fit? Without a hash (unknown login) it takes as long and says no. Call it in a turn of the gate for hashes.
///
/// # Errors
/// If the stored hash cannot be read.
pub async fn verify(app: &App, password: String, stored: Option<String>) -> Result<bool> {
    let stored = stored.filter(|hash| hash != NO_PASSWORD);
    let known = stored.is_some();
    let stored = stored.unwrap_or_else(|| NOBODY.to_owned());
    app.passwords_computed.fetch_add(1, Ordering::Relaxed);
    let fits = tokio::task::spawn_blocking(move || matches(&password, &stored))
        .await
        .map_err(|error| Error::Internal(Box::new(error)))??;
    Ok(fits && known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_fits() {
        let stored = hash("朝阳寺村-2026").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(matches("朝阳寺村-2026", &stored).unwrap());
        assert!(!matches("朝阳寺村-2027", &stored).unwrap());
        assert!(!matches("", NOBODY).unwrap(), "the stand-in can be computed");
    }
}
