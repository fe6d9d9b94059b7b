//! One exchange: the bytes of a request in, the chunks of its answer out. Nothing here knows of HTTP, so that the same code
//! answers a socket and a simulated line.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use zoufang_core::record::{ChangeHash, Class, DocId, EpochId, UnitId};
use zoufang_core::sync::digest::Digest;
use zoufang_core::sync::gate::Refusal;
use zoufang_core::sync::scan::scan;
use zoufang_core::sync::wire::{
    Bucket, PACKED_SINCE, Probe, Stray, SyncRequest, Verdict, WELFARE_SINCE, decode_request,
};

use super::answer::{Answer, cloned, epoch_changed};
use super::{directory, segment, stray};
use crate::error::{Error, Result};
use crate::ingest::{Authority, Outcome, Shown, ingest};
use crate::state::App;
use crate::store::{Principal, Tail};

/// The bytes of an answer, each chunk made when the last one was taken.
pub type Chunks = BoxStream<'static, Bytes>;

/// What is said to a request that can be answered.
pub enum Reply {
    /// The phone's cursors are of another log; and what its next push must show, if this one was taken in.
    EpochChanged(EpochId, Option<u64>),
    /// The phone's storage is a copy of another's.
    Cloned,
    /// Verdicts and logs.
    Answer(Box<Answer>),
}

/// Changes from which on an answer is worth a compressor of its own.
const LONG_CHANGES: u64 = 200;

impl Reply {
    /// Whether the answer is long: what its pages have in common counts then.
    #[must_use]
    pub fn is_long(&self) -> bool {
        match self {
            Self::Answer(answer) => {
                let behind = answer.logs.iter().map(|(tail, cursor)| tail.last_seq.saturating_sub(*cursor));
                behind.sum::<u64>() >= LONG_CHANGES
            }
            Self::EpochChanged(..) | Self::Cloned => false,
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn into_chunks(self) -> Chunks {
        match self {
            Self::EpochChanged(epoch, ticket) => stream::iter([epoch_changed(epoch, ticket)]).boxed(),
            Self::Cloned => stream::iter([cloned()]).boxed(),
            Self::Answer(answer) => answer.into_chunks(),
        }
    }
}

/// Takes a request's changes in and says what to answer; `body` is at most as long as a request may be.
///
/// # Errors
/// If the bytes are not of the protocol, the session is another device's, or the store fails; nothing was taken in then.
pub async fn exchange(app: &App, principal: &Principal, body: &[u8]) -> Result<Reply> {
    let request = decode_request(body).map_err(|_| Error::BadRequest("not of the sync protocol"))?;
    if request.device != principal.device {
        return Err(Error::WrongDevice);
    }
    let (epoch, units) = app.epoch_and_units().await?;
    // A phone that knows no epoch has not read of any log; or it has, in an answer of a former version that was cut.
    let has_read = request.epoch.0 != 0 || request.cursors.iter().any(|(_, seq)| *seq > 0);
    if has_read && request.epoch != epoch {
        return Ok(Reply::EpochChanged(epoch, None));
    }
    let logs = units.logs(&principal.account);
    let authority = Authority::of(&principal.account, principal.device, &principal.former, &logs);
    let scope = readable(logs, request.spoken());
    let own = hashes(&request);
    let pushed: Vec<(UnitId, DocId)> = request.push.iter().map(|push| (push.log(), push.doc)).collect();
    let version = request.spoken();
    // Version 1 passes over controls.
    let misplaced = if version >= 2 { misplaced(&request) } else { Vec::new() };
    let tells_epoch = request.epoch.0 == 0 && version >= PACKED_SINCE;
    let now = app.now();
    let told = request.told.unwrap_or_default();
    let ticket = Shown { device: principal.device, ticket: request.ticket, counts: version >= 2, told };
    let taken = match ingest(app.store.as_ref(), &authority, request.push, ticket, now).await? {
        Outcome::Taken(taken) => taken,
        Outcome::Cloned => return Ok(Reply::Cloned),
    };
    let verdicts = taken.verdicts.into_iter().map(|verdict| told_in(version, verdict)).collect::<Vec<_>>();
    // What only waits or is refused leaves the log as it is; a phone that has such a change would never be compared otherwise.
    let idle =
        !verdicts.iter().any(|verdict| matches!(verdict, Verdict::Accepted(_) | Verdict::Duplicate(_)));
    let tails = app.store.tails(&scope).await?;
    seal_after(app, pushed.iter().map(|(log, _)| *log), &verdicts, &tails);
    let cursors: BTreeMap<UnitId, u64> = request.cursors.into_iter().collect();
    // A cursor beyond the log's end is of a log that we have lost: as after a restore, the phone begins anew.
    if tails.iter().any(|tail| cursors.get(&tail.unit).is_some_and(|cursor| *cursor > tail.last_seq)) {
        return Ok(Reply::EpochChanged(epoch, taken.ticket));
    }
    let behind = behind(&tails, &cursors);
    // Where pages follow they say so themselves.
    let is_read = |log: UnitId| version >= 2 && !behind.iter().any(|(tail, _)| tail.unit == log);
    let begun_anew = strays(begun_anew(&pushed, &verdicts).filter(|(log, _)| is_read(*log)));
    let logs = if idle && behind.is_empty() && request.held.is_some_and(|held| held != held_in(&tails)) {
        // Nothing is new, and yet what is held differs: the end of each log says which it is.
        tails.iter().map(|tail| (*tail, tail.last_seq)).collect()
    } else {
        behind
    };
    // A phone of version 1 passes over controls: it reads these logs, and its cursors acknowledge nothing.
    let acknowledged = |seq: u64| if version >= 2 { seq } else { 0 };
    let read = cursors.iter().map(|(unit, seq)| (*unit, acknowledged(*seq))).collect();
    app.note_cursors(principal.device, &tails, &read).await?;
    app.hear(principal.device);
    let directory = if request.directory_version < units.version {
        Some(directory::read(app.store.as_ref(), &units, &principal.account).await?)
    } else {
        None
    };
    Ok(Reply::Answer(Box::new(Answer {
        scope: differs(&cursors, &scope)
            .then(|| tails.iter().map(|tail| (tail.unit, tail.last_seq)).collect()),
        buckets: differing(app, &scope, &request.probes).await?,
        misplaced: stray::parts(misplaced.iter().cloned(), &scope),
        strays: stray::parts(misplaced.into_iter().chain(request.strays).chain(begun_anew), &scope),
        wants: request.wants.into_iter().filter(|want| scope.contains(&want.unit)).collect(),
        logs,
        want_bytes: request.want_bytes as usize,
        app: app.clone(),
        tells_epoch,
        epoch,
        verdicts,
        directory,
        own,
        ticket: taken.ticket,
        version,
    })))
}

/// What a phone of this version of the protocol is told of a verdict.
fn told_in(version: u8, verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Refused(refusal) => Verdict::Refused(refusal.told_in(version)),
        Verdict::Accepted(_) | Verdict::Duplicate(_) | Verdict::Pending => verdict,
    }
}

/// Digest and number of all changes of these logs.
fn held_in(tails: &[Tail]) -> (Digest, u64) {
    tails
        .iter()
        .fold((Digest::default(), 0), |(digest, count), tail| (digest.and(tail.digest), count + tail.count))
}

/// Where the logs differ from what a phone holds.
async fn differing(app: &App, scope: &[UnitId], probes: &[Probe]) -> Result<Vec<Bucket>> {
    let mut buckets = Vec::new();
    for probe in probes.iter().filter(|probe| scope.contains(&probe.unit)) {
        let hashes = app.store.hashes(probe.unit, &probe.prefix).await?;
        buckets.extend(probe.differing(&hashes));
    }
    Ok(buckets)
}

/// The hashes of pushed changes, as far as they can be read, by the unit in which the phone holds them.
fn hashes(request: &SyncRequest) -> BTreeMap<UnitId, BTreeSet<ChangeHash>> {
    let mut hashes: BTreeMap<UnitId, BTreeSet<ChangeHash>> = BTreeMap::new();
    for push in &request.push {
        hashes.entry(push.unit).or_default().extend(scan(&push.raw).ok().map(|scanned| scanned.hash));
    }
    hashes
}

/// Makes segments of the logs into which changes were taken, where they may be full; `tails` are as many of their ends as are known.
pub(crate) fn seal_after(
    app: &App,
    units: impl Iterator<Item = UnitId>,
    verdicts: &[Verdict],
    tails: &[Tail],
) {
    let accepted = units.zip(verdicts).filter(|(_, verdict)| matches!(verdict, Verdict::Accepted(_)));
    let units: BTreeSet<UnitId> = accepted.map(|(unit, _)| unit).collect();
    let short = tails.iter().filter(|tail| app.segments.has_none_due(tail)).map(|tail| tail.unit).collect();
    let units: Vec<UnitId> = units.difference(&short).copied().collect();
    if app.seals && !units.is_empty() {
        segment::seal_soon(app, units);
    }
}

/// Those of an account's logs that a phone gets that speaks a version of the protocol. An older one could not read a welfare file.
pub(super) fn readable(mut logs: Vec<UnitId>, version: u8) -> Vec<UnitId> {
    logs.retain(|log| version >= WELFARE_SINCE || *log != log.log(Class::Welfare));
    logs
}

/// Documents that were pushed to their unit, as phones before version 4 do, and lie in another of its logs: they are told so.
fn misplaced(request: &SyncRequest) -> Vec<Stray> {
    strays(request.push.iter().filter(|push| push.log() != push.unit).map(|push| (push.unit, push.doc)))
}

/// Documents of which the old history was pushed, or what was built on it: a phone of version 2 cannot ask what became of them, and
/// would push the same for ever.
fn begun_anew(pushed: &[(UnitId, DocId)], verdicts: &[Verdict]) -> impl Iterator<Item = (UnitId, DocId)> {
    let of_old =
        |verdict: &Verdict| matches!(verdict, Verdict::Duplicate(0) | Verdict::Refused(Refusal::ReRooted));
    pushed.iter().zip(verdicts).filter(move |(_, verdict)| of_old(verdict)).map(|(place, _)| *place)
}

/// Documents by the log in which a phone has them.
fn strays(places: impl Iterator<Item = (UnitId, DocId)>) -> Vec<Stray> {
    let mut docs: BTreeMap<UnitId, BTreeSet<DocId>> = BTreeMap::new();
    for (log, doc) in places {
        docs.entry(log).or_default().insert(doc);
    }
    docs.into_iter().map(|(unit, docs)| Stray { unit, docs: docs.into_iter().collect() }).collect()
}

pub(super) fn differs(cursors: &BTreeMap<UnitId, u64>, scope: &[UnitId]) -> bool {
    cursors.len() != scope.len() || scope.iter().any(|unit| !cursors.contains_key(unit))
}

/// The logs that have something after the phone's cursor.
pub(super) fn behind(tails: &[Tail], cursors: &BTreeMap<UnitId, u64>) -> Vec<(Tail, u64)> {
    let cursor = |tail: &Tail| cursors.get(&tail.unit).copied().unwrap_or(0);
    tails.iter().map(|tail| (*tail, cursor(tail))).filter(|(tail, cursor)| *cursor < tail.last_seq).collect()
}
