//! How a phone is driven: events to the session, its effects to line, store and clock, and the store's steps one by one,
//! as the browser's driver does it.

use std::collections::{BTreeSet, VecDeque};

use zoufang_core::{
    phone::{EditError, Op, OutboxRow, Plan, Table},
    record::{DocId, UnitId},
    sync::{
        gate::Refusal,
        session::{Commit, Effect, Event, Failure, Phase},
        wire::Verdict,
    },
};

use crate::{
    fault::Fault,
    oracle::{Edit, EditId, Seen, hash_of},
    phone::{Image, Job, Out, Running, SimPhone, Tab},
    world::{Item, Kind, World},
};

impl World {
    /// The app of a phone, if it is still the one that was started then.
    pub(crate) fn tab(&mut self, phone: usize, life: u64) -> Option<&mut Tab> {
        let phone = &mut self.phones[phone];
        if phone.life == life { phone.tab.as_mut() } else { None }
    }

    /// Feeds the session an event and does what it says.
    pub(crate) fn feed(&mut self, phone: usize, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let dice = self.line.byte();
            let Some(tab) = self.phones[phone].tab.as_mut() else { return };
            for effect in tab.session.handle(event, dice) {
                match effect {
                    Effect::Read => events.push_back(self.outgoing(phone)),
                    Effect::Send(body) => self.send(phone, body),
                    Effect::Commit(commit) => self.enqueue(phone, Job::Commit(commit)),
                    Effect::Cancel => {
                        if let Some(tab) = self.phones[phone].tab.as_mut() {
                            tab.call = None;
                        }
                    }
                    Effect::Wait(ms) => self.wait(phone, ms),
                    Effect::Show(phase) => {
                        if phase == Phase::Failed(Failure::SignInNeeded) && self.is_signed_in(phone) {
                            self.enqueue(phone, Job::SignedOut);
                        }
                    }
                }
            }
        }
    }

    /// Whether the app has a token.
    pub(crate) fn is_signed_in(&self, phone: usize) -> bool {
        let account = self.phones[phone].tab.as_ref().and_then(|tab| tab.phone.account());
        account.is_some_and(|account| account.token.is_some())
    }

    fn outgoing(&self, phone: usize) -> Event {
        let tab = self.phones[phone].tab.as_ref();
        let disk = &self.phones[phone].image.disk;
        let outgoing = tab.filter(|_| self.is_signed_in(phone));
        let outgoing =
            outgoing.and_then(|tab| tab.phone.outgoing(&disk.segments(tab.phone.needs_outgoing())));
        outgoing.map_or(Event::Failed(Failure::SignInNeeded), |outgoing| Event::Outgoing(Box::new(outgoing)))
    }

    fn wait(&mut self, phone: usize, ms: i64) {
        let (life, open_until) = (self.phones[phone].life, self.phones[phone].open_until);
        let Some(tab) = self.phones[phone].tab.as_mut() else { return };
        tab.timer += 1;
        let number = tab.timer;
        // Nobody looks at an app that was put away; it is woken when it is opened again.
        if !self.calm && self.now + ms < open_until {
            self.after(ms, Item::Timer(phone, life, number));
        }
    }

    /// Gives the store something to do, after what it does already.
    pub(crate) fn enqueue(&mut self, phone: usize, job: Job) {
        if let Some(tab) = self.phones[phone].tab.as_mut() {
            tab.jobs.push_back(job);
            self.step_soon(phone);
        }
    }

    fn step_soon(&mut self, phone: usize) {
        let life = self.phones[phone].life;
        let ms = if self.calm { 0 } else { self.line.between(0, 8) };
        if let Some(tab) = self.phones[phone].tab.as_mut()
            && !tab.stepping
        {
            tab.stepping = true;
            self.after(ms, Item::Step(phone, life));
        }
    }

    /// One step of the store: plan, write, or settle.
    pub(crate) fn step(&mut self, phone: usize, life: u64) {
        let Some(tab) = self.tab(phone, life) else { return };
        tab.stepping = false;
        match tab.running.take() {
            None => self.plan(phone),
            Some(running) if !running.written => self.write(phone, running),
            Some(running) => self.settle(phone, running),
        }
        let busy =
            self.phones[phone].tab.as_ref().is_some_and(|tab| tab.running.is_some() || !tab.jobs.is_empty());
        if busy {
            self.step_soon(phone);
        }
    }

    fn plan(&mut self, phone: usize) {
        let now = self.phone_clock(phone);
        let SimPhone { tab: Some(tab), image, .. } = &mut self.phones[phone] else { return };
        let Some(job) = tab.jobs.pop_front() else { return };
        let segments = |ids: BTreeSet<_>| image.disk.segments(ids);
        let plan = match &job {
            Job::Commit(commit) => {
                Ok(Some(tab.phone.plan_commit(commit, &segments(tab.phone.needs(commit)), now)))
            }
            Job::Save(save, _) => {
                let ids = tab.phone.segments_of(save.doc).into_iter().collect();
                tab.phone.plan_edit(save, &segments(ids))
            }
            Job::Account(account) => Ok(tab.phone.plan_sign_in((**account).clone()).ok()),
            Job::SignedOut => {
                let stale = tab.phone.account().is_some_and(|account| account.token.is_some());
                Ok(stale.then(|| tab.phone.plan_signed_out_by_server()))
            }
            Job::Dismiss(_, hash) => Ok(Some(tab.phone.plan_dismiss(*hash))),
            Job::Tidy => Ok(tab.phone.plan_tidy()),
        };
        match plan {
            Ok(Some(plan)) => tab.running = Some(Running { job, plan, written: false }),
            Ok(None) => self.nothing_to_write(phone, &job),
            Err(error) => self.cannot_save(phone, &job, &error),
        }
    }

    /// The engine says that a save changes nothing: the oracle must say so, too.
    fn nothing_to_write(&mut self, phone: usize, job: &Job) {
        let Job::Save(save, form) = job else { return };
        let image = &self.phones[phone].image;
        let seen = seen_by(image, save.doc, form.as_ref());
        if !self.oracle.differing(&seen, &save.patch.0).is_empty() {
            let words = "a save that changes something was not written".to_owned();
            self.fail(Kind::Lost, Some(phone), Some(save.doc), words);
        }
    }

    fn cannot_save(&mut self, phone: usize, job: &Job, error: &EditError) {
        let doc = if let Job::Save(save, _) = job { Some(save.doc) } else { None };
        let there = doc.is_some_and(|doc| self.phones[phone].image.held.contains_key(&doc));
        // A record that left with its unit, or was refused as a whole, while a form was open.
        if !there && matches!(error, EditError::NotFound) {
            return;
        }
        self.fail(Kind::Broken, Some(phone), doc, format!("a save is not possible: {error}"));
    }

    fn write(&mut self, phone: usize, mut running: Running) {
        if self.strikes(Fault::CrashBeforeWrite) {
            return self.crash(phone);
        }
        if self.strikes(Fault::StoreFull) {
            let until = self.now + self.mishap.between(1_000, 300_000);
            self.phones[phone].full_until = until;
        }
        let full = !self.calm && self.phones[phone].full_until > self.now;
        if full || self.strikes(Fault::StoreFails) {
            self.note("store fails", phone, &[full.into()], &[]);
            if matches!(running.job, Job::Commit(_)) {
                let failure = if full { Failure::StoreFull } else { Failure::Store };
                self.feed(phone, Event::Failed(failure));
            }
            return;
        }
        if self.strikes(Fault::LateWriter) {
            return self.late_writer(phone, &running);
        }
        self.phones[phone].image.disk.write(&running.plan.batch);
        running.written = true;
        self.written(phone, &running.job, &running.plan);
        if self.strikes(Fault::CrashAfterWrite) {
            return self.crash(phone);
        }
        if let Some(tab) = self.phones[phone].tab.as_mut() {
            tab.running = Some(running);
        }
    }

    fn settle(&mut self, phone: usize, running: Running) {
        let Some(tab) = self.phones[phone].tab.as_mut() else { return };
        let wake = tab.phone.settle(running.plan).wake;
        let waiting = tab.phone.waiting();
        if waiting != self.phones[phone].image.waiting() {
            let due = self.phones[phone].image.waiting();
            let words = format!("{waiting} edits wait, and {due} should");
            self.fail(Kind::Lost, Some(phone), None, words);
        }
        match running.job {
            Job::Commit(_) => {
                self.feed(phone, Event::Committed);
                if wake {
                    self.feed(phone, Event::Wake);
                }
            }
            Job::Save(..) | Job::Account(_) => self.feed(phone, Event::Wake),
            Job::SignedOut | Job::Dismiss(..) | Job::Tidy => {}
        }
    }

    /// A transaction is on the disk: what the oracle knows of the disk follows.
    pub(crate) fn written(&mut self, phone: usize, job: &Job, plan: &Plan) {
        match job {
            Job::Save(save, form) => self.saved(phone, save, form.as_ref(), plan),
            Job::Commit(commit) => {
                self.committed(phone, commit);
                if matches!(**commit, Commit::Repair(_)) {
                    self.offered(phone, plan);
                }
            }
            Job::Dismiss(id, _) => {
                let image = &mut self.phones[phone].image;
                if matches!(image.outbox.get(id), Some(Out::Refused(_))) {
                    image.outbox.remove(id);
                    self.oracle.taken_by_fault.insert(*id);
                    // A record of a unit that is lost stays for it alone.
                    let (doc, unit) = (self.oracle.edit(*id).doc, self.oracle.edit(*id).unit);
                    let others = image.outbox.keys().any(|other| self.oracle.edit(*other).doc == doc);
                    if !others && !image.scope.contains(&unit) {
                        self.drop_held(phone, doc);
                    }
                }
            }
            Job::Account(_) | Job::SignedOut | Job::Tidy => {}
        }
    }

    fn saved(&mut self, phone: usize, save: &zoufang_core::phone::Edit, form: Option<&Seen>, plan: &Plan) {
        let seen = seen_by(&self.phones[phone].image, save.doc, form);
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
            unit: row.unit,
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
        match commit {
            Commit::Verdicts(verdicts) => {
                for (hash, verdict) in verdicts {
                    if let Some(id) = self.oracle.find(&hash.0) {
                        self.verdict(phone, id, *verdict);
                    }
                }
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
            Commit::Directory(_)
            | Commit::End(_)
            | Commit::Cloned
            | Commit::Repair(_)
            | Commit::Controls(..)
            | Commit::Ticket(_) => {}
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
                self.phones[phone].image.outbox.remove(&id);
                self.phones[phone].image.logged.insert(id);
            }
            Verdict::Refused(refusal) => {
                self.note("refused", phone, &[id.into()], refusal.code().as_bytes());
                self.refused(phone, id, refusal);
            }
            Verdict::Pending => self.note("pending", phone, &[id.into()], &[]),
        }
    }

    /// A refused edit leaves the document, and with it what was built on it.
    fn refused(&mut self, phone: usize, id: EditId, refusal: Refusal) {
        let (doc, unit) = (self.oracle.edit(id).doc, self.oracle.edit(id).unit);
        let expected = match refusal {
            Refusal::NotInScope => self.moved.contains(&unit),
            Refusal::AfterRefused => true,
            Refusal::WrongActor => self.phones[phone].device != self.oracle.edit(id).device,
            Refusal::NotRaw
            | Refusal::TooBig
            | Refusal::TooManyOps
            | Refusal::Malformed
            | Refusal::WrongDocument
            | Refusal::DuplicateSeq
            | Refusal::BadStartOp
            | Refusal::UnknownKey
            | Refusal::BadValue
            | Refusal::NotAuthor
            | Refusal::OverBudget
            | Refusal::Role
            | Refusal::WrongCreator
            | Refusal::Erased
            | Refusal::ReRooted
            | Refusal::Moved => false,
        };
        if !expected {
            let words = format!("a good edit was refused: {}", refusal.code());
            return self.fail(Kind::Lost, Some(phone), Some(doc), words);
        }
        let image = &mut self.phones[phone].image;
        if !image.outbox.contains_key(&id) {
            return;
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
        let oracle = &self.oracle;
        let image = &mut self.phones[phone].image;
        let unsent: BTreeSet<DocId> = image.outbox.keys().map(|id| oracle.edit(*id).doc).collect();
        let stays = |doc: &DocId, held: &Seen| {
            let unit = held.first().map(|id| oracle.edit(*id).unit);
            unsent.contains(doc) || unit.is_some_and(|unit| units.contains(&unit))
        };
        let gone: Vec<DocId> =
            image.held.iter().filter(|(doc, held)| !stays(doc, held)).map(|(doc, _)| *doc).collect();
        image.scope = units;
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
}

/// What the author of a save had seen: what the form was opened at, or, if that is not all here any more, the newest.
fn seen_by(image: &Image, doc: DocId, form: Option<&Seen>) -> Seen {
    let held = image.held.get(&doc).cloned().unwrap_or_default();
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
