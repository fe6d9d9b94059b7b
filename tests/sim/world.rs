//! The world of one seed: a virtual clock, an agenda, phones, a server, a line between them, and the oracle beside them.
//!
//! Everything happens in the order of the agenda, on one thread; chance comes from the seed alone. The same seed therefore
//! makes the same trace, byte for byte.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
};

use anyhow::Result;
use zoufang_core::{
    access::Level,
    record::{DeviceId, DocId, EpochId, Kind as RecordKind, UnitId},
    sync::session::Event,
};
use zoufang_server::store::Unit;

use crate::{
    config::Config,
    dice::Dice,
    facts::Facts,
    fault::{Counts, Fault},
    inbox::Asked,
    line::Call,
    oracle::Oracle,
    phone::SimPhone,
    server::Server,
    trace::Trace,
};

/// A day, in ms.
pub(crate) const DAY_MS: i64 = 86_400_000;
/// 2026-03-01, 00:00 UTC.
pub(crate) const EPOCH_MS: i64 = 1_772_323_200_000;

/// The largest seeds take some ten thousand steps.
const STEPS_MAX: u64 = 1_000_000;

/// What is on the agenda.
#[derive(Debug)]
pub(crate) enum Item {
    /// A person takes the phone in hand.
    Open(usize),
    /// A person puts it away.
    Close(usize, u64),
    /// A person does something.
    Work(usize, u64),
    /// The session's timer, by number.
    Timer(usize, u64, u64),
    /// The next step of the phone's store.
    Step(usize, u64),
    /// A request reaches the server.
    Arrive(u64),
    /// The server makes the next chunk of an answer.
    Chunk(u64),
    /// Something comes back to the phone.
    Deliver(u64, Event),
    /// The network comes and goes.
    Network(usize, bool),
    /// A mishap of a phone, or of the server.
    Mishap(Fault, usize),
    /// The server is up again.
    ServerUp,
    /// The server keeps a backup.
    BackUp,
    /// A service worker delivers the parcels that it read, of a device.
    Post(usize, DeviceId, Vec<(String, Vec<u8>)>),
    /// A service worker asks what is new, with what it has read.
    Ask(usize, Box<Asked>),
    /// The letter to a question is put on a phone's disk.
    Letter(usize, Vec<u8>, Vec<u8>),
    /// The server makes segments.
    Seal,
}

/// Why a seed failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An edit that was shown as saved, or had a receipt, is gone.
    Lost,
    /// Somebody shows something else than the oracle.
    Diverged,
    /// The queue is not empty in time.
    Stuck,
    /// The same seed did something else.
    NotTheSame,
    /// Anything else: a panic, an error that nothing was done for.
    Broken,
}

/// What failed, and where to look.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    pub(crate) words: String,
    pub(crate) doc: Option<DocId>,
    pub(crate) phone: Option<usize>,
}

/// The world.
pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) now: i64,
    agenda: BinaryHeap<Reverse<(i64, u64)>>,
    items: BTreeMap<u64, Item>,
    next_item: u64,
    pub(crate) phones: Vec<SimPhone>,
    pub(crate) server: Server,
    pub(crate) server_up: bool,
    pub(crate) server_off_ms: i64,
    pub(crate) oracle: Oracle,
    pub(crate) trace: Trace,
    pub(crate) counts: Counts,
    pub(crate) calls: BTreeMap<u64, Call>,
    pub(crate) next_call: u64,
    pub(crate) next_letter: u64,
    /// Chance by purpose.
    pub(crate) work: Dice,
    pub(crate) line: Dice,
    pub(crate) mishap: Dice,
    pub(crate) post: Dice,
    pub(crate) inbox: Dice,
    /// Nothing goes wrong any more.
    pub(crate) calm: bool,
    /// The true tree: the unit above each unit.
    pub(crate) above: BTreeMap<UnitId, Option<UnitId>>,
    /// Devices of which two storages may be about: copied, or put back to an older state.
    pub(crate) twofold: BTreeSet<DeviceId>,
    /// Villages that moved.
    pub(crate) moved: BTreeSet<UnitId>,
    /// What the office did to records.
    pub(crate) facts: Facts,
    pub(crate) failure: Option<Failure>,
    /// Rounds that it took to calm down.
    pub(crate) rounds: u64,
    /// Edits of a restored server that only phones of others hold.
    pub(crate) orphaned: u64,
}

impl World {
    /// The world of a seed on its first morning.
    pub(crate) fn new(config: Config, in_words: bool) -> Result<Self> {
        let mut dice = Dice::new(config.seed, 2);
        let server = Server::start(config.sqlite, EpochId(dice.roll() | 1 << 63))?;
        let (townships, villages) = config.units();
        let mut above = BTreeMap::from([(UnitId(1), None)]);
        above.extend(townships.iter().map(|unit| (*unit, Some(UnitId(1)))));
        above.extend(villages.iter().map(|(unit, township)| (*unit, Some(*township))));
        let units: Vec<Unit> = above.iter().map(|(unit, above)| unit_of(*unit, *above)).collect();
        server.put_units(&units)?;
        let mut phones: Vec<SimPhone> = Vec::new();
        for (login, role, unit) in config.users(&mut dice) {
            let known = phones.iter().find(|phone| phone.login == login).map(|phone| phone.user);
            let user = match known {
                Some(user) => user,
                None => server.add_account(&login, role, unit)?,
            };
            phones.push(SimPhone::new(login, user, role, unit, DeviceId(dice.roll())));
        }
        let seed = config.seed;
        let mut world = Self {
            config,
            now: 0,
            agenda: BinaryHeap::new(),
            items: BTreeMap::new(),
            next_item: 0,
            phones,
            server,
            server_up: true,
            server_off_ms: 0,
            oracle: Oracle::default(),
            trace: Trace::new(in_words),
            counts: Counts::default(),
            calls: BTreeMap::new(),
            next_call: 0,
            next_letter: 0,
            work: Dice::new(seed, 3),
            line: Dice::new(seed, 4),
            mishap: Dice::new(seed, 5),
            post: Dice::new(seed, 7),
            inbox: Dice::new(seed, 9),
            calm: false,
            above,
            twofold: BTreeSet::new(),
            moved: BTreeSet::new(),
            facts: Facts::default(),
            failure: None,
            rounds: 0,
            orphaned: 0,
        };
        world.hand_out_old_clients();
        world.plan_days();
        Ok(world)
    }

    /// Puts something on the agenda.
    pub(crate) fn at(&mut self, time: i64, item: Item) {
        self.next_item += 1;
        self.agenda.push(Reverse((time.max(self.now), self.next_item)));
        self.items.insert(self.next_item, item);
    }

    /// Puts something on the agenda that comes after so many ms.
    pub(crate) fn after(&mut self, ms: i64, item: Item) {
        self.at(self.now + ms, item);
    }

    /// Lives until the agenda is empty, or something failed.
    pub(crate) fn run(&mut self) -> Result<()> {
        let mut steps = 0_u64;
        while self.failure.is_none() {
            steps += 1;
            if steps > STEPS_MAX {
                let words = "it does not come to an end".to_owned();
                self.fail(Kind::Stuck, None, None, words);
                break;
            }
            let Some(Reverse((time, number))) = self.agenda.pop() else { break };
            let Some(item) = self.items.remove(&number) else { continue };
            self.now = time;
            self.server.set_clock(EPOCH_MS + time + self.server_off_ms);
            self.take(item)?;
        }
        Ok(())
    }

    fn take(&mut self, item: Item) -> Result<()> {
        match item {
            Item::Open(phone) => self.open(phone)?,
            Item::Close(phone, life) => self.close(phone, life),
            Item::Work(phone, life) => self.work(phone, life),
            Item::Timer(phone, life, number) => {
                let current = self.tab(phone, life).is_some_and(|tab| tab.timer == number);
                if current {
                    self.feed(phone, Event::Timer);
                }
            }
            Item::Step(phone, life) => self.step(phone, life),
            Item::Arrive(call) => self.arrive(call)?,
            Item::Chunk(call) => self.chunk(call)?,
            Item::Deliver(call, event) => self.deliver(call, event),
            Item::Network(phone, online) => self.network(phone, online),
            Item::Mishap(fault, phone) => self.strike(fault, phone)?,
            Item::ServerUp => self.server_up = true,
            Item::BackUp => {
                if self.server_up {
                    self.server.back_up()?;
                    let kept = self.lying()?.into_values().flat_map(|lying| lying.hashes).collect();
                    self.facts.back_up(kept);
                    self.note("backup", usize::MAX, &[], &[]);
                }
            }
            Item::Post(phone, device, parcels) => self.post_arrives(phone, device, &parcels)?,
            Item::Ask(phone, asked) => self.question_arrives(phone, &asked)?,
            Item::Letter(phone, question, letter) => self.letter_arrives(phone, &question, letter),
            Item::Seal => {
                for log in self.above.keys().copied().flat_map(logs_of).collect::<Vec<_>>() {
                    if self.server_up {
                        let made = self.server.seal(log)?;
                        self.note("sealed", usize::MAX, &[log.0.into(), made as u64], &[]);
                    }
                }
            }
        }
        Ok(())
    }

    /// Notes an event in the trace.
    pub(crate) fn note(&mut self, what: &'static str, place: usize, numbers: &[u64], bytes: &[u8]) {
        self.trace.note(self.now, what, place, numbers, bytes);
    }

    /// Notes the first failure; the seed ends with it.
    pub(crate) fn fail(&mut self, kind: Kind, phone: Option<usize>, doc: Option<DocId>, words: String) {
        if self.failure.is_none() {
            self.failure = Some(Failure { kind, words, doc, phone });
        }
    }

    /// Whether a fault comes now, of a kind whose rate is for each occasion.
    pub(crate) fn strikes(&mut self, fault: Fault) -> bool {
        let rate = self.config.rates.of(fault);
        let strikes = !self.calm && rate > 0 && self.mishap.happens(rate);
        if strikes {
            self.counts.count(fault);
        }
        strikes
    }
}

/// A unit as the server keeps it.
/// How far the numbers of a unit's logs are from each other, by this file's own reading of the protocol.
const NEXT_LOG: u32 = 0x4000;

/// The logs of a unit: files, visits, welfare.
pub(crate) fn logs_of(unit: UnitId) -> [UnitId; 3] {
    [unit, UnitId(unit.0 + NEXT_LOG), UnitId(unit.0 + 2 * NEXT_LOG)]
}

/// The log of a unit in which records of a kind stand.
pub(crate) fn log_of(unit: UnitId, kind: RecordKind) -> UnitId {
    let [files, visits, welfare] = logs_of(unit);
    match kind {
        RecordKind::Person | RecordKind::Party | RecordKind::Contact => files,
        RecordKind::Visit => visits,
        RecordKind::Welfare => welfare,
    }
}

/// The unit of a log.
pub(crate) fn unit_of_log(log: UnitId) -> UnitId {
    UnitId(log.0 % NEXT_LOG)
}

pub(crate) fn unit_of(id: UnitId, above: Option<UnitId>) -> Unit {
    let level = match id.0 {
        1 => Level::County,
        2..100 => Level::Township,
        _ => Level::Village,
    };
    let name = format!("unit{}", id.0);
    Unit {
        id,
        parent: above,
        level,
        kind: String::new(),
        short_name: name.clone(),
        pinyin: name.clone(),
        initials: name.clone(),
        name,
    }
}
