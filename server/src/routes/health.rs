//! `/healthz`: the process lives. `/readyz`: the store can be read and written.

use axum::extract::State;
use axum::http::StatusCode;

use super::caller::Caller;
use crate::error::{ErrorBody, Result};
use crate::state::App;

/// The process lives.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, description = "alive", body = String)))]
pub async fn healthz() -> &'static str {
    "ok"
}

/// The store can be read and written.
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = 200, description = "ready", body = String),
    (status = 429, description = "asked too often from one address", body = ErrorBody),
    (status = 500, description = "the store fails", body = ErrorBody),
    (status = 503, description = "the store is busy, or its disk fails", body = ErrorBody),
))]
pub async fn readyz(State(app): State<App>, Caller(caller): Caller) -> Result<(StatusCode, &'static str)> {
    app.monitors.check(caller, app.now())?;
    app.monitors.count(caller, app.now());
    app.store.ready().await?;
    Ok((StatusCode::OK, "ready"))
}
