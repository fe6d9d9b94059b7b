//! A disk that fails under the server: full, broken, or saying less than it was told. An edit without a receipt is kept
//! by the phone, one with a receipt is there after a restart, and the server goes on as soon as the disk does.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod disk;
mod library;
mod limit;

use std::{collections::BTreeSet, path::Path, sync::Arc};

use zoufang_core::{
    record::{ChangeHash, Kind},
    sync::session::Phase,
};
use zoufang_server::{
    audit::{audit, office},
    keys::Keys,
    rebuild::rebuild,
    store::{County, Store, sqlite::SqliteStore},
};
use zoufang_tests::{
    Device, Launch, Process,
    made::{self, Dice},
    server::{PASSWORD, program},
};

const VILLAGE: &str = "211381103201";
const LOGIN: &str = "village";
const FILE: &str = "zoufang.sqlite";
/// A disk that works again is used again after so many tries.
const TRIES_MAX: usize = 20;
/// More work than a disk that has no room can take.
const WORK_MAX: usize = 200;
const REFUSED_MIN: usize = 3;

/// Says why something was not tested here.
fn skip(test: &str, why: &str) {
    eprintln!("SKIPPED {test}: {why}");
}

/// A server on a folder, a device at work, and what the device has receipts for.
struct Bench {
    launch: Launch,
    process: Process,
    device: Device,
    dice: Dice,
    made: BTreeSet<ChangeHash>,
}

impl Bench {
    /// A server with an account, and a device that has synced.
    fn new(launch: Launch) -> Self {
        let plain = Launch { variables: Vec::new(), shell: None, ..launch.clone() };
        assert!(plain.add_user(LOGIN, "village_worker", VILLAGE).unwrap().success());
        let process = launch.serve().unwrap();
        let mut device = Device::new(&process.url());
        device.sign_in(LOGIN, PASSWORD).unwrap();
        let mut bench = Self { launch, process, device, dice: Dice::new(5), made: BTreeSet::new() };
        bench.work();
        bench.recovers("at first");
        bench
    }

    /// A new person and a visit.
    fn work(&mut self) {
        let account = self.device.phone().account().unwrap();
        let (unit, user) = (account.unit, account.user);
        let person = self.device.create(Kind::Person, unit, made::person(&mut self.dice)).unwrap();
        self.device.create(Kind::Visit, unit, made::visit(&mut self.dice, person, user)).unwrap();
        self.made.extend(self.waiting());
    }

    fn waiting(&self) -> BTreeSet<ChangeHash> {
        self.device.phone().outbox().map(|row| row.hash).collect()
    }

    fn receipts(&self) -> BTreeSet<ChangeHash> {
        self.made.difference(&self.waiting()).copied().collect()
    }

    /// With a disk that always fails, new work gets no receipt, and what has one keeps it.
    fn fails(&mut self, what: &str) {
        let before = self.receipts();
        self.work();
        let sync = self.device.sync().unwrap();
        assert!(matches!(sync.phase, Phase::Failed(_)), "{what}: {sync:?}");
        assert_eq!(self.receipts(), before, "{what}: a receipt for what cannot be stored");
    }

    /// With a disk that has no room, work is refused before long, and gets no receipt then. A checkpoint makes room in the
    /// write-ahead log, so some more work may be taken in after that, and then no more.
    fn is_refused(&mut self, what: &str) {
        let mut refused = 0;
        for _ in 0..WORK_MAX {
            let before = self.receipts();
            self.work();
            if self.device.sync().unwrap().phase != Phase::Idle {
                assert_eq!(self.receipts(), before, "{what}: a receipt for what cannot be stored");
                refused += 1;
            }
            if refused == REFUSED_MIN {
                return;
            }
        }
        panic!("{what}: it was felt {refused} times");
    }

    /// The disk works again: the server takes everything without being started anew.
    fn recovers(&mut self, what: &str) {
        for _ in 0..TRIES_MAX {
            if self.device.sync().unwrap().phase == Phase::Idle && self.device.phone().waiting() == 0 {
                return;
            }
        }
        panic!("{what}: it does not recover; {}", self.process.kill());
    }

    /// The process dies; what it said is given back. Then everything with a receipt must be there.
    fn end(mut self, folder: &Path) -> String {
        let log = self.process.kill();
        let mut plain = Launch { variables: Vec::new(), shell: None, ..self.launch.clone() };
        plain.program = program().to_path_buf();
        let mut process = plain.serve().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = SqliteStore::open(&folder.join(FILE), County::default()).await.unwrap();
            assert_eq!(store.faults().await.unwrap(), Vec::<String>::new());
            let store = Keys::of_file(&folder.join("keys")).unwrap().seal(Arc::new(store));
            let found = audit(&store).await.unwrap();
            assert_eq!(found.faults, Vec::<String>::new());
            assert!(
                self.receipts().iter().all(|hash| found.changes.contains_key(hash)),
                "a receipt was lost"
            );
            let before = office(&store).await.unwrap();
            rebuild(&store).await.unwrap();
            assert_eq!(office(&store).await.unwrap(), before);
            store.close().await;
        });
        self.device.move_to(&process.url());
        for _ in 0..TRIES_MAX {
            if self.device.sync().unwrap().phase == Phase::Idle && self.device.phone().waiting() == 0 {
                break;
            }
        }
        assert_eq!(self.device.phone().waiting(), 0);
        process.kill();
        log
    }
}

/// How often each status was answered, from the server's log.
fn statuses(log: &str) -> Vec<(u16, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    for line in log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()) {
        if let Some(status) = line["status"].as_u64().and_then(|status| u16::try_from(status).ok()) {
            *counts.entry(status).or_insert(0) += 1;
        }
    }
    counts.into_iter().collect()
}

/// Only these statuses were answered, and each of them was.
fn answered(log: &str, wanted: &[u16]) {
    let found: Vec<u16> = statuses(log).into_iter().map(|(status, _)| status).collect();
    assert_eq!(found, wanted, "{log}");
}

/// How the server is started on a folder.
fn launch(folder: &Path) -> Launch {
    Launch {
        program: program().to_path_buf(),
        shell: None,
        data: vec!["--data".into(), folder.into()],
        variables: Vec::new(),
    }
}
