//! What a link brought along behind its `#`, which the browser tells no server: a one-time code out of a QR code.
use gloo::events::EventListener;
use leptos::prelude::*;
use wasm_bindgen::JsValue;

const CODE: &str = "#code=";
const CODE_DIGITS: usize = 8;

/// The code that a link brought, until it is used.
#[derive(Clone, Copy)]
pub(crate) struct Link {
    /// Eight digits.
    pub(crate) code: RwSignal<Option<String>>,
}

impl Link {
    /// Takes the code out of the address, now and whenever a link is opened where the app is open already.
    pub(crate) fn new() -> Self {
        let link = Self { code: RwSignal::new(taken()) };
        EventListener::new(&gloo::utils::window(), "hashchange", move |_| {
            if let Some(code) = taken() {
                link.code.set(Some(code));
            }
        })
        .forget();
        link
    }
}

/// The address to be opened on the phone that is to be enrolled.
pub(crate) fn with_code(code: &str) -> Option<String> {
    gloo::utils::window().location().origin().ok().map(|origin| format!("{origin}/{CODE}{code}"))
}

/// The code stands in the address no longer than this.
fn taken() -> Option<String> {
    let window = gloo::utils::window();
    let location = window.location();
    let hash = location.hash().ok()?;
    let code = hash.strip_prefix(CODE)?;
    let place = format!("{}{}", location.pathname().ok()?, location.search().ok()?);
    window.history().ok()?.replace_state_with_url(&JsValue::NULL, "", Some(&place)).ok()?;
    (code.len() == CODE_DIGITS && code.bytes().all(|byte| byte.is_ascii_digit())).then(|| code.to_owned())
}
