//! Makes a machine ready: checks what is there, installs what is missing where it may, and else says what to install.
//!
//! Each part is a function that costs milliseconds when nothing is missing, so every command calls the ones it needs.

pub(crate) mod browser;
mod debian;
mod faults;
pub(crate) mod node;
pub(crate) mod postgres;
pub(crate) mod python;
pub(crate) mod wasm;

use anyhow::{Result, bail};

use crate::{
    place::Place,
    shell::{find, note, say},
};

/// Everything that building, running and testing need.
///
/// # Errors
/// When something that cannot be done without is missing and cannot be installed from here.
pub(crate) fn all(place: &Place) -> Result<()> {
    c_compiler()?;
    let toolchain = wasm::ready(place)?;
    let chromium = browser::ready()?;
    let postgres = postgres::ready()?;
    let node = node::ready(place)?;
    node::packages(&place.e2e())?;
    faults::ready();
    let schemathesis = python::schemathesis(place)?;
    say("Everything is there");
    note(format!("Rust for wasm32: {}", toolchain.name()));
    note(format!("Chromium: {}", chromium.display()));
    note(format!("PostgreSQL: {}", postgres.display()));
    note(format!("Node.js: {}", node.program().display()));
    note(format!("schemathesis: {}", schemathesis.display()));
    Ok(())
}

/// What `bundle`, `run` and `serve` need.
///
/// # Errors
/// When there is no way to compile for wasm32.
pub(crate) fn build(place: &Place) -> Result<wasm::Toolchain> {
    c_compiler()?;
    wasm::ready(place)
}

/// SQLite is compiled from its C source.
fn c_compiler() -> Result<()> {
    if ["cc", "gcc", "clang"].into_iter().any(|name| find(name).is_some()) {
        return Ok(());
    }
    debian::install("a C compiler (for SQLite)", &["gcc", "libc6-dev"])?;
    if find("cc").is_none() {
        bail!("no C compiler: install gcc (Debian: gcc libc6-dev)");
    }
    Ok(())
}
