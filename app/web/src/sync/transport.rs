//! Requests to our server, and the telling apart of what may answer in its place.
use gloo::{
    net::http::{Method, Request, RequestBuilder, Response},
    timers::callback::Timeout,
};
use js_sys::{Reflect, Uint8Array};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, ReadableStreamDefaultReader};
use zoufang_core::{
    record::DeviceId,
    sync::{carried::Signed, parcel, session::Failure, wire::CONTENT_TYPE},
};

use crate::platform::base64::to_base64;

const SYNC_PATH: &str = "/api/v1/sync";
const PARCELS_PATH: &str = "/api/v1/parcels";
const NEWS_PATH: &str = "/api/v1/news";
const NEWS_TYPE: &str = "text/event-stream";
/// A line that brings nothing for so long is given up.
const SILENCE_MS: u32 = 45_000;
/// Done, and there is nothing to say.
const NO_CONTENT: u16 = 204;
/// That, in JSON.
const NOTHING: &str = "null";

/// An answer of the JSON API.
pub(crate) enum Answer<T> {
    /// As asked.
    Ok(T),
    /// Our server says no, with its status and code, and for how many seconds.
    Refused(u16, String, u32),
}

#[derive(serde::Deserialize)]
struct ErrorBody {
    code: String,
    #[serde(default)]
    retry_after_s: u32,
}

/// Asks the JSON API.
pub(crate) async fn call_json<T: DeserializeOwned>(
    method: Method,
    path: &str,
    token: Option<&str>,
    body: Option<&impl Serialize>,
) -> Result<Answer<T>, Failure> {
    let mut request = RequestBuilder::new(path).method(method).header("Accept", "application/json");
    if let Some(token) = token {
        request = request.header("Authorization", &format!("Bearer {token}"));
    }
    let request = match body {
        Some(body) => request.json(body),
        None => request.build(),
    };
    let response =
        request.map_err(|_| Failure::Unreachable)?.send().await.map_err(|_| Failure::Unreachable)?;
    let json = content_type(&response).starts_with("application/json");
    let text = match (response.ok(), json) {
        (true, true) => response.text().await.map_err(|_| Failure::Garbled)?,
        (true, false) if response.status() == NO_CONTENT => NOTHING.to_owned(),
        (true, false) => return Err(Failure::NotOurs),
        (false, true) => {
            let body: ErrorBody = response.json().await.map_err(|_| Failure::Server)?;
            let wait_s = body.retry_after_s.max(retry_after(&response));
            return Ok(Answer::Refused(response.status(), body.code, wait_s));
        }
        (false, false) => return Err(failure_of(&response)),
    };
    serde_json::from_str(&text).map(Answer::Ok).map_err(|_| Failure::Garbled)
}

/// What became of a body that was handed in for a phone.
pub(crate) enum HandedIn {
    /// A byte for each parcel.
    Fates(Vec<u8>),
    /// The phone is ended: what it brought is kept for its head, if there was room for all of it.
    Ended {
        /// Whether there was.
        kept: bool,
    },
    /// The server does not know the phone, or the body is not what it has signed.
    Unknown,
}

/// Hands in parcels in the name of the phone that has signed them, whoever is signed in here.
pub(crate) async fn hand_in(device: DeviceId, signed: &Signed<'_>) -> Result<HandedIn, Failure> {
    let request = RequestBuilder::new(PARCELS_PATH)
        .method(Method::POST)
        .header("Content-Type", parcel::CONTENT_TYPE)
        .header("X-Zoufang-Device", &device.to_string())
        .header("X-Zoufang-Signature", &base64url(signed.signature))
        .body(Uint8Array::from(signed.body));
    let response =
        request.map_err(|_| Failure::Unreachable)?.send().await.map_err(|_| Failure::Unreachable)?;
    match response.status() {
        // What the server says is for that phone only; that it says something means that all was kept.
        410 => {
            let said = response.binary().await.map_err(|_| Failure::CutOff)?;
            Ok(HandedIn::Ended { kept: !said.is_empty() })
        }
        401 => Ok(HandedIn::Unknown),
        _ if !response.ok() => Err(failure_of(&response)),
        _ if !content_type(&response).starts_with(parcel::CONTENT_TYPE) => Err(Failure::NotOurs),
        _ => response.binary().await.map(HandedIn::Fates).map_err(|_| Failure::CutOff),
    }
}

/// For addresses and headers.
fn base64url(bytes: &[u8]) -> String {
    to_base64(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_")
}

/// One sync request under way; it is given up when this is dropped.
pub(super) struct SyncCall {
    abort: AbortController,
}

impl Drop for SyncCall {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

/// An answer, piece by piece.
pub(super) struct Pieces {
    reader: ReadableStreamDefaultReader,
    abort: AbortController,
}

/// Makes a call that can be given up.
pub(super) fn new_call() -> Result<(SyncCall, AbortController), Failure> {
    let abort = AbortController::new().map_err(|_| Failure::Unreachable)?;
    Ok((SyncCall { abort: abort.clone() }, abort))
}

/// Sends a sync request and waits for the head of its answer.
pub(super) async fn send(abort: AbortController, token: &str, body: &[u8]) -> Result<Pieces, Failure> {
    let request = RequestBuilder::new(SYNC_PATH)
        .method(Method::POST)
        .header("Content-Type", CONTENT_TYPE)
        .header("Authorization", &format!("Bearer {token}"))
        .abort_signal(Some(&abort.signal()))
        .body(Uint8Array::from(body));
    pieces(request, abort, CONTENT_TYPE).await
}

/// Opens a stream of news and waits for the head of its answer.
pub(super) async fn open_news(abort: AbortController, token: &str) -> Result<Pieces, Failure> {
    let request = RequestBuilder::new(NEWS_PATH)
        .header("Accept", NEWS_TYPE)
        .header("Authorization", &format!("Bearer {token}"))
        .abort_signal(Some(&abort.signal()))
        .build();
    pieces(request, abort, NEWS_TYPE).await
}

async fn pieces(
    request: Result<Request, gloo::net::Error>,
    abort: AbortController,
    expected: &str,
) -> Result<Pieces, Failure> {
    let request = request.map_err(|_| Failure::Unreachable)?;
    let response = {
        let _watch = watchdog(&abort);
        request.send().await.map_err(|_| Failure::Unreachable)?
    };
    if !response.ok() {
        return Err(failure_of(&response));
    }
    if !content_type(&response).starts_with(expected) {
        return Err(Failure::NotOurs);
    }
    let stream = response.body().ok_or(Failure::CutOff)?;
    let reader: ReadableStreamDefaultReader = stream.get_reader().dyn_into().map_err(|_| Failure::CutOff)?;
    Ok(Pieces { reader, abort })
}

impl Pieces {
    /// The next piece; `None` at the end.
    pub(super) async fn next(&self) -> Result<Option<Vec<u8>>, Failure> {
        let _watch = watchdog(&self.abort);
        let read = JsFuture::from(self.reader.read()).await.map_err(|_| Failure::CutOff)?;
        let done = Reflect::get(&read, &JsValue::from_str("done")).is_ok_and(|done| done.is_truthy());
        if done {
            return Ok(None);
        }
        let value = Reflect::get(&read, &JsValue::from_str("value")).map_err(|_| Failure::CutOff)?;
        value.dyn_into::<Uint8Array>().map(|bytes| Some(bytes.to_vec())).map_err(|_| Failure::CutOff)
    }
}

fn watchdog(abort: &AbortController) -> Timeout {
    let abort = abort.clone();
    Timeout::new(SILENCE_MS, move || abort.abort())
}

fn content_type(response: &Response) -> String {
    response.headers().get("content-type").unwrap_or_default()
}

fn retry_after(response: &Response) -> u32 {
    response.headers().get("retry-after").and_then(|seconds| seconds.parse().ok()).unwrap_or(0)
}

fn failure_of(response: &Response) -> Failure {
    let ours = content_type(response).starts_with("application/json");
    Failure::of_status(response.status(), ours, retry_after(response))
}
