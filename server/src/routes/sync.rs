//! `POST /api/v1/sync`: changes up, verdicts and logs down, in one round trip. The protocol: `server/PROTOCOL.md`.

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use zoufang_core::sync::gate::BODY_BYTES_MAX;
use zoufang_core::sync::wire::CONTENT_TYPE;

use crate::account::SignedIn;
use crate::body::length_said;
use crate::error::{Error, ErrorBody, Result};
use crate::headers::accepts;
use crate::state::App;
use crate::sync::brotli;
use crate::sync::exchange::exchange;

/// Changes up, verdicts and logs down.
#[utoipa::path(post, path = "/api/v1/sync", tag = "sync", security(("token" = [])),
    request_body(content = Vec<u8>, content_type = "application/vnd.zoufang.sync"),
    responses(
        (status = 200, description = "frames", body = Vec<u8>, content_type = "application/vnd.zoufang.sync"),
        (status = 400, description = "not of the protocol", body = ErrorBody),
        (status = 401, description = "no session", body = ErrorBody),
        (status = 403, description = "the session is another device's", body = ErrorBody),
        (status = 413, description = "over 1 MiB", body = ErrorBody),
        (status = 415, description = "not the content type of the protocol", body = ErrorBody),
        (status = 503, description = "busy, or the disk fails", body = ErrorBody),
        (status = 507, description = "the disk is full", body = ErrorBody),
    ))]
pub async fn sync(State(app): State<App>, signed_in: SignedIn, request: Request) -> Result<Response> {
    check_head(request.headers(), CONTENT_TYPE)?;
    let turn = app.gates.sync().await?;
    let takes_brotli = accepts(request.headers(), brotli::ENCODING);
    let said = length_said(request.headers());
    let (body, _turn) = turn.receive(request.into_body(), said, BODY_BYTES_MAX).await?;
    let reply = exchange(&app, &signed_in.principal, &body).await?;
    let long = reply.is_long();
    let (chunks, encoding) = match reply.into_chunks() {
        chunks if takes_brotli && long => match brotli::compressed(chunks, &app.brotlis) {
            Ok(chunks) => (chunks, Some(brotli::ENCODING)),
            Err(chunks) => (chunks, None),
        },
        chunks => (chunks, None),
    };
    let body = Body::from_stream(chunks.map(Ok::<Bytes, std::convert::Infallible>));
    let mut response =
        ([(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE))], body).into_response();
    if let Some(encoding) = encoding {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    Ok(response)
}

/// What can be said before a byte of the body is read.
pub(super) fn check_head(headers: &HeaderMap, content_type: &str) -> Result<()> {
    let ours =
        headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes() == content_type.as_bytes());
    if !ours {
        return Err(Error::UnsupportedMediaType);
    }
    if length_said(headers).is_some_and(|length| length > BODY_BYTES_MAX) {
        return Err(Error::TooLarge);
    }
    Ok(())
}
