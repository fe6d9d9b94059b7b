//! People from a CSV file with the columns of `data/demo_people.csv`.
//!
//! A person's document has an id made from the file's `person_id`, so that a second import finds it and leaves it as
//! it is. Columns without a purpose here (ethnicity, pinyin) are left behind. A line that cannot be used is named by its
//! number and a code, never by what it says.

mod line;

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use zoufang_core::document::Document;
use zoufang_core::record::{DeviceId, DocId, Entries, Kind, Patch, Timestamp, UnitId, UserId};
use zoufang_core::sync::wire::{Push, Verdict};

use crate::account::token;
use crate::crash::crash_point;
use crate::error::{Error, Result};
use crate::ingest::{Authority, ingest_within};
use crate::store::{Device, Store};
use crate::sync::segment;
use crate::units::UnitTable;

/// Documents taken in within one transaction.
const BATCH: usize = 500;

/// What is wrong with a line of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its number, the head being 1.
    pub line: u64,
    /// What is wrong.
    pub code: &'static str,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// People added.
    pub people: usize,
    /// Party memberships added.
    pub memberships: usize,
    /// Documents that were there.
    pub known: usize,
    /// Lines that could not be used.
    pub left_out: usize,
    /// What is wrong with which line; a line may be used in part.
    pub faults: Vec<Fault>,
}

/// The id of the document of a kind that belongs to a person of the file.
#[must_use]
pub fn document_id(kind: Kind, person_id: &str) -> DocId {
    if kind == Kind::Welfare {
        return document_id(Kind::Person, person_id).beside();
    }
    let hash: [u8; 32] = Sha256::digest(format!("{}:{person_id}", kind.name())).into();
    let mut id = [0; 16];
    id.copy_from_slice(&hash[..16]);
    DocId(id)
}

/// Enters the people of a file, in the name of `by`.
///
/// # Errors
/// If the file has not the columns, or the store fails; whole batches may have been entered then, and a second run goes on.
pub async fn people(store: &dyn Store, text: &str, by: UserId, now: Timestamp) -> Result<Report> {
    let table = UnitTable::read(store).await?;
    let villages: BTreeMap<&str, UnitId> =
        table.codes.iter().map(|(unit, code)| (code.as_str(), *unit)).collect();
    let device = enrol(store, by, now).await?;
    let authority = Authority { user: by, device, former: Vec::new(), scope: table.all_logs(), role: None };
    let mut report = Report::default();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let head = line::Head::of(reader.headers().map_err(|_| Error::BadRequest("csv"))?)
        .ok_or(Error::BadRequest("columns"))?;
    let mut batch = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let number = index as u64 + 2;
        let read = record.map_err(|_| "not_csv").and_then(|record| line::read(&head, &record, &villages));
        let read = match read {
            Ok(read) => read,
            Err(code) => {
                report.left_out += 1;
                report.faults.push(Fault { line: number, code });
                continue;
            }
        };
        report.faults.extend(read.faults.iter().map(|code| Fault { line: number, code }));
        let made =
            [(Kind::Person, Some(read.person)), (Kind::Party, read.party), (Kind::Welfare, read.welfare)];
        for (kind, entries) in made.into_iter().filter_map(|(kind, entries)| Some((kind, entries?))) {
            let doc = document_id(kind, &read.person_id);
            batch.push(first_change(device, by, now, doc, kind, read.unit, entries)?);
        }
        if batch.len() >= BATCH {
            enter(store, &authority, std::mem::take(&mut batch), now, &mut report).await?;
        }
    }
    enter(store, &authority, batch, now, &mut report).await?;
    for unit in store.units_with_log().await? {
        segment::seal(store, unit).await?;
    }
    Ok(report)
}

/// The first change of a document, in the name of a user of this server.
///
/// # Errors
/// If the entries do not fit the shape of the kind.
pub fn first_change(
    device: DeviceId,
    by: UserId,
    at: Timestamp,
    doc: DocId,
    kind: Kind,
    unit: UnitId,
    mut entries: Entries,
) -> Result<Push> {
    entries.put_int("created_by", Some(by.0));
    entries.put_int("created_at", Some(at.0));
    let mut random = [0; 8];
    random.copy_from_slice(&Sha256::digest(doc.0)[..8]);
    let raw = Document::new(kind).commit(device.actor(random), by, at, &Patch::from(entries));
    let raw = raw.map_err(|error| Error::Internal(Box::new(error)))?.unwrap_or_default();
    Ok(Push { doc, kind, unit, raw })
}

/// Each run of the program is a device of its own: its actors are never used again.
async fn enrol(store: &dyn Store, user: UserId, now: Timestamp) -> Result<DeviceId> {
    let id = DeviceId(token::random_u64()?);
    store
        .add_device(&Device {
            id,
            user,
            label: "import".to_owned(),
            enrolled_at: now,
            revoked_at: Some(now),
            former: Vec::new(),
        })
        .await?;
    Ok(id)
}

async fn enter(
    store: &dyn Store,
    authority: &Authority,
    batch: Vec<Push>,
    now: Timestamp,
    report: &mut Report,
) -> Result<()> {
    let mut tx = store.begin().await?;
    let (mut new, mut docs) = (Vec::new(), BTreeSet::new());
    for push in batch {
        // A file may name a person twice: the first line counts.
        if tx.document(push.doc).await?.is_some() || !docs.insert(push.doc) {
            report.known += 1;
        } else {
            new.push(push);
        }
    }
    let kinds: Vec<Kind> = new.iter().map(|push| push.kind).collect();
    let verdicts = ingest_within(tx.as_mut(), authority, new, now).await?;
    for (kind, verdict) in kinds.iter().zip(verdicts) {
        match (kind, verdict) {
            (Kind::Person, Verdict::Accepted(_)) => report.people += 1,
            (Kind::Welfare, Verdict::Accepted(_)) => {}
            (_, Verdict::Accepted(_)) => report.memberships += 1,
            (_, Verdict::Duplicate(_) | Verdict::Refused(_) | Verdict::Pending) => {
                return Err(Error::Internal(
                    format!("import of a {} refused: {verdict:?}", kind.name()).into(),
                ));
            }
        }
    }
    crash_point!("import.commit.before");
    tx.commit().await?;
    crash_point!("import.commit.after");
    Ok(())
}
