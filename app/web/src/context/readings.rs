//! Readings: that a sensitive value is about to be seen in full, kept on this phone before it is shown and delivered to the
//! server's access log; and what that log tells those who may read it.
use gloo::net::http::Method;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use zoufang_core::{
    access::{READINGS_MAX, Read, Reading, Sensitive, read_right},
    record::{
        DocId,
        list::{AccessReason, Role},
    },
};

use super::{hub::Hub, online::ask, problem::Problem, session::SessionCtx, use_session};
use crate::{
    platform::clock,
    store::{Store, random},
    sync::{Answer, call_json},
};

const PATH: &str = "/api/v1/access";

/// Who reads, as far as sensitive values go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reader(Option<Role>);

impl Reader {
    /// Who is signed in; tracked.
    pub(crate) fn now() -> Self {
        Self(use_session().user().with(|user| user.as_ref().map(|user| user.role)))
    }

    /// How this reader may see a value.
    pub(crate) fn right(self, what: Sensitive) -> Read {
        self.0.map_or(Read::Hidden, |role| read_right(role, what))
    }
}

/// The readings, as pages note them.
#[derive(Clone, Copy)]
pub(crate) struct Readings {
    hub: Hub,
}

#[derive(Serialize)]
struct Body<'r> {
    readings: Vec<Line<'r>>,
}

#[derive(Serialize)]
struct Line<'r> {
    id: &'r str,
    person: String,
    unit: u32,
    what: Sensitive,
    why: AccessReason,
    at_ms: i64,
}

impl<'r> Line<'r> {
    fn of(id: &'r str, reading: &Reading) -> Self {
        let Reading { user: _, person, unit, what, why, at } = *reading;
        Self { id, person: person.to_string(), unit: unit.0, what, why, at_ms: at.0 }
    }
}

impl Readings {
    /// The readings of a hub.
    pub(crate) fn new(hub: Hub) -> Self {
        Self { hub }
    }

    /// Keeps that the user is about to see a value in full. Only when this has returned may it be shown.
    pub(crate) async fn note(self, person: DocId, what: Sensitive, why: AccessReason) -> Result<(), Problem> {
        let store = self.hub.device()?.store;
        let user = store.phone().account().ok_or(Problem::SignInAgain)?.user;
        let unit = self.hub.index.with_untracked(|index| index.row(person).map(|row| row.unit));
        let unit = unit.ok_or(Problem::NotFound)?;
        let at = clock::now();
        let id = DocId::from_parts(at, random()?).to_string();
        store.put_reading(&id, &Reading { user, person, unit, what, why, at }).await?;
        leptos::task::spawn_local(async move { drop(deliver(&store).await) });
        Ok(())
    }
}

/// Gives the server the readings of this phone's user that it does not have yet; says how many are left here, whosever.
pub(crate) async fn deliver(store: &Store) -> Result<usize, Problem> {
    let mut kept = store.readings().await?;
    let account = store.phone().account().and_then(|account| Some((account.user, account.token.clone()?)));
    let Some((user, token)) = account else { return Ok(kept.len()) };
    loop {
        let of_user = kept.iter().filter(|(_, reading)| reading.user == user);
        let lines: Vec<Line<'_>> =
            of_user.take(READINGS_MAX).map(|(id, reading)| Line::of(id, reading)).collect();
        if lines.is_empty() {
            return Ok(kept.len());
        }
        let given: Vec<String> = lines.iter().map(|line| line.id.to_owned()).collect();
        let body = Body { readings: lines };
        match call_json::<()>(Method::POST, PATH, Some(&token), Some(&body)).await? {
            Answer::Ok(()) => store.drop_readings(given.iter().cloned()).await?,
            Answer::Refused(401, ..) => return Err(Problem::SignInAgain),
            Answer::Refused(..) => return Err(Problem::ServerDown),
        }
        kept.retain(|id, _| !given.contains(id));
    }
}

/// A reading in the server's log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub(crate) struct LogLine {
    /// Its number in the log.
    pub(crate) seq: u64,
    /// Who read.
    pub(crate) user_name: String,
    /// Where the person's file stood.
    pub(crate) unit_name: String,
    /// On which device.
    pub(crate) device_label: String,
    /// The person's name, for those who may know it.
    #[serde(default)]
    pub(crate) person_name: Option<String>,
    /// What was read.
    pub(crate) what: Sensitive,
    /// Why.
    pub(crate) why: AccessReason,
    /// When, by the clock of the device.
    pub(crate) read_at_ms: i64,
}

/// The last line of the log and its hash, for whoever writes it down: then nothing before it can be changed unseen.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Head {
    /// The number of the last line.
    pub(crate) seq: u64,
    /// Its hash, 64 hex digits.
    pub(crate) hash: String,
}

/// A part of the log, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct LogPart {
    /// The lines.
    pub(crate) items: Vec<LogLine>,
    /// Before which number the next part begins, if there is one.
    #[serde(default)]
    pub(crate) next: Option<u64>,
    /// The end of the whole log.
    pub(crate) head: Head,
}

/// The log of the units that the user answers for, from before a number on.
pub(crate) async fn log(session: SessionCtx, before: Option<u64>) -> Result<LogPart, Problem> {
    let path = before.map_or_else(|| PATH.to_owned(), |seq| format!("{PATH}?before={seq}"));
    ask(session, Method::GET, &path, None::<&()>).await
}

/// Who read what of one person.
pub(crate) async fn of_person(session: SessionCtx, person: DocId) -> Result<LogPart, Problem> {
    ask(session, Method::GET, &format!("/api/v1/people/{person}/access"), None::<&()>).await
}

/// The readings of this app.
pub(crate) fn use_readings() -> Readings {
    expect_context()
}
