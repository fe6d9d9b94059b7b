//! When devices were heard of, and what revoked ones brought.

use std::collections::BTreeMap;

use zoufang_core::record::{ChangeHash, DeviceId, DocId, Timestamp, UserId};

use super::State;
use crate::store::{DeviceLine, Late};

/// What the memory store knows of devices besides whose they are.
#[derive(Clone, Default)]
pub(super) struct Devices {
    seen: BTreeMap<DeviceId, Timestamp>,
    wiped: BTreeMap<DeviceId, Timestamp>,
    late: Vec<Late>,
    codes: BTreeMap<UserId, ([u8; 32], Timestamp)>,
}

impl Devices {
    pub(super) fn lines(state: &State) -> Vec<DeviceLine> {
        let known = &state.about_devices;
        let line = |(id, device): (&DeviceId, &crate::store::Device)| DeviceLine {
            device: device.clone(),
            seen_at: known.seen.get(id).copied(),
            wiped_at: known.wiped.get(id).copied(),
            late: known.late.iter().filter(|late| late.device == *id).count() as u64,
        };
        let mut lines: Vec<DeviceLine> = state.devices.iter().map(line).collect();
        lines.sort_by_key(|line| line.device.id.0.cast_signed());
        lines
    }

    pub(super) fn touch(&mut self, seen: &[(DeviceId, Timestamp)]) {
        self.seen.extend(seen.iter().copied());
    }

    pub(super) fn wiped(&mut self, device: DeviceId, now: Timestamp) {
        self.wiped.entry(device).or_insert(now);
    }

    pub(super) fn put_code(&mut self, user: UserId, hash: [u8; 32], expires_at: Timestamp) {
        self.codes.insert(user, (hash, expires_at));
    }

    pub(super) fn take_code(&mut self, user: UserId, hash: [u8; 32], now: Timestamp) -> bool {
        let fits = self.codes.get(&user).is_some_and(|(kept, until)| *kept == hash && *until > now);
        fits && self.codes.remove(&user).is_some()
    }

    pub(super) fn put_late(&mut self, late: &[Late]) {
        for late in late {
            if !self.late.iter().any(|kept| (kept.device, kept.hash) == (late.device, late.hash)) {
                self.late.push(late.clone());
            }
        }
    }

    pub(super) fn reseal(&mut self, late: &[Late]) {
        for kept in &mut self.late {
            if let Some(anew) = late.iter().find(|late| (late.device, late.hash) == (kept.device, kept.hash))
            {
                kept.raw.clone_from(&anew.raw);
            }
        }
    }

    pub(super) fn late(&self) -> Vec<Late> {
        let mut late = self.late.clone();
        late.sort_by_key(|late| (late.device.0.cast_signed(), late.received_at));
        late
    }

    pub(super) fn remove_late(&mut self, device: DeviceId, hashes: &[ChangeHash]) {
        self.late.retain(|late| late.device != device || !hashes.contains(&late.hash));
    }

    /// Nothing of an erased document stays.
    pub(super) fn erase(&mut self, doc: DocId) {
        self.late.retain(|late| late.doc != doc);
    }
}
