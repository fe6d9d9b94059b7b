//! How a phone is driven: events to the session, its effects to line, store and clock, and the store's steps one by one,
//! as the browser's driver does it.

use std::collections::{BTreeSet, VecDeque};

use zoufang_core::{
    phone::EditError,
    sync::session::{Commit, Effect, Event, Failure, Phase},
};

use crate::{
    fault::Fault,
    kept::seen_by,
    phone::{Job, Running, SimPhone, Tab},
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
        // The driver takes letters in before it hears anything else.
        if self.phones[phone].tab.as_ref().is_some_and(|tab| tab.opening) {
            return;
        }
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let dice = self.line.byte();
            let Some(tab) = self.phones[phone].tab.as_mut() else { return };
            for effect in tab.session.handle(event, dice) {
                match effect {
                    Effect::Read => events.push_back(self.outgoing(phone)),
                    Effect::Send(body) => self.send(phone, body),
                    // Version 1 knows nothing of control records: its reader passes over them.
                    Effect::Commit(commit)
                        if matches!(*commit, Commit::Controls(..))
                            && self.phones[phone].is_of_version_1() =>
                    {
                        events.push_back(Event::Committed);
                    }
                    Effect::Commit(commit) => self.enqueue(phone, Job::Commit(commit)),
                    Effect::Cancel => {
                        if let Some(tab) = self.phones[phone].tab.as_mut() {
                            tab.call = None;
                        }
                    }
                    Effect::Wait(ms) => self.wait(phone, ms),
                    Effect::Show(phase) => {
                        if phase == Phase::Idle && self.has_inbox() && self.phones[phone].version.is_none() {
                            self.enqueue(phone, Job::Question);
                        }
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
        if let Job::Letters(parts) = job {
            return self.open_part(phone, parts);
        }
        let segments = |ids: BTreeSet<_>| image.disk.segments(ids);
        let plan = match &job {
            Job::Commit(commit) | Job::Late(commit) => {
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
            Job::Dismiss(_, hash) => {
                Ok(Some(tab.phone.plan_dismiss(*hash, &segments(tab.phone.needs_dismiss(*hash)))))
            }
            Job::Tidy => Ok(tab.phone.plan_tidy()),
            Job::Parcels => Ok(tab.phone.plan_parcels()),
            Job::Question => Ok(tab.phone.plan_question(&self.inbox.bytes())),
            Job::Letters(_) => Ok(None),
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
        let seen = seen_by(&self.oracle, image, save.doc, form.as_ref());
        if !self.oracle.differing(&seen, &save.patch.0).is_empty() {
            let words = "a save that changes something was not written".to_owned();
            self.fail(Kind::Lost, Some(phone), Some(save.doc), words);
        }
    }

    fn cannot_save(&mut self, phone: usize, job: &Job, error: &EditError) {
        let doc = if let Job::Save(save, _) = job { Some(save.doc) } else { None };
        let there = doc.is_some_and(|doc| self.phones[phone].image.held.contains_key(&doc));
        let left = doc.is_some_and(|doc| self.facts.was_ever_moved(doc));
        // A record that left, by itself or with its unit, or was refused as a whole, while a form was open.
        if (!there || left) && matches!(error, EditError::NotFound) {
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
            if matches!(running.job, Job::Late(_)) {
                self.letters_end(phone, false);
            }
            return;
        }
        if self.strikes(Fault::LateWriter) {
            return self.late_writer(phone, &running);
        }
        self.put_on_disk(phone, &running.job, &running.plan);
        running.written = true;
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
        let lacking = tab.phone.plan_parcels().is_some();
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
            Job::SignedOut
            | Job::Dismiss(..)
            | Job::Tidy
            | Job::Parcels
            | Job::Letters(_)
            | Job::Late(_)
            | Job::Question => {}
        }
        if lacking {
            self.enqueue(phone, Job::Parcels);
        }
    }
}
