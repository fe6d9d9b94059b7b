//! Moves, erasure and new beginnings, as phones take them.
use super::{
    super::*,
    harness::{Device, Server, UNIT, doc},
};
use crate::{
    record::{Patch, Value},
    sync::{session::Commit, wire::Page},
};

const OTHER: UnitId = UnitId(6);

fn in_units(number: u32, units: &[UnitId]) -> Device {
    let mut device = Device::new(number);
    device.take(&Commit::Scope(units.iter().map(|unit| (*unit, 0)).collect()));
    device
}

fn set(device: &mut Device, number: u8, key: &str, text: &str) {
    let heads = device.open(doc(number)).heads();
    device.edit_on(doc(number), heads, Patch::set(key, Value::Text(text.into())));
}

/// What is held of each unit is what the server has.
fn agrees(device: &Device, server: &Server, units: &[UnitId]) {
    for unit in units {
        assert_eq!(device.phone.held(*unit), server.state(*unit), "unit {}", unit.0);
    }
}

#[test]
fn a_document_moves_away_from_one_phone_and_to_another_and_stays_on_a_third() {
    let mut server = Server::default();
    let (mut a, mut b) = (in_units(1, &[UNIT]), in_units(2, &[OTHER]));
    let mut both = in_units(3, &[UNIT, OTHER]);
    for number in 1..=40 {
        a.set(doc(number), "name", "张伟");
    }
    for device in [&mut a, &mut b, &mut both] {
        server.sync(device);
    }
    assert!(!both.phone.blocks.is_empty());
    server.move_to(doc(1), OTHER);
    for device in [&mut a, &mut b, &mut both] {
        server.sync(device);
    }
    assert!(!a.phone.places.contains_key(&doc(1)), "it went");
    assert_eq!(a.phone.places.len(), 39);
    agrees(&a, &server, &[UNIT]);
    for device in [&b, &both] {
        assert_eq!(device.phone.places[&doc(1)].row.unit, OTHER);
        assert_eq!(device.open(doc(1)).entries().text("name").as_deref(), Some("张伟"));
    }
    agrees(&b, &server, &[OTHER]);
    agrees(&both, &server, &[UNIT, OTHER]);
    let held =
        |device: &Device, unit| device.phone.segments_of(doc(1)).iter().filter(|id| id.unit == unit).count();
    assert_eq!((held(&both, UNIT), held(&both, OTHER)), (0, 1), "held once, where it belongs");
    // And back, with both units in one phone in the other order.
    server.move_to(doc(1), UNIT);
    for device in [&mut a, &mut b, &mut both] {
        server.sync(device);
    }
    assert!(!b.phone.places.contains_key(&doc(1)));
    assert_eq!(a.open(doc(1)).heads(), both.open(doc(1)).heads());
    agrees(&a, &server, &[UNIT]);
    agrees(&both, &server, &[UNIT, OTHER]);
}

#[test]
fn an_edit_made_before_the_move_was_known_arrives() {
    let mut server = Server::default();
    let (mut a, mut b) = (in_units(1, &[UNIT]), in_units(2, &[OTHER]));
    a.set(doc(1), "name", "张伟");
    server.sync(&mut a);
    server.move_to(doc(1), OTHER);
    set(&mut a, 1, "address", "late");
    server.sync(&mut a);
    assert_eq!((a.phone.waiting(), a.phone.places.len()), (0, 0));
    agrees(&a, &server, &[UNIT]);
    server.sync(&mut b);
    assert_eq!(b.open(doc(1)).entries().text("address").as_deref(), Some("late"));
    agrees(&b, &server, &[OTHER]);
    // The word of the move may also come before the edit is sent.
    let mut both = in_units(3, &[UNIT, OTHER]);
    server.sync(&mut both);
    set(&mut both, 1, "away_place", "later still");
    server.move_to(doc(1), UNIT);
    let page = server.page(OTHER, both.phone.meta.cursors[&OTHER].seq, &[]);
    both.take_page(page);
    assert_eq!(both.phone.outbox().next().map(|row| row.unit), Some(UNIT));
    server.sync(&mut both);
    assert_eq!(both.phone.waiting(), 0);
    assert_eq!(both.open(doc(1)).entries().text("away_place").as_deref(), Some("later still"));
    agrees(&both, &server, &[UNIT, OTHER]);
}

#[test]
fn an_erased_document_leaves_nothing_on_any_phone() {
    let mut server = Server::default();
    let (mut a, mut b) = (in_units(1, &[UNIT]), in_units(2, &[UNIT]));
    a.set(doc(1), "name", "CANARY");
    a.set(doc(2), "name", "stays");
    for device in [&mut a, &mut b] {
        server.sync(device);
    }
    set(&mut b, 1, "address", "CANARY too");
    b.disk.0.insert((Table::Draft, Draft::key("person", doc(1))), b"CANARY draft".to_vec());
    server.erase(doc(1));
    for device in [&mut a, &mut b] {
        server.sync(device);
        assert_eq!(device.phone.rows().map(|row| row.doc).collect::<Vec<_>>(), [doc(2)]);
        assert_eq!(device.phone.outbox().count(), 0);
        let left = device.disk.0.values().any(|bytes| bytes.windows(6).any(|found| found == b"CANARY"));
        assert!(!left, "no byte of it is left in the store");
        agrees(device, &server, &[UNIT]);
    }
}

#[test]
fn unsent_edits_are_made_again_on_a_document_that_began_anew() {
    let mut server = Server::default();
    let (mut a, mut b) = (in_units(1, &[UNIT]), in_units(2, &[UNIT]));
    a.set(doc(1), "name", "张伟");
    set(&mut a, 1, "address", "to be forgotten");
    for device in [&mut a, &mut b] {
        server.sync(device);
    }
    set(&mut b, 1, "residence", "away");
    set(&mut b, 1, "away_place", "沈阳");
    server.re_root(doc(1), "address");
    server.sync(&mut a);
    assert_eq!(a.open(doc(1)).entries().text("address"), None);
    assert_eq!(a.open(doc(1)).raw_changes().len(), 1);
    agrees(&a, &server, &[UNIT]);
    // b pushes both edits on the old history: refused, made again on the new one, and accepted in the next round.
    server.sync(&mut b);
    assert_eq!(b.phone.waiting(), 2);
    assert_eq!(b.open(doc(1)).entries().text("away_place").as_deref(), Some("沈阳"));
    server.sync(&mut b);
    server.sync(&mut a);
    assert_eq!(b.phone.outbox().count(), 0);
    for device in [&a, &b] {
        let entries = device.open(doc(1)).entries();
        let told = ["name", "address", "residence", "away_place"].map(|key| entries.text(key));
        assert_eq!(told.each_ref().map(Option::as_deref), [Some("张伟"), None, Some("away"), Some("沈阳")]);
        agrees(device, &server, &[UNIT]);
    }
    assert_eq!(a.open(doc(1)).heads(), b.open(doc(1)).heads());
}

#[test]
fn the_new_beginning_may_come_in_a_later_page_than_the_word_of_it() {
    let mut server = Server::default();
    let (mut a, mut b) = (in_units(1, &[UNIT]), in_units(2, &[UNIT]));
    a.set(doc(1), "name", "张伟");
    for device in [&mut a, &mut b] {
        server.sync(device);
    }
    set(&mut b, 1, "residence", "away");
    server.re_root(doc(1), "");
    let outgoing = b.outgoing();
    let verdicts = server.push(&outgoing);
    b.take(&Commit::Verdicts(verdicts));
    let whole = server.page(UNIT, b.phone.meta.cursors[&UNIT].seq, &[]);
    let mut word = whole.clone();
    (word.items, word.rows, word.complete, word.to_seq) = (vec![], vec![], false, whole.to_seq - 1);
    let rest = Page { controls: vec![], from_seq: word.to_seq, ..whole };
    b.take_page(word);
    b.take_end();
    assert_eq!(b.phone.waiting(), 0, "there is nothing yet to make it on");
    b.take_page(rest);
    b.take_end();
    assert_eq!(b.phone.waiting(), 1);
    server.sync(&mut b);
    server.sync(&mut a);
    assert_eq!(a.open(doc(1)).entries().text("residence").as_deref(), Some("away"));
    assert_eq!(a.open(doc(1)).heads(), b.open(doc(1)).heads());
    agrees(&b, &server, &[UNIT]);
}
