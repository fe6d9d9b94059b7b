//! Phones that ask to be let in: what they send is sealed already, to keys that the server does not have.

use async_trait::async_trait;
use zoufang_core::record::{DeviceId, Timestamp};
use zoufang_core::seal::PublicKey;

use super::SealedStore;
use crate::store::{Recovery, RecoveryStore, Result};

#[async_trait]
impl RecoveryStore for SealedStore {
    async fn recovery_key(&self) -> Result<Option<PublicKey>> {
        self.inner.recovery_key().await
    }

    async fn put_recovery_key(&self, key: Option<PublicKey>) -> Result<()> {
        self.inner.put_recovery_key(key).await
    }

    async fn put_recovery(&self, recovery: &Recovery) -> Result<()> {
        self.inner.put_recovery(recovery).await
    }

    async fn recovery(&self, device: DeviceId) -> Result<Option<Recovery>> {
        self.inner.recovery(device).await
    }

    async fn recoveries(&self) -> Result<Vec<Recovery>> {
        self.inner.recoveries().await
    }

    async fn answer_recovery(&self, device: DeviceId, request: &[u8], answer: &[u8]) -> Result<bool> {
        self.inner.answer_recovery(device, request, answer).await
    }

    async fn remove_recovery(&self, device: DeviceId) -> Result<()> {
        self.inner.remove_recovery(device).await
    }

    async fn forget_recoveries(&self, asked_until: Timestamp) -> Result<()> {
        self.inner.forget_recoveries(asked_until).await
    }
}
