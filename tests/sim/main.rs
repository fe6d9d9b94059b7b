//! `cargo xtask sim`: phones, a server and a line between them, simulated day by day with every fault that we can think of,
//! and held against a plain log of what people did.
//!
//! Core and server are the real ones; clock, chance, line, disks and stores are the simulator's. A seed runs on one thread
//! and does the same each time. See `world` for the clock, `oracle` for what must come out, `check` for what is compared.
#![expect(clippy::print_stdout, reason = "a report for a person at the terminal")]

mod check;
mod config;
mod dice;
mod facts;
mod fault;
mod inbox;
mod kept;
mod line;
mod minimise;
mod mishap;
mod office;
mod oracle;
mod phone;
mod post;
mod report;
mod run;
mod server;
mod session;
#[cfg(test)]
mod tests;
mod trace;
mod work;
mod world;

use std::{
    path::PathBuf,
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use anyhow::{Context, Result};
use clap::Parser;

use config::{Changes, Config};
use fault::Fault;
use report::{Outcome, Totals};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Lines of a trace that are shown of a seed that failed.
const LINES_SHOWN: usize = 40;
const LINE_CHARS_MAX: usize = 200;

/// A long run says that it goes on, each time that it has done so many more.
const PROGRESS_DEVICE_DAYS: u64 = 20_000;

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
    /// Make the first seed smaller, if it fails, and print its trace.
    #[arg(long)]
    minimise: bool,
    /// Seeds that run beside each other.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Run one in so many seeds twice and compare the traces; 0 for none.
    #[arg(long, default_value_t = 10)]
    twice: usize,
    /// Go on after a seed that failed.
    #[arg(long)]
    keep_going: bool,
    /// Let this kind of fault come in every seed.
    #[arg(long)]
    with: Vec<String>,
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
        with: options.with.iter().map(|code| kind_of(code)).collect::<Result<_>>()?,
        without: options.without.iter().map(|code| kind_of(code)).collect::<Result<_>>()?,
    };
    if options.minimise {
        let Some(smallest) = minimise::smallest(options.seed, &changes) else {
            println!("seed {} does not fail", options.seed);
            return Ok(true);
        };
        println!("smallest: --seed {} {}", options.seed, minimise::switches(options.seed, &smallest));
        tell(&run::seed(&Config::draw(options.seed, &smallest), true));
        return Ok(false);
    }
    if options.trace {
        return Ok(show(&Config::draw(options.seed, &changes)));
    }
    let mut configs = run::configs(options.seed, options.device_days, &changes);
    if options.only {
        configs.truncate(1);
    }
    let start = Instant::now();
    let lived = AtomicU64::new(0);
    let outcomes = run::all(&configs, options.threads, options.twice, &|outcome| {
        let before = lived.fetch_add(outcome.device_days, Ordering::SeqCst);
        let now = before + outcome.device_days;
        if before / PROGRESS_DEVICE_DAYS < now / PROGRESS_DEVICE_DAYS {
            let seconds = start.elapsed().as_secs();
            eprintln!("{now} device-days, about up to seed {}, after {seconds} s", outcome.seed);
        }
        if outcome.failure.is_some() {
            // Once more, in words.
            tell(&run::seed(&Config::draw(outcome.seed, &changes), true));
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

fn kind_of(code: &str) -> Result<Fault> {
    let found = Fault::ALL.iter().copied().find(|fault| fault.code() == code);
    found.with_context(|| format!("there is no kind of fault `{code}`"))
}

/// Prints why a seed failed, the last lines of its trace that have to do with it, and how to see it again.
fn tell(outcome: &Outcome) {
    let Some(failure) = &outcome.failure else { return };
    let mut text = format!("seed {}: {:?}: {}\n", outcome.seed, failure.kind, failure.words);
    let doc = failure.doc.map(|doc| doc.to_string());
    let phone = failure.phone.map(|phone| format!(" p{phone:<2} "));
    let concerns = |line: &&String| {
        let of_line = [" send ", " chunk ", " arrived "].iter().any(|what| line.contains(what));
        let of_doc = doc.as_ref().is_some_and(|doc| line.contains(doc));
        let of_phone = phone.as_ref().is_none_or(|phone| line.contains(phone));
        !of_line && (of_doc || of_phone || line.contains(" --- "))
    };
    let lines: Vec<&String> = outcome.lines.iter().filter(concerns).collect();
    for line in &lines[lines.len().saturating_sub(LINES_SHOWN)..] {
        let cut = line.char_indices().nth(LINE_CHARS_MAX).map_or(line.len(), |(at, _)| at);
        text.push_str(&format!("  {}\n", &line[..cut]));
    }
    println!("{text}  document {doc:?}, phone {:?}", failure.phone);
    println!("  all of it: cargo xtask sim --seed {} -- --trace", outcome.seed);
    println!("  smaller: cargo xtask sim --seed {} -- --minimise", outcome.seed);
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
