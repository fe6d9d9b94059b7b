//! What was erased, beside the data: so that a backup from before does not bring it back.
//!
//! The file holds a line for each erased record: the hash of its id, by which it is found again and which tells nothing. It belongs
//! where backups are not, as the keys do.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use zoufang_core::record::{DocId, Timestamp};

use super::{CliError, Result};
use crate::command::erase;
use crate::store::{Store, erased_key};

/// The file in the folder of the data.
pub(super) const ERASED: &str = "erased";
const BATCH: u32 = 500;

fn line_of(doc: DocId) -> String {
    hex::encode(erased_key(doc))
}

/// Writes down that a record is being erased, before it is: who restores must not miss it.
pub(super) fn note(folder: &Path, doc: DocId) -> Result<()> {
    let path = folder.join(ERASED);
    let failed = |source| CliError::Io { what: format!("write {}", path.display()), source };
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path).map_err(failed)?;
    writeln!(file, "{}", line_of(doc)).and_then(|()| file.sync_all()).map_err(failed)
}

/// Erases again what a file names; returns how many records.
pub(super) async fn erase_again(store: &dyn Store, text: &str, now: Timestamp) -> Result<usize> {
    let erased: BTreeSet<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let (mut after, mut count) = (None, 0);
    loop {
        let states = store.begin().await?.documents(after, BATCH).await?;
        let Some(last) = states.last() else { return Ok(count) };
        after = Some(last.doc);
        for state in states.iter().filter(|state| erased.contains(line_of(state.doc).as_str())) {
            erase(store, state.doc, now).await?;
            count += 1;
        }
    }
}
