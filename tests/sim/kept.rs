//! What a transaction of a phone's store did to its disk: the oracle's knowledge of the disk follows.
//!
//! Saves, pages, receipts and refusals are followed by the rules alone. Where the office moved, erased or began documents
//! anew, the disk is read again: what the phone did there is held against the server's logs at the end.

mod again;

use std::collections::{BTreeMap, BTreeSet};

use automerge::{Change, ScalarValue, legacy};
use zoufang_core::{
    phone::{Op, OutState, OutboxRow, Plan, Table},
    record::{DeviceId, DocId, UnitId, Value},
    sync::{
        gate::Refusal,
        session::Commit,
        wire::{Control, Item, Verdict},
    },
};

use crate::{
    fault::Fault,
    oracle::{Edit, EditId, Oracle, Seen, hash_of},
    phone::{Image, Job, Out},
    world::{Kind, World, unit_of_log},
};

/// What a change says.
#[derive(Default)]
pub(crate) struct Written {
    /// Every edit that its author had seen, by the changes that it depends on.
    pub(crate) before: Seen,
    /// The writer's clock, in whole seconds.
    pub(crate) at_s: i64,
    /// The device in whose name it is.
    pub(crate) device: Option<DeviceId>,
    pub(crate) sets: BTreeMap<String, Option<Value>>,
    /// The keys under which it replaces values.
    replaces: BTreeSet<String>,
}

impl World {
    /// Writes a plan to the disk; what the oracle knows of the disk follows.
    pub(crate) fn put_on_disk(&mut self, phone: usize, job: &Job, plan: &Plan) {
        let remade = self.made_again(phone, job, plan);
        let it = &mut self.phones[phone];
        it.image.disk.write(&plan.batch);
        it.image.version = it.version;
        remade.into_iter().for_each(|remade| self.remade(phone, remade));
        self.written(phone, job, plan);
    }

    /// A transaction is on the disk: what the oracle knows of the disk follows.
    fn written(&mut self, phone: usize, job: &Job, plan: &Plan) {
        match job {
            Job::Save(save, form) => self.saved(phone, save, form.as_ref(), plan),
            Job::Commit(commit) | Job::Late(commit) => {
                self.committed(phone, commit);
                let commit = commit.content();
                if matches!(commit, Commit::Repair(_)) {
                    self.offered(phone, plan);
                }
                if matches!(commit, Commit::Controls(..) | Commit::Repair(_) | Commit::End(..)) {
                    let mut docs = touched(plan);
                    if let Commit::Controls(_, controls) = commit {
                        docs.extend(controls.iter().filter_map(Control::doc));
                    }
                    self.read_again(phone, &docs);
                }
            }
            Job::Dismiss(id, _) => {
                let image = &mut self.phones[phone].image;
                if matches!(image.outbox.get(id), Some(Out::Refused(_))) {
                    image.outbox.remove(id);
                    self.oracle.taken_by_fault.insert(*id);
                    self.oracle.dismissed.insert(*id);
                    // A record of a unit that is lost stays for it alone.
                    let doc = self.oracle.edit(*id).doc;
                    let others = image.outbox.keys().any(|other| self.oracle.edit(*other).doc == doc);
                    let unit = self.unit_held(phone, doc);
                    if !others && unit.is_some_and(|unit| !self.phones[phone].image.scope.contains(&unit)) {
                        self.drop_held(phone, doc);
                    }
                }
            }
            Job::Account(_) | Job::SignedOut | Job::Tidy | Job::Parcels | Job::Letters(_) | Job::Question => {
            }
        }
    }

    fn saved(&mut self, phone: usize, save: &zoufang_core::phone::Edit, form: Option<&Seen>, plan: &Plan) {
        let seen = seen_by(&self.oracle, &self.phones[phone].image, save.doc, form);
        let sets = self.oracle.differing(&seen, &save.patch.0);
        let Some(row) = put_in_outbox(plan) else {
            return self.fail(
                Kind::Lost,
                Some(phone),
                Some(save.doc),
                "a save is not on the disk".to_owned(),
            );
        };
        if sets.is_empty() {
            let words = "a save that changes nothing was written".to_owned();
            return self.fail(Kind::Diverged, Some(phone), Some(save.doc), words);
        }
        let edit = Edit {
            doc: save.doc,
            kind: row.kind,
            unit: unit_of_log(row.unit),
            user: save.author,
            device: self.phones[phone].device,
            at_s: save.at.0.div_euclid(1000),
            sets,
            before: seen,
            hash: hash_of(&row.raw),
        };
        let hash = edit.hash;
        let id = self.oracle.add(edit);
        let image = &mut self.phones[phone].image;
        image.held.entry(save.doc).or_default().insert(id);
        image.outbox.insert(id, Out::Waiting);
        self.note("saved", phone, &[id.into()], &hash);
        if self.trace.in_words() {
            let words = format!(
                "{} {:?} after {:?}",
                save.doc,
                self.oracle.edit(id).sets,
                self.oracle.edit(id).before
            );
            self.trace.say(&words);
        }
    }

    fn committed(&mut self, phone: usize, commit: &Commit) {
        match commit.content() {
            Commit::Verdicts(verdicts) => {
                let known = verdicts
                    .iter()
                    .filter_map(|(hash, verdict)| self.oracle.find(&hash.0).map(|id| (id, *verdict)));
                let known: Vec<(EditId, Verdict)> = known.collect();
                let anew =
                    known.iter().filter(|(_, verdict)| *verdict == Verdict::Refused(Refusal::ReRooted));
                let anew: BTreeSet<DocId> = anew.map(|(id, _)| self.oracle.edit(*id).doc).collect();
                for (id, verdict) in known {
                    // What builds on an edit that is to be made again is to be made again, too.
                    let follows = verdict == Verdict::Refused(Refusal::AfterRefused)
                        && anew.contains(&self.oracle.edit(id).doc);
                    let verdict = if follows { Verdict::Refused(Refusal::ReRooted) } else { verdict };
                    self.verdict(phone, id, verdict);
                }
                // Of a record that was erased, or went to a unit which is not held, an edit with a receipt is not held either.
                let docs = verdicts.iter().filter_map(|(hash, _)| self.oracle.find(&hash.0));
                let docs = docs.map(|id| self.oracle.edit(id).doc);
                let went: BTreeSet<DocId> = docs
                    .filter(|doc| self.facts.was_ever_moved(*doc) || self.facts.was_ever_erased(*doc))
                    .collect();
                self.read_again(phone, &went);
            }
            Commit::Scope(units) => self.scope_stored(phone, units.iter().map(|(unit, _)| *unit).collect()),
            Commit::Page(page) => {
                self.note("page", phone, &[page.unit.0.into(), page.from_seq, page.to_seq], &[]);
                for item in &page.items {
                    let hash = hash_of(&item.raw);
                    let Some(id) = self.oracle.find(&hash) else {
                        let words = "a change came that nobody wrote".to_owned();
                        return self.fail(Kind::Diverged, Some(phone), Some(item.doc), words);
                    };
                    self.phones[phone].image.held.entry(item.doc).or_default().insert(id);
                    self.phones[phone].image.logged.insert(id);
                }
            }
            Commit::EpochChanged(epoch) => {
                self.note("epoch changed", phone, &[epoch.0], &[]);
                self.offer_again(phone);
            }
            Commit::Cloned => {
                let rolled_back = self.counts.0.contains_key(&Fault::ServerRollback);
                if !self.twofold.contains(&self.phones[phone].device) && !rolled_back {
                    let words = "a phone was called a copy that is none".to_owned();
                    self.fail(Kind::Broken, Some(phone), None, words);
                }
            }
            Commit::Directory(_)
            | Commit::End(..)
            | Commit::Repair(_)
            | Commit::Controls(..)
            | Commit::Ticket(_)
            | Commit::Late(_)
            | Commit::Heard(_)
            | Commit::Epoch(_) => {}
        }
    }

    /// What only this phone still has is in its outbox again.
    fn offered(&mut self, phone: usize, plan: &Plan) {
        for op in &plan.batch {
            let Op::Put(Table::Outbox, _, value) = op else { continue };
            let row: Option<OutboxRow> = minicbor::decode(value).ok();
            if let Some(id) = row.and_then(|row| self.oracle.find(&row.hash.0)) {
                self.phones[phone].image.outbox.entry(id).or_insert(Out::Waiting);
            }
        }
    }

    fn verdict(&mut self, phone: usize, id: EditId, verdict: Verdict) {
        match verdict {
            Verdict::Accepted(seq) | Verdict::Duplicate(seq) => {
                self.note("receipt", phone, &[id.into(), seq], &[]);
                self.oracle.receipted.insert(id);
                // Of a history that was left behind, where the new beginning is here: it does not stay beside it.
                let leaves = seq == 0 && self.leaves(phone, id);
                if leaves {
                    self.refused(phone, id, Refusal::ReRooted);
                }
                self.phones[phone].image.outbox.remove(&id);
                if !leaves {
                    self.phones[phone].image.logged.insert(id);
                }
            }
            Verdict::Refused(refusal) => {
                self.note("refused", phone, &[id.into()], refusal.code().as_bytes());
                self.refused(phone, id, refusal);
            }
            Verdict::Pending => {
                self.note("pending", phone, &[id.into()], &[]);
                let outbox = &self.phones[phone].image.outbox;
                let below = self.oracle.edit(id).before.iter().find_map(|other| match outbox.get(other) {
                    Some(Out::Refused(refusal)) => Some(*refusal),
                    Some(Out::Waiting) | None => None,
                });
                if let Some(below) = below {
                    let again = below == Refusal::ReRooted;
                    self.refused(phone, id, if again { below } else { Refusal::AfterRefused });
                }
            }
        }
    }

    /// Whether the phone holds the new beginning of an edit's record, and the edit only in its outbox.
    fn leaves(&self, phone: usize, id: EditId) -> bool {
        let image = &self.phones[phone].image;
        let is_beginning = |other: &EditId| {
            let other = self.oracle.edit(*other);
            other.device == DeviceId::SERVER && other.before.is_empty()
        };
        let held = image.held.get(&self.oracle.edit(id).doc);
        !image.logged.contains(&id) && held.is_some_and(|held| held.iter().any(is_beginning))
    }

    /// A refused edit leaves the document, and with it what was built on it.
    fn refused(&mut self, phone: usize, id: EditId, refusal: Refusal) {
        let (doc, unit) = (self.oracle.edit(id).doc, self.oracle.edit(id).unit);
        let is_old = self.phones[phone].is_of_version_1();
        let expected = match refusal {
            Refusal::NotInScope => self.facts.may_have_lain(doc, unit, &self.moved),
            Refusal::AfterRefused => true,
            Refusal::WrongActor => self.phones[phone].device != self.oracle.edit(id).device,
            Refusal::Erased => self.facts.was_ever_erased(doc),
            Refusal::ReRooted => self.facts.was_ever_re_rooted(doc),
            // Of where it went the phone would not get the new beginning.
            Refusal::Moved => self.facts.was_ever_moved(doc) && self.facts.was_ever_re_rooted(doc),
            // A client of version 1 is told so of documents that began anew; and whoever held a record where it went, if the
            // server was put back to before that.
            Refusal::WrongDocument => {
                is_old && self.facts.was_ever_re_rooted(doc)
                    || self.facts.is_restored() && self.facts.was_ever_moved(doc)
            }
            // Two copies of a phone made the same edit again, on what each held.
            Refusal::DuplicateSeq => self.oracle.remade.contains(&id),
            Refusal::NotRaw
            | Refusal::TooBig
            | Refusal::TooManyOps
            | Refusal::Malformed
            | Refusal::BadStartOp
            | Refusal::UnknownKey
            | Refusal::BadValue
            | Refusal::NotAuthor
            | Refusal::OverBudget
            | Refusal::Role
            | Refusal::WrongCreator => false,
        };
        if !expected {
            let words = format!("a good edit was refused: {}", refusal.code());
            return self.fail(Kind::Lost, Some(phone), Some(doc), words);
        }
        let image = &mut self.phones[phone].image;
        if !image.outbox.contains_key(&id) {
            return;
        }
        if refusal == Refusal::Erased {
            // Nothing of it stays, also not to be read; what is in the log goes when the log says so.
            image.outbox.remove(&id);
            if let Some(held) = image.held.get_mut(&doc).filter(|_| !image.logged.contains(&id)) {
                held.remove(&id);
            }
            return image.held.retain(|_, held| !held.is_empty());
        }
        let built_on: Vec<EditId> = image
            .outbox
            .keys()
            .copied()
            .filter(|other| *other == id || self.oracle.edit(*other).before.contains(&id))
            .collect();
        for other in built_on {
            let out = image.outbox.entry(other).or_insert(Out::Waiting);
            if *out == Out::Waiting {
                *out = Out::Refused(refusal);
            }
            // What a server had once taken stays in the log, also if the restored one does not want it.
            if let Some(held) = image.held.get_mut(&doc).filter(|_| !image.logged.contains(&other)) {
                held.remove(&other);
            }
        }
        image.held.retain(|_, held| !held.is_empty());
    }

    /// A record is deleted from a disk: what only this disk held is gone by the rules, not by a fault of the engine.
    fn drop_held(&mut self, phone: usize, doc: DocId) {
        if let Some(held) = self.phones[phone].image.held.remove(&doc) {
            self.oracle.taken_by_fault.extend(held);
        }
    }

    /// Units that left are gone from the disk, but not the documents of which something has no receipt.
    fn scope_stored(&mut self, phone: usize, units: BTreeSet<UnitId>) {
        self.note("scope", phone, &units.iter().map(|unit| unit.0.into()).collect::<Vec<_>>(), &[]);
        let image = &self.phones[phone].image;
        let unsent: BTreeSet<DocId> = image.outbox.keys().map(|id| self.oracle.edit(*id).doc).collect();
        let held: Vec<DocId> = image.held.keys().copied().filter(|doc| !unsent.contains(doc)).collect();
        let gone: Vec<DocId> = held
            .into_iter()
            .filter(|doc| self.unit_held(phone, *doc).is_none_or(|unit| !units.contains(&unit)))
            .collect();
        self.phones[phone].image.scope = units;
        for doc in gone {
            self.drop_held(phone, doc);
        }
    }

    /// After a restored server every edit of this device that is held is offered again.
    fn offer_again(&mut self, phone: usize) {
        // A copy of a phone has a new id, and sends what it wrote under the one it had as well.
        let account = self.phones[phone].tab.as_ref().and_then(|tab| tab.phone.account().cloned());
        let own_devices = account.map(|account| (account.device, account.former));
        let oracle = &self.oracle;
        let image = &mut self.phones[phone].image;
        let is_own = |id: &EditId| {
            let device = oracle.edit(*id).device;
            own_devices.as_ref().is_some_and(|(now, former)| device == *now || former.contains(&device))
        };
        let own: Vec<EditId> = image.held.values().flatten().copied().filter(is_own).collect();
        for id in own {
            image.outbox.entry(id).or_insert(Out::Waiting);
        }
    }

    /// The unit in whose log the phone held a document before the transaction that is being followed.
    fn unit_held(&self, phone: usize, doc: DocId) -> Option<UnitId> {
        let mut rows = self.phones[phone].tab.iter().flat_map(|tab| tab.phone.rows());
        rows.find(|row| row.doc == doc).map(|row| row.unit)
    }

    /// Reads a change with Automerge alone; `None` if it is built on what nobody wrote, or is not flat.
    pub(crate) fn read(&self, raw: &[u8]) -> Option<Written> {
        let change = Change::from_bytes(raw.to_vec()).ok()?;
        let device = DeviceId::of_actor(change.actor_id().to_bytes());
        let mut written = Written { at_s: change.timestamp(), device, ..Written::default() };
        for dep in change.deps() {
            let id = self.oracle.find(&dep.0)?;
            written.before.insert(id);
            written.before.extend(&self.oracle.edit(id).before);
        }
        for op in change.decode().operations {
            let legacy::Key::Map(key) = &op.key else { return None };
            let value = match op.primitive_value() {
                Some(ScalarValue::Str(text)) => Some(Value::Text(text.to_string())),
                Some(ScalarValue::Int(number)) => Some(Value::Int(number)),
                Some(ScalarValue::Boolean(flag)) => Some(Value::Bool(flag)),
                Some(_) => return None,
                None => None,
            };
            if op.pred.iter().next().is_some() {
                written.replaces.insert(key.to_string());
            }
            written.sets.insert(key.to_string(), value);
        }
        Some(written)
    }

    /// Reads from the disk what it holds of some documents.
    fn read_again(&mut self, phone: usize, docs: &BTreeSet<DocId>) {
        if docs.is_empty() {
            return;
        }
        let (oracle, image) = (&self.oracle, &mut self.phones[phone].image);
        let fresh = image.disk.phone();
        let mut let_go = Seen::new();
        for doc in docs {
            let before = image.held.get(doc).cloned().unwrap_or_default();
            let segments = image.disk.segments(fresh.segments_of(*doc));
            let items =
                segments.values().flat_map(|bytes| minicbor::decode::<Vec<Item>>(bytes).unwrap_or_default());
            let logged: Seen = items
                .filter(|item| item.doc == *doc)
                .filter_map(|item| oracle.find(&hash_of(&item.raw)))
                .collect();
            image.logged.retain(|id| oracle.edit(*id).doc != *doc);
            image.logged.extend(&logged);
            image.outbox.retain(|id, _| oracle.edit(*id).doc != *doc);
            let mut held = logged;
            for row in fresh.outbox_of(*doc) {
                let Some(id) = oracle.find(&row.hash.0) else { continue };
                let out = match row.state {
                    OutState::Waiting => Out::Waiting,
                    OutState::Refused(refusal, _) => Out::Refused(refusal),
                };
                if out == Out::Waiting {
                    held.insert(id);
                }
                image.outbox.insert(id, out);
            }
            let kept = |id: &EditId| held.contains(id) || image.outbox.contains_key(id);
            let_go.extend(before.into_iter().filter(|id| !kept(id)));
            if held.is_empty() {
                image.held.remove(doc);
            } else {
                image.held.insert(*doc, held);
            }
        }
        self.oracle.let_go.extend(let_go);
    }
}

/// The documents whose rows a plan writes or deletes.
fn touched(plan: &Plan) -> BTreeSet<DocId> {
    let keys = plan.batch.iter().filter_map(|op| match op {
        Op::Put(Table::Row, key, _) | Op::Delete(Table::Row, key) => Some(key),
        Op::Put(..) | Op::Delete(..) | Op::Clear(_) => None,
    });
    keys.filter_map(|key| key.parse().ok()).collect()
}

/// What the author of a save had seen: what the form was opened at, or, if that is not all here any more, the newest.
pub(crate) fn seen_by(oracle: &Oracle, image: &Image, doc: DocId, form: Option<&Seen>) -> Seen {
    let held = image.held.get(&doc).map(|held| oracle.whole(held)).unwrap_or_default();
    match form {
        Some(form) if !form.is_empty() && form.is_subset(&held) => form.clone(),
        Some(_) | None => held,
    }
}

/// The row of the outbox that a transaction has written.
fn put_in_outbox(plan: &Plan) -> Option<OutboxRow> {
    let mut values = plan.batch.iter().filter_map(|op| match op {
        Op::Put(Table::Outbox, _, value) => Some(value),
        Op::Put(..) | Op::Delete(..) | Op::Clear(_) => None,
    });
    values.next_back().and_then(|value| minicbor::decode(value).ok())
}
