//! Parcels: opened, taken in as a push is, and each told its fate. What a phone is owed besides comes with its next sync.

use zoufang_core::record::{DeviceId, UnitId};
use zoufang_core::seal::SecretKey;
use zoufang_core::sync::parcel::{Fate, decode_body, open};
use zoufang_core::sync::wire::{Push, Verdict};

use super::exchange::seal_after;
use crate::error::{Error, Result};
use crate::ingest::{Authority, Outcome, Shown, ingest};
use crate::state::App;
use crate::store::Signer;
use crate::work::off_thread;

/// Takes the parcels of a body in; one fate for each, in their order. The signature has been looked at.
///
/// # Errors
/// If the body is none, or the store fails; nothing was taken in then.
pub async fn deliver(app: &App, device: DeviceId, signer: &Signer, body: &[u8]) -> Result<Vec<Fate>> {
    let parcels = decode_body(body).map_err(|_| Error::BadRequest("not a body of parcels"))?;
    let parcels: Vec<Vec<u8>> = parcels.into_iter().map(<[u8]>::to_vec).collect();
    let keys = app.sync_keys.clone();
    let opened = off_thread(move || open_all(&keys, &parcels)).await?;
    let scope = app.units().await?.logs(&signer.account);
    let authority = Authority::of(&signer.account, device, &signer.former, &scope);
    let pushes: Vec<Push> = opened.iter().flatten().cloned().collect();
    let units: Vec<UnitId> = pushes.iter().map(Push::log).collect();
    let shown = Shown::nothing(device);
    let verdicts = match ingest(app.store.as_ref(), &authority, pushes, shown, app.now()).await? {
        Outcome::Taken(taken) => taken.verdicts,
        Outcome::Cloned => return Err(Error::SignedOut),
    };
    seal_after(app, &units, &verdicts);
    let unreadable = opened.iter().filter(|push| push.is_none()).count();
    if unreadable > 0 {
        tracing::warn!(unreadable, "parcels that no key of ours opens");
    }
    let mut verdicts = verdicts.into_iter();
    let fates = opened.into_iter().map(|push| match push.and_then(|_| verdicts.next()) {
        Some(Verdict::Accepted(_) | Verdict::Duplicate(_)) => Fate::Stored,
        Some(Verdict::Refused(_)) => Fate::Refused,
        Some(Verdict::Pending) => Fate::Pending,
        None => Fate::Unreadable,
    });
    Ok(fates.collect())
}

fn open_all(keys: &[SecretKey], parcels: &[Vec<u8>]) -> Vec<Option<Push>> {
    parcels.iter().map(|parcel| open(keys, parcel).ok()).collect()
}
