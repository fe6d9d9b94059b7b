//! `cargo xtask sim`: phones, a server and a line between them, simulated day by day with every fault that we can think of,
//! and held against a plain log of what people did.
//!
//! Core and server are the real ones; clock, chance, line, disks and stores are the simulator's. A seed runs on one thread
//! and does the same each time. See `world` for the clock, `oracle` for what must come out, `check` for what is compared.
#![expect(clippy::print_stdout, reason = "a report for a person at the terminal")]

mod check;
mod config;
mod dice;
mod fault;
mod line;
mod mishap;
mod oracle;
mod phone;
mod report;
mod run;
mod server;
mod session;
#[cfg(test)]
mod tests;
mod trace;
mod work;
mod world;

use std::{path::PathBuf, process::ExitCode, time::Instant};

use anyhow::Result;
use clap::Parser;

use config::{Changes, Config};
use fault::Fault;
use report::{Outcome, Totals};

/// Lines of a trace that are shown of a seed that failed.
const LINES_SHOWN: usize = 60;

/// Simulates Zoufang.
#[derive(Parser, Debug)]
struct Options {
    /// How many device-days, at least.
    #[arg(long, default_value_t = 1_000)]
    device_days: u64,
    /// The first seed; the others follow it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Run this one seed only, whatever its days.
    #[arg(long)]
    only: bool,
    /// Print the whole trace of the first seed.
    #[arg(long)]
    trace: bool,
    /// Seeds that run beside each other.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Run one in so many seeds twice and compare the traces; 0 for none.
    #[arg(long, default_value_t = 10)]
    twice: usize,
    /// Go on after a seed that failed.
    #[arg(long)]
    keep_going: bool,
    /// Leave out this kind of fault.
    #[arg(long)]
    without: Vec<String>,
    /// So many phones in every seed.
    #[arg(long)]
    phones: Option<usize>,
    /// So many days in every seed.
    #[arg(long)]
    days: Option<usize>,
    /// Write the report here, as JSON.
    #[arg(long)]
    report: Option<PathBuf>,
}

fn main() -> ExitCode {
    match simulate(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn simulate(options: &Options) -> Result<bool> {
    let changes = Changes {
        phones: options.phones,
        days: options.days,
        without: options.without.iter().filter_map(|code| kind_of(code)).collect(),
    };
    if options.trace {
        return Ok(show(&Config::draw(options.seed, &changes)));
    }
    let mut configs = run::configs(options.seed, options.device_days, &changes);
    if options.only {
        configs.truncate(1);
    }
    let start = Instant::now();
    let outcomes = run::all(&configs, options.threads, options.twice, &|outcome| {
        if outcome.failure.is_some() {
            tell(outcome);
        }
        outcome.failure.is_none() || options.keep_going
    });
    let mut totals = Totals::default();
    outcomes.iter().for_each(|outcome| totals.add(outcome));
    if let Some(path) = &options.report {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let json = totals.json(options.seed, start.elapsed().as_secs());
        std::fs::write(path, serde_json::to_string_pretty(&json)?)?;
    }
    println!("{}", totals.closing_line(options.seed));
    Ok(totals.is_good())
}

fn kind_of(code: &str) -> Option<Fault> {
    Fault::ALL.iter().copied().find(|fault| fault.code() == code)
}

/// Prints why a seed failed and how to see it again.
fn tell(outcome: &Outcome) {
    let Some(failure) = &outcome.failure else { return };
    println!("seed {}: {:?}: {}", outcome.seed, failure.kind, failure.words);
    if let Some(doc) = failure.doc {
        println!("  document {doc}");
    }
    if let Some(phone) = failure.phone {
        println!("  phone {phone}");
    }
    println!("  again: cargo xtask sim --seed {} --only --trace", outcome.seed);
}

/// Prints the whole trace of a seed.
fn show(config: &Config) -> bool {
    let outcome = run::seed(config, true);
    outcome.lines.iter().for_each(|line| println!("{line}"));
    println!("{config:?}");
    println!("trace {} over {} events", outcome.trace_hash, outcome.events);
    tell(&outcome);
    outcome.failure.is_none()
}
