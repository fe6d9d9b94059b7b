//! Everything that the store in memory keeps.

use std::collections::{BTreeMap, BTreeSet};

use zoufang_core::record::{ChangeHash, DeviceId, DocId, EpochId, Timestamp, UnitId, UserId};
use zoufang_core::seal::PublicKey;

use super::devices::Devices;
use super::log::UnitLog;
use crate::readings::Line;
use crate::store::office::{ContactProjection, PersonProjection, VisitProjection};
use crate::store::{
    Account, Device, DocumentState, Move, Recovery, Segment, SignKey, Signer, Tail, Ticket, TokenHash, Unit,
    UnitCode,
};

/// One failed or running sign-in try.
#[derive(Clone, Copy)]
pub(super) struct Try {
    pub(super) key: [u8; 16],
    pub(super) at: i64,
    pub(super) nonce: u64,
}

#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) directory_version: u32,
    pub(super) units: BTreeMap<UnitId, Unit>,
    pub(super) codes: BTreeMap<(String, u16), UnitCode>,
    pub(super) accounts: BTreeMap<UserId, Account>,
    pub(super) devices: BTreeMap<DeviceId, Device>,
    pub(super) sync_key: Option<PublicKey>,
    pub(super) marks: BTreeMap<&'static str, u32>,
    pub(super) recovery_key: Option<PublicKey>,
    pub(super) recoveries: BTreeMap<DeviceId, Recovery>,
    pub(super) sign_keys: BTreeMap<DeviceId, SignKey>,
    pub(super) sessions: BTreeMap<TokenHash, (DeviceId, UserId, Timestamp)>,
    pub(super) tries: Vec<Try>,
    pub(super) log: BTreeMap<UnitId, UnitLog>,
    pub(super) places: BTreeMap<ChangeHash, (UnitId, u64)>,
    pub(super) docs: BTreeMap<DocId, (DocumentState, Vec<u8>)>,
    pub(super) segments: BTreeMap<(UnitId, u64), Segment>,
    pub(super) people: BTreeMap<(UnitId, DocId), PersonProjection>,
    pub(super) visits: BTreeMap<DocId, (UnitId, VisitProjection)>,
    pub(super) contacts: BTreeMap<DocId, (UnitId, ContactProjection)>,
    pub(super) erased: BTreeMap<([u8; 32], UnitId), (u64, Timestamp)>,
    pub(super) replaced: BTreeSet<(DocId, ChangeHash)>,
    pub(super) moves: Vec<Move>,
    pub(super) tickets: BTreeMap<DeviceId, Ticket>,
    pub(super) cursors: BTreeMap<(DeviceId, UnitId), u64>,
    pub(super) about_devices: Devices,
    pub(super) readings: Vec<Line>,
    pub(super) epoch: EpochId,
}

impl State {
    pub(super) fn signer(&self, device: DeviceId) -> Option<Signer> {
        let found = self.devices.get(&device)?;
        let account = self.accounts.get(&found.user).filter(|account| !account.disabled)?.clone();
        let key = *self.sign_keys.get(&device)?;
        let revoked = found.revoked_at.is_some();
        Some(Signer { account, former: found.former.clone(), key, revoked })
    }

    pub(super) fn tail(&self, unit: UnitId) -> Tail {
        self.log.get(&unit).map_or(Tail { unit, ..Tail::default() }, |log| log.tail)
    }
}
