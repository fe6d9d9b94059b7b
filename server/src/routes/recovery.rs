//! `/api/v1/recovery`: a phone whose PIN is forgotten asks to be let in, looks whether it was, and takes that back. Who lets it in does so
//! with the recovery key and `zoufang-server recover`, not here: this server cannot.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::account::SignedIn;
use crate::crash::crash_point;
use crate::error::{Error, ErrorBody, Result};
use crate::recovery::{forget_old, old, read};
use crate::state::App;
use crate::store::Recovery;

/// A request is some 150 bytes.
const REQUEST_BYTES_MAX: usize = 512;

/// What a phone asks.
#[derive(Deserialize, ToSchema)]
pub struct RecoveryAsked {
    /// The slot of the data key and the key that the answer is to be sealed to (PROTOCOL.md, 10), base64.
    pub request: String,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecoveryPhase {
    /// There is no request of this phone, or it is too old.
    None,
    /// Nobody has let it in yet.
    Waiting,
    /// Somebody has.
    Answered,
}

/// A phone's request.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecoveryState {
    /// What became of it.
    pub state: RecoveryPhase,
    /// When it was made, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_at_ms: Option<i64>,
    /// The data key, sealed to the request's key, base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// Asks for this phone, in place of what it asked before.
#[utoipa::path(put, path = "/api/v1/recovery", tag = "recovery", security(("token" = [])), request_body = RecoveryAsked,
    responses(
        (status = 204, description = "it waits, for seven days at most"),
        (status = 400, description = "not the form that is wanted, or another phone's slot", body = ErrorBody),
        (status = 401, description = "no session", body = ErrorBody),
    ))]
pub async fn ask(
    State(app): State<App>,
    signed_in: SignedIn,
    body: std::result::Result<Json<RecoveryAsked>, JsonRejection>,
) -> Result<StatusCode> {
    let Json(RecoveryAsked { request }) = body.map_err(|_| Error::BadRequest("recovery"))?;
    let request = STANDARD.decode(request).ok().filter(|request| request.len() <= REQUEST_BYTES_MAX);
    let request = request.ok_or(Error::BadRequest("recovery"))?;
    let (device, now) = (signed_in.principal.device, app.now());
    if read(&request).is_none_or(|asked| asked.slot.device() != device) {
        return Err(Error::BadRequest("recovery"));
    }
    forget_old(app.store.as_ref(), now).await?;
    crash_point!("recovery.ask.before");
    app.store.put_recovery(&Recovery { device, request, asked_at: now, answer: None }).await?;
    crash_point!("recovery.ask.after");
    tracing::info!(user = signed_in.principal.account.id.0, "a phone asks to be let in");
    Ok(StatusCode::NO_CONTENT)
}

/// What became of this phone's request.
#[utoipa::path(get, path = "/api/v1/recovery", tag = "recovery", security(("token" = [])),
    responses(
        (status = 200, description = "what became of it", body = RecoveryState),
        (status = 401, description = "no session", body = ErrorBody),
    ))]
pub async fn state(State(app): State<App>, signed_in: SignedIn) -> Result<Json<RecoveryState>> {
    let asked = app.store.recovery(signed_in.principal.device).await?;
    Ok(Json(match asked.filter(|asked| asked.asked_at > old(app.now())) {
        None => RecoveryState { state: RecoveryPhase::None, asked_at_ms: None, answer: None },
        Some(Recovery { asked_at, answer, .. }) => RecoveryState {
            state: if answer.is_some() { RecoveryPhase::Answered } else { RecoveryPhase::Waiting },
            asked_at_ms: Some(asked_at.0),
            answer: answer.map(|answer| STANDARD.encode(answer)),
        },
    }))
}

/// Takes this phone's request back, or forgets it once the phone is in.
#[utoipa::path(delete, path = "/api/v1/recovery", tag = "recovery", security(("token" = [])),
    responses(
        (status = 204, description = "there is none any more"),
        (status = 401, description = "no session", body = ErrorBody),
    ))]
pub async fn take_back(State(app): State<App>, signed_in: SignedIn) -> Result<StatusCode> {
    crash_point!("recovery.take_back.before");
    app.store.remove_recovery(signed_in.principal.device).await?;
    crash_point!("recovery.take_back.after");
    Ok(StatusCode::NO_CONTENT)
}
