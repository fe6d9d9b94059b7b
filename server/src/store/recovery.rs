//! What is kept for phones whose PIN is forgotten: the organisation's public key, and requests that wait for its owner.

use async_trait::async_trait;
use zoufang_core::record::{DeviceId, Timestamp};
use zoufang_core::seal::PublicKey;

use super::Result;

/// A phone asks to be let in. Nothing in it opens anything without the recovery key, and the answer only on that phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The phone.
    pub device: DeviceId,
    /// The request, as the phone sent it.
    pub request: Vec<u8>,
    /// When it asked.
    pub asked_at: Timestamp,
    /// The answer.
    pub answer: Option<Vec<u8>>,
}

/// The part of a store about it.
#[async_trait]
pub trait RecoveryStore {
    /// The key to which phones seal their data key.
    async fn recovery_key(&self) -> Result<Option<PublicKey>>;

    /// Sets it, or takes it away, and lets phones know by a new directory.
    async fn put_recovery_key(&self, key: Option<PublicKey>) -> Result<()>;

    /// Keeps a request in place of one of the same phone; of a phone that was revoked nothing is kept.
    async fn put_recovery(&self, recovery: &Recovery) -> Result<()>;

    /// A phone's request.
    async fn recovery(&self, device: DeviceId) -> Result<Option<Recovery>>;

    /// All requests, the oldest first.
    async fn recoveries(&self) -> Result<Vec<Recovery>>;

    /// Answers a phone's request; says whether it is still this one. Of an answer that is there a later one takes the place.
    async fn answer_recovery(&self, device: DeviceId, request: &[u8], answer: &[u8]) -> Result<bool>;

    /// Forgets a phone's request.
    async fn remove_recovery(&self, device: DeviceId) -> Result<()>;

    /// Forgets requests that were made at this time or before it.
    async fn forget_recoveries(&self, asked_until: Timestamp) -> Result<()>;
}
