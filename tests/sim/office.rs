//! What the office does to records on the server: it moves them to another unit, erases them, begins them anew. Each is held
//! against what the server had before, also where the server stops in the middle.

use std::collections::BTreeMap;

use anyhow::Result;
use zoufang_core::record::{DeviceId, DocId, Kind, UnitId, Value};

use crate::{
    kept::Written,
    oracle::{Edit, EditId, Seen, hash_of},
    server::Done,
    world::{Kind as FailureKind, World, log_of, logs_of, unit_of_log},
};

/// One thing that is done to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Move(DocId, UnitId),
    Erase(DocId),
    ReRoot(DocId),
}

/// A record as it lies on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lying {
    unit: UnitId,
    log: UnitId,
    kind: Kind,
    /// The hashes of its changes.
    pub(crate) hashes: Vec<[u8; 32]>,
}

impl World {
    /// The office does something to a record; `false` if there is none, or it did not come about.
    pub(crate) fn command(&mut self, made: impl Fn(DocId, UnitId) -> Command) -> Result<bool> {
        if !self.server_up {
            return Ok(false);
        }
        let before = self.lying()?;
        let docs: Vec<DocId> = before.keys().copied().collect();
        let units: Vec<UnitId> = self.above.keys().copied().filter(|unit| unit.0 > 1).collect();
        let (Some(doc), Some(to)) = (self.mishap.pick(&docs), self.mishap.pick(&units)) else {
            return Ok(false);
        };
        let command = made(doc, to);
        if matches!(command, Command::ReRoot(_)) && !self.facts.is_settled(&before[&doc].hashes) {
            return Ok(false);
        }
        let blow = self.blow();
        let (done, struck) = self.server.command(command, blow.map(|(step, blow, _)| (step, blow)));
        if let Some((_, _, fault)) = blow.filter(|_| struck) {
            self.counts.count(fault);
        }
        if done == Done::Stopped {
            self.stop_server()?;
        }
        if done == Done::Failed && !struck {
            let words = format!("the server failed by itself at {command:?}");
            self.fail(FailureKind::Broken, None, Some(doc), words);
        }
        let after = self.lying()?;
        let changed = before != after;
        self.note("office", usize::MAX, &[u64::from(changed)], format!("{command:?}").as_bytes());
        // Whether a server that stopped had committed is to be seen.
        if !changed && done != Done::Whole {
            return Ok(false);
        }
        if done == Done::Failed {
            let words = format!("half of {command:?} was done");
            self.fail(FailureKind::Broken, None, Some(doc), words);
            return Ok(false);
        }
        match command {
            Command::Move(doc, to) => self.has_moved(doc, to, &before, &after),
            Command::Erase(doc) => self.was_erased(doc, before, &after),
            Command::ReRoot(doc) => self.began_anew(doc, before, after)?,
        }
        Ok(changed)
    }

    pub(crate) fn lying(&self) -> Result<BTreeMap<DocId, Lying>> {
        let mut lying = BTreeMap::new();
        let store = self.server.store();
        for log in self.above.keys().copied().flat_map(logs_of) {
            for entry in self.server.run(store.read_log(log, 0, usize::MAX))?.entries {
                let new = || Lying { unit: unit_of_log(log), log, kind: entry.kind, hashes: Vec::new() };
                let doc = lying.entry(entry.doc).or_insert_with(new);
                doc.hashes.push(hash_of(&entry.raw));
            }
        }
        Ok(lying)
    }

    /// The record, and what is about nobody else than the person of a file, lies in the other unit, whole and in its order.
    fn has_moved(
        &mut self,
        doc: DocId,
        to: UnitId,
        before: &BTreeMap<DocId, Lying>,
        after: &BTreeMap<DocId, Lying>,
    ) {
        let file = before.get(&doc).map(|lying| (lying.unit, lying.kind));
        let mut due = before.clone();
        for (other, lying) in &mut due {
            let with = *other == doc
                || file == Some((lying.unit, Kind::Person)) && self.is_about(*other, lying, doc);
            if with && lying.unit != to {
                self.facts.moved(*other, lying.unit, to);
                lying.unit = to;
                lying.log = log_of(to, lying.kind);
            }
        }
        if &due != after {
            let words = "after a move something else lies somewhere else".to_owned();
            self.fail(FailureKind::Diverged, None, Some(doc), words);
        }
    }

    /// Whether a record is about this person and nobody else.
    fn is_about(&self, doc: DocId, lying: &Lying, person: DocId) -> bool {
        if doc == person || lying.kind == Kind::Person {
            return false;
        }
        let seen: Seen = lying.hashes.iter().filter_map(|hash| self.oracle.find(hash)).collect();
        let fields = self.oracle.fields(&seen);
        if lying.kind == Kind::Party {
            return fields.get("person").map(|shown| &shown.top) == Some(&Value::Text(person.to_string()));
        }
        let people =
            fields.iter().filter(|(key, shown)| key.starts_with("person/") && shown.top == Value::Bool(true));
        let people: Vec<&str> = people.map(|(key, _)| &key["person/".len()..]).collect();
        people == [person.to_string()]
    }

    fn was_erased(&mut self, doc: DocId, mut before: BTreeMap<DocId, Lying>, after: &BTreeMap<DocId, Lying>) {
        before.remove(&doc);
        self.facts.erased(doc);
        if &before != after {
            let words = "after an erasure something else is gone, or the record is not".to_owned();
            self.fail(FailureKind::Diverged, None, Some(doc), words);
        }
    }

    /// The record says what it said, and none of its old changes is there.
    fn began_anew(
        &mut self,
        doc: DocId,
        mut before: BTreeMap<DocId, Lying>,
        mut after: BTreeMap<DocId, Lying>,
    ) -> Result<()> {
        let (Some(old), Some(new)) = (before.remove(&doc), after.remove(&doc)) else {
            self.fail(FailureKind::Lost, None, Some(doc), "a record that began anew is gone".to_owned());
            return Ok(());
        };
        if before != after || new.log != old.log {
            let words = "with a record that began anew others changed".to_owned();
            self.fail(FailureKind::Diverged, None, Some(doc), words);
        }
        let seen: Seen = old.hashes.iter().filter_map(|hash| self.oracle.find(hash)).collect();
        let store = self.server.store();
        let entries = self.server.run(store.read_log(new.log, 0, usize::MAX))?.entries;
        let (mut roots, mut ids) = (Vec::new(), Seen::new());
        let mut creator = None;
        for entry in entries.into_iter().filter(|entry| entry.doc == doc) {
            let Some(Written { before, at_s, sets, .. }) = self.read(&entry.raw) else {
                let words = "a new beginning is built on what nobody wrote".to_owned();
                self.fail(FailureKind::Diverged, None, Some(doc), words);
                return Ok(());
            };
            if before.is_empty() {
                creator = Some(entry.user);
            }
            let id: EditId = self.oracle.add(Edit {
                doc,
                kind: entry.kind,
                unit: new.unit,
                user: entry.user,
                device: DeviceId(0),
                at_s,
                sets: sets.clone(),
                before,
                hash: hash_of(&entry.raw),
            });
            ids.insert(id);
            self.note("root", usize::MAX, &[id.into()], &doc.0);
            roots.push((sets, entry.user, at_s));
        }
        let mut due = self.oracle.anew(&seen, creator.unwrap_or_default());
        roots.sort();
        due.sort();
        if roots != due {
            let words = format!("a record began anew with {roots:?}, and {due:?} is due");
            self.fail(FailureKind::Diverged, None, Some(doc), words);
        }
        self.facts.re_rooted(doc, ids, seen);
        Ok(())
    }
}
