//! A device as far as the server sees it: its changes are real, and it keeps what the next request must show.

use std::collections::{BTreeMap, VecDeque};

use anyhow::{Context, Result, bail};
use zoufang_core::{
    document::{Document, LogChange},
    record::{DeviceId, DocId, EpochId, Kind, Patch, Timestamp, UnitId, UserId, Value},
    sync::{
        session::WANT_BYTES,
        wire::{Frame, FrameReader, Push, SyncRequest, VERSION, Verdict, encode_request},
    },
};
use zoufang_server::import::first_change;
use zoufang_tests::made::{self, Dice};

/// People of whom a device knows the file well enough to edit it: the newest ones.
const PEOPLE_KEPT: usize = 10;
const VISITS_A_PERSON: usize = 4;
/// Of so many changes one edits a person's file; the others are new visits.
const EDIT_EVERY: usize = 5;

/// Who has the device.
#[derive(Clone)]
pub(super) struct Owner {
    pub(super) device: DeviceId,
    pub(super) user: UserId,
    /// The unit whose records it writes.
    pub(super) unit: UnitId,
    pub(super) token: String,
}

/// What the server's logs are, as a device knows them.
pub(super) struct Logs {
    pub(super) epoch: EpochId,
    pub(super) directory_version: u32,
    pub(super) cursors: BTreeMap<UnitId, u64>,
}

/// A device.
pub(super) struct Phone {
    owner: Owner,
    logs: Logs,
    ticket: Option<u64>,
    people: VecDeque<(DocId, Vec<LogChange>)>,
    dice: Dice,
}

impl Phone {
    pub(super) fn new(owner: Owner, seed: u64) -> Self {
        let logs = Logs { epoch: EpochId(0), directory_version: 0, cursors: BTreeMap::new() };
        Self { owner, logs, ticket: None, people: VecDeque::new(), dice: Dice::new(seed) }
    }

    pub(super) fn token(&self) -> &str {
        &self.owner.token
    }

    pub(super) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// From now on it has everything up to there.
    pub(super) fn catch_up(&mut self, logs: Logs) {
        self.logs = logs;
    }

    /// New people, each with some visits.
    pub(super) fn fill(&mut self, people: usize, at: Timestamp) -> Result<Vec<Push>> {
        let mut made = Vec::with_capacity(people * (1 + VISITS_A_PERSON));
        for _ in 0..people {
            made.push(self.person(at)?);
            for _ in 0..VISITS_A_PERSON {
                made.push(self.visit(at)?);
            }
        }
        Ok(made)
    }

    /// As many new people as it knows well enough to edit.
    pub(super) fn people(&mut self, at: Timestamp) -> Result<Vec<Push>> {
        (0..PEOPLE_KEPT).map(|_| self.person(at)).collect()
    }

    /// What a device brings: visits, and edits of people's files.
    pub(super) fn changes(&mut self, count: usize, at: Timestamp) -> Result<Vec<Push>> {
        let from = self.dice.below(EDIT_EVERY);
        let edits = |place: usize| (from + place).is_multiple_of(EDIT_EVERY);
        (0..count).map(|place| if edits(place) { self.edit(at) } else { self.visit(at) }).collect()
    }

    fn doc(&mut self, at: Timestamp) -> DocId {
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.dice.roll().to_be_bytes());
        random[8..].copy_from_slice(&self.owner.device.0.to_be_bytes()[..2]);
        DocId::from_parts(at, random)
    }

    fn person(&mut self, at: Timestamp) -> Result<Push> {
        let (doc, entries) = (self.doc(at), made::person(&mut self.dice));
        let Owner { device, user, unit, .. } = self.owner;
        let push = first_change(device, user, at, doc, Kind::Person, unit, entries)?;
        if self.people.len() == PEOPLE_KEPT {
            self.people.pop_front();
        }
        self.people.push_back((doc, vec![self.logged(&push.raw)]));
        Ok(push)
    }

    fn visit(&mut self, at: Timestamp) -> Result<Push> {
        let person = self.people.back().context("a person comes first")?.0;
        let (doc, entries) = (self.doc(at), made::visit(&mut self.dice, person, self.owner.user));
        let Owner { device, user, unit, .. } = self.owner;
        let log = unit.log(Kind::Visit.class());
        Ok(first_change(device, user, at, doc, Kind::Visit, log, entries)?)
    }

    /// Edits the file that was not edited for longest.
    fn edit(&mut self, at: Timestamp) -> Result<Push> {
        let (doc, mut changes) = self.people.pop_front().context("a person comes first")?;
        let mut document = Document::load(Kind::Person, changes.iter().cloned())?;
        let mut address = || format!("{}组{}号", 1 + self.dice.below(12), 1 + self.dice.below(10_000));
        let before = document.entries().text("address");
        // Of millions one would be the same.
        let address = Some(address()).filter(|new| before.as_ref() != Some(new)).unwrap_or_else(address);
        let actor = self.owner.device.actor(self.dice.roll().to_be_bytes());
        let patch = Patch::set("address", Value::Text(address));
        let raw = document.commit(actor, self.owner.user, at, &patch)?.context("another address")?;
        changes.push(self.logged(&raw));
        self.people.push_back((doc, changes));
        Ok(Push { doc, kind: Kind::Person, unit: self.owner.unit, raw })
    }

    fn logged(&self, raw: &[u8]) -> LogChange {
        LogChange { raw: raw.to_vec(), author: self.owner.user, received_at: None }
    }

    /// The bytes of a request with these changes.
    pub(super) fn request(&self, push: Vec<Push>) -> Vec<u8> {
        encode_request(&SyncRequest {
            epoch: self.logs.epoch,
            device: self.owner.device,
            directory_version: self.logs.directory_version,
            cursors: self.logs.cursors.iter().map(|(unit, seq)| (*unit, *seq)).collect(),
            push,
            want_bytes: WANT_BYTES,
            version: Some(VERSION),
            ticket: self.ticket,
            probes: Vec::new(),
            wants: Vec::new(),
            strays: Vec::new(),
            held: None,
            told: None,
        })
    }

    /// Takes an answer; every change must have been taken in.
    pub(super) fn hear(&mut self, answer: &[u8]) -> Result<()> {
        let mut ended = false;
        for frame in FrameReader::new().push(answer)? {
            match frame {
                Frame::Ticket(ticket) => self.ticket = Some(ticket),
                Frame::Verdicts(verdicts) => {
                    let taken =
                        |verdict: &Verdict| matches!(verdict, Verdict::Accepted(_) | Verdict::Duplicate(_));
                    if let Some(verdict) = verdicts.iter().find(|verdict| !taken(verdict)) {
                        bail!("a change was answered with {verdict:?}");
                    }
                }
                Frame::Page(page) => drop(self.logs.cursors.insert(page.unit, page.to_seq)),
                Frame::End(_) => ended = true,
                Frame::Problem(problem) => bail!("the server has a problem: {problem:?}"),
                Frame::Scope(scope) => bail!("a device that knows its logs was told {scope:?}"),
                Frame::Directory(_) | Frame::Repair(_) | Frame::Epoch(_) => {
                    bail!("a device that knows everything was told more")
                }
            }
        }
        if ended { Ok(()) } else { bail!("an answer was cut off") }
    }
}
