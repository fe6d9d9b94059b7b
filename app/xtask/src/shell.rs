//! Runs other programs: says what runs, and turns a failure into words that name it.

use std::{
    env,
    ffi::OsStr,
    io::{BufRead, BufReader, pipe},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::place::Place;

const LINE_MAX_LETTERS: usize = 160;

/// Tells the person at the terminal what happens now, and how long after the start.
pub(crate) fn say(text: impl AsRef<str>) {
    static START: OnceLock<Instant> = OnceLock::new();
    let seconds = START.get_or_init(Instant::now).elapsed().as_secs();
    eprintln!("==> {}:{:02} {}", seconds / 60, seconds % 60, text.as_ref());
}

/// Tells something that needs no action but should be known.
pub(crate) fn note(text: impl AsRef<str>) {
    eprintln!("    {}", text.as_ref());
}

/// Cargo of the tool chain that runs this program, at the root, building into the host's target folder.
pub(crate) fn cargo(place: &Place) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(&place.root).env("CARGO_TARGET_DIR", &place.target);
    command
}

/// Runs a program to its end, its output passing through.
///
/// # Errors
/// When it cannot be started or ends with a failure.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = line(command);
    note(format!("$ {line}"));
    let status = command.status().with_context(|| format!("`{line}` could not be started"))?;
    ended_well(&line, status)
}

/// Runs a program to its end, its output passing through, and gives its lines to `see` as well.
///
/// # Errors
/// When it cannot be started or ends with a failure.
pub(crate) fn run_seen(command: &mut Command, mut see: impl FnMut(&str)) -> Result<()> {
    let line = line(command);
    note(format!("$ {line}"));
    let (reader, writer) = pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn().with_context(|| format!("`{line}` could not be started"))?;
    // The ends of the pipe that this program holds go, so that reading ends with the child.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    for said in BufReader::new(reader).split(b'\n') {
        let said = said?;
        let said = String::from_utf8_lossy(&said);
        eprintln!("{said}");
        see(&said);
    }
    ended_well(&line, child.wait()?)
}

fn ended_well(line: &str, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

/// Runs a program quietly and returns what it printed.
///
/// # Errors
/// When it cannot be started or ends with a failure; its error output is in the message.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let line = line(command);
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("`{line}` could not be started"))?;
    if !output.status.success() {
        bail!("`{line}` failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program, but stops it after `limit`. Tells whether it succeeded in time.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> bool {
    let line = line(command);
    note(format!("$ {line}  (at most {} s)", limit.as_secs()));
    let Ok(mut child) = command.stdin(Stdio::null()).spawn() else { return false };
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if start.elapsed() < limit => thread::sleep(Duration::from_millis(100)),
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                note(format!("`{line}` did not end in time and was stopped"));
                return false;
            }
        }
    }
}

/// The full path of a program on the PATH.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let name = Path::new(program);
    if name.is_absolute() {
        return name.is_file().then(|| name.to_path_buf());
    }
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// The command as one would type it; a long one is cut.
fn line(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words: Vec<_> =
        std::iter::once(program).chain(command.get_args()).map(OsStr::to_string_lossy).collect();
    let line = words.join(" ");
    match line.char_indices().nth(LINE_MAX_LETTERS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_hangs_is_stopped() {
        let start = Instant::now();
        assert!(!run_within(Command::new("sleep").arg("60"), Duration::from_millis(200)));
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_failure_names_the_command_and_what_it_said() {
        let error =
            output(Command::new("sh").args(["-c", "echo no disk >&2; exit 3"])).expect_err("must fail");
        let text = format!("{error:#}");
        assert!(text.contains("sh -c") && text.contains("no disk"), "{text}");
    }
}
