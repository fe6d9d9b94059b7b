//! `record …`, `compact`, `new-epoch` and `erasures`: what an operator does to records and logs.

use zoufang_core::record::{DocId, EpochId, Timestamp};

use super::data::open_store;
use super::erased;
use super::{CliError, Result, say};
use crate::account::token;
use crate::command::{self, Long, erase, move_with_person, re_root};
use crate::config::{Compact, DataFolder, RecordCommand, RecordId};
use crate::state::system_clock;
use crate::units::UnitTable;

const DAY_MS: i64 = 86_400_000;

fn id_of(record: &RecordId) -> Result<DocId> {
    record.id.parse().map_err(|_| CliError::Usage("no such id".to_owned()))
}

pub(super) async fn run(command: RecordCommand) -> Result<()> {
    let (record, now) = match &command {
        RecordCommand::Move(it) => (&it.record, system_clock()()),
        RecordCommand::Erase(it) => (&it.record, system_clock()()),
        RecordCommand::EraseFields(it) => (&it.record, system_clock()()),
    };
    let (store, doc) = (open_store(&record.folder).await?, id_of(record)?);
    match &command {
        RecordCommand::Move(it) => {
            let table = UnitTable::read(store.as_ref()).await?;
            let to =
                table.by_code(&it.to).ok_or_else(|| CliError::Usage("no unit has this code".to_owned()))?;
            let moved = move_with_person(store.as_ref(), doc, to, |_| true, now).await?;
            say(&format!("{moved} records moved"))?;
        }
        RecordCommand::Erase(_) => {
            if store.begin().await?.document(doc).await?.is_none() {
                return Err(CliError::Usage("there is no such record; nothing was changed".to_owned()));
            }
            erased::note(&record.folder.data, doc)?;
            erase(store.as_ref(), doc, now).await?;
            say("erased; phones do so when they sync next, see `erasures`")?;
        }
        RecordCommand::EraseFields(it) => {
            let keys = it.keys.clone();
            let drops = move |key: &str| command::is_named(&keys, key);
            let (had, has) = re_root(store.as_ref(), doc, drops, &token::random_u64, now).await?;
            say(&format!("{had} changes became {has}"))?;
        }
    }
    store.close().await;
    Ok(())
}

pub(super) async fn compact(options: Compact) -> Result<()> {
    let store = open_store(&options.folder).await?;
    let now = system_clock()();
    let settled = Timestamp(now.0.saturating_sub(i64::from(options.settled_days).saturating_mul(DAY_MS)));
    let long = Long { changes_min: options.changes, unchanged_since: settled };
    let records = command::compact(store.as_ref(), long, &token::random_u64, now).await?;
    say(&format!("{records} records have a shorter history"))?;
    store.close().await;
    Ok(())
}

pub(super) async fn new_epoch(folder: DataFolder) -> Result<()> {
    let store = open_store(&folder).await?;
    store.renew_epoch(EpochId(token::random_u64()?.max(1))).await?;
    say("the log has a new epoch; phones offer again what they hold when they sync next")?;
    say("what was erased, moved or given to another user since the backup is to be done once more")?;
    store.close().await;
    Ok(())
}

pub(super) async fn erasures(folder: DataFolder) -> Result<()> {
    let store = open_store(&folder).await?;
    for erasure in store.erasures().await? {
        let waiting: Vec<String> = erasure.waiting_for.iter().map(ToString::to_string).collect();
        let state = if waiting.is_empty() {
            "read by every phone".to_owned()
        } else {
            format!("not yet read by {}", waiting.join(" "))
        };
        say(&format!("unit {} at {}: {state}", erasure.unit.unit().0, erasure.at.0))?;
    }
    store.close().await;
    Ok(())
}
