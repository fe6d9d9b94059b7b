//! What the office pages read from the server's JSON API. Nothing of it is kept on this device.
use gloo::net::http::Method;
use serde::{Deserialize, de::DeserializeOwned};

use super::{online::ask, problem::Problem, session::SessionCtx};

/// Figures of one unit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct UnitFigures {
    /// The unit.
    pub(crate) unit: u32,
    /// Its name.
    pub(crate) unit_name: String,
    /// The unit above it.
    pub(crate) parent: Option<u32>,
    /// People on file.
    pub(crate) people: u64,
    /// Visits in this month.
    pub(crate) visits_month: u64,
    /// Visits in all.
    pub(crate) visits: u64,
    /// Contacts in all.
    pub(crate) contacts: u64,
    /// When the last change came.
    pub(crate) last_received_ms: Option<i64>,
}

/// Figures of all units that the user oversees.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Overview {
    /// The units.
    pub(crate) units: Vec<UnitFigures>,
}

/// A person visited.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Visited {
    /// The name; empty if the file is not there.
    pub(crate) name: String,
}

/// A visit in a list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct OfficeVisit {
    /// The document.
    pub(crate) id: String,
    /// The unit's name.
    pub(crate) unit_name: String,
    /// The day.
    pub(crate) happened_on: String,
    /// Code of the channel.
    pub(crate) channel: Option<String>,
    /// Code of the result.
    pub(crate) result: Option<String>,
    /// Codes of the needs.
    pub(crate) needs: Vec<String>,
    /// The people visited.
    pub(crate) people: Vec<Visited>,
    /// The author's name.
    pub(crate) by: String,
    /// When it came.
    pub(crate) received_at_ms: i64,
}

/// A contact in a list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct OfficeContact {
    /// The document.
    pub(crate) id: String,
    /// The unit's name.
    pub(crate) unit_name: String,
    /// The day.
    pub(crate) happened_on: String,
    /// Code of the topic.
    pub(crate) topic: Option<String>,
    /// Code of the channel.
    pub(crate) channel: Option<String>,
    /// Code of the result.
    pub(crate) result: Option<String>,
    /// The Party member.
    pub(crate) person: Option<Visited>,
    /// The author's name.
    pub(crate) by: String,
    /// When it came.
    pub(crate) received_at_ms: i64,
}

/// One page of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Lines<T> {
    /// The lines.
    pub(crate) items: Vec<T>,
    /// For `after`, if there may be more.
    pub(crate) next: Option<String>,
}

/// Reads one resource below `/api/v1/office/`.
pub(crate) async fn get<T: DeserializeOwned>(session: SessionCtx, path: &str) -> Result<T, Problem> {
    ask(session, Method::GET, &format!("/api/v1/office/{path}"), None::<&()>).await
}
