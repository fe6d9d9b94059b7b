//! Words to the service worker, which delivers what was saved while the app is closed (`public/post.js`).
use js_sys::{Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::ServiceWorkerRegistration;
use zoufang_core::record::DeviceId;

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
