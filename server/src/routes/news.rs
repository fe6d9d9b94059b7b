//! `GET /api/v1/news`: server-sent events that say which units have something new.

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::sse::Sse;
use axum::response::{IntoResponse, Response};

use crate::account::SignedIn;
use crate::error::{ErrorBody, Result};
use crate::news::{UnitNews, follow};
use crate::state::App;

/// Which units have something new.
#[utoipa::path(get, path = "/api/v1/news", tag = "sync", security(("token" = [])), responses(
    (status = 200, description = "events named `unit`, each with where one unit's log ends; comments as heartbeats",
        body = UnitNews, content_type = "text/event-stream"),
    (status = 401, description = "no session", body = ErrorBody),
    (status = 503, description = "too many streams are open", body = ErrorBody),
))]
pub async fn news(State(app): State<App>, signed_in: SignedIn) -> Result<Response> {
    let mut response = Sse::new(follow(app, signed_in).await?).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would gather the events until its buffer is full.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}
