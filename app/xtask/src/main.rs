//! `cargo xtask <command>`: everything one does with Zoufang, from a bare machine to a green test run.
//!
//! Each command sets up what it needs first, says in plain words what it is doing, and is quick when nothing is to do.

mod api_fuzz;
mod bench;
mod bundle;
mod e2e;
mod fmt;
mod fuzz;
mod lint;
mod place;
mod record;
mod run;
mod setup;
mod shell;
mod sim;
mod stamp;
mod test;
mod testing;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use place::Place;

/// Sets up, builds, runs and tests Zoufang.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what is missing on this machine: wasm32 for Rust, PostgreSQL, Chromium, fonts, Node.js, libfiu.
    Setup,
    /// Build the app for the browser into `dist`.
    Bundle(bundle::Options),
    /// Set up, bundle, and start the server with demonstration data.
    Run(run::Options),
    /// Bundle, and start the server on the data it already has.
    Serve(run::Options),
    /// Set up and run every test.
    Test(test::Options),
    /// Run the browser tests; arguments go to Playwright.
    E2e(e2e::Options),
    /// Format all Rust code.
    Fmt(fmt::Options),
    /// Check the format, clippy, the tidy test and, where cargo-deny is there, licences and sources.
    Lint,
    /// Fuzz every decoder, or the targets named, with libFuzzer on the nightly toolchain.
    Fuzz(fuzz::Options),
    /// Fuzz the API with schemathesis, as every role.
    ApiFuzz(api_fuzz::Options),
    /// Simulate phones, server and line with every fault; what is lost or differs ends it.
    Sim(sim::Options),
    /// Write TESTING.md from the records that test runs left.
    Testing,
    /// Measure; arguments go to the bench program.
    Bench(bench::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match start(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(command: Command) -> Result<()> {
    let place = Place::find()?;
    match command {
        Command::Setup => setup::all(&place),
        Command::Bundle(options) => bundle::command(&place, &options),
        Command::Run(options) => run::demo(&place, &options),
        Command::Serve(options) => run::serve(&place, &options),
        Command::Test(options) => test::command(&place, &options),
        Command::E2e(options) => e2e::command(&place, &options),
        Command::Fmt(options) => fmt::command(&place, &options),
        Command::Lint => lint::command(&place),
        Command::Fuzz(options) => fuzz::command(&place, &options),
        Command::ApiFuzz(options) => api_fuzz::command(&place, &options),
        Command::Sim(options) => sim::command(&place, &options),
        Command::Testing => testing::command(&place),
        Command::Bench(options) => bench::command(&place, &options),
    }
}
