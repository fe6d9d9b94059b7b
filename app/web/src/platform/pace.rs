//! Long work in steps: every few milliseconds the screen gets a turn.
//!
//! A turn is a task of its own, by way of a message channel: promises alone never leave the task that they are settled in,
//! and timers are held back by four milliseconds each.
use std::cell::Cell;

use gloo::timers::future::TimeoutFuture;
use js_sys::{Array, Date, Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// For so long work may go on before the screen gets a turn, in ms. It does not look again within a step, so steps are to
/// be small.
const SLICE_MS: f64 = 10.0;

/// How long some work has been going on without a turn for the screen.
#[derive(Debug)]
pub(crate) struct Pace {
    since_ms: Cell<f64>,
}

impl Pace {
    /// Work that begins now.
    pub(crate) fn begin() -> Self {
        Self { since_ms: Cell::new(Date::now()) }
    }

    /// Whether a turn for the screen is due; also when the clock was set back meanwhile.
    pub(crate) fn is_due(&self) -> bool {
        !(0.0..SLICE_MS).contains(&(Date::now() - self.since_ms.get()))
    }

    /// The screen had a turn.
    pub(crate) fn restart(&self) {
        self.since_ms.set(Date::now());
    }

    /// Between two steps: gives the screen a turn if one is due.
    pub(crate) async fn step(&self) {
        if self.is_due() {
            turn().await;
            self.restart();
        }
    }
}

/// Goes on in a task of its own.
pub(crate) async fn turn() {
    let mut is_sent = false;
    let told = Promise::new(&mut |resolve, _| is_sent = message(&resolve).is_some());
    if is_sent {
        let _ = JsFuture::from(told).await;
    } else {
        TimeoutFuture::new(0).await;
    }
}

/// Sends a message to oneself; `None` where there are no channels.
fn message(told: &Function) -> Option<()> {
    let get = |of: &JsValue, name: &str| Reflect::get(of, &JsValue::from_str(name)).ok();
    let class: Function = get(&js_sys::global(), "MessageChannel")?.dyn_into().ok()?;
    let channel = Reflect::construct(&class, &Array::new()).ok()?;
    let (near, far) = (get(&channel, "port1")?, get(&channel, "port2")?);
    let post: Function = get(&far, "postMessage")?.dyn_into().ok()?;
    Reflect::set(&near, &JsValue::from_str("onmessage"), told).ok()?;
    post.call1(&far, &JsValue::UNDEFINED).ok().map(drop)
}
