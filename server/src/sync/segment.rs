//! Segments: pages of full size, encoded once, so that a first sync costs the server a copy. They are made as the newest
//! phones read them; older ones are sent pages.

use std::collections::BTreeSet;

use zoufang_core::record::UnitId;
use zoufang_core::sync::wire::VERSION;

use super::page::{self, PAGE_BYTES_MAX};
use crate::crash::crash_point;
use crate::error::Result;
use crate::state::App;
use crate::store::{Segment, Store};

/// Makes the segments of these units that are full and not there yet, in the background.
pub fn seal_soon(app: &App, units: Vec<UnitId>) {
    let app = app.clone();
    tokio::spawn(async move {
        let _one_at_a_time = app.sealing.lock().await;
        for unit in units {
            if let Err(error) = seal(app.store.as_ref(), unit).await {
                tracing::warn!(unit = unit.0, %error, "segment could not be made");
            }
        }
    });
}

/// Makes the segments of a unit that are full and not there yet; returns how many.
///
/// # Errors
/// If the store fails.
pub async fn seal(store: &dyn Store, unit: UnitId) -> Result<usize> {
    let mut made = 0;
    loop {
        let tail = store.tails(&[unit]).await?.into_iter().next().unwrap_or_default();
        let sealed = store.sealed(unit).await?;
        if tail.size_bytes.saturating_sub(sealed.size_bytes) < PAGE_BYTES_MAX as u64 {
            return Ok(made);
        }
        let read = store.read_log(unit, sealed.to_seq, PAGE_BYTES_MAX).await?;
        let size_bytes = read.entries.iter().map(|entry| entry.raw.len() as u64).sum();
        // The last page of a log is not full: it will grow.
        if read.is_complete() {
            return Ok(made);
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
