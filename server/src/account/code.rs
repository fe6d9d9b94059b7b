//! One-time codes: a supervisor makes one for a user, who types it when a phone is enrolled. Eight digits, good once and for a day,
//! one at a time for each user. The store has only a keyed hash: without the server's keys all of them could be guessed.

use zeroize::Zeroizing;
use zoufang_core::record::{Timestamp, UserId};

use super::token;
use crate::error::{Error, Result};
use crate::keys::derived;
use crate::state::App;
use crate::store::Store;

/// A code is good for so long.
pub const CODE_MS: i64 = 24 * 3_600_000;
const DIGITS: usize = 8;

/// The key of the hashes.
#[derive(Clone, Default)]
pub struct CodeKey(Zeroizing<[u8; 32]>);

impl CodeKey {
    /// Of 32 bytes.
    #[must_use]
    pub fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self(key)
    }

    fn hash(&self, user: UserId, digits: &str) -> [u8; 32] {
        *derived(&self.0, &[&user.0.to_be_bytes(), digits.as_bytes()].concat())
    }
}

/// Makes a code for a user, in place of one that was made before.
///
/// # Errors
/// If the store fails, or the system gives no randomness.
pub async fn make(
    store: &dyn Store,
    key: &CodeKey,
    user: UserId,
    now: Timestamp,
) -> Result<(String, Timestamp)> {
    // The remainder is off by less than one in 10^11.
    let digits = format!("{:0DIGITS$}", token::random_u64()? % 100_000_000);
    let expires_at = Timestamp(now.0 + CODE_MS);
    store.put_enrol_code(user, key.hash(user, &digits), expires_at).await?;
    Ok((digits, expires_at))
}

/// Uses a code up. It may be typed with spaces.
///
/// # Errors
/// [`Error::CodeNeeded`] if none was typed, [`Error::CodeWrong`] if it is not the user's, was used or is too old.
pub async fn take(app: &App, user: UserId, typed: Option<&str>) -> Result<()> {
    let digits: String = typed.unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() {
        return Err(Error::CodeNeeded);
    }
    let fits = app.store.take_enrol_code(user, app.code_key.hash(user, &digits), app.now()).await?;
    if fits { Ok(()) } else { Err(Error::CodeWrong) }
}
