//! The machine that measured, and which of its cores are whose.

use std::{
    fs,
    process::{self, Command, Stdio},
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// What starts a program on the first core alone.
pub(crate) const ON_FIRST_CORE: &str = "taskset -c 0";

const TRIES: usize = 10;

/// From now on this process leaves the first core alone, if there are others.
pub(crate) fn keep_to_others() -> Result<()> {
    let last = cores() - 1;
    keep_to(&if last == 0 { "0".to_owned() } else { format!("1-{last}") })
}

/// From now on this process takes every core.
pub(crate) fn spread() -> Result<()> {
    keep_to(&format!("0-{}", cores() - 1))
}

fn keep_to(cores: &str) -> Result<()> {
    let own = process::id().to_string();
    // It fails where a thread ends between its look at them and its word to them.
    for _ in 0..TRIES {
        let mut taskset = Command::new("taskset");
        let taskset =
            taskset.args(["-a", "-c", "-p", cores, &own]).stdout(Stdio::null()).stderr(Stdio::null());
        if taskset.status().context("taskset, of Debian's util-linux")?.success() {
            return Ok(());
        }
    }
    bail!("taskset failed {TRIES} times")
}

fn cores() -> usize {
    let listed = line_of("/sys/devices/system/cpu/present", "");
    listed.rsplit(['-', ',']).next().and_then(|last| last.parse::<usize>().ok()).map_or(1, |last| last + 1)
}

fn line_of(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.trim_start_matches([' ', '\t', ':']).trim().to_owned()
}

/// Processor, cores, memory, system.
pub(crate) fn describe() -> Value {
    json!({
        "processor": line_of("/proc/cpuinfo", "model name"),
        "cores": cores(),
        "memory": line_of("/proc/meminfo", "MemTotal"),
        "system": fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim(),
    })
}
