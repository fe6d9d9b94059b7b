//! `POST /api/v1/sync`: changes up, verdicts and logs down, in one round trip. The protocol: `server/PROTOCOL.md`.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use zoufang_core::record::{ChangeHash, UnitId};
use zoufang_core::sync::gate::BODY_BYTES_MAX;
use zoufang_core::sync::scan::scan;
use zoufang_core::sync::wire::{CONTENT_TYPE, SyncRequest, Verdict, decode_request};

use crate::account::SignedIn;
use crate::error::{Error, ErrorBody, Result};
use crate::ingest::{Authority, ingest};
use crate::state::App;
use crate::store::Tail;
use crate::sync::answer::{Answer, epoch_changed};
use crate::sync::{directory, segment};

/// Changes up, verdicts and logs down.
#[utoipa::path(post, path = "/api/v1/sync", tag = "sync", security(("token" = [])),
    request_body(content = Vec<u8>, content_type = "application/vnd.zoufang.sync"),
    responses(
        (status = 200, description = "frames", body = Vec<u8>, content_type = "application/vnd.zoufang.sync"),
        (status = 400, description = "not of the protocol", body = ErrorBody),
        (status = 401, description = "no session", body = ErrorBody),
        (status = 403, description = "the session is another device's", body = ErrorBody),
        (status = 413, description = "over 1 MiB", body = ErrorBody),
        (status = 415, description = "not the content type of the protocol", body = ErrorBody),
        (status = 503, description = "busy", body = ErrorBody),
        (status = 507, description = "the disk is full", body = ErrorBody),
    ))]
pub async fn sync(State(app): State<App>, signed_in: SignedIn, request: Request) -> Result<Response> {
    check_head(request.headers())?;
    let _permit = app.sync_permit().await?;
    let request = read(request.into_body()).await?;
    let principal = &signed_in.principal;
    if request.device != principal.device {
        return Err(Error::WrongDevice);
    }
    let epoch = app.store.epoch().await?;
    if request.epoch.0 != 0 && request.epoch != epoch {
        return Ok(respond(epoch_changed(epoch)));
    }
    let units = app.units().await?;
    let scope = units.scope(&principal.account);
    let authority = Authority::of(principal, &scope);
    let own = hashes(&request);
    let pushed_units: Vec<UnitId> = request.push.iter().map(|push| push.unit).collect();
    let verdicts = ingest(app.store.as_ref(), &authority, request.push, app.now()).await?;
    seal_after(&app, &pushed_units, &verdicts);
    let tails = app.store.tails(&scope).await?;
    let cursors: BTreeMap<UnitId, u64> = request.cursors.into_iter().collect();
    // A cursor beyond the log's end is of a log that we have lost: as after a restore, the phone begins anew.
    if tails.iter().any(|tail| cursors.get(&tail.unit).is_some_and(|cursor| *cursor > tail.last_seq)) {
        return Ok(respond(epoch_changed(epoch)));
    }
    let directory = if request.directory_version < units.version {
        Some(directory::read(app.store.as_ref(), &units, &principal.account, &scope).await?)
    } else {
        None
    };
    let answer = Answer {
        scope: differs(&cursors, &scope)
            .then(|| tails.iter().map(|tail| (tail.unit, tail.last_seq)).collect()),
        logs: behind(&tails, &cursors),
        want_bytes: request.want_bytes as usize,
        app: app.clone(),
        epoch,
        verdicts,
        directory,
        own,
    };
    Ok(respond(answer.into_body()))
}

/// What can be said before a byte of the body is read.
fn check_head(headers: &HeaderMap) -> Result<()> {
    let ours =
        headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes() == CONTENT_TYPE.as_bytes());
    if !ours {
        return Err(Error::UnsupportedMediaType);
    }
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<usize>().ok());
    if length.is_some_and(|length| length > BODY_BYTES_MAX) { Err(Error::TooLarge) } else { Ok(()) }
}

/// Reads the body, but no byte more than is allowed.
async fn read(body: Body) -> Result<SyncRequest> {
    let bytes = axum::body::to_bytes(body, BODY_BYTES_MAX).await.map_err(|error| {
        let too_large = std::error::Error::source(&error)
            .is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>);
        if too_large { Error::TooLarge } else { Error::BadRequest("body broken off") }
    })?;
    decode_request(&bytes).map_err(|_| Error::BadRequest("not of the sync protocol"))
}

/// The hashes of pushed changes, as far as they can be read.
fn hashes(request: &SyncRequest) -> BTreeSet<ChangeHash> {
    request.push.iter().filter_map(|push| scan(&push.raw).ok()).map(|scanned| scanned.hash).collect()
}

fn seal_after(app: &App, units: &[UnitId], verdicts: &[Verdict]) {
    let accepted = units.iter().zip(verdicts).filter(|(_, verdict)| matches!(verdict, Verdict::Accepted(_)));
    let units: BTreeSet<UnitId> = accepted.map(|(unit, _)| *unit).collect();
    if !units.is_empty() {
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

fn respond(body: Body) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE))], body).into_response()
}
