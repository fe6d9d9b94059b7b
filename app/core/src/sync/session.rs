//! The phone's sync session, without input or output: events in, effects out.
//!
//! The driver owns the line, the clock and the store; the session owns the order of things. Its invariants: one request
//! at a time; one [`Commit`] at a time, and the next only after the store said that the last one is kept (so a cursor
//! never runs ahead of its changes); a cut answer costs what was not yet committed and nothing else; no failure ends the
//! session, it only waits longer.
use std::collections::BTreeSet;

use super::{
    backoff,
    wire::{
        Bucket, Control, Directory, End, Frame, FrameReader, Page, Problem, Push, Stray, SyncRequest,
        Verdict, WireError, encode_request,
    },
};
use crate::{
    gather,
    record::{ChangeHash, DocId, EpochId, Timestamp, UnitId},
};

mod failure;

pub use failure::Failure;

/// Most bytes of raw changes in one request: what is deflated in one go, so that a phone's worker is at it for a moment only.
/// Deflated they stay well under the body's bound.
pub const PUSH_BYTES_MAX: usize = 256 * 1024;
/// About how many bytes one answer may have.
pub const WANT_BYTES: u32 = 4 * 1024 * 1024;
/// With nothing to do the session asks for news this often, in ms.
pub const IDLE_MS: i64 = 60_000;

/// What the store holds for the next request.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The request; its push is what waits, by document and in causal order, at most [`PUSH_BYTES_MAX`].
    pub request: SyncRequest,
    /// The hashes of the pushed changes, in their order.
    pub hashes: Vec<ChangeHash>,
    /// More waits than one request takes.
    pub rest_waits: bool,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// There may be something to do: the app was opened, something was saved, the line came back, a person asked.
    Wake,
    /// The phone has no network.
    Offline,
    /// The person stops the sync until [`Event::Resume`]; what was stored so far stays.
    Pause,
    /// The person goes on.
    Resume,
    /// The driver read the store for [`Effect::Read`].
    Outgoing(Box<Outgoing>),
    /// The next bytes of the answer.
    Bytes(Vec<u8>),
    /// The answer ended.
    AnswerEnded,
    /// The last [`Effect::Commit`] is kept.
    Committed,
    /// The store, the line or the server failed.
    Failed(Failure),
    /// The time of [`Effect::Wait`] is over.
    Timer,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Read the store and answer with [`Event::Outgoing`].
    Read,
    /// Send this body; an older request is to be dropped.
    Send(Vec<u8>),
    /// Keep this in one transaction and answer with [`Event::Committed`].
    Commit(Box<Commit>),
    /// Drop the request under way.
    Cancel,
    /// Answer with [`Event::Timer`] after so many ms; an older wait is to be dropped.
    Wait(i64),
    /// Show this.
    Show(Phase),
}

/// Something to keep, all of it or nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Commit {
    /// What the next push must show; kept before the verdicts of this one.
    Ticket(u64),
    /// The epoch of the log that the pages after it are of.
    Epoch(EpochId),
    /// Receipts and refusals of pushed changes.
    Verdicts(Vec<(ChangeHash, Verdict)>),
    /// The units to hold. What waits of other units stays until it is sent.
    Scope(Vec<(UnitId, u64)>),
    /// New names of users and units.
    Directory(Directory),
    /// What happened to documents of a unit besides changes; the page that brought it follows.
    Controls(UnitId, Vec<Control>),
    /// Changes, rows and the new cursor.
    Page(Page),
    /// The log has a new epoch: cursors to 0, acknowledged changes of this phone are offered again.
    EpochChanged(EpochId),
    /// This phone's storage is a copy of another's: it needs a device id of its own.
    Cloned,
    /// Where the server's log differs from what is held.
    Repair(Vec<Bucket>),
    /// The answer was whole, and with it what the request asked is answered.
    End(End, Asked),
    /// The same of a letter of the inbox: with it came no ticket.
    Late(Box<Self>),
    /// By a letter of the inbox, the server was there when its clock said this. No answer of a sync says so.
    Heard(Timestamp),
}

impl Commit {
    /// What is to be kept, whoever brought it.
    #[must_use]
    pub fn content(&self) -> &Self {
        if let Self::Late(commit) = self { commit.content() } else { self }
    }
}

/// What a request asked besides what is new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The ranges that it compared.
    pub ranges: BTreeSet<(UnitId, Vec<u8>)>,
    /// The documents that it asked after, in the log of a unit.
    pub strays: BTreeSet<(UnitId, DocId)>,
}

impl Asked {
    pub(crate) fn by(request: &SyncRequest) -> Self {
        let ranges = request.probes.iter().map(|probe| (probe.unit, probe.prefix.to_vec()));
        let docs = |stray: &Stray| stray.docs.iter().map(|doc| (stray.unit, *doc)).collect::<Vec<_>>();
        Self { ranges: gather(ranges), strays: gather(request.strays.iter().flat_map(docs)) }
    }
}

/// What the screen says in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing under way.
    Idle,
    /// A request is under way.
    Running,
    /// No network.
    Offline,
    /// The person stopped it.
    Paused,
    /// It failed and will be tried again.
    Failed(Failure),
}

#[derive(Debug)]
enum State {
    Idle,
    Reading,
    Receiving(Receiving),
}

#[derive(Debug)]
struct Receiving {
    reader: FrameReader,
    /// Frames that wait for the store.
    queue: std::collections::VecDeque<Commit>,
    committing: bool,
    progress: bool,
    pushed: Vec<ChangeHash>,
    asked: Asked,
    /// More waits than was pushed.
    rest_waits: bool,
    /// A pushed change waits no more.
    settled: bool,
    end: Option<End>,
    answer_over: bool,
}

/// The session. One per phone: in the leader tab.
#[derive(Debug)]
pub struct Session {
    state: State,
    failures: u32,
    /// Something came up while a request was under way.
    again: bool,
    online: bool,
    paused: bool,
}

impl Default for Session {
    fn default() -> Self {
        Self { state: State::Idle, failures: 0, again: false, online: true, paused: false }
    }
}

impl Session {
    /// A session with nothing under way.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes an event and says what is to be done, in this order. `dice` is a random byte for the wait after a failure.
    pub fn handle(&mut self, event: Event, dice: u8) -> Vec<Effect> {
        match event {
            Event::Wake => {
                self.online = true;
                self.begin_or_note()
            }
            Event::Timer => self.begin_or_note(),
            Event::Offline => {
                self.online = false;
                self.stop()
            }
            Event::Pause => {
                self.paused = true;
                self.stop()
            }
            Event::Resume => {
                self.paused = false;
                self.begin_or_note()
            }
            Event::Outgoing(outgoing) => self.send(*outgoing),
            Event::Bytes(bytes) => self.receive(&bytes, dice),
            Event::AnswerEnded => self.answer_ended(dice),
            Event::Committed => self.committed(dice),
            Event::Failed(failure) => self.fail(failure, dice),
        }
    }

    fn stop(&mut self) -> Vec<Effect> {
        self.state = State::Idle;
        self.again = false;
        let phase = if self.online { Phase::Paused } else { Phase::Offline };
        vec![Effect::Cancel, Effect::Show(phase)]
    }

    fn begin_or_note(&mut self) -> Vec<Effect> {
        if self.paused {
            let phase = if self.online { Phase::Paused } else { Phase::Offline };
            vec![Effect::Show(phase)]
        } else if matches!(self.state, State::Idle) {
            self.begin()
        } else {
            self.again = true;
            Vec::new()
        }
    }

    fn begin(&mut self) -> Vec<Effect> {
        self.again = false;
        self.state = State::Reading;
        vec![Effect::Show(Phase::Running), Effect::Read]
    }

    fn send(&mut self, outgoing: Outgoing) -> Vec<Effect> {
        if !matches!(self.state, State::Reading) {
            return Vec::new();
        }
        self.state = State::Receiving(Receiving {
            reader: FrameReader::new(),
            queue: std::collections::VecDeque::new(),
            committing: false,
            progress: false,
            pushed: outgoing.hashes,
            asked: Asked::by(&outgoing.request),
            rest_waits: outgoing.rest_waits,
            settled: false,
            end: None,
            answer_over: false,
        });
        vec![Effect::Send(encode_request(&outgoing.request))]
    }

    fn receive(&mut self, bytes: &[u8], dice: u8) -> Vec<Effect> {
        let State::Receiving(receiving) = &mut self.state else { return Vec::new() };
        let outcome = receiving
            .reader
            .push(bytes)
            .map_err(Failure::from)
            .and_then(|frames| frames.into_iter().try_for_each(|frame| receiving.take(frame)));
        match outcome {
            Ok(()) => receiving.next_commit().into_iter().collect(),
            Err(failure) => self.fail(failure, dice),
        }
    }

    fn committed(&mut self, dice: u8) -> Vec<Effect> {
        let State::Receiving(receiving) = &mut self.state else { return Vec::new() };
        receiving.committing = false;
        receiving.progress = true;
        match receiving.next_commit() {
            Some(effect) => vec![effect],
            None if receiving.answer_over => self.finish(dice),
            None => Vec::new(),
        }
    }

    fn answer_ended(&mut self, dice: u8) -> Vec<Effect> {
        let State::Receiving(receiving) = &mut self.state else { return Vec::new() };
        receiving.answer_over = true;
        if receiving.committing { Vec::new() } else { self.finish(dice) }
    }

    fn finish(&mut self, dice: u8) -> Vec<Effect> {
        let State::Receiving(receiving) = &self.state else { return Vec::new() };
        let Some(end) = receiving.end else { return self.fail(Failure::CutOff, dice) };
        // A push of which nothing was settled would be the same one again.
        let rest_waits = receiving.rest_waits && receiving.settled;
        self.failures = 0;
        self.state = State::Idle;
        if end.more || rest_waits || self.again {
            return self.begin();
        }
        vec![Effect::Show(Phase::Idle), Effect::Wait(IDLE_MS)]
    }

    fn fail(&mut self, failure: Failure, dice: u8) -> Vec<Effect> {
        let progress = matches!(&self.state, State::Receiving(receiving) if receiving.progress);
        self.state = State::Idle;
        self.again = false;
        // An answer that brought something is a reason to go on at once, not to wait longer.
        self.failures = if progress { 1 } else { self.failures.saturating_add(1) };
        let phase = if self.online { Phase::Failed(failure) } else { Phase::Offline };
        let mut effects = vec![Effect::Cancel, Effect::Show(phase)];
        if !failure.needs_person() {
            effects.push(Effect::Wait(
                failure.wait_ms().unwrap_or_else(|| backoff::wait_ms(self.failures, dice)),
            ));
        }
        effects
    }
}

impl Receiving {
    fn take(&mut self, frame: Frame) -> Result<(), Failure> {
        if self.end.is_some() {
            return Err(Failure::Garbled);
        }
        let commit = match frame {
            Frame::Verdicts(verdicts) => {
                if verdicts.len() != self.pushed.len() {
                    return Err(Failure::Garbled);
                }
                self.settled |= verdicts.iter().any(|verdict| !matches!(verdict, Verdict::Pending));
                Commit::Verdicts(self.pushed.iter().copied().zip(verdicts).collect())
            }
            Frame::Scope(units) => Commit::Scope(units),
            Frame::Directory(directory) => Commit::Directory(directory),
            Frame::Page(mut page) => {
                let controls = std::mem::take(&mut page.controls);
                if !controls.is_empty() {
                    self.queue.push_back(Commit::Controls(page.unit, controls));
                }
                Commit::Page(page)
            }
            Frame::End(end) => {
                self.end = Some(end);
                Commit::End(end, std::mem::take(&mut self.asked))
            }
            Frame::Problem(Problem::EpochChanged(epoch)) => {
                self.end = Some(End { more: true, epoch, server_time: Timestamp(0) });
                Commit::EpochChanged(epoch)
            }
            Frame::Problem(Problem::Internal) => return Err(Failure::Server),
            Frame::Problem(Problem::Cloned) => {
                // The next request finds no token: a person must sign in.
                self.end = Some(End { more: true, epoch: EpochId(0), server_time: Timestamp(0) });
                Commit::Cloned
            }
            Frame::Repair(buckets) => Commit::Repair(buckets),
            Frame::Ticket(ticket) => Commit::Ticket(ticket),
            Frame::Epoch(epoch) => Commit::Epoch(epoch),
        };
        self.queue.push_back(commit);
        Ok(())
    }

    fn next_commit(&mut self) -> Option<Effect> {
        if self.committing {
            return None;
        }
        let commit = self.queue.pop_front()?;
        self.committing = true;
        Some(Effect::Commit(Box::new(commit)))
    }
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Self {
        match error {
            WireError::NotOurs => Self::NotOurs,
            WireError::TooBig | WireError::Damaged | WireError::Malformed => Self::Garbled,
        }
    }
}

/// Picks from what waits, given in causal order within each document, what fits one request.
#[must_use]
pub fn fit(waiting: impl IntoIterator<Item = (ChangeHash, Push)>) -> (Vec<ChangeHash>, Vec<Push>) {
    let (mut hashes, mut push, mut bytes) = (Vec::new(), Vec::new(), 0);
    for (hash, change) in waiting {
        bytes += change.raw.len() + 64;
        if push.len() >= super::wire::PUSH_MAX || !push.is_empty() && bytes > PUSH_BYTES_MAX {
            break;
        }
        hashes.push(hash);
        push.push(change);
    }
    (hashes, push)
}

#[cfg(test)]
mod tests;
