//! A server that was put back to before the office did something to a document.
use super::{
    super::*,
    controls::{OTHER, agrees, in_units, set},
    harness::{Device, Entry, Server, UNIT, doc, hash_of},
};
use crate::sync::{
    gate::Refusal,
    session::Commit,
    wire::{Bucket, Verdict},
};

/// The server is as it was, and phones hear of that and sync until they are calm.
fn put_back(server: &mut Server, backup: &Server, devices: &mut [&mut Device]) {
    *server = backup.clone();
    for device in devices.iter_mut() {
        device.take(&Commit::EpochChanged(EpochId(2)));
    }
    for _ in 0..6 {
        for device in devices.iter_mut() {
            server.sync(device);
        }
    }
    for device in devices {
        assert!(!device.phone.is_repairing());
        assert_eq!((device.phone.waiting(), device.phone.refused().count()), (0, 0));
    }
}

#[test]
fn a_document_that_moved_since_the_backup_is_where_the_server_has_it() {
    let mut server = Server::default();
    let (mut a, mut b) = (in_units(1, &[UNIT]), in_units(2, &[OTHER]));
    let mut both = in_units(3, &[UNIT, OTHER]);
    a.set(doc(1), "name", "张伟");
    a.set(doc(2), "name", "李娜");
    for device in [&mut a, &mut b, &mut both] {
        server.sync(device);
    }
    let backup = server.clone();
    server.move_to(doc(1), OTHER);
    for device in [&mut a, &mut b, &mut both] {
        server.sync(device);
    }
    set(&mut both, 1, "address", "written where it went");
    server.sync(&mut both);
    server.sync(&mut b);
    assert!(!a.phone.places.contains_key(&doc(1)) && b.phone.places.contains_key(&doc(1)));
    put_back(&mut server, &backup, &mut [&mut a, &mut b, &mut both]);
    assert!(!b.phone.places.contains_key(&doc(1)), "it is not of this phone's units");
    for device in [&a, &both] {
        assert_eq!(device.phone.places[&doc(1)].row.unit, UNIT);
        let address = device.open(doc(1)).entries().text("address");
        assert_eq!(address.as_deref(), Some("written where it went"), "offered again by its author");
    }
    assert!(both.phone.segments_of(doc(1)).iter().all(|id| id.unit == UNIT), "held once");
    agrees(&a, &server, &[UNIT]);
    agrees(&b, &server, &[OTHER]);
    agrees(&both, &server, &[UNIT, OTHER]);
}

#[test]
fn edits_on_a_beginning_that_the_server_lost_are_made_again_on_the_old_history() {
    let mut server = Server::default();
    let (mut a, mut b) = (in_units(1, &[UNIT]), in_units(2, &[UNIT]));
    a.set(doc(1), "name", "张伟");
    set(&mut a, 1, "address", "before");
    for device in [&mut a, &mut b] {
        server.sync(device);
    }
    let backup = server.clone();
    server.re_root(doc(1), "away_place");
    for device in [&mut a, &mut b] {
        server.sync(device);
    }
    set(&mut a, 1, "address", "with a receipt");
    for device in [&mut a, &mut b] {
        server.sync(device);
    }
    set(&mut a, 1, "address", "without one");
    set(&mut b, 1, "away_place", "another's");
    put_back(&mut server, &backup, &mut [&mut a, &mut b]);
    for device in [&mut a, &mut b] {
        let document = device.open(doc(1));
        let entries = document.entries();
        assert_eq!(entries.text("address").as_deref(), Some("without one"));
        assert_eq!(entries.text("away_place").as_deref(), Some("another's"));
        assert_eq!(document.values("address").len(), 1, "what its author had replaced stays replaced");
        assert_eq!(document.values("name").len(), 1, "the lost beginning is gone");
        agrees(device, &server, &[UNIT]);
    }
}

#[test]
fn an_edit_that_waits_for_what_is_lost_does_not_keep_its_record_from_being_read() {
    let mut server = Server::default();
    let (mut a, mut b) = (in_units(1, &[UNIT]), in_units(2, &[UNIT]));
    a.set(doc(1), "name", "张伟");
    for device in [&mut a, &mut b] {
        server.sync(device);
    }
    let backup = server.clone();
    set(&mut b, 1, "address", "lost with its phone");
    for device in [&mut b, &mut a] {
        server.sync(device);
    }
    set(&mut a, 1, "address", "built on it");
    server = backup;
    a.take(&Commit::EpochChanged(EpochId(2)));
    server.move_to(doc(1), OTHER);
    for _ in 0..4 {
        server.sync(&mut a);
    }
    assert!(!a.phone.places.contains_key(&doc(1)), "it went");
    server.move_to(doc(1), UNIT);
    server.sync(&mut a);
    assert_eq!(a.phone.waiting(), 1);
    assert_eq!(a.open(doc(1)).entries().text("address"), None);
    set(&mut a, 1, "away_place", "goes on");
    server.sync(&mut a);
    assert_eq!((a.phone.waiting(), server.state(UNIT).1), (1, 2), "and is written on");
}

#[test]
fn what_the_restored_server_knows_nowhere_stays_until_its_author_brings_it() {
    let mut server = Server::default();
    let (mut a, mut b) = (in_units(1, &[UNIT]), in_units(2, &[UNIT]));
    a.set(doc(1), "name", "张伟");
    server.sync(&mut a);
    let backup = server.clone();
    a.set(doc(2), "name", "李娜");
    for device in [&mut a, &mut b] {
        server.sync(device);
    }
    server = backup;
    b.take(&Commit::EpochChanged(EpochId(2)));
    for _ in 0..6 {
        server.sync(&mut b);
    }
    assert!(!b.phone.is_repairing(), "it was asked for once, and nobody knew it");
    assert_eq!(b.open(doc(2)).entries().text("name").as_deref(), Some("李娜"));
    a.take(&Commit::EpochChanged(EpochId(2)));
    for device in [&mut a, &mut b] {
        server.sync(device);
        agrees(device, &server, &[UNIT]);
    }
}

#[test]
fn a_change_that_is_held_in_the_logs_of_two_units_is_offered_once() {
    let mut server = Server::default();
    let mut both = in_units(1, &[UNIT, OTHER]);
    both.set(doc(1), "name", "张伟");
    server.sync(&mut both);
    server.move_to(doc(1), OTHER);
    // The new log comes first, and the word of the old one not yet.
    let page = server.page(OTHER, 0, &[]);
    both.take_page(page);
    both.take(&Commit::EpochChanged(EpochId(2)));
    assert_eq!(both.phone.waiting(), 1);
}

#[test]
fn an_edit_that_waits_for_what_is_lost_does_not_hide_what_another_edit_replaced() {
    let mut server = Server::default();
    let (mut a, mut b) = (in_units(1, &[UNIT]), in_units(2, &[UNIT]));
    a.set(doc(1), "name", "张伟");
    set(&mut a, 1, "away_place", "before");
    for device in [&mut a, &mut b] {
        server.sync(device);
    }
    let backup = server.clone();
    set(&mut b, 1, "address", "lost with its phone");
    for device in [&mut b, &mut a] {
        server.sync(device);
    }
    set(&mut a, 1, "address", "built on it");
    server = backup;
    a.take(&Commit::EpochChanged(EpochId(2)));
    for to in [OTHER, UNIT] {
        server.move_to(doc(1), to);
        for _ in 0..4 {
            server.sync(&mut a);
        }
    }
    set(&mut a, 1, "away_place", "after");
    server.re_root(doc(1), "");
    for _ in 0..3 {
        server.sync(&mut a);
    }
    assert_eq!(a.phone.waiting(), 0);
    assert_eq!(a.open(doc(1)).values("away_place").len(), 1, "its author had seen what it replaces");
}

#[test]
fn what_builds_on_a_lost_beginning_is_offered_before_it_is_let_go() {
    let mut server = Server::default();
    let mut a = in_units(1, &[UNIT]);
    a.set(doc(1), "name", "张伟");
    server.sync(&mut a);
    let old = server.items(UNIT);
    server.re_root(doc(1), "");
    server.sync(&mut a);
    let beginning = server.items(UNIT);
    for number in 0..8 {
        set(&mut a, 1, "address", &number.to_string());
        server.sync(&mut a);
    }
    // The server lost all since the beginning without a word, and its log is as long as before.
    let log = server.logs.get_mut(&UNIT).unwrap();
    let length = log.len();
    log.iter_mut().skip(1).for_each(|entry| *entry = Entry::Hole);
    log.extend(old.into_iter().map(Entry::Change));
    assert!(log.len() > length);
    server.sync(&mut a);
    assert!(a.phone.is_repairing() && a.phone.waiting() == 0);
    // Of the ranges that differ only those of the beginning are named yet.
    let probe = &a.outgoing().request.probes[0];
    let named = |bucket: &Bucket| beginning.iter().any(|item| hash_of(item).0.starts_with(&bucket.prefix));
    let (named, later): (Vec<Bucket>, Vec<Bucket>) = server.probe(probe).into_iter().partition(named);
    assert!(!later.is_empty());
    a.take(&Commit::Repair(named));
    assert_eq!(a.open(doc(1)).values("name").len(), 1, "the lost beginning is gone");
    assert_eq!(a.phone.outbox().count(), 8, "with a receipt that the server has lost");
}

#[test]
fn what_builds_on_a_refused_edit_by_way_of_anothers_is_refused_with_it() {
    let mut server = Server::default();
    let (mut a, mut b) = (in_units(1, &[UNIT]), in_units(2, &[UNIT]));
    a.set(doc(1), "name", "张伟");
    for device in [&mut a, &mut b] {
        server.sync(device);
    }
    set(&mut b, 1, "address", "another's");
    for device in [&mut b, &mut a] {
        server.sync(device);
    }
    a.take(&Commit::EpochChanged(EpochId(2)));
    set(&mut a, 1, "residence", "home");
    assert_eq!(a.phone.waiting(), 2);
    let first = a.outgoing().hashes[0];
    a.take(&Commit::Verdicts(vec![(first, Verdict::Refused(Refusal::NotInScope))]));
    assert_eq!((a.phone.waiting(), a.phone.refused().count()), (0, 2), "nobody could take it");
    // The record can still be written on, by one who does not know what was refused.
    set(&mut a, 1, "residence", "away");
    assert_eq!(a.phone.waiting(), 1);
    let hash = a.outgoing().hashes[0];
    a.take(&Commit::Verdicts(vec![(hash, Verdict::Pending)]));
    assert_eq!((a.phone.waiting(), a.phone.refused().count()), (0, 3), "it would wait for ever");
}

/// The phone that holds another's record meets the restored server before the record's author does.
#[test]
fn what_the_author_brings_to_another_unit_later_is_let_go_then() {
    let mut server = Server::default();
    let (mut author, mut holder) = (in_units(1, &[UNIT]), in_units(2, &[OTHER]));
    let backup = server.clone();
    author.set(doc(1), "name", "张伟");
    server.sync(&mut author);
    server.move_to(doc(1), OTHER);
    server.sync(&mut holder);
    assert!(holder.phone.places.contains_key(&doc(1)));
    put_back(&mut server, &backup, &mut [&mut holder]);
    assert!(holder.phone.places.contains_key(&doc(1)), "nobody knows more of it");
    let asked = holder.outgoing().request.strays;
    assert_eq!(
        asked.iter().map(|stray| (stray.unit, stray.docs.clone())).collect::<Vec<_>>(),
        [(OTHER, vec![doc(1)])]
    );
    for _ in 0..3 {
        server.sync(&mut holder);
        assert!(!holder.phone.is_repairing(), "it asks with what it sends anyway");
    }
    author.take(&Commit::EpochChanged(EpochId(2)));
    for _ in 0..4 {
        server.sync(&mut author);
    }
    server.sync(&mut holder);
    assert!(!holder.phone.places.contains_key(&doc(1)), "it is in the unit of its author");
    server.sync(&mut holder);
    assert_eq!(holder.outgoing().request.strays, []);
    agrees(&holder, &server, &[OTHER]);
    agrees(&author, &server, &[UNIT]);
}
