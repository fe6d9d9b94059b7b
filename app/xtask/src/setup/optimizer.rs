//! wasm-opt, which makes the bundle a fifth smaller. Not needed: without it the bundle is larger and works the same.

use std::path::PathBuf;

use super::debian;
use crate::shell::{find, note};

/// Finds wasm-opt, installs it where that is possible without asking, or goes on without.
pub(crate) fn ready() -> Option<PathBuf> {
    if let Some(path) = find("wasm-opt") {
        return Some(path);
    }
    if debian::is_here() && debian::install("wasm-opt (a smaller bundle)", &["binaryen"]).is_ok() {
        return find("wasm-opt");
    }
    note("no wasm-opt on the PATH: the bundle will be about a fifth larger (package binaryen)");
    None
}
