//! Installs packages where that is possible without asking: on Debian and its kin, as root or with a sudo that needs no password.

use std::{path::Path, process::Command};

use anyhow::{Result, bail};

use crate::shell::{find, output, run, say};

/// Whether this machine has apt at all.
pub(crate) fn is_here() -> bool {
    find("apt-get").is_some() && Path::new("/etc/debian_version").exists()
}

/// Installs packages; `purpose` says in plain words what for.
///
/// # Errors
/// When this is no Debian, when there is no right to install, or when apt fails. The message says what to install by hand.
pub(crate) fn install(purpose: &str, packages: &[&str]) -> Result<()> {
    let list = packages.join(" ");
    if !is_here() {
        bail!(
            "{purpose} is missing, and this is no Debian machine: install what corresponds to its packages {list}"
        );
    }
    let Some(prefix) = root_prefix() else {
        bail!(
            "{purpose} is missing, and installing it needs root: run `sudo apt-get install {list}` and try again"
        );
    };
    say(format!("Installing {purpose} from Debian's packages: {list}"));
    // The lists of a fresh machine are empty or old; without them apt finds nothing.
    run(apt(&prefix).args(["update", "-q"]))?;
    run(apt(&prefix).args(["install", "-q", "-y", "--no-install-recommends"]).args(packages))
}

/// Runs one command with the right to write under /usr.
///
/// # Errors
/// When there is no such right or the command fails.
pub(crate) fn run_as_root(program: &str, arguments: &[&std::ffi::OsStr]) -> Result<()> {
    let Some(prefix) = root_prefix() else {
        bail!("`{program}` must run as root here, and there is no password-free sudo")
    };
    run(with_prefix(&prefix, program).args(arguments))
}

fn apt(prefix: &[&str]) -> Command {
    let mut command = with_prefix(prefix, "apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn with_prefix(prefix: &[&str], program: &str) -> Command {
    match prefix.split_first() {
        Some((first, rest)) => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
        None => Command::new(program),
    }
}

/// What stands before a command to run it as root: nothing for root, `sudo -n` where that works.
fn root_prefix() -> Option<Vec<&'static str>> {
    let user = output(Command::new("id").arg("-u")).ok()?;
    if user.trim() == "0" {
        return Some(Vec::new());
    }
    output(Command::new("sudo").args(["-n", "true"])).ok().map(|_| vec!["sudo", "-n"])
}
