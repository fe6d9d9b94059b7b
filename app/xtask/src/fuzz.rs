//! Fuzzing with libFuzzer: `tests/fuzz`, on the nightly toolchain. The ordinary tests replay what it kept.
//!
//! What the fuzzer finds new goes into a working corpus in the target folder, which grows from run to run and is not in
//! the repository. A crasher is copied to `tests/fuzz/corpus/<target>`, where it is replayed for ever.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::Map;

use crate::{
    place::Place,
    record::{self, Figures},
    shell::{find, note, output, run_seen, run_within, say},
};

/// The toolchain, by the name that rustup gives it.
const TOOLCHAIN: &str = "nightly";
/// Longer inputs teach nothing that shorter ones do not.
const INPUT_BYTES_MAX: usize = 8 * 1024;
/// One input may take so long, with all checks on.
const INPUT_SECONDS_MAX: u32 = 10;
/// One allocation may have so many megabytes, and the process so many; the checks of memory need some themselves.
const ALLOCATION_MB_MAX: u32 = 64;
const MEMORY_MB_MAX: u32 = 1_024;
const INSTALL_LIMIT: Duration = Duration::from_secs(900);

/// Switches of `cargo xtask fuzz`.
#[derive(Args, Debug, Clone)]
pub(crate) struct Options {
    /// The targets; all of them if none is named.
    targets: Vec<String>,
    /// How long each target runs.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

/// `cargo xtask fuzz`.
///
/// # Errors
/// When something that fuzzing needs is missing, or a target finds something.
pub(crate) fn command(place: &Place, options: &Options) -> Result<()> {
    ready()?;
    let all = targets(place)?;
    for wanted in &options.targets {
        if !all.contains(wanted) {
            bail!("no fuzz target {wanted}; there are {}", all.join(", "));
        }
    }
    let chosen = if options.targets.is_empty() { &all } else { &options.targets };
    let mut inputs = Map::new();
    for target in chosen {
        let tried = one(place, target, options.seconds)?;
        inputs.insert(target.clone(), tried.into());
    }
    let figures =
        [("inputs_tried".into(), inputs.into()), ("seconds_a_target".into(), options.seconds.into())];
    record::keep(place, "fuzz", Figures::from(figures))
}

fn ready() -> Result<()> {
    if output(Command::new("rustup").args(["run", TOOLCHAIN, "rustc", "--version"])).is_err() {
        bail!(
            "fuzzing needs the nightly toolchain: `rustup toolchain install {TOOLCHAIN} --profile minimal`"
        );
    }
    if find("cargo-fuzz").is_none() {
        say("Installing cargo-fuzz from crates.io");
        if !run_within(Command::new("cargo").args(["install", "cargo-fuzz", "--locked"]), INSTALL_LIMIT) {
            bail!("cargo-fuzz could not be installed: `cargo install cargo-fuzz --locked`");
        }
    }
    Ok(())
}

/// The targets, by the files that they are.
fn targets(place: &Place) -> Result<Vec<String>> {
    let folder = place.root.join("tests/fuzz/targets");
    let files = fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut names: Vec<String> = files
        .filter_map(|file| Some(file.ok()?.path().file_stem()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    Ok(names)
}

/// Fuzzes one target; returns how many inputs were tried.
fn one(place: &Place, target: &str, seconds: u32) -> Result<u64> {
    say(format!("Fuzzing {target} for {seconds} s"));
    let build = place.target.join("fuzz");
    let (grown, crashes) = (build.join("corpus").join(target), build.join("crashes").join(target));
    fs::create_dir_all(&grown)?;
    fs::create_dir_all(&crashes)?;
    let kept = place.root.join("tests/fuzz/corpus").join(target);
    let before = files(&crashes);
    let mut tried = 0;
    let mut command = Command::new("rustup");
    command
        .args(["run", TOOLCHAIN, "cargo", "fuzz", "run", "--fuzz-dir", "tests/fuzz", target])
        .args([&grown, &kept])
        .arg("--")
        .args([
            format!("-max_total_time={seconds}"),
            format!("-max_len={INPUT_BYTES_MAX}"),
            format!("-timeout={INPUT_SECONDS_MAX}"),
            format!("-malloc_limit_mb={ALLOCATION_MB_MAX}"),
            format!("-rss_limit_mb={MEMORY_MB_MAX}"),
            format!("-artifact_prefix={}/", crashes.display()),
            "-print_final_stats=1".to_owned(),
        ])
        .current_dir(&place.root)
        .env("CARGO_TARGET_DIR", &build)
        // The variables of the toolchain that runs this program would win over the one asked for.
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO");
    let fuzzed = run_seen(&mut command, |line| {
        if let Some(count) = line.strip_prefix("stat::number_of_executed_units:") {
            tried = count.trim().parse().unwrap_or(0);
        }
    });
    note(format!("{} inputs in the working corpus {}", files(&grown).len(), grown.display()));
    let Err(error) = fuzzed else { return Ok(tried) };
    for crash in files(&crashes).into_iter().filter(|file| !before.contains(file)) {
        let name = crash.file_name().unwrap_or_default().to_string_lossy().into_owned();
        fs::copy(&crash, kept.join(&name))?;
        note(format!("kept for ever as tests/fuzz/corpus/{target}/{name}"));
    }
    Err(error.context(format!("{target} has a finding")))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().filter_map(|file| Some(file.ok()?.path())).collect()
}
