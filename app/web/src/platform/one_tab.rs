//! One tab at a time may write to the store: whoever holds the lock. Two writers would not see each other's memory.
use gloo::timers::future::TimeoutFuture;
use js_sys::{Function, Object, Promise, Reflect};
use std::{cell::Cell, rc::Rc};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};

const NAME: &str = "zoufang.store";
/// How long a tab waits for one that is just being closed or reloaded.
const PATIENCE_MS: u32 = 2_000;
const STEP_MS: u32 = 25;

/// Waits for the lock, or takes it from another tab; `lost` is called when another tab takes it from this one. Browsers
/// without locks are trusted to have one tab.
pub(crate) async fn hold(take_over: bool, lost: impl FnOnce() + 'static) -> bool {
    let navigator = gloo::utils::window().navigator();
    let locks = Reflect::get(&navigator, &JsValue::from_str("locks")).unwrap_or(JsValue::UNDEFINED);
    let Some(request) = Reflect::get(&locks, &JsValue::from_str("request"))
        .ok()
        .and_then(|request| request.dyn_into::<Function>().ok())
    else {
        return true;
    };
    let held = Rc::new(Cell::new(false));
    let given_up = Rc::new(Cell::new(false));
    let granted = {
        let (held, given_up) = (Rc::clone(&held), Rc::clone(&given_up));
        Closure::once_into_js(move || {
            if given_up.get() {
                // Too late: let go at once.
                return Promise::resolve(&JsValue::UNDEFINED);
            }
            held.set(true);
            // Held until the page goes.
            Promise::new(&mut |_, _| {})
        })
    };
    let options = Object::new();
    let _ = Reflect::set(&options, &JsValue::from_str("steal"), &JsValue::from_bool(take_over));
    let Ok(promise) = request.call3(&locks, &JsValue::from_str(NAME), &options, &granted) else {
        return true;
    };
    let Ok(promise) = promise.dyn_into::<Promise>() else { return true };
    let watch = {
        let held = Rc::clone(&held);
        async move {
            // It settles only when another tab has taken the lock.
            let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
            if held.get() {
                lost();
            }
        }
    };
    leptos::task::spawn_local(watch);
    for _ in 0..PATIENCE_MS / STEP_MS {
        if held.get() {
            return true;
        }
        TimeoutFuture::new(STEP_MS).await;
    }
    given_up.set(!held.get());
    held.get()
}
