//! The bench's overview, from the rows in memory that the app's own lists show.
use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use zoufang_core::{
    query::{Index, Row},
    record::Kind,
};

use super::record;

/// How many visits the bench asks for.
const NEWEST: usize = 50;

/// Persons and visits in numbers, visits by reason, and the newest visits.
pub(super) fn of(index: &Index) -> Json {
    let mut by_reason: BTreeMap<&str, u32> = BTreeMap::new();
    for visit in index.rows().filter_map(|row| row.visit()) {
        for reason in visit.reasons.iter().filter_map(|reason| record::reason_text(*reason)) {
            *by_reason.entry(reason).or_default() += 1;
        }
    }
    let newest: Vec<Json> = index.recent().take(NEWEST).map(|row| visit(row)).collect();
    json!({
        "persons": index.count(Kind::Person),
        "visits": index.count(Kind::Visit),
        "newest": newest,
        "visitsByReason": by_reason,
    })
}

/// What the bench shows of a visit: all of it stands in the row.
fn visit(row: &Row) -> Json {
    let body = row.visit();
    json!({
        "id": record::id_of(row.doc),
        "person": body.and_then(|body| body.people.first()).and_then(|person| record::id_of(*person)),
        "startedAt": record::time_text(row.created_at),
        "reason": body.and_then(|body| body.reasons.first()).and_then(|reason| record::reason_text(*reason)),
    })
}
