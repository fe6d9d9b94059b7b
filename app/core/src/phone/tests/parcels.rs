//! Parcels beside the outbox; that every change that waits has one is checked after each plan of every test (`harness`).
use super::harness::{Device, Server, doc};
use crate::{
    phone::{OutState, Table},
    record::Timestamp,
    sync::{
        gate::Refusal,
        session::Commit,
        wire::{Directory, Verdict},
    },
};

fn numbers(device: &Device) -> Vec<String> {
    device.disk.table(Table::Parcel).into_iter().map(|(key, _)| key).collect()
}

/// A phone that knows no key yet.
fn without_key() -> Device {
    let mut device = Device::new(1);
    device.take(&Commit::Directory(Directory { version: 2, ..Directory::default() }));
    device
}

#[test]
fn what_was_saved_before_the_key_was_known_gets_parcels_once_it_is() {
    let mut device = without_key();
    device.set(doc(1), "name", "张伟");
    device.set(doc(2), "name", "李强");
    assert_eq!(numbers(&device), [""; 0]);
    device.know_sync_key();
    assert_eq!(numbers(&device).len(), 2);
    assert!(device.phone.plan_parcels().is_none());
}

#[test]
fn a_receipt_takes_both_copies_away() {
    let (mut device, mut server) = (Device::new(1), Server::default());
    device.set(doc(1), "name", "张伟");
    assert_eq!(numbers(&device).len(), 1);
    server.sync(&mut device);
    assert_eq!((device.phone.outbox().count(), numbers(&device).len()), (0, 0));
}

#[test]
fn what_was_refused_waits_for_a_person_and_has_no_parcel() {
    let mut device = Device::new(1);
    device.set(doc(1), "name", "张伟");
    let hash = device.phone.outbox().next().unwrap().hash;
    device.take(&Commit::Verdicts(vec![(hash, Verdict::Refused(Refusal::NotInScope))]));
    let state = device.phone.outbox().next().unwrap().state;
    assert_eq!(state, OutState::Refused(Refusal::NotInScope, Timestamp(9)));
    assert_eq!(numbers(&device), [""; 0]);
}

#[test]
fn a_delivered_parcel_is_not_made_again() {
    let mut device = Device::new(1);
    device.set(doc(1), "name", "张伟");
    device.disk.deliver_all();
    device.phone = device.disk.phone();
    assert!(device.phone.plan_parcels().is_none());
    assert_eq!(device.disk.table(Table::Parcel)[0].1, b"");
}
