//! What has been kept long enough goes: records begin anew without the keys that a rule names, and without their history.
//!
//! Phones follow at their next sync, as with every new beginning. The rules are data (`server/data/retention.json`), so that the
//! bureau and the archive agree on terms and not on code. A run can be done again: what has nothing to lose is left alone. The
//! report counts by rule and unit, and names nobody.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zoufang_core::query::Row;
use zoufang_core::query::row::RowBody;
use zoufang_core::record::list::Residence;
use zoufang_core::record::{Date, DocId, Kind, Timestamp};
use zoufang_core::sync::scan::scan;

use crate::command::{Draw, is_named, re_root_within};
use crate::crash::crash_point;
use crate::error::{Error, Result};
use crate::store::{DocumentState, Store, StoreError};

const BATCH: u32 = 500;

/// How long what is kept.
#[derive(Clone, Debug, Deserialize)]
pub struct Rules {
    rules: Vec<Rule>,
}

/// One rule.
#[derive(Clone, Debug, Deserialize)]
struct Rule {
    id: String,
    zh: String,
    en: String,
    kinds: Vec<String>,
    since: Since,
    days: i32,
    #[serde(default)]
    keep: Vec<String>,
    #[serde(default)]
    drop: Vec<String>,
}

/// From when the time of a rule runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Since {
    /// The day of the visit.
    HappenedOn,
    /// The day of death.
    DeathOn,
    /// The last change of a person who moved out.
    Moved,
}

/// What was done, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The day that counted as today.
    pub today: String,
    /// Nothing was changed.
    pub dry_run: bool,
    /// By rule.
    pub rules: Vec<Ruled>,
}

/// What one rule did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ruled {
    /// The rule.
    pub id: String,
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
    /// How many records, by unit.
    pub records: BTreeMap<u32, u64>,
}

impl Rules {
    /// The rules of a text.
    ///
    /// # Errors
    /// If it has not the form of `server/data/retention.json`, or a rule that could not be applied.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        let rules: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        for rule in &rules.rules {
            if rule.keep.is_empty() == rule.drop.is_empty() {
                return Err(format!("rule {}: either keep or drop", rule.id));
            }
            if rule.days < 1 {
                return Err(format!("rule {}: days must be at least 1", rule.id));
            }
            let known = |name: &String| Kind::ALL.iter().any(|kind| kind.name() == name);
            if let Some(kind) = rule.kinds.iter().find(|name| !known(name)) {
                return Err(format!("rule {}: there is no kind {kind}", rule.id));
            }
        }
        Ok(rules)
    }

    /// What each rule says in Chinese, and after how many days.
    pub fn terms(&self) -> impl Iterator<Item = (&str, i32)> {
        self.rules.iter().map(|rule| (rule.zh.as_str(), rule.days))
    }

    /// The rules that come with the program.
    ///
    /// # Panics
    /// If they cannot be read, which a test would have found.
    #[must_use]
    pub fn built_in() -> Self {
        Self::parse(include_str!("../data/retention.json")).unwrap_or_else(|error| unreachable!("{error}"))
    }
}

impl Rule {
    /// Whether the time of a record has run out, as far as its row says: `None` if its last change decides.
    fn is_due(&self, row: &Row, today: Date) -> Option<bool> {
        if !self.kinds.iter().any(|name| name == row.kind().name()) {
            return Some(false);
        }
        let over = |day: Option<Date>| Some(day.is_some_and(|day| today.days_since(day) >= self.days));
        match (self.since, &row.body) {
            (Since::HappenedOn, _) => over(row.visit().and_then(|visit| visit.happened_on)),
            (Since::DeathOn, RowBody::Person(person)) => over(person.death_on),
            (Since::Moved, RowBody::Person(person)) if person.residence == Some(Residence::Moved) => None,
            (Since::DeathOn | Since::Moved, _) => Some(false),
        }
    }

    fn drops(&self, key: &str) -> bool {
        if self.keep.is_empty() { is_named(&self.drop, key) } else { !is_named(&self.keep, key) }
    }
}

/// Applies the rules to all records, as of a day.
///
/// # Errors
/// If the store fails; records done before stay done.
pub async fn apply(
    store: &dyn Store,
    rules: &Rules,
    (today, now): (Date, Timestamp),
    dry_run: bool,
    draw: Draw<'_>,
) -> Result<Report> {
    let ruled = |rule: &Rule| Ruled {
        id: rule.id.clone(),
        zh: rule.zh.clone(),
        en: rule.en.clone(),
        records: BTreeMap::new(),
    };
    let mut report =
        Report { today: today.to_string(), dry_run, rules: rules.rules.iter().map(ruled).collect() };
    let mut after = None;
    loop {
        let states = store.begin().await?.documents(after, BATCH).await?;
        let Some(last) = states.last() else { return Ok(report) };
        after = Some(last.doc);
        let docs: Vec<DocId> = states.iter().map(|state| state.doc).collect();
        let rows: BTreeMap<DocId, Vec<u8>> = store.rows(&docs).await?.into_iter().collect();
        for state in &states {
            let Some(row) = rows.get(&state.doc) else { continue };
            let row: Row = minicbor::decode(row).map_err(|_| StoreError::Corrupt("row"))?;
            let maybe: Vec<(usize, &Rule)> =
                (0..).zip(&rules.rules).filter(|(_, rule)| rule.is_due(&row, today) != Some(false)).collect();
            if !maybe.is_empty() {
                for at in shorten(store, state, &row, &maybe, (today, now), dry_run, draw).await? {
                    *report.rules[at].records.entry(state.unit.unit().0).or_default() += 1;
                }
            }
        }
    }
}

/// Takes from a record what the rules name; gives which of them found something.
async fn shorten(
    store: &dyn Store,
    state: &DocumentState,
    row: &Row,
    rules: &[(usize, &Rule)],
    (today, now): (Date, Timestamp),
    dry_run: bool,
    draw: Draw<'_>,
) -> Result<Vec<usize>> {
    let mut tx = store.begin().await?;
    let changes = tx.changes_of(state.doc).await?;
    let last = changes.iter().map(|change| change.received_at).max().unwrap_or(now);
    let mut keys = Vec::new();
    for change in &changes {
        let scanned = scan(&change.raw).map_err(|error| Error::Internal(Box::new(error)))?;
        keys.extend(scanned.ops.into_iter().map(|op| op.key));
    }
    // The history counts as well: what was taken out of a record long ago still stands there.
    let applies = |rule: &Rule| {
        let due =
            rule.is_due(row, today).unwrap_or_else(|| today.days_since(Date::in_china(last)) >= rule.days);
        due && keys.iter().any(|key| rule.drops(key))
    };
    let found: Vec<(usize, &Rule)> = rules.iter().copied().filter(|(_, rule)| applies(rule)).collect();
    if !found.is_empty() && !dry_run {
        let drops = |key: &str| found.iter().any(|(_, rule)| rule.drops(key));
        crash_point!("retention.before");
        re_root_within(tx.as_mut(), state.doc, drops, draw, now).await?;
        tx.commit().await?;
        crash_point!("retention.after");
    }
    Ok(found.into_iter().map(|(at, _)| at).collect())
}
