//! `POST /api/v1/sign-in` and `/sign-out`.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::Caller;
use super::me::{User, user_of};
use crate::account::session::Presented;
use crate::account::{SignedIn, session};
use crate::error::{Error, ErrorBody, Result};
use crate::state::App;

/// What is typed to sign in.
#[derive(Deserialize, ToSchema)]
pub struct SignIn {
    /// The login.
    pub user: String,
    /// The password.
    pub password: String,
    /// What the user calls this device.
    #[serde(default)]
    pub device_label: String,
    /// The id that this device was given before: 16 hex digits.
    pub device: Option<String>,
    /// The device was told that its storage is a copy of another's: it needs an id of its own.
    #[serde(default)]
    pub is_copy: bool,
    /// A one-time code, where the server wants one for a device that is enrolled: eight digits.
    pub code: Option<String>,
    /// What the device held cannot be opened any more: where a new device needs a code, it needs one, too.
    #[serde(default)]
    pub anew: bool,
    /// The ids that this device had before that one: 16 hex digits each.
    #[serde(default)]
    pub former: Vec<String>,
}

/// A session that was opened.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SignedInBody {
    /// For `Authorization: Bearer`; it is shown once.
    pub token: String,
    /// The device's id: 16 hex digits.
    pub device: String,
    /// Who signed in.
    pub user: User,
    /// When the session ends.
    pub expires_at_ms: i64,
    /// The log's epoch, a decimal number of 64 bits.
    pub epoch: String,
}

/// Opens a session bound to a device; a device without an id is enrolled.
#[utoipa::path(post, path = "/api/v1/sign-in", tag = "account", request_body = SignIn, responses(
    (status = 200, description = "signed in", body = SignedInBody),
    (status = 400, description = "not the form that is wanted", body = ErrorBody),
    (status = 401, description = "unknown login or wrong password", body = ErrorBody),
    (status = 403, description = "the device is new, and there is no one-time code, or not the right one", body = ErrorBody),
    (status = 423, description = "too many failed tries", body = ErrorBody),
))]
pub async fn sign_in(
    State(app): State<App>,
    Caller(caller): Caller,
    body: std::result::Result<Json<SignIn>, JsonRejection>,
) -> Result<Json<SignedInBody>> {
    let Json(body) = body.map_err(|_| Error::BadRequest("sign-in"))?;
    let device =
        body.device.as_deref().map(str::parse).transpose().map_err(|_| Error::BadRequest("device"))?;
    let former = body.former.iter().map(|id| id.parse()).collect::<std::result::Result<_, _>>();
    let former = former.map_err(|_| Error::BadRequest("device"))?;
    let device = Presented { device, is_copy: body.is_copy, anew: body.anew, former };
    let said = (body.device_label.as_str(), body.code.as_deref());
    let opened = session::sign_in(&app, body.user.trim(), body.password, device, said, caller).await?;
    let units = app.units().await?;
    Ok(Json(SignedInBody {
        token: opened.token,
        device: opened.device.to_string(),
        user: user_of(&opened.account, &units),
        expires_at_ms: opened.expires_at.0,
        epoch: app.store.epoch().await?.to_string(),
    }))
}

/// Closes the session of the request.
#[utoipa::path(post, path = "/api/v1/sign-out", tag = "account", security(("token" = [])), responses(
    (status = 204, description = "signed out"),
    (status = 401, description = "no session", body = ErrorBody),
))]
pub async fn sign_out(State(app): State<App>, signed_in: SignedIn) -> Result<StatusCode> {
    app.store.close_session(signed_in.token).await?;
    Ok(StatusCode::NO_CONTENT)
}
