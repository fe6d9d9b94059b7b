//! Phones whose PIN is forgotten: the key that they are told, what they ask, and how one is let in.

use zoufang_core::record::{DeviceId, Timestamp};
use zoufang_core::seal::{PublicKey, RecoveryRequest, SealError, SecretKey};

use crate::account::token;
use crate::crash::crash_point;
use crate::error::Error;
use crate::store::{Recovery, Store, StoreError};

/// A request that nobody answered is forgotten after seven days.
pub const ASKED_MS: i64 = 7 * 24 * 3_600_000;

/// Why a phone is not let in. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// It does not ask.
    #[error("this device does not ask to be let in")]
    NotAsked,
    /// What somebody said is not the number of what it asks.
    #[error("the check number is another: ask again what the phone shows; nothing was done")]
    OtherNumber,
    /// The key is not the one that the phone was told, or the slot is damaged.
    #[error("this key does not open it ({0}); nothing was done")]
    Unopened(SealError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The system gives no randomness.
    #[error("{0}")]
    Random(#[from] Error),
}

/// Tells phones the organisation's recovery key, or that there is none any more.
///
/// # Errors
/// If the store fails.
pub async fn announce(store: &dyn Store, key: Option<PublicKey>) -> Result<(), StoreError> {
    if store.recovery_key().await? == key {
        return Ok(());
    }
    tracing::info!(there = key.is_some(), "the recovery key is another now");
    crash_point!("recovery.key.before");
    store.put_recovery_key(key).await?;
    crash_point!("recovery.key.after");
    Ok(())
}

/// A request as it was sent; `None` if it is none.
#[must_use]
pub fn read(request: &[u8]) -> Option<RecoveryRequest> {
    minicbor::decode(request).ok()
}

/// Requests that were made then, or before, are too old.
#[must_use]
pub fn old(now: Timestamp) -> Timestamp {
    Timestamp(now.0 - ASKED_MS)
}

/// Forgets requests that are too old.
///
/// # Errors
/// If the store fails.
pub async fn forget_old(store: &dyn Store, now: Timestamp) -> Result<(), StoreError> {
    let asked_until = old(now);
    // Most of the time there is none, and nothing is written.
    if store.recoveries().await?.iter().any(|asked| asked.asked_at <= asked_until) {
        store.forget_recoveries(asked_until).await?;
    }
    Ok(())
}

/// Lets a phone in: its data key, out of its slot, is sealed to the key of its request.
///
/// # Errors
/// [`RecoverError`]; nothing was changed then.
pub async fn let_in(
    store: &dyn Store,
    device: DeviceId,
    check_number: &str,
    recovery: &SecretKey,
) -> Result<(), RecoverError> {
    let Recovery { request, .. } = store.recovery(device).await?.ok_or(RecoverError::NotAsked)?;
    let asked = read(&request).ok_or(RecoverError::NotAsked)?;
    let said: String = check_number.chars().filter(char::is_ascii_digit).collect();
    if said != asked.check_number() {
        return Err(RecoverError::OtherNumber);
    }
    let answer = asked.answer(recovery, token::random_bytes()?).map_err(RecoverError::Unopened)?;
    crash_point!("recovery.answer.before");
    let is_there = store.answer_recovery(device, &request, &answer).await?;
    crash_point!("recovery.answer.after");
    if is_there { Ok(()) } else { Err(RecoverError::NotAsked) }
}
