//! Choices that belong to this browser: language, theme, size of the text. Nothing about people is kept here.
use gloo::storage::{LocalStorage, Storage};

/// The language's tag.
pub(crate) const LANGUAGE: &str = "zoufang.language";
/// `light`, `dark`, or nothing for the system's choice. `boot.js` reads it too.
pub(crate) const THEME: &str = "zoufang.theme";
/// `large`, `largest`, or nothing. `boot.js` reads it too.
pub(crate) const TEXT: &str = "zoufang.text";
/// The bench measures the lock, too.
pub(crate) const BENCH_PIN: &str = "zoufang.bench.pin";
/// The bench compares with a store in clear.
pub(crate) const BENCH_CLEAR: &str = "zoufang.bench.clear";
/// Whether the PIN is a passphrase, which needs a keyboard with letters.
pub(crate) const PASSPHRASE: &str = "zoufang.passphrase";

/// A kept choice.
pub(crate) fn read(key: &str) -> Option<String> {
    LocalStorage::raw().get_item(key).ok().flatten()
}

/// Keeps a choice, or forgets it. A browser that refuses merely forgets it at the next start.
pub(crate) fn write(key: &str, value: Option<&str>) {
    let _ = match value {
        Some(value) => LocalStorage::raw().set_item(key, value),
        None => LocalStorage::raw().remove_item(key),
    };
}

/// With this attribute of the root element the page is blank: it is being locked or wiped.
pub(crate) const CLOSING: &str = "data-closing";

/// Sets or takes away an attribute of the root element; the style sheet does the rest.
pub(crate) fn mark_root(attribute: &str, value: Option<&str>) {
    if let Some(root) = gloo::utils::document().document_element() {
        let _ = match value {
            Some(value) => root.set_attribute(attribute, value),
            None => root.remove_attribute(attribute),
        };
    }
}
