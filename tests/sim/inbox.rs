//! The inbox of a phone: its service worker asks what is new with the question that lies on the disk, delivers what waits along with
//! it, and puts the letter on the disk some time later, at times twice. Whatever happens meanwhile, the next start opens it.

use std::collections::VecDeque;

use anyhow::Result;
use zoufang_core::{
    phone::{LETTER, Op, QUESTION, Table},
    record::DeviceId,
    sync::{
        inbox::{encode_body, seal_question},
        parcel::{Fate, seal},
        session::Event,
    },
};

use crate::{
    fault::Fault,
    phone::Job,
    server::Server,
    world::{DAY_MS, Item, World},
};

const HOUR_MS: i64 = 3_600_000;
/// Looks of a service worker in a day.
const LOOKS_A_DAY: usize = 3;

/// What a service worker has read of the disk, in clear: the server's key is the phone's store's concern.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    device: DeviceId,
    question: Vec<u8>,
    parcels: Vec<(String, Vec<u8>)>,
}

impl World {
    /// Whether apps of this seed leave questions.
    pub(crate) fn has_inbox(&self) -> bool {
        self.config.rates.of(Fault::Letter) > 0
    }

    /// When a phone's service worker looks, on one day.
    pub(crate) fn plan_inbox_of(&mut self, phone: usize, morning: i64) {
        let rate = self.config.rates.of(Fault::Letter);
        for _ in 0..LOOKS_A_DAY {
            if rate > 0 && self.inbox.happens(rate) {
                let time = morning + self.inbox.between(0, DAY_MS - 1);
                self.at(time, Item::Mishap(Fault::Letter, phone));
            }
        }
    }

    /// It reads the question and what waits.
    pub(crate) fn read_question(&mut self, phone: usize) {
        let it = &self.phones[phone];
        let disk = &it.image.disk;
        let account = disk.phone().account().map(|account| account.device);
        let question = disk.get(Table::Inbox, QUESTION).map(<[u8]>::to_vec);
        let (Some(device), Some(question), None) = (account, question, it.version) else { return };
        let waiting = disk.rows().filter(|(table, _, value)| *table == Table::Parcel && !value.is_empty());
        let parcels = waiting.map(|(_, key, value)| (key.to_owned(), value.to_vec())).collect();
        let asked = Asked { device, question, parcels };
        for _ in 0..=self.inbox.below(2) {
            let ms = self.inbox.between(0, 3 * HOUR_MS);
            self.after(ms, Item::Ask(phone, Box::new(asked.clone())));
        }
    }

    /// It arrives, and the answer comes back or not.
    pub(crate) fn question_arrives(&mut self, phone: usize, asked: &Asked) -> Result<()> {
        if !self.server_up {
            return Ok(());
        }
        let key = Server::sync_key().public();
        let question = seal_question(asked.question.clone(), key, self.inbox.bytes())?;
        let mut sealed = Vec::new();
        for (_, clear) in &asked.parcels {
            sealed.push(seal(clear.clone(), key, self.inbox.bytes())?);
        }
        let body = encode_body(&question, sealed.iter().map(Vec::as_slice));
        let (blow, seed) = (self.blow(), self.inbox.bytes());
        let (done, struck) =
            self.server.ask(asked.device, &body, seed, blow.map(|(step, blow, _)| (step, blow)));
        if let Some((_, _, fault)) = blow.filter(|_| struck) {
            self.counts.count(fault);
        }
        let (fates, letter) = match done {
            Some(Ok(said)) => said,
            Some(Err(error)) => {
                self.note("not asked", phone, &[], error.to_string().as_bytes());
                self.fail_if_ours(&error, phone, struck);
                return Ok(());
            }
            None => return self.stop_server(),
        };
        // Its bytes follow from a token, which is drawn anew in each run.
        let said = fates.iter().map(|fate| *fate as u64).chain([letter.len() as u64]);
        self.note("asked", phone, &said.collect::<Vec<_>>(), &[]);
        if self.inbox.happens(200) {
            return Ok(());
        }
        let disk = &mut self.phones[phone].image.disk;
        for ((key, clear), fate) in asked.parcels.iter().zip(fates) {
            let same = disk.get(Table::Parcel, key) == Some(clear.as_slice());
            if same && matches!(fate, Fate::Stored | Fate::Refused) {
                disk.write(&vec![Op::Put(Table::Parcel, key.clone(), Vec::new())]);
            }
        }
        for _ in 0..=self.inbox.below(2) {
            let ms = self.inbox.between(0, 2 * HOUR_MS);
            self.after(ms, Item::Letter(phone, asked.question.clone(), letter.clone()));
        }
        Ok(())
    }

    /// A letter is put on the disk, unless the app has left another question meanwhile.
    pub(crate) fn letter_arrives(&mut self, phone: usize, question: &[u8], letter: Vec<u8>) {
        let disk = &mut self.phones[phone].image.disk;
        if letter.is_empty() || disk.get(Table::Inbox, QUESTION) != Some(question) {
            return;
        }
        self.next_letter += 1;
        let key = format!("{LETTER}{:010}", self.next_letter);
        disk.write(&vec![Op::Put(Table::Inbox, key, letter)]);
        self.note("letter", phone, &[self.next_letter], &[]);
    }

    /// The app goes to its sync; one that has just started opens its letters first, the newest before the others.
    pub(crate) fn begin(&mut self, phone: usize) {
        let it = &mut self.phones[phone];
        let letters =
            it.image.disk.rows().filter(|(table, key, _)| *table == Table::Inbox && *key != QUESTION);
        let letters: Vec<Vec<u8>> = letters.map(|(_, _, sealed)| sealed.to_vec()).collect();
        let opens = it.version.is_none() && !letters.is_empty();
        let Some(tab) = it.tab.as_mut() else { return };
        if std::mem::replace(&mut tab.begun, true) || !opens {
            return self.feed(phone, if self.phones[phone].online { Event::Wake } else { Event::Offline });
        }
        let parts: VecDeque<_> =
            letters.iter().rev().flat_map(|sealed| tab.phone.read_letter(sealed)).collect();
        tab.opening = true;
        if !parts.is_empty() {
            self.counts.count(Fault::Letter);
        }
        self.note("letters", phone, &[letters.len() as u64, parts.len() as u64], &[]);
        self.enqueue(phone, Job::Letters(parts));
    }

    /// The next part of the letters: what is to be kept of it comes first, then the rest.
    pub(crate) fn open_part(&mut self, phone: usize, mut parts: VecDeque<zoufang_core::phone::Brought>) {
        let Some(tab) = self.phones[phone].tab.as_mut() else { return };
        let Some(part) = parts.pop_front() else { return self.letters_end(phone, true) };
        tab.jobs.push_front(Job::Letters(parts));
        for commit in tab.phone.commits_of(part).into_iter().rev() {
            tab.jobs.push_front(Job::Late(Box::new(commit)));
        }
    }

    /// All letters are taken in, or one could not be kept: then they stay for the next start.
    pub(crate) fn letters_end(&mut self, phone: usize, whole: bool) {
        let Some(tab) = self.phones[phone].tab.as_mut() else { return };
        tab.opening = false;
        tab.jobs.retain(|job| !matches!(job, Job::Letters(_) | Job::Late(_)));
        // At times the app dies before they are gone.
        if whole && self.inbox.happens(700) {
            let disk = &mut self.phones[phone].image.disk;
            let keys = disk.rows().filter(|(table, key, _)| *table == Table::Inbox && *key != QUESTION);
            let gone = keys.map(|(_, key, _)| Op::Delete(Table::Inbox, key.to_owned())).collect();
            disk.write(&gone);
            self.enqueue(phone, Job::Question);
        }
        self.feed(phone, if self.phones[phone].online { Event::Wake } else { Event::Offline });
    }
}
