//! Runs the simulator of zoufang-tests, built as fast as a release with every assertion of ours awake.

use std::{fs, path::PathBuf};

use anyhow::Result;
use clap::Args;

use crate::{
    place::Place,
    record::{self, Figures},
    shell::{cargo, run, say},
};

/// Device-days of one test run; `cargo xtask test` must stay quick.
const TEST_DEVICE_DAYS: u64 = 10_000;

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
    /// More arguments for the simulator: `-- --help` tells them.
    #[arg(last = true)]
    more: Vec<String>,
}

/// `cargo xtask sim`.
///
/// # Errors
/// When a seed loses something, or shows something else than it should.
pub(crate) fn command(place: &Place, options: &Options) -> Result<()> {
    say(format!("Simulating {} device-days from seed {} on", options.device_days, options.seed));
    let report = options.report.clone().unwrap_or_else(|| place.root.join(".zoufang/sim.json"));
    let mut command = cargo(place);
    command
        .args(["run", "--profile", "sim", "--package", "zoufang-tests", "--bin", "sim", "--"])
        .args(["--device-days", &options.device_days.to_string(), "--seed", &options.seed.to_string()])
        .arg("--report")
        .arg(&report)
        .args(&options.more);
    run(&mut command)?;
    let figures: Figures = serde_json::from_str(&fs::read_to_string(&report)?)?;
    record::keep(place, "sim", figures)
}

/// The simulation that belongs to every test run.
///
/// # Errors
/// As [`command`].
pub(crate) fn test(place: &Place) -> Result<()> {
    command(place, &Options { device_days: TEST_DEVICE_DAYS, seed: 1, report: None, more: Vec::new() })
}
