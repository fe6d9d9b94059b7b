//! Argon2id in a worker (`public/stretch.js`): the screen goes on, and its 64 MiB go back when it is done. The worker runs the module
//! of this page a second time, without a page.
use js_sys::{Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{MessageEvent, Worker, WorkerOptions, WorkerType};
use zoufang_core::{
    encode,
    seal::{Cost, Pin, Salts, SealError, Stretched},
};

use super::{fault::Fault, random};
use crate::platform::clock;

/// Where the page says which file the worker is.
const PLACE: &str = "[data-stretch]";
const ATTRIBUTE: &str = "data-stretch";
/// What the worker finds among its own names.
const FUNCTION: &str = "stretch";

/// What the worker said.
enum Said {
    /// The PIN is stretched; how long it took in ms.
    Made([u8; 32], u64),
    /// There was not enough memory.
    NoMemory,
    /// There is no such worker.
    Nothing,
}

/// Stretches a PIN; says how long that took in ms.
pub(super) async fn stretch(salts: &Salts, pin: &Pin) -> Result<(Stretched, u64), SealError> {
    match ask(salts, pin).await.unwrap_or(Said::Nothing) {
        Said::Made(bytes, ms) => Ok((Stretched::from_bytes(bytes), ms)),
        Said::NoMemory => Err(SealError::NoMemory),
        // A browser without module workers: here, while the screen waits.
        Said::Nothing => {
            let began = clock::steady_ms();
            let stretched = salts.stretch(pin)?;
            Ok((stretched, clock::steady_ms().saturating_sub(began)))
        }
    }
}

/// What a try may cost on this phone.
pub(super) async fn calibrate() -> Result<Cost, Fault> {
    let salts = Salts::from_parts(Cost::START, random()?, random()?);
    let tried = stretch(&salts, &Pin::tried("")).await;
    Ok(tried.map_or(Cost::FLOOR, |(_, ms)| Cost::for_phone(ms)))
}

async fn ask(salts: &Salts, pin: &Pin) -> Option<Said> {
    let place = gloo::utils::document().query_selector(PLACE).ok()??;
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    let worker = Worker::new_with_options(&place.get_attribute(ATTRIBUTE)?, &options).ok()?;
    // Whichever event comes first.
    let event = Promise::new(&mut |resolve, _| {
        worker.set_onmessage(Some(&resolve));
        worker.set_onerror(Some(&resolve));
    });
    let asked = Object::new();
    let salts = Uint8Array::from(encode(salts).as_slice());
    for (key, value) in
        [("module", wasm_bindgen::module()), ("salts", salts.into()), ("pin", pin.expose().into())]
    {
        Reflect::set(&asked, &key.into(), &value).ok()?;
    }
    let event = match worker.post_message(&asked) {
        Ok(()) => JsFuture::from(event).await.ok(),
        Err(_) => None,
    };
    worker.terminate();
    let answer = event?.dyn_into::<MessageEvent>().ok()?.data();
    Some(read(&answer).unwrap_or(Said::NoMemory))
}

/// The stretched PIN; `None` if the worker ran out of memory.
fn read(answer: &JsValue) -> Option<Said> {
    let made = Reflect::get(answer, &"made".into()).ok()?.dyn_into::<Uint8Array>().ok()?;
    let ms = Reflect::get(answer, &"ms".into()).ok()?.as_f64()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "ms of a wait")]
    Some(Said::Made(made.to_vec().try_into().ok()?, ms as u64))
}

/// Where there is no page the module serves the worker: it puts a function among its names, and that is all. Says whether it did.
pub(crate) fn serve() -> bool {
    if web_sys::window().is_some() {
        return false;
    }
    let work = Closure::<dyn Fn(Uint8Array, String) -> JsValue>::new(|salts: Uint8Array, pin: String| {
        let stretched = minicbor::decode::<Salts>(&salts.to_vec())
            .ok()
            .and_then(|salts| salts.stretch(&Pin::tried(&pin)).ok());
        stretched.map_or(JsValue::UNDEFINED, |made| Uint8Array::from(&made.expose()[..]).into())
    });
    let _ = Reflect::set(&js_sys::global(), &FUNCTION.into(), &work.into_js_value());
    true
}
