//! Phones that ask to be let in.

use async_trait::async_trait;
use zoufang_core::record::{DeviceId, Timestamp};
use zoufang_core::seal::PublicKey;

use super::MemoryStore;
use crate::store::news::News;
use crate::store::{Recovery, RecoveryStore, Result};

#[async_trait]
impl RecoveryStore for MemoryStore {
    async fn recovery_key(&self) -> Result<Option<PublicKey>> {
        Ok(self.look(|state| state.recovery_key))
    }

    async fn put_recovery_key(&self, key: Option<PublicKey>) -> Result<()> {
        self.change(|state| {
            state.recovery_key = key;
            state.directory_version += 1;
        })
        .await;
        self.teller.tell(News::Directory);
        Ok(())
    }

    async fn put_recovery(&self, recovery: &Recovery) -> Result<()> {
        self.change(|state| {
            if state.devices.get(&recovery.device).is_some_and(|device| device.revoked_at.is_none()) {
                state.recoveries.insert(recovery.device, recovery.clone());
            }
        })
        .await;
        Ok(())
    }

    async fn recovery(&self, device: DeviceId) -> Result<Option<Recovery>> {
        Ok(self.look(|state| state.recoveries.get(&device).cloned()))
    }

    async fn recoveries(&self) -> Result<Vec<Recovery>> {
        let mut all: Vec<Recovery> = self.look(|state| state.recoveries.values().cloned().collect());
        all.sort_by_key(|recovery| (recovery.asked_at, recovery.device.0.cast_signed()));
        Ok(all)
    }

    async fn answer_recovery(&self, device: DeviceId, request: &[u8], answer: &[u8]) -> Result<bool> {
        let answered = self.change(|state| {
            let asked = state.recoveries.get_mut(&device).filter(|asked| asked.request == request)?;
            asked.answer = Some(answer.to_vec());
            Some(())
        });
        Ok(answered.await.is_some())
    }

    async fn remove_recovery(&self, device: DeviceId) -> Result<()> {
        self.change(|state| state.recoveries.remove(&device)).await;
        Ok(())
    }

    async fn forget_recoveries(&self, asked_until: Timestamp) -> Result<()> {
        self.change(|state| state.recoveries.retain(|_, asked| asked.asked_at > asked_until)).await;
        Ok(())
    }
}
