//! `/api/v1/access` and `/api/v1/people/{id}/access`: the access log. Devices note who saw a sensitive value in full; the privacy
//! officer, heads, and the people themselves read that.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use zoufang_core::access::{READINGS_MAX, Sensitive, may_read_access_log, may_tell_readings};
use zoufang_core::query::Row;
use zoufang_core::record::list::{AccessReason, Role};
use zoufang_core::record::{DocId, Timestamp, UnitId};

use crate::account::SignedIn;
use crate::crash::crash_point;
use crate::error::{Error, ErrorBody, Result};
use crate::state::App;
use crate::store::{ReadingEntry, ReadingLine, ReadingsOf, hex};

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 200;
/// A print-out tells everything, up to this.
const OF_PERSON_MAX: u32 = 1_000;

/// That the caller saw a sensitive value in full.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ReadingBody {
    /// Drawn by the device, 26 characters: what comes twice is kept once.
    #[schema(min_length = 26, max_length = 26)]
    pub id: String,
    /// The person's id, 26 characters.
    #[schema(min_length = 26, max_length = 26)]
    pub person: String,
    /// The unit of the person's file, as the device has it.
    pub unit: u32,
    /// Code of what was seen.
    #[schema(value_type = String)]
    pub what: Sensitive,
    /// Code of the reason, of the list `access_reason`.
    #[schema(value_type = String)]
    pub why: AccessReason,
    /// When, by the clock of the device, in milliseconds since 1970.
    pub at_ms: i64,
}

/// Readings of one device.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Readings {
    /// The readings, oldest first, at most 80.
    pub readings: Vec<ReadingBody>,
}

/// A line of the log.
#[derive(Debug, Serialize, ToSchema)]
pub struct LogLine {
    /// Its number.
    pub seq: u64,
    /// Name of who saw it.
    pub user_name: String,
    /// Name of the unit in which the person's file stood.
    pub unit_name: String,
    /// What the user calls the device.
    pub device_label: String,
    /// The person's id.
    pub person: String,
    /// The person's name, for those who hold the file.
    pub person_name: Option<String>,
    /// Code of what was seen.
    #[schema(value_type = String)]
    pub what: Sensitive,
    /// Code of the reason.
    #[schema(value_type = String)]
    pub why: AccessReason,
    /// When, by the clock of the device, in milliseconds since 1970.
    pub read_at_ms: i64,
    /// When the server heard of it.
    pub received_at_ms: i64,
}

/// The end of the log: whoever writes it down finds out later whether anything before it was changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct LogHead {
    /// Number of the last line.
    pub seq: u64,
    /// Its hash, 64 hex digits.
    pub hash: String,
}

/// Lines, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct LogPart {
    /// The lines.
    pub lines: Vec<LogLine>,
    /// `before` of the next part, if there is one.
    pub next: Option<u64>,
    /// The end of the whole log, for the privacy officer.
    pub head: Option<LogHead>,
}

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    /// `next` of the part before.
    before: Option<u64>,
    /// At most so many, up to 200.
    limit: Option<u32>,
}

/// Notes that the caller saw sensitive values in full. It happened, so nothing that is well formed is refused.
#[utoipa::path(post, path = "/api/v1/access", tag = "access", security(("token" = [])), request_body = Readings,
    responses(
        (status = 204, description = "in the log, now or before"),
        (status = 400, description = "not the form that is wanted: nothing was noted", body = ErrorBody),
        (status = 401, description = "no session", body = ErrorBody),
    ))]
pub async fn note(
    State(app): State<App>,
    signed_in: SignedIn,
    body: std::result::Result<Json<Readings>, JsonRejection>,
) -> Result<StatusCode> {
    let Json(Readings { readings }) = body.map_err(|_| Error::BadRequest("readings"))?;
    if readings.len() > READINGS_MAX {
        return Err(Error::BadRequest("readings"));
    }
    let (user, device) = (signed_in.principal.account.id, signed_in.principal.device);
    let entry = |body: ReadingBody| {
        let id = |text: &str| text.parse::<DocId>().map_err(|_| Error::BadRequest("readings"));
        Ok(ReadingEntry {
            id: id(&body.id)?,
            user,
            device,
            unit: UnitId(body.unit),
            person: id(&body.person)?,
            what: body.what,
            why: body.why,
            read_at: Timestamp(body.at_ms),
            received_at: app.now(),
        })
    };
    let mut entries: Vec<ReadingEntry> = readings.into_iter().map(entry).collect::<Result<_>>()?;
    // The server's own word goes before the device's.
    let people: Vec<DocId> = entries.iter().map(|entry| entry.person).collect();
    let units = units_of(&app, &people).await?;
    for entry in &mut entries {
        entry.unit = units.get(&entry.person).copied().unwrap_or(entry.unit);
    }
    crash_point!("readings.before");
    app.store.append_readings(&entries).await?;
    crash_point!("readings.after");
    Ok(StatusCode::NO_CONTENT)
}

/// The access log: all of it, without names, for the privacy officer; that of its units for a head.
#[utoipa::path(get, path = "/api/v1/access", tag = "access", security(("token" = [])), params(LogQuery),
    responses(
        (status = 200, description = "lines, newest first", body = LogPart),
        (status = 400, description = "not a part of the log", body = ErrorBody),
        (status = 401, description = "no session", body = ErrorBody),
        (status = 404, description = "not for this role", body = ErrorBody),
    ))]
pub async fn log(
    State(app): State<App>,
    signed_in: SignedIn,
    query: std::result::Result<Query<LogQuery>, QueryRejection>,
) -> Result<Json<LogPart>> {
    let Query(LogQuery { before, limit }) = query.map_err(|_| Error::BadRequest("log"))?;
    let caller = &signed_in.principal.account;
    if !may_read_access_log(caller.role) {
        return Err(Error::NotFound);
    }
    let limit = limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let officer = caller.role == Role::PrivacyOfficer;
    // The officer's scope is empty: nobody's name is theirs to read.
    let scope = app.units().await?.scope(caller);
    let of = match officer {
        true => vec![ReadingsOf::All],
        false => scope.iter().copied().map(ReadingsOf::Unit).collect(),
    };
    let mut lines = Vec::new();
    for of in of {
        lines.extend(app.store.readings(of, before, limit).await?);
    }
    lines.sort_by_key(|line| std::cmp::Reverse(line.seq));
    lines.truncate(limit as usize);
    let full = lines.len() == limit as usize;
    let next = lines.last().map(|line| line.seq).filter(|seq| full && *seq > 1);
    let head = if officer { app.store.readings(ReadingsOf::All, None, 1).await?.pop() } else { None };
    let head = head.map(|line| LogHead { seq: line.seq, hash: hex(&line.hash) });
    Ok(Json(LogPart { lines: told(&app, lines, &scope).await?, next, head }))
}

/// Who saw what of one person, all of it, for a print-out.
#[utoipa::path(get, path = "/api/v1/people/{id}/access", tag = "access", security(("token" = [])),
    params(("id" = String, Path, description = "the person's id, 26 characters")),
    responses(
        (status = 200, description = "lines, newest first", body = LogPart),
        (status = 401, description = "no session", body = ErrorBody),
        (status = 404, description = "no such person for this role", body = ErrorBody),
    ))]
pub async fn of_person(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<LogPart>> {
    let person: DocId = id.parse().map_err(|_| Error::NotFound)?;
    let caller = &signed_in.principal.account;
    if !may_tell_readings(caller.role) {
        return Err(Error::NotFound);
    }
    // Of somebody whose file is erased the officer can still tell it.
    let officer = caller.role == Role::PrivacyOfficer;
    let unit = units_of(&app, &[person]).await?.remove(&person);
    let scope = app.units().await?.scope(caller);
    if !officer && unit.is_none_or(|unit| !scope.contains(&unit)) {
        return Err(Error::NotFound);
    }
    let lines = app.store.readings(ReadingsOf::Person(person), None, OF_PERSON_MAX).await?;
    Ok(Json(LogPart { lines: told(&app, lines, &scope).await?, next: None, head: None }))
}

/// In which units files stand now.
async fn units_of(app: &App, people: &[DocId]) -> Result<BTreeMap<DocId, UnitId>> {
    let rows = app.store.rows(people).await?;
    let unit = |(doc, row): (DocId, Vec<u8>)| Some((doc, minicbor::decode::<Row>(&row).ok()?.unit));
    Ok(rows.into_iter().filter_map(unit).collect())
}

/// Lines in words, with the names of people in these units.
async fn told(app: &App, lines: Vec<ReadingLine>, named: &[UnitId]) -> Result<Vec<LogLine>> {
    let (table, accounts) = (app.units().await?, app.store.accounts().await?);
    let devices = app.store.devices().await?;
    let known = app.people.of(app.store.as_ref(), named).await?;
    let known = known.iter().flat_map(|(_, people)| people.iter());
    let names: BTreeMap<DocId, &str> = known.map(|(doc, says)| (*doc, says.name.as_str())).collect();
    let line = |line: ReadingLine| {
        let ReadingLine { seq, entry, .. } = line;
        let user = accounts.iter().find(|account| account.id == entry.user);
        let device = devices.iter().find(|line| line.device.id == entry.device);
        LogLine {
            seq,
            user_name: user.map(|account| account.name.clone()).unwrap_or_default(),
            unit_name: table.short_name(entry.unit).to_owned(),
            device_label: device.map(|line| line.device.label.clone()).unwrap_or_default(),
            person: entry.person.to_string(),
            person_name: names.get(&entry.person).map(|name| (*name).to_owned()),
            what: entry.what,
            why: entry.why,
            read_at_ms: entry.read_at.0,
            received_at_ms: entry.received_at.0,
        }
    };
    Ok(lines.into_iter().map(line).collect())
}
