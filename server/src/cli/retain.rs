//! `retain`: what was kept long enough goes. `paper`: what is kept, why and how long, on paper.

use std::fs;
use std::path::Path;

use zoufang_core::record::Date;

use super::data::open_store;
use super::{CliError, Result, say};
use crate::account::token;
use crate::config::{PaperWanted, Retain};
use crate::papers;
use crate::retention::{Rules, apply};
use crate::state::system_clock;

pub(super) async fn run(options: Retain) -> Result<()> {
    let rules = rules(options.rules.as_deref())?;
    let (store, now) = (open_store(&options.folder).await?, system_clock()());
    let report =
        apply(store.as_ref(), &rules, (Date::in_china(now), now), options.dry_run, &token::random_u64)
            .await?;
    store.close().await;
    for rule in &report.rules {
        let count: u64 = rule.records.values().sum();
        say(&format!("{count} records in {} units: {} / {}", rule.records.len(), rule.zh, rule.en))?;
    }
    if let Some(path) = &options.report {
        let text =
            serde_json::to_string_pretty(&report).map_err(|error| CliError::Usage(error.to_string()))?;
        fs::write(path, text + "\n")
            .map_err(|source| CliError::Io { what: format!("write {}", path.display()), source })?;
    }
    say(match options.dry_run {
        true => "nothing was changed",
        false => "phones let go of it when they sync next",
    })
}

/// Prints a paper.
pub(super) fn paper(options: &PaperWanted) -> Result<()> {
    let today = Date::in_china(system_clock()()).to_string();
    say(&papers::paper(options.paper, &today, &rules(options.rules.as_deref())?))
}

fn rules(path: Option<&Path>) -> Result<Rules> {
    let Some(path) = path else { return Ok(Rules::built_in()) };
    let text = fs::read_to_string(path)
        .map_err(|source| CliError::Io { what: format!("read {}", path.display()), source })?;
    Rules::parse(&text).map_err(|why| CliError::Usage(format!("{}: {why}", path.display())))
}
