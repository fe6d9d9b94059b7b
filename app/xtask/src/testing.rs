//! `cargo xtask testing`: writes `TESTING.md` from the records that test runs left. No figure in it is typed by hand.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{
    place::Place,
    record::{Range, folder, kept, ranges, read},
    shell::say,
};

const HEAD: &str = "# What was tested

Written by `cargo xtask testing` from the records of test runs; no figure here is typed by hand. A short run is what every
`cargo xtask test` does; a long one is kept in `tests/records`.
";

/// The parts of a test run, in the order of the page.
const PARTS: &[(&str, &str, &str)] = &[
    ("host", "Cases on this machine", "cargo xtask test --only host"),
    ("crash", "The server dies at every place at which it writes", "cargo xtask test --only host"),
    ("sim", "The simulator", "cargo xtask sim"),
    ("wasm", "Byte vectors on wasm32", "cargo xtask test --only wasm"),
    ("api-fuzz", "The API, fuzzed over its OpenAPI document", "cargo xtask api-fuzz"),
    ("e2e", "The browser", "cargo xtask e2e"),
    ("fuzz", "Fuzzing", "cargo xtask fuzz"),
];

/// `cargo xtask testing`.
///
/// # Errors
/// When there is no record at all, or the page cannot be written.
pub(crate) fn command(place: &Place) -> Result<()> {
    let mut page = HEAD.to_owned();
    let mut missing = Vec::new();
    for (part, title, how) in PARTS {
        let path = folder(place).join(format!("{part}.json"));
        // What was run here last is newer than what is kept.
        let record = read(&path)?.or(read(&kept(place).join(format!("{part}.json")))?);
        match record {
            Some(record) => section(&mut page, title, how, &record)?,
            None => missing.push(*part),
        }
    }
    if missing.len() == PARTS.len() {
        bail!("no test run has left a record here: run `cargo xtask test` first");
    }
    long_run(&mut page, &ranges(place)?)?;
    corpus(place, &mut page)?;
    if !missing.is_empty() {
        let _ = write!(page, "\nNo record of: {}.\n", missing.join(", "));
    }
    let path = place.root.join("TESTING.md");
    fs::write(&path, page).with_context(|| format!("{} cannot be written", path.display()))?;
    say("TESTING.md was written");
    Ok(())
}

fn section(page: &mut String, title: &str, how: &str, record: &Value) -> Result<()> {
    let text = |key: &str| record[key].as_str().unwrap_or("unknown").to_owned();
    write!(page, "\n## {title}\n\n`{how}` on {}, commit {}.\n\n", text("day"), text("commit"))?;
    let figures = record["figures"].as_object().context("a record without figures")?;
    let (tables, plain): (Vec<_>, Vec<_>) = figures.iter().partition(|(_, value)| value.is_object());
    if !plain.is_empty() {
        page.push_str("| what | figure |\n| --- | ---: |\n");
        for (name, value) in plain {
            writeln!(page, "| {} | {} |", words(name), said(value))?;
        }
    }
    for (name, value) in tables {
        let rows = value.as_object().into_iter().flatten();
        write!(page, "\n| {} | count |\n| --- | ---: |\n", words(name))?;
        for (name, value) in rows {
            writeln!(page, "| {name} | {} |", said(value))?;
        }
    }
    Ok(())
}

/// What the long run is judged by.
const JUDGED: &[&str] = &[
    "seeds",
    "device_days",
    "edits",
    "events",
    "repeated_seeds",
    "lost",
    "diverged",
    "stuck",
    "broken",
    "unrepeatable",
];

/// The simulator's long run, by the commit that it ran on: what was found on one is mended on the next.
fn long_run(page: &mut String, ranges: &[Range]) -> Result<()> {
    if ranges.is_empty() {
        return Ok(());
    }
    page.push_str("\n## The simulator, long runs\n\n`cargo xtask sim --long --device-days N`: ranges of seeds, each kept in `tests/records/sim-long`,");
    page.push_str(" by the commit that they ran on; what a seed found is mended in a later one.\n\n");
    let heads: Vec<_> = JUDGED.iter().map(|name| words(name)).collect();
    writeln!(page, "| commit | day | ranges | first seed | {} | failed seeds |", heads.join(" | "))?;
    writeln!(page, "| --- | --- | ---: | ---: |{} --- |", " ---: |".repeat(JUDGED.len()))?;
    for ranges in ranges.chunk_by(|one, next| commit(one) == commit(next)) {
        let days: BTreeSet<&str> = ranges.iter().map(|range| text(range, "day")).collect();
        let failed: Vec<Value> = ranges
            .iter()
            .filter_map(|range| range.0["figures"]["failed_seeds"].as_array())
            .flatten()
            .cloned()
            .collect();
        writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} |",
            commit(&ranges[0]),
            days.into_iter().collect::<Vec<_>>().join(", "),
            ranges.len(),
            ranges[0].figure("first_seed"),
            sums(ranges),
            said(&failed.into())
        )?;
    }
    writeln!(page, "| together | | {} | | {} | |", ranges.len(), sums(ranges))?;
    let mut faults: BTreeMap<&str, u64> = BTreeMap::new();
    for range in ranges {
        for (fault, count) in range.0["figures"]["faults"].as_object().into_iter().flatten() {
            *faults.entry(fault).or_default() += count.as_u64().unwrap_or(0);
        }
    }
    page.push_str("\n| faults, together | count |\n| --- | ---: |\n");
    for (fault, count) in faults {
        writeln!(page, "| {fault} | {count} |")?;
    }
    Ok(())
}

fn commit(range: &Range) -> &str {
    text(range, "commit")
}

fn text<'a>(range: &'a Range, key: &str) -> &'a str {
    range.0[key].as_str().unwrap_or("unknown")
}

/// What several ranges are judged by, as cells of a table.
fn sums(ranges: &[Range]) -> String {
    let sum = |name: &&str| ranges.iter().map(|range| range.figure(name)).sum::<u64>().to_string();
    JUDGED.iter().map(sum).collect::<Vec<_>>().join(" | ")
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}

fn said(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "none".to_owned(),
        Value::Array(list) => list.iter().map(said).collect::<Vec<_>>().join(", "),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

/// The inputs that every test run replays.
fn corpus(place: &Place, page: &mut String) -> Result<()> {
    let folder = place.root.join("tests/fuzz/corpus");
    let mut targets: Vec<(String, usize)> = Vec::new();
    for target in fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let target = target?;
        let inputs = fs::read_dir(target.path())?.count();
        targets.push((target.file_name().to_string_lossy().into_owned(), inputs));
    }
    targets.sort();
    page.push_str("\n## The corpus of the fuzz targets\n\nEvery test run replays it (`tests/replay`).\n\n");
    page.push_str("| target | inputs |\n| --- | ---: |\n");
    for (target, inputs) in targets {
        writeln!(page, "| {target} | {inputs} |")?;
    }
    Ok(())
}
