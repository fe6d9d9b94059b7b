//! `/api/v1/devices` and `/api/v1/late`: which devices there are, ending one that is lost, whose records were on it, and what
//! becomes of that which it brought afterwards.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zoufang_core::access::{DeviceReach, device_reach, may_review_late};
use zoufang_core::record::{ChangeHash, DeviceId, DocId, UnitId};

use crate::account::SignedIn;
use crate::crash::crash_point;
use crate::error::{Error, ErrorBody, Result};
use crate::projection::{PersonSays, said};
use crate::state::App;
use crate::store::{Account, DeviceLine, Late};
use crate::sync::late;
use crate::units::UnitTable;

/// A township has at most some thousand.
const PEOPLE_MAX: usize = 10_000;

/// A device in the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeviceBody {
    /// Its id, 16 hex digits.
    pub id: String,
    /// What its user calls it.
    pub label: String,
    /// Name of its user.
    pub user_name: String,
    /// Name of the user's unit.
    pub unit_name: String,
    /// The user is the caller.
    pub own: bool,
    /// It is the device that asks.
    pub this: bool,
    /// Since when, in milliseconds since 1970.
    pub enrolled_at_ms: i64,
    /// When it was heard of last.
    pub seen_at_ms: Option<i64>,
    /// Until when.
    pub revoked_at_ms: Option<i64>,
    /// When it said that nothing is left on it.
    pub wiped_at_ms: Option<i64>,
    /// So many changes it brought after that wait for a person.
    pub late: u64,
}

/// Devices, those in use first, each group by when it was heard of, the longest ago first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Devices {
    /// The devices.
    pub items: Vec<DeviceBody>,
}

/// Somebody whose record was on a device.
#[derive(Debug, Serialize, ToSchema)]
pub struct OnDevice {
    /// The record's id.
    pub id: String,
    /// The name.
    pub name: String,
    /// Name of the unit.
    pub unit_name: String,
}

/// Whose records were on a device.
#[derive(Debug, Serialize, ToSchema)]
pub struct PeopleOnDevice {
    /// The people, by unit.
    pub items: Vec<OnDevice>,
}

/// What a revoked device brought of one record.
#[derive(Debug, Serialize, ToSchema)]
pub struct LateBody {
    /// The device's id.
    pub device: String,
    /// What its user calls it.
    pub device_label: String,
    /// Name of its user.
    pub user_name: String,
    /// The record's id.
    pub doc: String,
    /// Code of its kind.
    pub kind: u8,
    /// The unit's id.
    pub unit: u32,
    /// Name of the unit.
    pub unit_name: String,
    /// When it came, in milliseconds since 1970.
    pub received_at_ms: i64,
    /// The raw changes in their order, base64.
    pub changes: Vec<String>,
    /// Their hashes, 64 hex digits each: a decision names those that were read.
    pub hashes: Vec<String>,
}

/// What revoked devices brought.
#[derive(Debug, Serialize, ToSchema)]
pub struct LateList {
    /// By device and record.
    pub items: Vec<LateBody>,
}

/// What becomes of it.
#[derive(Deserialize, ToSchema)]
pub struct Decision {
    /// It is taken, as if it had come in time; else it is let go.
    pub take: bool,
    /// The changes that the decision is about.
    pub hashes: Vec<String>,
}

/// What became of it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Decided {
    /// Codes of what could not be taken; then all of it stays where it is.
    pub refused: Vec<String>,
}

/// The devices that the caller may see: their own; a township's head those of its people; the administrator all.
#[utoipa::path(get, path = "/api/v1/devices", tag = "devices", security(("token" = [])),
    responses(
        (status = 200, description = "the devices", body = Devices),
        (status = 401, description = "no session", body = ErrorBody),
    ))]
pub async fn list(State(app): State<App>, signed_in: SignedIn) -> Result<Json<Devices>> {
    app.write_heard().await?;
    let (caller, table) = (&signed_in.principal.account, app.units().await?);
    let (accounts, lines) = (app.store.accounts().await?, app.store.devices().await?);
    let mut items: Vec<DeviceBody> = lines
        .into_iter()
        .filter_map(|line| {
            let user = accounts.iter().find(|account| account.id == line.device.user)?;
            may_see(caller, user, &table).then(|| {
                let DeviceLine { device, seen_at, wiped_at, late } = line;
                DeviceBody {
                    id: device.id.to_string(),
                    label: device.label,
                    user_name: user.name.clone(),
                    unit_name: table.short_name(user.unit).to_owned(),
                    own: user.id == caller.id,
                    this: device.id == signed_in.principal.device,
                    enrolled_at_ms: device.enrolled_at.0,
                    seen_at_ms: seen_at.map(|at| at.0),
                    revoked_at_ms: device.revoked_at.map(|at| at.0),
                    wiped_at_ms: wiped_at.map(|at| at.0),
                    late,
                }
            })
        })
        .collect();
    items.sort_by_key(|device| {
        (device.revoked_at_ms.is_some(), device.seen_at_ms.unwrap_or(device.enrolled_at_ms))
    });
    Ok(Json(Devices { items }))
}

/// Ends a device that is lost or given away: its next request is refused, and it wipes itself when it is heard of next.
#[utoipa::path(post, path = "/api/v1/devices/{id}/revoke", tag = "devices", security(("token" = [])),
    params(("id" = String, Path, description = "the device, 16 hex digits")),
    responses(
        (status = 204, description = "ended, now or before"),
        (status = 400, description = "the device that asks: sign out in its place", body = ErrorBody),
        (status = 401, description = "no session", body = ErrorBody),
        (status = 404, description = "no such device for this user", body = ErrorBody),
    ))]
pub async fn revoke(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    let (device, user) = device_for(&app, &signed_in, &id).await?;
    if device == signed_in.principal.device {
        return Err(Error::BadRequest("the device that asks"));
    }
    crash_point!("revoke.before");
    app.store.revoke_device(device, app.now()).await?;
    crash_point!("revoke.after");
    tracing::info!(user = signed_in.principal.account.id.0, of = user.id.0, "device revoked");
    Ok(StatusCode::NO_CONTENT)
}

/// Whose records were on a device, for those who must be told when it is lost. Only the head of the people's units asks.
#[utoipa::path(get, path = "/api/v1/devices/{id}/people", tag = "devices", security(("token" = [])),
    params(("id" = String, Path, description = "the device, 16 hex digits")),
    responses(
        (status = 200, description = "the people", body = PeopleOnDevice),
        (status = 401, description = "no session", body = ErrorBody),
        (status = 404, description = "no such device for this user", body = ErrorBody),
    ))]
pub async fn people(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<PeopleOnDevice>> {
    let (_, user) = device_for(&app, &signed_in, &id).await?;
    let (caller, table) = (&signed_in.principal.account, app.units().await?);
    if !may_review_late(caller.role) {
        return Err(Error::NotFound);
    }
    let reach = table.scope(caller);
    let units: Vec<UnitId> = table.scope(&user).into_iter().filter(|unit| reach.contains(unit)).collect();
    let lines = app.store.people(&units).await?;
    let items = lines.into_iter().take(PEOPLE_MAX).map(|line| {
        Ok(OnDevice {
            id: line.doc.to_string(),
            name: said::<PersonSays>(&line.person.body)?.name,
            unit_name: table.short_name(line.unit).to_owned(),
        })
    });
    let items: Vec<OnDevice> = items.collect::<Result<_>>()?;
    tracing::info!(user = caller.id.0, people = items.len(), "asked whose records were on a device");
    Ok(Json(PeopleOnDevice { items }))
}

/// What revoked devices of the people of the caller's units brought.
#[utoipa::path(get, path = "/api/v1/late", tag = "devices", security(("token" = [])),
    responses(
        (status = 200, description = "what waits for the caller's word", body = LateList),
        (status = 401, description = "no session", body = ErrorBody),
        (status = 404, description = "not for this role", body = ErrorBody),
    ))]
pub async fn late(State(app): State<App>, signed_in: SignedIn) -> Result<Json<LateList>> {
    let caller = &signed_in.principal.account;
    if !may_review_late(caller.role) {
        return Err(Error::NotFound);
    }
    let table = app.units().await?;
    let (accounts, devices) = (app.store.accounts().await?, app.store.devices().await?);
    let mut items: Vec<LateBody> = Vec::new();
    for late in app.store.late().await? {
        let line = devices.iter().find(|line| line.device.id == late.device);
        let user = line.and_then(|line| accounts.iter().find(|account| account.id == line.device.user));
        // Which unit a change names is the device's word; whose device it is is ours.
        let (Some(line), Some(user)) = (line, user.filter(|user| may_see(caller, user, &table))) else {
            continue;
        };
        let (device, doc) = (late.device.to_string(), late.doc.to_string());
        let change = STANDARD.encode(&late.raw);
        if let Some(item) = items.iter_mut().find(|item| item.device == device && item.doc == doc) {
            item.changes.push(change);
            item.hashes.push(late.hash.to_string());
            continue;
        }
        items.push(LateBody {
            device,
            device_label: line.device.label.clone(),
            user_name: user.name.clone(),
            doc,
            kind: late.kind.code(),
            unit: late.unit.0,
            unit_name: table.short_name(late.unit).to_owned(),
            received_at_ms: late.received_at.0,
            changes: vec![change],
            hashes: vec![late.hash.to_string()],
        });
    }
    Ok(Json(LateList { items }))
}

/// Takes what a revoked device brought of a record, in the name of its user, or lets it go.
#[utoipa::path(post, path = "/api/v1/late/{device}/{doc}", tag = "devices", security(("token" = [])),
    params(
        ("device" = String, Path, description = "the device, 16 hex digits"),
        ("doc" = String, Path, description = "the record's id, 26 characters"),
    ),
    request_body = Decision,
    responses(
        (status = 200, description = "done, or what stood against it", body = Decided),
        (status = 400, description = "not the form that is wanted", body = ErrorBody),
        (status = 401, description = "no session", body = ErrorBody),
        (status = 404, description = "nothing there for this user", body = ErrorBody),
    ))]
pub async fn decide(
    State(app): State<App>,
    signed_in: SignedIn,
    Path((device, doc)): Path<(String, String)>,
    body: std::result::Result<Json<Decision>, JsonRejection>,
) -> Result<Json<Decided>> {
    let Json(Decision { take, hashes }) = body.map_err(|_| Error::BadRequest("decision"))?;
    let caller = &signed_in.principal.account;
    let (device, user) = device_for(&app, &signed_in, &device).await?;
    let doc: DocId = doc.parse().map_err(|_| Error::NotFound)?;
    let is_meant =
        |late: &Late| (late.device, late.doc) == (device, doc) && hashes.contains(&late.hash.to_string());
    let found: Vec<Late> = app.store.late().await?.into_iter().filter(is_meant).collect();
    if !may_review_late(caller.role) || found.is_empty() {
        return Err(Error::NotFound);
    }
    let changes = found.len();
    let refused = if take {
        let device = app.store.device(device).await?.ok_or(Error::NotFound)?;
        late::take(&app, &user, (device.id, &device.former), found).await?
    } else {
        let hashes: Vec<ChangeHash> = found.iter().map(|late| late.hash).collect();
        crash_point!("late.dismiss.before");
        app.store.remove_late(device, &hashes).await?;
        crash_point!("late.dismiss.after");
        Vec::new()
    };
    tracing::info!(user = caller.id.0, take, changes, refused = refused.len(), "late changes decided");
    Ok(Json(Decided { refused }))
}

/// The device of an id, and its user, if the caller may see it.
async fn device_for(app: &App, signed_in: &SignedIn, id: &str) -> Result<(DeviceId, Account)> {
    let id: DeviceId = id.parse().map_err(|_| Error::NotFound)?;
    let device = app.store.device(id).await?.ok_or(Error::NotFound)?;
    let accounts = app.store.accounts().await?;
    let user = accounts.into_iter().find(|account| account.id == device.user).ok_or(Error::NotFound)?;
    let table = app.units().await?;
    if may_see(&signed_in.principal.account, &user, &table) { Ok((id, user)) } else { Err(Error::NotFound) }
}

/// Whether a caller sees a user's devices: their own, or those in reach of the role.
pub(super) fn may_see(caller: &Account, user: &Account, table: &UnitTable) -> bool {
    let is_of = |unit: UnitId| table.scope(caller).contains(&unit);
    caller.id == user.id
        || match device_reach(caller.role) {
            DeviceReach::Own => false,
            DeviceReach::Units => is_of(user.unit),
            DeviceReach::All => true,
        }
}
