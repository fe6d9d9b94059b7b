//! How what a transaction staged is sent: one statement a table for any number of rows.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{Postgres, Transaction};
use zoufang_core::record::{DocId, UnitId};

use super::codec::{docs, text, units};
use crate::crash::crash_point;
use crate::store::office::{ContactProjection, PersonProjection, VisitProjection};
use crate::store::stage::{Appended, Stage};
use crate::store::{DocumentState, Tail};

type Tx = Transaction<'static, Postgres>;

/// Sends everything. `tails` are the ends of the logs with what is staged; `new` are documents that have nothing yet.
///
/// Returns `false` if a document turned out to live in another unit than is said here: somebody was faster.
pub(super) async fn send(
    staged: Stage,
    tx: &mut Tx,
    county: i64,
    tails: &BTreeMap<UnitId, Tail>,
    new: &BTreeSet<DocId>,
) -> sqlx::Result<bool> {
    let Stage { log, docs, people, visits, contacts, .. } = staged;
    if !log.is_empty() {
        send_log(tx, county, &log).await?;
        crash_point!("stage.log.after");
        let grown: BTreeSet<UnitId> = log.iter().map(|appended| appended.change.unit).collect();
        send_tails(tx, county, grown.iter().filter_map(|unit| tails.get(unit))).await?;
        crash_point!("stage.tails.after");
    }
    let sent = docs.is_empty() || send_docs(tx, county, &docs).await?;
    crash_point!("stage.docs.after");
    send_people(tx, county, &people).await?;
    crash_point!("stage.people.after");
    send_visits(tx, county, &visits, new).await?;
    send_contacts(tx, county, &contacts).await?;
    Ok(sent)
}

async fn send_log(tx: &mut Tx, county: i64, log: &[Appended]) -> sqlx::Result<()> {
    let sql = "insert into log (county, unit, seq, doc, kind, hash, raw, device, user_id, actor, change_seq, start_op, max_op, received_at)
        select $1, * from unnest($2::bigint[], $3::bigint[], $4::bytea[], $5::bigint[], $6::bytea[], $7::bytea[], $8::bigint[],
        $9::bigint[], $10::bytea[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[])";
    let changes = || log.iter().map(|appended| &appended.change);
    sqlx::query(sql)
        .bind(county)
        .bind(units(changes().map(|change| &change.unit)))
        .bind(log.iter().map(|appended| appended.seq.cast_signed()).collect::<Vec<_>>())
        .bind(docs(changes().map(|change| &change.doc)))
        .bind(changes().map(|change| i64::from(change.kind.code())).collect::<Vec<_>>())
        .bind(changes().map(|change| &change.hash.0[..]).collect::<Vec<_>>())
        .bind(changes().map(|change| &change.raw[..]).collect::<Vec<_>>())
        .bind(changes().map(|change| change.device.0.cast_signed()).collect::<Vec<_>>())
        .bind(changes().map(|change| i64::from(change.user.0)).collect::<Vec<_>>())
        .bind(changes().map(|change| &change.actor[..]).collect::<Vec<_>>())
        .bind(changes().map(|change| change.change_seq.cast_signed()).collect::<Vec<_>>())
        .bind(changes().map(|change| change.start_op.cast_signed()).collect::<Vec<_>>())
        .bind(changes().map(|change| change.max_op.cast_signed()).collect::<Vec<_>>())
        .bind(changes().map(|change| change.received_at.0).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) async fn send_tails<'t>(
    tx: &mut Tx,
    county: i64,
    tails: impl Iterator<Item = &'t Tail>,
) -> sqlx::Result<()> {
    let tails: Vec<&Tail> = tails.collect();
    let sql = "insert into unit_log (county, unit, last_seq, digest, count, bytes, cuts, control_seq)
        select $1, * from unnest($2::bigint[], $3::bigint[], $4::bytea[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
        on conflict (county, unit) do update set last_seq = excluded.last_seq, digest = excluded.digest,
        count = excluded.count, bytes = excluded.bytes, cuts = excluded.cuts, control_seq = excluded.control_seq";
    let digests: Vec<[u8; 16]> = tails.iter().map(|tail| tail.digest.to_bytes()).collect();
    sqlx::query(sql)
        .bind(county)
        .bind(units(tails.iter().map(|tail| &tail.unit)))
        .bind(tails.iter().map(|tail| tail.last_seq.cast_signed()).collect::<Vec<_>>())
        .bind(digests.iter().map(|digest| &digest[..]).collect::<Vec<_>>())
        .bind(tails.iter().map(|tail| tail.count.cast_signed()).collect::<Vec<_>>())
        .bind(tails.iter().map(|tail| tail.size_bytes.cast_signed()).collect::<Vec<_>>())
        .bind(tails.iter().map(|tail| tail.cuts.cast_signed()).collect::<Vec<_>>())
        .bind(tails.iter().map(|tail| tail.control_seq.cast_signed()).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn send_docs(
    tx: &mut Tx,
    county: i64,
    staged: &BTreeMap<DocId, (DocumentState, Vec<u8>)>,
) -> sqlx::Result<bool> {
    let sql = "insert into doc (county, doc, kind, unit, created_by, max_op, bytes, changes, re_rooted, list_row)
        select $1, * from unnest($2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bytea[])
        on conflict (county, doc) do update set max_op = excluded.max_op, bytes = excluded.bytes, changes = excluded.changes,
        re_rooted = excluded.re_rooted, list_row = excluded.list_row where doc.unit = excluded.unit and doc.kind = excluded.kind";
    let states = || staged.values().map(|(state, _)| state);
    let done = sqlx::query(sql)
        .bind(county)
        .bind(docs(staged.keys()))
        .bind(states().map(|state| i64::from(state.kind.code())).collect::<Vec<_>>())
        .bind(units(states().map(|state| &state.unit)))
        .bind(states().map(|state| i64::from(state.created_by.0)).collect::<Vec<_>>())
        .bind(states().map(|state| state.max_op.cast_signed()).collect::<Vec<_>>())
        .bind(states().map(|state| state.size_bytes.cast_signed()).collect::<Vec<_>>())
        .bind(states().map(|state| state.changes.cast_signed()).collect::<Vec<_>>())
        .bind(states().map(|state| i64::from(state.re_rooted)).collect::<Vec<_>>())
        .bind(staged.values().map(|(_, row)| &row[..]).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() == staged.len() as u64)
}

async fn send_people(
    tx: &mut Tx,
    county: i64,
    staged: &BTreeMap<(UnitId, DocId), PersonProjection>,
) -> sqlx::Result<()> {
    if staged.is_empty() {
        return Ok(());
    }
    let sql = "insert into person (county, unit, doc, body)
        select $1, * from unnest($2::bigint[], $3::bytea[], $4::bytea[])
        on conflict (county, unit, doc) do update set body = excluded.body";
    sqlx::query(sql)
        .bind(county)
        .bind(units(staged.keys().map(|(unit, _)| unit)))
        .bind(docs(staged.keys().map(|(_, doc)| doc)))
        .bind(staged.values().map(|person| &person.body[..]).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn send_visits(
    tx: &mut Tx,
    county: i64,
    staged: &BTreeMap<DocId, (UnitId, VisitProjection)>,
    new: &BTreeSet<DocId>,
) -> sqlx::Result<()> {
    if staged.is_empty() {
        return Ok(());
    }
    let sql = "insert into visit (county, unit, doc, happened_on, created_by, received_at, body)
        select $1, * from unnest($2::bigint[], $3::bytea[], $4::text[], $5::bigint[], $6::bigint[], $7::bytea[])
        on conflict (county, doc) do update set unit = excluded.unit, happened_on = excluded.happened_on,
        created_by = excluded.created_by, received_at = excluded.received_at, body = excluded.body";
    let visits = || staged.values().map(|(_, visit)| visit);
    sqlx::query(sql)
        .bind(county)
        .bind(units(staged.values().map(|(unit, _)| unit)))
        .bind(docs(staged.keys()))
        .bind(visits().map(|visit| text(&visit.happened_on)).collect::<Vec<_>>())
        .bind(visits().map(|visit| i64::from(visit.created_by.0)).collect::<Vec<_>>())
        .bind(visits().map(|visit| visit.received_at.0).collect::<Vec<_>>())
        .bind(visits().map(|visit| &visit.body[..]).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await?;
    crash_point!("stage.visit.after");
    let changed = docs(staged.keys().filter(|doc| !new.contains(doc)));
    if !changed.is_empty() {
        let sql = "delete from visit_person where county = $1 and visit = any($2)";
        sqlx::query(sql).bind(county).bind(changed).execute(&mut **tx).await?;
        crash_point!("stage.visit_person.delete.after");
    }
    let pairs =
        || staged.iter().flat_map(|(doc, (_, visit))| visit.people.iter().map(move |person| (doc, person)));
    let sql =
        "insert into visit_person (county, visit, person) select $1, * from unnest($2::bytea[], $3::bytea[])
        on conflict do nothing";
    sqlx::query(sql)
        .bind(county)
        .bind(docs(pairs().map(|(doc, _)| doc)))
        .bind(docs(pairs().map(|(_, person)| person)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn send_contacts(
    tx: &mut Tx,
    county: i64,
    staged: &BTreeMap<DocId, (UnitId, ContactProjection)>,
) -> sqlx::Result<()> {
    if staged.is_empty() {
        return Ok(());
    }
    let sql = "insert into contact (county, unit, doc, happened_on, person, created_by, received_at, body)
        select $1, * from unnest($2::bigint[], $3::bytea[], $4::text[], $5::bytea[], $6::bigint[], $7::bigint[], $8::bytea[])
        on conflict (county, doc) do update set unit = excluded.unit, happened_on = excluded.happened_on, person = excluded.person,
        created_by = excluded.created_by, received_at = excluded.received_at, body = excluded.body";
    let contacts = || staged.values().map(|(_, contact)| contact);
    sqlx::query(sql)
        .bind(county)
        .bind(units(staged.values().map(|(unit, _)| unit)))
        .bind(docs(staged.keys()))
        .bind(contacts().map(|contact| text(&contact.happened_on)).collect::<Vec<_>>())
        .bind(contacts().map(|contact| contact.person.map(|person| person.0.to_vec())).collect::<Vec<_>>())
        .bind(contacts().map(|contact| i64::from(contact.created_by.0)).collect::<Vec<_>>())
        .bind(contacts().map(|contact| contact.received_at.0).collect::<Vec<_>>())
        .bind(contacts().map(|contact| &contact.body[..]).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await?;
    Ok(())
}
