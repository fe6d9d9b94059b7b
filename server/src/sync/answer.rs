//! The frames of one answer in their order, each made when the last one was taken.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Bytes;
use futures_util::stream::{self, StreamExt};
use zoufang_core::record::{ChangeHash, EpochId, UnitId};
use zoufang_core::sync::wire::{Directory, End, Frame, Problem, Verdict, encode_answer_start, encode_frame};

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
    /// The logs to go on with, and from which cursor.
    pub logs: Vec<(Tail, u64)>,
    /// Changes of the request itself, which the phone has.
    pub own: BTreeSet<ChangeHash>,
    /// About how many bytes of pages to send.
    pub want_bytes: usize,
}

/// The whole answer that says that the epoch changed; a problem ends an answer.
pub(super) fn epoch_changed(epoch: EpochId) -> Bytes {
    let mut bytes = encode_answer_start();
    bytes.extend(encode_frame(&Frame::Problem(Problem::EpochChanged(epoch))));
    bytes.into()
}

enum Next {
    Start,
    Log { at: usize, cursor: u64, sent_bytes: usize },
    Done,
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
            Next::Log { at, cursor, sent_bytes } => Some(match self.page(at, cursor, sent_bytes).await {
                Ok(step) => step,
                Err(error) => {
                    tracing::error!(%error, "answer broken off");
                    (encode_frame(&Frame::Problem(Problem::Internal)).into(), Next::Done)
                }
            }),
            Next::Done => None,
        }
    }

    fn start(&self) -> (Bytes, Next) {
        let mut bytes = encode_answer_start();
        if !self.verdicts.is_empty() {
            bytes.extend(encode_frame(&Frame::Verdicts(self.verdicts.clone())));
        }
        if let Some(scope) = &self.scope {
            bytes.extend(encode_frame(&Frame::Scope(scope.clone())));
        }
        if let Some(directory) = &self.directory {
            bytes.extend(encode_frame(&Frame::Directory(directory.clone())));
        }
        let next = match self.logs.first() {
            Some((_, cursor)) => Next::Log { at: 0, cursor: *cursor, sent_bytes: 0 },
            None => {
                bytes.extend(self.end(false));
                Next::Done
            }
        };
        (bytes.into(), next)
    }

    async fn page(&self, at: usize, cursor: u64, sent_bytes: usize) -> Result<(Bytes, Next)> {
        let Some((tail, _)) = self.logs.get(at) else { return Ok((self.end(false).into(), Next::Done)) };
        let (frame, to_seq) = self.frame(tail, cursor).await?;
        let sent_bytes = sent_bytes + frame.len();
        let (at, cursor) = if to_seq < tail.last_seq {
            (at, to_seq)
        } else {
            (at + 1, self.logs.get(at + 1).map_or(0, |(_, cursor)| *cursor))
        };
        let more = at < self.logs.len();
        if more && sent_bytes < self.want_bytes.clamp(WANT_BYTES_MIN, WANT_BYTES_MAX) {
            return Ok((frame.into(), Next::Log { at, cursor, sent_bytes }));
        }
        let mut bytes = frame;
        bytes.extend(self.end(more));
        Ok((bytes.into(), Next::Done))
    }

    /// The frame that goes on from a cursor, and where it ends. A segment may hold changes of this very request only if
    /// the request is a repetition, and then they do no harm.
    async fn frame(&self, tail: &Tail, cursor: u64) -> Result<(Vec<u8>, u64)> {
        let store = self.app.store.as_ref();
        if let Some(segment) = store.segment(tail.unit, cursor).await? {
            return Ok((segment.frame, segment.to_seq));
        }
        match page::read(store, tail, cursor, &self.own).await? {
            Some(page) => {
                let to_seq = page.to_seq;
                Ok((page::encode(page).await?, to_seq))
            }
            None => Ok((Vec::new(), tail.last_seq)),
        }
    }

    fn end(&self, more: bool) -> Vec<u8> {
        encode_frame(&Frame::End(End { more, epoch: self.epoch, server_time: self.app.now() }))
    }
}
