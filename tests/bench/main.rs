//! `cargo xtask bench`: what a day in the field, an idle phone, a first sync and a cold start cost, and what the server needs.
//!
//! With `--server`: the server under the load of a thousand devices, over the store that `--store` names, instead.
//!
//! Prints a table, with each target beside what was measured, and writes `.zoufang/bench.json`, or `bench-server-….json`. Counts and bytes are the
//! same on every machine; times are this machine's, so ratios stand beside them.
#![expect(clippy::print_stdout, reason = "a table for a person at the terminal")]

mod browser;
mod machine;
mod measures;
mod report;
mod server;

use anyhow::Result;
use clap::Parser;
use report::Report;

/// Measures Zoufang.
#[derive(Parser, Debug)]
struct Options {
    /// A tenth of the documents, for a quick look.
    #[arg(long)]
    quick: bool,
    /// Leave the browser out.
    #[arg(long)]
    no_browser: bool,
    /// Only what the browser measures.
    #[arg(long, conflicts_with = "no_browser")]
    browser_only: bool,
    /// The server under load instead, on one core; no browser is needed.
    #[arg(long, conflicts_with_all = ["no_browser", "browser_only"])]
    server: bool,
    /// Where that server keeps its data.
    #[arg(long, value_enum, default_value_t = server::Store::Sqlite, requires = "server")]
    store: server::Store,
    /// What of the server is measured.
    #[arg(long, value_enum, default_value_t = server::Part::All, requires = "server")]
    part: server::Part,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let scale = if options.quick { 10 } else { 1 };
    let mut report = Report::new(machine::describe());
    if options.server {
        server::measure(&mut report, options.store, options.part, options.quick)?;
        return print(&report, &format!("bench-server-{}.json", options.store.name()));
    }
    if !options.browser_only {
        measures::day_in_the_field(&mut report)?;
    }
    let mut place = measures::Place::fill(&mut report, 10_000 / scale)?;
    if !options.browser_only {
        measures::idle(&mut report, &mut place)?;
        measures::first_sync(&mut report, &place)?;
    }
    if !options.no_browser {
        browser::cold_start(&mut report, &place)?;
        browser::lock(&mut report, &place)?;
        browser::smooth(&mut report, &mut place)?;
    }
    if !options.browser_only {
        measures::memory(&mut report, place, 100_000 / scale)?;
    }
    print(&report, "bench.json")
}

fn print(report: &Report, file: &str) -> Result<()> {
    println!("{}", report.table());
    let path = report.write(file)?;
    println!("written to {}", path.display());
    Ok(())
}
