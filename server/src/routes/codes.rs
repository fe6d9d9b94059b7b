//! `POST /api/v1/enrol-codes`: a supervisor makes a one-time code with which a user enrols a phone.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::devices::may_see;
use crate::account::{SignedIn, code};
use crate::error::{Error, ErrorBody, Result};
use crate::state::App;

/// For whom.
#[derive(Deserialize, ToSchema)]
pub struct CodeFor {
    /// The login of the user.
    pub user: String,
}

/// A code. It is shown once.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeCode {
    /// Eight digits.
    pub code: String,
    /// The user's name.
    pub user_name: String,
    /// Until when it is good, in milliseconds since 1970.
    pub expires_at_ms: i64,
    /// Whether this server asks for codes at all.
    pub wanted: bool,
}

/// Makes a code for a user whose devices the caller may end, and not for themselves; one that was made before is good no more.
#[utoipa::path(post, path = "/api/v1/enrol-codes", tag = "devices", security(("token" = [])), request_body = CodeFor,
    responses(
        (status = 200, description = "the code", body = MadeCode),
        (status = 400, description = "not the form that is wanted", body = ErrorBody),
        (status = 401, description = "no session", body = ErrorBody),
        (status = 404, description = "no such user for this role", body = ErrorBody),
    ))]
pub async fn make(
    State(app): State<App>,
    signed_in: SignedIn,
    body: std::result::Result<Json<CodeFor>, JsonRejection>,
) -> Result<Json<MadeCode>> {
    let Json(CodeFor { user }) = body.map_err(|_| Error::BadRequest("code"))?;
    let caller = &signed_in.principal.account;
    let user =
        app.store.account_by_login(user.trim()).await?.filter(|user| !user.disabled && user.id != caller.id);
    let user = user.ok_or(Error::NotFound)?;
    if !may_see(caller, &user, &*app.units().await?) {
        return Err(Error::NotFound);
    }
    let (code, expires_at) = code::make(app.store.as_ref(), &app.code_key, user.id, app.now()).await?;
    tracing::info!(user = caller.id.0, of = user.id.0, "one-time code made");
    Ok(Json(MadeCode { code, user_name: user.name, expires_at_ms: expires_at.0, wanted: app.enrol_by_code }))
}
