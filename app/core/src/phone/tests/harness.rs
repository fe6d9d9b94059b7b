//! A phone over tables in memory, and a server of plain lists.
use std::collections::{BTreeMap, BTreeSet};

use super::super::*;
use crate::{
    encode,
    record::{ChangeHash, DeviceId, Patch, UserId, Value, list::Role},
    seal::SecretKey,
    sync::{
        gate::Refusal,
        scan,
        session::{Asked, Commit},
        wire::{Bucket, Control, End, Page, Probe, Stray, Verdict, Want},
    },
};

pub(super) const UNIT: UnitId = UnitId(5);

/// A store of tables in memory, read back as a browser would after a restart.
#[derive(Default)]
pub(super) struct Disk(pub(super) BTreeMap<(Table, String), Vec<u8>>);

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

    /// All parcels were delivered while the app was closed.
    pub(super) fn deliver_all(&mut self) {
        for ((table, _), value) in &mut self.0 {
            if *table == Table::Parcel {
                value.clear();
            }
        }
    }

    pub(super) fn table(&self, table: Table) -> Vec<(String, Vec<u8>)> {
        self.0
            .iter()
            .filter(|((found, _), _)| *found == table)
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect()
    }

    pub(super) fn phone(&self) -> Phone {
        Phone::read(&Stored {
            meta: self.table(Table::Meta),
            outbox: self.table(Table::Outbox),
            blocks: self.table(Table::Block),
            rows: self.table(Table::Row),
            log_keys: self.table(Table::Log).into_iter().map(|(key, _)| key).collect(),
            parcel_keys: self.table(Table::Parcel).into_iter().map(|(key, _)| key).collect(),
        })
    }

    pub(super) fn segments(&self, ids: impl IntoIterator<Item = SegmentId>) -> Segments {
        ids.into_iter()
            .filter_map(|id| Some((id, self.0.get(&(Table::Log, id.to_string()))?.clone())))
            .collect()
    }
}

pub(super) struct Device {
    pub(super) disk: Disk,
    pub(super) phone: Phone,
    device: DeviceId,
    edits: u64,
}

impl Device {
    pub(super) fn new(number: u32) -> Self {
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
            former: Vec::new(),
        };
        let plan = new.phone.plan_sign_in(account).unwrap();
        new.run(plan);
        new.know_sync_key();
        new
    }

    /// The server says which key parcels are sealed to.
    pub(super) fn know_sync_key(&mut self) {
        let sync_key = Some(SecretKey::of_seed(&[1; 32]).public());
        self.take(&Commit::Directory(Directory { sync_key, ..Directory::default() }));
    }

    pub(super) fn run(&mut self, plan: Plan) -> Settled {
        let settled = self.run_one(plan);
        while let Some(plan) = self.phone.plan_parcels() {
            self.run_one(plan);
        }
        // With a key known, whatever waits has a parcel, and nothing else has.
        let waiting = self.phone.outbox.iter().filter(|(_, row)| row.state == OutState::Waiting);
        let pushes = waiting.map(|(number, row)| (format!("{number:020}"), encode(&row.push())));
        if self.phone.sync_key().is_some() {
            assert_eq!(self.disk.table(Table::Parcel), pushes.collect::<Vec<_>>());
        }
        settled
    }

    fn run_one(&mut self, plan: Plan) -> Settled {
        self.disk.write(&plan.batch);
        let settled = self.phone.settle(plan);
        // What memory says is what a restart would read.
        let read = self.disk.phone();
        assert_eq!(read.meta, self.phone.meta);
        assert_eq!(read.inbox, self.phone.inbox);
        assert_eq!(read.outbox, self.phone.outbox);
        assert_eq!(read.parcels, self.phone.parcels);
        let places = |phone: &Phone| {
            phone
                .places
                .iter()
                .map(|(doc, place)| (*doc, place.row.clone(), place.segments.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(places(&read), places(&self.phone));
        assert_eq!((&read.blocks, &read.in_blocks), (&self.phone.blocks, &self.phone.in_blocks));
        assert_eq!(read.block_rows, self.phone.block_rows);
        self.phone = read;
        settled
    }

    pub(super) fn edit(&mut self, doc: DocId, patch: Patch) {
        self.edit_on(doc, Vec::new(), patch);
    }

    pub(super) fn edit_on(&mut self, doc: DocId, base: Vec<ChangeHash>, patch: Patch) {
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

    pub(super) fn set(&mut self, doc: DocId, key: &str, text: &str) {
        let mut patch = Patch::set(key, Value::Text(text.into()));
        if !self.phone.places.contains_key(&doc) {
            let author = self.phone.account().unwrap().user;
            patch.0.insert("created_by".into(), Some(Value::Int(author.0.into())));
        }
        self.edit(doc, patch);
    }

    pub(super) fn take(&mut self, commit: &Commit) {
        let segments = self.disk.segments(self.phone.needs(commit));
        let plan = self.phone.plan_commit(commit, &segments, Timestamp(9));
        self.run(plan);
    }

    /// A person lets a refused change go.
    pub(super) fn dismiss(&mut self, hash: ChangeHash) {
        let plan = self.phone.plan_dismiss(hash, &self.disk.segments(self.phone.needs_dismiss(hash)));
        self.run(plan);
    }

    /// A page as the session hands it over: what happened first, the changes after it.
    pub(super) fn take_page(&mut self, mut page: Page) {
        let controls = std::mem::take(&mut page.controls);
        if !controls.is_empty() {
            self.take(&Commit::Controls(page.unit, controls));
        }
        self.take(&Commit::Page(page));
    }

    /// The end of a whole answer.
    pub(super) fn take_end(&mut self) {
        self.take_end_of(Asked::default());
    }

    fn take_end_of(&mut self, asked: Asked) {
        let (epoch, server_time) = (self.phone.epoch(), Timestamp(7));
        self.take(&Commit::End(End { more: false, epoch, server_time }, asked));
    }

    pub(super) fn outgoing(&self) -> Outgoing {
        self.phone.outgoing(&self.disk.segments(self.phone.needs_outgoing())).unwrap()
    }

    pub(super) fn open(&self, doc: DocId) -> Document {
        self.phone.document(doc, &self.disk.segments(self.phone.segments_of(doc))).unwrap().unwrap().0
    }
}

/// What stands in a log.
#[derive(Clone)]
pub(super) enum Entry {
    Change(Item),
    Control(Control),
    /// A change that was taken out.
    Hole,
}

/// The logs of units.
#[derive(Clone, Default)]
pub(super) struct Server {
    pub(super) logs: BTreeMap<UnitId, Vec<Entry>>,
    homes: BTreeMap<DocId, UnitId>,
    rooted: BTreeSet<DocId>,
    erased: BTreeSet<DocId>,
}

pub(super) fn hash_of(item: &Item) -> ChangeHash {
    scan::scan(&item.raw).unwrap().hash
}

impl Server {
    fn log(&mut self, unit: UnitId) -> &mut Vec<Entry> {
        self.logs.entry(unit).or_default()
    }

    pub(super) fn items(&self, unit: UnitId) -> Vec<Item> {
        let entries = self.logs.get(&unit).into_iter().flatten();
        entries
            .filter_map(|entry| if let Entry::Change(item) = entry { Some(item.clone()) } else { None })
            .collect()
    }

    /// Digest and count of a unit's log.
    pub(super) fn state(&self, unit: UnitId) -> (Digest, u64) {
        let items = self.items(unit);
        (items.iter().fold(Digest::default(), |digest, item| digest.with(hash_of(item))), items.len() as u64)
    }

    pub(super) fn push(&mut self, outgoing: &Outgoing) -> Vec<(ChangeHash, Verdict)> {
        let mut verdicts = Vec::new();
        for (hash, push) in outgoing.hashes.iter().zip(&outgoing.request.push) {
            let unit = *self.homes.entry(push.doc).or_insert(push.unit);
            let known: BTreeSet<ChangeHash> =
                self.items(unit).iter().filter(|item| item.doc == push.doc).map(hash_of).collect();
            let deps = scan::scan(&push.raw).unwrap().deps;
            let verdict = if self.erased.contains(&push.doc) {
                Verdict::Refused(Refusal::Erased)
            } else if known.contains(hash) {
                Verdict::Duplicate(1)
            } else if self.rooted.contains(&push.doc) && !deps.iter().all(|dep| known.contains(dep)) {
                Verdict::Refused(Refusal::ReRooted)
            } else if !deps.iter().all(|dep| known.contains(dep)) {
                Verdict::Pending
            } else {
                let item = Item {
                    doc: push.doc,
                    kind: push.kind,
                    author: UserId(1),
                    received_at: Timestamp(5),
                    raw: push.raw.clone(),
                };
                self.log(unit).push(Entry::Change(item));
                Verdict::Accepted(1)
            };
            verdicts.push((*hash, verdict));
        }
        verdicts
    }

    pub(super) fn page(&self, unit: UnitId, from: u64, but: &[ChangeHash]) -> Page {
        let log = self.logs.get(&unit).cloned().unwrap_or_default();
        let (mut items, mut controls) = (Vec::new(), Vec::new());
        for entry in &log[usize::try_from(from).unwrap()..] {
            match entry {
                Entry::Change(item) if !but.contains(&hash_of(item)) => items.push(item.clone()),
                Entry::Control(control) => controls.push(control.clone()),
                Entry::Change(_) | Entry::Hole => {}
            }
        }
        let (digest, count) = self.state(unit);
        let rows = self.rows(unit, &items);
        Page {
            unit,
            from_seq: from,
            to_seq: log.len() as u64,
            rows,
            items,
            digest,
            count,
            complete: true,
            controls,
        }
    }

    fn rows(&self, unit: UnitId, items: &[Item]) -> Vec<Row> {
        let docs: BTreeSet<DocId> = items.iter().map(|item| item.doc).collect();
        let all = self.items(unit);
        let row = |doc: &DocId| {
            let changes = all.iter().filter(|item| item.doc == *doc).cloned().map(log_change);
            Row::of(*doc, &Document::load(Kind::Person, changes).unwrap(), unit)
        };
        docs.iter().map(row).collect()
    }

    fn take_out(&mut self, doc: DocId) -> (UnitId, Vec<Item>) {
        let unit = self.homes[&doc];
        let mut out = Vec::new();
        for entry in self.log(unit) {
            if matches!(entry, Entry::Change(item) if item.doc == doc)
                && let Entry::Change(item) = std::mem::replace(entry, Entry::Hole)
            {
                out.push(item);
            }
        }
        (unit, out)
    }

    pub(super) fn move_to(&mut self, doc: DocId, to: UnitId) {
        let (from, items) = self.take_out(doc);
        self.log(from).push(Entry::Control(Control::MovedOut { doc, to }));
        self.log(to).extend(items.into_iter().map(Entry::Change));
        self.homes.insert(doc, to);
    }

    pub(super) fn erase(&mut self, doc: DocId) {
        let (unit, _) = self.take_out(doc);
        self.log(unit).push(Entry::Control(Control::Erased { doc }));
        self.erased.insert(doc);
    }

    pub(super) fn re_root(&mut self, doc: DocId, drops: &str) {
        let (unit, items) = self.take_out(doc);
        self.log(unit).push(Entry::Control(Control::ReRooted { doc }));
        let document = Document::load(Kind::Person, items.into_iter().map(log_change)).unwrap();
        let mut number = 200;
        let changes = document.re_root(
            UserId(1),
            |key| key == drops,
            || {
                number += 1;
                DeviceId(0).actor([number; 8])
            },
        );
        for change in changes.unwrap() {
            let (kind, received_at) = (Kind::Person, Timestamp(6));
            self.log(unit).push(Entry::Change(Item {
                doc,
                kind,
                author: change.author,
                received_at,
                raw: change.raw,
            }));
        }
        self.rooted.insert(doc);
    }

    pub(super) fn probe(&self, probe: &Probe) -> Vec<Bucket> {
        let hashes = self
            .items(probe.unit)
            .iter()
            .map(hash_of)
            .filter(|hash| hash.0.starts_with(&probe.prefix))
            .collect::<Vec<_>>();
        probe.differing(&hashes)
    }

    fn fetched(&self, want: &Want) -> Page {
        let items: Vec<Item> =
            self.items(want.unit).into_iter().filter(|item| want.hashes.contains(&hash_of(item))).collect();
        let rows = self.rows(want.unit, &items);
        let (unit, digest) = (want.unit, Digest::default());
        Page {
            unit,
            from_seq: 0,
            to_seq: 0,
            items,
            rows,
            digest,
            count: 0,
            complete: false,
            controls: vec![],
        }
    }

    fn strayed(&self, stray: &Stray) -> Page {
        let elsewhere = |doc: &&DocId| self.homes.get(doc).is_some_and(|unit| *unit != stray.unit);
        let moved = |doc: &DocId| Control::MovedOut { doc: *doc, to: self.homes[doc] };
        let controls = stray.docs.iter().filter(elsewhere).map(moved).collect();
        Page { controls, ..self.fetched(&Want { unit: stray.unit, hashes: Vec::new() }) }
    }

    /// One request and its whole answer.
    pub(super) fn sync(&mut self, device: &mut Device) {
        let outgoing = device.outgoing();
        let verdicts = self.push(&outgoing);
        device.take(&Commit::Verdicts(verdicts));
        if outgoing.request.cursors.is_empty() {
            device.take(&Commit::Scope(vec![(UNIT, 0)]));
        }
        for want in &outgoing.request.wants {
            device.take(&Commit::Page(self.fetched(want)));
        }
        if !outgoing.request.probes.is_empty() {
            let buckets = outgoing.request.probes.iter().flat_map(|probe| self.probe(probe)).collect();
            device.take(&Commit::Repair(buckets));
        }
        for stray in &outgoing.request.strays {
            device.take_page(self.strayed(stray));
        }
        let units: Vec<UnitId> = device.phone.meta.cursors.keys().copied().collect();
        for unit in units {
            let from = device.phone.meta.cursors.get(&unit).map_or(0, |cursor| cursor.seq);
            device.take_page(self.page(unit, from, &outgoing.hashes));
        }
        device.take_end_of(Asked::by(&outgoing.request));
    }
}

pub(super) fn doc(number: u8) -> DocId {
    DocId([number; 16])
}
