//! The frames of one answer in their order, each made when the last one was taken.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::body::Bytes;
use futures_util::stream::{self, StreamExt};
use zoufang_core::record::{ChangeHash, EpochId, UnitId};
use zoufang_core::sync::wire::{
    Bucket, Directory, End, Frame, PACKED_SINCE, Problem, Stray, Verdict, Want, encode_answer_start,
    encode_frame,
};

use super::exchange::Chunks;
use super::{page, stray};
use crate::error::Result;
use crate::state::App;
use crate::store::Tail;

const WANT_BYTES_MIN: usize = 16 * 1024;
const WANT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// About how many hashes there are in one frame of a repair: some 700 KB, well under a frame's bound.
const HASHES_IN_FRAME: usize = 20_000;

/// What an answer is made of.
pub struct Answer {
    /// The application.
    pub app: App,
    /// The log's epoch.
    pub epoch: EpochId,
    /// One per pushed change.
    pub verdicts: Vec<Verdict>,
    /// The phone knows no epoch yet.
    pub tells_epoch: bool,
    /// Units and lengths of their logs, if the phone does not know them.
    pub scope: Option<Vec<(UnitId, u64)>>,
    /// The directory, if the phone has an older one.
    pub directory: Option<Directory>,
    /// Where what the phone holds differs from the logs.
    pub buckets: Vec<Bucket>,
    /// Documents that were pushed to another log than theirs: the phone is to move them, where it can before it has its receipts.
    pub misplaced: Vec<Stray>,
    /// Documents that the phone asked after: what became of them?
    pub strays: Vec<Stray>,
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
    Misplaced {
        at: usize,
    },
    Stray {
        at: usize,
    },
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

/// The frames that name these buckets.
fn repair(buckets: &[Bucket]) -> Vec<u8> {
    let mut hashes = 0;
    // A bucket names few hashes, so that a frame which would get too long is only a little longer.
    let frames = buckets.chunk_by(|bucket, _| {
        hashes += 1 + bucket.hashes.as_ref().map_or(0, Vec::len);
        let goes_on = hashes < HASHES_IN_FRAME;
        if !goes_on {
            hashes = 0;
        }
        goes_on
    });
    frames.flat_map(|some| encode_frame(&Frame::Repair(some.to_vec()))).collect()
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
            Next::Misplaced { at } => Some(broken_off(self.misplaced(at).await)),
            Next::Stray { at } => Some(broken_off(self.stray(at).await)),
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
        // Before the first page: cursors without an epoch would be taken for those of any log.
        if self.tells_epoch {
            bytes.extend(encode_frame(&Frame::Epoch(self.epoch)));
        }
        let next = self.after_misplaced(0, &mut bytes);
        (bytes.into(), next)
    }

    /// Before the verdicts, too: a phone that dies between the two pushes what it moved again. The other way round it would hold what
    /// has its receipt in the wrong log, and nothing would ever say so.
    fn after_misplaced(&self, at: usize, bytes: &mut Vec<u8>) -> Next {
        if at < self.misplaced.len() { Next::Misplaced { at } } else { self.after_moves(bytes) }
    }

    async fn misplaced(&self, at: usize) -> Result<(Bytes, Next)> {
        let mut bytes = Vec::new();
        if let Some(part) = self.misplaced.get(at)
            && let Some(page) = stray::moved(self.app.store.as_ref(), part).await?
        {
            bytes = page::encode(page, self.version).await?;
        }
        let next = self.after_misplaced(at + 1, &mut bytes);
        Ok((bytes.into(), next))
    }

    fn after_moves(&self, bytes: &mut Vec<u8>) -> Next {
        if !self.verdicts.is_empty() {
            bytes.extend(encode_frame(&Frame::Verdicts(self.verdicts.clone())));
        }
        if let Some(scope) = &self.scope {
            bytes.extend(encode_frame(&Frame::Scope(scope.clone())));
        }
        if let Some(directory) = &self.directory {
            bytes.extend(encode_frame(&Frame::Directory(directory.clone())));
        }
        bytes.extend(repair(&self.buckets));
        self.after_strays(0, bytes)
    }

    fn after_strays(&self, at: usize, bytes: &mut Vec<u8>) -> Next {
        if at < self.strays.len() { Next::Stray { at } } else { self.after_wants(0, bytes) }
    }

    async fn stray(&self, at: usize) -> Result<(Bytes, Next)> {
        let mut bytes = Vec::new();
        if let Some(part) = self.strays.get(at) {
            for page in stray::told(self.app.store.as_ref(), part).await? {
                bytes.extend(page::encode(page, self.version).await?);
            }
        }
        let next = self.after_strays(at + 1, &mut bytes);
        Ok((bytes.into(), next))
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
        if self.version >= PACKED_SINCE
            && self.app.segments.may_be_from(tail, cursor)
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

#[cfg(test)]
mod tests {
    use zoufang_core::sync::wire::FrameReader;

    use super::*;

    #[test]
    fn a_log_that_differs_everywhere_is_named_in_frames_that_a_phone_takes() {
        let mut number = 0_u32;
        let mut hash = || {
            number += 1;
            let mut bytes = [0; 32];
            bytes
                .chunks_mut(4)
                .for_each(|part| part.copy_from_slice(&number.wrapping_mul(0x9e37_79b1).to_le_bytes()));
            ChangeHash(bytes)
        };
        let bucket = |byte: u16| Bucket {
            unit: UnitId(5),
            prefix: byte.to_be_bytes().to_vec().into(),
            hashes: (!byte.is_multiple_of(7)).then(|| (0..128).map(|_| hash()).collect()),
        };
        let buckets: Vec<Bucket> = (0..4_096).map(bucket).collect();
        let mut bytes = encode_answer_start();
        bytes.extend(repair(&buckets));
        let frames = FrameReader::new().push(&bytes).expect("frames that are not too long");
        assert!(frames.len() > 10);
        let named = frames.into_iter().flat_map(|frame| {
            let Frame::Repair(buckets) = frame else { panic!("{frame:?}") };
            buckets
        });
        assert_eq!(named.collect::<Vec<_>>(), buckets);
        assert!(repair(&[]).is_empty());
    }
}
