//! Files that the app gives to a person, and takes from one.
use gloo::timers::future::TimeoutFuture;
use js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File, FilePropertyBag, HtmlAnchorElement, HtmlInputElement, Url};

/// A browser reads an address that was made for a download later than at the click.
const FREE_AFTER_MS: u32 = 60_000;
const TYPE: &str = "application/octet-stream";
const TEXT: &str = "text/plain";
/// The end of the name of a file that is shared as text.
pub(crate) const TEXT_SUFFIX: &str = ".txt";

/// A file in the memory of the page, and the same one under a name and a type that browsers hand to other apps: they share text, and
/// nothing that they do not know.
#[derive(Clone)]
pub(crate) struct MemoryFile {
    own: File,
    as_text: File,
}

impl MemoryFile {
    /// A file with a name.
    pub(crate) fn new(name: &str, bytes: &Uint8Array) -> Option<Self> {
        Some(Self {
            own: file(name, bytes, TYPE)?,
            as_text: file(&format!("{name}{TEXT_SUFFIX}"), bytes, TEXT)?,
        })
    }

    /// Whether the browser can hand it to another app.
    pub(crate) fn can_be_shared(&self) -> bool {
        let asked = call("canShare", &self.shared());
        asked.is_some_and(|answer| answer.is_truthy())
    }

    /// Hands it to another app that the person chooses. If the browser does not do it after all, it is downloaded.
    pub(crate) fn share(&self) {
        let shared = call("share", &self.shared()).and_then(|sharing| sharing.dyn_into::<Promise>().ok());
        let file = self.clone();
        leptos::task::spawn_local(async move {
            let failed = match shared {
                Some(sharing) => JsFuture::from(sharing).await.err().map(|error| name_of(&error)),
                None => Some(String::new()),
            };
            // The person chose no app.
            if failed.is_some_and(|name| name != "AbortError") {
                file.download();
            }
        });
    }

    /// Puts it where the browser puts what is downloaded.
    pub(crate) fn download(&self) {
        let blob: &Blob = &self.own;
        let Ok(address) = Url::create_object_url_with_blob(blob) else { return };
        let link = gloo::utils::document().create_element("a").ok();
        if let Some(link) = link.and_then(|link| link.dyn_into::<HtmlAnchorElement>().ok()) {
            link.set_href(&address);
            link.set_download(&self.own.name());
            link.click();
        }
        leptos::task::spawn_local(async move {
            TimeoutFuture::new(FREE_AFTER_MS).await;
            let _ = Url::revoke_object_url(&address);
        });
    }

    fn shared(&self) -> JsValue {
        let data = Object::new();
        let _ = Reflect::set(&data, &JsValue::from_str("files"), &Array::of1(&self.as_text));
        data.into()
    }
}

fn file(name: &str, bytes: &Uint8Array, of_type: &str) -> Option<File> {
    let options = FilePropertyBag::new();
    options.set_type(of_type);
    File::new_with_u8_array_sequence_and_options(&Array::of1(bytes), name, &options).ok()
}

/// The name of an error of the browser's.
fn name_of(error: &JsValue) -> String {
    let name = Reflect::get(error, &JsValue::from_str("name")).ok();
    name.and_then(|name| name.as_string()).unwrap_or_default()
}

/// Calls what not every browser has.
fn call(name: &str, with: &JsValue) -> Option<JsValue> {
    let navigator = gloo::utils::window().navigator();
    let method = Reflect::get(&navigator, &JsValue::from_str(name)).ok()?.dyn_into::<Function>().ok()?;
    method.call1(&navigator, with).ok()
}

/// Takes the file that was chosen, and lets the same one be chosen again.
pub(crate) fn chosen(input: &HtmlInputElement) -> Option<File> {
    let file = input.files()?.get(0);
    file.inspect(|_| input.set_value(""))
}

/// Reads a file; nothing if it cannot be read, or is longer than `bytes_max`.
pub(crate) async fn read(file: &File, bytes_max: usize) -> Option<Vec<u8>> {
    #[expect(clippy::cast_precision_loss, reason = "a few MiB")]
    if file.size() > bytes_max as f64 {
        return None;
    }
    let buffer = JsFuture::from(file.array_buffer()).await.ok()?;
    Some(Uint8Array::new(&buffer).to_vec())
}
