//! `/api/v1/office/…`: what a city officer or a township reads online. Numbers are masked, texts are not here.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use zoufang_core::access::may_list;
use zoufang_core::record::{Date, DocId, Kind, UnitId, UserId};

use crate::account::SignedIn;
use crate::error::{Error, ErrorBody, Result};
use crate::projection::{ContactSays, PersonSays, VisitSays, name_in, said};
use crate::state::App;
use crate::store::office::{ContactLine, Filter, UnitFigures, VisitLine};
use crate::store::{Account, level_code};
use crate::units::UnitTable;

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 200;
const TEXT_CHARS_MAX: usize = 40;

/// Figures of a unit with its name.
#[derive(Debug, Serialize, ToSchema)]
pub struct UnitOverview {
    /// The figures.
    #[serde(flatten)]
    pub figures: UnitFigures,
    /// The name as people say it.
    pub unit_name: String,
    /// Code of the level.
    pub level: String,
    /// The unit above.
    pub parent: Option<u32>,
}

/// Figures of all units the caller oversees.
#[derive(Debug, Serialize, ToSchema)]
pub struct Overview {
    /// The month, `YYYY-MM`, that `visits_month` counts.
    pub month: String,
    /// The units.
    pub units: Vec<UnitOverview>,
}

/// Which lines of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Only of this unit and those below it.
    unit: Option<u32>,
    /// First day, `YYYY-MM-DD`.
    from: Option<String>,
    /// Last day, `YYYY-MM-DD`.
    to: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// At most so many, up to 200.
    limit: Option<u32>,
}

/// A person visited.
#[derive(Debug, Serialize, ToSchema)]
pub struct Visited {
    /// The person's document.
    pub id: String,
    /// The name; empty if the file is not here.
    pub name: String,
}

/// A visit in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Visit {
    /// The document.
    pub id: String,
    /// Its unit.
    pub unit: u32,
    /// The unit's name.
    pub unit_name: String,
    /// The day, `YYYY-MM-DD`.
    pub happened_on: String,
    /// Code of the channel.
    pub channel: Option<String>,
    /// Code of the result.
    pub result: Option<String>,
    /// Codes of the reasons.
    pub reasons: Vec<String>,
    /// Codes of the needs.
    pub needs: Vec<String>,
    /// The people visited.
    pub people: Vec<Visited>,
    /// Name of the author.
    pub by: String,
    /// When it came.
    pub received_at_ms: i64,
}

/// A contact with a Party member in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Contact {
    /// The document.
    pub id: String,
    /// Its unit.
    pub unit: u32,
    /// The unit's name.
    pub unit_name: String,
    /// The day, `YYYY-MM-DD`.
    pub happened_on: String,
    /// Code of the topic.
    pub topic: Option<String>,
    /// Code of the channel.
    pub channel: Option<String>,
    /// Code of the result.
    pub result: Option<String>,
    /// The Party member.
    pub person: Option<Visited>,
    /// Name of the author.
    pub by: String,
    /// When it came.
    pub received_at_ms: i64,
}

/// A person in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Person {
    /// The document.
    pub id: String,
    /// Its unit.
    pub unit: u32,
    /// The unit's name.
    pub unit_name: String,
    /// The name.
    pub name: String,
    /// Code of the person's kind.
    pub kind: Option<String>,
    /// Year of birth.
    pub birth_year: Option<i32>,
    /// The first phone, masked.
    pub phone_masked: Option<String>,
    /// The ID number, masked.
    pub id_masked: Option<String>,
    /// Day of the last visit.
    pub last_visit_on: Option<String>,
}

/// One page of visits, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Visits {
    /// The lines.
    pub items: Vec<Visit>,
    /// For `after`, if there may be more.
    pub next: Option<String>,
}

/// One page of contacts, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Contacts {
    /// The lines.
    pub items: Vec<Contact>,
    /// For `after`, if there may be more.
    pub next: Option<String>,
}

/// One page of people.
#[derive(Debug, Serialize, ToSchema)]
pub struct People {
    /// The lines.
    pub items: Vec<Person>,
    /// For `after`, if there may be more.
    pub next: Option<String>,
}

/// Whom to look for. It is a POST so that a name is in no URL.
#[derive(Deserialize, ToSchema)]
pub struct PeopleSearch {
    /// A piece of the name, of its pinyin or initials, or the last four digits of a number; empty finds everybody.
    #[serde(default)]
    text: String,
    /// Only of this unit and those below it.
    unit: Option<u32>,
    /// `next` of the page before.
    after: Option<String>,
    /// At most so many, up to 200.
    limit: Option<u32>,
}

/// Figures of all units the caller oversees.
#[utoipa::path(get, path = "/api/v1/office/overview", tag = "office", security(("token" = [])), responses(
    (status = 200, description = "figures", body = Overview),
    (status = 401, description = "no session", body = ErrorBody),
    (status = 404, description = "not for this role", body = ErrorBody),
))]
pub async fn overview(State(app): State<App>, signed_in: SignedIn) -> Result<Json<Overview>> {
    let table = app.units().await?;
    let units = overseen(&table, &signed_in.principal.account, None)?;
    let month = Date::in_china(app.now()).to_string()[..7].to_owned();
    let figures = app.store.overview(&units, &month).await?;
    let of = |figures: UnitFigures| {
        let unit = table.units.get(&figures.unit);
        UnitOverview {
            unit_name: table.short_name(figures.unit).to_owned(),
            level: unit.map(|unit| level_code(unit.level).to_owned()).unwrap_or_default(),
            parent: unit.and_then(|unit| unit.parent).map(|parent| parent.0),
            figures,
        }
    };
    Ok(Json(Overview { month, units: figures.into_iter().map(of).collect() }))
}

/// Visits, newest first.
#[utoipa::path(get, path = "/api/v1/office/visits", tag = "office", security(("token" = [])), params(ListQuery), responses(
    (status = 200, description = "one page", body = Visits),
    (status = 400, description = "not the form that is wanted", body = ErrorBody),
    (status = 401, description = "no session", body = ErrorBody),
    (status = 404, description = "not for this role or unit", body = ErrorBody),
))]
pub async fn visits(
    State(app): State<App>,
    signed_in: SignedIn,
    query: std::result::Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Visits>> {
    let table = app.units().await?;
    let filter = filter_of(&table, &signed_in.principal.account, Kind::Visit, query)?;
    let lines = app.store.visits(&filter).await?;
    let next = next_of(
        lines.last().map(|line| (line.visit.happened_on.as_str(), line.doc)),
        lines.len(),
        filter.limit,
    );
    let names = user_names(&app).await?;
    let item = |line: VisitLine| {
        let people =
            line.visit.people.iter().zip(&line.people).map(|(person, body)| {
                Ok(Visited { id: person.to_string(), name: name_in(body.as_deref())? })
            });
        let says: VisitSays = said(&line.visit.body)?;
        Ok(Visit {
            id: line.doc.to_string(),
            unit: line.unit.0,
            unit_name: table.short_name(line.unit).to_owned(),
            people: people.collect::<Result<_>>()?,
            by: names.get(&line.visit.created_by).cloned().unwrap_or_default(),
            happened_on: line.visit.happened_on,
            channel: says.channel,
            result: says.result,
            reasons: says.reasons,
            needs: says.needs,
            received_at_ms: line.visit.received_at.0,
        })
    };
    Ok(Json(Visits { items: lines.into_iter().map(item).collect::<Result<_>>()?, next }))
}

/// Contacts with Party members, newest first.
#[utoipa::path(get, path = "/api/v1/office/contacts", tag = "office", security(("token" = [])), params(ListQuery), responses(
    (status = 200, description = "one page", body = Contacts),
    (status = 400, description = "not the form that is wanted", body = ErrorBody),
    (status = 401, description = "no session", body = ErrorBody),
    (status = 404, description = "not for this role or unit", body = ErrorBody),
))]
pub async fn contacts(
    State(app): State<App>,
    signed_in: SignedIn,
    query: std::result::Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Contacts>> {
    let table = app.units().await?;
    let filter = filter_of(&table, &signed_in.principal.account, Kind::Contact, query)?;
    let lines = app.store.contacts(&filter).await?;
    let next = next_of(
        lines.last().map(|line| (line.contact.happened_on.as_str(), line.doc)),
        lines.len(),
        filter.limit,
    );
    let names = user_names(&app).await?;
    let item = |line: ContactLine| {
        let (name, says) = (name_in(line.person.as_deref())?, said::<ContactSays>(&line.contact.body)?);
        Ok(Contact {
            id: line.doc.to_string(),
            unit: line.unit.0,
            unit_name: table.short_name(line.unit).to_owned(),
            person: line.contact.person.map(|person| Visited { id: person.to_string(), name }),
            by: names.get(&line.contact.created_by).cloned().unwrap_or_default(),
            happened_on: line.contact.happened_on,
            topic: says.topic,
            channel: says.channel,
            result: says.result,
            received_at_ms: line.contact.received_at.0,
        })
    };
    Ok(Json(Contacts { items: lines.into_iter().map(item).collect::<Result<_>>()?, next }))
}

/// People by name, pinyin, initials or the end of a number; masked.
#[utoipa::path(post, path = "/api/v1/office/people/search", tag = "office", security(("token" = [])), request_body = PeopleSearch, responses(
    (status = 200, description = "one page", body = People),
    (status = 400, description = "not the form that is wanted", body = ErrorBody),
    (status = 401, description = "no session", body = ErrorBody),
    (status = 404, description = "not for this role or unit", body = ErrorBody),
))]
pub async fn search_people(
    State(app): State<App>,
    signed_in: SignedIn,
    body: std::result::Result<Json<PeopleSearch>, JsonRejection>,
) -> Result<Json<People>> {
    let Json(search) = body.map_err(|_| Error::BadRequest("search"))?;
    let table = app.units().await?;
    let text: String = search
        .text
        .chars()
        .filter(|c| !c.is_whitespace())
        .take(TEXT_CHARS_MAX)
        .flat_map(char::to_lowercase)
        .collect();
    let account = &signed_in.principal.account;
    let units = listed(&table, account, Kind::Person, search.unit)?;
    let after = search.after.as_deref().map(parse_person_cursor).transpose()?;
    let limit = search.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX) as usize;
    let known = app.people.of(app.store.as_ref(), &units).await?;
    let all = known.iter().flat_map(|(unit, people)| people.iter().map(|(doc, says)| (*unit, *doc, says)));
    let found: Vec<(UnitId, DocId, &PersonSays)> = all
        .filter(|(unit, doc, says)| {
            after.is_none_or(|after| (*unit, *doc) > after) && says.search.contains(&text)
        })
        .take(limit)
        .collect();
    let next = found.last().filter(|_| found.len() >= limit).map(|(unit, doc, _)| format!("{unit}_{doc}"));
    let docs: Vec<DocId> = found.iter().map(|(_, doc, _)| *doc).collect();
    let mut last_visits = BTreeMap::new();
    if may_list(account.role, Kind::Visit) {
        last_visits.extend(app.store.last_visits(&docs).await?);
    }
    let item = |(unit, doc, says): (UnitId, DocId, &PersonSays)| Person {
        id: doc.to_string(),
        unit: unit.0,
        unit_name: table.short_name(unit).to_owned(),
        name: says.name.clone(),
        kind: says.kind.clone(),
        birth_year: says.birth_year,
        phone_masked: says.phone_masked.clone(),
        id_masked: says.id_masked.clone(),
        last_visit_on: last_visits.remove(&doc),
    };
    Ok(Json(People { items: found.into_iter().map(item).collect(), next }))
}

/// The units an account reads, narrowed to one and those below it. What is not for this account does not exist.
fn overseen(table: &UnitTable, account: &Account, unit: Option<u32>) -> Result<Vec<UnitId>> {
    let mut units = table.overseen(account);
    if let Some(unit) = unit {
        units.retain(|overseen| table.lineage(*overseen).contains(&UnitId(unit)));
    }
    if units.is_empty() { Err(Error::NotFound) } else { Ok(units) }
}

/// As [`overseen`], for a list of records of a kind.
fn listed(table: &UnitTable, account: &Account, kind: Kind, unit: Option<u32>) -> Result<Vec<UnitId>> {
    if may_list(account.role, kind) { overseen(table, account, unit) } else { Err(Error::NotFound) }
}

fn filter_of(
    table: &UnitTable,
    account: &Account,
    kind: Kind,
    query: std::result::Result<Query<ListQuery>, QueryRejection>,
) -> Result<Filter> {
    let Query(query) = query.map_err(|_| Error::BadRequest("query"))?;
    let day = |text: Option<String>| {
        text.map(|text| text.parse::<Date>().map(|day| day.to_string()).map_err(|_| Error::BadRequest("day")))
            .transpose()
    };
    Ok(Filter {
        units: listed(table, account, kind, query.unit)?,
        from: day(query.from)?,
        to: day(query.to)?,
        after: query.after.as_deref().map(parse_day_cursor).transpose()?,
        limit: query.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX),
    })
}

fn parse_day_cursor(text: &str) -> Result<(String, DocId)> {
    let (day, doc) = text.split_once('_').ok_or(Error::BadRequest("after"))?;
    Ok((day.to_owned(), doc.parse().map_err(|_| Error::BadRequest("after"))?))
}

fn parse_person_cursor(text: &str) -> Result<(UnitId, DocId)> {
    let (unit, doc) = text.split_once('_').ok_or(Error::BadRequest("after"))?;
    Ok((
        unit.parse().map_err(|_| Error::BadRequest("after"))?,
        doc.parse().map_err(|_| Error::BadRequest("after"))?,
    ))
}

fn next_of(last: Option<(&str, DocId)>, count: usize, limit: u32) -> Option<String> {
    last.filter(|_| count >= limit as usize).map(|(day, doc)| format!("{day}_{doc}"))
}

async fn user_names(app: &App) -> Result<BTreeMap<UserId, String>> {
    Ok(app.store.accounts().await?.into_iter().map(|account| (account.id, account.name)).collect())
}
