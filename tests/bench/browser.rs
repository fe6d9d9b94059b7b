//! What Chromium measures: the cold start, offline, with every document on the device, from the start of the navigation to
//! the first row; and how long the screen is held up by what the app does.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use zoufang_tests::server::PASSWORD;

use crate::{measures::Place, report::Report};

/// Changes that others send while the phone is away.
const CHANGES_OF_OTHERS: usize = 2_000;
/// The longest that the screen may be held up, in ms, at a CPU throttle.
const HELD_UP_MS_MAX: [(u64, f64); 2] = [(1, 50.0), (6, 200.0)];
/// From the last digit of the PIN to a list to work with.
const UNLOCK_MS_MAX: f64 = 2_000.0;
/// What sealing may cost.
const SEALED_TIMES_MAX: f64 = 1.15;
/// In how many ms of a first sync there must be a list to work with.
const USABLE_MS_MAX: f64 = 3_000.0;

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("bench").join(name)
}

/// Runs a script that signs in as the township and prints one line of JSON at its end.
fn measured(name: &str, place: &Place) -> Result<serde_json::Value> {
    let output = Command::new("node")
        .arg(script(name))
        .args([&place.server.url(), "sy", PASSWORD])
        .output()
        .context("node could not be started")?;
    ensure!(
        output.status.success(),
        "the browser measure failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(serde_json::from_str(said.lines().last().unwrap_or_default())?)
}

/// A list of figures, the least first.
fn sorted(figures: &serde_json::Value) -> Result<Vec<f64>> {
    let mut figures: Vec<f64> =
        figures.as_array().into_iter().flatten().filter_map(serde_json::Value::as_f64).collect();
    figures.sort_by(f64::total_cmp);
    ensure!(!figures.is_empty(), "the browser measured nothing");
    Ok(figures)
}

fn median(figures: &[f64]) -> f64 {
    figures[figures.len() / 2]
}

/// Runs `cold_start.mjs`, which prints `{"full": [ms…], "slow": [ms…], "people": n}`.
pub(crate) fn cold_start(report: &mut Report, place: &Place) -> Result<()> {
    let found = measured("cold_start.mjs", place)?;
    let (full, slow) = (sorted(&found["full"])?, sorted(&found["slow"])?);
    ensure!(full.len() == slow.len(), "the browser measured nothing");
    report.note("cold start offline to the first list (median of 5)", median(&full), "ms");
    report.note("cold start offline, worst of 5", full[full.len() - 1], "ms");
    report.at_most("cold start offline at 6x CPU throttle (median of 5)", median(&slow), "ms", 3000.0);
    report.note("cold start: 6x throttle to full speed", median(&slow) / median(&full), "times");
    Ok(())
}

/// Runs `lock.mjs`, which prints `{"unlock": [ms…], "cold": {"sealed": [ms…], "clear": [ms…]}, "save": {…}}`.
pub(crate) fn lock(report: &mut Report, place: &Place) -> Result<()> {
    let found = measured("lock.mjs", place)?;
    let unlock = median(&sorted(&found["unlock"])?);
    report.at_most("the PIN to the first row at 6x CPU throttle (median of 5)", unlock, "ms", UNLOCK_MS_MAX);
    for (name, key) in [("a cold start at 6x", "cold"), ("a save at 6x", "save")] {
        let (sealed, clear) =
            (median(&sorted(&found[key]["sealed"])?), median(&sorted(&found[key]["clear"])?));
        report.note(format!("{name}, sealed"), sealed, "ms");
        report.at_most(format!("{name}: sealed to in clear"), sealed / clear, "times", SEALED_TIMES_MAX);
    }
    Ok(())
}

/// Runs `smooth.mjs`, which asks for changes of others by a line, and prints
/// `[{"name": …, "rate": 1, "ms": …, "longest": …, "count": …, "total": …, "usable": …}, …]` at its end.
pub(crate) fn smooth(report: &mut Report, place: &mut Place) -> Result<()> {
    let mut child = Command::new("node")
        .arg(script("smooth.mjs"))
        .args([&place.server.url(), "sy", PASSWORD])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("node could not be started")?;
    let mut answers = child.stdin.take().context("standard input")?;
    let mut last = String::new();
    for line in BufReader::new(child.stdout.take().context("standard output")?).lines() {
        let line = line?;
        if line.contains("\"want\"") {
            place.more(CHANGES_OF_OTHERS)?;
            writeln!(answers, "done")?;
        } else {
            last = line;
        }
    }
    ensure!(child.wait()?.success(), "the browser measure failed");
    let found: Vec<serde_json::Value> = serde_json::from_str(&last)?;
    ensure!(!found.is_empty(), "the browser measured nothing");
    let figure = |row: &serde_json::Value, key: &str| row[key].as_f64().unwrap_or_default();
    for row in &found {
        let (name, rate) = (row["name"].as_str().unwrap_or_default(), row["rate"].as_u64().unwrap_or(1));
        let what = format!("{name}, {rate}x CPU");
        let most = HELD_UP_MS_MAX.iter().find(|(at, _)| *at == rate).map_or(0.0, |(_, most)| *most);
        report.at_most(format!("{what}: longest task"), figure(row, "longest"), "ms", most);
        report.note(format!("{what}: time"), figure(row, "ms"), "ms");
        if row["usable"].is_number() {
            report.at_most(format!("{what}: first row"), figure(row, "usable"), "ms", USABLE_MS_MAX);
        }
    }
    let saves = |name: &str| {
        let of = found.iter().filter(|row| row["name"] == name && row["rate"] == 6);
        of.map(|row| figure(row, "ms")).sum::<f64>()
    };
    let ratio = saves("saves, many wait") / saves("saves, nothing waits");
    report.note("a save with 2000 changes waiting, to one with none", ratio, "times");
    Ok(())
}
