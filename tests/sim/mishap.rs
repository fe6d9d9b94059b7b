//! Mishaps: phones that stop, go back in time, are copied, are opened twice; servers that stop, are restored; units that move.

use anyhow::Result;
use zoufang_core::{
    record::{Kind, UnitId},
    sync::session::Event,
};

use crate::{
    fault::Fault,
    office::Command,
    oracle::Seen,
    phone::{Image, Running, SimPhone},
    world::{DAY_MS, Item, World, unit_of},
};

const HOUR_MS: i64 = 3_600_000;
/// More phones than this are not made by copying.
const PHONES_MAX: usize = 60;
/// Phones of version 1, in thousandths, where there are such.
const OF_VERSION_1: u32 = 300;
const SECONDS_IN_TEN_YEARS: i64 = 10 * 365 * 86_400;

/// So often in a day the office may move, erase or begin anew.
const COMMANDS_A_DAY: usize = 3;

/// What the agenda says of the server, in the place of a phone.
const SERVER: usize = usize::MAX;

impl World {
    fn due(&mut self, fault: Fault) -> bool {
        let rate = self.config.rates.of(fault);
        rate > 0 && self.mishap.happens(rate)
    }

    /// The server's mishaps of a day.
    pub(crate) fn plan_mishaps(&mut self, morning: i64) {
        if self.config.rates.of(Fault::Restore) + self.config.rates.of(Fault::ServerRollback) > 0 {
            let time = morning + self.mishap.between(0, DAY_MS - 1);
            self.at(time, Item::BackUp);
        }
        for fault in
            [Fault::ServerDown, Fault::Restore, Fault::ServerRollback, Fault::ServerClock, Fault::ScopeChange]
        {
            if self.due(fault) {
                let time = morning + self.mishap.between(5 * HOUR_MS, 21 * HOUR_MS);
                self.at(time, Item::Mishap(fault, SERVER));
            }
        }
        for fault in Fault::OF_THE_OFFICE {
            for _ in 0..COMMANDS_A_DAY {
                if self.due(*fault) {
                    let time = morning + self.mishap.between(5 * HOUR_MS, 21 * HOUR_MS);
                    self.at(time, Item::Mishap(*fault, SERVER));
                }
            }
        }
        let time = morning + self.mishap.between(0, DAY_MS - 1);
        self.at(time, Item::Seal);
    }

    /// A phone's mishaps of a day.
    pub(crate) fn plan_mishaps_of(&mut self, phone: usize, morning: i64) {
        self.plan_post_of(phone, morning);
        self.plan_inbox_of(phone, morning);
        let of_phones = [
            Fault::DiskRollback,
            Fault::Clone,
            Fault::WrongClock,
            Fault::SessionEnds,
            Fault::Revoked,
            Fault::OldClient,
        ];
        for fault in of_phones {
            if self.due(fault) {
                let time = morning + self.mishap.between(5 * HOUR_MS, 21 * HOUR_MS);
                self.at(time, Item::Mishap(fault, phone));
            }
        }
    }

    /// A phone's mishaps while it is in hand.
    pub(crate) fn plan_mishaps_in_stint(&mut self, phone: usize, until: i64) {
        for fault in [Fault::PhoneCrash, Fault::SecondTab] {
            if self.due(fault) {
                let time = self.mishap.between(self.now, until);
                self.at(time, Item::Mishap(fault, phone));
            }
        }
        if self.due(Fault::Offline) {
            let gone = self.mishap.between(self.now, until);
            let back = self.mishap.between(gone, until);
            self.at(gone, Item::Network(phone, false));
            self.at(back, Item::Network(phone, true));
        }
    }

    /// The network of a phone comes or goes.
    pub(crate) fn network(&mut self, phone: usize, online: bool) {
        self.note("network", phone, &[online.into()], &[]);
        self.phones[phone].online = online;
        if !online {
            self.counts.count(Fault::Offline);
        }
        self.feed(phone, if online { Event::Wake } else { Event::Offline });
    }

    /// The phone stops at once: what is on its disk is all that is left.
    pub(crate) fn crash(&mut self, phone: usize) {
        let it = &mut self.phones[phone];
        if it.tab.take().is_none() {
            return;
        }
        it.life += 1;
        let again = self.now < it.open_until;
        self.note("phone stopped", phone, &[], &[]);
        if again {
            let ms = self.mishap.between(500, 20_000);
            self.after(ms, Item::Open(phone));
        }
    }

    /// A mishap happens.
    pub(crate) fn strike(&mut self, fault: Fault, phone: usize) -> Result<()> {
        self.note("mishap", phone, &[], fault.code().as_bytes());
        let happened = match fault {
            Fault::PhoneCrash => {
                self.crash(phone);
                true
            }
            Fault::SecondTab => self.second_tab(phone),
            Fault::DiskRollback => self.roll_back(phone),
            Fault::Clone => self.copy_phone(phone),
            Fault::WrongClock => {
                self.phones[phone].clock_off_ms = self.wrong_clock();
                true
            }
            Fault::ServerClock => {
                // An operator's server is off by hours at most.
                self.server_off_ms = self.mishap.between(-12 * HOUR_MS, 12 * HOUR_MS);
                true
            }
            Fault::SessionEnds => self.end_session(phone)?,
            Fault::Revoked => self.revoke(phone)?,
            Fault::ServerDown => {
                self.stop_server()?;
                let down = self.mishap.between(60_000, 6 * HOUR_MS);
                self.server_up = false;
                self.after(down, Item::ServerUp);
                true
            }
            Fault::Restore => {
                let epoch = zoufang_core::record::EpochId(self.mishap.roll() | 1 << 63);
                self.restore(epoch)?
            }
            Fault::ServerRollback => {
                let epoch = self.server.run(self.server.store().epoch())?;
                self.restore(epoch)?
            }
            Fault::ScopeChange => self.move_village()?,
            Fault::Moved => self.command(Command::Move)?,
            Fault::Erased => self.command(|doc, _| Command::Erase(doc))?,
            Fault::ReRooted => self.command(|doc, _| Command::ReRoot(doc))?,
            Fault::OldClient => self.change_client(phone),
            Fault::Delivered => self.read_post(phone),
            // It is counted when a letter is opened.
            Fault::Letter => {
                self.read_question(phone);
                false
            }
            Fault::Drop
            | Fault::AnswerLost
            | Fault::Duplicate
            | Fault::Delay
            | Fault::Reorder
            | Fault::Truncate
            | Fault::TruncateUp
            | Fault::Corrupt
            | Fault::CorruptUp
            | Fault::Portal
            | Fault::Offline
            | Fault::CrashBeforeWrite
            | Fault::LateWriter
            | Fault::CrashAfterWrite
            | Fault::StoreFails
            | Fault::StoreFull
            | Fault::ServerCrash
            | Fault::ServerStoreFails => false,
        };
        if happened {
            self.counts.count(fault);
        }
        Ok(())
    }

    /// A second tab takes the lock in the middle of what the first one does. A transaction that the first one has handed to
    /// the browser is committed or not, but in any case before the second one reads.
    fn second_tab(&mut self, phone: usize) -> bool {
        let Some(tab) = self.phones[phone].tab.as_mut() else { return false };
        if let Some(running) = tab.running.take_if(|running| !running.written)
            && self.mishap.happens(500)
        {
            self.put_on_disk(phone, &running.job, &running.plan);
        }
        self.take_over(phone);
        true
    }

    /// The second tab reads the disk; then the first one's last transaction is committed after all.
    pub(crate) fn late_writer(&mut self, phone: usize, running: &Running) {
        self.take_over(phone);
        self.put_on_disk(phone, &running.job, &running.plan);
    }

    fn take_over(&mut self, phone: usize) {
        let it = &mut self.phones[phone];
        it.start();
        let (life, until) = (it.life, it.open_until);
        self.begin(phone);
        for _ in 0..2 {
            let time = self.mishap.between(self.now, until);
            self.at(time, Item::Work(phone, life));
        }
        self.at(until, Item::Close(phone, life));
    }

    /// The disk goes back to an older state, or one is kept for later.
    fn roll_back(&mut self, phone: usize) -> bool {
        let Some(snapshot) = self.phones[phone].snapshot.take() else {
            self.phones[phone].snapshot = Some(self.phones[phone].image.clone());
            let later = self.mishap.between(HOUR_MS, 40 * HOUR_MS);
            self.after(later, Item::Mishap(Fault::DiskRollback, phone));
            return false;
        };
        self.crash(phone);
        let lost: Seen = self.phones[phone].image.edits().difference(&snapshot.edits()).copied().collect();
        self.oracle.taken_by_fault.extend(lost);
        // A device id that it got since is gone with the rest.
        let enrolled = snapshot.disk.phone().account().map(|account| account.device);
        let it = &mut self.phones[phone];
        it.device = enrolled.unwrap_or(it.device);
        self.twofold.insert(it.device);
        it.image = snapshot;
        true
    }

    /// The disk is copied to a second phone, with everything that stands on it, and both go on.
    fn copy_phone(&mut self, phone: usize) -> bool {
        if self.phones.len() >= PHONES_MAX {
            return false;
        }
        let it = &self.phones[phone];
        let mut copy = SimPhone::new(it.login.clone(), it.user, it.role, it.home, it.device);
        copy.image = Image::clone(&it.image);
        (copy.revoked, copy.clock_off_ms) = (it.revoked, it.clock_off_ms);
        copy.version = it.version;
        self.twofold.insert(copy.device);
        self.phones.push(copy);
        let copy = self.phones.len() - 1;
        let last = self.config.days as i64 * DAY_MS;
        for _ in 0..3 {
            let time = self.work.between(self.now, last.max(self.now));
            self.at(time, Item::Open(copy));
        }
        true
    }

    /// Some phones come with an app of version 1.
    pub(crate) fn hand_out_old_clients(&mut self) {
        if self.config.rates.of(Fault::OldClient) == 0 {
            return;
        }
        for phone in &mut self.phones {
            if self.mishap.happens(OF_VERSION_1) {
                phone.version = Some(1);
                self.counts.count(Fault::OldClient);
            }
        }
    }

    /// A phone whose app is not updated for long, or is updated at last. Nobody goes back to version 1, which cannot read
    /// what later ones have kept; nor to one that cannot read a welfare file, or cannot say what letters told this phone.
    fn change_client(&mut self, phone: usize) -> bool {
        let version = self.mishap.pick(&[None, Some(2)]).flatten();
        let edits = self.phones[phone].image.edits();
        let has_welfare = edits.iter().any(|id| self.oracle.edit(*id).kind == Kind::Welfare);
        let next = self.phones[phone].image.disk.phone().outgoing(&Default::default());
        let was_told = next.is_some_and(|outgoing| outgoing.request.told.is_some());
        if version.is_some() && (has_welfare || was_told) {
            return false;
        }
        self.crash(phone);
        self.phones[phone].version = version;
        version.is_some()
    }

    /// Some of the phones that are not of today are updated at last; and all of version 2 if the server was restored, since that
    /// asks after nothing that the server has elsewhere since.
    pub(crate) fn update_old_clients(&mut self) {
        for phone in 0..self.phones.len() {
            let must = self.phones[phone].version == Some(2) && self.facts.is_restored();
            if self.phones[phone].version.is_some() && (self.mishap.happens(500) || must) {
                self.note("updated", phone, &[], &[]);
                self.crash(phone);
                self.phones[phone].version = None;
            }
        }
    }

    fn wrong_clock(&mut self) -> i64 {
        let most_s = self.mishap.pick(&[0, 600, 86_400, SECONDS_IN_TEN_YEARS]).unwrap_or(0);
        self.mishap.between(-most_s, most_s) * 1000
    }

    fn end_session(&mut self, phone: usize) -> Result<bool> {
        let account = self.phones[phone].tab.as_ref().and_then(|tab| tab.phone.account());
        let Some(token) = account.and_then(|account| account.token.clone()) else { return Ok(false) };
        self.server.end_session(&token)?;
        Ok(true)
    }

    /// A device is revoked, and with it every copy of it. What waits on it stays on it.
    fn revoke(&mut self, phone: usize) -> Result<bool> {
        let device = self.phones[phone].device;
        let others = self.phones.iter().any(|other| !other.revoked && other.device != device);
        if !others || self.phones[phone].revoked || !self.server_up {
            return Ok(false);
        }
        self.server.revoke(device)?;
        for other in self.phones.iter_mut().filter(|other| other.device == device) {
            other.revoked = true;
        }
        Ok(true)
    }

    fn restore(&mut self, epoch: zoufang_core::record::EpochId) -> Result<bool> {
        self.stop_server()?;
        let restored = self.server.restore(epoch)?;
        if restored {
            // The tree is that of the backup, too.
            let units = self.server.run(self.server.store().units())?;
            self.above = units.into_iter().map(|unit| (unit.id, unit.parent)).collect();
            // Beginnings that it made since the backup are nowhere by the rules.
            self.oracle.taken_by_fault.extend(self.facts.restore());
        }
        Ok(restored)
    }

    /// A village moves to another township: two scopes change.
    fn move_village(&mut self) -> Result<bool> {
        let townships: Vec<UnitId> =
            self.above.keys().copied().filter(|unit| (2..100).contains(&unit.0)).collect();
        let villages: Vec<UnitId> = self.above.keys().copied().filter(|unit| unit.0 >= 100).collect();
        let (Some(village), true) = (self.mishap.pick(&villages), self.server_up) else { return Ok(false) };
        let old = self.above.get(&village).copied().flatten();
        let others: Vec<UnitId> = townships.into_iter().filter(|unit| Some(*unit) != old).collect();
        let Some(to) = self.mishap.pick(&others) else { return Ok(false) };
        self.above.insert(village, Some(to));
        self.moved.insert(village);
        self.server.put_units(&[unit_of(village, Some(to))])?;
        Ok(true)
    }
}
