//! What a revoked device brings: kept beside the logs, until the head of its unit takes it or lets it go.

use std::collections::BTreeSet;

use zoufang_core::record::{ChangeHash, DeviceId};
use zoufang_core::seal::SealError;
use zoufang_core::sync::parcel::{decode_body, open};
use zoufang_core::sync::scan::scan;
use zoufang_core::sync::wire::{Push, Verdict};

use super::exchange::seal_after;
use crate::crash::crash_point;
use crate::error::{Error, Result};
use crate::ingest::{Authority, Outcome, Shown, ingest};
use crate::state::App;
use crate::store::{Account, Late};
use crate::work::off_thread;

/// More than a phone ever had waiting; of a device that goes on bringing no more is kept.
const LATE_MAX: usize = 5_000;

/// Keeps the parcels of a body; says whether all are kept of which something could come. The signature has been looked at. What is
/// damaged is nothing that anybody could take; what another key opens than those at hand may be, once that key is back.
///
/// # Errors
/// If the body is none, or the store fails; nothing was kept then.
pub async fn keep(app: &App, device: DeviceId, body: &[u8]) -> Result<bool> {
    let parcels = decode_body(body).map_err(|_| Error::BadRequest("not a body of parcels"))?;
    let parcels: Vec<Vec<u8>> = parcels.into_iter().map(<[u8]>::to_vec).collect();
    let (keys, now) = (app.sync_keys.clone(), app.now());
    let opened = move || {
        let opened: Vec<_> = parcels.iter().map(|parcel| open(&keys, parcel)).collect();
        let all =
            !opened.iter().any(|opened| matches!(opened, Err(SealError::OtherKey | SealError::UnknownSuite)));
        let late = |push: Push| {
            let hash = scan(&push.raw).ok()?.hash;
            let Push { doc, kind, unit, raw } = push;
            Some(Late { device, doc, kind, unit: unit.unit(), hash, raw, received_at: now })
        };
        (all, opened.into_iter().flatten().filter_map(late).collect::<Vec<Late>>())
    };
    let (all, mut late) = off_thread(opened).await?;
    let kept = app.store.late().await?.into_iter().filter(|late| late.device == device);
    let kept: BTreeSet<ChangeHash> = kept.map(|late| late.hash).collect();
    late.retain(|late| !kept.contains(&late.hash));
    if late.is_empty() {
        return Ok(all);
    }
    if kept.len() + late.len() > LATE_MAX {
        return Ok(false);
    }
    crash_point!("late.before");
    app.store.put_late(&late).await?;
    crash_point!("late.after");
    Ok(all)
}

/// Takes what a device brought of a document into the log, as if it had come in time; the names of refusals if something of it
/// cannot be taken. It is forgotten when all of it is in the log.
///
/// # Errors
/// If the store fails.
pub async fn take(
    app: &App,
    account: &Account,
    (device, former): (DeviceId, &[DeviceId]),
    late: Vec<Late>,
) -> Result<Vec<String>> {
    let scope = app.units().await?.logs(account);
    let authority = Authority::of(account, device, former, &scope);
    let hashes: Vec<ChangeHash> = late.iter().map(|late| late.hash).collect();
    let push = |late: Late| Push { doc: late.doc, kind: late.kind, unit: late.unit, raw: late.raw };
    let pushes: Vec<Push> = late.into_iter().map(push).collect();
    let units: Vec<_> = pushes.iter().map(Push::log).collect();
    let shown = Shown::nothing(device);
    let Outcome::Taken(taken) = ingest(app.store.as_ref(), &authority, pushes, shown, app.now()).await?
    else {
        return Err(Error::NotFound);
    };
    seal_after(app, units.into_iter(), &taken.verdicts, &[]);
    let refused: Vec<String> = taken
        .verdicts
        .iter()
        .filter_map(|verdict| match verdict {
            Verdict::Accepted(_) | Verdict::Duplicate(_) => None,
            Verdict::Refused(refusal) => Some(refusal.code()),
            Verdict::Pending => Some("pending".to_owned()),
        })
        .collect();
    if refused.is_empty() {
        app.store.remove_late(device, &hashes).await?;
    }
    Ok(refused)
}
