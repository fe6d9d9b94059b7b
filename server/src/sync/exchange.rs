//! One exchange: the bytes of a request in, the chunks of its answer out. Nothing here knows of HTTP, so that the same code
//! answers a socket and a simulated line.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use zoufang_core::query::Row;
use zoufang_core::record::{ChangeHash, DocId, EpochId, UnitId};
use zoufang_core::sync::digest::Digest;
use zoufang_core::sync::scan::scan;
use zoufang_core::sync::wire::{Bucket, Control, Page, Probe, Stray, SyncRequest, Verdict, decode_request};

use super::answer::{Answer, cloned, epoch_changed};
use super::{directory, page, segment};
use crate::error::{Error, Result};
use crate::ingest::{Authority, Outcome, Shown, ingest};
use crate::state::App;
use crate::store::{LogEntry, Principal, Tail};

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

/// About how many bytes of changes are sent of documents that a phone asked after; of the others nothing is said this time.
const STRAYED_BYTES_MAX: usize = 2 * 1024 * 1024;
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
    let epoch = app.store.epoch().await?;
    if request.epoch.0 != 0 && request.epoch != epoch {
        return Ok(Reply::EpochChanged(epoch, None));
    }
    let units = app.units().await?;
    let scope = units.scope(&principal.account);
    let authority = Authority::of(principal, &scope);
    let own = hashes(&request);
    let pushed_units: Vec<UnitId> = request.push.iter().map(|push| push.unit).collect();
    let (version, idle) = (request.spoken(), request.push.is_empty());
    let now = app.now();
    let ticket = Shown { device: principal.device, ticket: request.ticket, counts: version >= 2 };
    let taken = match ingest(app.store.as_ref(), &authority, request.push, ticket, now).await? {
        Outcome::Taken(taken) => taken,
        Outcome::Cloned => return Ok(Reply::Cloned),
    };
    let verdicts = taken.verdicts.into_iter().map(|verdict| told_in(version, verdict)).collect::<Vec<_>>();
    seal_after(app, &pushed_units, &verdicts);
    let tails = app.store.tails(&scope).await?;
    let cursors: BTreeMap<UnitId, u64> = request.cursors.into_iter().collect();
    // A cursor beyond the log's end is of a log that we have lost: as after a restore, the phone begins anew.
    if tails.iter().any(|tail| cursors.get(&tail.unit).is_some_and(|cursor| *cursor > tail.last_seq)) {
        return Ok(Reply::EpochChanged(epoch, taken.ticket));
    }
    let behind = behind(&tails, &cursors);
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
    let directory = if request.directory_version < units.version {
        Some(directory::read(app.store.as_ref(), &units, &principal.account, &scope).await?)
    } else {
        None
    };
    Ok(Reply::Answer(Box::new(Answer {
        scope: differs(&cursors, &scope)
            .then(|| tails.iter().map(|tail| (tail.unit, tail.last_seq)).collect()),
        buckets: differing(app, &scope, &request.probes).await?,
        strayed: strayed(app, &scope, request.strays).await?,
        wants: request.wants.into_iter().filter(|want| scope.contains(&want.unit)).collect(),
        logs,
        want_bytes: request.want_bytes as usize,
        app: app.clone(),
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

/// What became of documents of which a phone holds more than a log has: those that lie in another unit went there, and those
/// that began anew are sent whole.
async fn strayed(app: &App, scope: &[UnitId], strays: Vec<Stray>) -> Result<Vec<Page>> {
    let (mut pages, mut left) = (Vec::new(), STRAYED_BYTES_MAX);
    for stray in strays.into_iter().filter(|stray| scope.contains(&stray.unit)) {
        let rows = page::rows(app.store.as_ref(), &stray.docs).await?;
        let (here, elsewhere): (Vec<Row>, Vec<Row>) =
            rows.into_iter().partition(|row| row.unit == stray.unit);
        let controls: Vec<Control> =
            elsewhere.iter().map(|row| Control::MovedOut { doc: row.doc, to: row.unit }).collect();
        if !controls.is_empty() {
            pages.push(Page { controls, ..page::apart(stray.unit) });
        }
        for (doc, changes) in anew(app, &here, &mut left).await? {
            let (items, rows) = page::contents(app.store.as_ref(), changes).await?;
            pages.push(Page {
                controls: vec![Control::ReRooted { doc }],
                items,
                rows,
                ..page::apart(stray.unit)
            });
        }
    }
    Ok(pages)
}

/// Those of these documents that ever began anew, with all their changes, as far as the bytes reach.
async fn anew(app: &App, rows: &[Row], left: &mut usize) -> Result<Vec<(DocId, Vec<LogEntry>)>> {
    let mut anew = Vec::new();
    if rows.is_empty() {
        return Ok(anew);
    }
    let mut tx = app.store.begin().await?;
    for row in rows {
        if *left > 0 && tx.document(row.doc).await?.is_some_and(|state| state.re_rooted) {
            let changes = tx.changes_of(row.doc).await?;
            *left = left.saturating_sub(changes.iter().map(|change| change.raw.len()).sum());
            anew.push((row.doc, changes));
        }
    }
    Ok(anew)
}

/// The hashes of pushed changes, as far as they can be read, by the unit in which the phone holds them.
fn hashes(request: &SyncRequest) -> BTreeMap<UnitId, BTreeSet<ChangeHash>> {
    let mut hashes: BTreeMap<UnitId, BTreeSet<ChangeHash>> = BTreeMap::new();
    for push in &request.push {
        hashes.entry(push.unit).or_default().extend(scan(&push.raw).ok().map(|scanned| scanned.hash));
    }
    hashes
}

fn seal_after(app: &App, units: &[UnitId], verdicts: &[Verdict]) {
    let accepted = units.iter().zip(verdicts).filter(|(_, verdict)| matches!(verdict, Verdict::Accepted(_)));
    let units: BTreeSet<UnitId> = accepted.map(|(unit, _)| *unit).collect();
    if app.seals && !units.is_empty() {
        segment::seal_soon(app, units.into_iter().collect());
    }
}

fn differs(cursors: &BTreeMap<UnitId, u64>, scope: &[UnitId]) -> bool {
    cursors.len() != scope.len() || scope.iter().any(|unit| !cursors.contains_key(unit))
}

/// The logs that have something after the phone's cursor.
fn behind(tails: &[Tail], cursors: &BTreeMap<UnitId, u64>) -> Vec<(Tail, u64)> {
    let cursor = |tail: &Tail| cursors.get(&tail.unit).copied().unwrap_or(0);
    tails.iter().map(|tail| (*tail, cursor(tail))).filter(|(tail, cursor)| *cursor < tail.last_seq).collect()
}
