//! Chromium for the browser tests, and Chinese fonts, without which screenshots show boxes.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::debian;
use crate::shell::{find, note};

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const FONTS: &str = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc";

/// Finds a Chromium (`CHROMIUM` names another one), or installs Debian's.
///
/// # Errors
/// When there is none and none can be installed.
pub(crate) fn ready() -> Result<PathBuf> {
    let wanted = env::var("CHROMIUM").ok();
    let found = wanted.as_deref().and_then(find).or_else(|| NAMES.into_iter().find_map(find));
    let missing = missing_packages(found.is_some());
    if found.is_some() && missing.is_empty() {
        return found.context("just found");
    }
    match debian::install("Chromium and Chinese fonts for the browser tests", &missing) {
        Ok(()) => {}
        Err(error) if found.is_some() => note(format!("{error:#}; screenshots may lack Chinese letters")),
        Err(error) => {
            return Err(error.context("no Chromium; name one in the variable CHROMIUM, or install it"));
        }
    }
    found
        .or_else(|| NAMES.into_iter().find_map(find))
        .context("Chromium was installed but is not on the PATH")
}

fn missing_packages(has_chromium: bool) -> Vec<&'static str> {
    let mut packages = Vec::new();
    if !has_chromium {
        packages.push("chromium");
    }
    if debian::is_here() && !Path::new(FONTS).exists() {
        packages.push("fonts-noto-cjk");
    }
    packages
}
