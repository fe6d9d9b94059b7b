//! The browser tests: Playwright drives the machine's Chromium against a real server process with the bundle inside.

use std::fs;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::Value;

use crate::{
    bundle,
    place::Place,
    record::{self, Figures},
    run::build_server,
    setup,
    shell::{run, say},
};

/// Switches of `cargo xtask e2e`.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct Options {
    /// Arguments for Playwright, as `offline.spec.ts --headed`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<String>,
}

/// Checks the types of the tests, which Playwright takes out unread.
///
/// # Errors
/// When one does not fit, or Node.js or its packages cannot be had.
pub(crate) fn types(place: &Place) -> Result<()> {
    let (folder, node) = (place.e2e(), setup::node::ready(place)?);
    setup::node::packages(&folder)?;
    run(node.script("node_modules/typescript/bin/tsc").arg("--noEmit").current_dir(&folder))
}

/// `cargo xtask e2e`.
///
/// # Errors
/// When a test fails, or something that the tests need is missing.
pub(crate) fn command(place: &Place, options: &Options) -> Result<()> {
    let folder = place.e2e();
    if !folder.join("package.json").exists() {
        bail!("tests/e2e holds no package.json");
    }
    let chromium = setup::browser::ready()?;
    let node = setup::node::ready(place)?;
    types(place)?;
    let dist = bundle::make(place, &bundle::Options::default())?;
    let server = build_server(place, true)?;
    say("Browser tests");
    let report = record::folder(place).join("playwright.json");
    run(node
        .script("node_modules/@playwright/test/cli.js")
        .arg("test")
        .args(&options.arguments)
        .current_dir(&folder)
        .env("CHROMIUM", chromium)
        .env("ZOUFANG_SERVER_BIN", server)
        .env("ZOUFANG_DIST", dist)
        .env("ZOUFANG_E2E_REPORT", &report))?;
    // A run of some tests only says nothing of the others.
    if !options.arguments.is_empty() {
        return Ok(());
    }
    let said: Value = serde_json::from_str(&fs::read_to_string(&report)?)?;
    let count = |name: &str| said["stats"][name].clone();
    record::keep(
        place,
        "e2e",
        Figures::from([("passed".into(), count("expected")), ("skipped".into(), count("skipped"))]),
    )
}
