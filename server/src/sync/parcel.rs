//! Parcels: opened, taken in as a push is, and each told its fate. What a phone is owed besides comes with its next sync.

use zoufang_core::record::{ChangeHash, DeviceId, UnitId};
use zoufang_core::seal::SecretKey;
use zoufang_core::sync::parcel::{Fate, decode_body, open};
use zoufang_core::sync::scan::scan;
use zoufang_core::sync::wire::{Push, Verdict};

use super::exchange::seal_after;
use crate::error::{Error, Result};
use crate::ingest::{Authority, Outcome, Shown, ingest};
use crate::state::App;
use crate::store::Signer;
use crate::work::off_thread;

/// What became of a parcel.
pub(super) struct Taken {
    pub(super) fate: Fate,
    /// What is to be said of its change, if that can be read.
    pub(super) verdict: Option<(ChangeHash, Verdict)>,
}

/// Takes the parcels of a body in; one fate for each, in their order. The signature has been looked at.
///
/// # Errors
/// If the body is none, or the store fails; nothing was taken in then.
pub async fn deliver(app: &App, device: DeviceId, signer: &Signer, body: &[u8]) -> Result<Vec<Fate>> {
    let parcels = decode_body(body).map_err(|_| Error::BadRequest("not a body of parcels"))?;
    let parcels = parcels.into_iter().map(<[u8]>::to_vec).collect();
    Ok(take(app, device, signer, parcels).await?.into_iter().map(|taken| taken.fate).collect())
}

/// Takes parcels in, in their order.
///
/// # Errors
/// If the store fails; nothing was taken in then.
pub(super) async fn take(
    app: &App,
    device: DeviceId,
    signer: &Signer,
    parcels: Vec<Vec<u8>>,
) -> Result<Vec<Taken>> {
    let keys = app.sync_keys.clone();
    let opened = off_thread(move || open_all(&keys, &parcels)).await?;
    let scope = app.units().await?.logs(&signer.account);
    let authority = Authority::of(&signer.account, device, &signer.former, &scope);
    let (pushes, hashes): (Vec<Push>, Vec<Option<ChangeHash>>) = opened.iter().flatten().cloned().unzip();
    let units: Vec<UnitId> = pushes.iter().map(Push::log).collect();
    let shown = Shown::nothing(device);
    let verdicts = match ingest(app.store.as_ref(), &authority, pushes, shown, app.now()).await? {
        Outcome::Taken(taken) => taken.verdicts,
        Outcome::Cloned => return Err(Error::SignedOut),
    };
    seal_after(app, units.into_iter(), &verdicts, &[]);
    let unreadable = opened.iter().filter(|push| push.is_none()).count();
    if unreadable > 0 {
        tracing::warn!(unreadable, "parcels that no key of ours opens");
    }
    let mut said = hashes.into_iter().zip(verdicts);
    let taken = opened.into_iter().map(|push| match push.and_then(|_| said.next()) {
        Some((hash, verdict)) => Taken { fate: fate_of(verdict), verdict: hash.map(|hash| (hash, verdict)) },
        None => Taken { fate: Fate::Unreadable, verdict: None },
    });
    Ok(taken.collect())
}

fn fate_of(verdict: Verdict) -> Fate {
    match verdict {
        Verdict::Accepted(_) | Verdict::Duplicate(_) => Fate::Stored,
        Verdict::Refused(_) => Fate::Refused,
        Verdict::Pending => Fate::Pending,
    }
}

/// Each push with the hash of its change; none where a parcel cannot be opened.
fn open_all(keys: &[SecretKey], parcels: &[Vec<u8>]) -> Vec<Option<(Push, Option<ChangeHash>)>> {
    let read = |parcel: &Vec<u8>| {
        let push = open(keys, parcel).ok()?;
        let hash = scan(&push.raw).ok().map(|scanned| scanned.hash);
        Some((push, hash))
    };
    parcels.iter().map(read).collect()
}
