//! The frames of one answer in their order, each made when the last one was taken.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::body::Bytes;
use futures_util::stream::{self, StreamExt};
use zoufang_core::record::{ChangeHash, EpochId, UnitId};
use zoufang_core::sync::wire::{
    Bucket, Directory, End, Frame, Page, Problem, VERSION, Verdict, Want, encode_answer_start, encode_frame,
    encode_page,
};

use super::exchange::Chunks;
use super::page;
use crate::error::Result;
use crate::state::App;
use crate::store::Tail;

const WANT_BYTES_MIN: usize = 16 * 1024;
const WANT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// What an answer is made of.
pub struct Answer {
    /// The application.
    pub app: App,
    /// The log's epoch.
    pub epoch: EpochId,
    /// One per pushed change.
    pub verdicts: Vec<Verdict>,
    /// Units and lengths of their logs, if the phone does not know them.
    pub scope: Option<Vec<(UnitId, u64)>>,
    /// The directory, if the phone has an older one.
    pub directory: Option<Directory>,
    /// Where what the phone holds differs from the logs.
    pub buckets: Vec<Bucket>,
    /// What became of documents that the phone asked after.
    pub strayed: Vec<Page>,
    /// Changes to send once more.
    pub wants: Vec<Want>,
    /// The logs to go on with, and from which cursor.
    pub logs: Vec<(Tail, u64)>,
    /// Changes of the request itself, which the phone has, by the unit that it holds them in.
    pub own: BTreeMap<UnitId, BTreeSet<ChangeHash>>,
    /// About how many bytes of pages to send.
    pub want_bytes: usize,
    /// What the next push must show.
    pub ticket: Option<u64>,
    /// The version of the protocol that the phone speaks.
    pub version: u8,
}

/// The whole answer that says that the epoch changed; a problem ends an answer.
pub(super) fn epoch_changed(epoch: EpochId, ticket: Option<u64>) -> Bytes {
    let mut bytes = encode_answer_start();
    if let Some(ticket) = ticket {
        bytes.extend(encode_frame(&Frame::Ticket(ticket)));
    }
    bytes.extend(encode_frame(&Frame::Problem(Problem::EpochChanged(epoch))));
    bytes.into()
}

/// The whole answer that says that the phone's storage is a copy.
pub(super) fn cloned() -> Bytes {
    let mut bytes = encode_answer_start();
    bytes.extend(encode_frame(&Frame::Problem(Problem::Cloned)));
    bytes.into()
}

enum Next {
    Start,
    Want {
        at: usize,
    },
    /// `plain` if no control was in what was sent of this log.
    Log {
        at: usize,
        cursor: u64,
        sent_bytes: usize,
        plain: bool,
    },
    Done,
}

/// A step, or the frame that says that there is none.
fn broken_off(step: Result<(Bytes, Next)>) -> (Bytes, Next) {
    step.unwrap_or_else(|error| {
        tracing::error!(%error, "answer broken off");
        (encode_frame(&Frame::Problem(Problem::Internal)).into(), Next::Done)
    })
}

impl Answer {
    /// Its bytes.
    pub(super) fn into_chunks(self) -> Chunks {
        let state = (Arc::new(self), Next::Start);
        stream::unfold(state, |(answer, next)| async move {
            let (chunk, next) = answer.step(next).await?;
            Some((chunk, (answer, next)))
        })
        .boxed()
    }

    async fn step(&self, next: Next) -> Option<(Bytes, Next)> {
        match next {
            Next::Start => Some(self.start()),
            Next::Want { at } => Some(broken_off(self.want(at).await)),
            Next::Log { at, cursor, sent_bytes, plain } => {
                Some(broken_off(self.page(at, (cursor, plain), sent_bytes).await))
            }
            Next::Done => None,
        }
    }

    fn start(&self) -> (Bytes, Next) {
        let mut bytes = encode_answer_start();
        // Before the verdicts: a phone that dies between the two shows the new ticket with the old changes, which is no copy.
        // The other way round it would show the old ticket with new changes.
        if let Some(ticket) = self.ticket {
            bytes.extend(encode_frame(&Frame::Ticket(ticket)));
        }
        if !self.verdicts.is_empty() {
            bytes.extend(encode_frame(&Frame::Verdicts(self.verdicts.clone())));
        }
        if let Some(scope) = &self.scope {
            bytes.extend(encode_frame(&Frame::Scope(scope.clone())));
        }
        if let Some(directory) = &self.directory {
            bytes.extend(encode_frame(&Frame::Directory(directory.clone())));
        }
        if !self.buckets.is_empty() {
            bytes.extend(encode_frame(&Frame::Repair(self.buckets.clone())));
        }
        for page in &self.strayed {
            bytes.extend(encode_page(page.clone(), self.version));
        }
        let next = self.after_wants(0, &mut bytes);
        (bytes.into(), next)
    }

    fn after_wants(&self, at: usize, bytes: &mut Vec<u8>) -> Next {
        if at < self.wants.len() {
            return Next::Want { at };
        }
        match self.logs.first() {
            Some((_, cursor)) => Next::Log { at: 0, cursor: *cursor, sent_bytes: 0, plain: true },
            None => {
                bytes.extend(self.end(false));
                Next::Done
            }
        }
    }

    async fn want(&self, at: usize) -> Result<(Bytes, Next)> {
        let mut bytes = Vec::new();
        if let Some(want) = self.wants.get(at) {
            bytes = page::encode(page::of_want(self.app.store.as_ref(), want).await?, self.version).await?;
        }
        let next = self.after_wants(at + 1, &mut bytes);
        Ok((bytes.into(), next))
    }

    async fn page(
        &self,
        at: usize,
        (cursor, plain): (u64, bool),
        sent_bytes: usize,
    ) -> Result<(Bytes, Next)> {
        let Some((tail, _)) = self.logs.get(at) else { return Ok((self.end(false).into(), Next::Done)) };
        let (frame, to_seq, plain) = self.frame(tail, cursor, plain).await?;
        let sent_bytes = sent_bytes + frame.len();
        let (at, cursor, plain) = if to_seq < tail.last_seq {
            (at, to_seq, plain)
        } else {
            (at + 1, self.logs.get(at + 1).map_or(0, |(_, cursor)| *cursor), true)
        };
        let more = at < self.logs.len();
        if more && sent_bytes < self.want_bytes.clamp(WANT_BYTES_MIN, WANT_BYTES_MAX) {
            return Ok((frame.into(), Next::Log { at, cursor, sent_bytes, plain }));
        }
        let mut bytes = frame;
        bytes.extend(self.end(more));
        Ok((bytes.into(), Next::Done))
    }

    /// The frame that goes on from a cursor, where it ends, and whether the log was without controls up to there. After one
    /// nothing is left out any more: the phone may have dropped what it had of a document that goes on here. A segment may
    /// hold changes of this very request only if the request is a repetition, and then they do no harm.
    async fn frame(&self, tail: &Tail, cursor: u64, plain: bool) -> Result<(Vec<u8>, u64, bool)> {
        let store = self.app.store.as_ref();
        if self.version >= VERSION
            && let Some(segment) = store.segment(tail.unit, cursor).await?
        {
            return Ok((segment.frame, segment.to_seq, false));
        }
        let none = BTreeSet::new();
        let own = if plain { self.own.get(&tail.unit).unwrap_or(&none) } else { &none };
        let page = page::read(store, tail.unit, cursor, own, self.version).await?;
        let (to_seq, plain) = (page.to_seq, plain && page.controls.is_empty());
        Ok((page::encode(page, self.version).await?, to_seq, plain))
    }

    fn end(&self, more: bool) -> Vec<u8> {
        let (epoch, server_time) = (self.epoch, self.app.now());
        encode_frame(&Frame::End(End { more, epoch, server_time }))
    }
}
