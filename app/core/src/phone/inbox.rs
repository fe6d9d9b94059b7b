//! The inbox on the phone: the question that is left for the service worker, and what of a letter can be taken in.
//!
//! A letter is a late answer, and anything may have happened since. So it must answer the last question that was left, and of its
//! pages one is taken only if it goes on exactly from the cursor: nothing is done twice, nothing is passed over, and a letter that is
//! taken in again, or after a sync, costs nothing. What it leaves out comes with the next sync, which asks for itself. That is also
//! where digests are compared and edits are made again: both need an answer of today.
use std::{collections::BTreeSet, fmt};

use minicbor::{Decode, Encode, bytes::ByteVec};
use sha2::{Digest, Sha256};

use super::{
    Phone, Segments,
    plan::{Op, Plan, Table},
    stored::{META_INBOX, OutState, OutboxRow, SyncMeta},
};
use crate::{
    encode, gather,
    record::{ChangeHash, EpochId, Timestamp, UnitId},
    seal::SecretKey,
    sync::{
        inbox::{Question, WANT_BYTES, bound, open_letter},
        session::Commit,
        wire::{Frame, PUSH_MAX, SyncRequest, VERSION, Verdict},
    },
};

/// The key of table `inbox` under which the question stands, sealed to the server.
pub const QUESTION: &str = "question";
/// The keys of table `inbox` under which the service worker puts letters begin so, and are in their order.
pub const LETTER: &str = "letter/";

/// What is kept of the last question: what opens the letter to it. Sealed as every row.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Inbox {
    #[cbor(n(0), with = "minicbor::bytes")]
    secret: [u8; 32],
    /// What a letter to it is bound to.
    #[n(1)]
    bound: ByteVec,
    /// The epoch of its cursors.
    #[n(2)]
    epoch: EpochId,
    /// Their units.
    #[n(3)]
    units: Vec<UnitId>,
    /// The hash of all that it says but its key: whether another would say the same.
    #[n(4)]
    says: ByteVec,
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inbox")
    }
}

/// Something that a letter brings. Whether it can be taken in is asked when its turn comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Brought {
    /// What became of changes that were delivered.
    Verdicts(Vec<(ChangeHash, Verdict)>),
    /// A part of the answer.
    Frame(Frame),
}

impl Plan {
    /// Takes question and letters away: they are of another session, or done with.
    pub(super) fn drop_inbox(&mut self) {
        self.batch.push(Op::Clear(Table::Inbox));
        self.batch.push(Op::Delete(Table::Meta, META_INBOX.to_owned()));
        self.inbox = Some(None);
    }

    fn leave(&mut self, question: Vec<u8>, inbox: Inbox) {
        self.drop_inbox();
        self.batch.push(Op::Put(Table::Inbox, QUESTION.to_owned(), question));
        self.batch.push(Op::Put(Table::Meta, META_INBOX.to_owned(), encode(&inbox)));
        self.inbox = Some(Some(inbox));
    }
}

impl Phone {
    /// Leaves a question in the place of the last one, whose letters go; `seed` is 32 bytes drawn for this call alone. `None` if the
    /// last one says the same, or nothing can be asked: nobody is signed in, or no answer was whole yet.
    #[must_use]
    pub fn plan_question(&self, seed: &[u8; 32]) -> Option<Plan> {
        let account = self.account.as_ref()?;
        let token = account.token.clone()?;
        self.sync_key()?;
        self.meta.last_answer?;
        let request = SyncRequest {
            epoch: self.meta.epoch,
            device: account.device,
            directory_version: self.directory.version,
            cursors: self.meta.cursors.iter().map(|(unit, cursor)| (*unit, cursor.seq)).collect(),
            push: Vec::new(),
            want_bytes: WANT_BYTES,
            version: Some(VERSION),
            ticket: None,
            probes: Vec::new(),
            wants: Vec::new(),
            held: None,
            told: None,
            strays: Vec::new(),
        };
        let says = Sha256::digest(encode(&(&request, &token))).to_vec();
        if self.inbox.as_ref().is_some_and(|last| last.says.as_slice() == says) {
            return None;
        }
        let secret = SecretKey::of_seed(seed);
        let (device, epoch) = (request.device, request.epoch);
        let units = request.cursors.iter().map(|(unit, _)| *unit).collect();
        let question = encode(&Question { request, token, inbox: secret.public() });
        let bound = bound(device, &question).into();
        let mut plan = Plan::of(self);
        plan.leave(question, Inbox { secret: *secret.expose(), bound, epoch, units, says: says.into() });
        Some(plan)
    }

    /// What a letter brings, in its order; nothing if it does not answer the last question.
    #[must_use]
    pub fn read_letter(&self, sealed: &[u8]) -> Vec<Brought> {
        let Some(inbox) = &self.inbox else { return Vec::new() };
        let Ok(letter) = open_letter(&SecretKey::from_bytes(inbox.secret), &inbox.bound, sealed) else {
            return Vec::new();
        };
        let frames = letter.frames().into_iter().map(Brought::Frame);
        std::iter::once(Brought::Verdicts(letter.verdicts)).chain(frames).collect()
    }

    /// What is to be kept of what a letter brings, as things are now, each in one transaction.
    #[must_use]
    pub fn commits_of(&self, brought: Brought) -> Vec<Commit> {
        let Some(asked) = &self.inbox else { return Vec::new() };
        // Its numbers are of a log that this phone does not read any more.
        if asked.epoch != self.meta.epoch {
            return Vec::new();
        }
        match brought {
            Brought::Verdicts(verdicts) => {
                let waiting = self.outbox.values().filter(|row| row.state == OutState::Waiting);
                let waiting: BTreeSet<ChangeHash> = gather(waiting.map(|row| row.hash));
                let known = verdicts.into_iter().filter(|(hash, _)| waiting.contains(hash));
                // What is too much for one request comes with the sync.
                let known: Vec<_> = known.take(PUSH_MAX.saturating_sub(self.meta.told.len())).collect();
                if known.is_empty() { Vec::new() } else { vec![late(Commit::Verdicts(known))] }
            }
            Brought::Frame(Frame::Scope(units)) => {
                let as_then = asked.units.iter().eq(self.meta.cursors.keys());
                if as_then { vec![Commit::Scope(units)] } else { Vec::new() }
            }
            Brought::Frame(Frame::Directory(directory)) if directory.version > self.directory.version => {
                vec![Commit::Directory(directory)]
            }
            Brought::Frame(Frame::Page(mut page)) => {
                let goes_on = self.meta.cursors.get(&page.unit).is_some_and(|it| it.seq == page.from_seq);
                // Any of what waits may leave with it, and so many can be told.
                let can_be_told = self.meta.told.len() + self.outbox.waiting() <= PUSH_MAX;
                if !goes_on || page.to_seq <= page.from_seq || !can_be_told {
                    return Vec::new();
                }
                page.complete = false;
                let controls = std::mem::take(&mut page.controls);
                let first = (!controls.is_empty()).then_some(Commit::Controls(page.unit, controls));
                first.into_iter().chain([Commit::Page(page)]).map(late).collect()
            }
            Brought::Frame(Frame::End(end)) => vec![Commit::Heard(end.server_time)],
            Brought::Frame(
                Frame::Directory(_)
                | Frame::Verdicts(_)
                | Frame::Problem(_)
                | Frame::Repair(_)
                | Frame::Ticket(_)
                | Frame::Epoch(_),
            ) => Vec::new(),
        }
    }

    /// As of an answer; but no ticket came with it. A push of what leaves the outbox with it may have reached the server before, and its
    /// answer have been lost: the next push is not that one again, and must not be taken for a copy's, so it says what it was told.
    pub(super) fn plan_late(&self, commit: &Commit, segments: &Segments, now: Timestamp) -> Plan {
        // Other letters may go on from here, unlike from what a sync keeps.
        let mut plan = if let Commit::Controls(unit, controls) = commit {
            self.plan_controls(*unit, controls, segments, now)
        } else {
            self.plan_commit(commit, segments, now)
        };
        let waiting = |row: &&OutboxRow| row.state == OutState::Waiting;
        let left = plan.outbox.iter().filter_map(|(number, after)| {
            let before = self.outbox.get(*number).filter(waiting)?.hash;
            let stays = after.as_ref().filter(waiting).is_some_and(|row| row.hash == before);
            (!stays).then_some(before)
        });
        let left: Vec<ChangeHash> = left.collect();
        if !left.is_empty() {
            let mut meta = plan.meta.clone().unwrap_or_else(|| self.meta.clone());
            meta.told.extend(left);
            plan.set_meta(meta);
        }
        plan
    }

    /// The server was there when its clock said this, and not only when the letter is opened: of the offline right that is given
    /// back which was spent until then. What the two clocks say of each other stays as the last sync found it.
    pub(super) fn plan_heard(&self, server_time: Timestamp) -> Plan {
        let mut plan = Plan::of(self);
        if let Some((here, server)) = self.meta.last_answer
            && let Ok(passed) = u64::try_from(server_time.0.saturating_sub(server.0))
            && passed > 0
        {
            let here = Timestamp(here.0.saturating_add(server_time.0.saturating_sub(server.0)));
            plan.set_meta(SyncMeta {
                last_answer: Some((here, server_time)),
                spent_ms: self.meta.spent_ms.saturating_sub(passed),
                ..self.meta.clone()
            });
        }
        plan
    }
}

fn late(commit: Commit) -> Commit {
    Commit::Late(Box::new(commit))
}
