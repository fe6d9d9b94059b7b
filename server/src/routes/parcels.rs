//! `POST /api/v1/parcels` and `PUT /api/v1/device-key`: what a phone delivers while it is locked or closed.
//!
//! A device that was revoked is told to wipe itself, once what it brings is kept: by a word of which it has the hash since its
//! enrolment, so that nobody else can say it.
//!
//! Then nobody is signed in: the request is signed with the device's own key, which the phone's browser keeps and does not give
//! out. It may deliver and nothing else; the answer says of each parcel whether it is stored, and nothing of what is in it.

use std::net::IpAddr;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use zoufang_core::record::DeviceId;
use zoufang_core::sync::gate::BODY_BYTES_MAX;
use zoufang_core::sync::parcel::{CONTENT_TYPE, SIGNATURE_BYTES, signed, signed_key};

use super::caller::Caller;
use super::sync::check_head;
use crate::account::SignedIn;
use crate::body::length_said;
use crate::crash::crash_point;
use crate::error::{Error, ErrorBody, Result};
use crate::overload::Turn;
use crate::state::App;
use crate::store::{SignKey, Signer};
use crate::sync::{late, parcel};

/// The device: 16 hex digits.
const DEVICE: &str = "x-zoufang-device";
/// Its signature: 64 bytes as base64url.
const SIGNATURE: &str = "x-zoufang-signature";
/// The hash of the word that wipes a device.
const WIPE: &str = "x-zoufang-wipe";
const WIPE_CONTENT_TYPE: &str = "application/vnd.zoufang.wipe";
/// What a device signs that is wiped.
const WIPED: &[u8] = b"wiped";
const KEY_BYTES: usize = 65;

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
        (status = 410, description = "the device was revoked: what it brought is kept for its head, and it is to wipe itself, if the hash \
            of one of these 32 bytes is the one it was given; nothing follows if not all of it could be kept", body = Vec<u8>, content_type = "application/vnd.zoufang.wipe"),
        (status = 413, description = "over 1 MiB", body = ErrorBody),
        (status = 415, description = "not the content type of parcels", body = ErrorBody),
        (status = 429, description = "too many requests from one address that nobody signed", body = ErrorBody),
        (status = 503, description = "busy, or the disk fails", body = ErrorBody),
        (status = 507, description = "the disk is full", body = ErrorBody),
    ))]
pub async fn deliver(State(app): State<App>, Caller(caller): Caller, request: Request) -> Result<Response> {
    known(&app, caller, take(&app, request)).await
}

/// Answers a request that says who it is by its signature, unless too many from its address did not.
pub(super) async fn known<T>(
    app: &App,
    caller: IpAddr,
    answer: impl Future<Output = Result<T>>,
) -> Result<T> {
    app.strangers.check(caller, app.now())?;
    let answer = answer.await;
    if matches!(answer, Err(Error::SignedOut)) {
        app.strangers.count(caller, app.now());
    }
    answer
}

async fn take(app: &App, request: Request) -> Result<Response> {
    let (device, signer, body, _turn) = signed_body(app, request, CONTENT_TYPE, signed).await?;
    if signer.revoked {
        return gone(app, device, &signer, &body).await;
    }
    let fates = parcel::deliver(app, device, &signer, &body).await?;
    let fates: Vec<u8> = fates.into_iter().map(|fate| fate as u8).collect();
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE))], fates).into_response())
}

/// Waits for a turn; the device that has signed a request, what is known of it, and the body. `signed` says what its signature is of.
pub(super) async fn signed_body<'a>(
    app: &'a App,
    request: Request,
    content_type: &str,
    signed: fn(DeviceId, &[u8]) -> Vec<u8>,
) -> Result<(DeviceId, Signer, Bytes, Turn<'a>)> {
    let turn = app.gates.sync().await?;
    let (device, signature) = says(request.headers()).ok_or(Error::SignedOut)?;
    // An unknown device is not worth reading its body.
    let signer = app.store.signer(device).await?.ok_or(Error::SignedOut)?;
    check_head(request.headers(), content_type)?;
    let said = length_said(request.headers());
    let (body, turn) = turn.receive(request.into_body(), said, BODY_BYTES_MAX).await?;
    verify(&signer.key, &signed(device, &body), &signature)?;
    app.hear(device);
    Ok((device, signer, body, turn))
}

/// Keeps the parcels of a device that was revoked, and says the word that wipes it.
pub(super) async fn gone(app: &App, device: DeviceId, signer: &Signer, body: &[u8]) -> Result<Response> {
    // Without the word it keeps what is kept nowhere else.
    let kept = late::keep(app, device, body).await?;
    let words = app.wipe_keys.iter().filter(|_| kept).flat_map(|key| key.word(device));
    let words: Vec<u8> = words.collect();
    tracing::info!(user = signer.account.id.0, kept, "a revoked device was heard of");
    let content_type = HeaderValue::from_static(WIPE_CONTENT_TYPE);
    Ok((StatusCode::GONE, [(header::CONTENT_TYPE, content_type)], words).into_response())
}

/// Names the key with which this device signs from now on.
#[utoipa::path(put, path = "/api/v1/device-key", tag = "account", security(("token" = [])),
    request_body(content = Vec<u8>, content_type = "application/octet-stream",
        description = "a point on P-256 (65 bytes), and its signature over the device (64 bytes)"),
    responses(
        (status = 204, description = "kept",
            headers(("x-zoufang-wipe" = String, description = "the hash of the word that wipes this device, 64 hex digits"))),
        (status = 400, description = "no key, or not its signature", body = ErrorBody),
        (status = 401, description = "no session", body = ErrorBody),
    ))]
pub async fn put_sign_key(State(app): State<App>, signed_in: SignedIn, body: Bytes) -> Result<Response> {
    let device = signed_in.principal.device;
    let (key, signature) = body.split_first_chunk::<KEY_BYTES>().ok_or(Error::BadRequest("device key"))?;
    let key = SignKey(*key);
    // Who signs has the other half, and the bytes are a key.
    verify(&key, &signed_key(device), signature).map_err(|_| Error::BadRequest("device key"))?;
    crash_point!("sign_key.before");
    app.store.put_sign_key(device, key).await?;
    crash_point!("sign_key.after");
    let mark = app.wipe_keys.first().map(|key| hex::encode(key.mark(device)));
    let mark = mark.and_then(|mark| HeaderValue::from_str(&mark).ok());
    let marked = mark.map(|mark| [(HeaderName::from_static(WIPE), mark)]);
    Ok((StatusCode::NO_CONTENT, AppendHeaders(marked.into_iter().flatten())).into_response())
}

/// A revoked device says that nothing is left on it.
#[utoipa::path(post, path = "/api/v1/device-wiped", tag = "account",
    params(
        ("x-zoufang-device" = String, Header, description = "the device, 16 hex digits"),
        ("x-zoufang-signature" = String, Header, description = "ECDSA P-256 over the device and the word `wiped`, base64url"),
    ),
    responses(
        (status = 204, description = "noted"),
        (status = 401, description = "no such device, not revoked, or not its signature", body = ErrorBody),
        (status = 429, description = "too many such requests from one address", body = ErrorBody),
    ))]
pub async fn wiped(State(app): State<App>, Caller(caller): Caller, headers: HeaderMap) -> Result<StatusCode> {
    known(&app, caller, note_wiped(&app, &headers)).await
}

async fn note_wiped(app: &App, headers: &HeaderMap) -> Result<StatusCode> {
    let (device, signature) = says(headers).ok_or(Error::SignedOut)?;
    let signer = app.store.signer(device).await?.filter(|signer| signer.revoked).ok_or(Error::SignedOut)?;
    verify(&signer.key, &signed(device, WIPED), &signature)?;
    crash_point!("wiped.before");
    app.store.put_wiped(device, app.now()).await?;
    crash_point!("wiped.after");
    tracing::info!(user = signer.account.id.0, "a revoked device is wiped");
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
