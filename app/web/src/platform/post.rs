//! Words to the service worker, which delivers what was saved while the app is closed (`public/post.js`).
use gloo::events::EventListener;
use indexed_db_futures::{database::Database, prelude::*};
use js_sys::{Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{MessageEvent, ServiceWorkerRegistration};
use zoufang_core::record::DeviceId;

/// Where the worker keeps who this device is.
const NAME: &str = "zoufang.device";
const VERSION: u8 = 1;
const TABLE: &str = "device";
const ME: &str = "me";

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
fn tell(said: &[(&str, &str)]) {
    let message = Object::new();
    for (key, value) in said {
        let _ = Reflect::set(&message, &JsValue::from_str(key), &JsValue::from_str(value));
    }
    leptos::task::spawn_local(async move {
        let Ok(ready) = gloo::utils::window().navigator().service_worker().ready() else { return };
        let registration = JsFuture::from(ready).await.ok();
        let registration = registration.and_then(|found| found.dyn_into::<ServiceWorkerRegistration>().ok());
        if let Some(worker) = registration.and_then(|registration| registration.active()) {
            let _ = worker.post_message(&message);
        }
    });
}
