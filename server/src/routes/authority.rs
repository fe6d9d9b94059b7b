//! `GET /ca.crt`: the certificate that a phone in a local network is to trust. It is no secret; that it is ours a person sees by its
//! fingerprint, which the server prints at its start.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::error::{Error, ErrorBody, Result};
use crate::state::App;

const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/x-x509-ca-cert");

/// The certificate of this server's own authority.
#[utoipa::path(get, path = "/ca.crt", tag = "health", responses(
    (status = 200, description = "in DER", body = Vec<u8>, content_type = "application/x-x509-ca-cert"),
    (status = 404, description = "the server was not started with `--lan`", body = ErrorBody),
))]
pub async fn authority(State(app): State<App>) -> Result<Response> {
    let der = app.authority.ok_or(Error::NotFound)?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], der.to_vec()).into_response())
}
