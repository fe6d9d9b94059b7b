//! `access-log check`: that nobody has changed the log of who saw sensitive values.

use super::data::open_store;
use super::{CliError, Result, say};
use crate::config::DataFolder;
use crate::readings::{self, Chain};
use crate::store::hex;

pub(super) async fn check(folder: DataFolder) -> Result<()> {
    let store = open_store(&folder).await?;
    let found = readings::check(store.as_ref()).await?;
    store.close().await;
    match found {
        Chain::Whole(count, hash) => {
            say(&format!("{count} readings, all as they were written; the last: {}", hex(&hash)))
        }
        Chain::Broken(seq) => Err(CliError::Usage(format!(
            "the access log was changed: line {seq} does not go on from the one before it. What is before it is as it was written. \
             Compare with a backup, and tell the privacy officer"
        ))),
    }
}
