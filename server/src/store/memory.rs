//! The store in memory: for tests, and as the plainest telling of what a store is.
//!
//! A writing transaction works on a copy of everything and puts it in place on commit; nothing here is meant to be big.

mod devices;
mod log;
mod office;
mod readings;
mod recovery;
mod state;
mod tx;

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use tokio::sync::Mutex;
use zoufang_core::record::{ChangeHash, DeviceId, DocId, EpochId, Timestamp, UnitId, UserId};
use zoufang_core::seal::PublicKey;

use super::news::{Listener, News, Teller};
use super::office::{ContactLine, Filter, PersonLine, UnitFigures, VisitLine};
use super::{
    Account, Device, DeviceLine, Erasure, Late, LogEntry, LogPage, Mark, NewAccount, Principal, Resealed,
    Result, Sealed, Segment, SignKey, Signer, Store, StoreError, Tail, TokenHash, TryOutcome, Unit, UnitCode,
    WriteTx,
};
use crate::readings::{Head, Line, Reading, Which};
use devices::Devices;
use log::UnitLog;
use state::{State, Try};

/// The store in memory. A clone is the same store.
#[derive(Clone)]
pub struct MemoryStore {
    state: Arc<RwLock<State>>,
    writer: Arc<Mutex<()>>,
    teller: Teller,
}

impl MemoryStore {
    /// An empty store with this epoch.
    #[must_use]
    pub fn new(epoch: EpochId) -> Self {
        let state = State { directory_version: 1, epoch, ..State::default() };
        Self { state: Arc::new(RwLock::new(state)), writer: Arc::default(), teller: Teller::default() }
    }

    /// Everything of now in a store of its own, under an epoch: what a backup that is restored is.
    #[must_use]
    pub fn restored(&self, epoch: EpochId) -> Self {
        let mut state = self.look(State::clone);
        state.epoch = epoch;
        state.tickets.clear();
        Self { state: Arc::new(RwLock::new(state)), writer: Arc::default(), teller: Teller::default() }
    }

    fn look<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn change<T>(&self, write: impl FnOnce(&mut State) -> T) -> T {
        let _writer = self.writer.lock().await;
        write(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn ready(&self) -> Result<()> {
        Ok(())
    }

    async fn engine(&self) -> Result<String> {
        Ok("memory".to_owned())
    }

    async fn close(&self) {}

    fn news(&self) -> Listener {
        self.teller.listener()
    }

    async fn epoch(&self) -> Result<EpochId> {
        Ok(self.look(|state| state.epoch))
    }

    async fn directory_version(&self) -> Result<u32> {
        Ok(self.look(|state| state.directory_version))
    }

    async fn sync_key(&self) -> Result<Option<PublicKey>> {
        Ok(self.look(|state| state.sync_key))
    }

    async fn put_sync_key(&self, key: PublicKey) -> Result<()> {
        self.change(|state| {
            state.sync_key = Some(key);
            state.directory_version += 1;
        })
        .await;
        self.teller.tell(News::Directory);
        Ok(())
    }

    async fn mark(&self, mark: Mark) -> Result<Option<u32>> {
        Ok(self.look(|state| state.marks.get(mark.name()).copied()))
    }

    async fn put_mark(&self, mark: Mark, value: u32) -> Result<()> {
        self.change(|state| state.marks.insert(mark.name(), value)).await;
        Ok(())
    }

    async fn reseal_changes(&self, unit: UnitId, changes: &[Resealed]) -> Result<()> {
        self.change(|state| state.log.get_mut(&unit).map(|log| log.reseal(changes))).await;
        Ok(())
    }

    async fn reseal_late(&self, late: &[Late]) -> Result<()> {
        self.change(|state| state.about_devices.reseal(late)).await;
        Ok(())
    }

    async fn forget_segments(&self) -> Result<()> {
        self.change(|state| state.segments.clear()).await;
        Ok(())
    }

    async fn forget_overwritten(&self) -> Result<()> {
        Ok(())
    }

    async fn units(&self) -> Result<Vec<Unit>> {
        Ok(self.look(|state| state.units.values().cloned().collect()))
    }

    async fn put_units(&self, units: &[Unit], codes: &[UnitCode]) -> Result<()> {
        self.change(|state| {
            state.units.extend(units.iter().map(|unit| (unit.id, unit.clone())));
            state.codes.extend(codes.iter().map(|code| ((code.code.clone(), code.from_year), code.clone())));
            state.directory_version += 1;
        })
        .await;
        self.teller.tell(News::Directory);
        Ok(())
    }

    async fn unit_codes(&self) -> Result<Vec<UnitCode>> {
        Ok(self.look(|state| state.codes.values().cloned().collect()))
    }

    async fn add_account(&self, new: &NewAccount) -> Result<UserId> {
        let added = self.change(|state| {
            if state.accounts.values().any(|account| account.login == new.login) {
                return Err(StoreError::Taken("login"));
            }
            let id = UserId(state.accounts.keys().next_back().map_or(1, |last| last.0 + 1));
            let (login, name, password) = (new.login.clone(), new.name.clone(), new.password.clone());
            state.accounts.insert(
                id,
                Account { id, login, name, role: new.role, unit: new.unit, password, disabled: false },
            );
            state.directory_version += 1;
            Ok(id)
        });
        let id = added.await?;
        self.teller.tell(News::Directory);
        Ok(id)
    }

    async fn accounts(&self) -> Result<Vec<Account>> {
        Ok(self.look(|state| state.accounts.values().cloned().collect()))
    }

    async fn account_by_login(&self, login: &str) -> Result<Option<Account>> {
        Ok(self.look(|state| state.accounts.values().find(|account| account.login == login).cloned()))
    }

    async fn add_device(&self, device: &Device) -> Result<()> {
        self.change(|state| {
            if state.devices.contains_key(&device.id) {
                return Err(StoreError::Taken("key"));
            }
            state.devices.insert(device.id, device.clone());
            Ok(())
        })
        .await
    }

    async fn device(&self, device: DeviceId) -> Result<Option<Device>> {
        Ok(self.look(|state| state.devices.get(&device).cloned()))
    }

    async fn revoke_device(&self, device: DeviceId, now: Timestamp) -> Result<()> {
        self.change(|state| {
            if let Some(device) = state.devices.get_mut(&device) {
                device.revoked_at.get_or_insert(now);
            }
            state.sessions.retain(|_, session| session.0 != device);
            state.recoveries.remove(&device);
        })
        .await;
        self.teller.tell(News::Sessions);
        Ok(())
    }

    async fn devices(&self) -> Result<Vec<DeviceLine>> {
        Ok(self.look(Devices::lines))
    }

    async fn touch_devices(&self, seen: &[(DeviceId, Timestamp)]) -> Result<()> {
        self.change(|state| state.about_devices.touch(seen)).await;
        Ok(())
    }

    async fn put_wiped(&self, device: DeviceId, now: Timestamp) -> Result<()> {
        self.change(|state| state.about_devices.wiped(device, now)).await;
        Ok(())
    }

    async fn put_late(&self, late: &[Late]) -> Result<()> {
        self.change(|state| state.about_devices.put_late(late)).await;
        Ok(())
    }

    async fn late(&self) -> Result<Vec<Late>> {
        Ok(self.look(|state| state.about_devices.late()))
    }

    async fn put_enrol_code(&self, user: UserId, hash: [u8; 32], expires_at: Timestamp) -> Result<()> {
        self.change(|state| state.about_devices.put_code(user, hash, expires_at)).await;
        Ok(())
    }

    async fn take_enrol_code(&self, user: UserId, hash: [u8; 32], now: Timestamp) -> Result<bool> {
        Ok(self.change(|state| state.about_devices.take_code(user, hash, now)).await)
    }

    async fn remove_late(&self, device: DeviceId, hashes: &[ChangeHash]) -> Result<()> {
        self.change(|state| state.about_devices.remove_late(device, hashes)).await;
        Ok(())
    }

    async fn put_sign_key(&self, device: DeviceId, key: SignKey) -> Result<()> {
        self.change(|state| {
            if state.devices.contains_key(&device) {
                state.sign_keys.insert(device, key);
            }
        })
        .await;
        Ok(())
    }

    async fn signer(&self, device: DeviceId) -> Result<Option<Signer>> {
        Ok(self.look(|state| state.signer(device)))
    }

    async fn open_session(
        &self,
        token: TokenHash,
        device: DeviceId,
        user: UserId,
        expires_at: Timestamp,
    ) -> Result<()> {
        self.change(|state| state.sessions.insert(token, (device, user, expires_at))).await;
        Ok(())
    }

    async fn principal(&self, token: TokenHash, now: Timestamp) -> Result<Option<Principal>> {
        Ok(self.look(|state| {
            let (device, user, expires_at) = *state.sessions.get(&token)?;
            let alive = state
                .devices
                .get(&device)
                .is_some_and(|device| device.user == user && device.revoked_at.is_none());
            let account = state.accounts.get(&user).filter(|account| !account.disabled)?.clone();
            let former = state.devices.get(&device).map(|device| device.former.clone()).unwrap_or_default();
            (alive && expires_at > now).then_some(Principal { account, device, former, expires_at })
        }))
    }

    async fn close_session(&self, token: TokenHash) -> Result<()> {
        self.change(|state| state.sessions.remove(&token)).await;
        self.teller.tell(News::Sessions);
        Ok(())
    }

    async fn begin_try(
        &self,
        keys: &[([u8; 16], u32)],
        nonce: u64,
        now: Timestamp,
        window_ms: i64,
    ) -> Result<TryOutcome> {
        let outcome = self.change(|state| {
            state.tries.retain(|one| one.at > now.0.saturating_sub(window_ms));
            for (key, tries_max) in keys {
                let mut times: Vec<i64> =
                    state.tries.iter().filter(|one| one.key == *key).map(|one| one.at).collect();
                times.sort_unstable_by(|a, b| b.cmp(a));
                if let Some(at) = times.get(tries_max.saturating_sub(1) as usize) {
                    return TryOutcome::LockedUntil(Timestamp(at.saturating_add(window_ms)));
                }
            }
            state.tries.extend(keys.iter().map(|(key, _)| Try { key: *key, at: now.0, nonce }));
            TryOutcome::Counted
        });
        Ok(outcome.await)
    }

    async fn forgive_try(&self, keys: &[[u8; 16]], nonce: u64) -> Result<()> {
        self.change(|state| {
            state.tries.retain(|one| {
                keys.first() != Some(&one.key) && !(keys.contains(&one.key) && one.nonce == nonce)
            });
        })
        .await;
        Ok(())
    }

    async fn tails(&self, units: &[UnitId]) -> Result<Vec<Tail>> {
        Ok(self.look(|state| units.iter().map(|unit| state.tail(*unit)).collect()))
    }

    async fn read_log(&self, unit: UnitId, after_seq: u64, bytes_max: usize) -> Result<LogPage> {
        Ok(self.look(|state| match state.log.get(&unit) {
            Some(log) => log.page(after_seq, bytes_max),
            None => LogPage { to_seq: after_seq, tail: state.tail(unit), ..LogPage::default() },
        }))
    }

    async fn hashes(&self, unit: UnitId, prefix: &[u8]) -> Result<Vec<ChangeHash>> {
        Ok(self.look(|state| {
            let hashes =
                state.log.get(&unit).into_iter().flat_map(|log| log.entries().map(|entry| entry.hash));
            hashes.filter(|hash| hash.0.starts_with(prefix)).collect()
        }))
    }

    async fn changes(&self, unit: UnitId, hashes: &[ChangeHash]) -> Result<Vec<LogEntry>> {
        Ok(self.look(|state| {
            let entries = state.log.get(&unit).into_iter().flat_map(UnitLog::entries);
            entries.filter(|entry| hashes.contains(&entry.hash)).cloned().collect()
        }))
    }

    async fn begun_anew(&self, unit: UnitId, doc: DocId) -> Result<Vec<LogEntry>> {
        Ok(self.look(|state| {
            let began = state.docs.get(&doc).is_some_and(|(state, _)| state.re_rooted);
            let log = state.log.get(&unit).filter(|_| began);
            log.into_iter().flat_map(|log| log.of_doc(doc)).map(|stored| stored.entry.clone()).collect()
        }))
    }

    async fn rows(&self, docs: &[DocId]) -> Result<Vec<(DocId, Vec<u8>)>> {
        Ok(self.look(|state| {
            let wanted: BTreeSet<&DocId> = docs.iter().collect();
            wanted.into_iter().filter_map(|doc| Some((*doc, state.docs.get(doc)?.1.clone()))).collect()
        }))
    }

    async fn segment(&self, unit: UnitId, from_seq: u64) -> Result<Option<Segment>> {
        Ok(self.look(|state| state.segments.get(&(unit, from_seq)).cloned()))
    }

    async fn sealed(&self, unit: UnitId) -> Result<Sealed> {
        Ok(self.look(|state| {
            let of_unit = state.segments.values().filter(|segment| segment.unit == unit);
            of_unit.fold(Sealed::default(), |sealed, segment| Sealed {
                to_seq: sealed.to_seq.max(segment.to_seq),
                size_bytes: sealed.size_bytes + segment.size_bytes,
            })
        }))
    }

    async fn note_cursors(&self, device: DeviceId, cursors: &[(UnitId, u64)], _: Timestamp) -> Result<()> {
        self.change(|state| {
            state.cursors.extend(cursors.iter().map(|(unit, seq)| ((device, *unit), *seq)));
        })
        .await;
        Ok(())
    }

    async fn erasures(&self) -> Result<Vec<Erasure>> {
        Ok(self.look(|state| {
            let waits = |unit: UnitId, seq: u64| {
                let behind = state.cursors.iter().filter(|((_, at), read)| *at == unit && **read < seq);
                let in_use = |device: &DeviceId| {
                    state.devices.get(device).is_some_and(|device| device.revoked_at.is_none())
                };
                behind.map(|((device, _), _)| *device).filter(in_use).collect()
            };
            let mut erasures: Vec<Erasure> = state
                .erased
                .iter()
                .map(|((_, unit), (seq, at))| Erasure {
                    unit: *unit,
                    seq: *seq,
                    at: *at,
                    waiting_for: waits(*unit, *seq),
                })
                .collect();
            erasures.sort_by_key(|erasure| (std::cmp::Reverse(erasure.at), erasure.unit, erasure.seq));
            erasures
        }))
    }

    async fn units_of(&self, docs: &[DocId]) -> Result<Vec<(DocId, UnitId)>> {
        Ok(self.look(|state| state.units_of(docs)))
    }

    async fn append_readings(&self, readings: &[Reading]) -> Result<()> {
        self.change(|state| state.add_readings(readings)).await;
        Ok(())
    }

    async fn readings(&self, which: &Which, before_seq: Option<u64>, count_max: u32) -> Result<Vec<Line>> {
        Ok(self.look(|state| state.readings(which, before_seq, count_max)))
    }

    async fn readings_after(&self, after_seq: u64, count_max: u32) -> Result<Vec<Line>> {
        Ok(self.look(|state| state.readings_after(after_seq, count_max)))
    }

    async fn readings_head(&self) -> Result<Head> {
        Ok(self.look(State::readings_head))
    }

    async fn renew_epoch(&self, epoch: EpochId) -> Result<()> {
        self.change(|state| {
            state.epoch = epoch;
            state.tickets.clear();
        })
        .await;
        Ok(())
    }

    async fn put_segment(&self, segment: &Segment, cuts: u64) -> Result<()> {
        self.change(|state| {
            if state.tail(segment.unit).cuts != cuts {
                return;
            }
            state.segments.entry((segment.unit, segment.from_seq)).or_insert_with(|| segment.clone());
        })
        .await;
        Ok(())
    }

    async fn begin(&self) -> Result<Box<dyn WriteTx>> {
        let writer = Arc::clone(&self.writer).lock_owned().await;
        let staged = self.look(State::clone);
        let (home, teller) = (Arc::clone(&self.state), self.teller.clone());
        Ok(Box::new(tx::MemoryTx { _writer: writer, staged, home, teller, grown: BTreeSet::new() }))
    }

    async fn units_with_log(&self) -> Result<Vec<UnitId>> {
        Ok(self.look(|state| state.log.keys().copied().collect()))
    }

    async fn overview(&self, units: &[UnitId], month: &str) -> Result<Vec<UnitFigures>> {
        Ok(self.look(|state| office::overview(state, units, month)))
    }

    async fn visits(&self, filter: &Filter) -> Result<Vec<VisitLine>> {
        Ok(self.look(|state| office::visits(state, filter)))
    }

    async fn contacts(&self, filter: &Filter) -> Result<Vec<ContactLine>> {
        Ok(self.look(|state| office::contacts(state, filter)))
    }

    async fn people(&self, units: &[UnitId]) -> Result<Vec<PersonLine>> {
        Ok(self.look(|state| office::people(state, units)))
    }

    async fn last_visits(&self, people: &[DocId]) -> Result<Vec<(DocId, String)>> {
        Ok(self.look(|state| office::last_visits(state, people)))
    }

    async fn row_counts(&self) -> Result<Vec<(&'static str, u64)>> {
        Ok(self.look(|state| {
            let visit_people = state.visits.values().map(|(_, visit)| visit.people.len()).sum();
            let counts = [
                ("log", state.places.len()),
                ("control", state.log.values().map(UnitLog::controls).sum()),
                ("doc", state.docs.len()),
                ("unit_log", state.log.len()),
                ("segment", state.segments.len()),
                ("person", state.people.len()),
                ("visit", state.visits.len()),
                ("visit_person", visit_people),
                ("contact", state.contacts.len()),
            ];
            counts.into_iter().map(|(table, count)| (table, count as u64)).collect()
        }))
    }
}
