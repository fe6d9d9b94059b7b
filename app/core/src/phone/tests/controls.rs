//! Moves, erasure and new beginnings, as phones take them.
use super::{
    super::*,
    harness::{Device, Server, UNIT, doc},
};
use crate::{
    record::{Patch, Value},
    sync::{
        gate::Refusal,
        session::Commit,
        wire::{Page, Verdict},
    },
};

pub(super) const OTHER: UnitId = UnitId(6);

pub(super) fn in_units(number: u32, units: &[UnitId]) -> Device {
    let mut device = Device::new(number);
    device.take(&Commit::Scope(units.iter().map(|unit| (*unit, 0)).collect()));
    device
}

pub(super) fn set(device: &mut Device, number: u8, key: &str, text: &str) {
    let heads = device.open(doc(number)).heads();
    device.edit_on(doc(number), heads, Patch::set(key, Value::Text(text.into())));
}

/// What is held of each unit is what the server has.
pub(super) fn agrees(device: &Device, server: &Server, units: &[UnitId]) {
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
fn a_document_that_goes_with_its_unit_is_counted_off_where_it_was_held_too() {
    let mut server = Server::default();
    let mut both = in_units(1, &[UNIT, OTHER]);
    both.set(doc(1), "name", "张伟");
    both.set(doc(2), "name", "李娜");
    server.sync(&mut both);
    server.move_to(doc(1), OTHER);
    // The new log comes first; before the word of the old one the new unit is lost.
    let page = server.page(OTHER, 0, &[]);
    both.take_page(page);
    both.take(&Commit::Scope(vec![(UNIT, 0)]));
    assert!(!both.phone.places.contains_key(&doc(1)));
    server.sync(&mut both);
    agrees(&both, &server, &[UNIT]);
    assert!(!both.phone.is_repairing());
}

#[test]
fn what_left_with_its_last_refused_edit_leaves_nothing_and_comes_back_whole() {
    let mut server = Server::default();
    let (mut a, mut b) = (in_units(1, &[UNIT]), in_units(2, &[UNIT, OTHER]));
    a.set(doc(1), "name", "张伟");
    set(&mut a, 1, "address", "一组");
    a.set(doc(2), "name", "李娜");
    server.sync(&mut a);
    server.sync(&mut b);
    for number in [1, 2] {
        set(&mut b, number, "away_place", "refused");
    }
    b.take(&Commit::Scope(vec![(OTHER, 0)]));
    let hash = b.phone.outbox_of(doc(1)).next().unwrap().hash;
    b.take(&Commit::Verdicts(vec![(hash, Verdict::Refused(Refusal::NotInScope))]));
    b.dismiss(hash);
    assert!(
        !finds(&b, "张伟".as_bytes()) && finds(&b, "李娜".as_bytes()),
        "not in the segment that the other needs"
    );
    assert!(!b.phone.places.contains_key(&doc(1)) && b.phone.places.contains_key(&doc(2)));
    b.take(&Commit::Scope(vec![(UNIT, 0), (OTHER, 0)]));
    for _ in 0..2 {
        server.sync(&mut b);
    }
    assert_eq!(b.open(doc(1)).entries().text("address").as_deref(), Some("一组"));
    agrees(&b, &server, &[UNIT, OTHER]);
}

#[test]
fn a_receipt_of_a_lost_unit_is_counted_with_the_rest_when_it_is_won_back() {
    let mut server = Server::default();
    let mut both = in_units(1, &[UNIT, OTHER]);
    both.set(doc(1), "name", "张伟");
    server.sync(&mut both);
    set(&mut both, 1, "address", "without a receipt");
    set(&mut both, 1, "away_place", "nor this");
    both.take(&Commit::Scope(vec![(OTHER, 0)]));
    let mut outgoing = both.outgoing();
    outgoing.hashes.truncate(1);
    let verdicts = server.push(&outgoing);
    both.take(&Commit::Verdicts(verdicts));
    assert_eq!((both.phone.waiting(), both.phone.meta.cursors.contains_key(&UNIT)), (1, false));
    both.take(&Commit::Scope(vec![(UNIT, 0), (OTHER, 0)]));
    assert_eq!(both.phone.held(UNIT).1, 2);
    for _ in 0..2 {
        server.sync(&mut both);
    }
    agrees(&both, &server, &[UNIT, OTHER]);
}

#[test]
fn a_document_of_a_lost_unit_goes_with_the_last_receipt() {
    let mut server = Server::default();
    let mut both = in_units(1, &[UNIT, OTHER]);
    for number in [1, 2] {
        both.set(doc(number), "name", "张伟");
    }
    // Both lie in one segment.
    server.sync(&mut both);
    for number in [1, 2] {
        set(&mut both, number, "address", "without a receipt");
    }
    let verdicts = server.push(&both.outgoing());
    // As of letters, of which the newest is opened first.
    both.take(&Commit::Scope(vec![(OTHER, 0)]));
    assert!(both.phone.places.contains_key(&doc(1)), "it stays for what has no receipt");
    both.take(&Commit::Verdicts(verdicts));
    assert_eq!((both.phone.waiting(), both.phone.places.len()), (0, 0));
    assert!(both.disk.table(Table::Log).is_empty(), "no byte of it stays");
    both.take(&Commit::Scope(vec![(UNIT, 0), (OTHER, 0)]));
    server.sync(&mut both);
    agrees(&both, &server, &[UNIT, OTHER]);
}

#[test]
fn what_stayed_of_a_lost_unit_is_counted_when_it_is_won_back_also_where_it_is_held_elsewhere_now() {
    let mut server = Server::default();
    let mut both = in_units(1, &[UNIT, OTHER]);
    both.set(doc(1), "name", "张伟");
    server.sync(&mut both);
    server.move_to(doc(1), OTHER);
    set(&mut both, 1, "address", "without a receipt");
    let page = server.page(OTHER, 0, &[]);
    both.take(&Commit::Scope(vec![(OTHER, 0)]));
    both.take_page(page);
    assert_eq!(both.phone.places[&doc(1)].row.unit, OTHER);
    both.take(&Commit::Scope(vec![(UNIT, 0), (OTHER, 0)]));
    assert_eq!(both.phone.held(UNIT).1, 1, "the word that it moved is not read yet");
    for _ in 0..3 {
        server.sync(&mut both);
    }
    agrees(&both, &server, &[UNIT, OTHER]);
}

#[test]
fn an_old_history_in_a_lost_unit_goes_once_the_new_unit_has_brought_the_document() {
    let mut server = Server::default();
    let mut both = in_units(1, &[UNIT, OTHER]);
    both.set(doc(1), "name", "张伟");
    server.sync(&mut both);
    server.move_to(doc(1), OTHER);
    server.re_root(doc(1), "nothing");
    set(&mut both, 1, "address", "on the old history");
    // The word that it moved is in the log of the unit that is lost.
    both.take(&Commit::Scope(vec![(OTHER, 0)]));
    for _ in 0..3 {
        server.sync(&mut both);
    }
    assert_eq!(both.phone.waiting(), 0, "the edit was made again on the new beginning");
    assert!(both.phone.places[&doc(1)].segments.iter().all(|id| id.unit == OTHER));
    let entries = both.open(doc(1)).entries();
    assert_eq!(entries.text("address").as_deref(), Some("on the old history"));
    assert_eq!(entries.text("name").as_deref(), Some("张伟"));
    agrees(&both, &server, &[OTHER]);
}

#[test]
fn a_phone_of_version_1_hears_after_its_update_what_was_passed_over() {
    let mut server = Server::default();
    let (mut a, mut b) = (in_units(1, &[UNIT]), in_units(2, &[UNIT]));
    for number in 1..=3 {
        a.set(doc(number), "name", "CANARY");
    }
    for device in [&mut a, &mut b] {
        server.sync(device);
    }
    server.erase(doc(1));
    server.re_root(doc(2), "CANARY");
    set(&mut b, 2, "address", "on the old history");
    // Version 1 reads the log to its end, and nothing of the control records.
    let page = server.page(UNIT, b.phone.meta.cursors[&UNIT].seq, &[]);
    b.take(&Commit::Page(Page { controls: Vec::new(), complete: false, ..page }));
    b.phone.meta.controls_read = false;
    b.disk.0.insert((Table::Meta, stored::META_SYNC.into()), crate::encode(&b.phone.meta));
    b.phone = b.disk.phone();
    for _ in 0..3 {
        server.sync(&mut b);
    }
    assert_eq!((b.phone.waiting(), b.phone.refused().count()), (0, 0), "made again, and sent once");
    assert_eq!(b.open(doc(2)).entries().text("address").as_deref(), Some("on the old history"));
    assert!(!b.phone.places.contains_key(&doc(1)), "what was erased is gone");
    agrees(&b, &server, &[UNIT]);
    b.phone = b.disk.phone();
    assert!(b.phone.meta.cursors[&UNIT].seq > 0, "it looks back once");
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

/// Whether some bytes are anywhere in a device's store.
fn finds(device: &Device, wanted: &[u8]) -> bool {
    device.disk.0.values().any(|bytes| bytes.windows(wanted.len()).any(|found| found == wanted))
}

#[test]
fn what_went_along_to_a_unit_that_it_has_left_again_does_not_stay_there() {
    let mut server = Server::default();
    let mut both = in_units(1, &[UNIT, OTHER]);
    both.set(doc(1), "name", "张伟");
    server.sync(&mut both);
    server.move_to(doc(1), OTHER);
    server.sync(&mut both);
    // The unit that it came through is read before the one that it left.
    server.move_to(doc(1), UNIT);
    server.move_to(doc(1), OTHER);
    server.sync(&mut both);
    agrees(&both, &server, &[UNIT, OTHER]);
    assert!(both.phone.segments_of(doc(1)).iter().all(|id| id.unit == OTHER));
    assert_eq!(both.phone.places[&doc(1)].row.unit, OTHER);
    assert_eq!(both.open(doc(1)).entries().text("name").as_deref(), Some("张伟"));
    // On the way to a unit that is not read here.
    server.move_to(doc(1), UNIT);
    server.move_to(doc(1), UnitId(7));
    server.sync(&mut both);
    agrees(&both, &server, &[UNIT, OTHER]);
    assert!(!both.phone.places.contains_key(&doc(1)) && !finds(&both, "张伟".as_bytes()));
}

#[test]
fn a_word_of_a_unit_that_it_came_through_leaves_what_another_log_holds() {
    let mut server = Server::default();
    let mut both = in_units(1, &[UNIT, OTHER]);
    both.set(doc(1), "name", "张伟");
    server.sync(&mut both);
    server.move_to(doc(1), OTHER);
    server.move_to(doc(1), UnitId(7));
    let page = server.page(OTHER, 0, &[]);
    both.take_page(page);
    assert_eq!(
        both.open(doc(1)).entries().text("name").as_deref(),
        Some("张伟"),
        "its own log says nothing yet"
    );
    server.sync(&mut both);
    agrees(&both, &server, &[UNIT, OTHER]);
    assert!(!both.phone.places.contains_key(&doc(1)) && !finds(&both, "张伟".as_bytes()));
}

#[test]
fn an_erased_document_goes_from_every_log_at_once() {
    let mut server = Server::default();
    let mut both = in_units(1, &[UNIT, OTHER]);
    both.set(doc(1), "name", "CANARY");
    server.sync(&mut both);
    server.move_to(doc(1), OTHER);
    server.erase(doc(1));
    // The unit that it left says so, too.
    server
        .logs
        .entry(UNIT)
        .or_default()
        .push(super::harness::Entry::Control(crate::sync::wire::Control::Erased { doc: doc(1) }));
    server.sync(&mut both);
    agrees(&both, &server, &[UNIT, OTHER]);
    assert!(!both.phone.places.contains_key(&doc(1)) && !finds(&both, b"CANARY"));
}

#[test]
fn an_older_row_in_a_block_does_not_bring_an_erased_document_back() {
    let mut server = Server::default();
    let (mut a, mut b) = (in_units(1, &[UNIT]), in_units(2, &[UNIT]));
    for number in 1..=40 {
        a.set(doc(number), "name", if number == 1 { "CANARY" } else { "张伟" });
    }
    for device in [&mut a, &mut b] {
        server.sync(device);
    }
    assert!(b.phone.in_blocks.contains(&doc(1)));
    set(&mut a, 1, "address", "三组");
    for device in [&mut a, &mut b] {
        server.sync(device);
    }
    assert!(!b.phone.in_blocks.contains(&doc(1)), "its newest row stands by itself");
    server.erase(doc(1));
    server.sync(&mut b);
    assert!(b.disk.phone().rows().count() == 39 && !finds(&b, b"CANARY"));
}

#[test]
fn a_form_on_a_record_that_moved_away_saves_nothing_new() {
    let mut server = Server::default();
    let mut a = in_units(1, &[UNIT]);
    a.set(doc(1), "name", "张伟");
    server.sync(&mut a);
    set(&mut a, 1, "address", "late");
    server.move_to(doc(1), OTHER);
    let page = server.page(UNIT, a.phone.meta.cursors[&UNIT].seq, &[]);
    a.take_page(page);
    assert_eq!(a.phone.waiting(), 1);
    let edit = Edit {
        doc: doc(1),
        new: None,
        base: Vec::new(),
        patch: Patch::set("residence", Value::Text("away".into())),
        actor: crate::record::DeviceId(1).actor([9; 8]),
        author: crate::record::UserId(1),
        at: Timestamp(1),
    };
    assert!(matches!(a.phone.plan_edit(&edit, &Segments::new()), Err(EditError::NotFound)));
    server.sync(&mut a);
    assert_eq!((a.phone.waiting(), a.phone.outbox().count()), (0, 0), "what was saved before was routed");
}

#[test]
fn what_a_page_says_later_counts_for_edits_that_it_orphaned_before() {
    let mut server = Server::default();
    let mut both = in_units(1, &[UNIT, OTHER]);
    for number in [1, 2] {
        both.set(doc(number), "name", "CANARY");
    }
    server.sync(&mut both);
    for number in [1, 2] {
        set(&mut both, number, "address", "CANARY");
        server.re_root(doc(number), "");
    }
    server.move_to(doc(1), OTHER);
    server.erase(doc(2));
    let page = server.page(UNIT, both.phone.meta.cursors[&UNIT].seq, &[]);
    both.take_page(page);
    let rows: Vec<_> = both.phone.outbox().map(|row| (row.doc, row.unit, row.state.is_re_rooted())).collect();
    assert_eq!(
        rows,
        [(doc(1), OTHER, true)],
        "it waits to be made again, where the record went; the other is gone"
    );
    for _ in 0..2 {
        server.sync(&mut both);
    }
    assert_eq!((both.phone.waiting(), both.phone.refused().count()), (0, 0));
    assert_eq!(both.open(doc(1)).values("address").len(), 1);
    agrees(&both, &server, &[UNIT, OTHER]);
}

#[test]
fn an_edit_is_made_again_on_what_is_left_when_its_record_went_through_another_unit() {
    let mut server = Server::default();
    let mut both = in_units(1, &[UNIT, OTHER]);
    both.set(doc(1), "name", "张伟");
    server.sync(&mut both);
    server.move_to(doc(1), OTHER);
    server.sync(&mut both);
    set(&mut both, 1, "address", "made again");
    server.move_to(doc(1), UNIT);
    server.move_to(doc(1), OTHER);
    server.re_root(doc(1), "");
    for _ in 0..2 {
        server.sync(&mut both);
        let held = both.phone.segments_of(doc(1));
        assert_eq!(
            both.disk.segments(held.clone()).len(),
            held.len(),
            "its row names no segment that is gone"
        );
    }
    assert_eq!((both.phone.waiting(), both.phone.refused().count()), (0, 0));
    assert_eq!(both.open(doc(1)).values("name").len(), 1, "not on the old history as well");
    assert_eq!(both.open(doc(1)).entries().text("address").as_deref(), Some("made again"));
    agrees(&both, &server, &[UNIT, OTHER]);
}
