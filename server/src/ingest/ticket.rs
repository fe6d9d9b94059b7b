//! Telling a device from a copy of it: each push is answered with a ticket, and the next push must show it.
//!
//! A phone's storage that was copied to another phone, or put back from a backup, shows a ticket that was used already. A
//! lost answer looks like that, too, but then the same first change is pushed again, or was told of in a letter. Such a repetition is given the ticket of
//! before: it may be a request that was under way for long and was overtaken by its own repetition, whose ticket the phone has.

use sha2::{Digest, Sha256};
use zoufang_core::record::{ChangeHash, DeviceId};

use crate::error::Result;
use crate::store::{Ticket, WriteTx};

/// What a push shows.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The device that pushes.
    pub device: DeviceId,
    /// Its ticket; nothing before its first answer.
    pub ticket: Option<u64>,
    /// Whether it counts: phones of version 1 have none.
    pub counts: bool,
    /// What the phone was told of in letters since that ticket, and does not push again.
    pub told: Vec<ChangeHash>,
}

impl Shown {
    /// A push to which tickets do not apply.
    #[must_use]
    pub fn nothing(device: DeviceId) -> Self {
        Self { device, ticket: None, counts: false, told: Vec::new() }
    }

    /// Takes the ticket and gives a new one; `None` if the storage is a copy.
    pub(super) async fn exchange(
        &self,
        tx: &mut dyn WriteTx,
        pushed: &[ChangeHash],
    ) -> Result<Option<Option<u64>>> {
        if !self.counts {
            return Ok(Some(None));
        }
        if let Some(known) = tx.ticket(self.device).await? {
            let fresh = self.ticket == Some(known.current);
            // Who knows what that push began with is the phone that made it, also where it need not push that again.
            let knows_first = pushed.contains(&known.first) || self.told.contains(&known.first);
            let repeated = self.ticket == known.shown && knows_first;
            if !fresh {
                return Ok(repeated.then_some(Some(known.current)));
            }
        }
        let current = next(self.ticket, pushed);
        if let Some(first) = pushed.first() {
            tx.put_ticket(self.device, &Ticket { current, shown: self.ticket, first: *first }).await?;
        }
        Ok(Some(Some(current)))
    }
}

/// The ticket after this push: what two copies of a device send differs, and so do their tickets.
fn next(shown: Option<u64>, pushed: &[ChangeHash]) -> u64 {
    let mut sum = Sha256::new().chain_update(b"ticket").chain_update(shown.unwrap_or_default().to_le_bytes());
    for hash in pushed {
        sum.update(hash.0);
    }
    let digest: [u8; 32] = sum.finalize().into();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(first)
}
