//! Measures: runs the bench program of zoufang-tests, which prints a table and writes JSON, or the side-by-side bench.

mod peers;

use std::env;

use anyhow::Result;
use clap::Args;

use crate::{
    bundle,
    place::Place,
    run::build_server,
    setup,
    shell::{cargo, run, say},
};

/// Switches of `cargo xtask bench`.
#[derive(Args, Debug, Clone)]
pub(crate) struct Options {
    /// Measure Zoufang beside other sync engines, with the bench in `../shared/bench`; its arguments follow.
    #[arg(long)]
    peers: bool,
    /// Arguments for the bench program.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// `cargo xtask bench`.
pub(crate) fn command(place: &Place, options: &Options) -> Result<()> {
    if options.peers {
        return peers::command(place, &options.arguments);
    }
    let chromium = setup::browser::ready()?;
    let node = setup::node::ready(place)?;
    setup::node::packages(&place.e2e())?;
    // The page must save at a word of the bench, as often as it likes.
    let dist =
        bundle::make(place, &bundle::Options { features: vec!["bench".to_owned()], ..Default::default() })?;
    let server = build_server(place, false)?;
    say("Measuring");
    let mut command = cargo(place);
    command
        .args(["run", "--release", "--package", "zoufang-tests", "--bin", "bench", "--"])
        .args(&options.arguments)
        .env("PATH", node.path())
        .env("CHROMIUM", env::var_os("CHROMIUM").unwrap_or_else(|| chromium.into()))
        .env("ZOUFANG_SERVER_BIN", server)
        .env("ZOUFANG_DIST_DIR", dist);
    run(&mut command)
}
