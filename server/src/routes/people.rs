//! What the office does to a person's file besides editing it.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zoufang_core::record::list::Role;
use zoufang_core::record::{DocId, Kind, UnitId};

use crate::account::SignedIn;
use crate::command::move_with_person;
use crate::error::{Error, ErrorBody, Result};
use crate::state::App;
use crate::store::DocumentState;

/// Where a person goes.
#[derive(Deserialize, ToSchema)]
pub struct MoveTo {
    /// The unit's id.
    pub unit: u32,
}

/// What moved.
#[derive(Serialize, Deserialize, ToSchema)]
pub struct Moved {
    /// How many records: the file, the Party membership, visits and contacts about this person only.
    pub records: usize,
}

/// Moves a person's file to another village of the township; its head decides that.
#[utoipa::path(post, path = "/api/v1/people/{id}/move", tag = "people", security(("token" = [])),
    params(("id" = String, Path, description = "the record's id, 26 characters")), request_body = MoveTo,
    responses(
        (status = 200, description = "moved", body = Moved),
        (status = 400, description = "not the form that is wanted", body = ErrorBody),
        (status = 401, description = "no session", body = ErrorBody),
        (status = 404, description = "no such person or unit for this role", body = ErrorBody),
    ))]
pub async fn move_person(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<String>,
    body: std::result::Result<Json<MoveTo>, JsonRejection>,
) -> Result<Json<Moved>> {
    let Json(MoveTo { unit }) = body.map_err(|_| Error::BadRequest("move"))?;
    let doc: DocId = id.parse().map_err(|_| Error::NotFound)?;
    let (account, to) = (&signed_in.principal.account, UnitId(unit));
    let scope = app.units().await?.scope(account);
    if account.role != Role::TownshipHead || !scope.contains(&to) {
        return Err(Error::NotFound);
    }
    let may = |state: &DocumentState| state.kind == Kind::Person && scope.contains(&state.unit);
    let records = move_with_person(app.store.as_ref(), doc, to, may, app.now()).await?;
    tracing::info!(user = account.id.0, unit = to.0, records, "person moved");
    Ok(Json(Moved { records }))
}
