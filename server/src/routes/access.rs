//! `/api/v1/access` and `/api/v1/people/{id}/access`: phones tell which values were read in full, and who may read of it.
//!
//! A reading is never refused because of what changed since: it happened, so it is kept, whatever role or unit its user has now.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use zoufang_core::access::{LogReach, READINGS_MAX, Sensitive, log_reach, person_log_reach};
use zoufang_core::record::list::{AccessReason, ValueList};
use zoufang_core::record::{DeviceId, DocId, Timestamp, UnitId, UserId};

use crate::account::SignedIn;
use crate::audit::{ChainError, access_log};
use crate::crash::crash_point;
use crate::error::{Error, ErrorBody, Result};
use crate::readings::{Head, Line, Reading, Which};
use crate::state::App;
use crate::store::{Account, Principal};
use crate::units::UnitTable;

/// Bytes of a body: so many readings, each with some room.
pub const BODY_BYTES_MAX: usize = 128 * 1024;
const LINES_MAX: u32 = 100;
/// One person's lines come at once, for a print-out; who was read more often has a second page.
const PERSON_LINES_MAX: u32 = 1_000;
/// The last moment that a browser can show.
const AT_MS_MAX: i64 = 8_640_000_000_000_000;

/// A value that was read in full.
#[derive(Deserialize, ToSchema)]
pub struct ReadingBody {
    /// Drawn by the phone, 26 characters: a reading that is sent twice is kept once.
    id: String,
    /// Id of the person's record, 26 characters.
    person: String,
    /// The person's unit, as the phone knows it.
    unit: u32,
    /// Code of what was read: `id_number`, `phone`, `health` or `money`.
    what: String,
    /// Code of the reason, of the value list `access_reason`.
    why: String,
    /// The phone's clock, in milliseconds since 1970.
    #[schema(minimum = 0, maximum = 8_640_000_000_000_000_i64)]
    at_ms: i64,
}

/// What was read on a phone.
#[derive(Deserialize, ToSchema)]
pub struct ReadingsBody {
    /// At most 500, in the order in which they were made.
    #[schema(max_items = 500)]
    readings: Vec<ReadingBody>,
}

/// A line of the access log.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccessLine {
    /// Its number.
    pub seq: u64,
    /// Name of the user who read.
    pub user_name: String,
    /// Name of the unit that the person was in.
    pub unit_name: String,
    /// What the user calls the device.
    pub device_label: String,
    /// Id of the person's record.
    pub person: String,
    /// The person's name, for the head of the person's unit only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person_name: Option<String>,
    /// Code of what was read.
    pub what: String,
    /// Code of the reason.
    pub why: String,
    /// The phone's clock, in milliseconds since 1970.
    pub read_at_ms: i64,
    /// The server's clock when it came.
    pub received_at_ms: i64,
}

/// Where the access log ends. Who writes it down can see later whether lines were cut off or made anew.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccessHead {
    /// Number of the last line; 0 if there is none.
    pub seq: u64,
    /// Its hash, 64 hex digits.
    pub hash: String,
}

impl From<Head> for AccessHead {
    fn from(head: Head) -> Self {
        Self { seq: head.seq, hash: hex::encode(head.hash) }
    }
}

/// One page of the access log, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccessLines {
    /// The lines.
    pub items: Vec<AccessLine>,
    /// For `before`, if there may be more.
    pub next: Option<u64>,
    /// Where the whole log ends.
    pub head: AccessHead,
}

/// What a walk along the access log found.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccessChecked {
    /// The first line that is not what it was; none if all are.
    pub broken_at: Option<u64>,
    /// Where the log ends.
    pub head: AccessHead,
}

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AccessQuery {
    /// `next` of the page before.
    before: Option<u64>,
    /// Only of this unit and those below it.
    unit: Option<u32>,
}

/// Which lines of one person.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PersonAccessQuery {
    /// `next` of the page before.
    before: Option<u64>,
}

/// Against what the log is checked.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CheckQuery {
    /// A head that was written down: its number, a colon, and the hash.
    head: Option<String>,
}

/// Keeps what was read in full on the phone of the caller. With the answer it is durable; what is there already stays as it is.
#[utoipa::path(post, path = "/api/v1/access", tag = "access", security(("token" = [])), request_body = ReadingsBody,
    responses(
        (status = 204, description = "kept, now or before"),
        (status = 400, description = "one of them has not the form that is wanted; none is kept", body = ErrorBody),
        (status = 401, description = "no session", body = ErrorBody),
        (status = 413, description = "over 128 KiB", body = ErrorBody),
        (status = 507, description = "the disk is full", body = ErrorBody),
    ))]
pub async fn note(
    State(app): State<App>,
    signed_in: SignedIn,
    body: std::result::Result<Json<ReadingsBody>, JsonRejection>,
) -> Result<StatusCode> {
    let Json(ReadingsBody { readings }) = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Error::TooLarge,
        _ => Error::BadRequest("readings"),
    })?;
    if readings.len() > READINGS_MAX {
        return Err(Error::BadRequest("too many readings"));
    }
    let now = app.now();
    let said = readings.into_iter().map(|said| reading_of(said, &signed_in.principal, now));
    let mut readings = said.collect::<Option<Vec<_>>>().ok_or(Error::BadRequest("reading"))?;
    // Where a person is, the server knows better than a phone that was away.
    let people: Vec<DocId> = readings.iter().map(|reading| reading.person).collect();
    let units: BTreeMap<DocId, UnitId> = app.store.units_of(&people).await?.into_iter().collect();
    for reading in &mut readings {
        reading.unit = units.get(&reading.person).copied().unwrap_or(reading.unit);
    }
    crash_point!("access.before");
    app.store.append_readings(&readings).await?;
    crash_point!("access.after");
    Ok(StatusCode::NO_CONTENT)
}

/// What was said, in the name of who is signed in; nothing if it has another form.
fn reading_of(said: ReadingBody, by: &Principal, now: Timestamp) -> Option<Reading> {
    let id: DocId = said.id.parse().ok()?;
    Some(Reading {
        id: id.0,
        user: by.account.id,
        device: by.device,
        unit: UnitId(said.unit),
        person: said.person.parse().ok()?,
        what: Sensitive::of_code(&said.what)?.code().to_owned(),
        why: AccessReason::of_code(&said.why)?.code().to_owned(),
        read_at: (0..=AT_MS_MAX).contains(&said.at_ms).then_some(Timestamp(said.at_ms))?,
        received_at: now,
    })
}

/// The access log: all of it for the privacy officer, without the names of the people; that of its units for a township's head.
#[utoipa::path(get, path = "/api/v1/access", tag = "access", security(("token" = [])), params(AccessQuery),
    responses(
        (status = 200, description = "one page", body = AccessLines),
        (status = 400, description = "not the form that is wanted", body = ErrorBody),
        (status = 401, description = "no session", body = ErrorBody),
        (status = 404, description = "not for this role or unit", body = ErrorBody),
    ))]
pub async fn list(
    State(app): State<App>,
    signed_in: SignedIn,
    query: std::result::Result<Query<AccessQuery>, QueryRejection>,
) -> Result<Json<AccessLines>> {
    let caller = &signed_in.principal.account;
    let reach = log_reach(caller.role);
    if reach == LogReach::Nothing {
        return Err(Error::NotFound);
    }
    let Query(AccessQuery { before, unit }) = query.map_err(|_| Error::BadRequest("query"))?;
    let table = app.units().await?;
    let lines = app.store.readings(&which(reach, caller, unit, &table)?, before, LINES_MAX).await?;
    let mut page = page_of(&app, lines, LINES_MAX, &table).await?;
    if reach == LogReach::Units {
        let known = app.people.of(app.store.as_ref(), &table.scope(caller)).await?;
        let names: BTreeMap<String, &str> = known
            .iter()
            .flat_map(|(_, people)| people.iter())
            .map(|(doc, says)| (doc.to_string(), says.name.as_str()))
            .collect();
        for line in &mut page.items {
            line.person_name = names.get(&line.person).map(|name| (*name).to_owned());
        }
    }
    tracing::info!(user = caller.id.0, lines = page.items.len(), "access log read");
    Ok(Json(page))
}

/// What a caller reads, narrowed to a unit and those below it.
fn which(reach: LogReach, caller: &Account, unit: Option<u32>, table: &UnitTable) -> Result<Which> {
    let mut units: Vec<UnitId> = match (reach, unit) {
        (LogReach::Nothing, _) => return Err(Error::NotFound),
        (LogReach::All, None) => return Ok(Which::All),
        (LogReach::All, Some(_)) => table.units.keys().copied().collect(),
        (LogReach::Units, _) => table.scope(caller),
    };
    if let Some(unit) = unit {
        units.retain(|below| table.lineage(*below).contains(&UnitId(unit)));
    }
    if units.is_empty() { Err(Error::NotFound) } else { Ok(Which::Units(units)) }
}

/// All lines about one person, newest first, for an answer to that person.
#[utoipa::path(get, path = "/api/v1/people/{id}/access", tag = "access", security(("token" = [])),
    params(("id" = String, Path, description = "the record's id, 26 characters"), PersonAccessQuery),
    responses(
        (status = 200, description = "the lines", body = AccessLines),
        (status = 400, description = "not the form that is wanted", body = ErrorBody),
        (status = 401, description = "no session", body = ErrorBody),
        (status = 404, description = "no such person for this role", body = ErrorBody),
    ))]
pub async fn of_person(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<String>,
    query: std::result::Result<Query<PersonAccessQuery>, QueryRejection>,
) -> Result<Json<AccessLines>> {
    let (caller, person) = (&signed_in.principal.account, id.parse::<DocId>().map_err(|_| Error::NotFound)?);
    let reach = person_log_reach(caller.role);
    let table = app.units().await?;
    let home = app.store.units_of(&[person]).await?.first().map(|(_, unit)| *unit);
    let may = match reach {
        LogReach::Nothing => false,
        LogReach::Units => home.is_some_and(|home| table.scope(caller).contains(&home)),
        LogReach::All => true,
    };
    if !may {
        return Err(Error::NotFound);
    }
    let Query(PersonAccessQuery { before }) = query.map_err(|_| Error::BadRequest("query"))?;
    let lines = app.store.readings(&Which::Person(person), before, PERSON_LINES_MAX).await?;
    // Of somebody who was erased the lines stay, and the officer still answers with them.
    if home.is_none() && lines.is_empty() && before.is_none() {
        return Err(Error::NotFound);
    }
    tracing::info!(user = caller.id.0, lines = lines.len(), "access log of a person read");
    Ok(Json(page_of(&app, lines, PERSON_LINES_MAX, &table).await?))
}

/// Walks along the whole log and says whether it is one chain.
#[utoipa::path(get, path = "/api/v1/access/check", tag = "access", security(("token" = [])), params(CheckQuery),
    responses(
        (status = 200, description = "what was found", body = AccessChecked),
        (status = 400, description = "not the form that is wanted", body = ErrorBody),
        (status = 401, description = "no session", body = ErrorBody),
        (status = 404, description = "not for this role", body = ErrorBody),
    ))]
pub async fn check(
    State(app): State<App>,
    signed_in: SignedIn,
    query: std::result::Result<Query<CheckQuery>, QueryRejection>,
) -> Result<Json<AccessChecked>> {
    if log_reach(signed_in.principal.account.role) != LogReach::All {
        return Err(Error::NotFound);
    }
    let Query(CheckQuery { head }) = query.map_err(|_| Error::BadRequest("query"))?;
    let written = head.map(|head| head.parse::<Head>()).transpose().map_err(|_| Error::BadRequest("head"))?;
    let (broken_at, head) = match access_log(app.store.as_ref(), written).await {
        Ok(head) => (None, head),
        Err(ChainError::Broken(seq) | ChainError::Gone(seq)) => {
            tracing::error!(seq, "the access log is not whole");
            (Some(seq), app.store.readings_head().await?)
        }
        Err(ChainError::Store(error)) => return Err(error.into()),
    };
    Ok(Json(AccessChecked { broken_at, head: head.into() }))
}

async fn page_of(app: &App, lines: Vec<Line>, count_max: u32, table: &UnitTable) -> Result<AccessLines> {
    let users: BTreeMap<UserId, String> =
        app.store.accounts().await?.into_iter().map(|account| (account.id, account.name)).collect();
    let devices = app.store.devices().await?.into_iter().map(|line| (line.device.id, line.device.label));
    let devices: BTreeMap<DeviceId, String> = devices.collect();
    let next = lines.last().filter(|_| lines.len() >= count_max as usize).map(|line| line.seq);
    let item = |Line { seq, reading, .. }: Line| AccessLine {
        seq,
        user_name: users.get(&reading.user).cloned().unwrap_or_default(),
        unit_name: table.short_name(reading.unit).to_owned(),
        device_label: devices.get(&reading.device).cloned().unwrap_or_default(),
        person: reading.person.to_string(),
        person_name: None,
        what: reading.what,
        why: reading.why,
        read_at_ms: reading.read_at.0,
        received_at_ms: reading.received_at.0,
    };
    let items = lines.into_iter().map(item).collect();
    Ok(AccessLines { items, next, head: app.store.readings_head().await?.into() })
}
