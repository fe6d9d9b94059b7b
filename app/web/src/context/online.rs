//! Requests of pages that need the server, with the token of who is signed in. Nothing of the answers is kept on this device.
use gloo::net::http::Method;
use serde::{Serialize, de::DeserializeOwned};

use super::{problem::Problem, session::SessionCtx};
use crate::sync::{Answer, call_json};

/// Asks the JSON API.
pub(super) async fn ask<T: DeserializeOwned>(
    session: SessionCtx,
    method: Method,
    path: &str,
    body: Option<&impl Serialize>,
) -> Result<T, Problem> {
    let token = session.token().ok_or(Problem::SignInAgain)?;
    match call_json(method, path, Some(&token), body).await? {
        Answer::Ok(found) => Ok(found),
        Answer::Refused(401, ..) => Err(Problem::SignInAgain),
        Answer::Refused(403 | 404, ..) => Err(Problem::NotAllowed),
        Answer::Refused(..) => Err(Problem::ServerDown),
    }
}
