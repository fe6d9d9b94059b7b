//! How what a transaction staged is written: some rows of a table with each statement, since every statement is a round trip to
//! the thread that has the connection.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::error::BoxDynError;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe, Sqlite, Transaction};
use zoufang_core::record::{DocId, UnitId};

use super::codec::docs_json;
use crate::crash::crash_point;
use crate::store::office::VisitProjection;
use crate::store::stage::{Appended, Stage};
use crate::store::{DocumentState, Tail};

type Tx = Transaction<'static, Sqlite>;
type Bound = std::result::Result<(), BoxDynError>;

/// So many rows are written with one statement; few different numbers, since each is a statement of its own to prepare.
const ROWS: [usize; 3] = [32, 8, 1];
const VALUES: &str = "values (";

/// What is known of what is sent.
pub(super) struct Sent<'t> {
    /// Ends of the logs with what is staged.
    pub(super) tails: &'t BTreeMap<UnitId, Tail>,
    /// Documents that have nothing yet.
    pub(super) new: &'t BTreeSet<DocId>,
    /// Documents that are there and stay in their unit.
    pub(super) staying: &'t BTreeSet<DocId>,
}

/// Writes everything.
pub(super) async fn send(staged: Stage, tx: &mut Tx, county: i64, sent: Sent<'_>) -> sqlx::Result<()> {
    let Stage { log, docs, people, visits, contacts, .. } = staged;
    if !log.is_empty() {
        send_log(tx, county, &log).await?;
        crash_point!("stage.log.after");
        let grown: BTreeSet<UnitId> = log.iter().map(|appended| appended.change.unit).collect();
        let tails: Vec<&Tail> = grown.iter().filter_map(|unit| sent.tails.get(unit)).collect();
        send_tails(tx, county, &tails).await?;
        crash_point!("stage.tails.after");
    }
    let (staying, coming): (Vec<_>, Vec<_>) =
        docs.into_values().partition(|(state, _)| sent.staying.contains(&state.doc));
    send_docs(tx, county, &coming).await?;
    for (state, row) in &staying {
        update_doc(tx, county, state, row).await?;
    }
    crash_point!("stage.docs.after");
    let people: Vec<_> = people.into_iter().collect();
    let sql = "insert into person (county, unit, doc, body) values (?, ?, ?, ?)
        on conflict (county, unit, doc) do update set body = excluded.body";
    insert(tx, sql, &people, |row, ((unit, doc), person)| {
        row.add(county)?;
        row.add(i64::from(unit.0))?;
        row.add(&doc.0[..])?;
        row.add(&person.body)
    })
    .await?;
    crash_point!("stage.people.after");
    send_visits(tx, county, &visits.into_iter().collect::<Vec<_>>(), sent.new).await?;
    let contacts: Vec<_> = contacts.into_iter().collect();
    let sql = "insert into contact (county, unit, happened_on, doc, person, created_by, received_at, body) values (?, ?, ?, ?, ?, ?, ?, ?)
        on conflict (county, doc) do update set unit = excluded.unit, happened_on = excluded.happened_on, person = excluded.person,
        created_by = excluded.created_by, received_at = excluded.received_at, body = excluded.body";
    insert(tx, sql, &contacts, |row, (doc, (unit, contact))| {
        row.add(county)?;
        row.add(i64::from(unit.0))?;
        row.add(&contact.happened_on)?;
        row.add(&doc.0[..])?;
        row.add(contact.person.map(|person| person.0.to_vec()))?;
        row.add(i64::from(contact.created_by.0))?;
        row.add(contact.received_at.0)?;
        row.add(&contact.body)
    })
    .await
}

async fn send_log(tx: &mut Tx, county: i64, log: &[Appended]) -> sqlx::Result<()> {
    let sql = "insert into log (county, unit, seq, doc, kind, hash, raw, device, user, actor, change_seq, start_op, max_op, received_at)
        values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    insert(tx, sql, log, |row, Appended { change, seq }| {
        row.add(county)?;
        row.add(i64::from(change.unit.0))?;
        row.add(seq.cast_signed())?;
        row.add(&change.doc.0[..])?;
        row.add(i64::from(change.kind.code()))?;
        row.add(&change.hash.0[..])?;
        row.add(&change.raw)?;
        row.add(change.device.0.cast_signed())?;
        row.add(i64::from(change.user.0))?;
        row.add(&change.actor)?;
        row.add(change.change_seq.cast_signed())?;
        row.add(change.start_op.cast_signed())?;
        row.add(change.max_op.cast_signed())?;
        row.add(change.received_at.0)
    })
    .await
}

async fn send_tails(tx: &mut Tx, county: i64, tails: &[&Tail]) -> sqlx::Result<()> {
    let sql = "insert into unit_log (county, unit, last_seq, digest, count, bytes) values (?, ?, ?, ?, ?, ?)
        on conflict (county, unit) do update set last_seq = excluded.last_seq, digest = excluded.digest,
        count = excluded.count, bytes = excluded.bytes";
    insert(tx, sql, tails, |row, tail| {
        row.add(county)?;
        row.add(i64::from(tail.unit.0))?;
        row.add(tail.last_seq.cast_signed())?;
        row.add(&tail.digest.to_bytes()[..])?;
        row.add(tail.count.cast_signed())?;
        row.add(tail.size_bytes.cast_signed())
    })
    .await
}

async fn send_docs(tx: &mut Tx, county: i64, docs: &[(DocumentState, Vec<u8>)]) -> sqlx::Result<()> {
    let sql = "insert into doc (county, doc, kind, unit, created_by, max_op, bytes, changes, re_rooted, row) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        on conflict (county, doc) do update set unit = excluded.unit, max_op = excluded.max_op, bytes = excluded.bytes,
        changes = excluded.changes, re_rooted = excluded.re_rooted, row = excluded.row";
    insert(tx, sql, docs, |row, (state, list_row)| {
        row.add(county)?;
        row.add(&state.doc.0[..])?;
        row.add(i64::from(state.kind.code()))?;
        row.add(i64::from(state.unit.0))?;
        row.add(i64::from(state.created_by.0))?;
        row.add(state.max_op.cast_signed())?;
        row.add(state.size_bytes.cast_signed())?;
        row.add(state.changes.cast_signed())?;
        row.add(state.re_rooted)?;
        row.add(list_row)
    })
    .await
}

/// A document that stays in its unit. A statement that names `unit` would write its entry in `doc_by_unit` anew, on a page of its
/// own, though nothing there changes.
async fn update_doc(tx: &mut Tx, county: i64, state: &DocumentState, row: &[u8]) -> sqlx::Result<()> {
    let sql = "update doc set max_op = ?, bytes = ?, changes = ?, re_rooted = ?, row = ?
        where county = ? and doc = ?";
    sqlx::query(sql)
        .bind(state.max_op.cast_signed())
        .bind(state.size_bytes.cast_signed())
        .bind(state.changes.cast_signed())
        .bind(state.re_rooted)
        .bind(row)
        .bind(county)
        .bind(&state.doc.0[..])
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn send_visits(
    tx: &mut Tx,
    county: i64,
    visits: &[(DocId, (UnitId, VisitProjection))],
    new: &BTreeSet<DocId>,
) -> sqlx::Result<()> {
    let sql = "insert into visit (county, unit, happened_on, doc, created_by, received_at, body) values (?, ?, ?, ?, ?, ?, ?)
        on conflict (county, doc) do update set unit = excluded.unit, happened_on = excluded.happened_on,
        created_by = excluded.created_by, received_at = excluded.received_at, body = excluded.body";
    insert(tx, sql, visits, |row, (doc, (unit, visit))| {
        row.add(county)?;
        row.add(i64::from(unit.0))?;
        row.add(&visit.happened_on)?;
        row.add(&doc.0[..])?;
        row.add(i64::from(visit.created_by.0))?;
        row.add(visit.received_at.0)?;
        row.add(&visit.body)
    })
    .await?;
    crash_point!("stage.visit.after");
    let changed: Vec<DocId> = visits.iter().map(|(doc, _)| *doc).filter(|doc| !new.contains(doc)).collect();
    if !changed.is_empty() {
        let sql =
            "delete from visit_person where county = ? and visit in (select unhex(value) from json_each(?))";
        sqlx::query(sql).bind(county).bind(docs_json(&changed)).execute(&mut **tx).await?;
        crash_point!("stage.visit_person.delete.after");
    }
    let of_one = |(doc, (_, visit)): &(DocId, (_, VisitProjection))| {
        visit.people.iter().map(|person| (*doc, *person)).collect()
    };
    let pairs: Vec<(DocId, DocId)> = visits.iter().flat_map::<Vec<_>, _>(of_one).collect();
    let sql = "insert or ignore into visit_person (county, visit, person) values (?, ?, ?)";
    insert(tx, sql, &pairs, |row, (visit, person)| {
        row.add(county)?;
        row.add(&visit.0[..])?;
        row.add(&person.0[..])
    })
    .await
}

/// Inserts rows with a statement for one; `bind` adds the values of a row.
async fn insert<T>(
    tx: &mut Tx,
    sql: &'static str,
    mut rows: &[T],
    bind: impl Fn(&mut SqliteArguments, &T) -> Bound,
) -> sqlx::Result<()> {
    while !rows.is_empty() {
        let count = ROWS.into_iter().find(|count| *count <= rows.len()).unwrap_or(1);
        let (now, later) = rows.split_at(count);
        let mut arguments = SqliteArguments::default();
        for row in now {
            bind(&mut arguments, row).map_err(sqlx::Error::Encode)?;
        }
        sqlx::query_with(AssertSqlSafe(repeated(sql, count)), arguments).execute(&mut **tx).await?;
        rows = later;
    }
    Ok(())
}

/// A statement that inserts one row, for so many.
fn repeated(sql: &str, count: usize) -> String {
    let Some((head, values)) = sql.split_once(VALUES) else { return sql.to_owned() };
    let Some((marks, tail)) = values.split_once(')') else { return sql.to_owned() };
    let one = format!("({marks})");
    format!("{head}values {}{tail}", vec![one; count].join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_for_one_row_becomes_one_for_many() {
        let sql = "replace into a (b, c) values (?, ?) returning b";
        assert_eq!(repeated(sql, 1), sql);
        assert_eq!(repeated(sql, 2), "replace into a (b, c) values (?, ?), (?, ?) returning b");
    }
}
