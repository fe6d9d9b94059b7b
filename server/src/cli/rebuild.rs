//! `rebuild`: rows and projections anew from the log.

use super::data::open_store;
use super::{Result, say};
use crate::config::DataFolder;
use crate::rebuild::rebuild;

pub(super) async fn run(folder: &DataFolder) -> Result<()> {
    let store = open_store(folder).await?;
    let documents = rebuild(store.as_ref()).await?;
    say(&format!("{documents} documents read"))?;
    store.close().await;
    Ok(())
}
