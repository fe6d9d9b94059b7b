//! `cargo xtask bench`: what a day in the field, an idle phone, a first sync and a cold start cost, and what the server needs.
//!
//! Prints a table, with each target beside what was measured, and writes `.zoufang/bench.json`. Counts and bytes are the
//! same on every machine; times are this machine's, so ratios stand beside them.
#![expect(clippy::print_stdout, reason = "a table for a person at the terminal")]

mod browser;
mod machine;
mod measures;
mod report;

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
}

fn main() -> Result<()> {
    let options = Options::parse();
    let scale = if options.quick { 10 } else { 1 };
    let mut report = Report::new(machine::describe());
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
        browser::smooth(&mut report, &mut place)?;
    }
    if !options.browser_only {
        measures::memory(&mut report, place, 100_000 / scale)?;
    }
    println!("{}", report.table());
    let path = report.write()?;
    println!("written to {}", path.display());
    Ok(())
}
