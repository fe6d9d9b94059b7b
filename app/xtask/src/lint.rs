//! Everything that reads the code and runs none of it: format, clippy for host and browser, types of the browser tests, tidy, licences.

use anyhow::{Result, bail};

use crate::{
    e2e, fmt,
    place::Place,
    setup,
    shell::{cargo, find, note, output, run, say},
};

/// The crates that are built for the host.
pub(crate) const HOST_CRATES: [&str; 4] =
    ["zoufang-core", "zoufang-server", "zoufang-tests", "zoufang-xtask"];

/// `cargo xtask lint`.
pub(crate) fn command(place: &Place) -> Result<()> {
    code(place)?;
    say("Tidy: crate arrows, file sizes, what may stand where");
    run(cargo(place).args(["test", "--quiet", "--package", "zoufang-xtask", "--test", "tidy"]))?;
    licences(place)
}

/// Format, the types of the browser tests, and clippy for the host's crates and for the browser's.
///
/// # Errors
/// At the first finding.
pub(crate) fn code(place: &Place) -> Result<()> {
    say("Checking the format");
    fmt::command(place, &fmt::Options { check: true })?;
    say("Checking the types of the browser tests");
    e2e::types(place)?;
    say("Checking with clippy: host");
    run(cargo(place).arg("clippy").args(packages()).args(["--all-targets", "--", "-D", "warnings"]))?;
    let crash = [
        "--package",
        "zoufang-tests",
        "--features",
        "crash-points",
        "--bin",
        "crash-server",
        "--test",
        "crash",
    ];
    run(cargo(place).arg("clippy").args(crash).args(["--", "-D", "warnings"]))?;
    say("Checking with clippy: browser");
    let toolchain = setup::wasm::ready(place)?;
    if output(toolchain.cargo(place).args(["clippy", "--version"])).is_err() {
        bail!(
            "the toolchain for wasm32 has no clippy: rustup component add clippy, or Debian's rust-web-clippy"
        );
    }
    // With and without what only the side-by-side bench needs.
    for features in [[].as_slice(), &["--features", "bench"]] {
        run(toolchain.cargo(place).args(["clippy", "--package", "zoufang-web"]).args(features).args([
            "--target",
            "wasm32-unknown-unknown",
            // What the bundle's build scripts and macros need is built then.
            "--profile",
            "wasm",
            "--",
            "-D",
            "warnings",
        ]))?;
    }
    Ok(())
}

/// `--package` for each crate of the host.
pub(crate) fn packages() -> impl Iterator<Item = &'static str> {
    HOST_CRATES.into_iter().flat_map(|name| ["--package", name])
}

fn licences(place: &Place) -> Result<()> {
    if find("cargo-deny").is_none() {
        note("cargo-deny is not installed: licences and sources of dependencies were not checked");
        return Ok(());
    }
    say("Checking licences and sources of dependencies");
    run(cargo(place).args(["deny", "check", "bans", "licenses", "sources"]))
}
