//! The phone against a small server of plain lists: nothing saved is lost, nothing is counted twice, crashes cost nothing.
mod again;
mod anew;
mod controls;
mod harness;
mod inbox;
mod parcels;
mod repair;
mod restored;

use harness::{Device, Server, UNIT, doc};

use super::*;
use crate::{
    record::{ChangeHash, Patch, UserId, Value},
    sync::{
        gate::Refusal,
        session::{Commit, Effect, Event},
        wire::{Frame, Page, Verdict, encode_answer_start, encode_frame},
    },
};

#[test]
fn what_came_in_while_a_form_was_open_is_not_overwritten() {
    let (mut a, mut b, mut server) = (Device::new(1), Device::new(2), Server::default());
    a.set(doc(1), "name", "张伟");
    for device in [&mut a, &mut b] {
        server.sync(device);
    }
    let seen = a.open(doc(1)).heads();
    b.set(doc(1), "name", "张玮");
    b.set(doc(1), "address", "东街");
    server.sync(&mut b);
    server.sync(&mut a);
    // The form was opened before that sync and is saved after it.
    a.edit_on(doc(1), seen.clone(), Patch::set("name", Value::Text("张炜".into())));
    let conflicts = a.open(doc(1)).conflicts();
    let values: Vec<_> = conflicts[0].claims.iter().filter_map(|claim| claim.value.as_text()).collect();
    assert_eq!((conflicts.len(), values.len()), (1, 2), "{values:?}");
    assert_eq!(a.open(doc(1)).entries().text("address").as_deref(), Some("东街"));
    server.sync(&mut a);
    server.sync(&mut b);
    assert_eq!(a.open(doc(1)).heads(), b.open(doc(1)).heads());
    // Saving what stood there when the form was opened writes nothing.
    let edit_of_nothing = a.open(doc(1)).at(&seen).unwrap().entries();
    assert_eq!(edit_of_nothing.text("name").as_deref(), Some("张伟"));
    // Choosing on the heads that the person saw settles it for both.
    let seen = a.open(doc(1)).heads();
    a.edit_on(doc(1), seen, Patch::set("name", Value::Text("张玮".into())));
    server.sync(&mut a);
    server.sync(&mut b);
    for device in [&a, &b] {
        assert!(device.open(doc(1)).conflicts().is_empty());
        assert_eq!(device.open(doc(1)).entries().text("name").as_deref(), Some("张玮"));
    }
}

#[test]
fn a_row_of_an_old_page_does_not_hide_what_has_its_receipt() {
    let (mut a, mut b, mut server) = (Device::new(1), Device::new(2), Server::default());
    a.set(doc(1), "name", "张伟");
    for device in [&mut a, &mut b] {
        server.sync(device);
    }
    a.set(doc(1), "address", "东街");
    server.sync(&mut a);
    // A page as it was kept, before the next edit was there.
    let old = server.page(UNIT, 1, &[]);
    b.set(doc(1), "residence", "away");
    let outgoing = b.outgoing();
    let own = server.push(&outgoing);
    b.take(&Commit::Verdicts(own.clone()));
    b.take_page(Page { complete: false, ..old });
    let own: Vec<ChangeHash> = own.iter().map(|(hash, _)| *hash).collect();
    b.take_page(server.page(UNIT, 2, &own));
    let document = b.open(doc(1));
    assert_eq!(**b.phone.rows().next().unwrap(), Row::of(doc(1), &document, UNIT));
    assert_eq!(document.entries().text("residence").as_deref(), Some("away"));
}

#[test]
fn a_first_answer_that_is_cut_leaves_cursors_of_a_known_epoch() {
    let (mut a, mut b, mut server) = (Device::new(1), Device::new(2), Server::default());
    a.take(&Commit::Scope(vec![(UNIT, 0)]));
    a.set(doc(1), "name", "张伟");
    server.sync(&mut a);
    let mut session = crate::sync::session::Session::new();
    session.handle(Event::Wake, 0);
    session.handle(Event::Outgoing(Box::new(b.outgoing())), 0);
    let frames =
        [Frame::Epoch(EpochId(4)), Frame::Scope(vec![(UNIT, 1)]), Frame::Page(server.page(UNIT, 0, &[]))];
    let bytes = encode_answer_start().into_iter().chain(frames.iter().flat_map(encode_frame)).collect();
    let mut effects = session.handle(Event::Bytes(bytes), 0);
    while let [Effect::Commit(commit)] = &effects[..] {
        b.take(commit);
        effects = session.handle(Event::Committed, 0);
    }
    let request = b.outgoing().request;
    assert_eq!((request.epoch, request.cursors), (EpochId(4), vec![(UNIT, 1)]));
}

#[test]
fn a_receipt_before_the_scope_does_not_stand_for_it() {
    let (mut a, mut server) = (Device::new(1), Server::default());
    a.set(doc(1), "name", "张伟");
    let verdicts = server.push(&a.outgoing());
    a.take(&Commit::Verdicts(verdicts));
    assert_eq!(
        a.outgoing().request.cursors,
        [],
        "the answer was cut here: the scope is to be told once more"
    );
    a.take(&Commit::Scope(vec![(UNIT, 1)]));
    assert_eq!(a.phone.held(UNIT), server.state(UNIT), "counted now");
    // As an app of before has kept it.
    a.phone.meta.scope.clear();
    a.disk.0.insert((Table::Meta, stored::META_SYNC.into()), crate::encode(&a.phone.meta));
    assert_eq!(a.disk.phone().scope().len(), 1);
}

#[test]
fn two_phones_meet_and_a_lost_answer_costs_nothing() {
    let (mut a, mut b, mut server) = (Device::new(1), Device::new(2), Server::default());
    for device in [&mut a, &mut b] {
        device.take(&Commit::Scope(vec![(UNIT, 0)]));
    }
    a.set(doc(1), "name", "张伟");
    a.set(doc(2), "name", "李强");
    // The request arrives, the answer does not.
    let _ = server.push(&a.outgoing());
    assert_eq!(a.phone.waiting(), 2);
    server.sync(&mut a);
    assert_eq!((a.phone.waiting(), a.phone.held(UNIT)), (0, (server.state(UNIT).0, 2)));
    server.sync(&mut b);
    b.set(doc(1), "address", "东街");
    a.set(doc(1), "phone/01A.number", "15412345678");
    // The verdicts arrive, the pages do not: own changes come back with the next page and are not counted twice.
    let outgoing = a.outgoing();
    let verdicts = server.push(&outgoing);
    a.take(&Commit::Verdicts(verdicts));
    server.sync(&mut b);
    server.sync(&mut a);
    server.sync(&mut b);
    for device in [&a, &b] {
        assert_eq!(device.phone.held(UNIT), (server.state(UNIT).0, 4));
        assert_eq!(device.open(doc(1)).entries().text("address").as_deref(), Some("东街"));
    }
    assert_eq!(a.open(doc(1)).heads(), b.open(doc(1)).heads());
    assert_eq!(a.phone.places[&doc(1)].row, b.phone.places[&doc(1)].row);
}

#[test]
fn a_refused_change_stays_readable_and_the_record_goes_on_without_it() {
    let (mut a, mut server) = (Device::new(1), Server::default());
    a.set(doc(1), "name", "张伟");
    server.sync(&mut a);
    a.set(doc(1), "address", "refused");
    a.set(doc(1), "residence", "home");
    a.set(doc(2), "name", "new and refused");
    let outgoing = a.outgoing();
    let refused = |hash: ChangeHash| (hash, Verdict::Refused(Refusal::BadValue));
    a.take(&Commit::Verdicts(vec![
        refused(outgoing.hashes[0]),
        (outgoing.hashes[1], Verdict::Pending),
        refused(outgoing.hashes[2]),
    ]));
    assert_eq!(a.phone.waiting(), 0);
    let states: Vec<OutState> = a.phone.outbox().map(|row| row.state).collect();
    let at = Timestamp(9);
    assert_eq!(
        states,
        [
            OutState::Refused(Refusal::BadValue, at),
            OutState::Refused(Refusal::AfterRefused, at),
            OutState::Refused(Refusal::BadValue, at)
        ]
    );
    assert_eq!(a.open(doc(1)).entries().text("address"), None);
    assert!(!a.phone.places.contains_key(&doc(2)));
    a.set(doc(1), "address", "right");
    server.sync(&mut a);
    assert_eq!(a.phone.held(UNIT), (server.state(UNIT).0, 2));
    a.dismiss(outgoing.hashes[0]);
    assert_eq!(a.phone.outbox().count(), 2);
}

#[test]
fn a_change_accepted_and_one_refused_of_one_document() {
    let mut a = Device::new(1);
    a.set(doc(1), "name", "张伟");
    a.set(doc(1), "address", "refused");
    let hashes = a.outgoing().hashes;
    a.take(&Commit::Verdicts(vec![
        (hashes[0], Verdict::Accepted(1)),
        (hashes[1], Verdict::Refused(Refusal::BadValue)),
    ]));
    let entries = a.open(doc(1)).entries();
    assert_eq!((entries.text("name").as_deref(), entries.text("address")), (Some("张伟"), None));
}

#[test]
fn a_restored_server_gets_back_what_it_lost() {
    let (mut a, mut server) = (Device::new(1), Server::default());
    a.take(&Commit::Scope(vec![(UNIT, 0)]));
    a.set(doc(1), "name", "张伟");
    server.sync(&mut a);
    let mut restored = Server::default();
    a.take(&Commit::EpochChanged(EpochId(2)));
    assert_eq!(a.phone.waiting(), 1);
    restored.sync(&mut a);
    assert_eq!(
        (restored.items(UNIT).len(), a.phone.waiting(), a.phone.held(UNIT)),
        (1, 0, (restored.state(UNIT).0, 1))
    );
    assert_eq!(a.phone.epoch(), EpochId(2));
}

#[test]
fn what_a_restored_server_lost_is_offered_before_what_was_built_on_it() {
    let (mut a, mut server) = (Device::new(1), Server::default());
    a.take(&Commit::Scope(vec![(UNIT, 0)]));
    a.set(doc(1), "name", "张伟");
    server.sync(&mut a);
    a.set(doc(1), "address", "一组");
    a.take(&Commit::EpochChanged(EpochId(2)));
    let outgoing = a.outgoing();
    let mut document = Document::new(Kind::Person);
    for push in outgoing.request.push {
        document.apply([LogChange { raw: push.raw, author: UserId(1), received_at: None }]).unwrap();
    }
    assert_eq!(document.entries().text("address").as_deref(), Some("一组"));
}

#[test]
fn a_lost_unit_goes_but_what_has_no_receipt_stays() {
    let (mut a, mut server) = (Device::new(1), Server::default());
    a.take(&Commit::Scope(vec![(UNIT, 0)]));
    for number in 1..=60 {
        a.set(doc(number), "name", "张伟");
    }
    let mut b = Device::new(2);
    server.sync(&mut a);
    server.sync(&mut b);
    assert!(!b.phone.blocks.is_empty(), "many new rows come as a block");
    b.set(doc(60), "address", "unsent");
    b.take(&Commit::Scope(vec![(UnitId(6), 0)]));
    assert_eq!(b.phone.rows().map(|row| row.doc).collect::<Vec<_>>(), [doc(60)]);
    assert_eq!(b.phone.waiting(), 1);
    assert_eq!(b.open(doc(60)).entries().text("name").as_deref(), Some("张伟"));
}

/// A phone that has lost its unit while something on the second of two documents had no receipt.
fn with_one_left_behind() -> (Device, Server) {
    let (mut a, mut server) = (Device::new(1), Server::default());
    a.take(&Commit::Scope(vec![(UNIT, 0)]));
    a.set(doc(1), "name", "张伟");
    a.set(doc(2), "name", "王芳");
    let mut b = Device::new(2);
    server.sync(&mut a);
    server.sync(&mut b);
    b.set(doc(2), "address", "unsent");
    b.take(&Commit::Scope(vec![(UnitId(6), 0)]));
    (b, server)
}

#[test]
fn what_left_with_its_unit_is_not_left_in_the_log_of_what_stayed() {
    let (b, _) = with_one_left_behind();
    let kept: Vec<Item> =
        b.disk.table(Table::Log).iter().flat_map(|(_, value)| stored::read_segment(value)).collect();
    assert_eq!(kept.iter().map(|item| item.doc).collect::<Vec<_>>(), [doc(2)]);
}

#[test]
fn a_unit_that_comes_back_is_counted_with_what_had_stayed() {
    let (mut b, server) = with_one_left_behind();
    b.take(&Commit::Scope(vec![(UNIT, 2)]));
    b.take(&Commit::Page(server.page(UNIT, 0, &[])));
    assert_eq!(b.phone.held(UNIT), (server.state(UNIT).0, 2));
    assert_eq!(b.phone.meta.cursors[&UNIT].seq, 2, "and nothing is read anew");
}

#[test]
fn a_record_that_stayed_for_a_refused_change_goes_with_it() {
    let (mut b, _) = with_one_left_behind();
    let hash = b.phone.outbox().next().unwrap().hash;
    b.take(&Commit::Verdicts(vec![(hash, Verdict::Refused(crate::sync::gate::Refusal::NotInScope))]));
    assert_eq!(b.phone.rows().count(), 1, "readable until a person has read why");
    b.dismiss(hash);
    assert_eq!(b.phone.rows().count(), 0);
    assert!(b.disk.table(Table::Log).is_empty());
}

#[test]
fn records_refused_as_a_whole_do_not_come_back_from_an_old_block() {
    let mut a = Device::new(1);
    a.take(&Commit::Scope(vec![(UNIT, 0)]));
    a.set(doc(1), "name", "张伟");
    a.set(doc(2), "name", "王芳");
    let gathered = a.phone.plan_gather();
    a.run(gathered);
    a.set(doc(1), "address", "newer than the block");
    a.set(doc(2), "address", "newer than the block");
    let refused = |row: &OutboxRow| (row.hash, Verdict::Refused(crate::sync::gate::Refusal::Malformed));
    let verdicts = a.phone.outbox().map(refused).collect();
    // The device compares what it remembers with what its disk says after each step.
    a.take(&Commit::Verdicts(verdicts));
    assert_eq!(a.phone.rows().count(), 0);
}

#[test]
fn rows_are_gathered_and_forgotten_in_small_steps() {
    let mut a = Device::new(1);
    a.take(&Commit::Scope(vec![(UNIT, 0)]));
    a.set(doc(0), "name", "张伟");
    let row = Row::clone(a.phone.rows().next().unwrap());
    // Each row by itself, all at once.
    let alone = |a: &mut Device, docs: &mut dyn Iterator<Item = DocId>| {
        let mut plan = Plan::of(&a.phone);
        docs.for_each(|doc| plan.put_row(Row { doc, ..row.clone() }.into(), Vec::new()));
        a.run(plan);
    };
    let count = scope::LOOSE_ROWS_MAX + scope::BLOCK_ROWS + 1;
    alone(&mut a, &mut (0..count as u128).map(|number| DocId(number.to_be_bytes())));
    let mut steps = 0;
    while let Some(plan) = a.phone.plan_tidy() {
        a.run(plan);
        steps += 1;
    }
    assert_eq!((steps, a.phone.blocks.len()), (2, 2));
    assert!(a.phone.places.len() - a.phone.in_blocks.len() <= scope::LOOSE_ROWS_MAX);
    // One row goes: only its block is written anew.
    let (gone, number) = a.phone.block_rows.first().copied().unwrap();
    let mut plan = Plan::of(&a.phone);
    plan.remove_place(gone);
    a.phone.forget_in_blocks(&mut plan);
    let blocks: Vec<_> = plan.blocks.keys().copied().collect();
    assert_eq!(blocks, [number]);
    a.run(plan);
    assert_eq!(a.phone.places.len(), count - 1);
    // Most of a block is newer elsewhere: it is written anew without that, and the other one is left alone.
    let stale: Vec<DocId> =
        a.phone.block_rows.iter().filter(|(_, block)| *block == number).map(|(doc, _)| *doc).collect();
    alone(&mut a, &mut stale.into_iter().skip(scope::BLOCK_ROWS / 3));
    let plan = a.phone.plan_tidy().unwrap();
    assert_eq!(plan.blocks.len(), 1);
    a.run(plan);
    assert!(a.phone.plan_tidy().is_none());
    let left = a.phone.block_rows.iter().filter(|(_, block)| *block == number).count();
    assert_eq!((left, a.phone.places.len()), (scope::BLOCK_ROWS / 3, count - 1));
}

#[test]
fn a_phone_changes_hands_only_when_nothing_waits() {
    let mut a = Device::new(1);
    a.set(doc(1), "name", "张伟");
    let other = Account { user: UserId(2), ..a.phone.account().unwrap().clone() };
    assert_eq!(a.phone.plan_sign_in(other.clone()).err(), Some(account::SignInRefusal::OthersWork(1)));
    let plan = a.phone.plan_sign_out();
    a.run(plan);
    assert_eq!((a.phone.waiting(), a.phone.account().and_then(|account| account.token.clone())), (1, None));
    Server::default().sync(&mut a);
    let plan = a.phone.plan_sign_in(other).unwrap();
    assert!(a.run(plan).forgotten);
    assert_eq!((a.phone.rows().count(), a.phone.account().unwrap().user), (0, UserId(2)));
}
