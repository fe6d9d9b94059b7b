//! The primary dies in mid-load, the standby takes over: every receipt survives, and the servers go on by themselves.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

use zoufang_core::{
    record::{ChangeHash, DocId},
    sync::session::Phase,
};
use zoufang_server::store::postgres::cluster::{Cluster, Disk};
use zoufang_tests::{Device, Server, server::PASSWORD};

use crate::{ACCOUNTS, device, fill, held, home, until};

/// Phones, half of them on each server process.
const PHONES: usize = 4;
/// Receipts of each phone before the primary dies, and its syncs after.
const RECEIPTS_BEFORE: usize = 30;
const ROUNDS_AFTER: u64 = 3;

/// The heads of all records whose every change has a receipt.
fn receipted(device: &Device, made: &[DocId]) -> BTreeMap<DocId, Vec<ChangeHash>> {
    let waits = |doc: &DocId| device.phone().outbox().any(|row| row.doc == *doc);
    let done = made.iter().filter(|doc| !waits(doc));
    done.map(|doc| (*doc, device.open(*doc).unwrap().heads())).collect()
}

/// Writes and syncs until the first sync that fails after the crash.
fn load(
    mut device: Device,
    seed: u64,
    crashed: Arc<AtomicBool>,
    receipts: Arc<AtomicUsize>,
) -> JoinHandle<(Device, Vec<DocId>)> {
    thread::spawn(move || {
        let mut made = Vec::new();
        for round in 0.. {
            made.extend(fill(&mut device, 2, 1, seed * 10_000 + round));
            let waiting = device.phone().waiting();
            let sync = device.sync().unwrap();
            receipts.fetch_add(waiting - device.phone().waiting(), Ordering::SeqCst);
            if sync.phase != Phase::Idle {
                assert!(crashed.load(Ordering::SeqCst), "{sync:?} before the crash");
                return (device, made);
            }
        }
        unreachable!("the crash comes")
    })
}

#[test]
fn every_receipt_survives_the_death_of_the_primary() {
    let primary = Cluster::start(Disk::Synced).unwrap();
    let name = primary.database().unwrap();
    let standby = primary.standby(true).unwrap();
    let url = format!("postgres://postgres@127.0.0.1:{},127.0.0.1:{}/{name}", primary.port(), standby.port());
    let servers =
        [Server::start_on(Some(&url), &ACCOUNTS).unwrap(), Server::start_on(Some(&url), &[]).unwrap()];
    let crashed = Arc::new(AtomicBool::new(false));
    let receipts: Vec<Arc<AtomicUsize>> = (0..PHONES).map(|_| Arc::default()).collect();
    let user = |phone: usize| if phone < PHONES / 2 { "village" } else { "township" };
    let devices: Vec<Device> =
        (0..PHONES).map(|phone| device(&servers[phone % 2].url(), user(phone))).collect();
    let running = devices.into_iter().zip(&receipts).zip(1..);
    let phones: Vec<_> = running
        .map(|((device, receipts), seed)| load(device, seed, Arc::clone(&crashed), Arc::clone(receipts)))
        .collect();
    until("receipts before the crash", || {
        let enough = |count: &Arc<AtomicUsize>| count.load(Ordering::SeqCst) >= RECEIPTS_BEFORE;
        receipts.iter().all(enough).then_some(())
    });
    crashed.store(true, Ordering::SeqCst);
    primary.kill().unwrap();
    let mut phones: Vec<(Device, Vec<DocId>)> =
        phones.into_iter().map(|phone| phone.join().unwrap()).collect();
    standby.promote().unwrap();

    // Before any phone offers anything again: what was receipted is on the new primary, by both servers.
    for server in &servers {
        let mut reader = Device::new(&server.url());
        until("the server finds the new primary", || reader.sign_in("township", PASSWORD).ok());
        until("the reader syncs", || (reader.sync().unwrap().phase == Phase::Idle).then_some(()));
        for (device, made) in &phones {
            let promised = receipted(device, made);
            assert!(!promised.is_empty());
            for (doc, heads) in promised {
                let found = reader.open(doc).expect("a record with a receipt is there");
                assert_eq!(found.heads(), heads, "with all its changes");
            }
        }
    }

    // And the phones go on where they were.
    for (number, (device, made)) in phones.iter_mut().enumerate() {
        for round in 0..ROUNDS_AFTER {
            made.extend(fill(device, 1, 1, 900_000 + number as u64 * 100 + round));
            until("a phone syncs again", || {
                (device.sync().unwrap().phase == Phase::Idle && device.phone().waiting() == 0).then_some(())
            });
        }
    }
    let mut reader = device(&servers[0].url(), "township");
    until("the last reader syncs", || (reader.sync().unwrap().phase == Phase::Idle).then_some(()));
    let total: usize = phones.iter().map(|(_, made)| made.len()).sum();
    assert_eq!(reader.phone().rows().count(), total, "nothing is lost, nothing is twice");
    for (device, made) in &mut phones {
        device.sync().unwrap();
        let unit = home(device);
        assert_eq!(held(device, unit), held(&reader, unit));
        for doc in made {
            assert_eq!(reader.open(*doc).unwrap().heads(), device.open(*doc).unwrap().heads());
        }
    }
}
