//! Everything in a store brought under the key in use: data that were never sealed, and data of a key that is to be put away.
//!
//! Each step can be done again from the beginning: what is sealed under the key already stays, projections and segments are made
//! anew, and that it is done is noted last. Nobody else writes meanwhile.

use std::sync::Arc;

use crate::error::Result;
use crate::rebuild::rebuild;
use crate::store::at_rest::{Ring, SealedStore, Table};
use crate::store::{Late, LogEntry, Mark, Resealed, Store, StoreError};

const BATCH_BYTES: usize = 1 << 20;
/// What every change begins with that is not sealed.
const AUTOMERGE: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];

/// Seals data that were made before there was sealing; others stay as they are. Returns whether there was anything to do.
///
/// # Errors
/// If the store fails; the next call goes on.
pub async fn seal_what_is_clear(inner: &Arc<dyn Store>, ring: &Arc<Ring>) -> Result<bool> {
    if inner.mark(Mark::SealedUnder).await?.is_some() {
        return Ok(false);
    }
    let is_empty = inner.units_with_log().await?.is_empty() && inner.late().await?.is_empty();
    if is_empty {
        inner.put_mark(Mark::SealedUnder, ring.current()).await?;
    } else {
        whole(inner, ring, true).await?;
    }
    Ok(!is_empty)
}

/// Brings everything under the key in use, after which the others can be put away; returns how many documents there are.
///
/// # Errors
/// If the store fails, or holds what none of the keys opens; the next call goes on.
pub async fn reseal(inner: &Arc<dyn Store>, ring: &Arc<Ring>) -> Result<u64> {
    whole(inner, ring, false).await
}

async fn whole(inner: &Arc<dyn Store>, ring: &Arc<Ring>, may_be_clear: bool) -> Result<u64> {
    for unit in inner.units_with_log().await? {
        let mut after = 0;
        loop {
            let page = inner.read_log(unit, after, BATCH_BYTES).await?;
            let is_last = page.is_complete();
            after = page.to_seq;
            let old = page.entries.into_iter().filter(|entry| !ring.is_current(&entry.raw));
            let anew = old.map(|entry| anew(ring, entry, may_be_clear)).collect::<Result<Vec<_>>>()?;
            if !anew.is_empty() {
                inner.reseal_changes(unit, &anew).await?;
            }
            if is_last {
                break;
            }
        }
    }
    let late = inner.late().await?.into_iter().filter(|late| !ring.is_current(&late.raw));
    let late = late.map(|late| {
        let place = Ring::late(&late);
        let raw =
            ring.seal(Table::Late, &place, &opened(ring, Table::Late, &place, &late.raw, may_be_clear)?)?;
        Ok(Late { raw, ..late })
    });
    inner.reseal_late(&late.collect::<Result<Vec<_>>>()?).await?;
    inner.forget_segments().await?;
    let sealed = SealedStore::over(Arc::clone(inner), Arc::clone(ring));
    let documents = rebuild(&sealed).await?;
    inner.forget_overwritten().await?;
    inner.put_mark(Mark::SealedUnder, ring.current()).await?;
    Ok(documents)
}

fn anew(ring: &Ring, entry: LogEntry, may_be_clear: bool) -> Result<Resealed> {
    let place = Ring::change(entry.hash);
    let clear = opened(ring, Table::Log, &place, &entry.raw, may_be_clear)?;
    let raw = ring.seal(Table::Log, &place, &clear)?;
    Ok(Resealed { hash: entry.hash, raw })
}

fn opened(ring: &Ring, table: Table, key: &str, value: &[u8], may_be_clear: bool) -> Result<Vec<u8>> {
    if ring.is_sealed(value) {
        return Ok(ring.open(table, key, value)?);
    }
    if may_be_clear && value.starts_with(&AUTOMERGE) {
        return Ok(value.to_vec());
    }
    Err(StoreError::Corrupt("value, sealed under a key that is not here,").into())
}
