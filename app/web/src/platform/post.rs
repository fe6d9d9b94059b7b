//! Words to the service worker, which delivers what was saved while the app is closed (`public/post.js`).
use gloo::{events::EventListener, timers::future::TimeoutFuture};
use indexed_db_futures::{database::Database, prelude::*};
use js_sys::{Array, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::{MessageChannel, MessageEvent, ServiceWorker, ServiceWorkerRegistration};
use zoufang_core::record::DeviceId;

/// Where the worker keeps who this device is.
const NAME: &str = "zoufang.device";
const VERSION: u8 = 1;
const TABLE: &str = "device";
const ME: &str = "me";

/// A file that takes longer to make has failed.
const CARRY_MS_MAX: u32 = 20_000;

/// Who this device is: it gets a key of its own, which the server learns while somebody is signed in.
pub(crate) fn introduce(device: DeviceId, token: &str) {
    tell(&[("kind", "INTRODUCE"), ("device", &device.to_string()), ("token", token)]);
}

/// Something waits for a line, and nobody may be here when it comes.
pub(crate) fn something_waits() {
    tell(&[("kind", "WAITING")]);
}

/// Something can be sent only by the worker: now, although the app is in front.
pub(crate) fn deliver() {
    tell(&[("kind", "DELIVER")]);
}

/// Whether this device is still wanted: one that was revoked is wiped by the worker, once what waits is at the server.
pub(crate) fn ask() {
    tell(&[("kind", "ASK")]);
}

/// What waits on this phone, as a file.
pub(crate) struct MadeFile {
    /// Its bytes.
    pub(crate) bytes: Uint8Array,
    /// So many changes are in it.
    pub(crate) count: u32,
}

/// Why there is no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoFile {
    /// Nothing waits.
    Nothing,
    /// The server does not know this phone's key yet: it was never online since its enrolment.
    Unknown,
    /// What waits cannot be read, or there is no worker.
    Storage,
}

/// Has the worker make a file of what waits; it needs no PIN for that.
pub(crate) async fn carry() -> Result<MadeFile, NoFile> {
    let channel = MessageChannel::new().map_err(|_| NoFile::Storage)?;
    let (ours, theirs) = (channel.port1(), channel.port2());
    let answer = Promise::new(&mut |resolve, _| ours.set_onmessage(Some(&resolve)));
    // Where no worker can be, none ever comes.
    let ready = gloo::utils::window().navigator().service_worker().ready().map_err(|_| NoFile::Storage)?;
    within(CARRY_MS_MAX, ready).await.ok_or(NoFile::Storage)?;
    let worker = worker().await.ok_or(NoFile::Storage)?;
    let message = said(&[("kind", "CARRY")]);
    worker.post_message_with_transferable(&message, &Array::of1(&theirs)).map_err(|_| NoFile::Storage)?;
    let event = within(CARRY_MS_MAX, answer).await.ok_or(NoFile::Storage)?;
    let made = event.dyn_into::<MessageEvent>().map_err(|_| NoFile::Storage)?.data();
    ours.close();
    let part = |name: &str| Reflect::get(&made, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED);
    match part("why").as_string().as_deref() {
        Some("nothing") => return Err(NoFile::Nothing),
        Some("unknown") => return Err(NoFile::Unknown),
        Some(_) => return Err(NoFile::Storage),
        None => {}
    }
    let bytes = part("file").dyn_into::<Uint8Array>().map_err(|_| NoFile::Storage)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as many as fit into a file")]
    let count = part("count").as_f64().unwrap_or_default() as u32;
    Ok(MadeFile { bytes, count })
}

/// The worker is about to wipe this device, and nothing may be saved any more; and it has: whatever a page still knows must go.
pub(crate) fn on_wipe(wiping: impl Fn() + 'static, gone: impl Fn() + 'static) {
    let workers = gloo::utils::window().navigator().service_worker();
    EventListener::new(&workers, "message", move |event| {
        let said = event.dyn_ref::<MessageEvent>().and_then(|message| message.data().as_string());
        match said.as_deref() {
            Some("WIPING") => wiping(),
            Some("WIPED") => gone(),
            Some(_) | None => {}
        }
    })
    .forget();
}

/// The device in whose name the worker delivers; `None` before the first introduction.
///
/// # Errors
/// When that cannot be read.
pub(crate) async fn device() -> Result<Option<String>, Unknown> {
    // Made as the worker makes it, if it is not there yet.
    let database = Database::open(NAME)
        .with_version(VERSION)
        .with_on_upgrade_needed(|_, database| {
            database.create_object_store(TABLE).build()?;
            Ok(())
        })
        .await
        .map_err(|_| Unknown)?;
    let me = read_me(&database).await;
    database.close();
    let Some(me) = me.map_err(|_| Unknown)? else { return Ok(None) };
    let device = Reflect::get(&me, &JsValue::from_str("device")).ok().and_then(|device| device.as_string());
    device.map(Some).ok_or(Unknown)
}

async fn read_me(database: &Database) -> Result<Option<JsValue>, indexed_db_futures::error::Error> {
    let transaction = database.transaction(TABLE).build()?;
    let table = transaction.object_store(TABLE)?;
    table.get::<JsValue, _, _>(ME).primitive()?.await
}

/// It cannot be read in whose name the worker delivers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unknown;

/// Says it to the worker in charge, as soon as there is one. A browser without loses nothing but deliveries while it is closed.
fn tell(words: &[(&str, &str)]) {
    let message = said(words);
    leptos::task::spawn_local(async move {
        if let Some(worker) = worker().await {
            let _ = worker.post_message(&message);
        }
    });
}

/// What a promise brings, if it does not fail and is not too late.
async fn within(ms: u32, promise: Promise) -> Option<JsValue> {
    let late = future_to_promise(async move {
        TimeoutFuture::new(ms).await;
        Err(JsValue::NULL)
    });
    JsFuture::from(Promise::race(&Array::of2(&promise, &late))).await.ok()
}

fn said(words: &[(&str, &str)]) -> Object {
    let message = Object::new();
    for (key, value) in words {
        let _ = Reflect::set(&message, &JsValue::from_str(key), &JsValue::from_str(value));
    }
    message
}

/// The worker in charge, as soon as there is one.
async fn worker() -> Option<ServiceWorker> {
    let ready = gloo::utils::window().navigator().service_worker().ready().ok()?;
    let registration = JsFuture::from(ready).await.ok()?.dyn_into::<ServiceWorkerRegistration>().ok()?;
    registration.active()
}
