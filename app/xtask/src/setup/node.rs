//! Node.js and npm, which run Playwright and the wasm vectors; and the packages of the browser tests.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::debian;
use crate::{
    shell::{find, run, say},
    stamp::Digest,
};

/// Finds Node.js, or installs Debian's.
///
/// # Errors
/// When there is none and none can be installed.
pub(crate) fn ready() -> Result<PathBuf> {
    if find("npm").is_none() || find("node").is_none() {
        debian::install("Node.js (for the browser tests)", &["nodejs", "npm"])?;
    }
    find("node").context("Node.js was installed but is not on the PATH")
}

/// Installs the npm packages of `folder` exactly as its lock file says, unless that was done for this very lock file.
///
/// # Errors
/// When npm fails.
pub(crate) fn packages(folder: &Path) -> Result<()> {
    let lock = folder.join("package-lock.json");
    if !lock.exists() {
        return Ok(());
    }
    let wanted = Digest::of_file(&lock)?.text();
    let stamp = folder.join("node_modules/.zoufang-lock");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    say("Installing the npm packages of the browser tests");
    run(Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(folder)
        // The browser is the machine's own Chromium.
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"))?;
    fs::create_dir_all(folder.join("node_modules"))?;
    fs::write(&stamp, wanted).with_context(|| format!("{} could not be written", stamp.display()))
}
