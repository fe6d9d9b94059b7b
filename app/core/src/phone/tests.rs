//! The phone against a small server of plain lists: nothing saved is lost, nothing is counted twice, crashes cost nothing.
use std::collections::BTreeMap;

use super::*;
use crate::{
    record::{DeviceId, Patch, UserId, Value, list::Role},
    sync::{
        gate::Refusal,
        session::Commit,
        wire::{Page, Verdict},
    },
};

const UNIT: UnitId = UnitId(5);

/// A store of tables in memory, read back as a browser would after a restart.
#[derive(Default)]
struct Disk(BTreeMap<(Table, String), Vec<u8>>);

impl Disk {
    fn write(&mut self, batch: &Batch) {
        for op in batch {
            match op {
                Op::Put(table, key, value) => drop(self.0.insert((*table, key.clone()), value.clone())),
                Op::Delete(table, key) => drop(self.0.remove(&(*table, key.clone()))),
                Op::Clear(table) => self.0.retain(|(kept, _), _| kept != table),
            }
        }
    }

    fn table(&self, table: Table) -> Vec<(String, Vec<u8>)> {
        self.0
            .iter()
            .filter(|((found, _), _)| *found == table)
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect()
    }

    fn phone(&self) -> Phone {
        Phone::read(&Stored {
            meta: self.table(Table::Meta),
            outbox: self.table(Table::Outbox),
            blocks: self.table(Table::Block),
            rows: self.table(Table::Row),
            log_keys: self.table(Table::Log).into_iter().map(|(key, _)| key).collect(),
        })
    }

    fn segments(&self, ids: impl IntoIterator<Item = SegmentId>) -> Segments {
        ids.into_iter()
            .filter_map(|id| Some((id, self.0.get(&(Table::Log, id.to_string()))?.clone())))
            .collect()
    }
}

struct Device {
    disk: Disk,
    phone: Phone,
    device: DeviceId,
    edits: u64,
}

impl Device {
    fn new(number: u32) -> Self {
        let mut new = Self {
            disk: Disk::default(),
            phone: Phone::default(),
            device: DeviceId(number.into()),
            edits: 0,
        };
        let account = Account {
            user: UserId(number),
            sign_in_name: "w".into(),
            name: "W".into(),
            role: Role::VillageWorker,
            unit: UNIT,
            unit_name: "V".into(),
            device: new.device,
            token: Some("t".into()),
        };
        let plan = new.phone.plan_sign_in(account).unwrap();
        new.run(plan);
        new
    }

    fn run(&mut self, plan: Plan) -> Settled {
        self.disk.write(&plan.batch);
        let settled = self.phone.settle(plan);
        // What memory says is what a restart would read.
        let read = self.disk.phone();
        assert_eq!(read.meta, self.phone.meta);
        assert_eq!(read.outbox, self.phone.outbox);
        let places = |phone: &Phone| {
            phone
                .places
                .iter()
                .map(|(doc, place)| (*doc, place.row.clone(), place.segments.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(places(&read), places(&self.phone));
        self.phone = read;
        settled
    }

    fn edit(&mut self, doc: DocId, patch: Patch) {
        self.edit_on(doc, Vec::new(), patch);
    }

    fn edit_on(&mut self, doc: DocId, base: Vec<ChangeHash>, patch: Patch) {
        self.edits += 1;
        let author = self.phone.account().unwrap().user;
        let edit = Edit {
            doc,
            new: Some((Kind::Person, UNIT)),
            base,
            patch,
            actor: self.device.actor(self.edits.to_be_bytes()),
            author,
            at: Timestamp(1000 * i64::try_from(self.edits).unwrap()),
        };
        let segments = self.disk.segments(self.phone.segments_of(doc));
        let plan = self.phone.plan_edit(&edit, &segments).unwrap().unwrap();
        self.run(plan);
    }

    fn set(&mut self, doc: DocId, key: &str, text: &str) {
        let mut patch = Patch::set(key, Value::Text(text.into()));
        if !self.phone.places.contains_key(&doc) {
            let author = self.phone.account().unwrap().user;
            patch.0.insert("created_by".into(), Some(Value::Int(author.0.into())));
        }
        self.edit(doc, patch);
    }

    fn take(&mut self, commit: &Commit) {
        let segments = self.disk.segments(self.phone.needs(commit));
        let plan = self.phone.plan_commit(commit, &segments, Timestamp(9));
        self.run(plan);
    }

    fn open(&self, doc: DocId) -> Document {
        self.phone.document(doc, &self.disk.segments(self.phone.segments_of(doc))).unwrap().unwrap().0
    }
}

/// One unit's log.
#[derive(Default)]
struct Server {
    log: Vec<Item>,
    digest: Digest,
}

impl Server {
    fn push(&mut self, outgoing: &Outgoing) -> Vec<(ChangeHash, Verdict)> {
        let mut verdicts = Vec::new();
        for (hash, push) in outgoing.hashes.iter().zip(&outgoing.request.push) {
            let known = self.log.iter().position(|item| item.raw == push.raw);
            verdicts.push((
                *hash,
                known.map_or(Verdict::Accepted(self.log.len() as u64 + 1), |at| {
                    Verdict::Duplicate(at as u64 + 1)
                }),
            ));
            if known.is_none() {
                self.digest = self.digest.with(*hash);
                self.log.push(Item {
                    doc: push.doc,
                    kind: push.kind,
                    author: UserId(1),
                    received_at: Timestamp(5),
                    raw: push.raw.clone(),
                });
            }
        }
        verdicts
    }

    fn page(&self, from: u64, but: &[ChangeHash]) -> Page {
        let start = usize::try_from(from).unwrap();
        let items: Vec<Item> = self.log[start..]
            .iter()
            .filter(|item| !but.contains(&crate::sync::scan::scan(&item.raw).unwrap().hash))
            .cloned()
            .collect();
        let docs: std::collections::BTreeSet<DocId> = items.iter().map(|item| item.doc).collect();
        let row = |doc: &DocId| {
            let changes = self.log.iter().filter(|item| item.doc == *doc).cloned().map(log_change);
            Row::of(*doc, &Document::load(Kind::Person, changes).unwrap(), UNIT)
        };
        Page {
            unit: UNIT,
            from_seq: from,
            to_seq: self.log.len() as u64,
            rows: docs.iter().map(row).collect(),
            items,
            digest: self.digest,
            count: self.log.len() as u64,
            complete: true,
        }
    }

    fn sync(&mut self, device: &mut Device) {
        let outgoing = device.phone.outgoing().unwrap();
        let verdicts = self.push(&outgoing);
        device.take(&Commit::Verdicts(verdicts));
        let from = device.phone.meta.cursors.get(&UNIT).map_or(0, |cursor| cursor.seq);
        device.take(&Commit::Page(self.page(from, &outgoing.hashes)));
    }
}

fn doc(number: u8) -> DocId {
    DocId([number; 16])
}

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
fn two_phones_meet_and_a_lost_answer_costs_nothing() {
    let (mut a, mut b, mut server) = (Device::new(1), Device::new(2), Server::default());
    for device in [&mut a, &mut b] {
        device.take(&Commit::Scope(vec![(UNIT, 0)]));
    }
    a.set(doc(1), "name", "张伟");
    a.set(doc(2), "name", "李强");
    // The request arrives, the answer does not.
    let _ = server.push(&a.phone.outgoing().unwrap());
    assert_eq!(a.phone.waiting(), 2);
    server.sync(&mut a);
    assert_eq!((a.phone.waiting(), a.phone.held(UNIT)), (0, (server.digest, 2)));
    server.sync(&mut b);
    b.set(doc(1), "address", "东街");
    a.set(doc(1), "phone/01A.number", "15412345678");
    // The verdicts arrive, the pages do not: own changes come back with the next page and are not counted twice.
    let outgoing = a.phone.outgoing().unwrap();
    let verdicts = server.push(&outgoing);
    a.take(&Commit::Verdicts(verdicts));
    server.sync(&mut b);
    server.sync(&mut a);
    server.sync(&mut b);
    for device in [&a, &b] {
        assert_eq!(device.phone.held(UNIT), (server.digest, 4));
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
    let outgoing = a.phone.outgoing().unwrap();
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
    assert_eq!(a.phone.held(UNIT), (server.digest, 2));
    let plan = a.phone.plan_dismiss(outgoing.hashes[0]);
    a.run(plan);
    assert_eq!(a.phone.outbox().count(), 2);
}

#[test]
fn a_change_accepted_and_one_refused_of_one_document() {
    let mut a = Device::new(1);
    a.set(doc(1), "name", "张伟");
    a.set(doc(1), "address", "refused");
    let hashes = a.phone.outgoing().unwrap().hashes;
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
    assert_eq!((restored.log.len(), a.phone.waiting(), a.phone.held(UNIT)), (1, 0, (restored.digest, 1)));
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
    let outgoing = a.phone.outgoing().unwrap();
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
    b.take(&Commit::Page(server.page(0, &[])));
    assert_eq!(b.phone.held(UNIT), (server.digest, 2));
    assert_eq!(b.phone.meta.cursors[&UNIT].seq, 2, "and nothing is read anew");
}

#[test]
fn a_record_that_stayed_for_a_refused_change_goes_with_it() {
    let (mut b, _) = with_one_left_behind();
    let hash = b.phone.outbox().next().unwrap().hash;
    b.take(&Commit::Verdicts(vec![(hash, Verdict::Refused(crate::sync::gate::Refusal::NotInScope))]));
    assert_eq!(b.phone.rows().count(), 1, "readable until a person has read why");
    let plan = b.phone.plan_dismiss(hash);
    b.run(plan);
    assert_eq!(b.phone.rows().count(), 0);
    assert!(b.disk.table(Table::Log).is_empty());
}

#[test]
fn records_refused_as_a_whole_do_not_come_back_from_an_old_block() {
    let mut a = Device::new(1);
    a.take(&Commit::Scope(vec![(UNIT, 0)]));
    a.set(doc(1), "name", "张伟");
    a.set(doc(2), "name", "王芳");
    let mut tidied = Plan::of(&a.phone);
    a.phone.rewrite_blocks(&mut tidied);
    a.run(tidied);
    a.set(doc(1), "address", "newer than the block");
    a.set(doc(2), "address", "newer than the block");
    let refused = |row: &OutboxRow| (row.hash, Verdict::Refused(crate::sync::gate::Refusal::Malformed));
    let verdicts = a.phone.outbox().map(refused).collect();
    // The device compares what it remembers with what its disk says after each step.
    a.take(&Commit::Verdicts(verdicts));
    assert_eq!(a.phone.rows().count(), 0);
}

#[test]
fn a_damaged_log_is_read_anew_once() {
    let (mut a, mut server) = (Device::new(1), Server::default());
    a.set(doc(1), "name", "张伟");
    server.sync(&mut a);
    server.digest = Digest(1);
    server.sync(&mut a);
    assert_eq!(a.phone.meta.cursors[&UNIT].seq, 0);
    server.sync(&mut a);
    assert_eq!(a.phone.meta.cursors[&UNIT].seq, 1, "once, not for ever");
    assert_eq!(a.phone.held(UNIT).1, 1, "and nothing is counted twice");
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
