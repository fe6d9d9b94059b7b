//! `POST /api/v1/parcels` and `PUT /api/v1/device-key`: what a phone delivers while it is locked or closed.
//!
//! Then nobody is signed in: the request is signed with the device's own key, which the phone's browser keeps and does not give
//! out. It may deliver and nothing else; the answer says of each parcel whether it is stored, and nothing of what is in it.

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use zoufang_core::record::DeviceId;
use zoufang_core::sync::parcel::{CONTENT_TYPE, signed, signed_key};

use super::sync::{check_head, read};
use crate::account::SignedIn;
use crate::crash::crash_point;
use crate::error::{Error, ErrorBody, Result};
use crate::state::App;
use crate::store::SignKey;
use crate::sync::parcel;

/// The device: 16 hex digits.
const DEVICE: &str = "x-zoufang-device";
/// Its signature: 64 bytes as base64url.
const SIGNATURE: &str = "x-zoufang-signature";
const KEY_BYTES: usize = 65;
const SIGNATURE_BYTES: usize = 64;

/// Delivers changes that were sealed when they were saved.
#[utoipa::path(post, path = "/api/v1/parcels", tag = "sync",
    params(
        ("x-zoufang-device" = String, Header, description = "the device, 16 hex digits"),
        ("x-zoufang-signature" = String, Header, description = "ECDSA P-256 over the device and the body, base64url"),
    ),
    request_body(content = Vec<u8>, content_type = "application/vnd.zoufang.parcels"),
    responses(
        (status = 200, description = "one byte for each parcel: 1 stored, 2 refused, 3 waits for another, 4 not to be opened",
            body = Vec<u8>, content_type = "application/vnd.zoufang.parcels"),
        (status = 400, description = "not a body of parcels", body = ErrorBody),
        (status = 401, description = "no such device, or not its signature", body = ErrorBody),
        (status = 413, description = "over 1 MiB", body = ErrorBody),
        (status = 415, description = "not the content type of parcels", body = ErrorBody),
        (status = 503, description = "busy, or the disk fails", body = ErrorBody),
        (status = 507, description = "the disk is full", body = ErrorBody),
    ))]
pub async fn deliver(State(app): State<App>, request: Request) -> Result<Response> {
    let (device, signature) = says(request.headers()).ok_or(Error::SignedOut)?;
    let _permit = app.sync_permit().await?;
    // An unknown device is not worth reading its body.
    let signer = app.store.signer(device).await?.ok_or(Error::SignedOut)?;
    check_head(request.headers(), CONTENT_TYPE)?;
    let body = read(request.into_body()).await?;
    verify(&signer.key, &signed(device, &body), &signature)?;
    let fates = parcel::deliver(&app, device, &signer, &body).await?;
    let fates: Vec<u8> = fates.into_iter().map(|fate| fate as u8).collect();
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE))], fates).into_response())
}

/// Names the key with which this device signs from now on.
#[utoipa::path(put, path = "/api/v1/device-key", tag = "account", security(("token" = [])),
    request_body(content = Vec<u8>, content_type = "application/octet-stream",
        description = "a point on P-256 (65 bytes), and its signature over the device (64 bytes)"),
    responses(
        (status = 204, description = "kept"),
        (status = 400, description = "no key, or not its signature", body = ErrorBody),
        (status = 401, description = "no session", body = ErrorBody),
    ))]
pub async fn put_sign_key(State(app): State<App>, signed_in: SignedIn, body: Bytes) -> Result<StatusCode> {
    let device = signed_in.principal.device;
    let (key, signature) = body.split_first_chunk::<KEY_BYTES>().ok_or(Error::BadRequest("device key"))?;
    let key = SignKey(*key);
    // Who signs has the other half, and the bytes are a key.
    verify(&key, &signed_key(device), signature).map_err(|_| Error::BadRequest("device key"))?;
    crash_point!("sign_key.before");
    app.store.put_sign_key(device, key).await?;
    crash_point!("sign_key.after");
    Ok(StatusCode::NO_CONTENT)
}

/// The device that a request names, and its signature.
fn says(headers: &HeaderMap) -> Option<(DeviceId, Vec<u8>)> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let signature = URL_SAFE_NO_PAD.decode(text(SIGNATURE)?).ok()?;
    let device = text(DEVICE)?.parse().ok()?;
    (signature.len() == SIGNATURE_BYTES).then_some((device, signature))
}

fn verify(key: &SignKey, message: &[u8], signature: &[u8]) -> Result<()> {
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &key.0[..]);
    key.verify(message, signature).map_err(|_| Error::SignedOut)
}
