//! What the office does besides: it moves people's files to other units, and erases records. The server may stop or fail in the
//! middle of that; then nothing was done, and the office tries again.

use anyhow::Result;
use zoufang_core::{
    record::{DocId, Kind, Timestamp, UnitId},
    sync::gate::LATE_EDIT_MS,
};

use crate::{
    fault::Fault,
    phone::Out,
    server::Command,
    world::{Item, Kind as FailureKind, World},
};

/// After so many ms the office tries again.
const AGAIN_MS: i64 = 600_000;
const SERVER: usize = usize::MAX;

impl World {
    /// A person's file moves to another unit with what goes with it, or any record by itself.
    pub(crate) fn move_record(&mut self) -> Result<bool> {
        let Some((doc, kind)) = self.some_record_of_server()? else { return Ok(false) };
        let units: Vec<UnitId> = self.above.keys().copied().filter(|unit| unit.0 > 1).collect();
        let Some(to) = self.office.pick(&units) else { return Ok(false) };
        let docs = if kind == Kind::Person { self.server.with_person(doc)? } else { vec![doc] };
        // One move in eight was so long ago that what comes late is not taken any more.
        let long_ago = self.office.below(8) == 0;
        let at = self.server_time() - if long_ago { 2 * LATE_EDIT_MS } else { 0 };
        let mut moving = Vec::new();
        for doc in docs {
            if self.server.document(doc)?.is_some_and(|state| state.unit != to) {
                moving.push(doc);
            }
        }
        if !self.command(&Command::Move(moving.clone(), to, Timestamp(at)), Fault::Moved)? {
            return Ok(false);
        }
        for doc in moving {
            self.note("moved", SERVER, &[to.0.into(), long_ago.into()], &doc.0);
            if self.trace.in_words() {
                self.trace.say(&doc.to_string());
            }
            self.oracle.moved(doc, to);
            if long_ago {
                self.oracle.expired.insert(doc);
            }
        }
        Ok(true)
    }

    /// A record is erased.
    pub(crate) fn erase_record(&mut self) -> Result<bool> {
        let Some((doc, _)) = self.some_record_of_server()? else { return Ok(false) };
        if !self.command(&Command::Erase(doc, Timestamp(self.server_time())), Fault::Erased)? {
            return Ok(false);
        }
        self.note("erased", SERVER, &[], &doc.0);
        if self.trace.in_words() {
            self.trace.say(&doc.to_string());
        }
        self.oracle.erased.insert(doc);
        Ok(true)
    }

    fn server_time(&self) -> i64 {
        crate::world::EPOCH_MS + self.now + self.server_off_ms
    }

    /// Does a command; says whether it was done. A backup knows every command, since an operator would have to do them again.
    fn command(&mut self, command: &Command, fault: Fault) -> Result<bool> {
        if !self.server_up {
            return Ok(false);
        }
        let blow = self.blow();
        let (done, struck) = match self.server.command(command, blow.map(|(step, blow, _)| (step, blow))) {
            Ok(done) => done,
            Err(error) => {
                self.fail(FailureKind::Broken, None, None, error.to_string());
                return Ok(false);
            }
        };
        // A server that stopped may have committed before: the office looks.
        let done = if struck { self.is_done(command)? } else { done };
        if let Some((_, _, kind)) = blow.filter(|_| struck) {
            self.counts.count(kind);
            if kind == Fault::ServerCrash {
                self.stop_server()?;
            }
        }
        if !done && struck {
            self.after(AGAIN_MS, Item::Mishap(fault, SERVER));
        }
        let forgets = self.config.rates.of(Fault::Forgetful) > 0;
        if done && self.server.has_backup() && !forgets {
            self.server.back_up()?;
        }
        if done && forgets {
            self.counts.count(Fault::Forgetful);
        }
        Ok(done)
    }

    /// Whether a command was done as a whole; one that was done in part is a fault of the engine's.
    fn is_done(&mut self, command: &Command) -> Result<bool> {
        let mut done = Vec::new();
        match command {
            Command::Move(docs, to, _) => {
                for doc in docs {
                    done.push(self.server.document(*doc)?.is_some_and(|state| state.unit == *to));
                }
            }
            Command::Erase(doc, _) => done.push(self.server.document(*doc)?.is_none()),
        }
        let all = !done.is_empty() && done.iter().all(|done| *done);
        if !all && done.contains(&true) {
            self.fail(FailureKind::Diverged, None, None, "a command was done in part".to_owned());
        }
        Ok(all)
    }

    /// A record that the server has: half of the times one of which edits wait on a phone.
    fn some_record_of_server(&mut self) -> Result<Option<(DocId, Kind)>> {
        let waits = self.phones.iter().flat_map(|phone| &phone.image.outbox);
        let waiting: Vec<DocId> =
            waits.filter(|(_, out)| **out == Out::Waiting).map(|(id, _)| self.oracle.edit(*id).doc).collect();
        let all: Vec<DocId> = self.oracle.edits().map(|(_, edit)| edit.doc).collect();
        let from_waiting = !waiting.is_empty() && self.office.happens(500);
        let Some(mut doc) = self.office.pick(if from_waiting { &waiting } else { &all }) else {
            return Ok(None);
        };
        // People more often than others: much goes with them.
        for _ in 0..2 {
            let is_person = self.oracle.edits().any(|(_, edit)| edit.doc == doc && edit.kind == Kind::Person);
            if !is_person && !from_waiting {
                doc = self.office.pick(&all).unwrap_or(doc);
            }
        }
        Ok(self.server.document(doc)?.map(|state| (doc, state.kind)))
    }
}
