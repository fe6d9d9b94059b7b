//! Every test, in the order that finds mistakes soonest; cargo's own closing lines come last.

pub(crate) mod vectors;

use anyhow::Result;
use clap::{Args, ValueEnum};

use serde_json::{Map, Value};

use crate::{
    api_fuzz, bundle, e2e, lint,
    place::Place,
    record::{self, Cases, Figures},
    setup,
    shell::{cargo, run, run_seen, say},
    sim,
};

/// Switches of `cargo xtask test`.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct Options {
    /// Run one part only.
    #[arg(long, value_enum)]
    only: Option<Part>,
}

/// A part of the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Format, clippy, and the types of the browser tests.
    Lint,
    /// Tests of core and server, and of both together, on this machine.
    Host,
    /// The simulation.
    Sim,
    /// The core's byte vectors, compiled for wasm32, under Node.js.
    Wasm,
    /// The API, fuzzed over its OpenAPI document.
    Api,
    /// The browser tests.
    E2e,
    /// The tool chain's own tests: tidy, and the size of the bundle.
    Tool,
}

/// `cargo xtask test`.
///
/// # Errors
/// At the first part that fails.
pub(crate) fn command(place: &Place, options: &Options) -> Result<()> {
    let Some(part) = options.only else { return all(place) };
    match part {
        Part::Lint => lint::code(place),
        Part::Host => host(place),
        Part::Sim => sim::test(place),
        Part::Wasm => vectors::run_on_wasm(place),
        Part::Api => api_fuzz::command(place, &api_fuzz::Options::default()),
        Part::E2e => e2e::command(place, &e2e::Options::default()),
        Part::Tool => tool(place),
    }
}

fn all(place: &Place) -> Result<()> {
    setup::all(place)?;
    bundle::command(place, &bundle::Options { check_size: true, ..bundle::Options::default() })?;
    lint::code(place)?;
    host(place)?;
    sim::test(place)?;
    vectors::run_on_wasm(place)?;
    api_fuzz::command(place, &api_fuzz::Options::default())?;
    e2e::command(place, &e2e::Options::default())?;
    tool(place)
}

fn host(place: &Place) -> Result<()> {
    setup::postgres::ready()?;
    say("Tests on this machine");
    let crates = lint::HOST_CRATES.into_iter().filter(|name| *name != "zoufang-xtask");
    let mut command = cargo(place);
    command.arg("test").args(crates.flat_map(|name| ["--package", name])).env("ZOUFANG_DIST", place.dist());
    let mut cases = Cases::default();
    run_seen(&mut command, |line| cases.see(line))?;
    record::keep(place, "host", cases.figures())?;
    say("The server dies at every place at which it writes");
    let mut deaths = Map::new();
    let mut command = cargo(place);
    command.args(["test", "--package", "zoufang-tests", "--features", "crash-points", "--test", "crash"]);
    run_seen(command.args(["--", "--nocapture"]), |line| deaths.extend(deaths_of(line)))?;
    record::keep(place, "crash", Figures::from([("deaths".into(), deaths.into())]))
}

/// What the test of crash points says of a scenario: `name: died at 12 points`.
fn deaths_of(line: &str) -> Option<(String, Value)> {
    let (name, rest) = line.split_once(": died at ")?;
    let points: u64 = rest.split_whitespace().next()?.parse().ok()?;
    Some((name.trim().to_owned(), points.into()))
}

/// Last, since these need no building: this program was built from the same crates.
fn tool(place: &Place) -> Result<()> {
    say("Tests of the tool chain: tidy, size of the bundle");
    run(cargo(place).args(["test", "--package", "zoufang-xtask"]))
}
