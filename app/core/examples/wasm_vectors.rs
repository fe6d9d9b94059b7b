//! The byte vectors as a wasm module, for `cargo xtask test`: phone and server must write and read the same bytes.
#![cfg(target_arch = "wasm32")]

#[path = "../tests/vectors/messages.rs"]
mod messages;

use wasm_bindgen::prelude::wasm_bindgen;

/// Checks every vector and says how many hold; stops at the first that does not.
///
/// # Panics
/// With what differs.
#[wasm_bindgen]
#[must_use]
pub fn run() -> String {
    let vectors = messages::all();
    for vector in &vectors {
        if let Err(error) = vector.check() {
            wasm_bindgen::throw_str(&error);
        }
    }
    let frozen = messages::frozen();
    for vector in &frozen {
        if let Err(error) = vector.check_frozen() {
            wasm_bindgen::throw_str(&error);
        }
    }
    format!("{} vectors hold", vectors.len() + frozen.len())
}
