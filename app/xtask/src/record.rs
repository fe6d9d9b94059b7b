//! What tests did, kept for `TESTING.md`: each part of a run leaves a record in `.zoufang/testing`, and long runs are kept in
//! `tests/records`, in the repository.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::{place::Place, shell::output};

/// Figures by their names, in the order of their names.
pub(crate) type Figures = BTreeMap<String, Value>;

/// Where the records of this machine lie.
pub(crate) fn folder(place: &Place) -> PathBuf {
    place.root.join(".zoufang/testing")
}

/// Where records lie that are part of the repository.
pub(crate) fn kept(place: &Place) -> PathBuf {
    place.root.join("tests/records")
}

/// Keeps what a part of the tests did, with the day and the commit.
///
/// # Errors
/// When the record cannot be written.
pub(crate) fn keep(place: &Place, part: &str, figures: Figures) -> Result<()> {
    write(place, &folder(place).join(format!("{part}.json")), figures)
}

fn write(place: &Place, path: &Path, figures: Figures) -> Result<()> {
    let day = output(Command::new("date").args(["-u", "+%Y-%m-%d"]))?;
    let git = |arguments: &[&str]| output(Command::new("git").current_dir(&place.root).args(arguments));
    // A tree without history, as from an archive, has tests, too.
    let commit = git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_default();
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).unwrap_or_default();
    let commit = match (commit.trim(), changed.trim()) {
        ("", _) => "unknown".to_owned(),
        (commit, "") => commit.to_owned(),
        (commit, _) => format!("{commit} and changes"),
    };
    let record =
        json!({ "day": day.trim(), "commit": commit, "figures": figures.into_iter().collect::<Map<_, _>>() });
    fs::create_dir_all(path.parent().unwrap_or(&place.root))?;
    fs::write(path, serde_json::to_string_pretty(&record)? + "\n")
        .with_context(|| format!("{} cannot be written", path.display()))
}

/// A record of one part.
///
/// # Errors
/// When it is there and cannot be read.
pub(crate) fn read(path: &Path) -> Result<Option<Value>> {
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(path)?;
    let record = serde_json::from_str(&text);
    record.map(Some).with_context(|| format!("{} is no record", path.display()))
}

/// One range of the simulator's long run: its record.
pub(crate) struct Range(pub(crate) Value);

impl Range {
    /// A figure of it; 0 if the record does not have it.
    pub(crate) fn figure(&self, name: &str) -> u64 {
        self.0["figures"][name].as_u64().unwrap_or(0)
    }

    /// The seed after its last.
    pub(crate) fn next_seed(&self) -> u64 {
        self.figure("first_seed") + self.figure("seeds")
    }
}

fn ranges_folder(place: &Place) -> PathBuf {
    kept(place).join("sim-long")
}

/// The ranges of the long run, by their seeds.
///
/// # Errors
/// When one cannot be read.
pub(crate) fn ranges(place: &Place) -> Result<Vec<Range>> {
    let folder = ranges_folder(place);
    let mut ranges = Vec::new();
    if folder.exists() {
        for file in fs::read_dir(&folder)? {
            ranges.extend(read(&file?.path())?.map(Range));
        }
    }
    ranges.sort_by_key(|range| range.figure("first_seed"));
    Ok(ranges)
}

/// Keeps a range; how many device-days it had.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn keep_range(place: &Place, seed: u64, figures: Figures) -> Result<u64> {
    let device_days = figures.get("device_days").and_then(Value::as_u64).unwrap_or(0);
    write(place, &ranges_folder(place).join(format!("{seed}.json")), figures)?;
    Ok(device_days)
}

/// Counts what `cargo test` says of each of its programs.
#[derive(Debug, Default)]
pub(crate) struct Cases {
    program: String,
    counts: BTreeMap<String, u64>,
    ignored: u64,
}

impl Cases {
    /// Reads a line of its output.
    pub(crate) fn see(&mut self, line: &str) {
        let line = line.trim_start();
        if let Some(rest) = line.strip_prefix("Running ") {
            self.program = program(rest);
        } else if let Some(name) = line.strip_prefix("Doc-tests ") {
            self.program = format!("{name}, in its documentation");
        } else if let Some(rest) = line.strip_prefix("test result: ok. ") {
            let count = |word: &str| -> u64 {
                let part = rest.split(';').find(|part| part.contains(word));
                part.and_then(|part| part.split_whitespace().next()?.parse().ok()).unwrap_or(0)
            };
            *self.counts.entry(self.program.clone()).or_default() += count("passed");
            self.ignored += count("ignored");
        }
    }

    /// What was counted: programs without a case are left out.
    pub(crate) fn figures(self) -> Figures {
        let counts: Map<String, Value> = self
            .counts
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(program, count)| (program, count.into()))
            .collect();
        Figures::from([("cases".into(), counts.into()), ("ignored".into(), self.ignored.into())])
    }
}

/// `unittests src/lib.rs (…/zoufang_core-0123456789abcdef)` is `zoufang_core`; of a test of its own, `api` of `tests/api/main.rs`.
fn program(rest: &str) -> String {
    let inside = rest.rsplit_once('(').map_or(rest, |(_, inside)| inside.trim_end_matches(')'));
    let file = inside.rsplit('/').next().unwrap_or(inside);
    file.rsplit_once('-').map_or(file, |(name, _)| name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_counted_by_program() {
        let mut cases = Cases::default();
        for line in [
            "     Running unittests src/lib.rs (target/debug/deps/zoufang_core-0123456789abcdef)",
            "test result: ok. 67 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.61s",
            "     Running tests/api/main.rs (target/debug/deps/api-0123456789abcdef)",
            "test result: ok. 7 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.61s",
            "   Doc-tests zoufang_core",
            "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        ] {
            cases.see(line);
        }
        let figures = cases.figures();
        assert_eq!(figures["cases"], json!({ "zoufang_core": 67, "api": 7 }));
        assert_eq!(figures["ignored"], json!(1));
    }
}
