//! The lock: tries of the PIN, each counted before it is made.
use zoufang_core::seal::{Attempts, Gate, Keyring, Pin, PinSlot, SealError};

use super::{
    fault::Fault,
    slots::{self, Slots},
    stretch,
};
use crate::platform::clock;

/// A phone on which a try takes longer gets a lower cost.
const SLOW_MS: u64 = 2_000;
/// A data key that is older gives its place to another.
const KEY_MS_MAX: i64 = 365 * 24 * 3_600_000;

/// A data key that a PIN opens, and how often it was tried.
pub(crate) struct Lock {
    slots: Slots,
    pin: PinSlot,
}

/// What came of a try.
pub(crate) enum Tried {
    /// The PIN was right.
    Opened(Keyring),
    /// It was not.
    Wrong,
    /// It was not, and it was the last one.
    Gone,
    /// It is too early: nothing was tried.
    TooEarly,
}

impl Lock {
    pub(super) fn new(slots: Slots, pin: PinSlot) -> Self {
        Self { slots, pin }
    }

    /// Wrong PINs that are left, and the wait before the next try in ms.
    pub(crate) fn attempts(&self) -> (u8, u64) {
        (self.slots.attempts.left(), self.slots.attempts.wait_ms())
    }

    /// The lock was in front of somebody for so long; kept so that a reload does not begin the wait anew.
    pub(crate) async fn waited(&mut self, ms: u64) -> Result<(), Fault> {
        let waited = self.slots.attempts.after(ms);
        slots::write(vec![slots::attempts(waited)]).await?;
        self.slots.attempts = waited;
        Ok(())
    }

    /// Tries a PIN, after it was counted in a transaction of its own.
    pub(crate) async fn try_pin(&mut self, text: &str) -> Result<Tried, Fault> {
        let before = self.slots.attempts;
        let counted = match self.slots.attempts.gate() {
            Gate::Try(counted) => counted,
            Gate::Wait(_) => return Ok(Tried::TooEarly),
            Gate::Gone => return self.gone().await,
        };
        slots::write(vec![slots::attempts(counted)]).await?;
        self.slots.attempts = counted;
        let (pin, salts) = (Pin::tried(text), self.pin.salts());
        let key = match stretch::stretch(salts, &pin).await {
            Ok((stretched, took_ms)) => {
                let mac = slots::mac_of_pin(&self.slots.device, salts, &stretched).await?;
                self.pin.open(&stretched, &mac).map(|key| (key, took_ms))
            }
            Err(error) => Err(error),
        };
        let (key, took_ms) = match key {
            Ok(found) => found,
            Err(SealError::WrongKey) => {
                return if counted.left() == 0 { self.gone().await } else { Ok(Tried::Wrong) };
            }
            // Nothing was tried, and nothing learned: too little memory, or a slot of a newer app.
            Err(_) => {
                slots::write(vec![slots::attempts(before)]).await?;
                self.slots.attempts = before;
                return Err(Fault::Fails("memory"));
            }
        };
        let keyring = self.slots.keyring(key);
        slots::write(vec![slots::attempts(Attempts::default())]).await?;
        self.slots.attempts = Attempts::default();
        // What makes the lock better may fail: the next right PIN does it.
        let is_old = |drawn| clock::now().0 - drawn > KEY_MS_MAX;
        if self.slots.drawn.is_some_and(|drawn| is_old(drawn.0)) {
            return Ok(Tried::Opened(slots::choose(&pin, &keyring).await.unwrap_or(keyring)));
        }
        let slower = salts.cost.lower().filter(|_| took_ms > SLOW_MS);
        if let Some(cost) = slower
            && let Ok(slot) = slots::seal_to(&pin, &self.slots.device, keyring.current(), cost).await
        {
            let _ = slots::write(vec![slots::pin(&slot)]).await;
        }
        Ok(Tried::Opened(keyring))
    }

    async fn gone(&self) -> Result<Tried, Fault> {
        slots::destroy_pin().await?;
        Ok(Tried::Gone)
    }
}
