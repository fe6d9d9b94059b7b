//! Node.js and npm, which run Playwright and the wasm vectors; and the packages of the browser tests.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::debian;
use crate::{
    place::Place,
    shell::{find, output, run, say},
    stamp::Digest,
};

/// Oldest major version that Playwright runs on. Debian 12 has 18.
const MAJOR_MIN: u32 = 20;
/// What is fetched where the machine's own is older: a release with long support, as the npm package `node`, whose packages
/// by platform hold the programs of nodejs.org.
const FETCHED: &str = "node@24.21.0";

/// A Node.js that is new enough.
pub(crate) struct Node {
    program: PathBuf,
}

impl Node {
    /// Where it is.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Runs a script with it.
    pub(crate) fn script(&self, script: impl AsRef<Path>) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(script.as_ref());
        command
    }

    /// `PATH` with this one before any other, for programs that start `node` themselves.
    pub(crate) fn path(&self) -> OsString {
        let others = env::var_os("PATH").unwrap_or_default();
        let folder = self.program.parent().map(Path::to_path_buf);
        env::join_paths(folder.into_iter().chain(env::split_paths(&others))).unwrap_or(others)
    }
}

/// Finds Node.js, or installs Debian's; where that is too old for Playwright, fetches a newer one with its npm into a folder of
/// the project, and leaves the machine's own alone.
///
/// # Errors
/// When there is none and none can be installed.
pub(crate) fn ready(place: &Place) -> Result<Node> {
    let folder = place.root.join(".zoufang/node");
    let fetched = folder.join("node_modules/node/bin/node");
    if let Some(program) = find("node").filter(|program| is_new(program)) {
        npm()?;
        return Ok(Node { program });
    }
    if !is_new(&fetched) {
        npm()?;
        say(format!(
            "Fetching Node.js (for the browser tests: Playwright needs {MAJOR_MIN} or newer) from npm: {FETCHED}"
        ));
        fs::create_dir_all(&folder)?;
        run(Command::new("npm")
            .args(["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"])
            .arg(&folder)
            .arg(FETCHED))?;
    }
    is_new(&fetched).then_some(Node { program: fetched }).with_context(|| {
        format!("npm fetched no Node.js that runs here: install version {MAJOR_MIN} or newer")
    })
}

fn npm() -> Result<PathBuf> {
    if find("npm").is_none() || find("node").is_none() {
        debian::install("Node.js (for the browser tests)", &["nodejs", "npm"])?;
    }
    find("npm").context("npm was installed but is not on the PATH")
}

fn is_new(program: &Path) -> bool {
    program.is_file()
        && output(Command::new(program).arg("--version"))
            .is_ok_and(|said| major(&said).is_some_and(|major| major >= MAJOR_MIN))
}

/// The first number of `v24.21.0`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// Installs the npm packages of `folder` exactly as its lock file says, unless that was done for this very lock file.
///
/// `npm ci` of some versions refuses a lock file that an older one wrote, since packages of other platforms are not listed
/// in it; then `npm install` takes what is listed as it is listed, and leaves the file alone.
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
    say(format!("Installing the npm packages of {}", folder.display()));
    let npm = |command: &[&str]| {
        run(Command::new("npm")
            .args(command)
            .args(["--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(folder)
            // The browser is the machine's own Chromium.
            .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"))
    };
    npm(&["ci"]).or_else(|_| npm(&["install", "--no-save"]))?;
    fs::create_dir_all(folder.join("node_modules"))?;
    fs::write(&stamp, wanted).with_context(|| format!("{} could not be written", stamp.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read() {
        assert_eq!(major("v24.21.0\n"), Some(24));
        assert_eq!(major("v18.20.4\n").filter(|major| *major >= MAJOR_MIN), None);
        assert_eq!(major("node: not found"), None);
    }
}
