//! Formats the Rust code of all crates.

use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;

use crate::{
    place::Place,
    shell::{cargo, run},
};

/// Switches of `cargo xtask fmt`.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct Options {
    /// Change nothing; fail when something is not formatted.
    #[arg(long)]
    pub(crate) check: bool,
}

/// `cargo xtask fmt`.
pub(crate) fn command(place: &Place, options: &Options) -> Result<()> {
    let mut command = cargo(place);
    command.args(["fmt", "--all"]);
    if options.check {
        command.arg("--check");
    }
    run(&mut command)
        .and_then(|()| run(&mut of_the_fuzz_targets(place, options)))
        .context("the code is not formatted, or cargo fmt is missing: `cargo xtask fmt` mends the first")
}

/// They are a workspace of their own.
fn of_the_fuzz_targets(place: &Place, options: &Options) -> Command {
    let mut command = cargo(place);
    command.args(["fmt", "--manifest-path", "tests/fuzz/Cargo.toml"]);
    if options.check {
        command.arg("--check");
    }
    command
}
