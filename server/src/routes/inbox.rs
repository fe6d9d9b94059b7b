//! `POST /api/v1/inbox`: parcels up, and down what is new, sealed for the app that opens it at its next unlock.
//!
//! As with parcels nobody is signed in, and the device has signed the request; the question in it says in whose session.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use zoufang_core::sync::inbox::{CONTENT_TYPE, decode_body, signed};
use zoufang_core::sync::parcel::encode_body;

use super::caller::Caller;
use super::parcels::{gone, known, signed_body};
use crate::account::token::random_bytes;
use crate::error::{Error, ErrorBody, Result};
use crate::state::App;
use crate::sync::inbox::take;
use crate::work::off_thread;

/// Delivers changes that were sealed when they were saved, and asks what is new.
#[utoipa::path(post, path = "/api/v1/inbox", tag = "sync",
    params(
        ("x-zoufang-device" = String, Header, description = "the device, 16 hex digits"),
        ("x-zoufang-signature" = String, Header, description = "ECDSA P-256 over the device and the body, base64url"),
    ),
    request_body(content = Vec<u8>, content_type = "application/vnd.zoufang.inbox",
        description = "a question, sealed to the server's sync key, and parcels"),
    responses(
        (status = 200, description = "one byte for each parcel, as for parcels; then a letter, sealed to the key that the question brought, \
            or nothing if the question cannot be answered",
            body = Vec<u8>, content_type = "application/vnd.zoufang.inbox"),
        (status = 400, description = "not a body of the inbox", body = ErrorBody),
        (status = 401, description = "no such device, or not its signature", body = ErrorBody),
        (status = 410, description = "the device was revoked: as for parcels", body = Vec<u8>, content_type = "application/vnd.zoufang.wipe"),
        (status = 413, description = "over 1 MiB", body = ErrorBody),
        (status = 415, description = "not the content type of the inbox", body = ErrorBody),
        (status = 429, description = "too many requests from one address that nobody signed", body = ErrorBody),
        (status = 503, description = "busy, or the disk fails", body = ErrorBody),
        (status = 507, description = "the disk is full", body = ErrorBody),
    ))]
pub async fn ask(State(app): State<App>, Caller(caller): Caller, request: Request) -> Result<Response> {
    known(&app, caller, answer(&app, request)).await
}

async fn answer(app: &App, request: Request) -> Result<Response> {
    let (device, signer, body, _turn) = signed_body(app, request, CONTENT_TYPE, signed).await?;
    let (question, parcels) = decode_body(&body).map_err(|_| Error::BadRequest("not a body of the inbox"))?;
    if signer.revoked {
        return gone(app, device, &signer, &encode_body(parcels)).await;
    }
    let parcels = parcels.into_iter().map(<[u8]>::to_vec).collect();
    let (fates, open) = take(app, device, &signer, (question.to_vec(), parcels)).await?;
    let mut said: Vec<u8> = fates.into_iter().map(|fate| fate as u8).collect();
    if let Some(open) = open {
        let seed = random_bytes()?;
        said.extend(off_thread(move || open.seal(seed)).await?);
    }
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE))], said).into_response())
}
