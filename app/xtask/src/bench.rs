//! Measures: runs the bench program of zoufang-tests, which prints a table and writes JSON, or the side-by-side bench.
//! The server under load (`--server`) needs neither browser nor bundle.

mod peers;

use std::{env, process::Command};

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
    /// Arguments for the bench program; `--server [--quick] [--store sqlite|postgres]` for the server under load.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// `cargo xtask bench`.
pub(crate) fn command(place: &Place, options: &Options) -> Result<()> {
    if options.peers {
        return peers::command(place, &options.arguments);
    }
    let said = |word: &str| options.arguments.iter().any(|argument| argument == word);
    if said("--server") {
        if said("postgres") || said("--store=postgres") {
            setup::postgres::ready()?;
        }
        let server = build_server(place, false)?;
        say("Measuring");
        return run(bench(place, options).env("ZOUFANG_SERVER_BIN", server));
    }
    let chromium = setup::browser::ready()?;
    let node = setup::node::ready(place)?;
    setup::node::packages(&place.e2e())?;
    // The page must save at a word of the bench, as often as it likes.
    let dist =
        bundle::make(place, &bundle::Options { features: vec!["bench".to_owned()], ..Default::default() })?;
    let server = build_server(place, false)?;
    say("Measuring");
    let mut command = bench(place, options);
    command
        .env("PATH", node.path())
        .env("CHROMIUM", env::var_os("CHROMIUM").unwrap_or_else(|| chromium.into()))
        .env("ZOUFANG_SERVER_BIN", server)
        .env("ZOUFANG_DIST_DIR", dist);
    run(&mut command)
}

/// The bench program.
fn bench(place: &Place, options: &Options) -> Command {
    let mut command = cargo(place);
    command
        .args(["run", "--release", "--package", "zoufang-tests", "--bin", "bench", "--"])
        .args(&options.arguments);
    command
}
