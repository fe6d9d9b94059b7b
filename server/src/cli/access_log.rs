//! `access-log check`: that nobody has changed the log of who saw sensitive values.

use super::data::open_store;
use super::{CliError, Result, say};
use crate::config::AccessLogCheck;
use crate::keys::key_of_hex;
use crate::readings::{self, Chain};
use crate::store::hex;

pub(super) async fn check(options: AccessLogCheck) -> Result<()> {
    let hash =
        |text: &str| key_of_hex(text).ok_or_else(|| CliError::Usage("--hash: not 64 hex digits".to_owned()));
    let noted = match (options.line, &options.hash) {
        (Some(line), Some(text)) => Some((line, *hash(text)?)),
        (None, _) | (_, None) => None,
    };
    let store = open_store(&options.folder).await?;
    let found = readings::check(store.as_ref(), noted).await?;
    store.close().await;
    match found {
        Chain::Whole(count, hash) => say(&format!(
            "{count} readings, all as they were written; the last is line {count}, {}",
            hex(&hash)
        )),
        Chain::Broken(line) => Err(CliError::Usage(format!(
            "the access log was changed: line {line} does not go on from the one before it. What is before it is as it was written. \
             Compare with a backup, and tell the privacy officer"
        ))),
        Chain::Other(line) => Err(CliError::Usage(format!(
            "the access log is not the one that was written down: line {line} is not there, or is another. Compare with a backup, and \
             tell the privacy officer"
        ))),
    }
}
