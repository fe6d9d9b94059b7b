//! Cold start in Chromium, offline, with every document on the device: from the start of the navigation to the first row.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use zoufang_tests::server::PASSWORD;

use crate::{measures::Place, report::Report};

/// Runs `cold_start.mjs`, which prints `{"full": [ms…], "slow": [ms…], "people": n}`.
pub(crate) fn cold_start(report: &mut Report, place: &mut Place) -> Result<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/cold_start.mjs");
    let output = Command::new("node")
        .arg(script)
        .args([&place.server.url(), "sy", PASSWORD])
        .output()
        .context("node could not be started")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success(),
        "the browser measure failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let found: serde_json::Value = serde_json::from_str(said.lines().last().unwrap_or_default())?;
    let figures = |name: &str| -> Vec<f64> {
        let mut figures: Vec<f64> =
            found[name].as_array().into_iter().flatten().filter_map(serde_json::Value::as_f64).collect();
        figures.sort_by(f64::total_cmp);
        figures
    };
    let (full, slow) = (figures("full"), figures("slow"));
    ensure!(!full.is_empty() && full.len() == slow.len(), "the browser measured nothing");
    let median = |figures: &[f64]| figures[figures.len() / 2];
    report.note("cold start offline to the first list (median of 5)", median(&full), "ms");
    report.note("cold start offline, worst of 5", full[full.len() - 1], "ms");
    report.at_most("cold start offline at 6x CPU throttle (median of 5)", median(&slow), "ms", 3000.0);
    report.note("cold start: 6x throttle to full speed", median(&slow) / median(&full), "times");
    Ok(())
}
