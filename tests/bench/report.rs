//! What was measured: a table for people and JSON for programs.

use std::{fmt::Write as _, fs, path::PathBuf};

use anyhow::Result;
use serde_json::{Value, json};

/// One measured figure.
struct Row {
    what: String,
    figure: f64,
    unit: &'static str,
    target: Option<f64>,
}

/// All figures of one run, each at most its target.
pub(crate) struct Report {
    machine: Value,
    rows: Vec<Row>,
}

impl Report {
    /// An empty report of a machine.
    pub(crate) fn new(machine: Value) -> Self {
        Self { machine, rows: Vec::new() }
    }

    /// Adds a figure that has no target.
    pub(crate) fn note(&mut self, what: impl Into<String>, figure: f64, unit: &'static str) {
        self.add(what.into(), figure, unit, None);
    }

    /// Adds a figure that is to be at most `target`.
    pub(crate) fn at_most(&mut self, what: impl Into<String>, figure: f64, unit: &'static str, target: f64) {
        self.add(what.into(), figure, unit, Some(target));
    }

    fn add(&mut self, what: String, figure: f64, unit: &'static str, target: Option<f64>) {
        eprintln!("    {what}: {} {unit}", written(figure));
        self.rows.push(Row { what, figure, unit, target });
    }

    /// The table.
    pub(crate) fn table(&self) -> String {
        let mut table =
            format!("{}\n\n| what | measured | target | |\n| --- | ---: | ---: | --- |\n", self.machine);
        for row in &self.rows {
            let (target, verdict) = match row.target {
                Some(target) if row.figure <= target => (format!("≤ {}", written(target)), "met"),
                Some(target) => (format!("≤ {}", written(target)), "MISSED"),
                None => (String::new(), ""),
            };
            let _ = writeln!(
                table,
                "| {} | {} {} | {target} | {verdict} |",
                row.what,
                written(row.figure),
                row.unit
            );
        }
        table
    }

    /// Writes the JSON into `.zoufang`, under this name.
    pub(crate) fn write(&self, name: &str) -> Result<PathBuf> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../.zoufang");
        fs::create_dir_all(&root)?;
        let path = root.join(name);
        let rows: Vec<Value> = self
            .rows
            .iter()
            .map(|row| json!({ "what": row.what, "figure": row.figure, "unit": row.unit, "target": row.target }))
            .collect();
        let all = json!({ "machine": self.machine, "figures": rows });
        fs::write(&path, serde_json::to_string_pretty(&all)?)?;
        Ok(path)
    }
}

/// Whole numbers as such, others with two digits.
fn written(figure: f64) -> String {
    if figure.fract().abs() < 0.005 { format!("{figure:.0}") } else { format!("{figure:.2}") }
}
