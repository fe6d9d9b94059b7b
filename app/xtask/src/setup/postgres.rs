//! PostgreSQL for the tests of its store, which start clusters of their own; no running server is needed.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::debian;
use crate::shell::find;

/// Where Debian has the programs, one folder a version.
const DEBIAN_FOLDER: &str = "/usr/lib/postgresql";
const VERSION_MIN: u32 = 15;

/// Finds the programs of PostgreSQL 15 or newer (`ZOUFANG_PG_BIN` names their folder), or installs Debian's.
///
/// # Errors
/// When there are none and none can be installed.
pub(crate) fn ready() -> Result<PathBuf> {
    if let Some(found) = initdb() {
        return Ok(found);
    }
    let purpose = "PostgreSQL (for the tests of its store)";
    // Debian 12 has version 15 under its own name; newer ones have a newer version under the plain one.
    debian::install(purpose, &["postgresql-15"]).or_else(|_| debian::install(purpose, &["postgresql"]))?;
    initdb()
        .context("PostgreSQL was installed, but not version 15 or newer; name its folder in ZOUFANG_PG_BIN")
}

/// The tests look in the same places in the same order.
fn initdb() -> Option<PathBuf> {
    if let Some(named) = env::var_os("ZOUFANG_PG_BIN") {
        return Some(Path::new(&named).join("initdb")).filter(|program| program.is_file());
    }
    let versions = fs::read_dir(DEBIAN_FOLDER).into_iter().flatten().flatten();
    let new = versions.filter(|entry| {
        entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()).is_some_and(|n| n >= VERSION_MIN)
    });
    let mut programs = new.map(|entry| entry.path().join("bin/initdb"));
    programs.find(|program| program.is_file()).or_else(|| find("initdb"))
}
