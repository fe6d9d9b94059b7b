//! A store with many documents, and the devices of those who wrote them.
//!
//! It is filled in this process through the server's own gate, in big transactions, so that it takes minutes.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::{Mutex, PoisonError, mpsc},
    thread,
};

use anyhow::{Context, Result, ensure};
use tokio::runtime::Runtime;
use zoufang_core::{
    access::Level,
    record::{DeviceId, Timestamp, UnitId, list::Role},
    sync::wire::{Push, Verdict},
};
use zoufang_server::{
    account::{password, session::SESSION_MS, token},
    ingest::{Authority, ingest_within},
    store::{self, Device, NewAccount},
    sync::segment,
    units::{self, UnitTable},
};
use zoufang_tests::{Process, device::now, made::Dice};

use super::{
    Store,
    data::Data,
    line::{self, Content, Letter, Served},
    phone::{Logs, Owner, Phone},
};

/// People that a device enters at once while the store is filled, each with visits: ten documents.
const PEOPLE: usize = 2;
const DOCUMENTS: usize = 10;
/// Devices in one transaction of filling.
const TOGETHER: usize = 200;
/// Transactions that are made ahead.
const AHEAD: usize = 2;
/// The store was filled over a year.
const YEAR_MS: i64 = 365 * 86_400_000;
/// As many documents as come in a year of filling; only ids and times depend on it.
const YEAR_DOCUMENTS: i64 = 1_000_000;
/// Of so many devices one is a township worker's, which is sent what all villages of the township write.
const TOWNSHIP_EVERY: usize = 10;

/// The data, the devices, and how many documents there are.
pub(super) struct Town {
    runtime: Runtime,
    data: Data,
    phones: Vec<Mutex<Phone>>,
    /// The first so many of them fill the store.
    writing: usize,
    documents: usize,
    dice: Dice,
}

impl Town {
    /// The real units and so many devices that write all the time, without a document but the first people of each; and `apart`
    /// devices more that know as many people as they keep and write nothing by themselves.
    pub(super) fn new(store: Store, devices: usize, apart: usize) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let data = Data::empty(store)?;
        let phones = runtime.block_on(async {
            let store = data.open().await?;
            let (units, codes) = units::listed()?;
            store.put_units(&units, &codes).await?;
            let phones = enrol(store.as_ref(), devices, apart).await;
            store.close().await;
            phones
        })?;
        Ok(Self { runtime, data, phones, writing: devices, documents: 0, dice: Dice::new(3) })
    }

    /// Fills the store up to so many documents.
    pub(super) fn fill(&mut self, documents: usize) -> Result<()> {
        let Self { runtime, data, phones, dice, .. } = self;
        let phones = &phones[..self.writing];
        let owners: Vec<Owner> = phones.iter().map(|phone| lock(phone).owner().clone()).collect();
        let (first, last) = (self.documents, documents);
        let (sender, receiver) = mpsc::sync_channel::<Result<Vec<Day>>>(AHEAD);
        thread::scope(|scope| {
            scope.spawn(move || {
                let mut made = first;
                while made < last {
                    let days = (last - made).div_ceil(DOCUMENTS).min(TOGETHER);
                    let at = time_of(made);
                    let batch = (0..days).map(|_| Day::make(phones, dice, at)).collect();
                    made += days * DOCUMENTS;
                    // The other side says what went wrong.
                    if sender.send(batch).is_err() {
                        return;
                    }
                }
            });
            runtime.block_on(async {
                let store = data.open().await?;
                let all = UnitTable::read(store.as_ref()).await?.all_logs();
                for batch in receiver {
                    enter(store.as_ref(), &owners, &all, batch?).await?;
                }
                for unit in store.units_with_log().await? {
                    segment::seal(store.as_ref(), unit).await?;
                }
                store.close().await;
                anyhow::Ok(())
            })
        })?;
        self.documents = documents;
        self.data.tidy()
    }

    /// Starts the server. All devices have all that is there.
    pub(super) fn start(&mut self) -> Result<Running<'_>> {
        self.runtime.block_on(async {
            let store = self.data.open().await?;
            let table = UnitTable::read(store.as_ref()).await?;
            let accounts = store.accounts().await?;
            let epoch = store.epoch().await?;
            for phone in &self.phones {
                let user = lock(phone).owner().user;
                let account = accounts.iter().find(|account| account.id == user).context("an account")?;
                let tails = store.tails(&table.logs(account)).await?;
                let cursors = tails.iter().map(|tail| (tail.unit, tail.last_seq)).collect();
                lock(phone).catch_up(Logs { epoch, directory_version: table.version, cursors });
            }
            store.close().await;
            anyhow::Ok(())
        })?;
        Ok(Running { process: self.data.launch().serve()?, phones: &self.phones })
    }
}

/// What one device wrote on one day.
struct Day {
    phone: usize,
    at: Timestamp,
    pushes: Vec<Push>,
}

impl Day {
    fn make(phones: &[Mutex<Phone>], dice: &mut Dice, at: Timestamp) -> Result<Self> {
        let phone = dice.below(phones.len());
        Ok(Self { phone, at, pushes: lock(&phones[phone]).fill(PEOPLE, at)? })
    }
}

fn time_of(document: usize) -> Timestamp {
    let share = i64::try_from(document).unwrap_or_default() * (YEAR_MS / YEAR_DOCUMENTS);
    Timestamp(now().0 - YEAR_MS - 86_400_000 + share)
}

async fn enter(
    store: &dyn store::Store,
    owners: &[Owner],
    all: &BTreeSet<UnitId>,
    days: Vec<Day>,
) -> Result<()> {
    let mut tx = store.begin().await?;
    for Day { phone, at, pushes } in days {
        let Owner { user, device, .. } = owners[phone];
        let authority = Authority { user, device, former: Vec::new(), scope: all.clone(), role: None };
        let verdicts = ingest_within(tx.as_mut(), &authority, pushes, at).await?;
        let refused = verdicts.iter().find(|verdict| !matches!(verdict, Verdict::Accepted(_)));
        ensure!(refused.is_none(), "a change was answered with {refused:?}");
    }
    Ok(tx.commit().await?)
}

/// A worker for each village, some for townships, and devices that are signed in. Each has its first people.
async fn enrol(store: &dyn store::Store, devices: usize, apart: usize) -> Result<Vec<Mutex<Phone>>> {
    let table = UnitTable::read(store).await?;
    let of = |level| table.units.values().filter(move |unit| unit.level == level).map(|unit| unit.id);
    let villages: Vec<UnitId> = of(Level::Village).collect();
    let townships: Vec<UnitId> = of(Level::Township).collect();
    let mut users = BTreeMap::new();
    for (role, unit) in villages
        .iter()
        .map(|unit| (Role::VillageWorker, unit))
        .chain(townships.iter().map(|unit| (Role::TownshipWorker, unit)))
    {
        let (login, name) = (format!("u{unit}"), format!("工作人员{unit}"));
        let password = password::NO_PASSWORD.to_owned();
        users.insert(
            *unit,
            store.add_account(&NewAccount { login, name, role, unit: *unit, password }).await?,
        );
    }
    let mut phones = Vec::with_capacity(devices + apart);
    for place in 0..devices + apart {
        let homes = if place % TOWNSHIP_EVERY == 0 { &townships } else { &villages };
        let unit = homes[place % homes.len()];
        let user = *users.get(&unit).context("a user of each unit")?;
        let (device, (token, hash)) = (DeviceId(token::random_u64()?), token::draw()?);
        let enrolled = Device {
            id: device,
            user,
            label: String::new(),
            enrolled_at: now(),
            revoked_at: None,
            former: Vec::new(),
        };
        store.add_device(&enrolled).await?;
        store.open_session(hash, device, user, Timestamp(now().0 + SESSION_MS)).await?;
        let mut phone = Phone::new(Owner { device, user, unit, token }, place as u64);
        let pushes = if place < devices { phone.fill(1, time_of(0))? } else { phone.people(time_of(0))? };
        enter_first(store, &phone, pushes, &table.all_logs()).await?;
        phones.push(Mutex::new(phone));
    }
    Ok(phones)
}

async fn enter_first(
    store: &dyn store::Store,
    phone: &Phone,
    pushes: Vec<Push>,
    all: &BTreeSet<UnitId>,
) -> Result<()> {
    enter(store, &[phone.owner().clone()], all, vec![Day { phone: 0, at: time_of(0), pushes }]).await
}

/// A server that runs, and its devices.
pub(super) struct Running<'t> {
    process: Process,
    phones: &'t [Mutex<Phone>],
}

impl Running<'_> {
    /// Changes of a device.
    pub(super) fn changes(&self, device: usize, count: usize) -> Result<Vec<Push>> {
        lock(&self.phones[device]).changes(count, now())
    }

    /// A request of a device, ready to be sent now.
    pub(super) fn letter(&self, device: usize, changes: usize) -> Result<Letter> {
        let mut phone = lock(&self.phones[device]);
        let changes = phone.changes(changes, now())?;
        Ok(Letter { device, due: Default::default(), content: Content::Body(phone.request(changes)) })
    }

    /// Sends requests and waits for all answers.
    pub(super) fn send(&self, letters: Vec<Letter>) -> Result<Vec<Served>> {
        line::send(&self.process.url(), self.phones, letters)
    }

    /// CPU time that the server has used, in steps of 10 ms.
    pub(super) fn cpu_ms(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        // The name of the program, in brackets, may hold spaces.
        let after = stat.rsplit_once(')').context("no such line")?.1;
        let ticks: u32 =
            after.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u32>().ok()).sum();
        Ok(f64::from(ticks) * 10.0)
    }

    /// CPU time of the threads that the server has now, to the nanosecond.
    pub(super) fn running_ms(&self) -> Result<f64> {
        let mut nanoseconds = 0.0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.process.id()))?.flatten() {
            // A thread may end meanwhile.
            let schedule = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
            let spent = schedule.split_whitespace().next().and_then(|spent| spent.parse::<f64>().ok());
            nanoseconds += spent.unwrap_or_default();
        }
        Ok(nanoseconds / 1e6)
    }

    /// Memory that it held at its peak.
    pub(super) fn memory_peak_mb(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no such line")?;
        let kib = line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok());
        Ok(kib.context("no number")? * 1024.0 / 1e6)
    }
}

fn lock(phone: &Mutex<Phone>) -> std::sync::MutexGuard<'_, Phone> {
    phone.lock().unwrap_or_else(PoisonError::into_inner)
}
