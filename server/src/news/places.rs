//! How many streams may be open: in all, and of one device.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use zoufang_core::record::DeviceId;

use crate::error::{Error, Result};

/// Streams of one process.
const STREAMS_MAX: usize = 1_024;
/// Streams of one device: a new one takes the place of the oldest, whose line may have died without anybody noticing.
pub const DEVICE_STREAMS_MAX: usize = 3;

/// The places that are taken; each can be taken back.
#[derive(Debug, Default)]
struct Taken {
    count: usize,
    drawn: u64,
    closed: bool,
    devices: BTreeMap<DeviceId, VecDeque<(u64, oneshot::Sender<Infallible>)>>,
}

type Infallible = std::convert::Infallible;

/// All places.
#[derive(Clone, Debug, Default)]
pub struct Places(Arc<Mutex<Taken>>);

impl Places {
    /// A place for a stream of this device.
    ///
    /// # Errors
    /// [`Error::Busy`] if there is none.
    pub fn take(&self, device: DeviceId) -> Result<Place> {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = &mut *guard;
        let oldest = taken.devices.get_mut(&device).filter(|own| own.len() >= DEVICE_STREAMS_MAX);
        if oldest.and_then(VecDeque::pop_front).is_some() {
            taken.count -= 1;
        }
        if taken.closed || taken.count >= STREAMS_MAX {
            return Err(Error::Busy);
        }
        let (held, lost) = oneshot::channel();
        taken.drawn += 1;
        taken.count += 1;
        taken.devices.entry(device).or_default().push_back((taken.drawn, held));
        Ok(Place { places: self.clone(), device, number: taken.drawn, lost })
    }

    /// Ends all streams, and lets none begin: the server stops.
    pub fn close(&self) {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.closed = true;
        taken.count = 0;
        taken.devices.clear();
    }

    fn leave(&self, device: DeviceId, number: u64) {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = &mut *guard;
        let Some(own) = taken.devices.get_mut(&device) else { return };
        let before = own.len();
        own.retain(|(other, _)| *other != number);
        taken.count -= before - own.len();
        if own.is_empty() {
            taken.devices.remove(&device);
        }
    }
}

/// One place, free again when it is dropped.
#[derive(Debug)]
pub struct Place {
    places: Places,
    device: DeviceId,
    number: u64,
    lost: oneshot::Receiver<Infallible>,
}

impl Place {
    /// Returns when the place was taken back.
    pub async fn lost(&mut self) {
        // Nothing is ever sent: the other end is dropped.
        let _ = (&mut self.lost).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.leave(self.device, self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_device_has_few_places_and_all_have_many() {
        let places = Places::default();
        let mut first = places.take(DeviceId(0)).unwrap();
        let own: Vec<Place> = (0..DEVICE_STREAMS_MAX).map(|_| places.take(DeviceId(0)).unwrap()).collect();
        first.lost().await;
        let others: Vec<Place> =
            (own.len()..STREAMS_MAX).map(|device| places.take(DeviceId(device as u64)).unwrap()).collect();
        assert!(matches!(places.take(DeviceId(9_999)), Err(Error::Busy)));
        drop((first, own));
        let mut again = places.take(DeviceId(9_999)).unwrap();
        places.close();
        again.lost().await;
        drop((others, again));
        assert!(matches!(places.take(DeviceId(1)), Err(Error::Busy)), "closed");
        assert_eq!(places.0.lock().unwrap().count, 0);
    }
}
