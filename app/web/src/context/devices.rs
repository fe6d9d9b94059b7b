//! What the pages about devices ask of the server's JSON API. Nothing of it is kept on this device.
use gloo::net::http::Method;
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use zoufang_core::{record::Patch, sync::scan};

use super::{online::ask, problem::Problem, session::SessionCtx};
use crate::platform::base64::of_base64;

/// A device in the list.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub(crate) struct DeviceLine {
    /// Its id.
    pub(crate) id: String,
    /// What its user calls it.
    pub(crate) label: String,
    /// Name of its user.
    pub(crate) user_name: String,
    /// Name of the user's unit.
    pub(crate) unit_name: String,
    /// It is the device that asks.
    pub(crate) this: bool,
    /// Since when.
    pub(crate) enrolled_at_ms: i64,
    /// When it was heard of last.
    pub(crate) seen_at_ms: Option<i64>,
    /// Until when.
    pub(crate) revoked_at_ms: Option<i64>,
    /// When it said that nothing is left on it.
    pub(crate) wiped_at_ms: Option<i64>,
    /// So many changes it brought after that wait for a person.
    pub(crate) late: u64,
}

/// A one-time code, for somebody to type on a phone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct MadeCode {
    /// Eight digits.
    pub(crate) code: String,
    /// The user's name.
    pub(crate) user_name: String,
    /// Until when it is good.
    pub(crate) expires_at_ms: i64,
    /// Whether the server asks for codes at all.
    pub(crate) wanted: bool,
}

#[derive(Serialize)]
struct CodeFor<'a> {
    user: &'a str,
}

/// Makes a one-time code for a user.
pub(crate) async fn make_code(session: SessionCtx, user: &str) -> Result<MadeCode, Problem> {
    ask(session, Method::POST, "/api/v1/enrol-codes", Some(&CodeFor { user })).await
}

/// Somebody whose record was on a device.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct OnDevice {
    /// The name.
    pub(crate) name: String,
    /// Name of the unit.
    pub(crate) unit_name: String,
}

/// What a revoked device brought of one record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub(crate) struct LateItem {
    /// The device's id.
    pub(crate) device: String,
    /// What its user calls it.
    pub(crate) device_label: String,
    /// Name of its user.
    pub(crate) user_name: String,
    /// The record's id.
    pub(crate) doc: String,
    /// Code of its kind.
    pub(crate) kind: u8,
    /// Name of the unit.
    pub(crate) unit_name: String,
    /// When it came.
    pub(crate) received_at_ms: i64,
    /// The raw changes in their order, base64.
    changes: Vec<String>,
    /// Their hashes: what is decided on is what was read.
    hashes: Vec<String>,
}

impl LateItem {
    /// What the changes would set, as one patch, and how many of them cannot be read here.
    pub(crate) fn values(&self) -> (Patch, usize) {
        let (mut all, mut unread) = (Patch::default(), 0);
        for change in &self.changes {
            match of_base64(change).and_then(|raw| scan::scan(&raw).ok()) {
                Some(scanned) => all.0.extend(scanned.ops.into_iter().map(|op| (op.key, op.value))),
                None => unread += 1,
            }
        }
        (all, unread)
    }
}

#[derive(Deserialize)]
struct Items<T> {
    items: Vec<T>,
}

#[derive(Serialize)]
struct Decision<'a> {
    take: bool,
    hashes: &'a [String],
}

#[derive(Deserialize)]
struct Decided {
    refused: Vec<String>,
}

async fn items<T: DeserializeOwned>(session: SessionCtx, path: &str) -> Result<Vec<T>, Problem> {
    let found: Items<T> = ask(session, Method::GET, path, None::<&()>).await?;
    Ok(found.items)
}

/// The devices that the user may see.
pub(crate) async fn devices(session: SessionCtx) -> Result<Vec<DeviceLine>, Problem> {
    items(session, "/api/v1/devices").await
}

/// Ends a device.
pub(crate) async fn revoke(session: SessionCtx, device: &str) -> Result<(), Problem> {
    let path = format!("/api/v1/devices/{device}/revoke");
    ask::<IgnoredAny>(session, Method::POST, &path, None::<&()>).await.map(drop)
}

/// Whose records were on a device.
pub(crate) async fn people(session: SessionCtx, device: &str) -> Result<Vec<OnDevice>, Problem> {
    items(session, &format!("/api/v1/devices/{device}/people")).await
}

/// What revoked devices brought.
pub(crate) async fn late(session: SessionCtx) -> Result<Vec<LateItem>, Problem> {
    items(session, "/api/v1/late").await
}

/// Takes what a revoked device brought of a record, or lets it go; the codes of what stood against taking it.
pub(crate) async fn decide(session: SessionCtx, item: &LateItem, take: bool) -> Result<Vec<String>, Problem> {
    let path = format!("/api/v1/late/{}/{}", item.device, item.doc);
    let decision = Decision { take, hashes: &item.hashes };
    let decided: Decided = ask(session, Method::POST, &path, Some(&decision)).await?;
    Ok(decided.refused)
}
