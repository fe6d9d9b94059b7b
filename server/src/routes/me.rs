//! `GET /api/v1/me`: who is signed in.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::account::SignedIn;
use crate::error::{ErrorBody, Result};
use crate::state::App;
use crate::store::Account;
use crate::units::UnitTable;

/// An account, for its own user.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// Its id.
    pub id: u32,
    /// The human's name.
    pub name: String,
    /// Code of the role.
    pub role: String,
    /// Id of the unit.
    pub unit: u32,
    /// The unit's name as people say it.
    pub unit_name: String,
}

/// Who is signed in, with which device.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Me {
    /// The account.
    pub user: User,
    /// The device's id: 16 hex digits.
    pub device: String,
    /// When the session ends.
    pub expires_at_ms: i64,
    /// The log's epoch, a decimal number of 64 bits.
    pub epoch: String,
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/v1/me", tag = "account", security(("token" = [])), responses(
    (status = 200, description = "the account", body = Me),
    (status = 401, description = "no session", body = ErrorBody),
))]
pub async fn me(State(app): State<App>, signed_in: SignedIn) -> Result<Json<Me>> {
    let units = app.units().await?;
    let principal = signed_in.principal;
    Ok(Json(Me {
        user: user_of(&principal.account, &units),
        device: principal.device.to_string(),
        expires_at_ms: principal.expires_at.0,
        epoch: app.store.epoch().await?.to_string(),
    }))
}

/// An account as its own user sees it.
#[must_use]
pub fn user_of(account: &Account, units: &UnitTable) -> User {
    User {
        id: account.id.0,
        name: account.name.clone(),
        role: account.role.to_string(),
        unit: account.unit.0,
        unit_name: units.units.get(&account.unit).map(|unit| unit.short_name.clone()).unwrap_or_default(),
    }
}
