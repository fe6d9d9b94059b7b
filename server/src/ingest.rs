//! Ingest: a request's changes through the whole gate and into the logs, in one transaction, a verdict per change.
//!
//! What needs no table is checked before the transaction. A refused change leaves nothing; the others of the same
//! request land. A receipt exists only after `commit` returned.

mod open;
mod ticket;

use std::collections::{BTreeMap, BTreeSet};

use zoufang_core::access::{may_write, may_write_key};
use zoufang_core::record::list::Role;
use zoufang_core::record::{ChangeHash, DeviceId, DocId, Kind, Timestamp, UnitId, UserId};
use zoufang_core::sync::gate::{Pusher, Refusal};
use zoufang_core::sync::scan::{Scanned, scan};
use zoufang_core::sync::wire::{Push, Verdict};

use crate::crash::crash_point;
use crate::error::{Error, Result};
use crate::store::{Account, Claim, Store, WriteTx};
use crate::work::off_thread;
use open::OpenDocument;
pub use ticket::Shown;

/// So often a request is done again because another was faster at the same records.
const TRIES_MAX: usize = 5;

/// In whose name changes come, and what they may touch.
#[derive(Clone, Debug)]
pub struct Authority {
    /// The author.
    pub user: UserId,
    /// The device whose actors the changes must have.
    pub device: DeviceId,
    /// The ids that the device had before: their actors are the device's, too.
    pub former: Vec<DeviceId>,
    /// The logs that may be written.
    pub scope: BTreeSet<UnitId>,
    /// The role; `None` for the program's own imports, which may write every kind.
    pub role: Option<Role>,
}

impl Authority {
    /// What a user may do with a device.
    #[must_use]
    pub fn of(account: &Account, device: DeviceId, former: &[DeviceId], scope: &[UnitId]) -> Self {
        Self {
            user: account.id,
            device,
            former: former.to_vec(),
            scope: scope.iter().copied().collect(),
            role: Some(account.role),
        }
    }

    fn may_write(&self, kind: Kind) -> bool {
        self.role.is_none_or(|role| may_write(role, kind))
    }

    fn may_write_keys(&self, kind: Kind, scanned: &Scanned) -> bool {
        self.role.is_none_or(|role| scanned.ops.iter().all(|op| may_write_key(role, kind, &op.key)))
    }

    fn pusher(&self) -> Pusher<'_> {
        Pusher { user: self.user, device: self.device, former: &self.former }
    }
}

/// A pushed change after the checks that need no table.
#[derive(Clone)]
struct Checked {
    doc: DocId,
    kind: Kind,
    unit: UnitId,
    raw: Vec<u8>,
    /// Its hash, also if it is refused, where it can be read.
    hash: Option<ChangeHash>,
    scanned: std::result::Result<Scanned, Refusal>,
}

/// What became of a request's changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// One per change, in their order.
    pub verdicts: Vec<Verdict>,
    /// What the device's next push must show; nothing if no transaction was needed.
    pub ticket: Option<u64>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its changes were taken in or refused, each by itself.
    Taken(Taken),
    /// Nothing was looked at: the device's storage is a copy of another's, or older than what it sent.
    Cloned,
}

/// Takes changes in and says of each what became of it, in their order.
///
/// # Errors
/// If the store fails; nothing was taken in then, unless the store cannot say whether it committed, and then a repetition
/// finds out. [`Error::Overtaken`] if others were faster too often.
pub async fn ingest(
    store: &dyn Store,
    authority: &Authority,
    pushes: Vec<Push>,
    shown: Shown,
    now: Timestamp,
) -> Result<Outcome> {
    if pushes.is_empty() {
        return Ok(Outcome::Taken(Taken { verdicts: Vec::new(), ticket: None }));
    }
    let checked = check_all(authority, pushes).await?;
    // Also what is refused now may have been taken before, and its ticket have been lost with the answer.
    let hashes: Vec<ChangeHash> = checked.iter().filter_map(|change| change.hash).collect();
    if let Some(verdicts) = all_refused(&checked)
        && (hashes.is_empty() || !shown.counts)
    {
        return Ok(Outcome::Taken(Taken { verdicts, ticket: None }));
    }
    for _ in 1..TRIES_MAX {
        match take_and_commit(store, authority, checked.clone(), (&shown, &hashes), now).await {
            Err(Error::Overtaken) => {}
            done => return done,
        }
    }
    take_and_commit(store, authority, checked, (&shown, &hashes), now).await
}

async fn take_and_commit(
    store: &dyn Store,
    authority: &Authority,
    checked: Vec<Checked>,
    (shown, hashes): (&Shown, &[ChangeHash]),
    now: Timestamp,
) -> Result<Outcome> {
    crash_point!("ingest.begin.before");
    let mut tx = store.begin().await?;
    crash_point!("ingest.begin.after");
    tx.claim(&claim(&checked)).await?;
    let Some(ticket) = shown.exchange(tx.as_mut(), hashes).await? else { return Ok(Outcome::Cloned) };
    let verdicts = take_all(tx.as_mut(), authority, checked, now).await?;
    crash_point!("ingest.commit.before");
    tx.commit().await?;
    crash_point!("ingest.commit.after");
    Ok(Outcome::Taken(Taken { verdicts, ticket }))
}

/// As [`ingest`], inside a transaction of the caller, who commits: for imports of many changes.
///
/// # Errors
/// If the store fails; the transaction is to be dropped then.
pub async fn ingest_within(
    tx: &mut dyn WriteTx,
    authority: &Authority,
    pushes: Vec<Push>,
    now: Timestamp,
) -> Result<Vec<Verdict>> {
    let checked = check_all(authority, pushes).await?;
    tx.claim(&claim(&checked)).await?;
    take_all(tx, authority, checked, now).await
}

async fn check_all(authority: &Authority, pushes: Vec<Push>) -> Result<Vec<Checked>> {
    let gate = authority.clone();
    off_thread(move || pushes.into_iter().map(|push| check(&gate, push)).collect::<Vec<_>>()).await
}

/// Takes in what was [claimed](claim).
async fn take_all(
    tx: &mut dyn WriteTx,
    authority: &Authority,
    checked: Vec<Checked>,
    now: Timestamp,
) -> Result<Vec<Verdict>> {
    let mut documents: BTreeMap<DocId, OpenDocument> = BTreeMap::new();
    let mut verdicts = Vec::with_capacity(checked.len());
    for change in checked {
        let document = match documents.entry(change.doc) {
            std::collections::btree_map::Entry::Occupied(open) => open.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(OpenDocument::open(tx, change.doc).await?)
            }
        };
        verdicts.push(document.take(tx, authority, change, now).await?);
    }
    for document in documents.into_values() {
        document.finish(tx).await?;
    }
    Ok(verdicts)
}

/// All that the gate will ask of the store, short of whole documents.
fn claim(checked: &[Checked]) -> Claim {
    let mut claim = Claim::default();
    for change in checked {
        // A change refused already is not worth anybody's waiting.
        let Ok(scanned) = &change.scanned else { continue };
        claim.docs.insert(change.doc);
        claim.units.insert(change.unit);
        claim.hashes.insert(scanned.hash);
        claim.hashes.extend(&scanned.deps);
        for number in scanned.seq.saturating_sub(1).max(1)..=scanned.seq {
            claim.numbers.insert((change.doc, scanned.actor.clone(), number));
        }
    }
    claim
}

fn check(authority: &Authority, push: Push) -> Checked {
    let read = scan(&push.raw).map_err(Refusal::from);
    let hash = read.as_ref().ok().map(|scanned| scanned.hash);
    let log = push.log();
    let scanned = if !authority.scope.contains(&push.unit.unit()) {
        Err(Refusal::NotInScope)
    } else if !authority.may_write(push.kind) || !authority.scope.contains(&log) {
        Err(Refusal::Role)
    } else {
        read.and_then(|scanned| {
            let may = authority.may_write_keys(push.kind, &scanned);
            if may { Ok(scanned) } else { Err(Refusal::Role) }
        })
    };
    Checked { doc: push.doc, kind: push.kind, unit: log, raw: push.raw, hash, scanned }
}

/// The verdicts, if no change got past the first checks: then the writer need not be asked for.
fn all_refused(checked: &[Checked]) -> Option<Vec<Verdict>> {
    checked
        .iter()
        .map(|change| change.scanned.as_ref().err().map(|refusal| Verdict::Refused(*refusal)))
        .collect()
}
