//! Runs the simulator of zoufang-tests: in a long run built as fast as a release with every assertion of ours awake, in a test run as the
//! other tests are, since another build takes longer than the days of a test run do.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use clap::Args;

use crate::{
    place::Place,
    record::{self, Figures},
    shell::{cargo, run, say},
};

/// Device-days of one test run; `cargo xtask test` must stay quick.
const TEST_DEVICE_DAYS: u64 = 10_000;
/// Device-days of one range of a long run: it can be stopped after each.
const RANGE_DEVICE_DAYS: u64 = 50_000;
/// In a long run one in so many seeds is run twice.
const LONG_TWICE: &str = "100";

/// Switches of `cargo xtask sim`.
#[derive(Args, Debug, Clone)]
pub(crate) struct Options {
    /// How many device-days, at least.
    #[arg(long, default_value_t = TEST_DEVICE_DAYS)]
    device_days: u64,
    /// The first seed; the others follow it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write the report here, as JSON; `.zoufang/sim.json` if nothing is said.
    #[arg(long)]
    report: Option<PathBuf>,
    /// Go on with the long run: ranges of 50,000 device-days on new seeds, each kept in `tests/records/sim-long`.
    #[arg(long, conflicts_with_all = ["seed", "report"])]
    long: bool,
    /// More arguments for the simulator: `-- --help` tells them.
    #[arg(last = true)]
    more: Vec<String>,
}

/// `cargo xtask sim`.
///
/// # Errors
/// When a seed loses something, or shows something else than it should.
pub(crate) fn command(place: &Place, options: &Options) -> Result<()> {
    if options.long {
        return long(place, options);
    }
    let report = options.report.clone().unwrap_or_else(|| usual_report(place));
    simulate(place, Build::Fast, options.device_days, options.seed, &report, &options.more)?;
    record::keep(place, "sim", figures(&report)?)
}

/// The simulation that belongs to every test run.
///
/// # Errors
/// As [`command`].
pub(crate) fn test(place: &Place) -> Result<()> {
    let report = usual_report(place);
    simulate(place, Build::Test, TEST_DEVICE_DAYS, 1, &report, &[])?;
    record::keep(place, "sim", figures(&report)?)
}

/// Where a report goes if nothing is said.
fn usual_report(place: &Place) -> PathBuf {
    place.root.join(".zoufang/sim.json")
}

/// Ranges on seeds that no kept range had, until there are as many device-days as were asked for. A range with a failure is
/// kept, too, and is the last.
fn long(place: &Place, options: &Options) -> Result<()> {
    let more: Vec<String> = ["--twice", LONG_TWICE, "--keep-going"]
        .into_iter()
        .map(str::to_owned)
        .chain(options.more.clone())
        .collect();
    let report = place.root.join(".zoufang/sim-range.json");
    let mut done = 0;
    while done < options.device_days {
        let seed = record::ranges(place)?.iter().map(record::Range::next_seed).max().unwrap_or(1);
        // Of a range that was not finished there must be no report.
        if report.exists() {
            fs::remove_file(&report)?;
        }
        let device_days = RANGE_DEVICE_DAYS.min(options.device_days - done);
        let outcome = simulate(place, Build::Fast, device_days, seed, &report, &more);
        if report.exists() {
            done += record::keep_range(place, seed, figures(&report)?)?;
        }
        outcome?;
    }
    Ok(())
}

/// How the simulator is built.
#[derive(Clone, Copy)]
enum Build {
    /// For many device-days.
    Fast,
    /// As the other tests of this machine.
    Test,
}

impl Build {
    fn profile(self) -> &'static str {
        match self {
            Self::Fast => "sim",
            Self::Test => "dev",
        }
    }

    /// The bundle that the server embeds: that of the other tests, or, since it is built again whenever there is none, an empty one.
    fn dist(self, place: &Place) -> PathBuf {
        match self {
            Self::Fast => place.root.join(".zoufang/no-bundle"),
            Self::Test => place.dist(),
        }
    }
}

fn simulate(
    place: &Place,
    build: Build,
    device_days: u64,
    seed: u64,
    report: &Path,
    more: &[String],
) -> Result<()> {
    say(format!("Simulating {device_days} device-days from seed {seed} on"));
    let dist = build.dist(place);
    fs::create_dir_all(&dist)?;
    let mut command = cargo(place);
    command
        .env("ZOUFANG_DIST", dist)
        .args(["run", "--profile", build.profile(), "--package", "zoufang-tests", "--bin", "sim", "--"])
        .args(["--device-days", &device_days.to_string(), "--seed", &seed.to_string()])
        .arg("--report")
        .arg(report)
        .args(more);
    run(&mut command)
}

fn figures(report: &Path) -> Result<Figures> {
    Ok(serde_json::from_str(&fs::read_to_string(report)?)?)
}
