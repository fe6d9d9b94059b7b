//! Segments: pages of full size, encoded once, so that a first sync costs the server a copy. They are made as the newest
//! phones read them; older ones are sent pages.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use zoufang_core::record::UnitId;
use zoufang_core::sync::wire::VERSION;

use super::page::{self, PAGE_BYTES_MAX};
use crate::crash::crash_point;
use crate::error::Result;
use crate::state::App;
use crate::store::{Sealed, Segment, Store, Tail};

/// How far the segments of a log go, as far as this process knows. Another one may have made more since, or a cut taken some away:
/// then one is made later than it could, or looked for in vain.
#[derive(Debug, Default)]
pub struct Segments {
    ends: std::sync::Mutex<BTreeMap<UnitId, End>>,
    /// One maker at a time.
    turn: tokio::sync::Mutex<()>,
}

/// Where the segments of a log end, as long as nothing is cut out of it.
#[derive(Clone, Copy, Debug)]
struct End {
    sealed: Sealed,
    cuts: u64,
}

impl Segments {
    fn end(&self, tail: &Tail) -> Option<Sealed> {
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        ends.get(&tail.unit).filter(|end| end.cuts == tail.cuts).map(|end| end.sealed)
    }

    /// Whether it is known that a log has no full page that is no segment yet.
    #[must_use]
    pub fn has_none_due(&self, tail: &Tail) -> bool {
        self.end(tail).is_some_and(|sealed| !is_due(tail, sealed))
    }

    /// Whether there may be a segment that goes on from a cursor.
    #[must_use]
    pub fn may_be_from(&self, tail: &Tail, cursor: u64) -> bool {
        self.end(tail).is_none_or(|sealed| cursor < sealed.to_seq)
    }
}

fn is_due(tail: &Tail, sealed: Sealed) -> bool {
    tail.size_bytes.saturating_sub(sealed.size_bytes) >= PAGE_BYTES_MAX as u64
}

/// Makes the segments of these units that are full and not there yet, in the background.
pub fn seal_soon(app: &App, units: Vec<UnitId>) {
    let app = app.clone();
    tokio::spawn(async move {
        let _one_at_a_time = app.segments.turn.lock().await;
        for unit in units {
            match seal_up(app.store.as_ref(), unit).await {
                Ok((_, end)) => {
                    let mut ends = app.segments.ends.lock().unwrap_or_else(PoisonError::into_inner);
                    ends.insert(unit, end);
                }
                Err(error) => tracing::warn!(unit = unit.0, %error, "segment could not be made"),
            }
        }
    });
}

/// Makes the segments of a unit that are full and not there yet; returns how many.
///
/// # Errors
/// If the store fails.
pub async fn seal(store: &dyn Store, unit: UnitId) -> Result<usize> {
    Ok(seal_up(store, unit).await?.0)
}

async fn seal_up(store: &dyn Store, unit: UnitId) -> Result<(usize, End)> {
    let mut made = 0;
    loop {
        let tail = store.tails(&[unit]).await?.into_iter().next().unwrap_or_default();
        let sealed = store.sealed(unit).await?;
        let end = End { sealed, cuts: tail.cuts };
        if !is_due(&tail, sealed) {
            return Ok((made, end));
        }
        let read = store.read_log(unit, sealed.to_seq, PAGE_BYTES_MAX).await?;
        let size_bytes = read.entries.iter().map(|entry| entry.raw.len() as u64).sum();
        // The last page of a log is not full: it will grow.
        if read.is_complete() {
            return Ok((made, end));
        }
        let cuts = read.tail.cuts;
        let page = page::of_log(store, sealed.to_seq, read, &BTreeSet::new(), VERSION).await?;
        let (from_seq, to_seq) = (page.from_seq, page.to_seq);
        let frame = page::encode(page, VERSION).await?;
        crash_point!("segment.before");
        store.put_segment(&Segment { unit, from_seq, to_seq, size_bytes, frame }, cuts).await?;
        crash_point!("segment.after");
        made += 1;
    }
}
