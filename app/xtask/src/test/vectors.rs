//! Runs the core's byte vectors as wasm: `app/core/examples/wasm_vectors.rs`, a cdylib, exports `run() -> String`, which
//! panics at the first vector that does not hold and else says how many there were.

use std::{fs, process::Command};

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::{
    place::Place,
    record::{self, Figures},
    setup,
    shell::{note, output, run, say},
};

const EXAMPLE: &str = "wasm_vectors";
const TARGET: &str = "wasm32-unknown-unknown";

/// Compiles the vectors for wasm32 and runs them under Node.js.
///
/// # Errors
/// When a vector does not hold.
pub(crate) fn run_on_wasm(place: &Place) -> Result<()> {
    if !place.root.join("app/core/examples").join(format!("{EXAMPLE}.rs")).exists() {
        bail!("app/core/examples/{EXAMPLE}.rs is missing: the byte vectors must hold on wasm32 too");
    }
    let node = setup::node::ready(place)?;
    say("The core's byte vectors on wasm32");
    let toolchain = setup::wasm::ready(place)?;
    run(toolchain.cargo(place).args([
        "build",
        "--package",
        "zoufang-core",
        "--example",
        EXAMPLE,
        "--target",
        TARGET,
    ]))?;
    let module = place.wasm_target.join(TARGET).join("debug/examples").join(format!("{EXAMPLE}.wasm"));
    let folder = place.wasm_target.join("vectors");
    fs::create_dir_all(&folder)?;
    Bindgen::new()
        .input_path(&module)
        .out_name("vectors")
        .nodejs(true)?
        .typescript(false)
        .generate(&folder)
        .with_context(|| format!("wasm-bindgen failed on {}", module.display()))?;
    let script = "const { run } = require('./vectors.js'); console.log(run());";
    let said = output(Command::new(node.program()).args(["-e", script]).current_dir(&folder))?;
    note(said.trim());
    record::keep(place, "wasm", Figures::from([("said".into(), said.trim().into())]))
}
