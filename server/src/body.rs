//! The bytes of a request's body.

use std::error::Error as _;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, header};
use http_body_util::LengthLimitError;

use crate::error::{Error, Result};

/// How many bytes a request says its body has.
pub(crate) fn length_said(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads a body, but no byte more than is allowed.
///
/// # Errors
/// [`Error::TooLarge`], and [`Error::BadRequest`] if it breaks off.
pub(crate) async fn read(body: Body, most: usize) -> Result<Bytes> {
    to_bytes(body, most).await.map_err(|error| {
        if error.source().is_some_and(|error| error.is::<LengthLimitError>()) {
            Error::TooLarge
        } else {
            Error::BadRequest("body broken off")
        }
    })
}
