//! Structured logs. A line holds an id, a route's pattern, a status and figures; never a body, a name, a number, a
//! query string or a path with an id in it.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// The header that carries the request's id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: String;
}

/// Starts logging to standard error. A second call changes nothing.
pub fn start(directives: &str, format: LogFormat) {
    let filter = EnvFilter::try_new(directives).unwrap_or_else(|_| EnvFilter::new("info"));
    // Where nobody reads the log any more, a complaint about that would go to the same place, and panic.
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false);
    let _ = match format {
        LogFormat::Json => {
            builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
        }
        LogFormat::Pretty => builder.compact().with_target(false).try_init(),
    };
}

/// The id of the request that this task works on; empty outside of one.
#[must_use]
pub fn request_id() -> String {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}

/// Gives each request an id, and writes one line when it is answered.
pub async fn observe(request: Request, next: Next) -> Response {
    let id = format!("{:016x}", getrandom::u64().unwrap_or_default());
    let route = request.extensions().get::<MatchedPath>().map_or("asset", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", id, route, method = %request.method());
    let started = Instant::now();
    let answered = CURRENT.scope(id.clone(), next.run(request));
    async {
        let mut response = answered.await;
        tracing::info!(
            status = response.status().as_u16(),
            ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "answered"
        );
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        response
    }
    .instrument(span)
    .await
}
