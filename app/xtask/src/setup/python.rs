//! schemathesis, which fuzzes the API: in a virtual environment of the project, exactly as `tests/api-fuzz/requirements.txt` says.

use std::{
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

/// Makes the environment, unless it was made of these very requirements, and gives the program.
///
/// # Errors
/// When there is no Python 3 that can make one, or pip fails.
pub(crate) fn schemathesis(place: &Place) -> Result<PathBuf> {
    let requirements = place.root.join("tests/api-fuzz/requirements.txt");
    let folder = place.root.join(".zoufang/python");
    let (program, stamp) = (folder.join("bin/schemathesis"), folder.join("requirements"));
    let wanted = Digest::of_file(&requirements)?.text();
    if program.is_file() && fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(program);
    }
    say(format!("Fetching schemathesis (which fuzzes the API) from PyPI into {}", folder.display()));
    run(Command::new(python()?).args(["-m", "venv", "--clear"]).arg(&folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    run(Command::new(folder.join("bin/python")).args(pip).arg(&requirements))?;
    fs::write(&stamp, wanted).with_context(|| format!("{} could not be written", stamp.display()))?;
    Ok(program)
}

/// A Python that can make virtual environments: Debian's cannot without a package more.
fn python() -> Result<PathBuf> {
    let able = |program: &Path| {
        output(Command::new(program).args(["-c", "import ensurepip, venv"]))
            .is_ok()
            .then(|| program.to_path_buf())
    };
    let found = || find("python3").and_then(|program| able(&program));
    if let Some(program) = found() {
        return Ok(program);
    }
    debian::install("Python 3 (for schemathesis, which fuzzes the API)", &["python3", "python3-venv"])?;
    found().context("Python 3 was installed but makes no virtual environments")
}
